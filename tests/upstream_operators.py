"""Read what clones of the repositories of operators tell about what operator-pipeline and
kvm-device-plugin rely on.

The folders of okd-operator-pipeline with what build.sh calls, and the make targets of its older form; the
packages of the catalog; whether the plug-in has what a Go of today builds it by.
"""

import re
from typing import Any, Protocol

import yaml

from clones import ChangedError

_DEFAULT = re.compile(r"^([A-Z_]+)=\$\{\1:-", re.MULTILINE)
_STEP = re.compile(r"declare -f ([a-z_]+) >")
_RELEASE = re.compile(r'^OKD_VERSION=\$\{OKD_VERSION:-"([^"]+)"\}', re.MULTILINE)
_PODMAN = re.compile(r"\bpodman ([a-z]+) +[-\"'$]")
_MODULE = re.compile(r"^ *submodule_initialize +([\w-]+)", re.MULTILINE)
_BUNDLE = re.compile(r'^(?:export )?IMG_BUNDLE\w*="?\$\{REGISTRY\}/([a-z0-9-]+):', re.MULTILINE)
_TARGET = re.compile(r"^\+(okd-[a-z-]+):", re.MULTILINE)
_CALLED = re.compile(r"^ *make (okd-[a-z]+)", re.MULTILINE)
_MAKE_TASK = "base/tekton.dev/tasks/make-operator.yaml"


class Files(Protocol):
    """The files of one commit."""

    def names(self) -> list[str]:
        """Return the paths of all files."""

    def text(self, path: str) -> str:
        """Return a file."""


def builds(tree: Files) -> dict[str, Any]:
    """Return the facts of a branch of okd-operator-pipeline, in the form in which it builds."""
    names = tree.names()
    if "common.sh" in names:
        return _by_script(tree, names)
    if _MAKE_TASK in names:
        return _by_make(tree, names)
    raise ChangedError(f"there is neither common.sh nor {_MAKE_TASK}")


def packages(tree: Files) -> dict[str, Any]:
    """Return the facts of the catalog: its packages, each with a file of its name in a folder of its name."""
    found = sorted(
        {name.split("/")[1] for name in tree.names() if re.fullmatch(r"catalog/([a-z0-9-]+)/\1\.yaml", name)}
    )
    if not found:
        raise ChangedError("there is no catalog/PACKAGE/PACKAGE.yaml")
    return {"packages": found}


def plugin(tree: Files) -> dict[str, Any]:
    """Return the facts of kvm-device-plugin: where its program is, and whether it is a module of Go."""
    names = tree.names()
    return {
        "programs": [name for name in names if re.fullmatch(r"cmd/[a-z/]+\.go", name)],
        "module": "go.mod" in names,
    }


def _by_script(tree: Files, names: list[str]) -> dict[str, Any]:
    common = tree.text("common.sh")
    release = _RELEASE.search(common)
    if not release:
        raise ChangedError("common.sh names no OKD_VERSION")

    folders = sorted(
        name.removesuffix("/build.sh") for name in names if re.fullmatch(r"[^/]+/build\.sh", name)
    )
    scripts = {folder: tree.text(f"{folder}/build.sh") for folder in folders}
    called = {command for text in (common, *scripts.values()) for command in _PODMAN.findall(text)}

    return {
        "release": release[1],
        "settings": sorted(set(_DEFAULT.findall(common))),
        "steps": list(dict.fromkeys(_STEP.findall(common))),
        "podman": sorted(called),
        "folders": {folder: _folder(text) for folder, text in scripts.items()},
    }


def _folder(script: str) -> dict[str, Any]:
    return {"sources": sorted(set(_MODULE.findall(script))), "bundles": sorted(set(_BUNDLE.findall(script)))}


def _by_make(tree: Files, names: list[str]) -> dict[str, Any]:
    task = yaml.safe_load(tree.text(_MAKE_TASK))["spec"]
    called = [target for step in task["steps"] for target in _CALLED.findall(step["script"])]
    patches = [name for name in names if name.endswith("/0001-OKDify.patch")]
    folder = "base/tekton.dev/repositories/"

    return {
        "targets": called,
        "environment": [item["name"] for item in task["stepTemplate"]["env"]],
        "patches": {
            name.removeprefix(folder).removesuffix("/0001-OKDify.patch"): sorted(
                set(_TARGET.findall(tree.text(name)))
            )
            for name in patches
        },
    }
