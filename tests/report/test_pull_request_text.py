"""The text of pull requests: golden files, sizes of forges, and texts from elsewhere that want to be more
than text.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

import pulls
from golden import PULLS
from okd_gitops.check.change.change import TrustEdit
from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import Finding, Location
from okd_gitops.manifests.changed_fields import FieldChange
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.redaction import printable
from okd_gitops.releases.barriers import Barrier
from okd_gitops.releases.graph import Risk
from okd_gitops.report.clusters import ClusterRow
from okd_gitops.report.markdown import code, prose
from okd_gitops.report.pull_request_text import LIMIT, MARKER, SMALLEST_LIMIT, PullRequest, body, title
from okd_gitops.report.risks import RiskEntry, forced_risk, risks_of_hop
from okd_gitops.report.verdict import Attention

HOSTILE = st.one_of(
    st.text(max_size=80),
    st.text(alphabet="`|\\<>[]()*_~#@!/:\n\r\u2028 ax1-+=.&$", max_size=80),
    st.sampled_from(
        [
            "<img src=x onerror=alert(1)>",
            "@everyone",
            "fixes #12",
            "/merge",
            "```\n</details>",
            "| a | b |",
            "http://evil.example",
            "\u202egnp",
            "::error file=x::y",
            "##[error]x ##vso[task.setvariable]y",
            "\x1b[31mred\x1b]8;;http://evil.example\x07link",
            "](http://evil.example) @team",
        ]
    ),
)


def parsed(text: str) -> list[Token]:
    """Return the tokens of a Markdown text with tables, inline ones included."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [inner for token in tokens for inner in [token, *(token.children or [])]]


def of(kind: str, tokens: list[Token]) -> list[Token]:
    return [token for token in tokens if token.type == kind]


NEW = "4.22.0-okd-scos.9"


def many(count: int, *, diff: str = "+a") -> PullRequest:
    """Return a pull request of `count` clusters, each with a difference of its own."""
    names = [f"edge-{number:04}" for number in range(count)]
    rows = tuple(pulls.row(name, NEW) for name in names)
    changes = tuple(pulls.change(f"{diff} {name}", name) for name in names)
    return replace(pulls.one(), rows=rows, changes=changes, notes="")


def conditional(name: str, message: str = "m", url: str = "") -> RiskEntry:
    """Return a risk that the graph names."""
    (hop,) = pulls.hops(NEW)
    (risk,) = risks_of_hop(hop, [Risk(name=name, url=url, message=message, rules=())])
    return risk


def test_golden_files_match_in_both_directions() -> None:
    kept = {path.name: path.read_text() for path in PULLS.iterdir()}
    made = pulls.golden()
    assert sorted(kept) == sorted(made)
    assert made == kept, "make golden writes them anew"


@pytest.mark.parametrize("make", [pulls.one, pulls.six, pulls.sixty])
def test_the_verdict_is_at_the_top_and_the_first_screen_is_short(make: Callable[[], PullRequest]) -> None:
    pull = make()
    first = body(pull).split("\n")
    assert first[0] == MARKER
    assert re.match(rf"## (🟢|🟡|🔴) {pull.attention}: `{pull.target}` on ", first[1])
    headings = [line for line in first if line.startswith("### ")]
    assert headings.index("### What changes") < headings.index("### Undo")
    # A minute is what a person has: what must be read is before the folded differences, and there are few
    # words of it.
    before = body(pull).partition("### Differences of objects")[0]
    assert len([line for line in before.split("\n") if line.startswith("- ")]) <= 10
    assert len(re.findall(r"^\| (?:🔴 )?`", before, re.MULTILINE)) == len(pull.rows) + len(pull.evidence)


@pytest.mark.parametrize(
    ("count", "limit"), [(1, LIMIT), (6, LIMIT), (60, LIMIT), (60, 12_000), (1000, LIMIT), (1000, 1_048_576)]
)
def test_sections_that_do_not_fit_are_left_out_and_counted(count: int, limit: int) -> None:
    text = body(many(count, diff="+" + "x" * 900), limit=limit)
    assert len(text.encode()) <= limit
    tokens = parsed(text)
    rows, fences = len(of("tr_open", tokens)) - 1, len(of("fence", tokens)) - 1
    for kept, what in ((rows, "clusters"), (fences, "differences")):
        note = re.search(rf"^(\d+) more {what} left out here", text, re.MULTILINE)
        assert kept + (int(note[1]) if note else 0) == count
    assert len(of("td_open", tokens)) == 7 * rows
    assert text.count("<details>") == text.count("</details>") == fences
    assert "OKD cannot be downgraded" in text
    assert text.rstrip().split("\n")[-2] == "---"


