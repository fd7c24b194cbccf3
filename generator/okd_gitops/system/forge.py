"""Open or update one pull request on GitHub, GitLab or Forgejo (and Gitea) through their REST APIs.

The branch names the pull request: a second run finds the open one of the same branch and base in the same
repository and replaces its title and text, so nothing piles up. Pull requests from forks are never touched,
whatever their branch is called. Paths, fields and statuses were read in google/go-github (github/pulls.go),
GitLab's doc/api/merge_requests.md and Forgejo's routers/api/v1/repo/pull.go.
"""

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode

from okd_gitops.errors import UsageError
from okd_gitops.system.http import Http, NetworkError

_URL = re.compile(
    r"(?P<scheme>https|ssh|http)://(?:git@)?(?P<host>[A-Za-z0-9.-]+|\[::1\])(?P<port>:[0-9]{1,5})?/(?P<path>[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)+)/?"
)
_SCP = re.compile(r"git@(?P<host>[A-Za-z0-9.-]+):(?P<path>[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)+)/?")
# Titles that GitLab and Forgejo take for a draft.
_DRAFT = re.compile(r"(?i)(draft:|\[draft\]|\(draft\)|wip:|\[wip\])\s*")
# Forgejo cannot be asked for one branch; its pages hold 50 entries at most.
_PAGE, _PAGES = 50, 20


