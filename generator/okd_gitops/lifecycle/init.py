"""init: start a repository; nothing is overwritten.

With a forge it is complete: sample clusters, CI, a hook, owners and a README. Its files lie in forges/, with
the words VERSION and REVISION where those stand.
"""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.check.check import DEFAULT_KUBERNETES
from okd_gitops.errors import UsageError
from okd_gitops.fleet.cluster import Environment, Purpose
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import load_catalog
from okd_gitops.fleet.schema import KINDS, schema
from okd_gitops.lifecycle.cluster_text import ClusterValues, cluster_text
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.system.disk import FLEET, read_package
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
_HUB, _TEAM, _REVISION = "hub", "platform-team", "main"
_EXAMPLE = "https://github.com/EXAMPLE/fleet.git"
FORGES = ("github", "gitlab")
_FORGES = Path(__file__).parent / "forges"
# Which clusters a fleet with a forge begins with, beside its hub; they run anywhere, and people replace them.
_SAMPLES = {"sample-test": Purpose.TEST, "sample-cd": Purpose.CD}
# What is called otherwise here, so that nothing takes it for a file of this repository.
_NAMES = {"gitignore": ".gitignore", "pre-commit-config.yaml": ".pre-commit-config.yaml"}
_OWNERS = {"github": ".github/CODEOWNERS", "gitlab": ".gitlab/CODEOWNERS"}
# What only owners may change unseen by others: which clusters there are, whom they trust, and who judges.
_OWNED = ("/fleet.yaml", "/clusters/", "/catalog/", "/requirements.txt", "/.github/", "/.gitlab-ci.yml")
# One line for the forge: generated folders are folded in a review, and their bytes are the same on every
# checkout.
_ATTRIBUTES = "".join(
    f"/{folder}/** text eol=lf linguist-generated=true gitlab-generated=true\n"
    for folder in ("argocd", "bases", "overlays")
)


def init(root: Path, forge: str = "", repository: str = "") -> list[str]:
    """Write the files of a new repository, whose hub is a kind cluster, and return their paths.

    With a `forge` it has everything that a repository there needs; `repository` is its address. Raises
    UsageError when a file exists already, or for an address that Argo CD does not take; then nothing is
    written.
    """
    files = _files(root, repository or _EXAMPLE)

    if forge:
        files |= _samples() | _of_forge(forge, repository or _EXAMPLE)

    _refuse_existing(root, files)

    with saving(root) as save:
        save({path: content.encode() for path, content in files.items()})

    return sorted(files)


def _refuse_existing(root: Path, files: Iterable[str]) -> None:
    existing = [path for path in files if (root / path).exists() or (root / path).is_symlink()]
    if existing:
        raise UsageError(f"{', '.join(existing)} exists already", "okd-gitops cluster new adds a cluster")


def _files(root: Path, repository: str) -> dict[str, str]:
    catalog = load_catalog(root)
    fleet = _FLEET.format(
        version=__version__, repository=repository, revision=_REVISION, hub=_HUB, team=_TEAM
    )
    _refuse_unreadable(fleet)

    return {
        **{f"schemas/{kind}.schema.json": schema(kind, catalog) for kind in KINDS},
        FLEET: fleet,
        f"clusters/{_HUB}.yaml": _kind_cluster(Purpose.HUB),
        ".gitattributes": _ATTRIBUTES,
    }


def _refuse_unreadable(fleet: str) -> None:
    """Raise FindingsError where an address is none that fleet.yaml may have."""
    parse(FleetSpec, read(FLEET, fleet.encode()))


def _samples() -> dict[str, str]:
    return {f"clusters/{name}.yaml": _kind_cluster(purpose) for name, purpose in _SAMPLES.items()}


def _kind_cluster(purpose: Purpose) -> str:
    return cluster_text(
        ClusterValues(purpose=purpose, environment=Environment.KIND, kubernetes=DEFAULT_KUBERNETES)
    )


def _of_forge(forge: str, repository: str) -> dict[str, str]:
    """Return the files that a repository on a forge has beside its fleet."""
    files = {**read_package(_FORGES / "common"), **read_package(_FORGES / forge)}
    texts = {_NAMES.get(path, path): data.decode() for path, data in files.items()}
    filled = {
        path: text.replace("VERSION", __version__).replace("REVISION", _REVISION)
        for path, text in texts.items()
    }

    return {**filled, _OWNERS[forge]: _owners(repository)}


def _owners(repository: str) -> str:
    """Return the file by which a forge asks the owners of fleet.yaml for their review."""
    path = repository.partition("://")[2].partition("/")[2]
    organization = path.rpartition("/")[0] or "EXAMPLE"
    lines = "".join(f"{owned} @{organization}/{_TEAM}\n" for owned in _OWNED)

    head = "# The team of `owners:` in fleet.yaml. Generated folders follow from these, and need no owner.\n"

    return head + lines
