"""The clusters that a repository of others is about, as it says itself, and which overlay belongs to which.

An overlay is that of the cluster to which its Applications write, or else of the one that its folder is named
for, beside those of others.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from okd_gitops.check.rule import Overlay, Repository
from okd_gitops.manifests.argocd import IN_CLUSTER
from okd_gitops.manifests.objects import at

# The folders in which each folder is a cluster, an environment or a site.
_FAMILIES = re.compile(r"clusters?|sites?|overlays?|environments?|envs?|fleet|regions?|tenants?")
# Folders beside those of clusters that are no cluster, and labels of names in every DNS zone.
NO_CLUSTER = re.compile(
    r"(?i)[._].*|base.*|common.*|shared.*|default|all|components?|.*(template|example|sample).*"
)
_EVERYWHERE = frozenset(
    ["api", "api-int", "apps", "cluster", "com", "io", "local", "localhost", "net", "org", "svc", "www"]
)
# An overlay with one of these speaks of other clusters, as that of a hub.
_SPEAKS_OF_OTHERS = (
    "Application",
    "ApplicationSet",
    "AppProject",
    "ClusterDeployment",
    "HostedCluster",
    "ManagedCluster",
    "Placement",
    "PlacementRule",
    "Policy",
)
_FEWEST = 2


def overlays_of_clusters(repository: Repository) -> list[tuple[Overlay, str]]:
    """Return the overlays that belong to one cluster each, with its name; none where there are no two."""
    named = {overlay.name: _by_folder(overlay.folder) for overlay in repository.overlays}
    families: dict[str, set[str]] = {}
    for place in named.values():
        if place:
            families.setdefault(place[0], set()).add(place[1])

    found: list[tuple[Overlay, str]] = []
    for overlay in repository.overlays:
        parent, by_folder = named[overlay.name] or ("", "")
        is_family = len(families.get(parent, ())) >= _FEWEST
        destinations = set(_destinations(overlay, repository))
        name = destinations.pop() if len(destinations) == 1 else ""
        name = name or (by_folder if is_family and not destinations else "")

        if name and name not in _EVERYWHERE and not _speaks_of_others(overlay):
            found.append((overlay, name))

    return found if len({name for _, name in found}) >= _FEWEST else []


def zone_of_server(server: str) -> str:
    """Return the zone of a cluster from the address of its API, https://api.NAME.ZONE:6443, or nothing."""
    try:
        host = urlsplit(server).hostname or ""
    except ValueError:
        return ""
    head, _, zone = host.partition(".")
    return zone if head in ("api", "api-int") and "." in zone else ""


def _by_folder(folder: str) -> tuple[str, str] | None:
    """Return the folder of a family with what follows the cluster, and the cluster that a path names."""
    steps = folder.split("/")
    for index in range(len(steps) - 1, 0, -1):
        if _FAMILIES.fullmatch(steps[index - 1]) and not NO_CLUSTER.fullmatch(steps[index]):
            return "/".join([*steps[:index], "", *steps[index + 1 :]]), steps[index]
    return None


def _destinations(overlay: Overlay, repository: Repository) -> Iterator[str]:
    for application in repository.synced.get(overlay.folder, ()):
        destination: Mapping[str, object] = at(application, "spec", "destination") or {}
        name, server = str(at(destination, "name") or ""), str(at(destination, "server") or "")
        if name and name != IN_CLUSTER and "{{" not in name:
            yield name
        elif zone_of_server(server):
            yield zone_of_server(server).partition(".")[0]


def _speaks_of_others(overlay: Overlay) -> bool:
    return any(value.get("kind") in _SPEAKS_OF_OTHERS for value in overlay.objects)
