"""bootstrap: what brings a hub up, as commands in order; a person or --apply runs them.

No credential passes through here: what asks for one, and what only a person may decide, is left to a person.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from shlex import join

from okd_gitops.errors import UsageError
from okd_gitops.finding import FindingsError, nearest
from okd_gitops.fleet.cluster import Cluster, Environment
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.fleet.placeholders import placeholders
from okd_gitops.fleet.tool_version import version_numbers
from okd_gitops.generate.commit import FOLDERS
from okd_gitops.generate.generate import drift_error, generate
from okd_gitops.lifecycle.found_hub import ARGO_CD_IMAGE, Command, Run, ask, version_in
from okd_gitops.manifests.argocd import NAMESPACE
from okd_gitops.system.disk import FLEET
from okd_gitops.system.git import status

# The version that the README and the feature argocd name.
ARGO_CD = "v3.6.1"
_INSTALL = f"https://raw.githubusercontent.com/argoproj/argo-cd/{ARGO_CD}/manifests/install.yaml"
_OPERATOR = "bases/argocd/operator"
# The parameters of the feature argocd by which OLM finds another operator.
_OF_THE_SUBSCRIPTION = ("catalog", "channel", "version")
_ROOT = "argocd/fleet"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of bringing a hub up: a title, and the commands in order.

    A step `by_hand` asks a person for something, so nothing runs it. `after` is a command that fails until
    the step can be done; `unless` one that prints something where it is done already. Where that is an image
    whose tag is older than `at_least`, it is not.
    """

    title: str
    commands: tuple[Command, ...]
    by_hand: bool = False
    unless: Command = ()
    after: Command = ()
    at_least: str = ""

    def is_done(self, printed: str) -> bool:
        """Whether the step is done, by what `unless` printed; what tells no version is left alone."""
        found = version_in(printed) if self.at_least else ""
        is_older = bool(found) and version_numbers(found[1:]) < version_numbers(self.at_least[1:])

        return bool(printed) and not is_older

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
    """The hub, the repository that it is to read, and the steps that bring it up."""

    hub: Cluster
    repository: str
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

    return Bootstrap(hub, fleet.spec.repository, steps)


def refuse_unready(root: Path) -> None:
    """Raise what keeps the fleet at `root` from being applied to a hub.

    FindingsError for placeholders in fleet.yaml or the hub's file (exit 2) and for generated files that do
    not follow from the cluster files (exit 3), UsageError for what is not committed: Argo CD would read
    something else.
    """
    generated = generate(root, write=False)
    fleet, drift = generated.fleet, generated.drift
    hub = fleet.cluster(fleet.spec.hub)

    if findings := placeholders([fleet.document, *([hub.document] if hub else [])]):
        raise FindingsError(findings)

    if drift.refused or drift.changes:
        raise drift_error(drift)

    if changed := sorted(status(root, FOLDERS).paths):
        reason = f"not committed: {', '.join(changed[:3])}{' …' if len(changed) > 3 else ''}"
        raise UsageError(reason, "okd-gitops commit, and push: Argo CD reads the repository, not this clone")


def carry_out(result: Bootstrap, run: Run, say: Callable[[str], None]) -> Iterable[Step]:
    """Run the steps that no person must do, and return the others; `run` runs a command on the hub.

    What is there already stays, so the same can be run again. Raises RemoteError for a step that fails or
    that waits for a person.
    """
    for step in result.steps:
        if step.by_hand:
            say(f"by hand: {step.title}")
            continue

        if step.after:
            ask(step.after, run)

        if step.unless and step.is_done(ask(step.unless, run)):
            say(f"there already: {step.title}")
            continue

        say(step.title)
        for command in step.commands:
            ask(command, run)

    return [step for step in result.steps if step.by_hand]


def as_line(command: Command) -> str:
    """Return a command as a person types it."""
    return join(command)


def _files(command: Command) -> list[str]:
    """Return the files of the repository that a command applies."""
    return [word for before, word in pairwise(command) if before == "--filename" and "://" not in word]


def _apply(*files: str) -> Command:
    named = (word for file in files for word in ("--filename", file))

    return ("kubectl", "apply", "--server-side", *named)


def _if_there(*words: str) -> Command:
    """Return a command that prints the name of an object that is there."""
    return ("kubectl", "get", *words, "--ignore-not-found", "--output=name")


def _exists(kind: str) -> Command:
    """Return a command that fails until the API server has a kind."""
    return ("kubectl", "wait", "--for=condition=Established", f"crd/{kind}", "--timeout=120s")


def _argo_cd(hub: Cluster) -> tuple[Step, ...]:
    """Return the steps that install Argo CD: by OLM on OKD, elsewhere by its own manifests."""
    namespace = Step(
        f"Make the namespace {NAMESPACE}",
        (("kubectl", "create", "namespace", NAMESPACE),),
        unless=_if_there("namespace", NAMESPACE),
    )

    if hub.spec.environment != Environment.OKD:
        # As --server-side, because its CustomResourceDefinitions are too large for an annotation.
        install = ("kubectl", "apply", "--server-side", "--namespace", NAMESPACE, "--filename", _INSTALL)
        title = f"Install Argo CD {ARGO_CD}"
        return namespace, Step(title, (install,), unless=ARGO_CD_IMAGE, at_least=ARGO_CD)

    subscribe = _apply(
        f"{_OPERATOR}/operatorgroup-argocd-operator.yaml", f"{_OPERATOR}/subscription-argocd-operator.yaml"
    )
    # The base has the catalog's own values, and nothing else of the hub's overlay can be applied before.
    own = [name for name in _OF_THE_SUBSCRIPTION if name in (hub.spec.features.get("argocd") or {})]
    plans = ("kubectl", "get", "installplans", "--namespace", NAMESPACE)
    approve = (
        *("kubectl", "patch", "installplan", "NAME", "--namespace", NAMESPACE),
        *("--type", "merge", "--patch", '{"spec":{"approved":true}}'),
    )
    return (
        namespace,
        Step(
            f"Ask OLM for the operator of Argo CD{_but_for(own)}",
            (subscribe,),
            by_hand=bool(own),
            unless=_if_there(
                "subscriptions.operators.coreos.com", "argocd-operator", "--namespace", NAMESPACE
            ),
        ),
        Step("Look at what OLM would install, and approve it by its name", (plans, approve), by_hand=True),
        Step(
            "Start Argo CD",
            (_apply(f"{_OPERATOR}/argocd-argocd.yaml"),),
            after=_exists("argocds.argoproj.io"),
            unless=_if_there("argocds.argoproj.io", "argocd", "--namespace", NAMESPACE),
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
        yield Step(title, ((*restart, "--namespace", NAMESPACE),), by_hand=True)
