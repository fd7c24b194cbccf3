"""The rule fruitless-ignore: findings.yaml states and explains it."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.finding import Severity, nearest
from okd_gitops.manifests.argocd import folder, sources
from okd_gitops.manifests.objects import Object, ObjectId, at, items


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at the Applications whose whole source is rendered here."""
    if not repository.is_whole:
        return

    rendered = {overlay.folder: overlay for overlay in repository.overlays}
    for application in repository.applications:
        folders = [folder(source) for source in sources(application)]
        if not folders or any(path not in rendered for path in folders):
            continue
        if not all(
            any(each is application for each in repository.synced.get(str(path), ())) for path in folders
        ):
            continue

        objects = [ObjectId.of(value) for path in folders for value in rendered[str(path)].outlines]
        for index, entry in enumerate(items(application, "spec", "ignoreDifferences")):
            # Only a kind that the folder has: what controllers or charts add may be meant by others.
            yield from _of_no_kind(index, entry, application, repository)
            same_kind = [each for each in objects if each.kind == at(entry, "kind")]
            if same_kind and not any(_fits(entry, each) for each in same_kind):
                wanted = f"{at(entry, 'kind')}.{at(entry, 'group') or ''}".rstrip(".")
                yield Fault(
                    reason=f"ignoreDifferences[{index}] names {wanted} {at(entry, 'name') or ''}".rstrip()
                    + ", which fits no object of the Application",
                    remedy=f"the group of {same_kind[0].kind} {same_kind[0].name} is "
                    f'"{same_kind[0].group}", its namespace "{same_kind[0].namespace}"',
                    object=repository.written(application),
                    path=("spec", "ignoreDifferences", index),
                    clusters=repository.declared_in(application),
                )


def _of_no_kind(index: int, entry: object, application: Object, repository: Repository) -> Iterator[Fault]:
    """Yield an entry of a kind that nothing here has; a set writes one list for all that it makes."""
    kind = str(at(entry, "kind") or "")
    is_plain = kind and kind not in repository.kinds and not set("*?[{") & set(kind)
    if is_plain and id(application) not in repository.makers:
        yield Fault(
            reason=f"ignoreDifferences[{index}] is for the kind {kind}, and no object here is one",
            remedy=nearest(kind, repository.kinds) or "correct the kind, or remove the entry",
            object=repository.written(application),
            path=("spec", "ignoreDifferences", index),
            clusters=repository.declared_in(application),
            # A list that many Applications have alike does no harm.
            severity=Severity.WARNING,
        )


def _fits(entry: object, identity: ObjectId) -> bool:
    """Whether an entry is for an object (argo-cd v3.3, util/argo/normalizers/diff_normalizer.go)."""
    group, name, namespace = (str(at(entry, key) or "") for key in ("group", "name", "namespace"))
    is_group = fnmatchcase(identity.group, group)
    return (
        is_group
        and (not name or name == identity.name)
        and (not namespace or not identity.namespace or namespace == identity.namespace)
    )
