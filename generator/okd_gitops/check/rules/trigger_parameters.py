"""The rule trigger-parameters: findings.yaml states and explains it."""

from collections.abc import Iterator
from difflib import get_close_matches

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import Severity
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.tekton import Path, named, path_of_text, required, uses

_GROUP = "triggers.tekton.dev"
# How alike two names are of which one is a slip of the other.
_NEAR = 0.7
# The objects of an overlay by kind, namespace and name.
_Objects = dict[tuple[str, str, str], Object]


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the variables inside a TriggerTemplate."""
    identity = ObjectId.of(value)
    if identity.group_kind != f"TriggerTemplate.{_GROUP}":
        return

    used = {name for name, _ in uses(at(value, "spec"), "tt.params")}
    for name in sorted(used - set(named(value, "spec", "params"))):
        yield Fault(
            reason=f"it uses $(tt.params.{name}), which it does not declare",
            remedy="declare it, or correct the name",
            object=identity,
            path=path_of_text(value, f"$(tt.params.{name}"),
        )


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at EventListeners and Triggers with the bindings and templates that they name in the overlay."""
    objects = _objects_of_triggers(overlay)

    for (kind, namespace, _), value in objects.items():
        for path, trigger in _triggers(kind, value):
            for reason, remedy, severity in _trigger_faults(
                trigger, namespace, objects, is_ours=bool(repository.url)
            ):
                yield Fault(
                    reason=reason, remedy=remedy, object=ObjectId.of(value), path=path, severity=severity
                )


def _objects_of_triggers(overlay: Overlay) -> _Objects:
    objects: _Objects = {}
    for value in overlay.objects:
        identity = ObjectId.of(value)
        if identity.group == _GROUP:
            objects[identity.kind, identity.namespace, identity.name] = value
    return objects


def _triggers(kind: str, value: Object) -> list[tuple[Path, object]]:
    """Return the triggers of an object, each with its path."""
    if kind == "EventListener":
        listed = enumerate(items(value, "spec", "triggers"))
        return [(("spec", "triggers", index), trigger) for index, trigger in listed]
    return [(("spec",), at(value, "spec"))] if kind == "Trigger" else []


def _trigger_faults(
    trigger: object, namespace: str, objects: _Objects, *, is_ours: bool
) -> Iterator[tuple[str, str, Severity | None]]:
    """Yield reasons, remedies and weights, as far as bindings and template are in the overlay.

    Tekton ignores a parameter that the template does not declare, and others share a binding among templates:
    of theirs only what is misspelled is told.
    """
    passed = _passed_names(trigger, namespace, objects)
    template = _template(trigger, namespace, objects)
    declared = named(template, "params")
    if passed is None:
        return

    if template:
        for name in sorted(passed - set(declared)):
            reason = f'the trigger passes "{name}", which its TriggerTemplate does not declare'
            if is_ours:
                yield reason, "declare it, or correct the name", None
            elif get_close_matches(name, set(declared) - passed, n=1, cutoff=_NEAR):
                yield reason, "declare it, or correct the name", Severity.WARNING
    for name in sorted(required(declared) - passed):
        reason = f'nothing passes "{name}", which the TriggerTemplate requires'
        yield reason, "bind it, or give it a default", None


def _template(trigger: object, namespace: str, objects: _Objects) -> object:
    """Return the spec of the template of a trigger: the one that it names, else the inline one."""
    name = at(trigger, "template", "ref")
    if name:
        return at(objects.get(("TriggerTemplate", namespace, str(name))), "spec")
    return at(trigger, "template", "spec")


def _passed_names(trigger: object, namespace: str, objects: _Objects) -> set[str] | None:
    """Return the parameters that the bindings of a trigger pass; None when a binding is elsewhere."""
    passed: set[str] = set()

    for binding in items(trigger, "bindings"):
        reference = at(binding, "ref")
        if not reference:
            passed.add(str(at(binding, "name")))
            continue

        kind = str(at(binding, "kind") or "TriggerBinding")
        place = "" if kind.startswith("Cluster") else namespace
        named_binding = objects.get((kind, place, str(reference)))
        if named_binding is None:
            return None
        passed |= set(named(named_binding, "spec", "params"))

    return passed
