"""The rule missing-namespace: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.check.synced_objects import Synced, creates_namespace, synced_objects
from okd_gitops.manifests.nested import objects_within
from okd_gitops.manifests.objects import Object, ObjectId, at

# What makes a namespace of its own name. ACM makes one for each cluster that it manages.
_MAKERS = (
    "Namespace.",
    "Project.project.openshift.io",
    "ProjectRequest.project.openshift.io",
    "SubnamespaceAnchor.hnc.x-k8s.io",
    "ManagedCluster.cluster.open-cluster-management.io",
)
# What is there before anything is synced, or comes with the operator that is named so.
_SYSTEM = re.compile(
    r"default|openshift|(kube|openshift)-.*|open-cluster-management.*|argocd|flux-system|hive|multicluster-engine"
)
# Files that nothing here renders, such as charts, make namespaces too.
_WRITTEN = re.compile(rb"^\s*kind:\s*[\"']?Namespace\b", re.MULTILINE)
_NAMED = re.compile(rb"\bname:\s*[\"']?([a-z0-9][a-z0-9-]*)")


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at the namespaces that Applications write to, where others of the repository are made in it."""
    synced = list(synced_objects(repository))
    if not synced:
        return

    made = _made(repository)
    # Whoever makes no namespace here has another place for them.
    makes_for = {each.cluster for each in synced if each.identity.namespace in made}

    unmade: dict[tuple[int, str], Synced] = {}
    for each in synced:
        namespace = each.identity.namespace
        is_missing = namespace and namespace not in made and not _SYSTEM.fullmatch(namespace)
        if is_missing and each.cluster in makes_for:
            unmade.setdefault((id(each.application), namespace), each)

    mentioned = _in_files(repository) if unmade else set()
    for (_, namespace), each in unmade.items():
        if namespace not in mentioned:
            name = ObjectId.of(each.application).name
            yield Fault(
                reason=f"the Application {name} writes {each.identity} to the namespace {namespace}, "
                "which nothing here makes, as others are",
                remedy="write the Namespace, or the sync option CreateNamespace=true",
                object=repository.written(each.application),
                clusters=repository.declared_in(each.application),
            )


def _made(repository: Repository) -> set[str]:
    inner = (
        nested.value
        for value in repository.objects
        if value.get("kind") != "CustomResourceDefinition"
        for nested in objects_within(value)
    )
    made = {ObjectId.of(value).name for value in inner if ObjectId.of(value).group_kind in _MAKERS}

    for application in repository.applications:
        # Argo CD runs in the namespace of its Applications.
        made.add(ObjectId.of(application).namespace)
        if creates_namespace(application):
            made.add(_destination(application))

    return made - {""}


def _destination(application: Object) -> str:
    return str(at(application, "spec", "destination", "namespace") or "")


def _in_files(repository: Repository) -> set[str]:
    """Return every name in a file that has a Namespace."""
    return {
        name.decode()
        for data in repository.files.values()
        if _WRITTEN.search(data)
        for name in _NAMED.findall(data)
    }
