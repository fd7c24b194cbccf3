"""Build folders with kustomize, by a worker for each core: for a check, and for a difference."""

import json
import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from okd_gitops.manifests.graph import NAMES, Graph, links_of
from okd_gitops.manifests.objects import FixedObject
from okd_gitops.manifests.write import dump
from okd_gitops.render import kustomize
from okd_gitops.render.in_turn import InTurn
from okd_gitops.system.file_status import FileStatus, status_at
from okd_gitops.system.files_on_disk import is_as_found, lend
from okd_gitops.system.kept import Results, is_exact, kept_folder, key_of
from okd_gitops.system.tools import hash_of, tool
from okd_gitops.tree import digest_in

WORKERS = os.cpu_count() or 1
# The fields of a kustomization that leave nothing behind in the process that builds it, and ask nothing of
# it. A custom openapi: stays for later builds, and buildMetadata: may name the version of the program.
_IN_TURN = frozenset(
    (
        *("apiVersion", "kind", "metadata"),
        *("resources", "bases", "components", "configMapGenerator", "secretGenerator", "generatorOptions"),
        *("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "vars"),
        *("namespace", "namePrefix", "nameSuffix", "labels", "commonLabels", "commonAnnotations"),
        *("images", "replicas", "sortOptions"),
    )
)


def build(
    root: Path,
    cache: Path,
    graphs: Mapping[str, Graph],
    clusters: Mapping[str, str],
    files: Mapping[str, bytes],
    count: Callable[[int, int], None] = kustomize.no_count,
) -> kustomize.Rendering:
    """Build the folders of `graphs`, none of which may have a finding; `clusters` names each one's cluster.
    A folder without a kustomization is a Directory of Argo CD, whose files are taken as they are.

    `files` are those below `root` of which the graphs were made. A folder that reaches the same bytes as in
    an earlier run is not built again. A run that must be exact starts kustomize for each folder; any other
    one builds those with common fields by kustomize's own packages, in one process for each core.

    `count` is told how many of how many are built. Raises ToolError when a program is missing in `cache`.
    """
    binary, program = tool(cache, "kustomize"), tool(cache, "kustomize-in-turn")
    built = {folder: graph for folder, graph in graphs.items() if graph.kustomizations}
    in_turn = InTurn(
        program, frozenset(folder for folder, graph in built.items() if _has_common_fields(graph))
    )
    for graph in built.values():
        for path in {*graph.files, *kustomizations_beside(graph)}:
            lend(files, path)

    kept = kept_folder(cache)
    results = Results(kept / "rendered") if kept else None
    renderer = hash_of(binary) + hash_of(program)

    rendering = kustomize.render(
        root,
        {folder: clusters[folder] for folder in built},
        binary,
        workers=WORKERS,
        least={folder: graph.least for folder, graph in built.items()},
        earlier=_Earlier(results, root, built, files, renderer) if results else None,
        in_turn=None if is_exact() else in_turn,
        count=count,
    )
    if results:
        results.prune()

    for folder in graphs.keys() - built.keys():
        rendering.documents[folder] = _as_they_are(graphs[folder])

    return rendering


def _has_common_fields(graph: Graph) -> bool:
    return all(document.value.keys() <= _IN_TURN for document in graph.kustomizations.values())


def _as_they_are(graph: Graph) -> tuple[kustomize.Document, ...]:
    """Return the objects of a folder whose files Argo CD applies without kustomize."""
    values = graph.values or [written.value for written in graph.objects.values()]
    return tuple(kustomize.Document(dump(value).encode(), FixedObject(value)) for value in values)


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What kustomize wrote in earlier runs, by the folder and the content of every file that it reaches.

    Two links that change places lead to the same files, so each link of the repository counts as well.
    """

    results: Results
    root: Path
    graphs: Mapping[str, Graph]
    files: Mapping[str, bytes]
    renderer: str
    _keys: dict[str, str] = field(default_factory=dict)
    # The status of files before something was built of them.
    _before: dict[str, FileStatus | None] = field(default_factory=dict)

    def read(self, folder: str) -> bytes | None:
        return self.results.read(self._key(folder))

    def keep(self, folder: str, output: bytes) -> None:
        """Keep an output, unless a file that it was made of was edited meanwhile."""
        reached = self.graphs[folder].files
        # Somebody may have edited a file and put it back, so what it contains is not enough.
        as_read = all(
            status_at(self.root, path) == self._before[path] and is_as_found(self.root, self.files, path)
            for path in reached
        )
        lead_there = all(
            (self.root / link).resolve() == (self.root / path).resolve()
            for link, path in links_of(self.files).items()
        )

        if as_read and lead_there:
            self.results.keep(self._key(folder), output)

    def _key(self, folder: str) -> str:
        """Return the key of a folder, which `read` has made when `keep` asks for it."""
        if folder not in self._keys:
            self._keys[folder] = self._made_key(folder)

        return self._keys[folder]

    def _made_key(self, folder: str) -> str:
        graph = self.graphs[folder]
        for path in graph.files:
            self._before.setdefault(path, status_at(self.root, path))

        digests = ((path, digest_in(self.files, path)) for path in sorted(graph.files))
        contents = [part.encode() for pair in digests for part in pair]
        # A second one of these beside a kustomization is an error, though nothing names it.
        beside = [path for path in kustomizations_beside(graph) if path in self.files]

        links = json.dumps(sorted(links_of(self.files).items()))
        around = (self.renderer, folder, "\n".join(beside), links)

        return key_of(*(part.encode() for part in around), *contents)


def kustomizations_beside(graph: Graph) -> list[str]:
    """Return the paths at which kustomize looks for a kustomization in the folders that have one."""
    folders = sorted({posixpath.dirname(path) for path in graph.kustomizations})
    return [posixpath.join(folder, name) for folder in folders for name in NAMES]
