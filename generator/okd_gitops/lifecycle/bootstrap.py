"""bootstrap: what brings a hub up, as commands in order; a person or --apply runs them.

No credential passes through here: what asks for one, and what only a person may decide, is left to a person.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from shlex import join

from okd_gitops.errors import RemoteError, UsageError
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Cluster, Environment
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.manifests.argocd import server_address
from okd_gitops.system.disk import FLEET
from okd_gitops.system.process import Completed

Command = tuple[str, ...]

# The version that the README and the feature argocd name.
ARGO_CD = "v3.6.1"
_NAMESPACE = "argocd"
# A line of kubectl's own log, which says again what its last line says.
_LOGGED = re.compile(r"[EWI][0-9]{4} ")
_INSTALL = f"https://raw.githubusercontent.com/argoproj/argo-cd/{ARGO_CD}/manifests/install.yaml"
_OPERATOR = "bases/argocd/operator"
# The parameters of the feature argocd by which OLM finds another operator.
_OF_THE_SUBSCRIPTION = ("catalog", "channel", "version")
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
            nearest(fleet.spec.hub, [cluster.name for cluster in fleet.clusters])
            or f"look at hub: in {FLEET}",
        )

    applied = [path for step in _argo_cd(hub) for command in step.commands for path in _files(command)]
    missing = [path for path in (*applied, *_files(_ROOT_COMMAND)) if not (root / path).is_file()]

    if missing:
        raise UsageError(
            f"{missing[0]} is not there", "okd-gitops generate writes it; the hub needs the feature argocd"
        )

    steps = (
        *_argo_cd(hub),
        _credentials(fleet),
        *_registrations(fleet, hub),
        _ROOT_STEP,
        *_after_the_first_sync(hub),
    )

    return Bootstrap(hub, steps)


def carry_out(
    result: Bootstrap, run: Callable[[Command], Completed], say: Callable[[str], None]
) -> Iterable[Step]:
    """Run the steps that no person must do, and return the others; `run` runs a command on the hub.

    What is there already stays, so the same can be run again. Raises UsageError for a cluster that is not the
    hub, and RemoteError for a step that fails or that waits for a person.
    """
    _refuse_other_cluster(result.hub, run)

    for step in result.steps:
        if step.by_hand:
            say(f"by hand: {step.title}")
            continue

        if step.unless and _answer(step.unless, run).text:
            say(f"there already: {step.title}")
            continue

        say(step.title)
        for command in (step.after, *step.commands) if step.after else step.commands:
            _answer(command, run)

    return [step for step in result.steps if step.by_hand]


def _answer(command: Command, run: Callable[[Command], Completed]) -> Completed:
    done = run(command)

    if done.code:
        said = "\n".join(line for line in done.err.splitlines() if not _LOGGED.match(line))
        reason = f"{as_line(command)} ended with {done.code}: {said.strip()[-2000:]}"
        raise RemoteError(reason, "do the steps before it that are by hand, then run the same again")

    return done


def _refuse_other_cluster(hub: Cluster, run: Callable[[Command], Completed]) -> None:
    """Raise UsageError when the context is that of another cluster, as far as the hub's file can tell."""
    if hub.spec.cluster_id:
        wanted, path = hub.spec.cluster_id, "{.spec.clusterID}"
        found = _answer(
            ("kubectl", "get", "clusterversion", "version", f"--output=jsonpath={path}"), run
        ).text
    elif hub.spec.server:
        wanted, path = server_address(hub.spec.server), "{.clusters[0].cluster.server}"
        view = ("kubectl", "config", "view", "--minify", f"--output=jsonpath={path}")
        found = server_address(_answer(view, run).text)
    else:
        return

    if found != wanted:
        raise UsageError(
            f"this context is not {hub.name}: it has {found or 'nothing'}, not {wanted}",
            "name another context",
        )


def as_line(command: Command) -> str:
    """Return a command as a person types it."""
    return join(command)


def _files(command: Command) -> list[str]:
    """Return the files of the repository that a command applies."""
    return [word for before, word in pairwise(command) if before == "--filename" and "://" not in word]


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
    # The base has the catalog's own values, and nothing else of the hub's overlay can be applied before.
    own = [name for name in _OF_THE_SUBSCRIPTION if name in (hub.spec.features.get("argocd") or {})]
    plans = ("kubectl", "get", "installplans", "--namespace", _NAMESPACE)
    approve = (
        *("kubectl", "patch", "installplan", "NAME", "--namespace", _NAMESPACE),
        *("--type", "merge", "--patch", '{"spec":{"approved":true}}'),
    )
    return (
        namespace,
        Step(f"Ask OLM for the operator of Argo CD{_but_for(own)}", (subscribe,), by_hand=bool(own)),
        Step("Look at what OLM would install, and approve it by its name", (plans, approve), by_hand=True),
        Step(
            "Start Argo CD",
            (_apply(f"{_OPERATOR}/argocd-argocd.yaml"),),
            after=_exists("argocds.argoproj.io"),
        ),
    )


def _but_for(parameters: list[str]) -> str:
    named = ", ".join(parameters)

    return f", with {named} as the hub's file gives it: edit a copy of the Subscription" if parameters else ""


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


def _after_the_first_sync(hub: Cluster) -> Iterable[Step]:
    """Yield what waits for namespaces and configuration that the first sync brings."""
    secrets = ("okd-gitops", "secrets", "--cluster", hub.name)
    yield Step(
        "Make the Secrets that the hub needs; this prints a script that asks for them",
        (secrets,),
        by_hand=True,
    )

    if hub.spec.environment != Environment.OKD:
        restart = ("kubectl", "rollout", "restart", "statefulset", "argocd-application-controller")
        title = "After the first sync, once: let Argo CD read its configuration"
        yield Step(title, ((*restart, "--namespace", _NAMESPACE),), by_hand=True)
