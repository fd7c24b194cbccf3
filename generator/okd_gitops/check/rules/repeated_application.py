"""The rule repeated-application: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.argocd import folder, of_kind, sources
from okd_gitops.manifests.objects import Object, ObjectId


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the Applications and ApplicationSets of a folder: plain files may have a name twice."""
    for kind in ("Application", "ApplicationSet"):
        made: dict[ObjectId, list[Object]] = {}
        for value in of_kind(overlay.objects, kind):
            made.setdefault(ObjectId.of(value), []).append(value)

        for identity, values in made.items():
            # What has a name that is generated is another one each time.
            if len(values) > 1 and identity.name:
                paths = ", ".join(str(folder(each)) for value in values for each in sources(value)[:1])
                yield Fault(
                    reason=f"{len(values)} {kind}s have the name {identity.name}{paths and f': {paths}'}; "
                    "only the last one stays",
                    remedy="give each a name of its own",
                    object=identity,
                    path=("metadata", "name"),
                )


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at what each ApplicationSet makes; by name and namespace an Application is one."""
    for one in repository.sets:
        made: dict[tuple[str, str], list[Object]] = {}
        for application in one.expansion.applications:
            identity = ObjectId.of(application)
            made.setdefault((identity.namespace, identity.name), []).append(application)

        for (_, name), applications in made.items():
            if len(applications) > 1:
                places = ", ".join(
                    str(folder(source)) for each in applications for source in sources(each)[:1]
                )
                yield Fault(
                    reason=f"it makes {len(applications)} Applications of the name {name}: {places}",
                    remedy="put more of the path into the name, so that each is one of its own",
                    object=ObjectId.of(one.value),
                    path=("spec", "template", "metadata", "name"),
                    clusters=repository.declared_in(one.value),
                )
