"""The page for browsers: what it shows of a fleet and of a change, and that foreign text stays text."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import standing_fleet as standing
from okd_gitops.check.diff import ObjectChange
from okd_gitops.evidence.records import Records
from okd_gitops.finding import Finding, Location, Severity
from okd_gitops.manifests.changed_fields import FieldChange
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.releases.record import RecordedEdge, ReleaseRecord
from okd_gitops.report.clusters import ClusterRow
from okd_gitops.report.fleet_status import FleetStatus, fleet_status
from okd_gitops.report.page.fleet_table import Life, fleet_rows, shown_verdict, status_sentence
from okd_gitops.report.page.graph_picture import graph_picture
from okd_gitops.report.page.outcomes import outcomes
from okd_gitops.report.page.page import PageContent, page
from okd_gitops.report.page.paths import path_rows
from okd_gitops.report.page.stream_tables import stream_tables
from okd_gitops.report.page.wave_picture import wave_picture
from okd_gitops.report.pull_request_text import PullRequest
from okd_gitops.report.verdict import Attention
from okd_gitops.system.disk import write_whole
from okd_gitops.upgrade.refusals import Decision, Verdict
from standing_fleet import NEW, NOW, OLD, evidence, records, release_record, state, write_fleet

_VOID = {"meta", "br"}
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> [x](javascript:alert(3)) \u202eabc `<b>` &lt;i&gt;"
)


class _Elements(HTMLParser):
    """Collects the elements of a page with their attributes, and what is not closed as it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def elements(text: str) -> _Elements:
    """Read a page as a browser reads it."""
    parser = _Elements()
    parser.feed(text)
    parser.close()

    return parser


def status_of(root: Path, known: Records | None = None, **files: str) -> FleetStatus:
    """Return the status of the fleet."""
    return fleet_status(write_fleet(root, **files), known or records(), (), NOW)


def risky(name: str, message: str) -> ReleaseRecord:
    """Return the record of NEW, which OLD reaches by an edge with a risk."""
    risk = {"name": name, "message": message, "url": "javascript:alert(4)", "rules": ["Always"]}
    edge = RecordedEdge.model_validate({"from": OLD, "risks": [risk]})

    return release_record(NEW).model_copy(update={"edges": (edge,)})


def change(verb: str, *overlays: str, kind: str = "ConfigMap", name: str = "settings") -> ObjectChange:
    """Return a change of an object."""
    fields = (FieldChange(("data", "size"), "1", "2"),) if verb == "changed" else ()

    return ObjectChange(
        object=ObjectId("", "v1", kind, "apps", name), verb=verb, diff="", overlays=overlays, fields=fields
    )


def pull(*rows: ClusterRow, **more: Any) -> PullRequest:
    """Return a change."""
    return PullRequest(attention=more.pop("attention", Attention.ROUTINE), rows=rows, now=NOW, **more)


def row(name: str, **more: Any) -> ClusterRow:
    """Return a cluster that a change concerns."""
    return ClusterRow(name=name, **{"purpose": "cd", "wave": 3, "old": OLD, "new": NEW, **more})


def _hostile_content(root: Path) -> PageContent:
    failed = evidence("canary").model_copy(update={"passed": False, "reason": HOSTILE})
    refused = {"version": NEW, "reason": "Failed", "message": HOSTILE, "since": NOW}
    known = records(
        releases=(release_record(OLD), risky("Slow<b>Disks", HOSTILE)),
        evidence=(failed,),
        clusters=(state("canary", NEW, refused=refused), state("prod", OLD)),
    )
    finding = Finding(
        name="no-schema",
        location=Location(file=f"a/{HOSTILE}"),
        reason=HOSTILE,
        remedy=HOSTILE,
        clusters=("prod",),
    )
    changed = pull(
        row("prod", refused=True),
        changes=(change("changed", "overlays/prod", name=HOSTILE),),
        refusals=(finding,),
        reasons=(HOSTILE,),
        facts=(HOSTILE,),
    )

    return PageContent(
        status=replace(status_of(root, known), branches=(HOSTILE,)),
        now=NOW,
        findings=(finding,),
        lives={"prod": Life(12, None)},
        pull=changed,
    )


