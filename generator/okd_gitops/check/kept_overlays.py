"""What an earlier check found of each overlay, for one that is as it was then.

All is in one file for each repository, with a hash of its own in front: damaged, it counts as none. It names
what all findings depend on: the tool's own code, the tools and the schemas. An overlay is as it was while
what the fleet says of it is the same, and each file in every folder that it is built from. Its findings hold
while, besides, everything is the same that rules asked for while they looked at it.
"""

import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from okd_gitops.check.overlay import (
    KeptOverlay,
    Overlay,
    has_cluster_version,
    hash_of_outlines,
    is_noted,
    outline,
)
from okd_gitops.check.rule import Repository
from okd_gitops.check.seen import EVERYTHING, Hashes
from okd_gitops.finding import Finding, finding_from
from okd_gitops.manifests.objects import FixedObject, Object
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.unchanged import hash_of_code, tools_in
from okd_gitops.tree import digest_in

# What an earlier run and this one have in common is compared by these; the rest is what a run finds.
_MADE = ("graph", "objects", "keys", "found", "outside", "_by_kind")
_DESCRIBED = tuple(each.name for each in fields(Overlay) if each.name not in _MADE)


@dataclass(frozen=True, slots=True)
class Looked:
    """What rules found while they looked at overlays that are loaded.

    By the folder of each overlay: the findings of rules that look at it alone, and all that these asked for.
    By the key of each object with a fault: the name of the rule and the fault, as JSON.
    """

    findings: dict[str, list[Finding]] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)
    faults: dict[str, list[list[Any]]] = field(default_factory=dict)


