"""Splices keep every other byte of a file that people wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops.manifests.read import Path, read
from okd_gitops.manifests.set_values import assign, extend
from okd_gitops.manifests.write import dump

FILE = """\
# why this cluster is here
purpose: test   # first
release:
  # agreed on 2026-10-01
  channel: 'stable-scos-4'
  version: 4.22.0-okd-scos.0  # bump me
  image: "registry.example.org/r@sha256:aa"   # 4.22.0-okd-scos.0

# what it has
features:
  tekton:
"""


def test_a_scalar_changes_and_nothing_else() -> None:
    data = assign(
        read("x", FILE.encode()),
        {
            ("release", "version"): "4.22.0-okd-scos.1",
            ("release", "image"): "registry.example.org/r@sha256:bb",
        },
    )
    assert data.decode() == FILE.replace("4.22.0-okd-scos.0  #", "4.22.0-okd-scos.1  #").replace('aa"', 'bb"')


def test_quotes_stay() -> None:
    assert (
        "channel: 'stable-scos-5'\n"
        in assign(read("x", FILE.encode()), {("release", "channel"): "stable-scos-5"}).decode()
    )


def test_a_new_key_goes_to_the_end_of_its_mapping() -> None:
    data = assign(read("x", FILE.encode()), {("release", "force"): True}).decode()
    assert data == FILE.replace("   # 4.22.0-okd-scos.0\n", "   # 4.22.0-okd-scos.0\n  force: true\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  acks: [ack-4.20-a]  # by A\n", "  acks: [ack-4.20-a, ack-4.21-b]  # by A\n"),
        ("  acks:\n  - ack-4.20-a  # by A\n", "  acks:\n  - ack-4.20-a  # by A\n  - ack-4.21-b\n"),
        ("  acks:\n    - ack-4.20-a\n", "  acks:\n    - ack-4.20-a\n    - ack-4.21-b\n"),
        ("", "  acks: [ack-4.21-b]\n"),
    ],
)
def test_a_list_is_extended_in_its_own_style(before: str, after: str) -> None:
    text = "release:\n  version: a\n{}features: {{}}\n"
    assert extend(
        read("x", text.format(before).encode()), ("release", "acks"), ["ack-4.21-b"]
    ).decode() == text.format(after)


@pytest.mark.parametrize("end", ["\n", ""], ids=["ended", "not ended"])
@pytest.mark.parametrize(
    "last", ["  image: 'a'  # é 日本", "  acks:\n  - ack-4.20-a", "  acks: [ack-4.20-a]"]
)
def test_new_lines_end_like_those_of_the_file(last: str, end: str) -> None:
    text = f"# é 日本\nrelease:\n  version: a  # bump\n{last}{end}"
    documents = [read("x", text.replace("\n", line).encode()) for line in ("\n", "\r\n")]
    for changed in (
        [assign(document, {("release", "force"): True}) for document in documents],
        [extend(document, ("release", "acks"), ["b"]) for document in documents],
    ):
        unix, windows = (data.decode() for data in changed)
        assert windows == unix.replace("\n", "\r\n")
        assert unix.endswith("\n") == bool(end)
        assert unix.startswith(text.rstrip("\n]"))


STYLES = {
    "plain": "release:\n  version: {}  # é\n",
    "single quotes": "# 日本 😀\nrelease:\n  version: '{}' # x\n",
    "double quotes": 'release:\n  "version": "{}"\n',
    "flow": "{{purpose: 'é😀', release: {{version: {}, image: b}}}} # x\n",
    "flow on lines": "release: {{\n  version: {}, # x\n  image: b\n}}\n",
    "no line feed at the end": "release:\n  version: {}",
}
BEYOND = {
    "folded": "release:\n  version: >-\n    {}\n",
    "literal": "release:\n  version: |-\n    {}\n",
    "on the next line in two parts": "release:\n  version:\n    a\n    {}\n",
    "escaped line feed": 'release:\n  version: "a\\\n    {}"\n',
    "no value": "release:\n  version:\n  image: {}\n",
}


@pytest.mark.parametrize("line", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("style", STYLES)
def test_a_value_changes_in_any_style_and_not_one_byte_more(style: str, line: str) -> None:
    text = STYLES[style].replace("\n", line)
    old, new = "4.22.0-okd-scos.0", "4.22.0-okd-scos.1"
    assert assign(
        read("x", text.format(old).encode()), {("release", "version"): new}
    ).decode() == text.format(new)


@pytest.mark.parametrize("style", BEYOND)
def test_a_style_that_cannot_be_changed_in_place_is_refused(style: str) -> None:
    with pytest.raises(ValueError, match=r"in place|no value"):
        assign(read("x", BEYOND[style].format("a").encode()), {("release", "version"): "b"})


@pytest.mark.parametrize("text", ["release: {version: a}\n", "release: {}\n"])
def test_an_edit_that_is_not_possible_in_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="release"):
        assign(read("x", text.encode()), {("release", "force"): True})


def test_a_block_scalar_is_refused() -> None:
    with pytest.raises(ValueError, match="in place"):
        assign(read("x", b"a:\n  b: |\n    long\n    text\n"), {("a", "b"): "short"})


SCALARS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


@given(st.dictionaries(st.sampled_from("abcd"), SCALARS, min_size=1), st.sampled_from("abcd"), SCALARS)
def test_the_written_value_is_read_back_unchanged(values: dict[str, str], key: str, new: str) -> None:
    before = read("x", dump({"top": values}).encode())
    path: Path = ("top", key)
    try:
        data = assign(before, {path: new})
    except ValueError:
        return
    assert read("x", data).value == {"top": {**values, key: new}}
