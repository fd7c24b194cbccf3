"""Ask a cluster's API what the observer needs, and nothing more: its ClusterVersion first, by clusterID."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from okd_gitops.evidence.answers import Seen
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.manifests.objects import at
from okd_gitops.redaction import one_line
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http

_CONFIG = "/apis/config.openshift.io/v1"
_POOLS = "/apis/machineconfiguration.openshift.io/v1/machineconfigpools"
# The API server reports to every account whether it is ready, after its own checks.
READY = "api-ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster, the address of its API server, and what asks it with its account.

    `tests` are further addresses, by name, that must answer with status 200. With `through_hive`, the API
    server is the hub's, and Hive there knows the cluster.
    """

    cluster: Cluster
    api: str
    http: Http
    tests: Mapping[str, str] = field(default_factory=dict)
    through_hive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a cluster answered, or without it the ID that it has instead of the one in its file, the error of
    the network, what it is still waiting for, or why it was not installed.
    """

    seen: Seen | None = None
    other_id: str = ""
    error: NetworkError | None = None
    waiting: str = ""
    not_installed: str = ""


def ask(target: Target) -> Answer:
    """Ask one cluster. Of a cluster with another ID than in its file, nothing more is read."""
    try:
        version = target.http.send("GET", f"{target.api}{_CONFIG}/clusterversions/version")
        cluster_id = at(version, "spec", "clusterID")

        if not cluster_id or cluster_id != target.cluster.spec.cluster_id:
            return Answer(other_id=one_line(str(cluster_id or "none"), 60))

        operators = target.http.send("GET", f"{target.api}{_CONFIG}/clusteroperators")
        pools = ask_pools(target.api, target.http)
    except NetworkError as error:
        return Answer(error=error)

    tests = {READY: f"{target.api}/readyz", **target.tests}
    results = {name: _is_answered(target.http, url) for name, url in tests.items()}

    return Answer(seen=Seen(version=version, operators=operators, pools=pools, tests=results))


def ask_pools(api: str, http: Http) -> object:
    """Return the MachineConfigPools; None where the API server has none, as with hosted control planes.

    Raises NetworkError.
    """
    return http.ask_if_there(f"{api}{_POOLS}")


def _is_answered(http: Http, url: str) -> bool:
    try:
        http.get(url)
    except NetworkError:
        return False

    return True
