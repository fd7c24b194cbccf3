"""Pull requests on forges: a server on loopback that answers as GitHub, GitLab and Forgejo do.

Fields and statuses were read in google/go-github (github/pulls.go; 422 in its issues and in octokit's),
GitLab's doc/api/merge_requests.md (409 in app/models/merge_request.rb) and Forgejo's
routers/api/v1/repo/pull.go and modules/structs/pull.go (409 there, 201 for an update).
"""

import json
import re
import shlex
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from okd_gitops.errors import UsageError
from okd_gitops.system.address import NetworkError
from okd_gitops.system.forge import Forge, Kind, locate
from okd_gitops.system.http import Http
from okd_gitops.system.pull_requests import Opened, Proposal, by_hand, propose, was_closed

TOKEN = "hunter2-token"
BRANCH = "okd/4.22.0-okd-scos.9--wave1"
PROPOSAL = Proposal(head=BRANCH, base="main", title="okd: a → b", body="one\ntwo\n")
Answer = Callable[[Request], Response | None]


def reply(status: int, value: object) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@dataclass
class Fake:
    """A forge of one kind with its open pull requests; `first` may answer instead of it."""

    kind: Kind
    entries: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    labels: list[object] = field(default_factory=list)
    first: Answer = lambda _: None

    def entry(
        self, number: int, head: str, base: str, title: str, text: str, *, repository: int = 7
    ) -> dict[str, Any]:
        if self.kind == Kind.GITLAB:
            sides = {
                "source_branch": head,
                "target_branch": base,
                "source_project_id": repository,
                "target_project_id": 7,
            }
            return {
                "iid": number,
                "id": 900 + number,
                "web_url": f"https://x/-/merge_requests/{number}",
                "title": title,
                "description": text,
                **sides,
            }
        sides = {"head": {"ref": head, "repo": {"id": repository}}, "base": {"ref": base, "repo": {"id": 7}}}
        return {
            "number": number,
            "id": 900 + number,
            "html_url": f"https://x/pull/{number}",
            "title": title,
            "body": text,
            **sides,
        }

    def __call__(self, request: Request) -> Response:
        path = unquote(request.environ["REQUEST_URI"].partition("?")[0])
        self.asked.append((request.method, path))
        if special := self.first(request):
            return special
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["User-Agent"] == "okd-gitops"
        gitlab = self.kind == Kind.GITLAB
        collection = {
            Kind.GITHUB: "/api/v3/repos/o/r/pulls",
            Kind.GITLAB: "/api/v4/projects/o/r/merge_requests",
            Kind.FORGEJO: "/api/v1/repos/o/r/pulls",
        }[self.kind]
        if path == collection and request.method == "GET":
            return self.listed(request)
        sent = request.get_json()
        if path == collection and request.method == "POST":
            names = (
                ("source_branch", "target_branch", "title", "description")
                if gitlab
                else ("head", "base", "title", "body")
            )
            self.entries.append(self.entry(10 + len(self.entries), *(sent[name] for name in names)))
            self.entries[-1] |= {"labels": sent.get("labels", "")}
            return reply(201, self.entries[-1])
        for entry in self.entries:
            if path == f"{collection}/{entry['iid' if gitlab else 'number']}" and request.method == (
                "PUT" if gitlab else "PATCH"
            ):
                entry.update(sent)
                return reply(201 if self.kind == Kind.FORGEJO else 200, entry)
        if path.endswith("/labels"):
            self.labels += sent["labels"]
            return reply(200, [])
        return reply(404, {"message": "Not Found"})

    def listed(self, request: Request) -> Response:
        state = request.args["state"]
        found = [entry for entry in self.entries if state == "all" or not entry.get("closed")]
        assert (request.args.get("sort") == "recentupdate") == (state == "all" and self.kind == Kind.FORGEJO)
        if self.kind == Kind.GITHUB:
            assert state in ("open", "all")
            owner, _, branch = request.args["head"].partition(":")
            assert owner == "o"
            found = [
                entry
                for entry in found
                if entry["head"]["ref"] == branch and entry["base"]["ref"] == request.args["base"]
            ]
        elif self.kind == Kind.GITLAB:
            assert state in ("opened", "all")
            wanted = (request.args["source_branch"], request.args["target_branch"])
            found = [entry for entry in found if (entry["source_branch"], entry["target_branch"]) == wanted]
        else:
            page, limit = int(request.args["page"]), int(request.args["limit"])
            assert limit <= 50
            # Forgejo puts null for what it cannot load.
            return reply(200, [*found[(page - 1) * limit : page * limit], *([None] if page == 1 else [])])
        return reply(200, found)


