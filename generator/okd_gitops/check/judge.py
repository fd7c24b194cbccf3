"""Judge overlays: read what they are built from, build them, validate each document, run the rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from okd_gitops.check.build import build
from okd_gitops.check.outcome import Report
from okd_gitops.check.rule import Overlay, Repository
from okd_gitops.check.run_rules import run
from okd_gitops.check.schema_gaps import is_known_gap
from okd_gitops.check.verdicts import verdicts_on
from okd_gitops.finding import Finding, finding_of
from okd_gitops.manifests.directory import read_directory
from okd_gitops.manifests.kustomization import Leaves, walk
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.render import kustomize

_WITHOUT_SCHEMA = ("no-schema", "kind-not-checked")
# The documents that kustomize renders from each folder.
_Documents = Mapping[str, tuple[kustomize.Document, ...]]


def judge(repository: Repository, root: Path, cache: Path, *, say: Callable[[str], None]) -> Report:
    """Build the overlays of the repository at `root` with the tools and schemas in `cache`, and judge them.

    An overlay with something that must not be built is not built; the others are. Raises ToolError when a
    tool or a schema bundle is missing.
    """
    stopwatch = _Stopwatch()
    leaves: Leaves = {}
    overlays = [_read(overlay, repository.files, leaves) for overlay in repository.overlays]
    refused = [finding for overlay in overlays for finding in overlay.graph.findings]
    sound = [overlay for overlay in overlays if not overlay.graph.findings]

    say(f"building {len(sound)} overlays with kustomize, a worker per core")
    graphs = {overlay.folder: overlay.graph for overlay in sound}
    names = {overlay.folder: overlay.name for overlay in sound}
    rendering = build(root, cache, graphs, names, repository.files)
    built = _rendered(sound, rendering.documents)
    documents = [document for overlay in built for document in rendering.documents[overlay.folder]]
    distinct = len({id(document) for document in documents})
    stopwatch.lap("build")

    say(f"validating {distinct} distinct of {len(documents)} documents with kubeconform")
    invalid = _invalid(built, rendering.documents, cache)
    stopwatch.lap("schemas")

    say("running the rules")
    is_whole = len(built) == len(repository.overlays)
    faults = run(replace(repository, overlays=tuple(built), is_whole=is_whole))
    stopwatch.lap("rules")

    return Report(
        findings=(*refused, *rendering.findings, *invalid, *faults),
        overlays=len(built),
        documents=len(documents),
        distinct=distinct,
        without_schema=sum(finding.name in _WITHOUT_SCHEMA for finding in invalid),
        seconds=stopwatch.seconds,
    )


class _Stopwatch:
    """Measures steps, each from the end of the one before."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = monotonic()

    def lap(self, step: str) -> None:
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


def _invalid(overlays: Sequence[Overlay], documents: _Documents, cache: Path) -> list[Finding]:
    """Return a finding for each fault of each distinct document, validated by its cluster's Kubernetes."""
    findings: list[Finding] = []
    for kubernetes in sorted({overlay.kubernetes for overlay in overlays}):
        members = [overlay for overlay in overlays if overlay.kubernetes == kubernetes]
        findings += _invalid_under(kubernetes, members, documents, cache)
    return findings


def _invalid_under(
    kubernetes: str, overlays: Sequence[Overlay], documents: _Documents, cache: Path
) -> list[Finding]:
    identities: dict[bytes, ObjectId] = {}
    holders: dict[bytes, list[Overlay]] = {}
    for overlay in overlays:
        for document in documents[overlay.folder]:
            identities[document.data] = ObjectId.of(document.value)
            holders.setdefault(document.data, []).append(overlay)

    verdicts = verdicts_on(identities, cache, kubernetes)
    findings: list[Finding] = []
    for verdict in verdicts:
        identity = identities[verdict.document]
        findings += [
            _finding(identity, holders[verdict.document], reason, missing=verdict.missing)
            for reason in verdict.reasons
        ]
    return findings


def _finding(identity: ObjectId, holders: Sequence[Overlay], reason: str, *, missing: bool) -> Finding:
    places = [
        overlay.graph.objects[identity].at() for overlay in holders if identity in overlay.graph.objects
    ]
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