def test_foreign_text_is_text_wherever_it_stands(tmp_path: Path) -> None:
    text = page(_hostile_content(tmp_path))
    read = elements(text)

    assert text.count("alert(1)") >= 8
    assert {tag for tag, _ in read.found} & {"script", "img", "iframe", "object", "form", "b", "i"} == set()
    attributes = [(name, value) for _, given in read.found for name, value in given.items()]
    assert [name for name, _ in attributes if name.startswith("on") or name == "src"] == []
    assert {value for name, value in attributes if name == "href" and not str(value).startswith("#")} == set()
    assert "\u202e" not in text


def test_a_page_is_whole_and_requests_nothing(tmp_path: Path) -> None:
    read = elements(text := page(_hostile_content(tmp_path)))

    assert (read.open, read.faults) == ([], [])
    assert "default-src 'none'" in text
    assert re.findall(r"url\((?!#)|@import|<link", text) == []
    names = [given["id"] for _, given in read.found if "id" in given]
    targets = {str(given["href"])[1:] for tag, given in read.found if tag == "a"}
    assert len(names) == len(set(names))
    assert targets <= set(names)


def test_links_of_our_own_text_are_https_alone(tmp_path: Path) -> None:
    links = "see [there](<https://example.org/a>) and [here](<javascript:alert(1)>)"
    found = elements(page(PageContent(status=None, now=NOW, pull=pull(row("prod", how=links)))))

    hrefs = [str(given["href"]) for tag, given in found.found if tag == "a"]
    assert [href for href in hrefs if not href.startswith("#")] == ["https://example.org/a"]


def test_the_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    assert page(_hostile_content(tmp_path)) == page(_hostile_content(tmp_path))


def test_each_cluster_has_a_row_with_its_age_and_what_comes_next(tmp_path: Path) -> None:
    status = status_of(tmp_path)
    rows = {row.status.name: row for row in fleet_rows(status, {"prod": Life(40, None)})}

    assert rows.keys() == standing.FILES.keys()
    assert (rows["prod"].age, rows["prod"].channel, rows["prod"].target) == ("40 d", "stable-scos-4", NEW)
    assert (rows["old"].end, rows["canary"].evidence) == ("2026-11-20 (over)", "passed 2026-11-21")
    assert rows["laptop"].channel == "—"
    assert status_sentence(status).startswith("6 clusters: ")


def test_nothing_is_done_that_no_report_shows_or_that_the_change_refuses(tmp_path: Path) -> None:
    status = status_of(tmp_path, records(evidence=()))
    (cluster,) = [each for each in status.clusters if each.name == "canary"]
    done = replace(cluster, decision=Decision(Verdict.DONE, "x", "y"), evidence=None)
    reports = evidence("canary"), evidence("canary", passed=False)
    passed, failed = (replace(done, evidence=report) for report in reports)
    two = replace(status, clusters=(done, done))

    assert shown_verdict(done) == ("told to run it, no report yet", "wait")
    assert shown_verdict(passed) == ("done", "done")
    assert shown_verdict(failed) == ("ran it, and failed", "refuse")
    assert shown_verdict(passed, {"canary"}) == ("refused", "refuse")
    assert status_sentence(two) == "2 clusters: 2 told to run it, no report yet."
    assert [row.tone for row in fleet_rows(two, {}, {"canary"})] == ["refuse", "refuse"]


def test_a_reason_that_several_clusters_share_stands_once(tmp_path: Path) -> None:
    twin = standing.okd("still", "cd")
    rows = {row.status.name: row for row in fleet_rows(status_of(tmp_path, still=twin), {})}

    assert (rows["prod"].same_as, rows["still"].same_as) == ("", "prod")


