"""What an AppProject permits and an Application reads, as Argo CD decides it, on objects of any shape."""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object

API_VERSION = "argoproj.io/v1alpha1"
# The name that Argo CD gives to the cluster it runs on, and the two by which it knows that cluster.
IN_CLUSTER = "in-cluster"
# The label by which Argo CD takes a Secret for a cluster (argo-cd v3.3, common/common.go).
REGISTERS = "argocd.argoproj.io/secret-type"
# The annotations with the order of a sync, and with what a sync may do to an object.
WAVE = "argocd.argoproj.io/sync-wave"
OPTIONS = "argocd.argoproj.io/sync-options"
# Where Argo CD and its objects are on the hub.
NAMESPACE = "argocd"
HERE = "https://kubernetes.default.svc"
_HERE = {"name": IN_CLUSTER, "server": HERE}
_HTTPS = 443
_REPOSITORY = re.compile(
    r"(?:[a-z+]+://(?:[^@/]*@)?(?P<host>[^/:@]+)(?::[0-9]+)?/|(?:[^@/]*@)(?P<scp>[^/:@]+):/?)(?P<path>.+)"
)
_DEPLOYABLE = (".yaml", ".yml", ".json", ".jsonnet", "Kustomization")
# What makes a name a pattern.
_PATTERN = set("*?[!")
_HEADS = (None, "", "HEAD", "main", "master")


def of_kind(objects: Iterable[Object], kind: str) -> list[Object]:
    """Return the Applications or AppProjects among objects."""
    group_kind = f"{kind}.argoproj.io"
    # The kind is compared first, because it is cheap and most objects have another one.
    return [
        value
        for value in objects
        if value.get("kind") == kind and ObjectId.of(value).group_kind == group_kind
    ]


def project_name(application: Object) -> str:
    """Return the name of an Application's project; Argo CD takes `default` when there is none."""
    return str(at(application, "spec", "project") or "default")


def sources(application: Object) -> list[Object]:
    """Return the sources of an Application: one, or a list of them."""
    listed = [at(application, "spec", "source"), *items(application, "spec", "sources")]
    return [source for source in listed if isinstance(source, dict) and source]


def folder(source: Object) -> str | None:
    """Return the folder of a repository that a source names, without `./` and slashes at its ends."""
    path = at(source, "path")
    return posixpath.normpath(path.strip("/") or ".") if isinstance(path, str) and path else None


@per_object
def source_paths(application: Object) -> tuple[str, ...]:
    """Return the folders that the sources of an Application name, in whatever repositories."""
    return tuple(dict.fromkeys(path for path in map(folder, sources(application)) if path))


def folders_of(files: Iterable[str]) -> set[str]:
    """Return every folder with something to deploy in it or below it; `.` is the repository itself."""
    # What is there and could not be read makes a folder all the same.
    unread: Iterable[str] = getattr(files, "unread", ())
    folders = {"."}
    for path in (*files, *unread):
        parent = posixpath.dirname(path) if path.endswith(_DEPLOYABLE) else ""
        while parent and parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)

    return folders


def own_urls(applications: Iterable[Object], folders: Set[str]) -> set[str]:
    """Return the URLs of the repository that `folders` belong to, in the form of `same_url`.

    A foreign repository does not name its URL: it is each one of which a path exists here. One that is there
    is enough, however many are missing: those may all be stale.
    """
    places = ((source, folder(source)) for each in applications for source in sources(each))
    return {
        same_url(at(source, "repoURL"))
        for source, path in places
        if path not in (None, ".") and path in folders
    }


def at_head(source: Object) -> bool:
    """Whether a source follows the main branch, so that it can be compared with the files at hand."""
    return any(at(source, "targetRevision") == head for head in _HEADS)


def same_url(url: object) -> str:
    """Return a URL in the form in which Argo CD compares them."""
    return str(url or "").lower().rstrip("/").removesuffix(".git")


def same_repository(url: object, other: object) -> bool:
    """Whether two URLs lead to one repository, whether by https, by ssh or in the form `git@host:path`."""
    place = _place(url)
    return bool(place) and place == _place(other)


def _place(url: object) -> str:
    """Return host and path of a URL, without user and port: those differ between https and ssh."""
    text = same_url(url)
    match = _REPOSITORY.fullmatch(text)

    if not match:
        return text

    host = match["host"] or match["scp"]
    return f"{host}/{match['path'].lstrip('/')}"


def server_address(url: str) -> str:
    """Return host and port, which tell one API server from another however its address is written."""
    try:
        parts = urlsplit(url)
        port = parts.port or _HTTPS
    except ValueError:
        return url

    return f"{(parts.hostname or '').rstrip('.')}:{port}"


