"""The sources of releases, against a real server on loopback that answers in the forms of the real APIs,
well and badly.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from okd_gitops.explanation import explanations
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.upgrades import Releases
from okd_gitops.releases.cross_check import cross_check
from okd_gitops.releases.sources import file, github, quay, release_controller
from okd_gitops.releases.sources import update_graph as graph
from okd_gitops.releases.sources.all import Sources, collect
from okd_gitops.releases.sources.answer import Answer
from okd_gitops.report.finding_text import as_text
from okd_gitops.system.http import Http
from okd_gitops.upgrade.known import of_fleet

STREAM = "4-scos-stable"
TAGS = f"/api/v1/releasestream/{STREAM}/tags"
QUAY = "/api/v1/repository/okd/scos-release/tag/"
GITHUB = "/repos/okd-project/okd/releases"
MIRROR = "quay.io/okd/scos-release"
SIGNED = "registry.ci.openshift.org/origin/release-scos"
A, B, C = ("sha256:" + letter * 64 for letter in "abc")
ANY: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda x: st.lists(x, max_size=3),
    max_leaves=4,
)


def rc_tag(version: str, phase: str = "Accepted", **more: object) -> dict[str, object]:
    """An entry of /tags: openshift/release-controller, pkg/release-controller/types.go, APITag."""
    return {
        "name": version,
        "phase": phase,
        "pullSpec": f"{SIGNED}:{version}",
        "downloadURL": f"https://files.example.org/{version}",
        **more,
    }


def quay_tag(version: str, digest: str = A, **more: object) -> dict[str, object]:
    """An entry of listRepoTags: quay/quay, endpoints/api/tag.py, _tag_dict."""
    return {
        "name": version,
        "reversion": False,
        "start_ts": 1789000000,
        "manifest_digest": digest,
        "is_manifest_list": False,
        "size": None,
        "last_modified": "Thu, 10 Sep 2026 00:26:40 -0000",
        **more,
    }


def quay_page(*tags: object, page: int = 1, more: object = False) -> dict[str, object]:
    """A page of them: the same file, ListRepositoryTags.get."""
    return {"tags": list(tags), "page": page, "has_additional": more}


def release(version: str, digest: str = A, **more: object) -> dict[str, object]:
    """An entry of "List releases": docs.github.com/en/rest/releases. The notes as `oc adm release info`
    prints them.
    """
    notes = f"Name:           {version}\r\nDigest:         {digest}\r\nPull From:      {MIRROR}@{digest}\r\n"
    page = f"https://github.com/okd-project/okd/releases/tag/{version}"
    return {
        "tag_name": version,
        "name": version,
        "draft": False,
        "prerelease": ".ec." in version,
        "published_at": "2026-09-11T12:00:00Z",
        "html_url": page,
        "body": notes,
        "assets": [],
        **more,
    }


def nodes(**payloads: str) -> dict[str, object]:
    """A graph of a release controller: cmd/release-controller-api/http_upgrade_graph.go, ReleaseGraph."""
    return {
        "nodes": [{"version": version, "payload": payload} for version, payload in payloads.items()],
        "edges": [],
    }


@pytest.fixture
def http(tmp_path: Path) -> Http:
    return Http(tmp_path / "cache", retries=1, backoff=0, longest_wait=1, timeout=60)


class Redirected(Http):
    """Asks the server on loopback what it is to ask the public addresses."""

    def __init__(self, server: HTTPServer, cache: Path) -> None:
        super().__init__(cache, retries=1, backoff=0, longest_wait=1, timeout=60)
        self.server = base(server)

    def get(self, url: str) -> bytes:
        for public in ("https://quay.io", "https://api.github.com"):
            url = url.replace(public, self.server)
        return super().get(url)


class Told(Http):
    """Answers from a map of addresses."""

    def __init__(self, answers: Mapping[str, object]) -> None:
        self.answers = answers

    def get(self, url: str) -> bytes:
        return json.dumps(self.answers[url]).encode()


@pytest.fixture
def redirected(httpserver: HTTPServer, tmp_path: Path) -> Redirected:
    return Redirected(httpserver, tmp_path / "cache")


def base(server: HTTPServer) -> str:
    return server.url_for("").rstrip("/")


def asked(server: HTTPServer) -> list[str]:
    return [request.full_path for request, _ in server.log]


def codes(answer: Answer) -> list[str]:
    assert {finding.name for finding in answer.findings} <= {
        *(name for name, explanation in explanations().items() if explanation.area == "release"),
        "floating-release",
        "invalid-value",
        "unknown-key",
        "unreadable-file",
        "missing-value",
    }
    for finding in answer.findings:
        assert "null" not in as_text(finding)
        assert "None" not in as_text(finding)
        assert finding.location.file
    return [finding.name for finding in answer.findings]


def stream(server: HTTPServer, http: Http, body: object) -> Answer:
    server.expect_request(TAGS).respond_with_json(body)
    return release_controller.releases(http, base(server), STREAM)


def mirror(server: HTTPServer, http: Http) -> Answer:
    return quay.releases(Redirected(server, http._cache), MIRROR, max_pages=4)


def notes(server: HTTPServer, http: Http) -> Answer:
    return github.releases(Redirected(server, http._cache), "okd-project/okd", max_pages=3)


def test_a_stream_is_one_call_and_keeps_every_phase(httpserver: HTTPServer, http: Http) -> None:
    body = {
        "name": STREAM,
        "tags": [
            rc_tag("4.22.0-okd-scos.8"),
            rc_tag("4.22.0-okd-scos.7", "Rejected"),
            rc_tag("4.22.0-okd-scos.6", "Pending"),
        ],
    }
    answer = stream(httpserver, http, body)
    assert [(one.version.text, one.phase, one.image) for one in answer.releases] == [
        ("4.22.0-okd-scos.8", "Accepted", ""),
        ("4.22.0-okd-scos.7", "Rejected", ""),
        ("4.22.0-okd-scos.6", "Pending", ""),
    ]
    assert answer.complete
    assert answer.findings == ()
    assert len(httpserver.log) == 1
    assert answer.releases[0].url == f"{base(httpserver)}/releasestream/{STREAM}/release/4.22.0-okd-scos.8"


def test_dated_builds_say_when_they_were_made(httpserver: HTTPServer, http: Http) -> None:
    (one,) = stream(
        httpserver, http, {"name": STREAM, "tags": [rc_tag("4.15.0-0.okd-scos-2024-01-18-223523")]}
    ).releases
    assert one.published is not None
    assert one.published.isoformat() == "2024-01-18T22:35:23+00:00"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (None, ["no-releases"]),
        ([], ["no-releases"]),
        ([rc_tag("4.22.0-okd-scos.8", phase="")], ["phase-missing"]),
        ([{"name": "4.22.0-okd-scos.8"}], ["phase-missing"]),
        ([rc_tag("4.22.0-okd-scos.8") | {"phase": None, "pullSpec": None}], ["phase-missing"]),
        ([{"name": None, "phase": "Accepted"}, None, 3, []], ["incomplete-entries"]),
        (
            [rc_tag("4.19.0-scos.0"), rc_tag("null"), rc_tag("4.22"), rc_tag("latest")],
            ["foreign-version-names"],
        ),
        ([rc_tag("4.22.0-okd-scos.8\ud800")], ["foreign-version-names"]),
    ],
)
def test_odd_tags_are_findings(httpserver: HTTPServer, http: Http, tags: object, expected: list[str]) -> None:
    answer = stream(httpserver, http, {"name": STREAM, "tags": tags})
    assert codes(answer) == expected
    published, _ = cross_check([answer])
    assert not any(item.accepted for item in published)
    assert answer.complete


def test_many_wrong_names_are_one_finding(httpserver: HTTPServer, http: Http) -> None:
    answer = stream(
        httpserver, http, {"name": STREAM, "tags": [rc_tag(f"4.19.0-scos.{number}") for number in range(40)]}
    )
    (finding,) = answer.findings
    assert finding.name == "foreign-version-names"
    assert finding.reason == "not versions of OKD: 4.19.0-scos.0, 4.19.0-scos.1, 4.19.0-scos.10, … (40)"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        3,
        {},
        {"name": STREAM},
        {"name": STREAM, "tags": {}},
        {"name": STREAM, "tags": "x"},
        {"name": "4-scos-next", "tags": []},
        {"tags": []},
    ],
)
def test_an_answer_of_another_form(httpserver: HTTPServer, http: Http, body: object) -> None:
    answer = stream(httpserver, http, body)
    assert codes(answer) == ["malformed-answer"]
    assert not answer.complete


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b'{"name": "4-scos', b"\xff\xfe", b"[" * 100_000, b"1" * 5000]
)
def test_an_answer_that_is_not_json(httpserver: HTTPServer, http: Http, data: bytes) -> None:
    httpserver.expect_request(TAGS).respond_with_data(data)
    httpserver.expect_request(QUAY).respond_with_data(data)
    httpserver.expect_request(GITHUB).respond_with_data(data)
    for answer in (
        release_controller.releases(http, base(httpserver), STREAM),
        mirror(httpserver, http),
        notes(httpserver, http),
    ):
        assert codes(answer) == ["unreadable-answer"]
        assert not answer.complete


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_a_refusal_is_a_finding_and_not_nothing(httpserver: HTTPServer, http: Http, status: int) -> None:
    for path in (TAGS, QUAY, GITHUB):
        httpserver.expect_request(path).respond_with_data("Unable to find release", status=status)
    for answer in (
        release_controller.releases(http, base(httpserver), STREAM),
        mirror(httpserver, http),
        notes(httpserver, http),
    ):
        assert codes(answer) == ["source-away"]
        assert not answer.complete
        assert str(status) in answer.findings[0].reason
        assert answer.findings[0].remedy


def test_too_many_requests_is_asked_again_after_the_wait(
    httpserver: HTTPServer, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    httpserver.expect_oneshot_request(TAGS).respond_with_data("", status=429, headers={"Retry-After": "1"})
    answer = stream(httpserver, http, {"name": STREAM, "tags": [rc_tag("4.22.0-okd-scos.8")]})
    assert waits == [1]
    assert [one.version.text for one in answer.releases] == ["4.22.0-okd-scos.8"]
    assert len(httpserver.log) == 2


def test_too_many_requests_all_the_time(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request(GITHUB).respond_with_data("", status=429, headers={"Retry-After": "0"})
    answer = notes(httpserver, Http(tmp_path, retries=1, backoff=0))
    assert codes(answer) == ["source-away"]
    assert "429" in answer.findings[0].reason


def test_a_source_that_nobody_answers_for(http: Http) -> None:
    answer = release_controller.releases(http, "http://127.0.0.1:1", STREAM)
    assert codes(answer) == ["source-away"]
    assert answer.findings[0].location.file == f"http://127.0.0.1:1{TAGS}"


def test_quay_is_read_to_its_last_page(httpserver: HTTPServer, http: Http) -> None:
    for number in range(1, 4):
        page = quay_page(quay_tag(f"4.22.0-okd-scos.{number}"), page=number, more=number < 3)
        httpserver.expect_request(
            QUAY, query_string={"onlyActiveTags": "true", "limit": "100", "page": str(number)}
        ).respond_with_json(page)
    answer = mirror(httpserver, http)
    assert [one.version.number for one in answer.releases] == [1, 2, 3]
    assert {one.image for one in answer.releases} == {f"{MIRROR}@{A}"}
    assert answer.releases[0].published is not None
    assert answer.releases[0].published.isoformat() == "2026-09-10T00:26:40+00:00"
    assert answer.complete
    assert answer.findings == ()
    assert len(httpserver.log) == 3


def test_quay_with_endless_pages_is_given_up(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request(QUAY).respond_with_json(quay_page(quay_tag("4.22.0-okd-scos.1"), more=True))
    answer = mirror(httpserver, http)
    assert codes(answer) == ["too-many-pages"]
    assert len(httpserver.log) == 4
    httpserver.clear()
    httpserver.expect_request(QUAY).respond_with_json(quay_page(more=True))
    assert codes(mirror(httpserver, http)) == ["too-many-pages"]
    assert len(httpserver.log) == 1


def test_a_page_that_fails_leaves_the_answer_incomplete(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request(QUAY, query_string="onlyActiveTags=true&limit=100&page=1").respond_with_json(
        quay_page(quay_tag("4.22.0-okd-scos.1"), more=True)
    )
    httpserver.expect_request(QUAY).respond_with_data("", status=502)
    answer = mirror(httpserver, http)
    assert codes(answer) == ["source-away"]
    assert len(answer.releases) == 1
    assert not answer.complete


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (quay_page(), ["no-releases"]),
        ({"tags": None, "page": 1, "has_additional": False}, ["no-releases"]),
        ({"tags": [quay_tag("4.22.0-okd-scos.1")], "page": 1}, ["malformed-answer"]),
        ({"page": 1, "has_additional": False}, ["malformed-answer"]),
        (quay_page(quay_tag("4.22.0-okd-scos.1", "sha256:abc")), ["incomplete-entries"]),
        (quay_page(quay_tag("4.22.0-okd-scos.1") | {"manifest_digest": None}), ["incomplete-entries"]),
        (
            quay_page(quay_tag("latest"), quay_tag("4.19"), None),
            ["foreign-version-names", "incomplete-entries"],
        ),
        (quay_page(quay_tag("4.22.0-okd-scos.1", start_ts=10**30)), []),
        (quay_page(quay_tag("4.22.0-okd-scos.1", start_ts=True)), []),
    ],
)
def test_odd_answers_of_quay(httpserver: HTTPServer, http: Http, page: object, expected: list[str]) -> None:
    httpserver.expect_request(QUAY).respond_with_json(page)
    answer = mirror(httpserver, http)
    assert codes(answer) == expected
    assert all(one.published is None for one in answer.releases if not expected)


def test_github_is_read_to_its_last_page(httpserver: HTTPServer, http: Http) -> None:
    pages = {
        1: [release(f"4.22.0-okd-scos.{number}") for number in range(100)],
        2: [release("4.21.0-okd-scos.0"), release("5.0.0-okd-scos.ec.1")],
    }
    for number, body in pages.items():
        httpserver.expect_request(
            GITHUB, query_string={"per_page": "100", "page": str(number)}
        ).respond_with_json(body)
    answer = notes(httpserver, http)
    assert len(answer.releases) == 102
    assert answer.findings == ()
    assert {one.version.text for one in answer.releases if one.prerelease} == {"5.0.0-okd-scos.ec.1"}
    assert answer.releases[0].image == f"{MIRROR}@{A}"
    assert answer.releases[0].published is not None
    assert answer.releases[0].published.isoformat() == "2026-09-11T12:00:00+00:00"
    assert answer.releases[0].url.endswith("/okd/releases/tag/4.22.0-okd-scos.0")


def test_github_with_full_pages_without_end(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request(GITHUB).respond_with_json([release("4.22.0-okd-scos.1")] * 100)
    answer = notes(httpserver, http)
    assert codes(answer) == ["too-many-pages"]
    assert not answer.complete
    assert len(httpserver.log) == 3


def test_github_gives_the_beginning_of_the_notes(httpserver: HTTPServer, http: Http) -> None:
    long_notes = "## What is new\n" + "x" * 1_048_576
    httpserver.expect_request(GITHUB).respond_with_json([release("4.22.0-okd-scos.1", body=long_notes)])
    (claim,) = notes(httpserver, http).releases
    assert claim.notes == long_notes[:4_000]


@pytest.mark.parametrize(
    ("entries", "expected", "count"),
    [
        ([], ["no-releases"], 0),
        ([release("4.22.0-okd-scos.1", draft=True)], ["no-releases"], 0),
        ({"message": "API rate limit exceeded"}, ["malformed-answer"], 0),
        ([release("v4.22"), release("4.19.0-scos.0")], ["foreign-version-names"], 0),
        ([release("4.22.0-okd-scos.1") | {"tag_name": None}, None, 7], ["incomplete-entries"], 0),
        ([release("4.22.0-okd-scos.1", body=None, published_at=None, html_url=None)], [], 1),
        ([release("4.22.0-okd-scos.1", published_at="2026-09-11T12:00:00")], [], 1),
        ([release("4.22.0-okd-scos.1", body=f"Pull From: {MIRROR}:4.22.0-okd-scos.1")], [], 1),
        ([release("4.22.0-okd-scos.1", body=f"Pull From: `{MIRROR}@{A}`\nPull From: {MIRROR}@{B}")], [], 2),
    ],
)
def test_odd_answers_of_github(
    httpserver: HTTPServer, http: Http, entries: object, expected: list[str], count: int
) -> None:
    httpserver.expect_request(GITHUB).respond_with_json(entries)
    answer = notes(httpserver, http)
    assert codes(answer) == expected
    assert len(answer.releases) == count


def test_a_release_without_its_flag_is_a_preview(httpserver: HTTPServer, http: Http) -> None:
    entry = release("4.22.0-okd-scos.1")
    del entry["prerelease"]
    httpserver.expect_request(GITHUB).respond_with_json([entry])
    (one,) = notes(httpserver, http).releases
    assert one.prerelease is True


def test_graph_by_address_and_file(httpserver: HTTPServer, http: Http, tmp_path: Path) -> None:
    body = json.dumps(nodes(**{"4.22.0-okd-scos.8": f"{SIGNED}@{A}"}))
    httpserver.expect_request("/graph", query_string={"channel": "stable-scos-4"}).respond_with_data(body)
    (tmp_path / "graph.json").write_text(body)
    by_address = graph.fetch(http, httpserver.url_for("/graph"), root=tmp_path, channel="stable-scos-4")
    assert by_address == graph.fetch(http, "graph.json", root=tmp_path) == body.encode()
    with pytest.raises(FindingsError) as caught:
        graph.fetch(http, httpserver.url_for("/other"), root=tmp_path)
    assert [finding.name for finding in caught.value.findings] == ["source-away"]
    with pytest.raises(FindingsError) as caught:
        graph.fetch(http, "absent.json", root=tmp_path)
    assert [finding.name for finding in caught.value.findings] == ["unreadable-file"]


GOOD_FILE = f"""
releases:
  - version: 4.22.0-okd-scos.8
    images: ["{SIGNED}@{A}", "{MIRROR}@{B}"]
    stream: 4-scos-stable
    published: 2026-09-11
  - version: 4.22.0-okd-scos.7
    published: 2026-09-01T10:00:00+02:00
    withdrawn: broken edges
