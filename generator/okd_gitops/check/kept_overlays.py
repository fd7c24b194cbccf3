"""What an earlier check found of each overlay, for one that is as it was then.

All is in one file for each repository, with a hash of its own in front: damaged, it counts as none. It names
what all findings depend on: the tool's own code, the tools and the schemas. An overlay is as it was while
what the fleet says of it is the same, and each file in every folder that it is built from. Its findings hold
while, besides, everything is the same that rules asked for while they looked at it.
"""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from okd_gitops.check.kept_file import KeptFile
from okd_gitops.check.kept_overlay import KeptForms, KeptObjects, KeptOverlay
from okd_gitops.check.overlay import (
    DESCRIBED,
    Overlay,
    has_cluster_version,
    hash_of_outlines,
    is_noted,
    outline,
)
from okd_gitops.check.rule import Repository
from okd_gitops.check.seen import EVERYTHING, Hashes
from okd_gitops.check.seen_by_all import SeenByAll, hash_of_all, hash_of_description, hash_of_facts
from okd_gitops.finding import Finding, finding_from
from okd_gitops.manifests.objects import Object, per_object
from okd_gitops.render.kustomize import Document
from okd_gitops.system.files_on_disk import is_as_found
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.unchanged import hash_of_code, tools_in
from okd_gitops.tree import digest, digest_in


@dataclass(frozen=True, slots=True)
class Looked:
    """What rules found while they looked at overlays that are loaded.

    By the folder of each overlay: the findings of rules that look at it alone, and all that these asked for.
    By the key of each object with a fault: the name of the rule and the fault, as JSON. Of rules of all
    overlays the findings, and what these asked for; None where they did not look.
    """

    findings: dict[str, list[Finding]] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)
    faults: dict[str, list[list[Any]]] = field(default_factory=dict)
    of_all: list[Finding] = field(default_factory=list)
    seen_by_all: SeenByAll | None = None


