"""Clusters that the hub has of a repository, and that repository does not: what a removal has left over."""

from collections.abc import Iterator

from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.provider_apis import PROVIDER_APIS
from okd_gitops.fleet.providers import CLUSTER, GUESTS, PROJECT
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.redaction import one_line
from okd_gitops.system.hub import Hub


def left_over(fleet: Fleet, hub: Hub) -> tuple[str, ...]:
    """Return the names of clusters that came from this repository and are not in it; raises NetworkError."""
    known = {cluster.name for cluster in fleet.clusters}
    made = {_name(value) for value in _made(hub) if _is_of(value, fleet)}

    return tuple(sorted(made - known))


def _made(hub: Hub) -> Iterator[Object]:
    """Yield what providers have on the hub because okd-gitops has generated it."""
    for api in PROVIDER_APIS:
        answer = hub.ask_if_there(f"{api.path}/{api.plural}")
        yield from (value for value in items(answer, "items") if _name(value))


def _name(value: Object) -> str:
    return one_line(str(at(value, "metadata", "labels", CLUSTER) or ""), 60)


def _is_of(value: Object, fleet: Fleet) -> bool:
    """Whether a cluster comes from a repository like this: without reviews, or with them."""
    project = str(at(value, "metadata", "labels", PROJECT) or "")

    return (project == GUESTS) == fleet.spec.unattended
