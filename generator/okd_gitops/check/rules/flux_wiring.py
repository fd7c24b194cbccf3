"""The rule flux-wiring: findings.yaml states and explains it."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity, nearest
from okd_gitops.manifests import flux
from okd_gitops.manifests.objects import Object, ObjectId, at, items, strings

# A source of another controller may make these.
_RELEASE = "HelmRelease.helm.toolkit.fluxcd.io"
# What people write, and no chart makes.
_WRITTEN = ("HelmRelease", "HelmRepository", "Kustomization")
_KINDS = ("GitRepository", "OCIRepository", "Bucket")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the Kustomizations of Flux in an overlay."""
    for value in flux.kustomizations(overlay.objects):
        faults = [
            *_waits(value, repository),
            *_waits_for_itself(value, repository),
            *_reads(value, repository),
            *_variables(value, repository),
            *_health(value, repository),
        ]
        for path, reason, remedy in faults:
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value), path=path)

        for path, reason, remedy in _filled_from(value, repository):
            yield Fault(
                reason=reason,
                remedy=remedy,
                object=ObjectId.of(value),
                path=path,
                severity=Severity.WARNING,
            )

    for value in overlay.of(_RELEASE):
        for path, reason, remedy in _reads_chart(value, repository):
            yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value), path=path)


_Faults = Iterator[tuple[tuple[str | int, ...], str, str]]


def _waits(value: Object, repository: Repository) -> _Faults:
    own = ObjectId.of(value)
    others = {
        (ObjectId.of(each).namespace, ObjectId.of(each).name)
        for each in flux.kustomizations(repository.objects)
    }
    for index, before in enumerate(items(value, "spec", "dependsOn")):
        name = str(at(before, "name"))
        namespace = str(at(before, "namespace") or own.namespace)
        if repository.is_whole and (namespace, name) not in others and "$" not in name:
            near = nearest(name, [each for place, each in others if place == namespace])
            reason = f"it waits for the Kustomization {name}, which does not exist: it is never applied"
            yield ("spec", "dependsOn", index), reason, near or "correct the name"


def _waits_for_itself(value: Object, repository: Repository) -> _Faults:
    """Yield a circle of Kustomizations, at the first of them by name."""
    after = {_named(each): _before(each) for each in flux.kustomizations(repository.objects)}
    try:
        TopologicalSorter(after).prepare()
    except CycleError as error:
        circle: list[tuple[str, str]] = error.args[1]
        if _named(value) == min(circle):
            names = ", ".join(sorted({name for _, name in circle}))
            reason = f"{names} wait for each other: none of them is ever applied"
            yield ("spec", "dependsOn"), reason, "take one of them out of dependsOn"


def _named(value: Object) -> tuple[str, str]:
    return ObjectId.of(value).namespace, ObjectId.of(value).name


def _before(value: Object) -> list[tuple[str, str]]:
    namespace = ObjectId.of(value).namespace
    return [
        (str(at(each, "namespace") or namespace), str(at(each, "name")))
        for each in items(value, "spec", "dependsOn")
    ]


def _reads(value: Object, repository: Repository) -> _Faults:
    kind, namespace, name = flux.source_of(value)
    sources = flux.source_objects(repository.objects)
    source = sources.get((kind, namespace, name))
    of_kind = [each for (other, place, each) in sources if (other, place) == (kind, namespace)]

    if source is None and kind in _KINDS and of_kind and repository.is_whole:
        reason = f"its source {kind} {namespace}/{name} does not exist"
        yield ("spec", "sourceRef"), reason, nearest(name, of_kind) or "correct the name"

    path = flux.folder_of(value)
    own = {
        str(at(sources.get(flux.source_of(each)), "spec", "url"))
        for each in flux.kustomizations(repository.objects)
        if flux.folder_of(each) != "." and flux.folder_of(each) in repository.folders
    }
    url = str(at(source, "spec", "url"))
    if source is not None and kind == "GitRepository" and url in own and path not in repository.folders:
        reason = f"its path {path} does not exist in this repository"
        yield ("spec", "path"), reason, nearest(path, repository.folders) or "correct the path"


