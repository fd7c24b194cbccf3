"""What `cluster register` notes of a cluster at its ClusterDeployment, for the observer to read.

Hive tells nothing of nodes and tests, and only `cluster register` may read the kubeconfig that Hive writes.
So it asks the cluster, and notes in an annotation on the hub what keeps nodes from running the release, and
what the Job of the feature `conformance` has reported. The note names the update that was complete when the
cluster was asked: no clocks are compared.
"""

import json
from dataclasses import dataclass
from typing import Any

from okd_gitops.evidence.answers import maps, text_of
from okd_gitops.evidence.pools import Pools
from okd_gitops.evidence.report import CONFORMANCE
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.manifests.objects import Object, at
from okd_gitops.redaction import one_line

GUEST = "okd-gitops.io/guest"
NOT_READ = "nobody has read yet which release its nodes run"
# More than any cluster has pools.
_MOST = 20
_RESULTS = ("passed", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """How a suite of openshift-tests went; `words` tell what failed."""

    suite: str
    passed: bool
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What was read of a cluster after its newest update; no `conformance` while that has not reported."""

    pools: Pools
    conformance: Conformance | None = None


def asked_suite(cluster: Cluster) -> str | None:
    """Return the suite that a cluster's file asks for: empty for the feature's default, None for none."""
    if CONFORMANCE not in cluster.spec.features:
        return None

    return str((cluster.spec.features[CONFORMANCE] or {}).get("suite", ""))


def completed_update(deployment: Object) -> str:
    """Return which update a cluster has completed, as Hive reports it; empty while one is under way."""
    newest = _newest(deployment)

    if newest.get("state") != "Completed":
        return ""

    return one_line(f"{newest.get('completionTime')} {newest.get('image')}", 500)


def reported_conformance(deployment: Object, report: object) -> Conformance | None:
    """Return what the ConfigMap of the Job says of the release that the cluster runs; None for no other one.

    Its texts come from a cluster that somebody else may rule: they are cut.
    """
    data = at(report, "data")
    data = data if isinstance(data, dict) else {}
    result = data.get("result")

    if result not in _RESULTS or data.get("image") != _newest(deployment).get("image"):
        return None

    failed = text_of(data, "failed")
    parts = (text_of(data, "ended"), f"failed: {failed}" if failed else "")
    words = one_line("; ".join(part for part in parts if part), 300)

    return Conformance(suite=one_line(text_of(data, "suite"), 100), passed=result == "passed", words=words)


def note_of(update: str, noted: Noted) -> str:
    """Return the annotation for an update that was complete before the cluster was asked."""
    pools, conformance = noted.pools, noted.conformance
    parts = {"faults": pools.faults, "unfinished": pools.unfinished, "paused": pools.paused}
    note: dict[str, Any] = {"after": update}
    note |= {name: [one_line(text, 200) for text in texts[:_MOST]] for name, texts in parts.items()}

    if conformance:
        note["conformance"] = {
            "suite": conformance.suite,
            "result": _RESULTS[0] if conformance.passed else _RESULTS[1],
            "words": conformance.words,
        }

    return json.dumps(note, sort_keys=True)


def noted_of(deployment: Object) -> Noted:
    """Return what was noted after the newest update, or that nothing was."""
    try:
        note = json.loads(str(at(deployment, "metadata", "annotations", GUEST) or "{}"))
    except (ValueError, RecursionError):
        note = {}

    update = completed_update(deployment)
    faults, unfinished, paused = (at(note, part) for part in ("faults", "unfinished", "paused"))
    is_whole = all(isinstance(part, list) for part in (faults, unfinished, paused))

    if not update or at(note, "after") != update or not is_whole:
        return Noted(pools=Pools(unfinished=(NOT_READ,)))

    pools = Pools(faults=_texts(faults), unfinished=_texts(unfinished), paused=_texts(paused))

    return Noted(pools=pools, conformance=_conformance(at(note, "conformance")))


def _newest(deployment: Object) -> Object:
    return dict(next(iter(maps(deployment, "status", "clusterVersionStatus", "history")), {}))


def _conformance(value: object) -> Conformance | None:
    if not isinstance(value, dict) or value.get("result") not in _RESULTS:
        return None

    passed = value["result"] == "passed"

    return Conformance(suite=text_of(value, "suite"), passed=passed, words=text_of(value, "words"))


def _texts(part: list[object]) -> tuple[str, ...]:
    return tuple(one_line(str(text), 200) for text in part)