@pytest.mark.parametrize(
    ("hours", "words", "soaked"),
    [(36, "soaks until 2026-11-23 00:00 UTC (50 %)", 50), (80, "soaked since 2026-11-21 04:00 UTC", 100)],
)
def test_the_soak_of_a_wave_is_drawn_as_far_as_it_is(
    hours: int, words: str, soaked: int, tmp_path: Path
) -> None:
    status = status_of(tmp_path, records(evidence=(evidence("canary", hours=hours),)))
    waves = {(stream.name, wave.number): wave for stream in wave_picture(status) for wave in stream.waves}
    first = waves["4-scos-stable", 1]

    assert (first.release, first.soaked) == (NEW, soaked)
    assert words in first.words
    assert [chip.name for chip in first.chips] == ["canary"]
    # Nobody reported there: no bar may say otherwise.
    assert waves["4-scos-stable", 3].soaked is None


def test_a_wave_in_which_the_release_failed_does_not_soak(tmp_path: Path) -> None:
    status = status_of(tmp_path, records(evidence=(evidence("canary", passed=False, hours=99),)))
    waves = [wave for stream in wave_picture(status) for wave in stream.waves if wave.release == NEW]

    assert [(wave.soaked, "failed on canary" in wave.words) for wave in waves] == [(None, True)]


def test_the_graph_has_the_way_of_the_fleet_and_names_risks(tmp_path: Path) -> None:
    free = graph_picture(status_of(tmp_path / "free"))
    known = records(releases=(release_record(OLD), risky("SlowDisks", "slow")))
    status = status_of(tmp_path / "risky", known)
    conditional = graph_picture(status)

    assert free is not None
    assert [(dot.version, dot.clusters) for dot in free.dots] == [(NEW, "canary"), (OLD, "old, prod")]
    assert [arc.kind for arc in free.arcs] == ["path"]
    assert conditional is not None
    assert [arc.kind for arc in conditional.arcs] == ["refused"]
    assert "SlowDisks" in conditional.arcs[0].title
    named = [named for row in path_rows(status) for named in row.named]
    assert [(item.kind, "SlowDisks" in item.message) for item in named] == [("refused edge", True)]


def test_a_graph_of_many_releases_is_cut_and_keeps_those_that_clusters_run(tmp_path: Path) -> None:
    many = [f"4.22.0-okd-scos.{number}" for number in range(10, 60)]
    later = [release_record(NEW, OLD).model_copy(update={"version": version}) for version in many]
    accepts = standing.okd("prod", "cd")
    known = records(releases=(release_record(OLD), release_record(NEW, OLD), *later))
    picture = graph_picture(status_of(tmp_path, known, prod=accepts))

    assert picture is not None
    shown = {dot.version for dot in picture.dots}
    assert {OLD, NEW} <= shown
    assert len(shown) <= 24
    assert all(arc.form.startswith("M") for arc in picture.arcs)


def test_without_records_the_page_says_what_is_missing(tmp_path: Path) -> None:
    text = page(PageContent(status=status_of(tmp_path, Records()), now=NOW))

    assert "No update graph is known here" in text
    assert "there are no records" in text


def test_a_stream_tells_what_was_released_tested_and_withdrawn(tmp_path: Path) -> None:
    withdrawn = release_record(NEW, OLD).model_copy(update={"withdrawn": "it loses data"})
    known = records(
        releases=(release_record(OLD), withdrawn),
        evidence=(evidence("canary"), evidence("prod", passed=False)),
    )
    (table,) = stream_tables(status_of(tmp_path, known))

    assert (table.name, table.followers, table.is_own) == ("4-scos-stable", 3, False)
    newest = table.rows[0]
    assert (newest.version, newest.phase, newest.tone) == (NEW, "withdrawn: it loses data", "refuse")
    assert (newest.passed, newest.failed, newest.runs) == ("canary", "prod", "canary")
    assert newest.published == f"{NOW - timedelta(days=9):%Y-%m-%d}, 9 d 0 h ago"


def test_what_happens_to_a_cluster_is_said_in_words() -> None:
    (only,) = outcomes(
        pull(row("moc-cd", how="patch, direct"), changes=(change("changed", "overlays/moc-cd"),))
    )

    assert only.clusters == ("moc-cd",)
    assert only.headline == f"from `{OLD}` to `{NEW}`"
    assert only.sentences[0] == "patch, direct"
    assert "restarts" in only.sentences[1]
    assert only.sentences[2] == "ConfigMap `settings` changes its data: `1` → `2`"


