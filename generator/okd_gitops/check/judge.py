"""Judge overlays: read what they are built from, build them, validate each document, run the rules."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from okd_gitops.check.build import build
from okd_gitops.check.kept_overlays import KeptOverlays, key_of_document
from okd_gitops.check.outcome import Report
from okd_gitops.check.overlay import NotLoadedError, without_value
from okd_gitops.check.own_schemas import OwnSchemas
from okd_gitops.check.rule import Overlay, Repository, written_as
from okd_gitops.check.run_forms import has_variable, run_forms
from okd_gitops.check.run_rules import run, run_on_loaded
from okd_gitops.check.schema_form import schema_form
from okd_gitops.check.schema_gaps import is_known_gap
from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.manifests import flux
from okd_gitops.manifests.directory import read_directory
from okd_gitops.manifests.graph import Leaves
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.nested import Path as Inside
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.write import dump
from okd_gitops.render import kustomize

_WITHOUT_SCHEMA = ("no-schema", "kind-not-checked")
_NONE = OwnSchemas()
# The documents that kustomize renders from each folder.
_Documents = Mapping[str, tuple[kustomize.Document, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What became of overlays: those that could be built, what was refused, and the rendered documents."""

    overlays: tuple[Overlay, ...]
    findings: tuple[Finding, ...]
    documents: _Documents


def judge(
    repository: Repository,
    root: Path,
    cache: Path,
    *,
    say: Callable[[str], None],
    count: Callable[[int, int], None] = kustomize.no_count,
    keeps: bool = False,
) -> Report:
    """Build the overlays of the repository at `root` with the tools and schemas in `cache`, and judge them.

    An overlay with something that must not be built is not built; the others are. With `keeps`, what an
    earlier run found of an overlay that has not changed is not found again. Raises ToolError when a tool or a
    schema bundle is missing.
    """
    kept = KeptOverlays.of(root, cache, repository.files) if keeps else None
    if kept:
        for unchanged in (kept.unchanged(repository.overlays), {}):
            with suppress(NotLoadedError):
                return _judge_changed(repository, unchanged, kept, root, cache, say=say, count=count)

    stopwatch = Stopwatch()
    leaves: Leaves = {}
    overlays = [_read(overlay, repository.files, leaves) for overlay in repository.overlays]
    built = build_overlays(overlays, repository.files, root, cache, say=say, count=count)
    stopwatch.lap("build")

    is_whole = len(built.overlays) == len(repository.overlays)
    return judge_built(replace(repository, is_whole=is_whole), built, cache, stopwatch, say=say)


def _judge_changed(
    repository: Repository,
    unchanged: Mapping[str, Overlay],
    kept: KeptOverlays,
    root: Path,
    cache: Path,
    *,
    say: Callable[[str], None],
    count: Callable[[int, int], None],
) -> Report:
    """Judge a repository of which `unchanged` are the overlays that are as an earlier run found them.

    Raises NotLoadedError when that is not enough for a rule.
    """
    stopwatch = Stopwatch()
    leaves: Leaves = {}
    known = dict(unchanged)

    while True:
        changed = [each for each in repository.overlays if each.folder not in known]
        read = [_read(overlay, repository.files, leaves) for overlay in changed]
        built = build_overlays(read, repository.files, root, cache, say=say, count=count)
        loaded = {each.folder: _with_keys(each, built.documents[each.folder]) for each in built.overlays}
        objects = {
            key: value for each in loaded.values() for key, value in zip(each.keys, each.objects, strict=True)
        }
        overlays = [
            loaded.get(each.folder) or kept.overlay(each, objects)
            for each in repository.overlays
            if each.folder in loaded or each.folder in known
        ]
        whole = replace(
            repository, overlays=tuple(overlays), is_whole=len(overlays) == len(repository.overlays)
        )
        outdated = kept.outdated(whole)
        if not outdated:
            break
        for folder in outdated:
            del known[folder]
    stopwatch.lap("build")

    documents = [document for each in built.overlays for document in built.documents[each.folder]]
    say(f"validating {len({id(each) for each in documents})} distinct of {len(documents)} documents")
    invalid = _invalid(built.overlays, built.documents, cache, _NONE)
    stopwatch.lap("schemas")

    say(f"running the rules on {len(loaded)} of {len(overlays)} overlays")
    faults, looked = run_on_loaded(whole, kept)
    unsure = {name for finding in (*built.findings, *invalid) for name in finding.clusters}
    kept.keep(whole, looked, unsure)
    stopwatch.lap("rules")

    return Report(
        findings=(*built.findings, *invalid, *faults),
        overlays=len(overlays),
        documents=sum(len(each.keys) for each in overlays),
        distinct=len({key for each in overlays for key in each.keys}),
        without_schema=sum(finding.name in _WITHOUT_SCHEMA for finding in invalid),
        seconds=stopwatch.seconds,
    )


