"""References in a repository that others wrote to objects that certainly are nowhere."""

import re
from collections.abc import Iterator

from okd_gitops.check.namespaces import Contents, home_of, is_quiet, namespaces
from okd_gitops.check.rule import Fault, Repository
from okd_gitops.check.selected_pods import unselecting
from okd_gitops.finding import Severity, nearest
from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object, strings
from okd_gitops.manifests.references import Reference, references
from okd_gitops.manifests.tekton import callees

# What Kubernetes, OpenShift and OpenShift Pipelines make in every namespace.
_EVERYWHERE = frozenset(
    {("ServiceAccount", name) for name in ("default", "builder", "deployer", "pipeline")}
    | {("ConfigMap", name) for name in ("kube-root-ca.crt", "openshift-service-ca.crt")}
    | {("ConfigMap", name) for name in ("config-trusted-cabundle", "config-service-cabundle")}
)
# The platform has objects of its own there.
_OF_PLATFORM = re.compile(r"default|openshift|(kube|openshift)-.*")
# People make these by hand, or with a tool, to keep them out of Git.
_KEPT_OUT = ("Secret",)
# Files that make nothing.
_PROSE = (".md", ".adoc", ".rst", ".txt")
_GENERATORS_OF = {"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}
_GENERATORS = tuple(_GENERATORS_OF.values())
_WORD = re.compile(rb"[A-Za-z0-9.-]+")


def missing_objects(repository: Repository) -> Iterator[Fault]:
    """Yield a fault for each reference to an object of a namespace that this repository fills.

    That is one which it makes, or in which it has other objects of that kind; and nothing that is not known
    here may make more of them there.
    """
    contents = namespaces(repository)
    unread = _unread_words(repository)
    elsewhere = unread | _named_by_makers(repository)
    found: dict[tuple[ObjectId, Reference], list[str]] = {}

    for overlay in repository.overlays:
        home = home_of(overlay, repository)
        for value in overlay.objects:
            for reference in _named(value):
                namespace = reference.namespace or ObjectId.of(value).namespace or home
                # What could not be built may fill a namespace that its files name.
                is_hidden = not repository.is_whole and namespace in unread
                is_missing = _is_missing(reference, contents.get(namespace), namespace)
                if is_missing and not is_hidden and reference.name not in elsewhere:
                    found.setdefault((ObjectId.of(value), reference), []).append(overlay.name)

    for (identity, reference), clusters in found.items():
        namespace = reference.namespace or identity.namespace or _home(repository, clusters[0])
        written = _written(repository, clusters[0], reference.kind)
        yield _fault(identity, reference, contents[namespace], namespace, tuple(clusters), written)

    if repository.is_whole:
        yield from unselecting(repository, contents)


@per_object
def _named(value: Object) -> tuple[Reference, ...]:
    """Return what an object names and cannot do without, the Tasks and Pipelines that it runs included."""
    called = (Reference(kind, name, path, place) for kind, name, place, path in callees(value))
    return (*references(value), *called)


def _home(repository: Repository, name: str) -> str:
    return next(home_of(each, repository) for each in repository.overlays if each.name == name)


def _is_missing(reference: Reference, contents: Contents | None, namespace: str) -> bool:
    if contents is None or not namespace or _OF_PLATFORM.fullmatch(namespace):
        return False
    if contents.has(reference.kind, reference.name) or (reference.kind, reference.name) in _EVERYWHERE:
        return False
    if contents.is_open or reference.kind in contents.makers:
        return False

    has_others = bool(contents.names.get(reference.kind))
    return has_others or (contents.is_made and reference.kind not in _KEPT_OUT)


def _fault(
    identity: ObjectId,
    reference: Reference,
    contents: Contents,
    namespace: str,
    clusters: tuple[str, ...],
    written: set[str],
) -> Fault:
    others = contents.names.get(reference.kind, set())
    # kustomize renames what a reference is written for, so the name of the output is not the one to write.
    near = nearest(reference.name, written) if written else nearest(reference.name, others)
    place = "" if namespace == identity.namespace else f" in the namespace {namespace}"
    is_sure = contents.is_made and reference.kind not in _KEPT_OUT and reference.path[0] != "subjects"

    return Fault(
        reason=f"it names the {reference.kind} {reference.name}, which nothing here makes{place}",
        remedy=near or "add it, or correct the name",
        object=identity,
        path=reference.path,
        clusters=clusters,
        severity=None if is_sure else Severity.WARNING,
    )


def _written(repository: Repository, name: str, kind: str) -> set[str]:
    """Return the names of generators and files of an overlay that gives names of its own."""
    found: set[str] = set()
    for overlay in repository.overlays:
        used = [each.value for each in overlay.graph.kustomizations.values()]
        renames = any(each.get(key) for each in used for key in ("namePrefix", "nameSuffix", *_GENERATORS))
        if overlay.name != name or not renames:
            continue

        found |= {each.name for each in overlay.graph.objects if each.kind == kind}
        generator = _GENERATORS_OF.get(kind, "")
        found |= {str(at(entry, "name")) for each in used for entry in items(each, generator)}
    return found


def _named_by_makers(repository: Repository) -> set[str]:
    """Return every text in objects of which a controller may make others, such as policies and bundles."""
    distinct = {id(value): value for value in repository.objects if not is_quiet(ObjectId.of(value))}
    return {text for value in distinct.values() for _, text in strings(value)}


def _unread_words(repository: Repository) -> set[str]:
    """Return every name in files that nothing rendered: a chart, a script or a person may use them."""
    reached = {path for overlay in repository.overlays for path in overlay.graph.files}
    return {
        word.decode()
        for path in set(repository.files) - reached
        if not path.endswith(_PROSE)
        for word in _WORD.findall(repository.files[path])
    }
