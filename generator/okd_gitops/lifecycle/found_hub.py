"""What a context of kubectl leads to, before `bootstrap` changes anything there: is it the hub, and whose?"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from shlex import join

from okd_gitops.errors import RemoteError, UsageError
from okd_gitops.fleet.cluster import Cluster, Environment
from okd_gitops.manifests.argocd import HERE, NAMESPACE, server_address
from okd_gitops.system.process import Completed
from okd_gitops.system.push_target import same_repository

Command = tuple[str, ...]
Run = Callable[[Command], Completed]

ROOT_APPLICATION = "fleet"
# Of a Deployment, this prints the image of its first container.
_IMAGE = "--output=jsonpath={.spec.template.spec.containers[0].image}"
ARGO_CD_IMAGE: Command = (
    *("kubectl", "get", "deployment", "argocd-server", "--namespace", NAMESPACE),
    *("--ignore-not-found", _IMAGE),
)
_VERSION = re.compile(r":(v[0-9]+\.[0-9]+\.[0-9]+)")
# A line of kubectl's own log, which says again what its last line says.
_LOGGED = re.compile(r"[EWI][0-9]{4} ")
_BY_HAND = "do the steps before it that are by hand, then run the same again"
_REACH = "start the cluster or log in, until kubectl get nodes answers, then run the same again"
# How kind calls the nodes that it makes (kind v0.20, pkg/cluster/internal/kubeadm/config.go, provider-id).
_OF_KIND = "kind://"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHub:
    """A cluster that may become the hub, or is it: its address, the image of its Argo CD (empty: none), how
    many Applications it has, and whether the fleet's root is one of them.
    """

    server: str
    argo_cd: str
    applications: int
    has_root: bool

    def words(self, context: str) -> str:
        """Return in a sentence what is there."""
        what = f"Argo CD {version_in(self.argo_cd) or self.argo_cd}" if self.argo_cd else "no Argo CD"
        count = f"{self.applications} {'Application' if self.applications == 1 else 'Applications'}"
        whose = ", also the root of this fleet" if self.has_root else ", not the root of this fleet"
        held = f" with {count}{whose if self.applications else ''}" if self.argo_cd else ""

        return f"{context} is {self.server}: {what}{held}"


def version_in(image: str) -> str:
    """Return the version in the tag of an image, such as v3.6.1; empty without one."""
    match = _VERSION.search(image)

    return match[1] if match else ""


def look_at_hub(hub: Cluster, repository: str, run: Run) -> FoundHub:
    """Return what a context leads to; `run` runs a command there, and `repository` is the fleet's.

    Raises UsageError for a cluster that is not the hub, as far as that can be told, and for one that syncs
    another fleet; RemoteError when it does not answer.
    """
    server = _server(run)
    _refuse_other_cluster(hub, server, run)
    has_applications = bool(ask(_crd("applications.argoproj.io"), run))
    root = ask(_root("{.spec.source.repoURL}"), run) if has_applications else ""

    if root and not (root == repository or same_repository(root, repository)):
        raise UsageError(
            f"{server} is the hub of another fleet: its root Application reads {root}, not {repository}",
            "name another context; a hub moves to another repository in two changes (docs/changes.md)",
        )

    names = ask(_ALL_APPLICATIONS, run).splitlines() if has_applications else []

    return FoundHub(
        server=server,
        argo_cd=ask(ARGO_CD_IMAGE, run),
        applications=len(names),
        has_root=bool(root),
    )


def _server(run: Run) -> str:
    """Return the address that a context leads to, by the kubeconfig alone."""
    done = run(("kubectl", "config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}"))

    if done.code or not done.text:
        reason = f"kubectl knows no cluster by this context: {done.err.strip()[:300]}"
        raise UsageError(reason.removesuffix(": "), "kubectl config get-contexts lists them")

    return done.text


def ask(command: Command, run: Run, remedy: str = _BY_HAND) -> str:
    """Return what a command prints; raises RemoteError with a remedy when it fails."""
    done = run(command)

    if done.code:
        said = "\n".join(line for line in done.err.splitlines() if not _LOGGED.match(line))
        reason = f"{join(command)} ended with {done.code}: {said.strip()[-2000:]}"
        raise RemoteError(reason, remedy)

    return done.text


def _refuse_other_cluster(hub: Cluster, server: str, run: Run) -> None:
    """Raise UsageError when a context is that of another cluster than the hub's file describes."""
    is_okd = bool(ask(_crd("clusterversions.config.openshift.io"), run, _REACH))

    if is_okd != (hub.spec.environment == Environment.OKD):
        told = "is OKD" if is_okd else "is not OKD"
        raise _other(hub, server, f"it {told}, and the file says environment: {hub.spec.environment}")

    if hub.spec.cluster_id:
        found = ask(_CLUSTER_ID, run, _REACH)

        if found != hub.spec.cluster_id:
            raise _other(hub, server, f"it has the clusterID {found or 'of none'}, not {hub.spec.cluster_id}")

    elif hub.spec.environment == Environment.KIND:
        nodes = ask(_NODES, run, _REACH).split()

        if not nodes or not all(node.startswith(_OF_KIND) for node in nodes):
            raise _other(hub, server, "its nodes were not made by kind")

    # The name that a cluster has for itself tells nothing from outside.
    elif (
        hub.spec.server
        and hub.spec.server != HERE
        and server_address(server) != server_address(hub.spec.server)
    ):
        raise _other(hub, server, f"the file has {hub.spec.server}")


def _other(hub: Cluster, server: str, reason: str) -> UsageError:
    remedy = f"name another context, or correct clusters/{hub.name}.yaml"

    return UsageError(f"{server} is not {hub.name}: {reason}", remedy)


def _crd(name: str) -> Command:
    return ("kubectl", "get", "crd", name, "--ignore-not-found", "--output=name")


def _root(path: str) -> Command:
    return (
        *("kubectl", "get", "applications.argoproj.io", ROOT_APPLICATION, "--namespace", NAMESPACE),
        *("--ignore-not-found", f"--output=jsonpath={path}"),
    )


_ALL_APPLICATIONS = (
    *("kubectl", "get", "applications.argoproj.io", "--namespace", NAMESPACE),
    "--output=name",
)
_CLUSTER_ID = ("kubectl", "get", "clusterversion", "version", "--output=jsonpath={.spec.clusterID}")
_NODES = ("kubectl", "get", "nodes", "--output=jsonpath={.items[*].spec.providerID}")