class Project:
    """An AppProject.

    A fleet's has thousands of plain destinations, so those are looked up; only patterns are tried one by one.
    """

    def __init__(self, value: Object) -> None:
        self.value = value
        self._plain: set[tuple[str, str]] = set()
        self._patterns: list[object] = []

        for entry in items(value, "spec", "destinations"):
            plain = _plain_destination(entry)
            if plain:
                self._plain.add(plain)
            else:
                self._patterns.append(entry)

        self._namespaces = {namespace for _, namespace in self._plain}
        self._kinds: dict[str, _Kinds] = {}

    def permits_source(self, url: object) -> bool:
        """Whether the project permits a repository; a pattern with `!` in front forbids."""
        patterns = [str(pattern) for pattern in items(self.value, "spec", "sourceRepos")]
        forbidding = [pattern[1:] for pattern in patterns if pattern.startswith("!")]

        return _any_url_matches(patterns, url) and not _any_url_matches(forbidding, url)

    def permits_destination(self, destination: object, namespace: object) -> bool:
        """Whether the project permits a namespace on the cluster of a destination."""
        place = {key: at(destination, key) for key in _HERE}
        if any(place[key] == here for key, here in _HERE.items()):
            place = dict[str, Any](_HERE)

        wanted = str(namespace or "")
        if place["name"] is None:
            is_plain = wanted in self._namespaces
        else:
            is_plain = (str(place["name"]), wanted) in self._plain

        verdicts = [is_plain or None, *(_verdict(entry, place, wanted) for entry in self._patterns)]
        return True in verdicts and False not in verdicts

    def permits_kind(self, identity: ObjectId, *, cluster_scoped: bool) -> bool:
        """Whether the project permits a kind; without a list every namespaced kind is permitted, and no
        cluster-scoped one.
        """
        scope = "clusterResource" if cluster_scoped else "namespaceResource"
        everything = not cluster_scoped and at(self.value, "spec", f"{scope}Whitelist") is None
        permitted = everything or self.lists(f"{scope}Whitelist", identity)

        return permitted and not self.lists(f"{scope}Blacklist", identity)

    def lists(self, key: str, identity: ObjectId) -> bool:
        """Whether an entry of a list of kinds, such as `clusterResourceWhitelist`, matches a kind."""
        if key not in self._kinds:
            self._kinds[key] = _Kinds.of(items(self.value, "spec", key))

        return self._kinds[key].has(identity.group, identity.kind)


class _Kinds(NamedTuple):
    """A list of kinds, each with its group: the plain ones, of which a project has dozens, and patterns."""

    plain: Set[tuple[str, str]]
    patterns: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, entries: Iterable[object]) -> "_Kinds":
        pairs = [(str(at(entry, "group") or ""), str(at(entry, "kind") or "")) for entry in entries]
        patterns = [pair for pair in pairs if _PATTERN & set("".join(pair))]

        return cls(set(pairs) - set(patterns), patterns)

    def has(self, group: str, kind: str) -> bool:
        return (group, kind) in self.plain or any(
            fnmatchcase(group, of_group) and fnmatchcase(kind, of_kind) for of_group, of_kind in self.patterns
        )


def _plain_destination(entry: object) -> tuple[str, str] | None:
    """Return the name of the cluster and the namespace of a destination that is no pattern."""
    name, namespace = at(entry, "name"), at(entry, "namespace")

    if not isinstance(name, str) or not isinstance(namespace, str) or at(entry, "server"):
        return None

    return None if _PATTERN & set(name + namespace) else (name, namespace)


def _any_url_matches(patterns: Iterable[str], url: object) -> bool:
    return any(fnmatchcase(same_url(url), same_url(pattern)) for pattern in patterns)


def _verdict(entry: object, place: Mapping[str, Any], namespace: str) -> bool | None:
    """Return whether a destination permits (True) or forbids (False) a place, or neither (None)."""
    patterns = [(str(at(entry, key)), place[key]) for key in place if at(entry, key)]
    cluster_matches = _cluster_matches(patterns)
    namespace_pattern = str(at(entry, "namespace") or "")
    namespace_matches = _matches(namespace_pattern, namespace)

    if cluster_matches and namespace_matches:
        return True

    if cluster_matches:
        forbids = namespace_pattern.startswith("!")
    else:
        forbids = namespace_matches and any(pattern.startswith("!") for pattern, _ in patterns)

    return False if forbids else None


def _cluster_matches(patterns: Iterable[tuple[str, Any]]) -> bool:
    """Whether one of the patterns matches the text beside it.

    An entry by name and a destination by server may be the same cluster, which only the hub knows: the entry
    gets the benefit of the doubt.
    """
    return any(text is None or _matches(pattern, str(text)) for pattern, text in patterns)


def _matches(pattern: str, text: str) -> bool:
    return fnmatchcase(text, pattern.removeprefix("!")) != pattern.startswith("!")