def test_sixty_clusters_fit_with_every_row() -> None:
    text = body(pulls.sixty())
    assert len(text.encode()) <= 65_536
    assert len(set(re.findall(r"^\| (?:🔴 )?`(edge-\d\d)` \|", text, re.MULTILINE))) == 60
    assert "more clusters left out" not in text
    assert re.search(r"^\d+ more differences left out here", text, re.MULTILINE)


def test_identical_risks_are_one_entry_and_forced_comes_first_and_red() -> None:
    risks = (("b", conditional("A")), ("a", conditional("A")), ("z", forced_risk()))
    text = body(replace(pulls.one(), risks=risks))

    lines = [line for line in text.split("\n") if "**FORCED**" in line or "**conditional**" in line]
    forced = "The cluster takes the release past its signature and every precondition."
    assert lines == [f"- 🔴 **FORCED** `force` on `z`: {forced}", "- **conditional** `A` on `a`, `b`: m"]
    assert "### Risks: 1 forced, 1 conditional" in text
    assert "No risk is known" not in text


def test_no_risk_is_known_only_if_every_source_answered() -> None:
    assert "No risk is known" in body(pulls.one())

    text = body(replace(pulls.one(), sources_away=("https://api.github.com/x",)))
    assert "No risk is known" not in text
    assert "**Unknown risks:** `https://api.github.com/x` did not answer" in text


def test_a_flood_of_risks_leaves_room_for_the_clusters() -> None:
    flood = tuple(("moc-test", conditional(f"R{n}", "m" * 5000)) for n in range(500))
    rows = (pulls.row("moc-test", NEW), pulls.row("moc-forced", NEW))
    text = body(replace(pulls.one(), rows=rows, risks=(*flood, ("moc-forced", forced_risk()))))

    assert len(text.encode()) <= LIMIT
    assert "| `moc-test` |" in text
    assert "**FORCED**" in text
    assert re.search(r"^4\d\d more risks left out here", text, re.MULTILINE)


def test_the_order_of_the_input_does_not_matter() -> None:
    pull = pulls.six()
    other = replace(pull, rows=pull.rows[::-1], evidence=pull.evidence[::-1])

    assert (title(other), body(other)) == (title(pull), body(pull))


def test_failed_evidence_is_red() -> None:
    failed = pulls.report("moc-test", 2, passed=False)
    assert "| 🔴 **failed** |" in body(replace(pulls.one(), evidence=(failed,)))


@pytest.mark.parametrize(
    "url",
    [
        "https://bot:hunter2@example.org/runs/13",
        "https://hunter2@example.org/",
        "https://example.org/?private_token=hunter2",
        "https://example.org/?X-Amz-Signature=hunter2",
        "http://example.org/hunter2",
        "javascript:hunter2",
        "https://example.org/>) [hunter2](x",
        "https://example.org/\nhunter2",
    ],
)
def test_an_address_that_may_hold_a_secret_or_is_not_https_is_not_shown(url: str) -> None:
    barrier = Barrier("4.22", "4.23", "b", "m", url)
    (hop,) = pulls.hops(NEW, barriers=(barrier,))
    risks = tuple(("moc-test", risk) for risk in risks_of_hop(hop, []))
    text = body(replace(pulls.one(), risks=risks, links=(("release", url),)))
    assert "hunter2" not in text
    assert text.count("its address is not shown") == 2


def hostile(text: str) -> PullRequest:
    """Return a pull request with a text in every place that others fill."""
    barrier = Barrier("4.22", "4.23", text, text, f"https://example.org/{quote(text, safe='')}")
    (hop,) = pulls.hops(NEW, barriers=(barrier,))
    first = pulls.row(text, NEW, NEW, purpose=text, kind=text, channels=(text, "x"), acks=(text,))
    report = pulls.report("moc-test", 2)
    evidence = {**dict(report), "cluster": text, "version": text, "reason": text, "tests": {text: "failed"}}
    found = Finding(
        name="downgrade", location=Location(file=text), reason=text, remedy=text, clusters=(text,)
    )
    identity = ObjectId(text, text, text, text, text)
    changed = replace(
        pulls.change(text, text, identity=identity), fields=(FieldChange((text, text), text, f"{text}x"),)
    )

    return PullRequest(
        attention=Attention.LOOK,
        target=text,
        rows=(first, ClusterRow(name="second", purpose="cd", wave=2, old=text, new="", waits_for=(text,))),
        now=pulls.NOW,
        reasons=(text,),
        facts=(text,),
        refusals=(found,),
        findings=(found,),
        trust_edits=(TrustEdit(field=text, place=Location(file=text), old=text, new=text),),
        risks=tuple((text, risk) for risk in risks_of_hop(hop, [])),
        sources_away=(text,),
        notes=text,
        evidence=(Evidence.model_construct(**evidence),),
        changes=(changed, replace(changed, verb="removed")),
        links=((text, "https://example.org/"),),
        reproduce=(text,),
        made_by=((text, text),),
    )


