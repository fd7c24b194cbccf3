"""Cluster files, and parts of them, that tests of several packages use."""

from okd_gitops.fleet.cluster import Cluster, parse_cluster
from okd_gitops.fleet.load import load_catalog
from okd_gitops.manifests.read import read
from okd_gitops.tree import Tree

_IMAGE = "registry.ci.openshift.org/origin/release-scos"
_DIGEST = "sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
DEMO = f"""\
purpose: test
server: https://api.demo.example.org:6443
clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a7d927
release:
  channel: stable-scos-4
  version: 4.22.0-okd-scos.0
  image: {_IMAGE}@{_DIGEST}
"""
OS_LAYER_BUILDS = """\
  os-layer:
    builds:
    - pool: infra
      push-to: registry.example.org/layered:infra
      containerfile: |
        FROM configs AS final
        RUN rpm-ostree install usbutils && \\
            ostree container commit
"""


def cluster_of_text(name: str, text: str) -> Cluster:
    """Return the cluster of a file, with what its purpose says."""
    file = parse_cluster(name, read(f"clusters/{name}.yaml", text.encode()), Tree())
    purpose = load_catalog(None).purposes[str(file.spec.purpose)]
    return Cluster(
        name=file.name,
        spec=file.spec,
        document=file.document,
        extras=file.extras,
        purpose=purpose,
        wave=purpose.wave,
        owners=("ops",),
    )
