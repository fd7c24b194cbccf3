"""Reading refuses what is dangerous or ambiguous, with the place; writing is read back the same."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.bounds import (
    FOREIGN,
    MAX_DEPTH,
    OTHERS,
    PASSED_ON,
    WRITTEN,
    Bounds,
    greatest_depth,
    is_surely_within,
    most_values,
)
from okd_gitops.manifests.read import read, read_all
from okd_gitops.manifests.write import dump
from okd_gitops.report.finding_text import as_text


def refused(text: str | bytes) -> tuple[str, int, int]:
    with pytest.raises(FindingsError) as error:
        read("x.yaml", text if isinstance(text, bytes) else text.encode())
    finding = error.value.findings[0]
    return finding.name, finding.location.line, finding.location.column


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ("duplicate-key", 3, 1)),
        ("a:\n\tb: 1\n", ("not-yaml", 2, 1)),
        ("a: [1\n", ("not-yaml", 1, 6)),
        ("a: &x 1\nb: *x\n", ("document-too-complex", 1, 4)),
        ("a: yes\n", ("ambiguous-yaml", 1, 4)),
        ("a: 0777\n", ("ambiguous-yaml", 1, 4)),
        ("a: 12:30:00\n", ("ambiguous-yaml", 1, 4)),
        ("a: 1_000\n", ("ambiguous-yaml", 1, 4)),
        ("a: !!python/object:os.system x\n", ("ambiguous-yaml", 1, 4)),
        ("a: !!set {x}\n", ("ambiguous-yaml", 1, 4)),
        ("<<: {a: 1}\n", ("ambiguous-yaml", 1, 1)),
        ("? [a]\n: 1\n", ("ambiguous-yaml", 1, 3)),
        ("a: \x01\n", ("not-yaml", 1, 4)),
        ("", ("not-yaml", 0, 0)),
        ("a: 1\n---\nb: 2\n", ("not-yaml", 0, 0)),
        (b"a: 1\nb: \xff\n", ("unreadable-file", 2, 4)),
        (b"a: 1\0", ("not-yaml", 1, 5)),
        ("a: 1\n".encode("utf-16"), ("unreadable-file", 1, 1)),
        ("[" * (MAX_DEPTH + 1), ("document-too-complex", 1, MAX_DEPTH + 1)),
        (b"#" * (WRITTEN.max_bytes + 1), ("unreadable-file", 0, 0)),
    ],
)
def test_refuses_with_the_place(text: str | bytes, expected: tuple[str, int, int]) -> None:
    assert refused(text) == expected


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10) if n else 'x'}]" for n in range(10))
    assert refused(levels) == ("document-too-complex", 1, 5)


def test_all_faults_of_a_file_come_at_once() -> None:
    with pytest.raises(FindingsError) as error:
        read("x.yaml", b"a: yes\na: 1\nb: 010\n")
    assert [(finding.name, finding.location.line) for finding in error.value.findings] == [
        ("ambiguous-yaml", 1),
        ("duplicate-key", 2),
        ("ambiguous-yaml", 3),
    ]


def test_values_are_those_of_yaml_1_2() -> None:
    text = b'a: 1\nb: 1.5\nc: true\nd: ~\ne: 2026-12-18\nf: "0777"\ng: [x, {y: z}]\nh: |\n  two\n  lines\n'
    value = {
        "a": 1,
        "b": 1.5,
        "c": True,
        "d": None,
        "e": "2026-12-18",
        "f": "0777",
        "g": ["x", {"y": "z"}],
        "h": "two\nlines\n",
    }
    assert read("x.yaml", text).value == value


def test_places_of_values_keys_and_what_is_absent() -> None:
    document = read("x.yaml", b"a:\n  b: [1, two]\n")
    assert str(document.at(["a", "b", 1])) == "x.yaml:2:10"
    assert str(document.at(["a", "b"], key=True)) == "x.yaml:2:3"
    assert str(document.at(["a", "b", 1, "missing", 7])) == "x.yaml:2:10"


def test_reads_every_document_and_passes_over_empty_ones() -> None:
    assert [document.value for document in read_all("x.yaml", b"a: 1\n---\n---\nb: 2\n")] == [
        {"a": 1},
        {"b": 2},
    ]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_another_yaml_reader_reads_what_was_written(value: object) -> None:
    assert yaml.safe_load(dump(value)) == value


@given(st.text(st.sampled_from("0123456789.:-+eEyYnNoOfFtTrRuUxX_=~ #'\"{}[]&*!|>%@`,?\n\t"), max_size=8))
def test_ambiguous_strings_survive(value: str) -> None:
    assert yaml.safe_load(dump({value: [value]})) == {value: [value]}
    assert read("x.yaml", dump({"a": value}).encode()).value == {"a": value}


def test_style_is_readable() -> None:
    value = {"a": {"b": [1, {"c": "x y", "d": []}], "e": "two\nlines"}, "f": "1.5", "g": "*.yaml"}
    assert (
        dump(value)
        == 'a:\n  b:\n  - 1\n  - c: x y\n    d: []\n  e: |-\n    two\n    lines\nf: "1.5"\ng: "*.yaml"\n'
    )


def reasons(data: bytes, bounds: Bounds = WRITTEN) -> str:
    with pytest.raises(FindingsError) as error:
        read("x.yaml", data, bounds=bounds)
    return "; ".join(f"{finding.reason}: {finding.remedy}" for finding in error.value.findings)


@pytest.mark.parametrize(
    "tag",
    [
        "!!timestamp",
        "!!int",
        "!!str",
        "!!set",
        "!!binary",
        "!!python/name:os.system",
        "!include",
        "!",
        "!<x:y>",
    ],
)
def test_every_tag_is_refused_by_its_name(tag: str) -> None:
    for text in (
        f"a: {tag} x\n",
        f"a: {tag} [x]\n",
        f"a: {tag} {{x: y}}\n",
        f"{tag} a: x\n",
        f'a: {tag} "5"\n',
    ):
        assert f"the tag {'x:y' if '<' in tag else tag} is not allowed" in reasons(text.encode())


def test_both_places_of_a_key_that_is_there_twice_are_named() -> None:
    assert 'the key "b" occurs twice, in line 2 and in line 4' in reasons(b"a:\n  b: 1\n  c: 2\n  'b': 3\n")


@pytest.mark.parametrize(
    ("data", "byte"),
    [
        (b"\xef\xbb\xbfa: 1\n", 0),
        ("# ä\na: x\x85\n".encode(), 9),
        ("# ä\na: \u2028\n".encode(), 8),
        (b"a: x\rb: y\n", 4),
        (b"a: \x1b[31m\n", 3),
        (b"# \xc3\xa4\na: \xff\n", 8),
    ],
)
def test_a_byte_that_is_not_text_is_named(data: bytes, byte: int) -> None:
    assert f"byte {byte} " in reasons(data)


def test_a_byte_order_mark_of_a_foreign_file_moves_no_column() -> None:
    document = read("x.yaml", b"\xef\xbb\xbfab: c\n", bounds=FOREIGN)
    assert (document.value, document.at(["ab"]).column) == ({"ab": "c"}, 5)


def test_size_values_and_depth_are_bounded() -> None:
    listed = "[" + "1," * (WRITTEN.max_nodes - 1) + "]"
    assert len(read("x.yaml", listed.encode()).value) == WRITTEN.max_nodes - 1
    assert "20,000 values" in reasons(f"{listed[:-1]}1]".encode())
    assert len(read("x.yaml", f"{listed[:-1]}1]".encode(), bounds=FOREIGN).value) == WRITTEN.max_nodes
    assert read("x.yaml", b"#" * (WRITTEN.max_bytes - 4) + b"\na: ").value == {"a": None}
    assert "262,144" in reasons(b"#" * (WRITTEN.max_bytes - 3) + b"\na: ")
    assert read("x.yaml", b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).value
    assert f"deeper than {MAX_DEPTH}" in reasons(b"[" * 20_000)


@given(st.lists(st.sampled_from([*" \t\n-?:[]{},'|>#a", "- ", "\n- ", ": ", "a:\n", "--- "])).map("".join))
def test_no_text_has_more_values_or_is_deeper_than_its_characters_allow(text: str) -> None:
    """What is surely within bounds is not counted."""
    depth = deepest = values = 0
    try:
        for event in yaml.parse(text, yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            deepest = max(deepest, depth)
            values += isinstance(event, yaml.NodeEvent)
    except yaml.YAMLError:
        pass
    assert values <= most_values(text)
    assert deepest <= greatest_depth(text)


@pytest.mark.parametrize("text", ["a: &b 1", "a: *b", "a: !b 1", "a:\r  b: 1", "a:\x85 b: 1"])
def test_a_text_with_what_its_characters_do_not_tell_is_counted(text: str) -> None:
    assert not is_surely_within(text, WRITTEN)
    assert is_surely_within("a: 1", WRITTEN)


@pytest.mark.parametrize("mark", "&*")
def test_each_character_that_begins_a_name_of_an_anchor_has_its_text_counted(mark: str) -> None:
    """Any other text with such a mark is counted for nothing: the mark of a wildcard, or of a shell."""
    for first in map(chr, range(0x20, 0x3000)):
        text = f"a: {mark}{first}"
        try:
            has_name = any(getattr(event, "anchor", None) for event in yaml.parse(text, yaml.CSafeLoader))
        except yaml.YAMLError:
            has_name = False
        assert not (has_name and is_surely_within(text, WRITTEN))

    assert is_surely_within(f"a: '{mark}'\nb: x {mark}{mark} y", WRITTEN)


@pytest.mark.parametrize(
    "number", ["9" * 5000, "1e999", "-" + "9" * 400, "0x" + "f" * 5000, ".inf", ".nan", "1_0.5"]
)
def test_a_number_that_readers_disagree_about_is_refused(number: str) -> None:
    assert "in quotes" in reasons(f"a: {number}\n".encode())


@pytest.mark.parametrize(
    ("text", "shown", "caret"),
    [
        ("a: [1, 2\n", "a: [1, 2", 8),
        ("a: [1, 2", "a: [1, 2", 8),
        ("a: 1\n  b: 2\n", "  b: 2", 3),
        ("ä: ö\n b: é\n", " b: é", 2),
        ('"世界": x: 1\n', '"世界": x: 1', 9),
        ('"e\u0301": x: 1\n', '"e\u0301": x: 1', 6),
        ("a: 1\r\n\tb: 2\r\n", "?b: 2", 0),
        ('a: "x\n\n\n', 'a: "x', 5),
    ],
)
def test_a_syntax_error_has_a_caret_below_its_column(text: str, shown: str, caret: int) -> None:
    with pytest.raises(FindingsError) as error:
        read("x.yaml", text.encode())
    lines = as_text(error.value.findings[0]).splitlines()
    head = next(index for index, line in enumerate(lines) if " | " in line)
    margin = lines[head].index(" | ") + 3
    assert (lines[head][margin:], lines[head + 1].index("^") - margin) == (shown, caret)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "text", ["word " + "(" * 10_000 + "!", "word" + "(" * 10_000, "a:b" * 5_000 + "\n", "-(" * 5_000 + "\x85"]
)
def test_text_of_any_form_is_written_in_a_time_that_grows_with_its_length(text: str) -> None:
    """One that doubles with each character would go on for years: the limit is not one of speed."""
    assert read("x.yaml", dump({"a": text}).encode(), bounds=FOREIGN).value == {"a": text}


def test_a_merge_conflict_is_named_at_its_first_mark() -> None:
    text = "a: b\n<<<<<<< HEAD\nc: d\n=======\nc: e\n>>>>>>> other\n"
    with pytest.raises(FindingsError) as error:
        read("x.yaml", text.encode())
    (finding,) = error.value.findings
    assert (finding.name, str(finding.location)) == ("merge-conflict", "x.yaml:2:1")
    assert "okd-gitops generate" in finding.remedy


def test_the_marks_of_a_conflict_inside_a_text_are_a_text() -> None:
    assert read("x.yaml", b"a: |\n  <<<<<<< HEAD\n").value == {"a": "<<<<<<< HEAD\n"}


@pytest.mark.parametrize(
    "text", ["2026-12-05T00:00:00Z", "2026-12-05", "2026-12-05 10:00:00", "22:30", "1e3"]
)
def test_a_text_that_a_reader_could_take_for_a_time_or_a_number_is_quoted(text: str) -> None:
    assert dump({"key": text}) == f'key: "{text}"\n'
    assert yaml.safe_load(dump({"key": text})) == {"key": text}


@pytest.mark.parametrize("bounds", [FOREIGN, PASSED_ON, OTHERS])
@pytest.mark.parametrize(
    "line",
    [
        b"  p: Hunter2: x",
        b"  p: &Hunter2 [*Hunter2x]",
        b"\tp: Hunter2",
        b'  p: "\\ud800 Hunter2"',
        b"  p: Hunter2 \xff",
        b"  p: Hunter2 \x01",
        b"  p: !bogus Hunter2",
        b"  p: !Hunter2 x\n  p: y",
        b"  p: Hunter2\n  p: Hunter2",
        b"  p: [" + b"[" * MAX_DEPTH + b" Hunter2",
    ],
)
def test_what_is_wrong_with_a_secret_of_others_is_told_without_its_value(bounds: Bounds, line: bytes) -> None:
    with pytest.raises(FindingsError) as error:
        read_all("x.yaml", b"kind: Secret\nstringData:\n" + line + b"\n", bounds=bounds)

    assert all(finding.location.line for finding in error.value.findings)
    assert "Hunter2" not in str(error.value.findings)


def test_a_value_that_is_no_secret_is_shown_where_it_is_wrong() -> None:
    with pytest.raises(FindingsError) as error:
        read_all("x.yaml", b"kind: ConfigMap\ndata:\n  p: plain: x\n", bounds=OTHERS)
    assert error.value.findings[0].location.text == "  p: plain: x"


def test_a_merge_key_that_contains_itself_is_refused_at_its_place() -> None:
    with pytest.raises(FindingsError) as error:
        read_all("x.yaml", b"a: &a {<<: *a}\n", bounds=OTHERS)
    (finding,) = error.value.findings
    assert (finding.name, finding.location.line) == ("document-too-complex", 1)
