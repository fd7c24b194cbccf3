"""The rule open-listener; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import ObjectId, at, items
from okd_gitops.manifests.tekton import named

# Interceptors of Tekton that compare a signature or token with a Secret when they have a secretRef.
_SIGNED = ("bitbucket", "github", "gitlab")
# These only read or filter; every other name is somebody's own.
_OPEN = ("cel", "slack")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the triggers inside EventListeners, and at Triggers that no authenticating group guards."""
    listeners = [
        value
        for value in overlay.objects
        if ObjectId.of(value).group_kind == "EventListener.triggers.tekton.dev"
    ]
    guarded = any(
        _authenticates(group) for value in listeners for group in items(value, "spec", "triggerGroups")
    )
    for value in listeners:
        for index, trigger in enumerate(items(value, "spec", "triggers")):
            # A triggerRef is a Trigger, which is looked at below.
            if not at(trigger, "triggerRef") and not _authenticates(trigger):
                yield _fault(value, f'the trigger "{at(trigger, "name") or index}"')
    for value in overlay.objects:
        if (
            ObjectId.of(value).group_kind == "Trigger.triggers.tekton.dev"
            and not guarded
            and not _authenticates(at(value, "spec"))
        ):
            yield _fault(value, "this trigger")


def _fault(value: dict[str, object], which: str) -> Fault:
    remedy = "add an interceptor: github with secretRef, or cel with compareSecret"
    return Fault(
        reason=f"{which} lets everybody in who can reach the listener",
        remedy=remedy,
        object=ObjectId.of(value),
    )


def _authenticates(trigger: object) -> bool:
    return any(_proves(interceptor) for interceptor in items(trigger, "interceptors"))


def _proves(interceptor: object) -> bool:
    name = at(interceptor, "ref", "name")
    if not isinstance(name, str) or not name:
        # The older form: a key for each kind; webhook is an interceptor of one's own.
        inline = [kind for kind in _SIGNED if at(interceptor, kind, "secretRef")]
        return bool(inline or at(interceptor, "webhook") or _compares(at(interceptor, "cel", "filter")))
    given = named(interceptor, "params")
    if name in _SIGNED:
        return bool(at(given.get("secretRef"), "value", "secretName"))
    return name not in _OPEN or _compares(at(given.get("filter"), "value"))


def _compares(expression: object) -> bool:
    return isinstance(expression, str) and "compareSecret(" in expression
