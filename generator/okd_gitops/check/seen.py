"""What a rule of one overlay sees of the rest of the repository: each thing that it asks for is noted.

A finding that is kept holds while the overlay is the same and all that its rule asked for. What is not in the
table below has no hash, so findings of a rule that asks for it are not kept.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from okd_gitops.check.overlay import Overlay
from okd_gitops.check.rule import Quota, Repository
from okd_gitops.manifests.objects import FixedObject, Object
from okd_gitops.tree import digest

# It is never the same as in another run.
EVERYTHING = "everything"
# What is one thing to all who ask, as JSON can have it.
_WHOLE: Mapping[str, Callable[[Repository], Any]] = {
    "bound": lambda it: [sorted(part) for part in it.bound],
    "descriptions": lambda it: it.descriptions,
    "destinations": lambda it: sorted(it.destinations.items()),
    "folders": lambda it: sorted(it.folders),
    "gates": lambda it: sorted(it.gates),
    "has_house_rules": lambda it: it.has_house_rules,
    "in_argocd": lambda it: sorted(it.in_argocd),
    "is_whole": lambda it: it.is_whole,
    "outlines": lambda it: [
        *(sorted(it.own_urls), sorted(it.synced)),
        [(each.folder, each.outlines_hash) for each in it.overlays],
    ],
    "own_urls": lambda it: sorted(it.own_urls),
    "quotas": lambda it: [_quota(quota) for quota in it.quotas],
    "sets": lambda it: [one.value for one in it.sets],
    "today": lambda it: str(it.today),
    "url": lambda it: it.url,
}
# What is asked for by other names; words of the catalog, of which some are no clusters, are the tool's own.
_OF = {
    "clusters_named_in": "destinations",
    "makers": "sets",
    "source_path": "sets",
    "outlines_synced_by": "outlines",
    "written": "sets",
}
# What has an entry for each overlay or project.
_BY_KEY = ("projects", "synced")


class Seen:
    """A repository as the rules of one overlay see it."""

    def __init__(self, repository: Repository, overlay: Overlay) -> None:
        self._repository, self._overlay = repository, overlay
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._repository, name)

        if name == "files":
            return _Entries("files", value, self.asked, own=self._overlay.own_file)
        if name in _BY_KEY:
            return _Entries(name, value, self.asked)

        part = _OF.get(name, name)
        self.asked.add(part if part in _WHOLE or part == "definitions" else EVERYTHING)
        return value


class _Entries(Mapping[str, Any]):
    """Entries of which each is noted that is asked for, but for one that is the overlay's own."""

    def __init__(self, name: str, entries: Mapping[str, Any], asked: set[str], own: str = "") -> None:
        self._name, self._entries, self._asked, self._own = name, entries, asked, own

    def __getitem__(self, key: str) -> Any:
        if not self._own:
            self._asked.add(f"{self._name} {key}")
        elif key != self._own:
            self._asked.add(EVERYTHING)

        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        self._asked.add(EVERYTHING)
        return iter(self._entries)

    def __len__(self) -> int:
        self._asked.add(EVERYTHING)
        return len(self._entries)


class Hashes:
    """The hash of each thing that rules can ask a repository for."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._known: dict[str, str] = {}

    def of(self, part: str) -> str:
        """Return the hash of a part, by the name under which `Seen` has noted it."""
        if part not in self._known:
            self._known[part] = digest(json.dumps(self._content(part)).encode())

        return self._known[part]

    def of_all(self, parts: Iterable[str]) -> str:
        """Return one hash of several parts."""
        return digest("\0".join(map(self.of, parts)).encode())

    def _content(self, part: str) -> Any:
        name, _, key = part.partition(" ")

        if name == "synced":
            return list(map(self._form, self._repository.synced.get(key, ())))
        if name == "projects":
            project = self._repository.projects.get(key)
            return self._form(project.value) if project else None
        if name == "definitions":
            defined = self._repository.definitions.items()
            return sorted((*kind, self._form(value)) for kind, value in defined)

        return _WHOLE[name](self._repository)

    def _form(self, value: Object) -> str:
        """Return what tells an object from every other one: its key, or else itself."""
        key = value.key if isinstance(value, FixedObject) else ""
        return key or json.dumps(value)


def _quota(quota: Quota) -> list[str]:
    return [quota.cluster, quota.namespace, quota.cpu, quota.memory, quota.storage]
