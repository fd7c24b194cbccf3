"""What `cluster register` notes of the nodes of a cluster at its ClusterDeployment, for the observer to read.

Hive tells nothing of nodes, and only `cluster register` may read the kubeconfig that Hive writes. So it asks
the cluster for its MachineConfigPools, and notes in an annotation on the hub what keeps nodes from running
the release. The note names the update that was complete when the pools were read: no clocks are compared.
"""

import json

from okd_gitops.evidence.answers import maps
from okd_gitops.evidence.pools import Pools
from okd_gitops.manifests.objects import Object, at
from okd_gitops.redaction import one_line

NODES = "okd-gitops.io/nodes"
NOT_READ = "nobody has read yet which release its nodes run"
# More than any cluster has pools.
_MOST = 20


def completed_update(deployment: Object) -> str:
    """Return which update a cluster has completed, as Hive reports it; empty while one is under way."""
    newest = next(iter(maps(deployment, "status", "clusterVersionStatus", "history")), {})

    if newest.get("state") != "Completed":
        return ""

    return one_line(f"{newest.get('completionTime')} {newest.get('image')}", 500)


def note_of(update: str, pools: Pools) -> str:
    """Return the annotation for an update that was complete before the pools were read."""
    parts = {"faults": pools.faults, "unfinished": pools.unfinished, "paused": pools.paused}
    lists = {name: [one_line(text, 200) for text in texts[:_MOST]] for name, texts in parts.items()}

    return json.dumps({"after": update, **lists}, sort_keys=True)


def nodes_of(deployment: Object) -> Pools:
    """Return what was noted after the newest update, or that nothing was."""
    try:
        note = json.loads(str(at(deployment, "metadata", "annotations", NODES) or "{}"))
    except (ValueError, RecursionError):
        note = {}

    update = completed_update(deployment)
    faults, unfinished, paused = (at(note, part) for part in ("faults", "unfinished", "paused"))
    is_whole = all(isinstance(part, list) for part in (faults, unfinished, paused))

    if not update or at(note, "after") != update or not is_whole:
        return Pools(unfinished=(NOT_READ,))

    return Pools(faults=_texts(faults), unfinished=_texts(unfinished), paused=_texts(paused))


def _texts(part: list[object]) -> tuple[str, ...]:
    return tuple(one_line(str(text), 200) for text in part)
