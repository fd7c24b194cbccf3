"""AppProjects by name and Applications by folder: of thousands, those are read that somebody asks for."""

from collections.abc import Iterable, Iterator, Mapping, Set

from okd_gitops.check.noted_objects import UnreadObject
from okd_gitops.manifests.argocd import Project, folder, same_url, sources
from okd_gitops.manifests.objects import Object, at


class ProjectsByName(Mapping[str, Project]):
    """AppProjects, each of which is taken apart when somebody asks for it."""

    def __init__(self, values: Mapping[str, UnreadObject]) -> None:
        self._values = values
        # The rules of an overlay ask for one of thousands several times.
        self._last: tuple[str, Project] | None = None

    def __getitem__(self, name: str) -> Project:
        if not self._last or self._last[0] != name:
            self._last = name, Project(self._values[name].read())

        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values


class ApplicationsByFolder(Mapping[str, tuple[Object, ...]]):
    """The Applications that sync each folder of a repository, which has the addresses `urls`.

    Those are read that have a source of the path that somebody asks for.
    """

    def __init__(self, applications: Iterable[UnreadObject], urls: Set[str]) -> None:
        self._urls = urls
        # The rules of an overlay ask for its own several times.
        self._last: tuple[str, tuple[Object, ...]] | None = None
        self._by_path: dict[str, list[UnreadObject]] = {}
        for each in applications:
            for path in each.paths:
                self._by_path.setdefault(path, []).append(each)

    def __getitem__(self, path: str) -> tuple[Object, ...]:
        if not self._last or self._last[0] != path:
            candidates = (each.read() for each in self._by_path.get(path, ()))
            self._last = path, tuple(each for each in candidates if self._is_synced(path, each))
        if not self._last[1]:
            raise KeyError(path)

        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return (path for path in self._by_path if path in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _is_synced(self, path: str, application: Object) -> bool:
        return any(
            folder(source) == path and same_url(at(source, "repoURL")) in self._urls
            for source in sources(application)
        )