@pytest.fixture(params=list(Kind))
def fake(request: pytest.FixtureRequest, httpserver: HTTPServer) -> Fake:
    made = Fake(request.param)
    httpserver.expect_request(re.compile(".*")).respond_with_handler(made)
    return made


@pytest.fixture
def forge(fake: Fake, httpserver: HTTPServer) -> Forge:
    return locate(httpserver.url_for("/o/r.git"), fake.kind)


def client(tmp_path: Path, forge: Forge, **options: Any) -> Http:
    return Http(tmp_path / "cache", tokens={forge.host: TOKEN}, **{"retries": 0, "timeout": 60, **options})


def refused(http: Http, forge: Forge, proposal: Proposal = PROPOSAL) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        propose(http, forge, proposal)
    assert caught.value.exit_code == 6
    assert caught.value.remedy
    assert TOKEN not in caught.value.reason + caught.value.remedy
    return caught.value


def text_of(fake: Fake, entry: dict[str, Any]) -> tuple[str, str]:
    return entry["title"], entry["description" if fake.kind == Kind.GITLAB else "body"]


def test_create_then_nothing_then_update(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    http = client(tmp_path, forge)
    made = propose(http, forge, PROPOSAL)
    assert made == Opened(made.url, 10, "created")
    assert made.url.endswith("/10")
    assert propose(http, forge, PROPOSAL) == replace(made, action="unchanged")
    assert [method for method, _ in fake.asked].count("POST") == 1
    assert propose(http, forge, replace(PROPOSAL, title="okd: a → c", body="other\n")) == replace(
        made, action="updated"
    )
    assert [text_of(fake, entry) for entry in fake.entries] == [("okd: a → c", "other\n")]
    assert {"PATCH", "PUT"} & {method for method, _ in fake.asked}
    assert not (tmp_path / "cache").exists(), "answers about pull requests are not kept"


SHA, OTHER_SHA = "a" * 40, "b" * 40


def ended(fake: Fake, number: int, sha: str = SHA, *, state: str = "closed", merged: bool = False) -> Any:
    """Return a pull request of the branch in a state, as the forge names that."""
    entry = fake.entry(number, BRANCH, "main", "okd: a → b", "one")
    words = {"open": "opened"} if fake.kind == Kind.GITLAB else {"merged": "closed"}
    entry |= {"state": words.get(state, state), "closed": state != "open"}
    entry |= {"merged_at": "2026-11-21T12:00:00Z" if merged else None}
    (entry if fake.kind == Kind.GITLAB else entry["head"])["sha"] = sha

    return entry


def test_what_people_closed_is_told_from_what_they_merged(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    http = client(tmp_path, forge)

    def closed(*entries: Any) -> bool:
        fake.entries = list(entries)
        return was_closed(http, forge, head=BRANCH, base="main", sha=SHA)

    assert not closed()
    assert closed(ended(fake, 1))
    assert closed(ended(fake, 2, OTHER_SHA, state="merged", merged=True), ended(fake, 1))
    # It was merged, closed at another commit, or opened again.
    assert not closed(ended(fake, 1, state="merged", merged=True))
    assert not closed(ended(fake, 1, OTHER_SHA))
    assert not closed(ended(fake, 1, state="open"))
    assert not closed(ended(fake, 2, state="open"), ended(fake, 1))
    # It is of another branch, or of the same one in a fork.
    other = ended(fake, 1)
    other |= {"source_branch": "x"} if fake.kind == Kind.GITLAB else {"head": {**other["head"], "ref": "x"}}
    fork = ended(fake, 2)
    fork |= (
        {"source_project_id": 8}
        if fake.kind == Kind.GITLAB
        else {"head": {**fork["head"], "repo": {"id": 8}}}
    )
    assert not closed(other, fork)


@pytest.mark.parametrize("fake", [Kind.FORGEJO], indirect=True)
def test_what_was_closed_long_ago_is_not_searched_for(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    old = [fake.entry(number, f"topic-{number}", "main", "t", "") for number in range(2000)]
    fake.entries = [{**entry, "closed": True, "state": "closed"} for entry in old]
    assert not was_closed(client(tmp_path, forge), forge, head=BRANCH, base="main", sha=SHA)
    assert len(fake.asked) == 4


def test_line_ends_of_a_browser_are_no_change(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    fake.entries.append(fake.entry(4, BRANCH, "main", PROPOSAL.title, "one\r\ntwo"))
    assert propose(client(tmp_path, forge), forge, PROPOSAL).action == "unchanged"


def test_a_text_that_a_person_edited_is_written_anew(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    fake.entries.append(fake.entry(4, BRANCH, "main", "by hand", "by hand"))
    assert propose(client(tmp_path, forge), forge, PROPOSAL) == Opened(
        fake.entries[0].get("web_url") or fake.entries[0]["html_url"], 4, "updated"
    )
    assert text_of(fake, fake.entries[0]) == (PROPOSAL.title, PROPOSAL.body)


def test_other_branches_and_forks_are_never_touched(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    others = [(BRANCH, "main", 8), (BRANCH, "release", 7), ("okd/other", "main", 7)]
    fake.entries += [
        fake.entry(number, head, base, "theirs", "theirs", repository=repo)
        for number, (head, base, repo) in enumerate(others, 1)
    ]
    assert propose(client(tmp_path, forge), forge, PROPOSAL).action == "created"
    assert [text_of(fake, entry) for entry in fake.entries[:3]] == [("theirs", "theirs")] * 3


def test_a_branch_of_a_deleted_fork_is_not_ours(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    gone = fake.entry(1, BRANCH, "main", "theirs", "theirs")
    if fake.kind == Kind.GITLAB:
        gone["source_project_id"] = None
    else:
        gone["head"]["repo"] = None
    fake.entries.append(gone)
    assert propose(client(tmp_path, forge), forge, PROPOSAL).action == "created"


@pytest.mark.parametrize("fake", [Kind.FORGEJO], indirect=True)
def test_forgejo_is_read_page_by_page_to_an_end(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    fake.entries += [fake.entry(number, f"b{number}", "main", "t", "t") for number in range(120)] + [
        fake.entry(500, BRANCH, "main", "t", "t")
    ]
    assert propose(client(tmp_path, forge), forge, PROPOSAL).number == 500
    fake.entries = [fake.entry(number, f"b{number}", "main", "t", "t") for number in range(1100)]
    assert "more than 1000" in refused(client(tmp_path, forge), forge).reason


def test_an_update_leaves_a_draft_a_draft(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    prefix = {Kind.GITHUB: "", Kind.GITLAB: "Draft: ", Kind.FORGEJO: "WIP: "}[fake.kind]
    fake.entries.append(fake.entry(4, BRANCH, "main", prefix + PROPOSAL.title, PROPOSAL.body))
    http = client(tmp_path, forge)
    assert propose(http, forge, PROPOSAL).action == "unchanged"
    propose(http, forge, replace(PROPOSAL, title="new"))
    assert fake.entries[0]["title"] == f"{prefix}new"


def test_labels_are_set_when_it_is_opened(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    labeled = replace(PROPOSAL, labels=("okd-upgrade", "wave/1"))
    propose(client(tmp_path, forge), forge, labeled)
    propose(client(tmp_path, forge), forge, labeled)
    if fake.kind == Kind.GITLAB:
        assert fake.entries[0]["labels"] == "okd-upgrade,wave/1"
    else:
        assert fake.labels == ["okd-upgrade", "wave/1"]


@pytest.mark.parametrize("fake", [Kind.GITHUB, Kind.FORGEJO], indirect=True)
def test_without_labels_the_address_is_still_told(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    fake.first = lambda request: reply(403, {"message": "no"}) if request.path.endswith("/labels") else None
    error = refused(client(tmp_path, forge), forge, replace(PROPOSAL, labels=("x",)))
    assert "https://x/pull/10 is open, but without labels" in error.reason


def test_opened_by_another_run_in_the_meantime(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    exists = {
        Kind.GITHUB: (
            422,
            {
                "message": "Validation Failed",
                "errors": [{"message": f"A pull request already exists for o:{BRANCH}."}],
            },
        ),
        Kind.GITLAB: (
            409,
            {"message": ["Another open merge request already exists for this source branch: !4"]},
        ),
        Kind.FORGEJO: (409, {"message": "pull request already exists for these targets"}),
    }[fake.kind]

    def race(request: Request) -> Response | None:
        if request.method != "POST":
            return None
        fake.entries.append(fake.entry(4, BRANCH, "main", "theirs", "theirs"))
        return reply(*exists)

    fake.first = race
    assert propose(client(tmp_path, forge), forge, PROPOSAL).action == "updated"
    assert [text_of(fake, entry) for entry in fake.entries] == [(PROPOSAL.title, PROPOSAL.body)]


def test_a_refusal_is_told_in_the_forges_words(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    words = {
        "message": "Validation Failed",
        "errors": [{"message": f"No commits between main and {BRANCH}\x1b[31m {TOKEN}"}],
    }
    fake.first = lambda request: reply(422, words) if request.method == "POST" else None
    error = refused(client(tmp_path, forge), forge)
    assert error.status == 422
    assert "No commits between main and" in error.reason
    assert error.reason.isprintable()


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "token"), (403, "token"), (404, "address"), (500, "later"), (502, "later"), (301, "moved")],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_statuses(fake: Fake, forge: Forge, tmp_path: Path, status: int, remedy: str, method: str) -> None:
    def answer(request: Request) -> Response | None:
        if request.method != method:
            return None
        # A proxy answers with a page; and where it leads, nobody follows.
        page = Response(f"<html>{TOKEN}", status, headers={"Location": "/elsewhere"})
        return page if status in (301, 502) else reply(status, {"message": f"Bad credentials {TOKEN}"})

    fake.first = answer
    error = refused(client(tmp_path, forge), forge)
    assert error.status == status
    assert remedy in error.remedy
    assert not any(path == "/elsewhere" for _, path in fake.asked)


def test_a_question_is_repeated_and_an_order_is_not(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    busy = {"GET": 1, "POST": 1}

    def answer(request: Request) -> Response | None:
        busy[request.method] -= 1
        return Response("", 503, headers={"Retry-After": "0"}) if busy[request.method] >= 0 else None

    fake.first = answer
    assert refused(client(tmp_path, forge, retries=2), forge).status == 503
    methods = [method for method, _ in fake.asked]
    assert (methods[:2], methods.count("POST")) == (["GET", "GET"], 1)


def test_a_forge_that_is_too_slow(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    gave_up = threading.Event()

    def answer(request: Request) -> Response | None:
        if request.method == "POST":
            gave_up.wait()
        return None

    fake.first = answer
    try:
        reason = refused(client(tmp_path, forge, timeout=0.15), forge).reason
    finally:
        gave_up.set()
    # The limit of the answer and that of the connection are one time: either may be noticed first.
    assert "gave no answer within" in reason or "cannot be reached" in reason


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b"[" * 60_000, b'"x"', b"null"])
def test_answers_that_are_not_of_that_api(fake: Fake, forge: Forge, tmp_path: Path, answer: bytes) -> None:
    fake.first = lambda request: Response(answer, 200) if request.method == "GET" else None
    assert "does not answer with" in refused(client(tmp_path, forge), forge).reason
    fake.first = lambda request: Response(answer, 201) if request.method == "POST" else None
    assert "does not answer with" in refused(client(tmp_path, forge), forge).reason


def test_an_answer_that_is_too_large(fake: Fake, forge: Forge, tmp_path: Path) -> None:
    fake.first = lambda _: Response(b" " * 3000, 200)
    assert "more than 2,000 bytes" in refused(client(tmp_path, forge, max_bytes=2000), forge).reason


def test_a_closed_port_is_reported_as_unreachable(tmp_path: Path) -> None:
    forge = locate("http://127.0.0.1:1/o/r", Kind.GITHUB)
    assert "cannot be reached" in refused(client(tmp_path, forge), forge).reason


@pytest.mark.parametrize(
    ("url", "kind", "api", "path"),
    [
        (
            "https://github.com/okd-project/okd-gitops.git",
            Kind.GITHUB,
            "https://api.github.com",
            "okd-project/okd-gitops",
        ),
        (
            "git@github.com:okd-project/okd-gitops.git",
            Kind.GITHUB,
            "https://api.github.com",
            "okd-project/okd-gitops",
        ),
        ("https://github.example.org/o/r", Kind.GITHUB, "https://github.example.org/api/v3", "o/r"),
        (
            "https://gitlab.com/group/sub/project",
            Kind.GITLAB,
            "https://gitlab.com/api/v4",
            "group/sub/project",
        ),
        (
            "ssh://git@gitlab.example.org:2222/g/p.git",
            Kind.GITLAB,
            "https://gitlab.example.org/api/v4",
            "g/p",
        ),
        ("https://codeberg.org/o/r/", Kind.FORGEJO, "https://codeberg.org/api/v1", "o/r"),
        (
            "https://gitea.example.org:3000/o/r.name",
            Kind.FORGEJO,
            "https://gitea.example.org:3000/api/v1",
            "o/r.name",
        ),
    ],
)
def test_locate(url: str, kind: Kind, api: str, path: str) -> None:
    forge = locate(url)
    assert (forge.kind, forge.api, forge.path) == (kind, api, path)
    assert forge.host == api.split("/")[2].split(":")[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/o/r",
        "https://bot:x@github.com/o/r",
        "https://github.com/o",
        "https://github.com/a/b/c",
        "../r",
        "https://github.com/o/r?x",
        "https://github.com/../r",
        "",
    ],
)
def test_locate_refuses(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        locate(url)
    assert caught.value.remedy


def test_the_kind_of_a_forge_may_be_given() -> None:
    assert locate("https://git.example.org/o/r", Kind.FORGEJO).api == "https://git.example.org/api/v1"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://github.com/o/r", ["gh", "pr", "create", "--repo", "o/r", "--label"]),
        ("https://github.example.org/o/r", ["gh", "pr", "create", "--repo", "github.example.org/o/r"]),
        ("https://gitlab.com/g/s/p", ["glab", "mr", "create", "--repo", "https://gitlab.com/g/s/p", "--yes"]),
        ("https://codeberg.org/o/r", ["jq", "curl", "https://codeberg.org/api/v1/repos/o/r/pulls"]),
    ],
)
def test_without_a_token_a_person_is_told_what_to_run(url: str, words: list[str]) -> None:
    title = "it's `id` $(id) → b; rm -rf ~"
    proposal = replace(PROPOSAL, title=title, labels=("a b",))
    command = by_hand(locate(url), proposal, "my folder/PR.md")
    given = shlex.split(command)
    assert set(words) <= set(given)
    assert {BRANCH, "main"} <= set(given)
    assert title in given
    checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
