"""Clusters that the hub has of a repository, and that repository does not: what a removal has left over."""

from collections.abc import Iterator
from dataclasses import dataclass

from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.providers import CLUSTER, GUESTS, PROJECT
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.redaction import one_line
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http

# Where providers have their clusters (lifecycle/provider_apis.py); a hub may have one of them alone.
_LISTS = (
    "/apis/hive.openshift.io/v1/clusterdeployments",
    "/apis/hypershift.openshift.io/v1beta1/hostedclusters",
)
_NO_SUCH_API = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The API server of the hub, and what asks it with an account there."""

    api: str
    http: Http


def left_over(fleet: Fleet, hub: Hub) -> tuple[str, ...]:
    """Return the names of clusters that came from this repository and are not in it; raises NetworkError."""
    known = {cluster.name for cluster in fleet.clusters}
    made = {_name(value) for value in _made(hub) if _is_of(value, fleet)}

    return tuple(sorted(made - known))


def _made(hub: Hub) -> Iterator[Object]:
    """Yield what providers have on the hub because okd-gitops has generated it."""
    for path in _LISTS:
        try:
            answer = hub.http.send("GET", f"{hub.api}{path}")
        except NetworkError as error:
            if error.status != _NO_SUCH_API:
                raise
            continue

        yield from (value for value in items(answer, "items") if _name(value))


def _name(value: Object) -> str:
    return one_line(str(at(value, "metadata", "labels", CLUSTER) or ""), 60)


def _is_of(value: Object, fleet: Fleet) -> bool:
    """Whether a cluster comes from a repository like this: without reviews, or with them."""
    project = str(at(value, "metadata", "labels", PROJECT) or "")

    return (project == GUESTS) == fleet.spec.unattended
