"""What an earlier check found of each overlay, for one that is as it was then.

All is in one file for each repository, with a hash of its own in front: damaged, it counts as none. It names
what all findings depend on: the tool's own code, the tools and the schemas. An overlay is as it was while
what the fleet says of it is the same, and each file in every folder that it is built from. Its findings hold
while, besides, everything is the same that rules asked for while they looked at it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from functools import cached_property
from pathlib import Path
from typing import Any

from okd_gitops.check.kept_file import KeptFile, Part
from okd_gitops.check.kept_overlay import KeptForms, KeptObjects, KeptOverlay
from okd_gitops.check.overlay import DESCRIBED, Overlay
from okd_gitops.check.rule import Repository
from okd_gitops.check.seen import Hashes
from okd_gitops.check.seen_by_all import hash_of_all, hash_of_description, hash_of_facts
from okd_gitops.finding import Finding, finding_from
from okd_gitops.render.kustomize import Document
from okd_gitops.system.files_on_disk import is_as_found
from okd_gitops.system.kept import Kept, key_of
from okd_gitops.system.unchanged import hash_of_code, tools_in
from okd_gitops.tree import digest, digest_in

_KIND = "overlays"


class KeptOverlays:
    """What is kept of the overlays of a repository at `root`, whose files are `files`; the tools that judge
    them are in `cache`.
    """

    def __init__(self, kept: Kept, root: Path, cache: Path, files: Mapping[str, bytes]) -> None:
        self._kept, self._root, self._files = kept, root, files
        self._names: dict[str, list[str]] = {}
        self._common = key_of(hash_of_code().encode(), tools_in(cache))
        self.file = KeptFile.of(kept.read(_KIND, self._common))
        self._facts: dict[str, str | None] = {
            folder: head["facts"] for folder, head in self.file.overlays.items()
        }

    def unchanged(self, overlays: Iterable[Overlay]) -> dict[str, Overlay]:
        """Return the overlays, by folder, that are as an earlier run found them; what they asked for may not
        be.
        """
        heads = self.file.overlays
        return {
            overlay.folder: overlay
            for overlay in overlays
            if overlay.folder in heads and self._is_unchanged(overlay, heads[overlay.folder])
        }

    def _is_unchanged(self, overlay: Overlay, head: Mapping[str, Any]) -> bool:
        return bool(head["key"] == self.key(overlay, head["folders"]))

    def overlays(self, described: Iterable[Overlay], loaded: Mapping[str, Overlay]) -> tuple[Overlay, ...]:
        """Return overlays in order: each as this run has loaded it, or else as it was found."""
        objects = {
            key: value for each in loaded.values() for key, value in zip(each.keys, each.objects, strict=True)
        }
        shared = KeptObjects(self.file, objects)
        return tuple(
            loaded[each.folder]
            if each.folder in loaded
            else KeptOverlay(
                **{name: getattr(each, name) for name in DESCRIBED},
                kept=KeptForms(self.file, each.folder, shared),
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
            and hashes.of_all(self.file.overlays[overlay.folder]["asked"])
            != self.file.overlays[overlay.folder]["told"]
        ]

    def findings(self, overlay: KeptOverlay) -> list[Finding]:
        """Return the findings of rules that look at a kept overlay alone."""
        return list(map(finding_from, self.file.overlays[overlay.folder]["findings"]))

    def faults(self, key: str) -> list[list[Any]] | None:
        """Return the faults of an object, each with the name of its rule, as JSON; None of an unknown one."""
        head = self.file.documents.get(key)
        return head["faults"] if head else None

    @cached_property
    def faulty(self) -> frozenset[str]:
        """The keys of the objects with faults."""
        return frozenset(key for key, head in self.file.documents.items() if head["faults"])

    def of_all(self, repository: Repository) -> list[Finding] | None:
        """Return what rules of all overlays found, or None when now they might be told something else.

        When they would not, no rule of one overlay would be: it sees no more of other overlays.
        """
        kept = self.file.of_all
        if kept is None or any(each.folder not in self._facts for each in repository.overlays):
            return None

        facts: list[str] = []
        for overlay in repository.overlays:
            known = self._facts[overlay.folder]
            is_same = isinstance(overlay, KeptOverlay) or known == self.facts(overlay)
            if known is None or not is_same:
                return None
            facts.append(known)

        key = hash_of_all(repository, facts, kept["files"])
        return list(map(finding_from, kept["findings"])) if kept["key"] == key else None

    def facts(self, overlay: Overlay) -> str | None:
        """Return the hash of the facts of an overlay for which an earlier run's rules asked."""
        return hash_of_facts(overlay, self.names(overlay.folder), self._files)

    def names(self, folder: str) -> list[str]:
        """Return the names of these facts."""
        if folder not in self._names:
            self._names[folder] = self.file.rest(folder)["facts"] if folder in self.file.overlays else []

        return self._names[folder]

    def let_go(self, unchanged: Collection[str]) -> None:
        """Let go of what is kept of overlays that have changed, if most have; faults of documents stay."""
        if 2 * len(unchanged) <= len(self.file.overlays):
            for folder in self.file.overlays:
                self.names(folder)
            self.file = self.file.of_overlays(unchanged)

    @property
    def folders(self) -> Set[str]:
        """The folders of all overlays of which something is kept, whether let go or not."""
        return self._facts.keys()

    @property
    def is_written(self) -> bool:
        """Whether something new is kept."""
        return not self._kept.is_only_read

    def write(self, parts: Iterable[Part]) -> None:
        """Keep a file of these parts in the place of what is kept."""
        self._kept.keep(_KIND, self._common, *parts)

    def is_as_found(self, path: str) -> bool:
        """Whether a file is still as it was found."""
        if path not in self._still:
            self._still[path] = is_as_found(self._root, self._files, path)

        return self._still[path]

    @cached_property
    def _still(self) -> dict[str, bool]:
        return {}

    def key(self, overlay: Overlay, folders: Sequence[str]) -> str:
        """Return a hash of all that an overlay is made of, which reaches `folders`."""
        if overlay.is_directory:
            start = f"{overlay.folder}/"
            folders = sorted(folder for folder in self._folders if f"{folder}/".startswith(start))

        own = digest_in(self._files, overlay.own_file) if overlay.own_file in self._files else ""
        parts = (hash_of_description(overlay), own, self.hash_of_files(folders))

        return _hash_of_texts(parts)

    def hash_of_files(self, folders: Iterable[str]) -> str:
        """Return a hash of the names and the contents of the files in folders."""
        return _hash_of_texts(part for folder in folders for part in (folder, self._folders.get(folder, "")))

    def built_from(self) -> dict[str, Sequence[str]]:
        """Return the folders that an overlay is built from, where all their files are as an earlier run found
        them, by the folder of the overlay.
        """
        return {
            folder: head["folders"]
            for folder, head in self.file.overlays.items()
            if head["key"] and head["files"] == self.hash_of_files(head["folders"])
        }

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


def key_of_document(document: Document, folder: str) -> str:
    """Return the key of a rendered document; with a folder, of one that is the folder's own."""
    return f"{document.hash} {folder}" if folder else document.hash
