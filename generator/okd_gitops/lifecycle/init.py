"""init: start a repository; nothing is overwritten, and it is there as a whole or not at all.

With a forge it is complete: sample clusters, CI, a hook, owners and a README. Its files lie in forges/, with
the word REVISION where the branch stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.check.kubeconform import DEFAULT_KUBERNETES
from okd_gitops.errors import UsageError
from okd_gitops.fleet.cluster import Environment, Purpose
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import load_catalog
from okd_gitops.fleet.schema import KINDS, schema
from okd_gitops.generate.generate import Generated, generate
from okd_gitops.lifecycle.cluster_text import ClusterValues, cluster_text
from okd_gitops.lifecycle.pinned_tool import FOLDER, pinned_tool
from okd_gitops.lifecycle.place import Place, place_of
from okd_gitops.manifests.argocd import HERE
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.system.disk import (
    CATALOG,
    FLEET,
    MAX_GENERATED,
    ROOTS,
    read_package,
    read_tree,
    scratch_folder,
    write_files,
)
from okd_gitops.system.journal import saving

_FLEET = """\
# yaml-language-server: $schema=schemas/fleet.schema.json
requires: "{version}"   # an older okd-gitops refuses this fleet
repository: {repository}   # where Argo CD reads this repository
revision: {revision}
hub: {hub}
owners: [{team}]
upstream: https://amd64.origin.releases.ci.openshift.org/graph
# Where releases are found, and where their signatures are; docs/upgrades.md of okd-gitops has the rest.
releases:
  controller: https://amd64.origin.releases.ci.openshift.org
  signatures:
    store: https://storage.googleapis.com/openshift-ci-release/releases/signatures/openshift/release
