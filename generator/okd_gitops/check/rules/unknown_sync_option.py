"""The rule unknown-sync-option: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.finding import nearest
from okd_gitops.manifests.argocd import OPTIONS, of_kind
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import Object, ObjectId, at, items

# Read in argo-cd v3.3, util/argo/argo.go, controller/sync.go, and gitops-engine pkg/sync/common/types.go.
_SWITCHES = (
    "ApplyOutOfSyncOnly",
    "ClientSideApplyMigration",
    "CreateNamespace",
    "FailOnSharedResource",
    "Force",
    "PruneLast",
    "Replace",
    "RespectIgnoreDifferences",
    "ServerSideApply",
    "SkipDryRunOnMissingResource",
    "Validate",
)
_KNOWN = frozenset(
    {
        *(f"{switch}={value}" for switch in _SWITCHES for value in ("true", "false")),
        "Delete=false",
        "Delete=true",
        "Delete=confirm",
        "Prune=false",
        "Prune=true",
        "Prune=confirm",
    }
)
# Options with a value of their own.
_FREE = ("PrunePropagationPolicy=", "ClientSideApplyMigration=")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the options of Applications, of what ApplicationSets make, and in annotations."""
    for path, option in _options(value):
        if option not in _KNOWN and not option.startswith(_FREE) and "{{" not in option:
            yield Fault(
                reason=f"Argo CD knows no sync option {option}, and ignores it without a word",
                remedy=nearest(option, _KNOWN) or "use one of Argo CD's sync options",
                object=ObjectId.of(value),
                path=path,
            )


def _options(value: Object) -> Iterator[tuple[Path, str]]:
    text = at(value, "metadata", "annotations", OPTIONS)
    for option in str(text or "").split(","):
        if option.strip():
            yield ("metadata", "annotations", OPTIONS), option.strip()

    for kind, head in (("Application", ()), ("ApplicationSet", ("spec", "template"))):
        if of_kind([value], kind):
            path = (*head, "spec", "syncPolicy", "syncOptions")
            for index, option in enumerate(items(value, *path)):
                yield (*path, index), str(option).strip()
