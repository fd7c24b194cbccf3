"""Splices keep every other byte of a file that people wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops.inplace import assign, extend
from okd_gitops.yamltext import Path, dump, read

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
    data = assign(read("x", FILE.encode()), {("release", "version"): "4.22.0-okd-scos.1", ("release", "image"): "registry.example.org/r@sha256:bb"})
    assert data.decode() == FILE.replace("4.22.0-okd-scos.0  #", "4.22.0-okd-scos.1  #").replace('aa"', 'bb"')


def test_quotes_stay() -> None:
    assert "channel: 'stable-scos-5'\n" in assign(read("x", FILE.encode()), {("release", "channel"): "stable-scos-5"}).decode()


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
    assert extend(read("x", text.format(before).encode()), ("release", "acks"), ["ack-4.21-b"]).decode() == text.format(after)


@pytest.mark.parametrize("text", ["release: {version: a}\n", "release: {}\n"])
def test_what_cannot_be_spliced_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="release"):
        assign(read("x", text.encode()), {("release", "force"): True})


def test_a_block_scalar_is_refused() -> None:
    with pytest.raises(ValueError, match="in place"):
        assign(read("x", b"a:\n  b: |\n    long\n    text\n"), {("a", "b"): "short"})


SCALARS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


@given(st.dictionaries(st.sampled_from("abcd"), SCALARS, min_size=1), st.sampled_from("abcd"), SCALARS)
def test_what_is_read_back_is_what_was_asked_for(values: dict[str, str], key: str, new: str) -> None:
    before = read("x", dump({"top": values}).encode())
    path: Path = ("top", key)
    try:
        data = assign(before, {path: new})
    except ValueError:
        return
    assert read("x", data).value == {"top": {**values, key: new}}