class KeptOverlays:
    """What is kept of the overlays of a repository at `root`, whose files are `files`."""

    def __init__(self, root: Path, cache: Path, folder: Path, files: Mapping[str, bytes]) -> None:
        self._root, self._files = root, files
        self._results = Results(folder / "overlays")
        self._common = key_of(hash_of_code().encode(), tools_in(cache))
        self._kept = KeptFile.of(self._results.read_of(self._common, self._place))

    @classmethod
    def of(cls, root: Path, cache: Path, files: Mapping[str, bytes]) -> "KeptOverlays | None":
        """Return what is kept, or None where nothing may be."""
        folder = kept_folder(cache)
        return cls(root, cache, folder, files) if folder else None

    def unchanged(self, overlays: Iterable[Overlay]) -> dict[str, Overlay]:
        """Return the overlays, by folder, that are as an earlier run found them; what they asked for may not
        be.
        """
        heads = self._kept.overlays
        return {
            overlay.folder: overlay
            for overlay in overlays
            if overlay.folder in heads and self._is_unchanged(overlay, heads[overlay.folder])
        }

    def _is_unchanged(self, overlay: Overlay, head: Mapping[str, Any]) -> bool:
        return bool(head["key"] == self._key(overlay, head["folders"]))

    def overlays(
        self, described: Iterable[Overlay], loaded: Mapping[str, Overlay], objects: Mapping[str, Object]
    ) -> tuple[Overlay, ...]:
        """Return overlays in order: each as this run has loaded it, or else as it was found.

        `objects` are those that are loaded, by their keys.
        """
        shared = KeptObjects(self._kept, objects)
        return tuple(
            loaded[each.folder]
            if each.folder in loaded
            else KeptOverlay(
                **{name: getattr(each, name) for name in DESCRIBED},
                kept=KeptForms(self._kept, each.folder, shared),
            )
            for each in described
        )

    def outdated(self, repository: Repository) -> list[str]:
        """Return the folders of kept overlays whose rules would now be told something else."""
        hashes = Hashes(repository)
        return [
            overlay.folder
            for overlay in repository.overlays
            if isinstance(overlay, KeptOverlay)
            and any(hashes.of(part) != known for part, known in self._asked(overlay.folder))
        ]

    def _asked(self, folder: str) -> Iterable[tuple[str, str]]:
        asked: dict[str, str] = self._kept.overlays[folder]["asked"]
        return asked.items()

    def findings(self, overlay: KeptOverlay) -> list[Finding]:
        """Return the findings of rules that look at a kept overlay alone."""
        return list(map(finding_from, self._kept.overlays[overlay.folder]["findings"]))

    def faults(self, key: str) -> list[list[Any]] | None:
        """Return the faults of an object, each with the name of its rule, as JSON; None of an unknown one."""
        head = self._kept.documents.get(key)
        return head["faults"] if head else None

    @cached_property
    def faulty(self) -> frozenset[str]:
        """The keys of the objects with faults."""
        return frozenset(key for key, head in self._kept.documents.items() if head["faults"])

    def of_all(self, repository: Repository) -> list[Finding] | None:
        """Return what rules of all overlays found, or None when now they might be told something else.

        When they would not, no rule of one overlay would be: it sees no more of other overlays.
        """
        kept, heads = self._kept.of_all, self._kept.overlays
        if kept is None or any(each.folder not in heads for each in repository.overlays):
            return None

        facts: list[str] = []
        for overlay in repository.overlays:
            known = heads[overlay.folder]["facts"]
            is_same = isinstance(overlay, KeptOverlay) or known == self._facts(overlay)
            if known is None or not is_same:
                return None
            facts.append(known)

        key = hash_of_all(repository, facts, kept["files"])
        return list(map(finding_from, kept["findings"])) if kept["key"] == key else None

    def _facts(self, overlay: Overlay) -> str | None:
        """Return the hash of the facts of an overlay for which an earlier run's rules asked."""
        return hash_of_facts(overlay, self._names(overlay.folder), self._files)

    def _names(self, folder: str) -> list[str]:
        names: list[str] = self._kept.rest(folder)["facts"] if folder in self._kept.overlays else []
        return names

    def keep(self, repository: Repository, looked: Looked, unsure: set[str]) -> None:
        """Keep what was found of a repository, but for overlays of the names `unsure`."""
        hashes = Hashes(repository)
        new = KeptFile()

        for overlay in repository.overlays:
            if isinstance(overlay, KeptOverlay):
                self._copy(overlay, looked.seen_by_all, new)
            else:
                is_kept = self._can_be_kept(overlay, looked.asked.get(overlay.folder, set()), unsure)
                self._add(overlay, looked, hashes if is_kept else None, new)

        new.of_all = self._of_all(repository, looked, new)
        is_as_before = all(isinstance(each, KeptOverlay) for each in repository.overlays)
        if not is_as_before or new.of_all != self._kept.of_all or new.rests != self._kept.rests:
            self._results.keep_of(self._common, self._place, new.as_bytes())
            self._results.prune()

    def _of_all(self, repository: Repository, looked: Looked, new: KeptFile) -> Mapping[str, Any] | None:
        """Return what rules of all overlays found, if everything has a hash that they were told."""
        seen = looked.seen_by_all
        if seen is None:
            return self._kept.of_all
        if not seen.is_hashed or any(each.folder not in new.overlays for each in repository.overlays):
            return None

        facts = [new.overlays[each.folder]["facts"] for each in repository.overlays]
        key = None if None in facts else hash_of_all(repository, facts, seen.files)
        findings = [asdict(each) for each in looked.of_all]
        return {"key": key, "files": seen.files, "findings": findings} if key else None

    def _copy(self, overlay: KeptOverlay, seen: SeenByAll | None, new: KeptFile) -> None:
        """Keep an overlay as it is kept, but for facts that were asked for only now."""
        # A function that was asked only now may have read more than the overlay's own files.
        if overlay.outside:
            return

        folder = overlay.folder
        new.copy_overlay(folder, self._kept)
        names = seen.facts(overlay) if seen else None
        if names is not None and names != overlay.kept.facts:
            hashed = hash_of_facts(overlay, names, self._files)
            head = {**new.overlays[folder], "facts": hashed}
            new.add_overlay(folder, head, _rest(overlay, names))

    def _add(self, overlay: Overlay, looked: Looked, hashes: Hashes | None, new: KeptFile) -> None:
        """Keep an overlay that this run has loaded, with its objects; without hashes nothing but its facts,
        which then tell the next run whether rules of all overlays see something else.
        """
        folder = overlay.folder
        seen = looked.seen_by_all
        names = seen.facts(overlay) if seen else self._names(folder)
        facts = hash_of_facts(overlay, names, self._files)
        if hashes is None:
            new.add_overlay(
                folder, {"key": "", "folders": (), "facts": facts, "documents": ()}, {"facts": names}
            )
            return

        folders = sorted({posixpath.dirname(path) for path in overlay.reached})
        head = {
            "key": self._key(overlay, folders),
            "folders": folders,
            "asked": {part: hashes.of(part) for part in sorted(looked.asked.get(folder, ()))},
            "facts": facts,
            "documents": list(overlay.keys),
            "outlines": hash_of_outlines(overlay.outlines),
            "findings": [asdict(each) for each in looked.findings.get(folder, ())],
        }
        new.add_overlay(folder, head, _rest(overlay, names))

        for key, value in zip(overlay.keys, overlay.objects, strict=True):
            if key not in new.documents:
                is_whole = is_noted(value)
                about = {
                    "is_noted": is_whole,
                    "kind": str(value.get("kind")),
                    "has_release": has_cluster_version(value),
                    "faults": looked.faults.get(key, []),
                }
                new.add_document(
                    key, about, {"outline": outline(value), "noted": value if is_whole else None}
                )

    @cached_property
    def _place(self) -> str:
        return key_of(bytes(self._root))

    def _can_be_kept(self, overlay: Overlay, asked: set[str], unsure: set[str]) -> bool:
        is_sure = overlay.name not in unsure and not overlay.graph.findings and not overlay.graph.notes
        is_told = EVERYTHING not in asked and not overlay.outside

        return is_sure and is_told and all(map(self._is_as_found, overlay.reached))

    def _is_as_found(self, path: str) -> bool:
        if path not in self._still:
            self._still[path] = is_as_found(self._root, self._files, path)

        return self._still[path]

    @cached_property
    def _still(self) -> dict[str, bool]:
        return {}

    def _key(self, overlay: Overlay, folders: Sequence[str]) -> str:
        """Return a hash of all that an overlay is made of, which reaches `folders`."""
        if overlay.is_directory:
            start = f"{overlay.folder}/"
            folders = sorted(folder for folder in self._folders if f"{folder}/".startswith(start))

        own = digest_in(self._files, overlay.own_file) if overlay.own_file in self._files else ""
        contents = (part for folder in folders for part in (folder, self._folders.get(folder, "")))
        parts = (hash_of_description(overlay), own, *contents)

        return _hash_of_texts(parts)

    @cached_property
    def _folders(self) -> dict[str, str]:
        """The hash of the names and the contents of the files in each folder."""
        texts: dict[str, list[str]] = {}
        for path in sorted(self._files):
            texts.setdefault(path.rpartition("/")[0], []).extend((path, digest_in(self._files, path)))

        return {folder: _hash_of_texts(of_files) for folder, of_files in texts.items()}


def _hash_of_texts(texts: Iterable[str]) -> str:
    """Return a hash of texts of which none has a null, such as paths and hashes."""
    return digest("\0".join(texts).encode())


def _rest(overlay: Overlay, facts: Sequence[str]) -> Mapping[str, Any]:
    return {"found": overlay.found, "files": sorted(overlay.reached), "facts": facts}


def key_of_document(document: Document, folder: str) -> str:
    """Return the key of a rendered document; with a folder, of one that is the folder's own."""
    return f"{_hash_of(document)} {folder}" if folder else _hash_of(document)


@per_object
def _hash_of(document: Document) -> str:
    """Return a hash that is one text for all overlays that have the document."""
    return digest(document.data)
