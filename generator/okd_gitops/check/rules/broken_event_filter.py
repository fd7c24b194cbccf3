"""The rule broken-event-filter: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.cel import syntax_fault
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.tekton import named

# What Tekton's own interceptors put below extensions (tektoncd/triggers v0.34, pkg/interceptors).
_BUILT_IN = ("bitbucket", "cel", "github", "gitlab", "slack")
_ADDED = ("changed_files", "approvers", "slack")
_EXTENSION = re.compile(r"\$\(extensions\.([A-Za-z0-9_-]+)")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at the CEL expressions of listeners, and at what bindings read of their overlays."""
    listeners = overlay.of("EventListener.triggers.tekton.dev")
    if not listeners:
        return

    bindings = {
        (ObjectId.of(value).kind, ObjectId.of(value).namespace, ObjectId.of(value).name): value
        for value in overlay.objects
        if ObjectId.of(value).group == "triggers.tekton.dev"
    }
    for value in listeners:
        identity = ObjectId.of(value)
        for index, trigger in enumerate(items(value, "spec", "triggers")):
            path = ("spec", "triggers", index)
            for reason in [*_unparsed(trigger), *_unread(trigger, identity.namespace, bindings)]:
                yield Fault(
                    reason=f"{reason}: every event is dropped",
                    remedy="correct it",
                    object=identity,
                    path=path,
                )


def _parameters(trigger: object) -> Iterator[dict[str, Object]]:
    for interceptor in items(trigger, "interceptors"):
        if at(interceptor, "ref", "name") == "cel":
            yield named(interceptor, "params")


def _unparsed(trigger: object) -> Iterator[str]:
    for parameters in _parameters(trigger):
        expressions = [("filter", at(parameters.get("filter"), "value"))]
        overlays = at(parameters.get("overlays"), "value")
        for each in overlays if isinstance(overlays, list) else ():
            expressions.append((f"overlay {at(each, 'key')}", at(each, "expression")))

        for name, text in expressions:
            fault = syntax_fault(text) if isinstance(text, str) else ""
            if fault:
                yield f"its CEL {name} does not parse, {fault}"


def _unread(trigger: object, namespace: str, bindings: dict[tuple[str, str, str], Object]) -> Iterator[str]:
    names = [at(each, "ref", "name") for each in items(trigger, "interceptors")]
    if any(name not in _BUILT_IN for name in names):
        return

    keys: set[str] = set()
    for parameters in _parameters(trigger):
        overlays = at(parameters.get("overlays"), "value")
        keys |= {str(at(each, "key")) for each in (overlays if isinstance(overlays, list) else ())}
    written = {key.split(".")[0] for key in keys} | set(_ADDED)

    for binding in items(trigger, "bindings"):
        found = bindings.get(("TriggerBinding", namespace, str(at(binding, "ref"))))
        values = [at(binding, "value"), *(at(each, "value") for each in items(found, "spec", "params"))]
        for text in values:
            for name in _EXTENSION.findall(str(text or "")):
                if name not in written:
                    wrong = f"extensions.{name}" in keys
                    hint = f"; the overlay's key must be {name}, without extensions." if wrong else ""
                    yield f"a binding reads $(extensions.{name}), which no interceptor writes{hint}"
