"""The rule release-differs: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.nested_faults import cluster_versions
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Compare what a cluster gets, as it is rendered, with its file and with the tool's own policy."""
    yield from _releases(overlay)

    rendered = {_key(value): value for value in overlay.objects}
    for guard in overlay.guards:
        actual = rendered.get(_key(guard))
        identity = ObjectId.of(guard)

        if actual is None:
            reason = f"{identity}, which keeps the cluster from going back, is not there"
            yield Fault(reason=reason, remedy="let no feature, change or extra remove it", object=identity)
        elif at(actual, "spec") != at(guard, "spec"):
            reason = f"{identity} is not as okd-gitops has it, so the cluster may go back"
            yield Fault(reason=reason, remedy="let no feature, change or extra edit it", object=identity)


def _releases(overlay: Overlay) -> Iterator[Fault]:
    """Yield each field of the ClusterVersion that is another one than in the cluster's file."""
    for value, nested in cluster_versions(overlay.objects):
        if nested.path:
            continue

        for dotted, wanted in overlay.release.items():
            path = ("spec", *dotted.split("."))
            actual = at(value, *path)

            if actual != wanted:
                reason = f"{dotted} is rendered as {actual}, but clusters/{overlay.name}.yaml says {wanted}"
                remedy = "let no feature, change or extra set it; the cluster's file does"
                yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value), path=path)


def _key(value: Object) -> tuple[str, str]:
    identity = ObjectId.of(value)
    return identity.group_kind, identity.name
