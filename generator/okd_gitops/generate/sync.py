"""How Applications sync: options, retries, finalizers and annotations that several kinds of them share."""

from typing import Any

FINALIZER = "resources-finalizer.argocd.argoproj.io"
# Deletes owners before what they own. Hive's Secrets belong to the ClusterDeployment: deleted first, as Argo
# CD does by default, Hive could not find what the cluster has in the cloud.
OWNERS_FIRST = f"{FINALIZER}/background"
# What a controller deleted because the cluster's end had come must not be made again: a commit that changes
# other files is no reason to sync.
LEFT_ALONE = {"argocd.argoproj.io/manifest-generate-paths": "."}


def sync_policy(
    *, prune: bool, self_heal: bool, automated: bool = True, owners_first: bool = False
) -> dict[str, Any]:
    """Return `syncPolicy` of an Application; `owners_first` deletes owners before what they own."""
    options = [
        "ApplyOutOfSyncOnly=true",
        "FailOnSharedResource=true",
        "PruneLast=true",
        # Without this, ignoreDifferences hides a difference and the next sync still writes it.
        "RespectIgnoreDifferences=true",
        "ServerSideApply=true",
        # OLM installs CRDs after the sync began; the dry run of their objects comes before every wave.
        "SkipDryRunOnMissingResource=true",
    ]
    options += ["PrunePropagationPolicy=background"] if owners_first else []
    retry = {"limit": 10, "backoff": {"duration": "30s", "factor": 2, "maxDuration": "10m"}}
    chosen = {"automated": {"prune": prune, "selfHeal": self_heal}} if automated else {}

    return {**chosen, "syncOptions": options, "retry": retry}
