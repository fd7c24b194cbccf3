"""init: start a repository; nothing is overwritten."""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops.check.check import DEFAULT_KUBERNETES
from okd_gitops.errors import UsageError
from okd_gitops.fleet.cluster import Environment, Purpose
from okd_gitops.fleet.load import load_catalog
from okd_gitops.fleet.schema import KINDS, schema
from okd_gitops.lifecycle.cluster_text import ClusterValues, cluster_text
from okd_gitops.system.disk import FLEET
from okd_gitops.system.journal import saving

_FLEET = """\
# yaml-language-server: $schema=schemas/fleet.schema.json
repository: https://github.com/EXAMPLE/fleet.git   # where Argo CD reads this repository
revision: main
hub: {hub}
owners: [platform-team]
upstream: https://amd64.origin.releases.ci.openshift.org/graph
# Where releases are found, and where their signatures are; docs/upgrades.md of okd-gitops has the rest.
releases:
  controller: https://amd64.origin.releases.ci.openshift.org
  signatures:
    store: https://storage.googleapis.com/openshift-ci-release/releases/signatures/openshift/release
"""
_HUB = "hub"
# One line for the forge: generated folders are folded in a review, and their bytes are the same on every
# checkout.
_ATTRIBUTES = "".join(
    f"/{folder}/** text eol=lf linguist-generated=true gitlab-generated=true\n"
    for folder in ("argocd", "bases", "overlays")
)


def init(root: Path) -> list[str]:
    """Write the files of a new repository, whose hub is a kind cluster, and return their paths.

    Raises UsageError when a file exists already; then nothing is written.
    """
    files = _files(root)
    _refuse_existing(root, files)

    with saving(root) as save:
        save({path: content.encode() for path, content in files.items()})

    return sorted(files)


def _refuse_existing(root: Path, files: Iterable[str]) -> None:
    existing = [path for path in files if (root / path).exists() or (root / path).is_symlink()]
    if existing:
        raise UsageError(f"{', '.join(existing)} exists already", "okd-gitops cluster new adds a cluster")


def _files(root: Path) -> dict[str, str]:
    catalog = load_catalog(root)
    hub = ClusterValues(purpose=Purpose.HUB, environment=Environment.KIND, kubernetes=DEFAULT_KUBERNETES)

    return {
        **{f"schemas/{kind}.schema.json": schema(kind, catalog) for kind in KINDS},
        FLEET: _FLEET.format(hub=_HUB),
        f"clusters/{_HUB}.yaml": cluster_text(hub),
        ".gitattributes": _ATTRIBUTES,
    }
