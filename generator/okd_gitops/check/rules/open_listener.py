"""The rule open-listener: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.tekton import named

# Interceptors of Tekton that compare a signature or token with a Secret when they have a secretRef.
_SIGNED = ("bitbucket", "github", "gitlab")
# These only read or filter; an interceptor of any other name is somebody's own.
_OPEN = ("cel", "slack")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the triggers inside EventListeners, and at Triggers that no authenticating group guards."""
    listeners = _of_kind(overlay, "EventListener")
    groups = [group for listener in listeners for group in items(listener, "spec", "triggerGroups")]

    for listener in listeners:
        yield from _open_triggers(listener)

    if not any(_authenticates(group) for group in groups):
        for trigger in _of_kind(overlay, "Trigger"):
            if not _authenticates(at(trigger, "spec")):
                yield _fault(trigger, "this trigger")


def _of_kind(overlay: Overlay, kind: str) -> list[Object]:
    group_kind = f"{kind}.triggers.tekton.dev"
    return [value for value in overlay.objects if ObjectId.of(value).group_kind == group_kind]


def _open_triggers(listener: Object) -> Iterator[Fault]:
    for index, trigger in enumerate(items(listener, "spec", "triggers")):
        # A triggerRef names a Trigger, which is an object of its own.
        if not at(trigger, "triggerRef") and not _authenticates(trigger):
            yield _fault(listener, f'trigger "{at(trigger, "name") or index}"')


def _fault(value: Object, trigger: str) -> Fault:
    return Fault(
        reason=f"{trigger} accepts events from anybody",
        remedy="add an interceptor: github with secretRef, or cel with compareSecret",
        object=ObjectId.of(value),
    )


def _authenticates(trigger: object) -> bool:
    return any(_checks_sender(interceptor) for interceptor in items(trigger, "interceptors"))


def _checks_sender(interceptor: object) -> bool:
    name = at(interceptor, "ref", "name")
    if not isinstance(name, str) or not name:
        return _checks_sender_inline(interceptor)

    parameters = named(interceptor, "params")
    if name in _SIGNED:
        return bool(at(parameters.get("secretRef"), "value", "secretName"))
    return name not in _OPEN or _compares_secret(at(parameters.get("filter"), "value"))


def _checks_sender_inline(interceptor: object) -> bool:
    """Judge the older form: a key for each kind, where `webhook` is an interceptor of the user's own."""
    has_secret = any(at(interceptor, kind, "secretRef") for kind in _SIGNED)
    return bool(
        has_secret or at(interceptor, "webhook") or _compares_secret(at(interceptor, "cel", "filter"))
    )


def _compares_secret(expression: object) -> bool:
    return isinstance(expression, str) and "compareSecret(" in expression
