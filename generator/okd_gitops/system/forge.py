"""The forges that repositories are on, and the form of their REST APIs: GitHub, GitLab, Forgejo (and Gitea).

Paths, fields and statuses were read in google/go-github (github/pulls.go), GitLab's doc/api/merge_requests.md
and Forgejo's routers/api/v1/repo/pull.go.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from okd_gitops.errors import UsageError

_OWNER_AND_NAME = r"(?P<path>[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)+)/?"
_URL = re.compile(
    rf"(?P<scheme>https|ssh|http)://(?:git@)?(?P<host>[A-Za-z0-9.-]+|\[::1\])(?P<port>:[0-9]{{1,5}})?/{_OWNER_AND_NAME}"
)
_SCP = re.compile(rf"git@(?P<host>[A-Za-z0-9.-]+):{_OWNER_AND_NAME}")


class Kind(StrEnum):
    """Which API a forge speaks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """How one kind of API names things.

    `root` follows the address of the forge, `collection` that of the API; `query` lists the open pull
    requests of a branch, and may be asked for at most `pages` pages; with `query_all` it lists closed ones
    too, those that changed last first. A tuple is the path of keys to a field of an answer.
    """

    root: str
    collection: str
    query: Mapping[str, str]
    pages: int = 1
    query_all: Mapping[str, str] = field(default_factory=lambda: {"state": "all"})
    # Fields of a pull request, in answers and in what is sent.
    number: str = "number"
    url: str = "html_url"
    body: str = "body"
    sent_head: str = "head"
    sent_base: str = "base"
    head: tuple[str, ...] = ("head", "ref")
    base: tuple[str, ...] = ("base", "ref")
    sha: tuple[str, ...] = ("head", "sha")
    head_repository: tuple[str, ...] = ("head", "repo", "id")
    base_repository: tuple[str, ...] = ("base", "repo", "id")
    update: str = "PATCH"
    # Where labels are added after the creation; empty where they are sent with it.
    labels: str = "repos/{path}/issues/{number}/labels"
    # Whether a title that begins with a word such as "Draft:" makes a draft.
    draft_in_title: bool = True


APIS: Mapping[Kind, Api] = {
    Kind.GITHUB: Api(
        root="/api/v3",
        collection="repos/{path}/pulls",
        query={"state": "open", "head": "{owner}:{head}", "base": "{base}"},
        draft_in_title=False,
    ),
    Kind.GITLAB: Api(
        root="/api/v4",
        collection="projects/{quoted_path}/merge_requests",
        query={"state": "opened", "source_branch": "{head}", "target_branch": "{base}"},
        number="iid",
        url="web_url",
        body="description",
        sent_head="source_branch",
        sent_base="target_branch",
        head=("source_branch",),
        base=("target_branch",),
        sha=("sha",),
        head_repository=("source_project_id",),
        base_repository=("target_project_id",),
        update="PUT",
        labels="",
    ),
    # It cannot be asked for one branch; its pages hold 50 entries at most.
    Kind.FORGEJO: Api(
        root="/api/v1",
        collection="repos/{path}/pulls",
        query={"state": "open", "limit": "50"},
        pages=20,
        query_all={"state": "all", "sort": "recentupdate"},
    ),
}
_KNOWN_HOSTS = {
    "github.com": Kind.GITHUB,
    "www.github.com": Kind.GITHUB,
    "gitlab.com": Kind.GITLAB,
    "codeberg.org": Kind.FORGEJO,
}
_FIRST_WORDS = {
    "github": Kind.GITHUB,
    "gitlab": Kind.GITLAB,
    "forgejo": Kind.FORGEJO,
    "gitea": Kind.FORGEJO,
}


@dataclass(frozen=True, slots=True)
class Forge:
    """A repository on a forge: `api` is the address of its API, `host` the one that a token is for."""

    kind: Kind
    host: str
    api: str
    web: str
    path: str

    @property
    def pull_requests(self) -> str:
        """The address of the repository's pull requests in the API."""
        collection = APIS[self.kind].collection
        return f"{self.api}/{collection.format(path=self.path, quoted_path=quote(self.path, safe=''))}"


def locate(url: str, kind: Kind | None = None) -> Forge:
    """Return the forge of a repository's address; raises UsageError when its kind cannot be told."""
    match = _URL.fullmatch(url) or _SCP.fullmatch(url)
    if not match or {".", ".."} & set(match["path"].split("/")):
        reason = "this is not the address of a repository without credentials"
        raise UsageError(reason, "write it like https://host/owner/name")

    host, path = match["host"].lower(), match["path"].removesuffix(".git")
    kind = kind or _kind_of(host)
    if kind != Kind.GITLAB and path.count("/") != 1:
        raise UsageError(f"{host} has repositories like owner/name, not {path}", "look at the address")

    if host in ("github.com", "www.github.com"):
        return Forge(kind, "api.github.com", "https://api.github.com", "https://github.com", path)

    web = _web_address(host, match.groupdict())
    return Forge(kind, host, web + APIS[kind].root, web, path)


def _kind_of(host: str) -> Kind:
    kind = _KNOWN_HOSTS.get(host) or _FIRST_WORDS.get(host.partition(".")[0])
    if kind is None:
        reason = f"it cannot be told from {host} what kind of forge it is"
        raise UsageError(reason, f"name one of: {', '.join(Kind)}")
    return kind


def _web_address(host: str, named: Mapping[str, str | None]) -> str:
    scheme = "http" if named.get("scheme") == "http" else "https"
    # A port of ssh is not that of the API.
    port = "" if named.get("scheme") == "ssh" else named.get("port") or ""
    return f"{scheme}://{host}{port}"
