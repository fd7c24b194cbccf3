"""Validate each rendered document by the schemas of its Kubernetes, and tell where it is wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from okd_gitops.check.overlay import Overlay, without_value, written_as
from okd_gitops.check.own_schemas import OwnSchemas
from okd_gitops.check.run_forms import has_variable, run_forms
from okd_gitops.check.schema_form import schema_form
from okd_gitops.check.schema_gaps import is_known_gap
from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.manifests import flux
from okd_gitops.manifests.nested import Path as Inside
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.write import dump
from okd_gitops.render.kustomize import Document

# What the findings are called whose documents no schema could judge.
WITHOUT_SCHEMA = ("no-schema", "kind-not-checked")
# The documents that kustomize renders from each folder.
Documents = Mapping[str, tuple[Document, ...]]


def invalid_documents(
    overlays: Sequence[Overlay], documents: Documents, cache: Path, own: OwnSchemas
) -> list[Finding]:
    """Return a finding for each fault of each distinct document, validated by its cluster's Kubernetes."""
    findings: list[Finding] = []
    for kubernetes in sorted({overlay.kubernetes for overlay in overlays}):
        members = [overlay for overlay in overlays if overlay.kubernetes == kubernetes]
        findings += _invalid_under(kubernetes, members, documents, cache, own)
    return findings


def _invalid_under(
    kubernetes: str, overlays: Sequence[Overlay], documents: Documents, cache: Path, own: OwnSchemas
) -> list[Finding]:
    identities: dict[bytes, ObjectId] = {}
    holders: dict[bytes, list[Overlay]] = {}
    forms: dict[tuple[int, int], bytes | None] = {}
    outer: dict[bytes, tuple[ObjectId, Inside]] = {}
    filled: dict[bytes, Object] = {}
    for overlay in overlays:
        for document in documents[overlay.folder]:
            key = id(document), id(overlay.variables)
            if key not in forms:
                forms[key] = _form(document, overlay, filled)

            form = forms[key]
            if form is not None:
                identities[form] = ObjectId.of(document.value)
                holders.setdefault(form, []).append(overlay)

            for path, identity, made in run_forms(document.value):
                identities[made] = identity
                outer[made] = ObjectId.of(document.value), path
                holders.setdefault(made, []).append(overlay)

    verdicts = own.verdicts(identities, cache, kubernetes)
    findings: list[Finding] = []
    for verdict in verdicts:
        identity, path = outer.get(verdict.document, (identities[verdict.document], ()))
        # What is inside may be of any kind; of the outer object alone a schema is asked.
        reasons = () if path and verdict.missing else verdict.reasons
        findings += [
            _finding(identity, holders[verdict.document], reason, path, missing=verdict.missing)
            for reason in reasons
            if not (path and has_variable(reason)) and not _is_open(reason, filled.get(verdict.document))
        ]
    return findings


def _form(document: Document, overlay: Overlay, filled: dict[bytes, Object]) -> bytes | None:
    """Return what is validated in the place of a document, and note it where variables were filled in it."""
    has_mark = overlay.variables is not None and b"${" in document.data
    value = flux.filled_object(document.value, overlay.variables) if has_mark else document.value
    if value is document.value:
        return schema_form(document.data, value)

    form = schema_form(dump(value).encode(), value)
    if form is not None:
        filled[form] = value
    return form


def _is_open(reason: str, value: Object | None) -> bool:
    """Whether a reason is about a value, or a name, that has a variable which is not known here."""
    if value is None:
        return False

    found: object = value
    for step in _path_of(reason):
        if isinstance(found, dict):
            found = found.get(step, found.get(str(step)))
        elif isinstance(found, list) and isinstance(step, int):
            found = found[step] if step < len(found) else None

    return flux.has_variable(found if isinstance(found, str) else reason)


def _path_of(reason: str) -> tuple[str | int, ...]:
    """Return the path in front of the reason of a validator: `/spec/volumes/1: …`."""
    pointer = reason.partition(": ")[0]
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:] if step]
    return tuple(int(step) if step.isdecimal() else step for step in steps)


def _shown(identity: ObjectId, place: Location) -> Location:
    """Return a place without the value that is written there, if that is of a Secret."""
    return without_value(place) if identity.group_kind == "Secret." else place


def _finding(
    identity: ObjectId, holders: Sequence[Overlay], reason: str, inside: Inside, *, missing: bool
) -> Finding:
    written = [written_as(overlay.graph, identity) for overlay in holders]
    path = (*inside, *_path_of(reason))
    places = [_shown(identity, each.at(path)) for each in written if each is not None]
    clusters = tuple(dict.fromkeys(overlay.name for overlay in holders))
    is_gap = missing and is_known_gap(identity)

    name, remedy = "schema-violation", "correct the field where it is written"
    if is_gap:
        name, remedy = "kind-not-checked", "review its fields by hand"
        reason = f"the fields of {identity.group}/{identity.version} {identity.kind} were not checked"
    elif missing:
        name = "no-schema"
        remedy = "add the module that has its CRD to tools/crds/go.mod, or leave the object out"
    elif holders[0].purpose:
        remedy += f", or the parameter that sets it (clusters/{clusters[0]}.yaml)"

    return finding_of(
        name,
        places[0] if places else f"{holders[0].folder}/kustomization.yaml",
        reason,
        remedy,
        of_object=str(identity),
        clusters=clusters,
    )
