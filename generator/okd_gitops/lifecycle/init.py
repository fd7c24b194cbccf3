"""init: start a repository, or add a cluster file to one; never overwrites."""

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
server: https://api.{name}.example.org:6443
clusterID: FILL-IN   # oc get clusterversion version -o jsonpath='{{.spec.clusterID}}'
{expires}release:
  channel: stable-scos-4
  version: FILL-IN   # like 4.22.0-okd-scos.0
  image: FILL-IN     # oc adm release info VERSION: name@sha256:…
"""
# One line for the forge: generated folders are folded in a review, and their bytes are the same on every
# checkout.
_ATTRIBUTES = "".join(
    f"/{folder}/** text eol=lf linguist-generated=true gitlab-generated=true\n"
    for folder in ("argocd", "bases", "overlays")
)


def init(root: Path, *, cluster: str = "", purpose: str = "hub", environment: str = "kind") -> list[str]:
    """Write the files of a new repository, or (with `cluster`) one more cluster file; returns the paths
    written.

    Raises UsageError when a file is there already or the name is not valid; then nothing is written.
    """
    name = cluster or "hub"
    fault = name_fault(name)
    if fault:
        raise UsageError(
            fault, "lower-case letters, digits and dashes, beginning with a letter, like moc-test"
        )
    text = _OKD if environment == "okd" else _KUBERNETES
    expires = "expires: FILL-IN   # the day it goes, YYYY-MM-DD\n" if purpose == "ephemeral" else ""
    files = {
        f"clusters/{name}.yaml": text.format(
            name=name, purpose=purpose, environment=environment, expires=expires
        )
    }
    if not cluster:
        catalog = load_catalog(root)
        files |= {f"schemas/{kind}.schema.json": schema(kind, catalog) for kind in KINDS}
        files |= {FLEET: _FLEET.format(hub=name), ".gitattributes": _ATTRIBUTES}
    elif not (root / FLEET).is_file():
        raise UsageError(f"there is no {FLEET} here", "okd-gitops init starts a repository")
    there = [path for path in files if (root / path).exists() or (root / path).is_symlink()]
    if there:
        raise UsageError(f"{', '.join(there)} is there already", "edit it, or choose another name")
    with saving(root) as save:
        save({path: content.encode() for path, content in files.items()})
    return sorted(files)
