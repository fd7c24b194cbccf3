"""The rule repeated-list-entry: findings.yaml states and explains it."""

from collections import Counter
from collections.abc import Iterator, Mapping

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import OPTIONS
from okd_gitops.manifests.list_keys import repeated_entries, schema_of
from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object

# The keys of lists in pods and Services: listMapKeys of kubernetes v1.35, api/openapi-spec.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_SERVICE_PORTS = ("port", "protocol")
_DEFAULTS = {"protocol": "TCP"}
_WORKLOADS = ("apps", "batch", "")
_SERVER_SIDE = "ServerSideApply=true"


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at custom resources by their definitions, and at what is applied on the server's side."""
    applications = repository.synced.get(overlay.folder, ())
    is_server_side = any(
        _SERVER_SIDE in items(each, "spec", "syncPolicy", "syncOptions") for each in applications
    )

    definitions = repository.definitions
    for value in overlay.objects:
        identity = ObjectId.of(value)
        definition = definitions.get((identity.group, identity.kind))
        schema = schema_of(definition, identity.version) if definition else {}
        for path, named in repeated_entries(value, schema) if schema else ():
            yield Fault(
                reason=f"{'.'.join(map(str, path))} has {named} twice, which its definition forbids",
                remedy="keep one of them",
                object=identity,
                path=path,
            )

        if identity.group not in _WORKLOADS:
            continue

        text = str(at(value, "metadata", "annotations", OPTIONS) or "")
        if is_server_side or _SERVER_SIDE in text:
            for path, named in _repeated_in(value):
                yield Fault(
                    reason=f"{'.'.join(map(str, path))} has {named} twice, which server-side apply refuses",
                    remedy="keep one of them",
                    object=identity,
                    path=path,
                )


@per_object
def _repeated_in(value: Object) -> tuple[tuple[tuple[str | int, ...], str], ...]:
    return tuple(_repeated(value.get("spec"), ("spec",), ObjectId.of(value)))


def _repeated(
    value: object, path: tuple[str | int, ...], identity: ObjectId
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, (*path, index), identity)
    if not isinstance(value, dict):
        return

    for key, inner in value.items():
        is_service = identity.group_kind == "Service." and path == ("spec",)
        names = _SERVICE_PORTS if is_service and key == "ports" else _KEYS.get(key, ())
        if names and isinstance(inner, list):
            found = Counter(
                tuple(str(each.get(name, _DEFAULTS.get(name, ""))) for name in names)
                for each in inner
                if isinstance(each, dict) and names[0] in each
            )
            for entry, count in found.items():
                if count > 1:
                    yield (*path, key), entry[0]
        yield from _repeated(inner, (*path, key), identity)
