"""The fast reader of YAML gives what PyYAML gives, but dates and keys stay text."""

import pytest
import yaml

from okd_gitops.manifests.plain import plain_value
from okd_gitops.system.disk import read_catalog


def test_every_object_of_the_catalog_is_read_as_by_pyyaml() -> None:
    for path, data in read_catalog().items():
        assert plain_value(data) == yaml.load(data, yaml.CSafeLoader), path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: [1, 0x1F, 010, 1_000, 1:30, 1.5, .inf, 6e3, -0]",
        "a: [yes, No, on, y, true, ~, null, Null, '', 'yes', \"1\"]",
        "a: &x {b: c}\nd: *x\ne: {<<: *x, f: g}",
        "a: !!binary aGVsbG8=\nb: !!set {c, d}\ne: !!str 1",
        "a: b\na: c",
        "a: |\n  text\n  - more\nb: >-\n  folded\n  text",
        "[[], {}, [{a: []}]]",
        "a: =\n",
    ],
)
def test_odd_words_are_read_as_by_pyyaml(text: str) -> None:
    try:
        expected = repr(yaml.load(text, yaml.CSafeLoader))
    except yaml.YAMLError as error:
        with pytest.raises(type(error)):
            plain_value(text.encode())
    else:
        assert repr(plain_value(text.encode())) == expected


def test_a_date_stays_text() -> None:
    assert plain_value(b"a: 2026-11-28") == {"a": "2026-11-28"}


def test_two_documents_are_refused() -> None:
    with pytest.raises(yaml.YAMLError):
        plain_value(b"a: b\n---\nc: d\n")


def test_a_key_is_a_text_as_the_api_server_reads_it() -> None:
    text = b"{2024: a, on: b, 1.5: c, x: {false: d}}"
    assert plain_value(text) == {"2024": "a", "true": "b", "1.5": "c", "x": {"false": "d"}}
    assert plain_value(b"a: &a {1: x}\nb: {<<: *a, c: y}") == {"a": {"1": "x"}, "b": {"1": "x", "c": "y"}}
    with pytest.raises(yaml.YAMLError):
        plain_value(b"{[1]: a}")
    with pytest.raises(yaml.YAMLError):
        plain_value(b"{null: a}")
