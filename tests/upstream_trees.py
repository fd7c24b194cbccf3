"""Print what clones of the repositories of CoreOS and of operators say about what scripts name.

    make upstream-facts SOURCE=CLONE >tests/catalog/upstream/NAME.yaml

What a branch of openshift/os builds, its files, arguments, images and ids of repositories; the variants of
the base; the commands and options of coreos-assembler. Only facts are printed, never the repositories' code.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

import upstream_operators
from clones import ChangedError, Clone

_RELEASE = re.compile(r"release-([0-9]+)\.([0-9]+)")
_ID = re.compile(r"^\[([A-Za-z0-9._-]+)\]$", re.MULTILINE)
_OPTION = re.compile(r"--([a-z][a-z0-9-]+)")
_FROM = re.compile(r"^FROM (\S+)", re.MULTILINE)
_ARGUMENT = re.compile(r"^ARG ([A-Za-z_]+)", re.MULTILINE)
_SECRET = re.compile(r"--mount=type=secret,id=(\w+),target=(\S+)")
_RENAMED = re.compile(r"/\\\[([a-z0-9.-]+)\\\]/\{p=1\}")
_PACKAGES = re.compile(r"\b(?:openshift|ose)-[a-z-]+[a-z]")
_CONTAINERFILES = ("Containerfile", "extensions/Containerfile", "extensions/Dockerfile")
# Of coreos-assembler: what the scripts of scos-pipeline call.
_COMMANDS = (
    "init",
    "fetch",
    "build",
    "build-extensions-container",
    "buildfetch",
    "buildupload",
    "generate-release-meta",
    "basearch",
    "kola",
    "osbuild",
    "buildextend-live",
    "buildextend-metal",
    "buildextend-metal4k",
    "buildextend-openstack",
    "buildextend-qemu",
)
# What its image is used for by other pipelines, if the package is installed.
_TOOLS = {"buildah", "git", "golang", "jq", "kustomize", "make", "podman", "skopeo", "yq"}
_PACKAGE_LISTS = ("src/deps.txt", "src/build-deps.txt")
_OSVERSIONS = {"c9s": "centos-9", "c10s": "centos-10"}


@dataclass(frozen=True)
class Tree:
    """The files of one commit of a clone."""

    clone: Clone
    commit: str

    def names(self) -> list[str]:
        """Return the paths of all files."""
        return self.clone.git("ls-tree", "-r", "--name-only", self.commit).splitlines()

    def text(self, path: str) -> str:
        """Return a file; raises ChangedError when it is not there."""
        return self.clone.git("show", f"{self.commit}:{path}")


def operating_system(tree: Tree) -> dict[str, Any]:
    """Return the facts of a branch of openshift/os."""
    names = tree.names()
    layered = "build-node-image.sh" in names
    containerfiles = [name for name in _CONTAINERFILES if name in names]

    return {
        "minor": _layered_minor(tree) if layered else _single_minor(tree, names),
        "files": [name for name in names if _is_named_by_scripts(name)],
        "arguments": {name: _ARGUMENT.findall(tree.text(name)) for name in containerfiles},
        "values": {name: _values(tree.text(name)) for name in names if name.startswith("build-args-")},
        "images": {name: _images(tree.text(name)) for name in containerfiles},
        "secrets": {name: sorted(set(_SECRET.findall(tree.text(name)))) for name in containerfiles},
        "public": sorted({id_ for name in names if _is_repo(name) for id_ in _ID.findall(tree.text(name))}),
        "wanted": _layered_ids(tree) if layered else _single_ids(tree, names),
        "renamed": _RENAMED.findall(tree.text("build-node-image.sh")) if layered else [],
        "packages": _packages(tree.text("packages-openshift.yaml")),
    }


def base(tree: Tree) -> dict[str, Any]:
    """Return the facts of a branch of rhel-coreos-config: files of the variants and their repositories."""
    names = tree.names()
    pattern = re.compile(r"(manifest|image)-(okd-)?c[0-9]+s\.yaml|build-args-c[0-9]+s\.conf|Containerfile")
    manifests = [name for name in names if re.fullmatch(r"manifest-c[0-9]+s\.yaml", name)]

    return {
        "files": [name for name in names if pattern.fullmatch(name)],
        "public": sorted({id_ for name in names if _is_repo(name) for id_ in _ID.findall(tree.text(name))}),
        "wanted": {_variant(name): yaml.safe_load(tree.text(name))["repos"] for name in manifests},
    }


def assembler(tree: Tree) -> dict[str, Any]:
    """Return the facts of a branch of coreos-assembler: the commands of the scripts with their options."""
    names = set(tree.names())
    in_go = set(re.findall(r'"([a-z0-9-]+)"', tree.text("cmd/coreos-assembler.go")))
    commands: dict[str, Any] = {}

    for command in _COMMANDS:
        if f"src/cmd-{command}" in names:
            commands[command] = _options(tree.text(f"src/cmd-{command}"))
        elif command in in_go:
            commands[command] = []

    sources = [name for name in sorted(names) if re.fullmatch(r"mantle/cmd/kola/(kola|options)\.go", name)]
    flags = {flag for name in sources for flag in re.findall(r'"([a-z][a-z0-9-]+)", ', tree.text(name))}
    osbuild = tree.text("src/cmd-osbuild") if "src/cmd-osbuild" in names else ""
    platforms = re.findall(r"^    \['([a-z0-9-]+)'\]='", osbuild, re.MULTILINE)

    tools = {line.strip() for name in _PACKAGE_LISTS for line in tree.text(name).split()}
    return {
        "commands": commands,
        "kola": sorted(flags),
        "platforms": platforms,
        "tools": sorted(tools & _TOOLS),
    }


def _options(script: str) -> list[str]:
    """Return the long options of a command, as its help, argparse or getopt names them."""
    listed = [name for names in re.findall(r"--longoptions (\S+)", script) for name in names.split(",")]
    return sorted({*_OPTION.findall(script), *(name.rstrip(":") for name in listed)} - {"longoptions", ""})


@dataclass(frozen=True)
class Repository:
    """A repository: a file that only it has, its branches besides `release-*`, and how a branch is read."""

    name: str
    marker: str
    branches: tuple[str, ...]
    read: Callable[[Tree], dict[str, Any]]
    has_releases: bool = False


REPOSITORIES = (
    Repository("openshift/os", "packages-openshift.yaml", ("master",), operating_system, has_releases=True),
    Repository("coreos/rhel-coreos-config", "packages-rhcos.yaml", ("main",), base),
    Repository(
        "coreos/coreos-assembler",
        "src/cmdlib.sh",
        ("main", "rhcos-4.16", "rhcos-4.17", "rhcos-4.18"),
        assembler,
    ),
    Repository(
        "okd-project/okd-operator-pipeline",
        "common.sh",
        ("main", "old-main", "release-4.20", "release-4.21"),
        upstream_operators.builds,
    ),
    Repository(
        "okd-project/okderators-catalog-index",
        "catalog/lvms-operator/lvms-operator.yaml",
        ("main",),
        upstream_operators.packages,
    ),
    Repository("cgwalters/kvm-device-plugin", "cmd/kvm/kvm.go", ("master",), upstream_operators.plugin),
)

NAMES = [repository.name for repository in REPOSITORIES]


def repository_of(clone: Clone) -> Repository | None:
    """Return which of the repositories a clone is of."""
    names = set(clone.git("ls-tree", "-r", "--name-only", "HEAD").splitlines())
    return next((repository for repository in REPOSITORIES if repository.marker in names), None)


def record(clone: Clone, repository: Repository) -> dict[str, Any]:
    """Return what a clone says, by branch; raises ChangedError with all that it does not say any more."""
    branches: dict[str, Any] = {}
    changes: list[str] = []

    for branch in _branches(clone, repository):
        try:
            commit = clone.commit(branch)
            facts = repository.read(Tree(clone, commit))
        except (ChangedError, KeyError) as error:
            changes.append(f"{repository.name} {branch}: {error}")
            continue

        day = clone.git("show", "--no-patch", "--format=%cs", commit).strip()
        branches[branch] = {"commit": commit, "day": day, "facts": facts}

    if changes:
        raise ChangedError("\n".join(changes))
    return {"repository": repository.name, "branches": branches}


def _branches(clone: Clone, repository: Repository) -> list[str]:
    """Return the branches of a repository that are read: releases from 4.16 on, in their order."""
    if not repository.has_releases:
        return list(repository.branches)

    refs = clone.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes/origin")
    matches = [_RELEASE.fullmatch(ref.rpartition("/")[2]) for ref in refs.splitlines()]
    minors = sorted({(int(match[1]), int(match[2])) for match in matches if match})

    releases = [f"release-{major}.{minor}" for major, minor in minors if (major, minor) >= (4, 16)]
    return [*releases, *repository.branches]


def _is_named_by_scripts(name: str) -> bool:
    named = {*_CONTAINERFILES, "packages-openshift.yaml"}
    variant = re.fullmatch(r"(manifest|image|extensions)-(okd-)?c[0-9]+s\.yaml", name)
    return name in named or bool(variant) or name.startswith("build-args-")


def _is_repo(name: str) -> bool:
    return name.endswith(".repo") and "/" not in name


def _variant(manifest: str) -> str:
    return manifest.removeprefix("manifest-").removesuffix(".yaml")


def _layered_minor(tree: Tree) -> str:
    return str(yaml.safe_load(tree.text("packages-openshift.yaml"))["metadata"]["ocp_version"])


def _single_minor(tree: Tree, names: list[str]) -> str:
    """Return the minor that the manifest of OKD's variant writes into the operating system."""
    manifest = "manifest-okd-c9s.yaml" if "manifest-okd-c9s.yaml" in names else "manifest-c9s.yaml"
    return str(yaml.safe_load(tree.text(manifest))["mutate-os-release"])


