"""Plan and render a fleet of a hub and one cluster `x`, with the small catalog."""

from okd_gitops.fleet.cluster import ClusterFile, parse_cluster
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import Fleet, fleet_of
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import Plan, plan
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.tree import Tree
from small_catalog import CATALOG

FLEET = (
    b"repository: https://git.example.org/fleet.git\n"
    b"hub: hub\n"
    b"owners: [ops]\n"
    b"upstream: https://graph.example.org/graph\n"
)
RELEASE = """\
server: https://api.example.org:6443
clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926
release:
  channel: stable-scos-4
  version: 4.22.0-okd-scos.0
  image: registry.example.org/release@sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f
"""
BUILD = f"purpose: test\n{RELEASE}features:\n  build:\n    lines:\n    - minor: "


def cluster(name: str, text: str, extras: dict[str, bytes] | None = None) -> ClusterFile:
    return parse_cluster(name, read(f"clusters/{name}.yaml", text.encode()), Tree(extras or {}))


def fleet(*clusters: ClusterFile) -> Fleet:
    document = read("fleet.yaml", FLEET)
    catalog = load_catalog(Tree({path: text.encode() for path, text in CATALOG.items()}))
    return fleet_of(parse(FleetSpec, document), document, clusters, catalog)


def planned(*clusters: ClusterFile) -> Plan:
    return plan(fleet(*clusters))


def rendered(text: str, extras: dict[str, bytes] | None = None) -> Tree:
    return render(planned(cluster("hub", f"purpose: hub\n{RELEASE}"), cluster("x", text, extras)))
