"""init: start a repository, or add a cluster file to one; nothing is overwritten."""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.fleet.load import load_catalog
from okd_gitops.fleet.names import name_fault
from okd_gitops.fleet.schema import KINDS, schema
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
_KUBERNETES = """\
# yaml-language-server: $schema=../schemas/cluster.schema.json
purpose: {purpose}
environment: {environment}
kubernetes: "1.35"
"""
_OKD = """\
# yaml-language-server: $schema=../schemas/cluster.schema.json
purpose: {purpose}
server: FILL-IN      # oc whoami --show-server
clusterID: FILL-IN   # oc get clusterversion version -o jsonpath='{{.spec.clusterID}}'
{expires}release:
  channel: stable-scos-4
  version: FILL-IN   # like 4.22.0-okd-scos.0
  image: FILL-IN     # oc adm release info VERSION: name@sha256:…
"""
_EXPIRES = "expires: FILL-IN   # the day on which it is removed, YYYY-MM-DD\n"
# One line for the forge: generated folders are folded in a review, and their bytes are the same on every
# checkout.
_ATTRIBUTES = "".join(
    f"/{folder}/** text eol=lf linguist-generated=true gitlab-generated=true\n"
    for folder in ("argocd", "bases", "overlays")
)


def init(root: Path, *, cluster: str = "", purpose: str = "hub", environment: str = "kind") -> list[str]:
    """Write the files of a new repository, or with `cluster` one more cluster file; return their paths.

    Raises UsageError when a file exists already or the name is not valid; then nothing is written.
    """
    name = cluster or "hub"
    fault = name_fault(name)
    if fault:
        raise UsageError(fault, "use lower-case letters, digits and dashes, beginning with a letter")
    if cluster and not (root / FLEET).is_file():
        raise UsageError(f"there is no {FLEET} here", "okd-gitops init starts a repository")

    files = {f"clusters/{name}.yaml": _cluster_file(name, purpose, environment)}
    if not cluster:
        files |= _repository_files(root, hub=name)

    _refuse_existing(root, files)
    with saving(root) as save:
        save({path: content.encode() for path, content in files.items()})
    return sorted(files)


def _refuse_existing(root: Path, files: Iterable[str]) -> None:
    existing = [path for path in files if (root / path).exists() or (root / path).is_symlink()]
    if existing:
        raise UsageError(f"{', '.join(existing)} exists already", "edit it, or choose another name")


def _cluster_file(name: str, purpose: str, environment: str) -> str:
    template = _OKD if environment == "okd" else _KUBERNETES
    expires = _EXPIRES if purpose == "ephemeral" else ""
    return template.format(name=name, purpose=purpose, environment=environment, expires=expires)


def _repository_files(root: Path, *, hub: str) -> dict[str, str]:
    catalog = load_catalog(root)
    schemas = {f"schemas/{kind}.schema.json": schema(kind, catalog) for kind in KINDS}
    return {**schemas, FLEET: _FLEET.format(hub=hub), ".gitattributes": _ATTRIBUTES}