class Kind(StrEnum):
    """Which API a forge speaks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"


@dataclass(frozen=True, slots=True)
class Forge:
    """A repository on a forge: `api` is the address of its API, `host` the one that a token is for."""

    kind: Kind
    host: str
    api: str
    web: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed. `draft` and `labels` count when it is opened; after that they are the reviewers'."""

    head: str
    base: str
    title: str
    body: str
    draft: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request as it is now, and what was done: created, updated or unchanged."""

    url: str
    number: int
    action: str


@dataclass(frozen=True, slots=True)
class _Found:
    number: int
    url: str
    title: str
    body: str


def locate(url: str, kind: Kind | None = None) -> Forge:
    """Return the forge of a repository's address; raises UsageError when it cannot be told which API it
    speaks.
    """
    match = _URL.fullmatch(url) or _SCP.fullmatch(url)
    if not match or {".", ".."} & set(match["path"].split("/")):
        raise UsageError(
            "this is not the address of a repository without credentials",
            "write it like https://host/owner/name",
        )
    named = match.groupdict()
    host, path = named["host"].lower(), named["path"].removesuffix(".git")
    # A port of ssh says nothing about that of the API.
    port = (named.get("port") or "") if named.get("scheme") != "ssh" else ""
    web = f"{'http' if named.get('scheme') == 'http' else 'https'}://{host}{port}"
    kind = kind or _guess(host)
    if kind != Kind.GITLAB and path.count("/") != 1:
        raise UsageError(f"{host} has repositories like owner/name, not {path}", "look at the address")
    if host in ("github.com", "www.github.com"):
        return Forge(kind, "api.github.com", "https://api.github.com", "https://github.com", path)
    return Forge(
        kind,
        host,
        web + {Kind.GITHUB: "/api/v3", Kind.GITLAB: "/api/v4", Kind.FORGEJO: "/api/v1"}[kind],
        web,
        path,
    )


def _guess(host: str) -> Kind:
    known = {
        "github.com": Kind.GITHUB,
        "www.github.com": Kind.GITHUB,
        "gitlab.com": Kind.GITLAB,
        "codeberg.org": Kind.FORGEJO,
    }
    first = {"github": Kind.GITHUB, "gitlab": Kind.GITLAB, "forgejo": Kind.FORGEJO, "gitea": Kind.FORGEJO}
    found = known.get(host) or first.get(host.split(".")[0])
    if found is None:
        raise UsageError(
            f"it cannot be told from {host} what kind of forge it is", f"say one of: {', '.join(Kind)}"
        )
    return found


def propose(http: Http, forge: Forge, proposal: Proposal) -> Opened:
    """Open the pull request, or bring the open one of this branch up to date; raises NetworkError.

    `http` carries the token for `forge.host`.
    """
    found = _find(http, forge, proposal)
    if found is None:
        try:
            return _create(http, forge, proposal)
        except NetworkError as error:
            # GitHub says 422 and the others 409 when one was opened in the meantime; 422 may also mean that
            # something is wrong.
            found = _find(http, forge, proposal) if error.status in (409, 422) else None
            if found is None:
                raise
    return _update(http, forge, proposal, found)


def by_hand(forge: Forge, proposal: Proposal, body_file: str) -> str:
    """Return the command with which a person opens the pull request, for when there is no token."""
    head, base, file = (shlex.quote(value) for value in (proposal.head, proposal.base, body_file))
    draft = " --draft" if proposal.draft else ""
    if forge.kind == Kind.GITHUB:
        where = forge.path if forge.web == "https://github.com" else f"{forge.host}/{forge.path}"
        title = shlex.quote(proposal.title)
        labels = "".join(f" --label {shlex.quote(label)}" for label in proposal.labels)
        return f"gh pr create --repo {where} --head {head} --base {base} --title {title} --body-file {file}{labels}{draft}"
    if forge.kind == Kind.GITLAB:
        where, title = f"{forge.web}/{forge.path}", shlex.quote(proposal.title)
        labels = f" --label {shlex.quote(','.join(proposal.labels))}" if proposal.labels else ""
        return (
            f"glab mr create --repo {where} --source-branch {head} --target-branch {base} --title {title} "
            f'--description "$(cat {file})"{labels}{draft} --yes'
        )
    title = shlex.quote(_drafted(forge, proposal))
    # The token is read by curl from a pipe: on its command line every user of the machine could see it.
    return (
        f"jq -n --arg head {head} --arg base {base} --arg title {title} --rawfile body {file} '$ARGS.named' | "
        "curl --fail-with-body --silent --show-error --max-time 60 --json @- "
        f"""-H @<(printf 'Authorization: token %s' "$FORGEJO_TOKEN") {forge.api}/repos/{forge.path}/pulls"""
    )


def _collection(forge: Forge) -> str:
    if forge.kind == Kind.GITLAB:
        return f"{forge.api}/projects/{quote(forge.path, safe='')}/merge_requests"
    return f"{forge.api}/repos/{forge.path}/pulls"


def _find(http: Http, forge: Forge, proposal: Proposal) -> _Found | None:
    where = _collection(forge)
    if forge.kind == Kind.GITHUB:
        owner = forge.path.split("/")[0]
        query = {"state": "open", "head": f"{owner}:{proposal.head}", "base": proposal.base}
        return _first(forge, proposal, http.send("GET", f"{where}?{urlencode(query)}"))
    if forge.kind == Kind.GITLAB:
        query = {"state": "opened", "source_branch": proposal.head, "target_branch": proposal.base}
        return _first(forge, proposal, http.send("GET", f"{where}?{urlencode(query)}"))
    for page in range(1, _PAGES + 1):
        answer = http.send("GET", f"{where}?state=open&limit={_PAGE}&page={page}")
        found = _first(forge, proposal, answer)
        if found or not answer:
            return found
    raise NetworkError(
        f"{forge.web}/{forge.path} has more than {_PAGE * _PAGES} open pull requests",
        "close what is not needed",
    )


def _first(forge: Forge, proposal: Proposal, answer: object) -> _Found | None:
    if not isinstance(answer, list):
        raise NetworkError(
            f"{forge.host} does not answer with a list of pull requests",
            "is it the kind of forge that was named?",
        )
    return next((_read(forge, entry) for entry in answer if _ours(forge, proposal, entry)), None)


def _ours(forge: Forge, proposal: Proposal, entry: object) -> bool:
    """Whether an entry of the list is of our branch in this very repository, not of a branch of the same
    name in a fork.
    """
    if not isinstance(entry, dict):
        return False
    if forge.kind == Kind.GITLAB:
        branches = entry.get("source_branch"), entry.get("target_branch")
        same = entry.get("source_project_id") == entry.get("target_project_id") is not None
    else:
        head, base = (
            side if isinstance(side, dict) else {} for side in (entry.get("head"), entry.get("base"))
        )
        branches = head.get("ref"), base.get("ref")
        ids = [
            side["repo"].get("id") if isinstance(side.get("repo"), dict) else None for side in (head, base)
        ]
        same = ids[0] == ids[1] is not None
    return same and branches == (proposal.head, proposal.base)


def _read(forge: Forge, entry: object) -> _Found:
    gitlab = forge.kind == Kind.GITLAB
    value = entry if isinstance(entry, dict) else {}
    number, url = (value.get(key) for key in (("iid", "web_url") if gitlab else ("number", "html_url")))
    if (
        not isinstance(number, int)
        or not isinstance(url, str)
        or not url.startswith(("https://", "http://"))
        or not url.isprintable()
    ):
        raise NetworkError(
            f"{forge.host} does not answer with a pull request", "is it the kind of forge that was named?"
        )
    return _Found(
        number, url, str(value.get("title") or ""), str(value.get("description" if gitlab else "body") or "")
    )


def _create(http: Http, forge: Forge, proposal: Proposal) -> Opened:
    title = _drafted(forge, proposal)
    if forge.kind == Kind.GITLAB:
        branches = {"source_branch": proposal.head, "target_branch": proposal.base}
        labels = {"labels": ",".join(proposal.labels)} if proposal.labels else {}
        made = _read(
            forge,
            http.send(
                "POST",
                _collection(forge),
                {**branches, "title": title, "description": proposal.body, **labels},
            ),
        )
        return Opened(made.url, made.number, "created")
    fields: dict[str, Any] = {
        "head": proposal.head,
        "base": proposal.base,
        "title": title,
        "body": proposal.body,
    }
    if forge.kind == Kind.GITHUB:
        fields["draft"] = proposal.draft
    made = _read(forge, http.send("POST", _collection(forge), fields))
    if proposal.labels:
        try:
            http.send(
                "POST",
                f"{forge.api}/repos/{forge.path}/issues/{made.number}/labels",
                {"labels": list(proposal.labels)},
            )
        except NetworkError as error:
            raise NetworkError(
                f"{made.url} is open, but without labels: {error.reason}", "add them there", error.status
            ) from None
    return Opened(made.url, made.number, "created")


def _update(http: Http, forge: Forge, proposal: Proposal, found: _Found) -> Opened:
    # Whether it is a draft is the reviewers' to say once it is open; on GitHub that is not part of the title.
    draft = _DRAFT.match(found.title) if forge.kind != Kind.GITHUB else None
    title = f"{draft[0] if draft else ''}{proposal.title}"
    # Forges keep texts with the line ends of a browser's form.
    if (found.title, found.body.replace("\r\n", "\n").strip()) == (title, proposal.body.strip()):
        return Opened(found.url, found.number, "unchanged")
    text = "description" if forge.kind == Kind.GITLAB else "body"
    http.send(
        "PUT" if forge.kind == Kind.GITLAB else "PATCH",
        f"{_collection(forge)}/{found.number}",
        {"title": title, text: proposal.body},
    )
    return Opened(found.url, found.number, "updated")


def _drafted(forge: Forge, proposal: Proposal) -> str:
    prefix = {Kind.GITHUB: "", Kind.GITLAB: "Draft: ", Kind.FORGEJO: "WIP: "}[forge.kind]
    return f"{prefix if proposal.draft else ''}{proposal.title}"