def _with_keys(overlay: Overlay, documents: Sequence[kustomize.Document]) -> Overlay:
    # Of files that are applied as they are, each document is its own.
    own = overlay.folder if overlay.is_directory else ""
    keys = [key_of_document(document.data, own) for document in documents]
    return replace(overlay, keys=keys, found={})


def build_overlays(
    overlays: Sequence[Overlay],
    files: Mapping[str, bytes],
    root: Path,
    cache: Path,
    *,
    say: Callable[[str], None],
    count: Callable[[int, int], None] = kustomize.no_count,
) -> Built:
    """Build the overlays whose graphs have nothing to refuse; raises ToolError when kustomize is missing."""
    refused = [finding for overlay in overlays for finding in (*overlay.graph.findings, *overlay.graph.notes)]
    sound = [overlay for overlay in overlays if not overlay.graph.findings]

    say(f"building {len(sound)} overlays with kustomize, a worker per core")
    graphs = {overlay.folder: overlay.graph for overlay in sound}
    names = {overlay.folder: overlay.name for overlay in sound}
    rendering = build(root, cache, graphs, names, files, count)
    rendered = _rendered(sound, rendering.documents)

    return Built(
        overlays=tuple(rendered), findings=(*refused, *rendering.findings), documents=rendering.documents
    )


def judge_built(
    repository: Repository,
    built: Built,
    cache: Path,
    stopwatch: "Stopwatch",
    *,
    say: Callable[[str], None],
    own: OwnSchemas = _NONE,
) -> Report:
    """Validate what was built and run the rules on it; the overlays of `repository` are those of `built`."""
    documents = [document for overlay in built.overlays for document in built.documents[overlay.folder]]
    distinct = len({id(document) for document in documents})

    say(f"validating {distinct} distinct of {len(documents)} documents with kubeconform")
    invalid = _invalid(built.overlays, built.documents, cache, own)
    stopwatch.lap("schemas")

    say("running the rules")
    faults = run(replace(repository, overlays=built.overlays))
    stopwatch.lap("rules")

    return Report(
        findings=(*built.findings, *invalid, *faults),
        overlays=len(built.overlays),
        documents=len(documents),
        distinct=distinct,
        without_schema=sum(finding.name in _WITHOUT_SCHEMA for finding in invalid),
        seconds=stopwatch.seconds,
    )


class Stopwatch:
    """Measures steps, each from the end of the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = monotonic()

    def lap(self, step: str) -> None:
        """End a step, of the name that is given."""
        now = monotonic()
        self.seconds[step] = now - self._last
        self._last = now


def _read(overlay: Overlay, files: Mapping[str, bytes], leaves: Leaves) -> Overlay:
    if overlay.is_directory:
        return replace(overlay, graph=read_directory(files, overlay.folder))

    return replace(overlay, graph=walk(files, "" if overlay.folder == "." else overlay.folder, leaves))


def _rendered(overlays: Sequence[Overlay], documents: _Documents) -> list[Overlay]:
    """Return the overlays that kustomize could build, with their objects."""
    rendered: list[Overlay] = []
    for overlay in overlays:
        if overlay.folder in documents:
            objects = tuple(document.value for document in documents[overlay.folder])
            rendered.append(replace(overlay, objects=objects))
    return rendered


def _invalid(
    overlays: Sequence[Overlay], documents: _Documents, cache: Path, own: OwnSchemas
) -> list[Finding]:
    """Return a finding for each fault of each distinct document, validated by its cluster's Kubernetes."""
    findings: list[Finding] = []
    for kubernetes in sorted({overlay.kubernetes for overlay in overlays}):
        members = [overlay for overlay in overlays if overlay.kubernetes == kubernetes]
        findings += _invalid_under(kubernetes, members, documents, cache, own)
    return findings


def _invalid_under(
    kubernetes: str, overlays: Sequence[Overlay], documents: _Documents, cache: Path, own: OwnSchemas
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


def _form(document: kustomize.Document, overlay: Overlay, filled: dict[bytes, Object]) -> bytes | None:
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
