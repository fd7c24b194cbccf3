"""How Applications sync: options, retries, finalizers and annotations that several kinds of them share."""

from typing import Any

FINALIZER = "resources-finalizer.argocd.argoproj.io"
# Deletes owners before what they own. Hive's Secrets belong to the ClusterDeployment: deleted first, as Argo
# CD does by default, Hive could not find what the cluster has in the cloud.
OWNERS_FIRST = f"{FINALIZER}/background"
# A commit that changes other files is no reason to look at what makes a cluster.
LEFT_ALONE = {"argocd.argoproj.io/manifest-generate-paths": "."}


_RETRY = {"limit": 10, "backoff": {"duration": "30s", "factor": 2, "maxDuration": "10m"}}
# A sync that is still tried again holds up the deletion of its Application (tried on Argo CD 3.3.9).
_SHORT_RETRY = {"limit": 3, "backoff": {"duration": "15s", "factor": 2, "maxDuration": "1m"}}


def sync_policy(
    *, prune: bool, self_heal: bool, automated: bool = True, makes_cluster: bool = False
) -> dict[str, Any]:
    """Return `syncPolicy` of an Application.

    One that makes a cluster deletes owners before what they own, and does not try again for long.
    """
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
    options += ["PrunePropagationPolicy=background"] if makes_cluster else []
    retry = _SHORT_RETRY if makes_cluster else _RETRY
    chosen = {"automated": {"prune": prune, "selfHeal": self_heal}} if automated else {}

    return {**chosen, "syncOptions": options, "retry": retry}