"""


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_file(tmp_path: Path, form: str) -> None:
    import yaml

    text = GOOD_FILE if form == "yaml" else json.dumps(yaml.safe_load(GOOD_FILE), default=str)
    (tmp_path / "releases").write_text(text.replace(" 10:00:00+02:00", "T10:00:00+02:00"))
    answer = file.releases(tmp_path, "releases")
    assert answer.findings == ()
    published, findings = cross_check([answer])
    assert findings == []
    assert [
        (item.version.number, item.accepted, item.signed[-64:], item.mirror[-64:]) for item in published
    ] == [
        (7, False, "", ""),
        (8, True, "a" * 64, "b" * 64),
    ]
    assert published[0].withdrawn == "broken edges"
    assert [item.published.date().isoformat() for item in published if item.published] == [
        "2026-09-01",
        "2026-09-11",
    ]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("releases:\n  - version: 4.19.0-scos.0\n", "invalid-value", 2),
        (
            "releases:\n  - version: 4.22.0-okd-scos.8\n    images: [quay.io/okd/scos-release:4.22]\n",
            "floating-release",
            3,
        ),
        ("releases:\n  - version: 4.22.0-okd-scos.8\n    published: yesterday\n", "invalid-value", 3),
        ("releases:\n  - version: 4.22.0-okd-scos.8\n    imagse: []\n", "unknown-key", 3),
        ("releases: null\n", "missing-value", 1),
        ("{}\n", "missing-value", 1),
        ("releases: []\n", "no-releases", 0),
    ],
)
def test_wrong_file(tmp_path: Path, text: str, code: str, line: int) -> None:
    (tmp_path / "releases.yaml").write_text(text)
    answer = file.releases(tmp_path, "releases.yaml")
    assert [(finding.name, finding.location.line) for finding in answer.findings] == [(code, line)]
    assert answer.complete == (code == "no-releases")


def test_absent_file(tmp_path: Path) -> None:
    assert codes(file.releases(tmp_path, "releases.yaml")) == ["unreadable-file"]


def fleet(server: HTTPServer) -> Sources:
    return Sources(
        release_controller=base(server),
        streams=(STREAM,),
        graph=server.url_for("/graph"),
        channel="stable-scos-4",
        quay=MIRROR,
        github="okd-project/okd",
    )


def serve(server: HTTPServer, *, quay_digest: str = B, body_digest: str = B, flag: bool = False) -> None:
    server.expect_request(TAGS).respond_with_json({"name": STREAM, "tags": [rc_tag("4.22.0-okd-scos.8")]})
    server.expect_request("/graph").respond_with_json(nodes(**{"4.22.0-okd-scos.8": f"{SIGNED}@{A}"}))
    server.expect_request(QUAY).respond_with_json(quay_page(quay_tag("4.22.0-okd-scos.8", quay_digest)))
    server.expect_request(GITHUB).respond_with_json(
        [release("4.22.0-okd-scos.8", body_digest, prerelease=flag)]
    )


def test_all_sources_agree(httpserver: HTTPServer, redirected: Redirected, tmp_path: Path) -> None:
    serve(httpserver)
    answers, read = collect(redirected, fleet(httpserver), tmp_path)
    (item,), findings = cross_check(answers)
    assert findings == []
    assert read is not None
    assert item.accepted
    assert (item.signed, item.mirror) == (f"{SIGNED}@{A}", f"{MIRROR}@{B}")
    assert item.sources == ("github", "graph", "quay", "release-controller")
    assert len(httpserver.log) == 4


def test_a_mirror_with_another_digest_is_a_finding(
    httpserver: HTTPServer, redirected: Redirected, tmp_path: Path
) -> None:
    serve(httpserver, quay_digest=C)
    (item,), (finding,) = cross_check(collect(redirected, fleet(httpserver), tmp_path)[0])
    assert finding.name == "two-digests"
    assert finding.reason == f"4.22.0-okd-scos.8 has 2 digests at {MIRROR}: {B} (github); {C} (quay)"
    assert (item.signed, item.mirror) == (f"{SIGNED}@{A}", "")


def test_the_real_addresses_are_asked(tmp_path: Path) -> None:
    http = Told(
        {
            f"https://quay.io{QUAY}?onlyActiveTags=true&limit=100&page=1": quay_page(
                quay_tag("4.22.0-okd-scos.8")
            ),
            f"https://api.github.com{GITHUB}?per_page=100&page=1": [release("4.22.0-okd-scos.8")],
        }
    )
    answers, _ = collect(http, Sources(quay=MIRROR, github="okd-project/okd"), tmp_path)
    (item,), findings = cross_check(answers)
    assert findings == []
    assert (item.mirror, item.accepted) == (f"{MIRROR}@{A}", False)


def test_the_sources_of_a_fleet() -> None:
    told = Releases.model_validate(
        {
            "controller": "https://rc.example.org/",
            "quay": MIRROR,
            "github": "okd-project/okd",
            "channel": "stable-scos-4",
        }
    )
    sources = of_fleet(told, "https://rc.example.org/graph", ["5-scos-stable", STREAM, STREAM])
    assert sources == Sources(
        release_controller="https://rc.example.org",
        streams=(STREAM, "5-scos-stable"),
        graph="https://rc.example.org/graph",
        channel="stable-scos-4",
        quay=MIRROR,
        github="okd-project/okd",
    )
    least = Releases.model_validate(
        {"controller": "https://rc.example.org", "graph": "https://graph.example.org/api"}
    )
    assert of_fleet(least, "https://rc.example.org/graph", []) == Sources(
        release_controller="https://rc.example.org", graph="https://graph.example.org/api"
    )


def test_only_named_sources_are_asked(http: Http, tmp_path: Path) -> None:
    assert collect(http, Sources(), tmp_path) == ([], None)


def test_an_answer_that_is_not_a_graph_is_refused(httpserver: HTTPServer, http: Http, tmp_path: Path) -> None:
    httpserver.expect_request("/graph").respond_with_json(
        {"kind": "invalid_params", "value": "mandatory client parameters missing"}
    )
    (answer,), read = collect(http, Sources(graph=httpserver.url_for("/graph")), tmp_path)
    assert [finding.name for finding in answer.findings] == ["malformed-answer"]
    assert (read, answer.complete) == (None, False)


@settings(max_examples=60)
@given(body=st.dictionaries(st.sampled_from(["name", "tags", "has_additional", "page"]), ANY) | ANY)
def test_any_json_is_an_answer_or_a_finding(body: object) -> None:
    http = Told(
        {
            f"https://a.example.org{TAGS}": body,
            f"https://quay.io{QUAY}?onlyActiveTags=true&limit=100&page=1": body,
            f"https://api.github.com{GITHUB}?per_page=100&page=1": body,
        }
    )
    answers = [
        release_controller.releases(http, "https://a.example.org", STREAM),
        quay.releases(http, MIRROR),
        github.releases(http, "okd-project/okd"),
    ]
    assert all(answer.findings for answer in answers)
    assert not any(answer.releases for answer in answers)
