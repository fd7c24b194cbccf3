"""bootstrap: what brings a hub up, as commands in order; a person or --apply runs them.

No credential passes through here: what asks for one, and what only a person may decide, is left to a person.
"""

from dataclasses import dataclass
from pathlib import Path
from shlex import join

from okd_gitops.errors import UsageError
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Cluster, Environment
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system.disk import FLEET

Command = tuple[str, ...]

# The newest when this was written; its manifests were read at this tag.
ARGO_CD = "v3.6.1"
_NAMESPACE = "argocd"
_INSTALL = f"https://raw.githubusercontent.com/argoproj/argo-cd/{ARGO_CD}/manifests/install.yaml"
_OPERATOR = "bases/argocd/operator"
_ROOT = "argocd/fleet"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of bringing a hub up: a title, and the commands in order.

    A step `by_hand` asks a person for something, so nothing runs it. `unless` is a command that prints
    something where the step is done already; `after` one that fails until the step can be done.
    """

    title: str
    commands: tuple[Command, ...]
    by_hand: bool = False
    unless: Command = ()
    after: Command = ()

    def as_json(self) -> dict[str, object]:
        """Return the form that `--output json` prints."""
        return {
            "title": self.title,
            "byHand": self.by_hand,
            "commands": [list(command) for command in self.commands],
            "unless": list(self.unless) or None,
            "after": list(self.after) or None,
        }


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The hub, and the steps that bring it up."""

    hub: Cluster
    steps: tuple[Step, ...]


def bootstrap(root: Path) -> Bootstrap:
    """Return what brings up the hub of the fleet at `root`.

    Raises UsageError for a fleet whose hub is another fleet's, or has no Argo CD, or is not generated yet.
    """
    fleet = load(root)
    hub = fleet.cluster(fleet.spec.hub)

    if hub is None:
        raise UsageError(
            f'the hub "{fleet.spec.hub}" is not a cluster of this fleet',
            nearest(fleet.spec.hub, [cluster.name for cluster in fleet.clusters]) or f"look at hub: in {FLEET}",
        )

    applied = [path for step in _argo_cd(hub) for command in step.commands for path in _files(command)]
    missing = [path for path in (*applied, *_files(_ROOT_COMMAND)) if not (root / path).is_file()]

    if missing:
        raise UsageError(f"{missing[0]} is not there", "okd-gitops generate writes it; the hub needs the feature argocd")

    return Bootstrap(hub, (*_argo_cd(hub), _credentials(fleet), *_registrations(fleet, hub), _ROOT_STEP, _secrets(hub)))


def with_context(command: Command, context: str) -> Command:
    """Return a command of kubectl for a context of the kubeconfig; any other one as it is."""
    return (command[0], "--context", context, *command[1:]) if command[0] == "kubectl" else command


def as_line(command: Command) -> str:
    """Return a command as a person types it."""
    return join(command)


def _files(command: Command) -> list[str]:
    """Return the files of the repository that a command applies."""
    return [word for before, word in zip(command, command[1:], strict=False) if before == "--filename" and "://" not in word]


def _apply(*files: str) -> Command:
    named = (word for file in files for word in ("--filename", file))

    return ("kubectl", "apply", "--server-side", *named)


def _exists(kind: str) -> Command:
    """Return a command that fails until the API server has a kind."""
    return ("kubectl", "wait", "--for=condition=Established", f"crd/{kind}", "--timeout=120s")


def _argo_cd(hub: Cluster) -> tuple[Step, ...]:
    """Return the steps that install Argo CD: by OLM on OKD, elsewhere by its own manifests."""
    there = ("kubectl", "get", "namespace", _NAMESPACE, "--ignore-not-found", "--output=name")
    namespace = Step(
        f"Make the namespace {_NAMESPACE}", (("kubectl", "create", "namespace", _NAMESPACE),), unless=there
    )

    if hub.spec.environment != Environment.OKD:
        # As --server-side, because its CustomResourceDefinitions are too large for an annotation.
        install = ("kubectl", "apply", "--server-side", "--namespace", _NAMESPACE, "--filename", _INSTALL)
        return namespace, Step(f"Install Argo CD {ARGO_CD}", (install,))

    subscribe = _apply(
        f"{_OPERATOR}/operatorgroup-argocd-operator.yaml", f"{_OPERATOR}/subscription-argocd-operator.yaml"
    )
    plans = ("kubectl", "get", "installplans", "--namespace", _NAMESPACE)
    approve = (
        *("kubectl", "patch", "installplan", "NAME", "--namespace", _NAMESPACE),
        *("--type", "merge", "--patch", '{"spec":{"approved":true}}'),
    )
    return (
        namespace,
        Step("Ask OLM for the operator of Argo CD", (subscribe,)),
        Step("Look at what OLM would install, and approve it by its name", (plans, approve), by_hand=True),
        Step(
            "Start Argo CD",
            (_apply(f"{_OPERATOR}/argocd-argocd.yaml"),),
            after=_exists("argocds.argoproj.io"),
        ),
    )


def _credentials(fleet: Fleet) -> Step:
    """Return how a person gives Argo CD a repository that is not public; argocd asks for the password."""
    command = ("argocd", "repo", "add", fleet.spec.repository, "--username", "NAME")

    return Step(
        "If the repository is private, give Argo CD an account that may read it",
        (("argocd", "login", "--core"), command),
        by_hand=True,
    )


def _registrations(fleet: Fleet, hub: Cluster) -> tuple[Step, ...]:
    """Return how the clusters become known to Argo CD, under the names that their Applications use."""
    names = [cluster.name for cluster in fleet.clusters if cluster.spec.server and cluster is not hub]
    commands = tuple(("argocd", "cluster", "add", "CONTEXT", "--name", name) for name in names)
    title = "Make each cluster known to Argo CD, from its context in your kubeconfig"

    return (Step(title, commands, by_hand=True),) if commands else ()


_ROOT_COMMAND = _apply(f"{_ROOT}/appproject.yaml", f"{_ROOT}/application.yaml")
_ROOT_STEP = Step(
    "Apply the root Application and its project; from now on a merge is what changes a cluster",
    (_ROOT_COMMAND,),
    after=_exists("applications.argoproj.io"),
)


def _secrets(hub: Cluster) -> Step:
    command = ("okd-gitops", "secrets", "--cluster", hub.name)

    return Step("Make the Secrets that the hub needs: this prints a script that asks for them", (command,), by_hand=True)