@settings(max_examples=150)
@given(text=HOSTILE)
def test_texts_from_elsewhere_stay_text(text: str) -> None:
    pull = hostile(text)
    tokens = parsed(body(pull))
    # Notes of nothing but blanks are none.
    notes = "### Notes of the release" in body(pull)
    # Markup that is not ours would be one more of these, or one less.
    html = [token.content.strip() for token in tokens if token.type in ("html_block", "html_inline")]
    assert html[0] == MARKER
    what = "object|[A-Za-z0-9]+|[A-Za-z0-9]+ [a-z0-9.-]+"
    counts = r"on 1 cluster, \+\d+ −\d+ lines"
    summaries = rf"({what}) (changed|removed) {counts}|As its author wrote them"
    ours = re.compile(rf"<details><summary>({summaries})</summary>|</details>")
    assert [bool(ours.fullmatch(part)) for part in html[1:]] == [True] * (4 + 2 * notes)
    assert len(of("tr_open", tokens)) == 5
    assert len(of("td_open", tokens)) == 3 * 7
    assert len(of("fence", tokens)) == 3 + notes
    assert len(of("heading_open", tokens)) == 11 + notes
    assert len(of("bullet_list_open", tokens)) == 8
    assert len(of("list_item_open", tokens)) == 9
    assert (
        not of("image", tokens)
        + of("ordered_list_open", tokens)
        + of("blockquote_open", tokens)
        + of("em_open", tokens)
    )
    assert {token.attrs["href"] for token in of("link_open", tokens)} <= {
        "https://example.org/",
        f"https://example.org/{quote(text, safe='')}",
    }
    # What forges find after Markdown is done: mentions, references, bare addresses.
    for token in of("text", tokens):
        assert not re.search(r"[@#!%]\w|https?://|www\.|GH-\d", token.content)
    assert all(token.content.isprintable() for token in of("code_inline", tokens))
    # A CI that prints the text must not take a line for a command.
    assert not re.search(r"^\s*::|##(vso)?\[", body(pull), re.MULTILINE)
    # GitLab runs lines that begin with a slash, unless they are code.
    assert not any(
        line.startswith("/") for token in of("inline", tokens) for line in token.content.split("\n")
    )


@pytest.mark.parametrize("line", ["<img src=x onerror=alert(1)> ", "@all ![x](http://evil.example) ", "`"])
def test_a_text_of_a_megabyte_is_quoted_and_cut(line: str) -> None:
    text = line * (1_048_576 // len(line))
    made = body(hostile(text))
    assert len(made.encode()) <= LIMIT
    # What is written in prose or as code is cut; a whole difference that is too long is left out and counted.
    assert all(len(row) < 12_000 for row in made.split("\n"))
    assert re.search(r"^2 more differences left out here", made, re.MULTILINE)
    assert not of("image", parsed(made))


@given(text=HOSTILE)
def test_a_title_is_one_short_line(text: str) -> None:
    row = pulls.row(text, NEW, purpose=text)
    older = pulls.row(text, NEW, start="4.22.0-okd-scos.6")

    for rows in ((), (row,), (row, older)):
        pull = PullRequest(attention=Attention.LOOK, target=text, rows=rows, now=pulls.NOW)
        made = title(pull)
        assert made.startswith("okd: ")
        assert made.isprintable()
        assert len(made) <= 240


@given(text=HOSTILE)
def test_code_and_prose_keep_what_a_person_reads(text: str) -> None:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    spans = of("code_inline", parsed(f"x {code(text)} x"))
    kept = printable(plain).replace("|", "¦").replace("\\", "⧵")
    assert [span.content for span in spans] == [kept][: 1 if plain else 0]
    shown = "".join(
        token.content for token in parsed(f"x {prose(text)}") if token.type in ("text", "text_special")
    )
    assert shown.replace("\u2060", "") == f"x {plain}".rstrip().replace("\u2060", "")


@settings(max_examples=60)
@given(limit=st.integers(SMALLEST_LIMIT, 70_000), count=st.integers(0, 300), length=st.integers(0, 3000))
def test_the_limit_holds(limit: int, count: int, length: int) -> None:
    pull = many(count, diff="ä" * length)
    pull = replace(
        pull,
        reasons=("r" * length,) * count,
        reproduce=("c" * length,) * count,
        links=(("ü" * length, "https://example.org/"),) * count,
    )
    text = body(pull, limit=limit)
    assert len(text.encode()) <= limit
    tokens = parsed(text)
    assert len(of("td_open", tokens)) == 7 * max(0, len(of("tr_open", tokens)) - 1)
    assert ("OKD cannot be downgraded" in text) == (count > 0)
    assert "### Undo" in text