def test_clusters_with_one_fate_stand_together_and_refused_ones_first() -> None:
    refusal = Finding(
        name="downgrade", location=Location(file="clusters/b.yaml"), reason="b: it is lower", clusters=("b",)
    )
    found = outcomes(
        pull(
            row("a"),
            row("b", refused=True),
            row("c"),
            refusals=(refusal,),
            changes=(change("added", "argocd"), change("removed", "overlays/d")),
        )
    )

    assert [outcome.clusters for outcome in found] == [("b",), ("a", "c"), ("d",), ("argocd",)]
    assert found[0].refused == ("it is lower",)
    assert "removed" in found[2].sentences[0]


def test_of_many_clusters_with_one_fate_the_long_term_ones_are_named_first() -> None:
    many = [row(f"edge-{number:02}", purpose="test", wave=1) for number in range(20)]
    (only,) = outcomes(pull(*many, row("moc-cd"), row("moc-hub", purpose="hub", wave=2)))

    assert only.clusters[:3] == ("moc-hub", "moc-cd", "edge-00")


def test_each_cell_of_the_fleet_names_its_head_for_narrow_screens(tmp_path: Path) -> None:
    read = elements(page(PageContent(status=status_of(tmp_path), now=NOW)))
    start = next(number for number, (tag, given) in enumerate(read.found) if given.get("class") == "fleet")
    rows = [number for number, (tag, _) in enumerate(read.found) if tag == "tr" and number > start]
    cells = [given.get("data-label") for tag, given in read.found[rows[1] : rows[2]] if tag == "td"]

    assert cells == ["Purpose", "Wave", "Version", "Channel", "Age", "Evidence", "Next", "End"]


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ({"old": "", "status": "added"}, f"joins the fleet, with `{NEW}`"),
        ({"new": "", "status": "removed"}, f"🔴 leaves the fleet, with `{OLD}`"),
        (
            {"new": OLD, "announced": True},
            f"🔴 announced to leave the fleet: the next change removes it; until then it stays at `{OLD}`",
        ),
        ({"old": "", "new": "", "status": "removed"}, "🔴 leaves the fleet"),
        ({"old": "", "new": "", "status": "added"}, "joins the fleet"),
        ({"new": OLD}, f"stays at `{OLD}`"),
        ({"another": "on another cluster"}, f"`{NEW}` 🔴 on another cluster"),
        ({"old": "", "new": ""}, "its file changes"),
    ],
)
def test_the_headline_says_what_kind_of_change_it_is(more: dict[str, str], headline: str) -> None:
    (only,) = outcomes(pull(row("moc-cd", **more)))

    assert only.headline == headline
    assert any("restarts" in text for text in only.sentences) == ("another" in more)


def test_what_the_change_does_stands_before_the_fleet(tmp_path: Path) -> None:
    changed = pull(row("prod"), attention=Attention.LOOK)
    text = page(PageContent(status=status_of(tmp_path), now=NOW, pull=changed))

    assert "<h1>What happens if this is merged</h1>" in text
    assert text.index('<span class="names">prod</span>') < text.index('id="fleet"')


def test_files_that_are_no_fleet_make_a_page_too() -> None:
    finding = Finding(
        name="no-schema", location=Location(file="fleet.yaml"), reason="no", severity=Severity.ERROR
    )
    unreadable = pull(attention=Attention.BLOCKED, is_readable=False, refusals=(finding,))
    text = page(PageContent(status=None, now=NOW, findings=(finding,), pull=unreadable))

    assert "cannot be read as a fleet" in text
    assert "1 error, 0 warnings" in text
    assert 'id="fleet"' not in text


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("before")

    with pytest.raises(OSError, match="nowhere"):
        write_whole(tmp_path / "nowhere" / "report.html", b"new")

    write_whole(file, b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert file.read_text() == "after"
