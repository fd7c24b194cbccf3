"""Judge overlays: read what they are built from, build them, validate each document, run the rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic

from okd_gitops.check.build import build
from okd_gitops.check.kept_overlay import NotLoadedError
from okd_gitops.check.kept_overlays import KeptOverlays, key_of_document
from okd_gitops.check.outcome import Report
from okd_gitops.check.own_schemas import OwnSchemas
from okd_gitops.check.rule import Overlay, Repository
from okd_gitops.check.rule_set import all_rules
from okd_gitops.check.run_rules import run
from okd_gitops.check.schema_findings import WITHOUT_SCHEMA, Documents, invalid_documents
from okd_gitops.finding import Finding
from okd_gitops.manifests.directory import read_directory
from okd_gitops.manifests.graph import Leaves, Reading
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.objects import FixedObject
from okd_gitops.render import kustomize
from okd_gitops.system.kept import Kept

_NONE = OwnSchemas()


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What became of overlays: those that could be built, what was refused, and the rendered documents, until
    they are validated.
    """

    overlays: tuple[Overlay, ...]
    findings: tuple[Finding, ...]
    documents: dict[str, tuple[kustomize.Document, ...]]


def judge(
    repository: Repository,
    root: Path,
    cache: Path,
    *,
    say: Callable[[str], None],
    count: Callable[[int, int], None] = kustomize.no_count,
    kept_in: Kept | None = None,
) -> Report:
    """Build the overlays of the repository at `root` with the tools and schemas in `cache`, and judge them.

    An overlay with something that must not be built is not built; the others are. What an earlier run found
    of an overlay that has not changed is in `kept_in`, and is not found again. Raises ToolError when a tool
    or a schema bundle is missing.
    """
    kept = KeptOverlays(kept_in, root, cache, repository.files) if kept_in else None
    unchanged = kept.unchanged(repository.overlays) if kept else {}
    if kept:
        kept.let_go(unchanged)
    try:
        return _judge(repository, unchanged, kept, root, cache, say=say, count=count)
    except NotLoadedError:
        return _judge(repository, {}, kept, root, cache, say=say, count=count)


def _judge(
    repository: Repository,
    unchanged: Mapping[str, Overlay],
    kept: KeptOverlays | None,
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
    # What is kept of an overlay is found by functions of their modules.
    all_rules()

    while True:
        changed = [each for each in repository.overlays if each.folder not in known]
        read = [_read(overlay, repository.files, leaves) for overlay in changed]
        built = build_overlays(read, repository.files, root, cache, say=say, count=count)
        del changed, read
        loaded = {each.folder: each for each in built.overlays}
        judged = [each for each in repository.overlays if each.folder in loaded or each.folder in known]
        overlays = kept.overlays(judged, loaded) if kept else built.overlays
        whole = replace(repository, overlays=overlays, is_whole=len(overlays) == len(repository.overlays))
        # While all that anybody can see of other overlays is as it was, so is whatever the rules of one asked
        # for: these see no more of the others than those of all do (decision 0031).
        of_all = kept.of_all(whole) if kept else None
        outdated = kept.outdated(whole) if kept and of_all is None else []
        if not outdated:
            break
        for folder in outdated:
            del known[folder]
    stopwatch.lap("build")

    return judge_built(whole, built, cache, stopwatch, say=say, kept=kept, of_all=of_all)


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
    kept: KeptOverlays | None = None,
    of_all: list[Finding] | None = None,
) -> Report:
    """Validate what was built, and run the rules on the overlays of a repository: those of `built`, and with
    `kept` others that are known from an earlier run. `of_all` are the findings of rules of all overlays, if
    they are known.
    """
    documents = [document for overlay in built.overlays for document in built.documents[overlay.folder]]
    distinct = len({id(document) for document in documents})
    say(f"validating {distinct} distinct of {len(documents)} documents with kubeconform")
    invalid = invalid_documents(built.overlays, built.documents, cache, own)
    # Their bytes are of no use to a rule.
    del documents
    built.documents.clear()
    stopwatch.lap("schemas")

    overlays = repository.overlays
    some = (
        f" on {len(built.overlays)} of {len(overlays)} overlays"
        if len(built.overlays) < len(overlays)
        else ""
    )
    say(f"running the rules{some}")
    unsure = {name for finding in (*built.findings, *invalid) for name in finding.clusters}
    faults = run(repository, kept, of_all, unsure)
    stopwatch.lap("rules")

    return Report(
        findings=(*built.findings, *invalid, *faults),
        overlays=len(overlays),
        documents=sum(len(each.keys) for each in overlays),
        distinct=len({key for each in overlays for key in each.keys}),
        without_schema=sum(finding.name in WITHOUT_SCHEMA for finding in invalid),
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
    folder = "" if overlay.folder == "." else overlay.folder
    is_plain = overlay.is_directory
    read = partial(read_directory, files, folder) if is_plain else partial(walk, files, folder, leaves)

    return replace(overlay, reading=Reading(read))


def _rendered(overlays: Sequence[Overlay], documents: Documents) -> list[Overlay]:
    """Return the overlays that kustomize could build, with their objects."""
    return [
        _with_objects(overlay, documents[overlay.folder])
        for overlay in overlays
        if overlay.folder in documents
    ]


def _with_objects(overlay: Overlay, documents: Sequence[kustomize.Document]) -> Overlay:
    # Of files that are applied as they are, each document is its own.
    own = overlay.folder if overlay.is_directory else ""
    keys = [key_of_document(document, own) for document in documents]
    for key, document in zip(keys, documents, strict=True):
        if isinstance(document.value, FixedObject):
            document.value.key = key

    return replace(overlay, objects=tuple(document.value for document in documents), keys=keys, found={})
