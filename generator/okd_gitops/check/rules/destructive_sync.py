"""The rule destructive-sync: findings.yaml states and explains it."""

from collections.abc import Collection, Iterator

from okd_gitops.check.rule import LONG_TERM, Fault, Overlay, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId, at, items

# Each of these takes more with it than itself: clusters, or everything that an operator has installed. Read
# in openshift/hive, apis/hive/v1, hypershift, api/hypershift/v1beta1, and tektoncd/operator v0.77.0.
_PRECIOUS = (
    "ClusterVersion",
    "ClusterDeployment",
    "ClusterPool",
    "HostedCluster",
    "NodePool",
    "AgentServiceConfig",
    "HiveConfig",
    "TektonConfig",
)
# These too, and every repository is full of them: our own fleets guard them, others must not.
_HOLD_DATA = (
    *_PRECIOUS,
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
)
_CLUSTERS = ("ClusterClaim", "ClusterDeployment", "HostedCluster")
_OPTIONS = "argocd.argoproj.io/sync-options"
_PURPOSE = "okd-gitops.io/purpose"
# What a sync with these options does to an object that exists.
_REPLACING = {
    "Replace=true": "deletes and creates objects anew",
    "Force=true": "deletes and creates objects that cannot be patched",
}
# Each fault of an Application is a reason, a remedy, and the path of the value.
_Faults = Iterator[tuple[str, str, tuple[str, ...]]]


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at each Application of an overlay and at the overlays that it syncs, and at ApplicationSets."""
    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity.group_kind == "ApplicationSet.argoproj.io":
            yield from _deleting_set(value, overlay)
        if identity.group_kind != "Application.argoproj.io":
            continue

        synced = list(repository.outlines_synced_by(value))
        if at(value, "metadata", "labels", _PURPOSE) in LONG_TERM:
            for reason, remedy, path in _unsafe_for_long_term(value, synced):
                yield Fault(reason=reason, remedy=remedy, object=identity, path=path)

        automated = at(value, "spec", "syncPolicy", "automated")
        if at(automated, "prune"):
            yield from _unguarded(value, synced, _HOLD_DATA if repository.has_house_rules else _PRECIOUS)
        if at(automated, "selfHeal"):
            yield from _recreated_clusters(value, synced)


def _unsafe_for_long_term(application: Object, synced: list[Object]) -> _Faults:
    """Yield what a sync, or the end of a long-term Application, could take from its cluster."""
    if any("resources-finalizer" in str(name) for name in items(application, "metadata", "finalizers")):
        reason = "removing this Application would empty a long-term cluster"
        yield reason, "remove the finalizer", ("metadata", "finalizers")

    yield from _pruned_application(application)

    if at(application, "spec", "syncPolicy", "automated", "allowEmpty"):
        reason = "allowEmpty lets a sync remove everything when nothing is rendered"
        yield reason, "remove allowEmpty", ("spec", "syncPolicy", "automated", "allowEmpty")

    chosen = [str(option) for option in items(application, "spec", "syncPolicy", "syncOptions")]
    for option, effect in _REPLACING.items():
        if option in chosen:
            yield f"{option} {effect}", f"remove {option}", ("spec", "syncPolicy", "syncOptions")

        for value in synced:
            if ObjectId.of(value).kind in _HOLD_DATA and option in _options(value):
                reason = f"{option} on {ObjectId.of(value)} {effect}, and it holds data"
                yield reason, f"remove {option} from its annotation {_OPTIONS}", ()


def _pruned_application(application: Object) -> _Faults:
    """Yield a fault unless the root Application leaves this one alone."""
    options = _options(application)
    path = ("metadata", "annotations", _OPTIONS)

    if "Prune=confirm" in options:
        reason = "a confirmation that is waited for stops the sync of every other cluster below the root"
        yield reason, f"write {_OPTIONS}: Delete=false,Prune=false", path
    elif "Prune=false" not in options:
        reason = "the root Application would prune this one together with its file"
        yield reason, f"write {_OPTIONS}: Delete=false,Prune=false", path


def _deleting_set(value: Object, overlay: Overlay) -> Iterator[Fault]:
    """Yield a fault for an ApplicationSet that deletes Applications when its generators find fewer."""
    keeps_applications = at(value, "spec", "syncPolicy", "applicationsSync") in (
        "create-only",
        "create-update",
    )
    is_long_term = at(value, "spec", "template", "metadata", "labels", _PURPOSE) in LONG_TERM

    if not keeps_applications and (is_long_term or overlay.purpose == "hub"):
        yield Fault(
            reason="an ApplicationSet whose generators find nothing deletes its Applications",
            remedy="write spec.syncPolicy.applicationsSync: create-update",
            object=ObjectId.of(value),
            path=("spec", "syncPolicy"),
            severity=None if is_long_term else Severity.WARNING,
        )


def _unguarded(application: Object, synced: list[Object], kinds: Collection[str]) -> Iterator[Fault]:
    identity = ObjectId.of(application)
    for value in synced:
        synced_identity = ObjectId.of(value)
        if synced_identity.kind in kinds and not {"Prune=false", "Prune=confirm"} & _options(value):
            yield Fault(
                reason=f"{identity.name} prunes, and nothing guards {synced_identity}",
                remedy=f"add the annotation {_OPTIONS}: Prune=confirm to it",
                object=identity,
            )


def _recreated_clusters(application: Object, synced: list[Object]) -> Iterator[Fault]:
    if any(ObjectId.of(value).kind in _CLUSTERS for value in synced):
        yield Fault(
            reason="self-heal recreates a cluster that its owner removed",
            remedy="switch selfHeal off",
            object=ObjectId.of(application),
        )


def _options(value: Object) -> set[str]:
    """Return the sync options that an object has in its annotation."""
    text = str(at(value, "metadata", "annotations", _OPTIONS) or "")
    return {option.strip() for option in text.split(",")}