def _layered_ids(tree: Tree) -> dict[str, list[str]]:
    """Return the repositories of each variant, by the version of the operating system that asks for them."""
    rules = yaml.safe_load(tree.text("packages-openshift.yaml"))["conditional-include"]
    by_version = {
        str(rule["if"]).removeprefix('osversion == "').removesuffix('"'): rule["include"]["repos"]
        for rule in rules
        if isinstance(rule["if"], str)
    }
    return {variant: by_version[version] for variant, version in _OSVERSIONS.items() if version in by_version}


def _single_ids(tree: Tree, names: list[str]) -> dict[str, list[str]]:
    manifests = [name for name in names if re.fullmatch(r"manifest-(okd-)?c9s\.yaml", name)]
    return {_variant(name): yaml.safe_load(tree.text(name))["repos"] for name in manifests}


def _images(text: str) -> list[str]:
    """Return the images of FROM that are not stages of the same file."""
    stages = set(re.findall(r"^FROM \S+ [Aa][Ss] (\S+)", text, re.MULTILINE))
    return [image for image in _FROM.findall(text) if image not in stages]


def _values(text: str) -> Mapping[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def _packages(text: str) -> list[str]:
    wanted = " ".join(yaml.safe_load(text)["packages"])
    return sorted(set(_PACKAGES.findall(wanted)))