class KeptOverlays:
    """What is kept of the overlays of a repository at `root`, whose files are `files`."""

    def __init__(self, root: Path, cache: Path, folder: Path, files: Mapping[str, bytes]) -> None:
        self._root, self._files = root, files
        self._results = Results(folder / "overlays")
        self._common = key_of(hash_of_code().encode(), tools_in(cache))
        kept = json.loads(self._results.read(self._place) or b"{}")
        is_current = kept.get("common") == self._common
        self._records: dict[str, Any] = kept["overlays"] if is_current else {}
        self._documents: dict[str, Any] = kept["documents"] if is_current else {}

    @classmethod
    def of(cls, root: Path, cache: Path, files: Mapping[str, bytes]) -> "KeptOverlays | None":
        """Return what is kept, or None where nothing may be."""
        folder = kept_folder(cache)
        return cls(root, cache, folder, files) if folder else None

    def unchanged(self, overlays: Iterable[Overlay]) -> dict[str, Overlay]:
        """Return the overlays, by folder, that are as an earlier run found them; what they asked for may not
        be.
        """
        return {
            overlay.folder: overlay
            for overlay in overlays
            if overlay.folder in self._records and self._is_unchanged(overlay, self._records[overlay.folder])
        }

    def _is_unchanged(self, overlay: Overlay, record: Mapping[str, Any]) -> bool:
        return bool(record["key"] == self._key(overlay, record["folders"]))

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
        asked: dict[str, str] = self._records[folder]["asked"]
        return asked.items()

    def faults(self, key: str) -> list[list[Any]] | None:
        """Return the faults of an object, each with the name of its rule, as JSON; None of an unknown one."""
        return self._documents[key]["faults"] if key in self._documents else None

    def overlay(self, described: Overlay, objects: Mapping[str, Object]) -> KeptOverlay:
        """Return an overlay as it was found; `objects` are those that are loaded, by their keys."""
        record = self._records[described.folder]
        noted_keys = [key for key in record["keys"] if self._documents[key]["noted"]]
        noted = {key: objects.get(key) or self._object(key, "noted") for key in noted_keys}
        return KeptOverlay(
            **{name: getattr(described, name) for name in _DESCRIBED},
            keys=record["keys"],
            found=record["found"],
            kept_noted=[noted[key] for key in noted_keys],
            kept_noted_keys=noted_keys,
            kept_with_release=[noted[key] for key in noted_keys if self._documents[key]["has_release"]],
            kept_outlines=[self._object(key, "outline") for key in record["keys"]],
            kept_outlines_hash=record["outlines"],
            kept_reached=frozenset(record["files"]),
            kept_findings=[finding_from(each) for each in record["findings"]],
        )

    def _object(self, key: str, form: str) -> Object:
        """Return an object in a form that is kept of it; overlays that have it share it."""
        if (key, form) not in self._objects:
            self._objects[key, form] = FixedObject(self._documents[key][form])

        return self._objects[key, form]

    @cached_property
    def _objects(self) -> dict[tuple[str, str], Object]:
        return {}

    def keep(self, repository: Repository, looked: Looked, unsure: set[str]) -> None:
        """Keep what was found of a repository, but for overlays of the names `unsure`."""
        hashes = Hashes(repository)
        records: dict[str, Any] = {}
        documents: dict[str, Any] = {}

        for overlay in repository.overlays:
            folder = overlay.folder
            if isinstance(overlay, KeptOverlay):
                # A function that was asked only now may have read more than the overlay's own files.
                if not overlay.outside:
                    records[folder] = self._records[folder]
                    documents |= {key: self._documents[key] for key in overlay.keys}
            elif self._can_be_kept(overlay, looked.asked.get(folder, set()), unsure):
                records[folder] = self._record(overlay, looked, hashes)
                for key, value in zip(overlay.keys, overlay.objects, strict=True):
                    if key not in documents:
                        documents[key] = {
                            "outline": outline(value),
                            "noted": value if is_noted(value) else None,
                            "has_release": has_cluster_version(value),
                            "faults": looked.faults.get(key, []),
                        }

        if records != self._records:
            kept = {"common": self._common, "overlays": records, "documents": documents}
            self._results.keep(self._place, json.dumps(kept).encode())
            self._results.prune()

    @cached_property
    def _place(self) -> str:
        return key_of(bytes(self._root))

    def _can_be_kept(self, overlay: Overlay, asked: set[str], unsure: set[str]) -> bool:
        is_sure = overlay.name not in unsure and not overlay.graph.findings and not overlay.graph.notes
        is_told = EVERYTHING not in asked and not overlay.outside

        return is_sure and is_told and all(map(self._is_as_read, overlay.reached))

    def _is_as_read(self, path: str) -> bool:
        """Whether a file is as this run has read it: kustomize may have read what somebody wrote later."""
        if path not in self._still:
            try:
                self._still[path] = (self._root / path).read_bytes() == self._files[path]
            except OSError:
                self._still[path] = False

        return self._still[path]

    @cached_property
    def _still(self) -> dict[str, bool]:
        return {}

    def _record(self, overlay: Overlay, looked: Looked, hashes: Hashes) -> dict[str, Any]:
        folder = overlay.folder
        folders = sorted({posixpath.dirname(path) for path in overlay.reached})

        return {
            "key": self._key(overlay, folders),
            "folders": folders,
            "asked": {part: hashes.of(part) for part in sorted(looked.asked.get(folder, ()))},
            "keys": list(overlay.keys),
            "outlines": hash_of_outlines(overlay.outlines),
            "files": sorted(overlay.reached),
            "found": overlay.found,
            "findings": [asdict(each) for each in looked.findings.get(folder, ())],
        }

    def _key(self, overlay: Overlay, folders: Sequence[str]) -> str:
        """Return a hash of all that an overlay is made of, which reaches `folders`."""
        if overlay.is_directory:
            start = f"{overlay.folder}/"
            folders = sorted(folder for folder in self._folders if f"{folder}/".startswith(start))

        described = json.dumps([getattr(overlay, name) for name in _DESCRIBED], default=_plain)
        own = digest_in(self._files, overlay.own_file) if overlay.own_file in self._files else ""
        contents = (part for folder in folders for part in (folder, self._folders.get(folder, "")))

        return key_of(described.encode(), own.encode(), *(part.encode() for part in contents))

    @cached_property
    def _folders(self) -> dict[str, str]:
        """The hash of the names and the contents of the files in each folder."""
        parts: dict[str, list[bytes]] = {}
        for path in sorted(self._files):
            file = (path.encode(), digest_in(self._files, path).encode())
            parts.setdefault(posixpath.dirname(path), []).extend(file)

        return {folder: key_of(*content) for folder, content in parts.items()}


def key_of_document(data: bytes, folder: str) -> str:
    """Return the key of a rendered document; with a folder, of one that is the folder's own."""
    return f"{sha256(data).hexdigest()}{folder and f' {folder}'}"


def _plain(value: object) -> Any:
    return sorted(value) if isinstance(value, frozenset) else str(value)