"""
_HUB, _TEAM = "hub", "platform-team"
FORGES = ("github", "gitlab")
_FORGES = Path(__file__).parent / "forges"
# Which clusters a fleet with a forge begins with, beside its hub; they run anywhere, and people replace them.
_SAMPLES = {"sample-test": Purpose.TEST, "sample-cd": Purpose.CD}
# What is called otherwise here, so that nothing takes it for a file of this repository.
_NAMES = {"gitignore": ".gitignore", "pre-commit-config.yaml": ".pre-commit-config.yaml"}
_OWNERS = {"github": ".github/CODEOWNERS", "gitlab": ".gitlab/CODEOWNERS"}
_README, _IGNORED = "README.md", ".gitignore"
# Where the first steps stand in a repository that has a README of its own.
_FIRST_STEPS = "FIRST-STEPS.md"
# What only owners may change unseen by others: which clusters there are, whom they trust, and who judges.
_OWNED = ("fleet.yaml", "clusters/", "catalog/", "requirements.txt", f"{FOLDER}/")
_OWNED_OF_FORGE = {"github": (".github/",), "gitlab": (".gitlab-ci.yml", ".gitlab/")}
# One line for the forge: generated folders are folded in a review, and their bytes are the same on every
# checkout.
_ATTRIBUTES = "".join(
    f"/{folder}/** text eol=lf linguist-generated=true gitlab-generated=true\n" for folder in sorted(ROOTS)
)


@dataclass(frozen=True, slots=True)
class Started:
    """What was written for people, and what was generated: None where those folders hold something.

    `steps` is the file that tells what to do next; empty without a forge.
    """

    files: tuple[str, ...]
    generated: Generated | None
    steps: str = ""


def init(root: Path, forge: str = "", repository: str = "", wheel: str = "") -> Started:
    """Write a new repository whose hub is a kind cluster, and generate it; git has it from now on.

    With a `forge` it has everything that a repository there needs. `repository` is its address, by default
    that of the remote, and `wheel` the okd-gitops for its CI, see `pinned_tool`. Raises UsageError when a
    file exists already, or one of these is not known, and FindingsError for an address that Argo CD does not
    take; then nothing is written. A README that is there stays, and lines of .gitignore are kept.
    """
    if (root / FLEET).exists():
        raise UsageError(f"{FLEET} exists already: this is a fleet", "okd-gitops cluster new adds a cluster")

    place = place_of(root, repository)
    files = _files(place)

    if forge:
        files |= _samples() | _of_forge(place, forge)

    steps = _FIRST_STEPS if _is_there(root, _README) else _README

    if forge:
        files[steps] = files.pop(_README)

    contents = {path: text.encode() for path, text in files.items()} | (pinned_tool(wheel) if forge else {})
    ignored = _ignored(root) if forge else {}
    _refuse_existing(root, contents.keys() - ignored.keys())
    contents |= {path: _with_lines(data, contents[path]) for path, data in ignored.items()}
    # Folders of a repository that exists already are adopted cluster by cluster.
    is_new = not any((root / folder).exists() for folder in ROOTS)

    generated, tree = _generated(root, contents) if is_new else (None, {})

    place.begin()
    with saving(root) as save:
        # All of it or nothing: a fleet that is there in part is not started again.
        save({**contents, **tree}, before=ignored)

    return Started(tuple(sorted(contents)), generated, steps if forge else "")


def _generated(root: Path, contents: Mapping[str, bytes]) -> tuple[Generated, Mapping[str, bytes]]:
    """Return what the files of people generate, made in a folder aside."""
    with scratch_folder() as aside:
        write_files(aside, {**read_tree(root, CATALOG, "clusters"), **contents})
        generated = generate(aside)

        return replace(generated, written=True), read_tree(aside, *ROOTS, max_file=MAX_GENERATED)


def _is_there(root: Path, path: str) -> bool:
    return (root / path).exists() or (root / path).is_symlink()


def _ignored(root: Path) -> Mapping[str, bytes]:
    """Return the .gitignore that forges write into a new repository, by its path, if there is one."""
    return read_tree(root, _IGNORED)


def _with_lines(data: bytes, more: bytes) -> bytes:
    """Return a text with those lines of another one that it does not have."""
    lines = data.splitlines()
    added = [line for line in more.splitlines() if line not in lines]

    return b"".join(line + b"\n" for line in (*lines, *added))


def _refuse_existing(root: Path, files: Iterable[str]) -> None:
    existing = sorted(path for path in files if _is_there(root, path))

    if existing:
        listed = ", ".join(existing)
        raise UsageError(
            f"{listed} exists already, and init would write it",
            f"git mv or mv {' '.join(existing)} away, run the same again, and bring back what you need of it",
        )


def _files(place: Place) -> dict[str, str]:
    catalog = load_catalog(place.root)
    fleet = _FLEET.format(
        version=__version__, repository=place.repository, revision=place.branch, hub=_HUB, team=_TEAM
    )
    _refuse_unreadable(fleet)

    return {
        **{f"schemas/{kind}.schema.json": schema(kind, catalog) for kind in KINDS},
        FLEET: fleet,
        # Argo CD runs there, and calls its own cluster so.
        f"clusters/{_HUB}.yaml": _kind_cluster(Purpose.HUB, server=HERE),
        ".gitattributes": _ATTRIBUTES,
    }


def _refuse_unreadable(fleet: str) -> None:
    """Raise FindingsError where an address or a branch is none that fleet.yaml may have."""
    parse(FleetSpec, read(FLEET, fleet.encode()))


def _samples() -> dict[str, str]:
    return {f"clusters/{name}.yaml": _kind_cluster(purpose) for name, purpose in _SAMPLES.items()}


def _kind_cluster(purpose: Purpose, server: str = "") -> str:
    return cluster_text(
        ClusterValues(
            purpose=purpose, environment=Environment.KIND, server=server, kubernetes=DEFAULT_KUBERNETES
        )
    )


def _of_forge(place: Place, forge: str) -> dict[str, str]:
    """Return the files that a repository on a forge has beside its fleet."""
    files = {**read_package(_FORGES / "common"), **read_package(_FORGES / forge)}
    texts = {_NAMES.get(path, path): data.decode() for path, data in files.items()}
    filled = {path: text.replace("REVISION", place.branch) for path, text in texts.items()}

    return {**filled, _OWNERS[forge]: _owners(place.repository, forge)}


def _owners(repository: str, forge: str) -> str:
    """Return the file by which a forge asks the owners of fleet.yaml for their review."""
    path = repository.partition("://")[2].partition("/")[2]
    organization = path.rpartition("/")[0]
    team = f"@{organization}/{_TEAM}" if organization else f"@{_TEAM}"
    lines = "".join(f"/{owned} {team}\n" for owned in (*_OWNED, *_OWNED_OF_FORGE[forge]))

    head = "# The team of `owners:` in fleet.yaml. Generated folders follow from these, and need no owner.\n"

    return head + lines
