"""Ask the hub what Hive reports of a cluster that it has installed; no account on that cluster is needed.

Hive copies the status of the ClusterVersion into its ClusterDeployment, when an annotation asks for it, and
the conditions of all ClusterOperators into a ClusterState (openshift/hive c02e517, pkg/controller/
clusterversion and pkg/controller/clusterstate). Of nodes and conformance suites it tells nothing: those
of a new cluster were installed with its release, and all else is what `cluster register` has noted.
"""

from okd_gitops.evidence.answers import Seen, condition, maps, words
from okd_gitops.evidence.ask_cluster import READY, Answer, Target
from okd_gitops.evidence.noted_guest import Noted, asked_suite, noted_of
from okd_gitops.evidence.pools import Pools
from okd_gitops.evidence.report import CONFORMANCE
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.provider_apis import HIVE
from okd_gitops.fleet.providers import PREFIX
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.releases.cluster_version import field_faults
from okd_gitops.releases.version import digest_of
from okd_gitops.system.address import NetworkError
from okd_gitops.system.hub import Hub

# Hive gives up: apis/hive/v1/clusterdeployment_types.go.
_STOPPED, _UNREACHABLE = "ProvisionStopped", "Unreachable"


def ask_hive(target: Target) -> Answer:
    """Return what Hive reports of a cluster, in the form in which the cluster would answer itself."""
    try:
        deployment = _read(target, "clusterdeployments")
        state = _read(target, "clusterstates") if deployment else None
    except NetworkError as error:
        return Answer(error=error)

    if deployment is None:
        return Answer(waiting="Hive does not know it yet")

    return _answer(target, deployment, state)


def _answer(target: Target, deployment: Object, state: Object | None) -> Answer:
    status = at(deployment, "status")
    stopped = condition(status, _STOPPED)

    if stopped.get("status") == "True":
        return Answer(not_installed=words(stopped) or "Hive has stopped to install it")

    if at(deployment, "spec", "installed") is not True:
        return Answer(waiting="Hive is installing it")

    if not _has_id(deployment):
        return Answer(waiting="it is one of Hive's own fake clusters, which run no release")

    if not isinstance(at(status, "clusterVersionStatus"), dict):
        return Answer(waiting="Hive has installed it, and does not report its release yet")

    other = _another_beginning(target.cluster, status)

    if other:
        return Answer(waiting=other)

    noted = noted_of(deployment)
    asked = asked_suite(target.cluster)
    found = noted.conformance
    # Another suite than the one that the file names tells nothing.
    suite = found if found and asked in ("", found.suite) else None
    is_reached = condition(status, _UNREACHABLE).get("status") == "False"

    return Answer(
        seen=Seen(
            version=_cluster_version(target.cluster, deployment),
            operators=_operators(state),
            pools=_nodes(deployment, noted),
            tests={READY: is_reached, **({CONFORMANCE: suite.passed} if suite else {})},
            running=(CONFORMANCE,) if asked is not None and not suite else (),
            told={CONFORMANCE: f"{suite.suite}: {suite.words}"} if suite else {},
        )
    )


def _another_beginning(cluster: Cluster, status: object) -> str:
    """Return that a cluster which must upgrade began with another release: its upgrade tells nothing."""
    history = items(status, "clusterVersionStatus", "history")
    first = str(at(history[-1], "image") or "") if history else ""
    installs = cluster.spec.installs

    if not installs or not first or digest_of(first) == digest_of(installs.image):
        return ""

    return f"it was not installed with {installs.version}, so it shows no upgrade from that"


def _has_id(deployment: Object) -> bool:
    """Whether the installed cluster has an ID; a fake one has a text instead."""
    cluster_id = str(at(deployment, "spec", "clusterMetadata", "clusterID") or "")

    return not field_faults({"clusterID": cluster_id})


def _cluster_version(cluster: Cluster, deployment: Object) -> Object:
    """Return the ClusterVersion, as far as Hive tells; what it was told to run is what Hive was told."""
    status = at(deployment, "status", "clusterVersionStatus")
    release = cluster.spec.release
    assert release
    wanted = {"version": release.version, "image": release.image} if cluster.spec.installs else None

    return {
        "kind": "ClusterVersion",
        "metadata": {"generation": at(status, "observedGeneration")},
        "spec": {
            "clusterID": at(deployment, "spec", "clusterMetadata", "clusterID"),
            **({"desiredUpdate": wanted} if wanted else {}),
        },
        "status": status,
    }


def _nodes(deployment: Object, noted: Noted) -> Pools:
    history = items(deployment, "status", "clusterVersionStatus", "history")

    return Pools() if len(history) == 1 else noted.pools


def _operators(state: Object | None) -> Object:
    """Return the ClusterOperators as the API of the cluster lists them."""
    operators = [
        {"metadata": {"name": operator.get("name")}, "status": {"conditions": operator.get("conditions")}}
        for operator in maps(state, "status", "clusterOperators")
    ]

    return {"kind": "ClusterOperatorList", "metadata": {}, "items": operators}


def _read(target: Target, plural: str) -> Object | None:
    name = target.cluster.name
    path = f"{HIVE.path}/namespaces/{PREFIX}{name}/{plural}/{name}"
    value = Hub(api=target.api, http=target.http).ask_if_there(path)

    return value if isinstance(value, dict) else None
