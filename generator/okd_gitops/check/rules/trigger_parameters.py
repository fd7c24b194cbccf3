"""The rule trigger-parameters; findings.yaml says what it demands and why."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.tekton import named, required, uses


def check_object(value: Object) -> Iterator[Fault]:
    """Look at the variables inside a TriggerTemplate."""
    identity = ObjectId.of(value)
    if identity.group_kind == "TriggerTemplate.triggers.tekton.dev":
        for name in sorted(
            {name for name, _ in uses(at(value, "spec"), "tt.params")} - set(named(value, "spec", "params"))
        ):
            reason = f"it uses $(tt.params.{name}) and declares no such thing"
            yield Fault(reason=reason, remedy="declare it, or mend the name", object=identity)


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at EventListeners and Triggers with the bindings and templates that they name in the same
    overlay.
    """
    known = {
        (identity.group_kind, identity.namespace, identity.name): value
        for value in overlay.objects
        for identity in [ObjectId.of(value)]
    }
    for (group_kind, namespace, _), value in known.items():
        if group_kind not in ("EventListener.triggers.tekton.dev", "Trigger.triggers.tekton.dev"):
            continue
        for trigger in (
            items(value, "spec", "triggers")
            if group_kind.startswith("EventListener")
            else [at(value, "spec")]
        ):
            template = at(trigger, "template", "spec")
            if name := at(trigger, "template", "ref"):
                template = at(
                    known.get(("TriggerTemplate.triggers.tekton.dev", namespace, str(name))), "spec"
                )
            given = _given(trigger, namespace, known)
            declared = named(template, "params")
            for name in sorted((given or set()) - set(declared)) if template else ():
                reason = f'the trigger gives "{name}", which its TriggerTemplate does not declare'
                yield Fault(reason=reason, remedy="declare it, or mend the name", object=ObjectId.of(value))
            for name in sorted(required(declared) - given) if given is not None else ():
                reason = f'nothing gives "{name}", which the TriggerTemplate needs'
                yield Fault(reason=reason, remedy="bind it, or give it a default", object=ObjectId.of(value))


def _given(trigger: object, namespace: str, known: dict[tuple[str, str, str], Object]) -> set[str] | None:
    """Return the names that the bindings of a trigger give; None when one of them stands elsewhere."""
    given: set[str] = set()
    for binding in items(trigger, "bindings"):
        if not (name := at(binding, "ref")):
            given |= {str(at(binding, "name"))}
            continue
        kind = str(at(binding, "kind") or "TriggerBinding")
        place = "" if kind.startswith("Cluster") else namespace
        source = known.get((f"{kind}.triggers.tekton.dev", place, str(name)))
        if source is None:
            return None
        given |= set(named(source, "spec", "params"))
    return given