def _reads_chart(value: Object, repository: Repository) -> _Faults:
    reference = at(value, "spec", "chart", "spec", "sourceRef")
    kind, name = str(at(reference, "kind") or ""), str(at(reference, "name") or "")
    namespace = str(at(reference, "namespace") or ObjectId.of(value).namespace)

    if name and _is_missing(kind, name, namespace, repository):
        reason = f"its source {kind} {namespace}/{name} does not exist, while others are made beside it"
        others = _names(kind, namespace, repository)
        yield ("spec", "chart", "spec", "sourceRef"), reason, nearest(name, others) or "correct the name"


def _health(value: Object, repository: Repository) -> _Faults:
    for index, each in enumerate(items(value, "spec", "healthChecks")):
        kind, name = str(at(each, "kind") or ""), str(at(each, "name") or "")
        namespace = str(at(each, "namespace") or "")
        if kind in _WRITTEN and name and _is_missing(kind, name, namespace, repository):
            reason = f"it waits until {kind} {namespace}/{name} is ready, which does not exist"
            others = _names(kind, namespace, repository)
            yield ("spec", "healthChecks", index), reason, nearest(name, others) or "correct the name"


def _filled_from(value: Object, repository: Repository) -> _Faults:
    namespace = ObjectId.of(value).namespace
    for index, each in enumerate(items(value, "spec", "postBuild", "substituteFrom")):
        name = str(at(each, "name") or "")
        # Secrets are kept out of Git by many.
        is_needed = at(each, "kind") == "ConfigMap" and at(each, "optional") is not True
        if is_needed and name and _is_missing("ConfigMap", name, namespace, repository):
            reason = f"it fills variables from the ConfigMap {name}, which nothing here makes"
            others = _names("ConfigMap", namespace, repository)
            yield ("spec", "postBuild", "substituteFrom", index), reason, nearest(name, others) or "add it"


def _is_missing(kind: str, name: str, namespace: str, repository: Repository) -> bool:
    """Whether an object is nowhere, while others of its kind are made in its namespace."""
    if not repository.is_whole or "$" in name:
        return False

    # Flux may move what is rendered without a namespace.
    is_anywhere = any(
        value.get("kind") == kind and ObjectId.of(value).name == name for value in repository.objects
    )
    return not is_anywhere and bool(_names(kind, namespace, repository))


def _names(kind: str, namespace: str, repository: Repository) -> list[str]:
    of_kind = [ObjectId.of(value) for value in repository.objects if value.get("kind") == kind]
    return [each.name for each in of_kind if each.namespace == namespace]


def _variables(value: Object, repository: Repository) -> _Faults:
    filled = flux.filled_variables(value)
    if filled is None or not flux.substitutes(value):
        return

    folder = flux.folder_of(value)
    for overlay in repository.overlays:
        if overlay.folder != folder:
            continue
        # A folder that others deploy too may have its variables from them.
        users = [each for each in flux.kustomizations(repository.objects) if flux.folder_of(each) == folder]
        for each in overlay.objects if len(users) == 1 else ():
            meta = at(each, "metadata", "annotations", flux.SUBSTITUTE) or at(
                each, "metadata", "labels", flux.SUBSTITUTE
            )
            missing = sorted(
                {
                    match[1]
                    for _, text in strings(each)
                    for match in flux.VARIABLE.finditer(text)
                    if match[1] not in filled and not match[2] and "\n" not in text
                }
            )
            if missing and meta != "disabled":
                reason = f"{ObjectId.of(each)} uses {', '.join(missing)}, which postBuild does not fill"
                yield ("spec", "postBuild"), f"{reason}: Flux writes nothing there", "fill it, or correct it"
