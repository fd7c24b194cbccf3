"""Open or update one pull request, by the REST API of its forge or by hand.

The branch names the pull request: a second run finds the open one of the same branch and base in the same
repository and replaces its title and text, so nothing piles up. Pull requests from forks are never touched,
whatever their branch is called.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any
from urllib.parse import urlencode

from okd_gitops.system.address import NetworkError
from okd_gitops.system.forge import APIS, Forge, Kind
from okd_gitops.system.http import Http

# Titles that GitLab and Forgejo take for a draft.
_DRAFT = re.compile(r"(?i)(draft:|\[draft\]|\(draft\)|wip:|\[wip\])\s*")
# Of 50 entries each: what was closed since the last run is among the newest.
_RECENT_PAGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed. `labels` count when it is opened; after that they are the reviewers'."""

    head: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request as it is now, and what was done: created, updated or unchanged."""

    url: str
    number: int
    action: str


@dataclass(frozen=True, slots=True)
class _PullRequest:
    number: int
    url: str
    title: str
    body: str


def propose(http: Http, forge: Forge, proposal: Proposal) -> Opened:
    """Open the pull request, or bring the open one of this branch up to date; raises NetworkError.

    `http` carries the token for `forge.host`.
    """
    existing = _find(http, forge, proposal)
    if existing is not None:
        return _update(http, forge, proposal, existing)

    try:
        return _create(http, forge, proposal)
    except NetworkError as error:
        # GitHub answers 422 and the others 409 when one was opened in the meantime; 422 may also mean that
        # something is wrong.
        existing = _find(http, forge, proposal) if error.status in (409, 422) else None
        if existing is None:
            raise

    return _update(http, forge, proposal, existing)


def was_closed(http: Http, forge: Forge, *, head: str, base: str, sha: str) -> bool:
    """Whether a pull request of a branch at just this commit was closed and not merged, and none is open.

    Where the forge cannot be asked for one branch, the newest pull requests are looked through. Raises
    NetworkError.
    """
    api = APIS[forge.kind]
    pages = islice(_pages(http, forge, head, base, api.query_all), _RECENT_PAGES)
    own_entries = [entry for entry in chain.from_iterable(pages) if _is_own(forge, head, base, entry)]
    unmerged = [entry for entry in own_entries if not _value(entry, ("merged_at",))]

    if any(_value(entry, ("state",)) != "closed" for entry in unmerged):
        return False

    return any(_value(entry, api.sha) == sha for entry in unmerged)


def _find(http: Http, forge: Forge, proposal: Proposal) -> _PullRequest | None:
    entries = chain.from_iterable(_pages(http, forge, proposal.head, proposal.base, {}))
    own_entries = (entry for entry in entries if _is_own(forge, proposal.head, proposal.base, entry))
    entry = next(own_entries, None)

    return None if entry is None else _read(forge, entry)


def _pages(http: Http, forge: Forge, head: str, base: str, more: Mapping[str, str]) -> Iterator[list[object]]:
    """Yield the pull requests of a branch page by page: the open ones, unless `more` asks otherwise."""
    api = APIS[forge.kind]
    owner = forge.path.partition("/")[0]
    query = {key: value.format(owner=owner, head=head, base=base) for key, value in api.query.items()}
    query |= more

    for page in range(1, api.pages + 1):
        if api.pages > 1:
            query["page"] = str(page)

        entries = http.send("GET", f"{forge.pull_requests}?{urlencode(query)}")
        if not isinstance(entries, list):
            raise _foreign(forge, "a list of pull requests")

        yield entries

        if not entries or api.pages == 1:
            return

    most = api.pages * int(api.query["limit"])
    raise NetworkError(
        f"{forge.web}/{forge.path} has more than {most} open pull requests", "close what is not needed"
    )


def _is_own(forge: Forge, head: str, base: str, entry: object) -> bool:
    """Whether an entry is of our branch in this very repository, not of the same name in a fork."""
    api = APIS[forge.kind]
    head_repository, base_repository = _value(entry, api.head_repository), _value(entry, api.base_repository)
    if head_repository is None or head_repository != base_repository:
        return False

    return (_value(entry, api.head), _value(entry, api.base)) == (head, base)


def _value(entry: object, keys: Sequence[str]) -> object:
    """Return a value of an answer, or None where anything on the way to it is missing."""
    for key in keys:
        entry = entry.get(key) if isinstance(entry, dict) else None
    return entry


def _read(forge: Forge, entry: object) -> _PullRequest:
    api = APIS[forge.kind]
    number, url = _value(entry, (api.number,)), _value(entry, (api.url,))

    if not isinstance(number, int) or not isinstance(url, str) or not _can_be_shown(url):
        raise _foreign(forge, "a pull request")

    title, body = _value(entry, ("title",)), _value(entry, (api.body,))
    return _PullRequest(number, url, str(title or ""), str(body or ""))


def _can_be_shown(url: str) -> bool:
    return url.startswith(("https://", "http://")) and url.isprintable()


def _foreign(forge: Forge, what: str) -> NetworkError:
    reason = f"{forge.host} does not answer with {what}"
    return NetworkError(reason, "is it the kind of forge that was named?")


def _create(http: Http, forge: Forge, proposal: Proposal) -> Opened:
    api = APIS[forge.kind]
    fields = {
        api.sent_head: proposal.head,
        api.sent_base: proposal.base,
        "title": proposal.title,
        api.body: proposal.body,
    }
    if proposal.labels and not api.labels:
        fields["labels"] = ",".join(proposal.labels)

    created = _read(forge, http.send("POST", forge.pull_requests, fields))
    if proposal.labels and api.labels:
        _add_labels(http, forge, proposal, created)

    return Opened(created.url, created.number, "created")


def _add_labels(http: Http, forge: Forge, proposal: Proposal, created: _PullRequest) -> None:
    address = APIS[forge.kind].labels.format(path=forge.path, number=created.number)
    try:
        http.send("POST", f"{forge.api}/{address}", {"labels": list(proposal.labels)})
    except NetworkError as error:
        reason = f"{created.url} is open, but without labels: {error.reason}"
        raise NetworkError(reason, "add them there", error.status) from None


def _update(http: Http, forge: Forge, proposal: Proposal, existing: _PullRequest) -> Opened:
    api = APIS[forge.kind]
    # Reviewers decide whether it is a draft; on GitHub that is not part of the title.
    draft = _DRAFT.match(existing.title) if api.draft_in_title else None
    title = f"{draft[0] if draft else ''}{proposal.title}"

    # Forges keep texts with the line ends of a browser's form.
    body = existing.body.replace("\r\n", "\n").strip()
    if (existing.title, body) == (title, proposal.body.strip()):
        return Opened(existing.url, existing.number, "unchanged")

    changes: dict[str, Any] = {"title": title, api.body: proposal.body}
    http.send(api.update, f"{forge.pull_requests}/{existing.number}", changes)
    return Opened(existing.url, existing.number, "updated")


def by_hand(forge: Forge, proposal: Proposal, body_file: str) -> str:
    """Return the command with which a person opens the pull request, for when there is no token."""
    head, base, title, file = map(shlex.quote, (proposal.head, proposal.base, proposal.title, body_file))

    if forge.kind == Kind.GITHUB:
        repository = forge.path if forge.web == "https://github.com" else f"{forge.host}/{forge.path}"
        labels = "".join(f" --label {shlex.quote(label)}" for label in proposal.labels)
        return (
            f"gh pr create --repo {repository} --head {head} --base {base} --title {title} "
            f"--body-file {file}{labels}"
        )

    if forge.kind == Kind.GITLAB:
        labels = f" --label {shlex.quote(','.join(proposal.labels))}" if proposal.labels else ""
        return (
            f"glab mr create --repo {forge.web}/{forge.path} --source-branch {head} --target-branch {base} "
            f'--title {title} --description "$(cat {file})"{labels} --yes'
        )

    # The token is read by curl from a pipe: on its command line every user of the machine could see it.
    return (
        f"jq -n --arg head {head} --arg base {base} --arg title {title} --rawfile body {file} "
        "'$ARGS.named' | curl --fail-with-body --silent --show-error --max-time 60 --json @- "
        f"""-H @<(printf 'Authorization: token %s' "$FORGEJO_TOKEN") {forge.pull_requests}"""
    )
