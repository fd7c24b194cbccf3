"""Services and budgets of repositories of others that select no pod of their namespace."""

from collections.abc import Iterator, Mapping

from okd_gitops.check.namespaces import Contents, home_of
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity, nearest
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.manifests.references import pod_of

_SELECTORS = {
    "Service.": ("spec", "selector"),
    "PodDisruptionBudget.policy": ("spec", "selector", "matchLabels"),
}
_Labels = Mapping[str, str]


def unselecting(repository: Repository, contents: Mapping[str, Contents]) -> Iterator[Fault]:
    """Yield a fault for each Service and budget beside pods of which it selects none.

    Nothing is said of a namespace in which something else may make pods.
    """
    pods: dict[str, list[_Labels]] = {}
    for overlay, value in _objects(repository):
        pod = pod_of(value)
        if pod is not None:
            labels = at(pod, "metadata", "labels")
            pods.setdefault(_namespace(value, overlay, repository), []).append(_texts(labels))

    found: dict[tuple[ObjectId, tuple[tuple[str, str], ...]], list[str]] = {}
    for overlay, value in _objects(repository):
        namespace, wanted = _namespace(value, overlay, repository), _selector(value)
        beside = pods.get(namespace, [])
        is_open = namespace not in contents or contents[namespace].is_open
        if namespace and wanted and beside and not is_open and not _selects(wanted, beside):
            found.setdefault((ObjectId.of(value), tuple(wanted.items())), []).append(overlay.name)

    for (identity, selector), clusters in found.items():
        named = ", ".join(f"{key}={text}" for key, text in selector)
        namespace = identity.namespace or ""
        values = {text for labels in pods.get(namespace, []) for text in labels.values()}
        yield Fault(
            reason=f"it selects pods with {named}, and no pod beside it has these labels",
            remedy=nearest(selector[0][1], values) or "write the labels of the pods that are meant",
            object=identity,
            path=_SELECTORS[identity.group_kind],
            clusters=tuple(clusters),
            severity=Severity.WARNING,
        )


def _objects(repository: Repository) -> Iterator[tuple[Overlay, Object]]:
    for overlay in repository.overlays:
        yield from ((overlay, value) for value in overlay.objects)


def _namespace(value: Object, overlay: Overlay, repository: Repository) -> str:
    return ObjectId.of(value).namespace or home_of(overlay, repository)


def _selector(value: Object) -> _Labels:
    path = _SELECTORS.get(ObjectId.of(value).group_kind)
    return _texts(at(value, *path)) if path else {}


def _texts(labels: object) -> _Labels:
    known = labels.items() if isinstance(labels, dict) else ()
    return {str(key): str(text) for key, text in known}


def _selects(wanted: _Labels, pods: list[_Labels]) -> bool:
    return any(wanted.items() <= labels.items() for labels in pods) or any(
        "$" in text for text in wanted.values()
    )
