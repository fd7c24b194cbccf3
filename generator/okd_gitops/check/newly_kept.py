"""What a run keeps of overlays for the next one: each is added when its rules have looked at it.

So nothing of it has to stay in memory until all are written.
"""

import posixpath
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass
from typing import Any

from okd_gitops.check.faults import JsonFaults
from okd_gitops.check.kept_file import NewKeptFile
from okd_gitops.check.kept_overlay import KeptOverlay
from okd_gitops.check.kept_overlays import KeptOverlays
from okd_gitops.check.noted_objects import (
    has_cluster_version,
    hash_of_outlines,
    is_noted,
    noted_unread,
    outline,
)
from okd_gitops.check.overlay import Overlay, as_list
from okd_gitops.check.rule import Repository
from okd_gitops.check.seen import EVERYTHING, Hashes
from okd_gitops.check.seen_by_all import SeenByAll, hash_of_all, hash_of_facts
from okd_gitops.finding import Finding
from okd_gitops.manifests.objects import Object


@dataclass(frozen=True, slots=True)
class Looked:
    """What the rules of one overlay found, and all that they asked the repository for."""

    findings: list[Finding]
    asked: set[str]


class NewlyKept:
    """What is kept of the overlays of a repository, but for those of the names `unsure`.

    `seen` is what rules of all overlays asked for; None where they did not look.
    """

    def __init__(
        self, kept: KeptOverlays, repository: Repository, seen: SeenByAll | None, unsure: Set[str]
    ) -> None:
        self._kept, self._repository, self._seen, self._unsure = kept, repository, seen, unsure
        self._hashes = Hashes(repository)
        self._new = NewKeptFile(kept.file)
        self._is_as_before = True

    def copy(self, overlay: KeptOverlay) -> list[Finding]:
        """Keep an overlay as it is kept, but for facts that were asked for only now; return its findings."""
        folder = overlay.folder
        names = self._seen.facts(overlay) if self._seen else None

        # A function that was asked only now may have read more than the overlay's own files.
        if overlay.outside:
            self._is_as_before = False
        else:
            self._new.copy_overlay(folder)
            if names is not None and names != overlay.kept.facts:
                self._is_as_before = False
                head = {**self._kept.file.overlays[folder], "facts": self._hash_of(overlay, names)}
                self._new.add_overlay(folder, head, _rest(overlay, names))

        return self._kept.findings(overlay)

    def add(self, overlay: Overlay, looked: Looked, faults: Mapping[str, JsonFaults]) -> None:
        """Keep an overlay that this run has loaded, with its objects.

        Of one that is not sure nothing is kept but its facts, which tell the next run whether rules of all
        overlays see something else. `faults` are those of objects, by their keys.
        """
        self._is_as_before = False
        folder = overlay.folder
        names = self._seen.facts(overlay) if self._seen else self._kept.names(folder)
        facts = self._hash_of(overlay, names)

        if not self._can_be_kept(overlay, looked):
            self._new.add_overlay(
                folder, {"key": "", "folders": (), "facts": facts, "documents": ()}, {"facts": names}
            )
            return

        folders = sorted({posixpath.dirname(path) for path in overlay.reached})
        asked = sorted(looked.asked)
        head = {
            "key": self._kept.key(overlay, folders),
            "folders": folders,
            "files": self._kept.hash_of_files(folders),
            "asked": asked,
            "told": self._hashes.of_all(asked),
            "facts": facts,
            "documents": list(overlay.keys),
            "outlines": hash_of_outlines(overlay.outlines),
            "findings": [asdict(each) for each in looked.findings],
        }
        self._new.add_overlay(folder, head, _rest(overlay, names))

        for key, value in zip(overlay.keys, overlay.objects, strict=True):
            if not self._new.has_document(key):
                self._add_document(key, value, faults.get(key, []))

    def write(self, of_all: list[Finding]) -> None:
        """Write what was added, and what rules of all overlays found, unless that is what is kept already."""
        found = self._of_all(of_all) if self._seen else self._kept.file.of_all
        is_same = self._is_as_before and self._new.facts.keys() == self._kept.folders

        if not is_same or found != self._kept.file.of_all:
            self._kept.write(self._new.parts(found))

    def _hash_of(self, overlay: Overlay, names: list[str]) -> str | None:
        return hash_of_facts(overlay, names, self._repository.files)

    def _can_be_kept(self, overlay: Overlay, looked: Looked) -> bool:
        is_sure = overlay.name not in self._unsure and not overlay.graph.findings and not overlay.graph.notes
        is_told = EVERYTHING not in looked.asked and not overlay.outside

        return is_sure and is_told and all(map(self._kept.is_as_found, overlay.reached))

    def _add_document(self, key: str, value: Object, faults: JsonFaults) -> None:
        is_whole = is_noted(value)
        noted = noted_unread(value)
        head = {
            "identity": as_list(noted.identity),
            "paths": list(noted.paths),
            "is_noted": is_whole,
            "kind": str(value.get("kind")),
            "has_release": has_cluster_version(value),
            "faults": faults,
        }
        self._new.add_document(key, head, {"outline": outline(value), "noted": value if is_whole else None})

    def _of_all(self, found: list[Finding]) -> Mapping[str, Any] | None:
        """Return what rules of all overlays found, if everything has a hash that they were told."""
        assert self._seen
        facts = [self._new.facts.get(each.folder) for each in self._repository.overlays]
        if not self._seen.is_hashed or None in facts:
            return None

        read = self._seen.files
        key = hash_of_all(self._repository, [each for each in facts if each], read)
        return {"key": key, "files": read, "findings": [asdict(each) for each in found]} if key else None


def _rest(overlay: Overlay, facts: list[str]) -> Mapping[str, Any]:
    return {"found": overlay.found, "files": sorted(overlay.reached), "facts": facts}
