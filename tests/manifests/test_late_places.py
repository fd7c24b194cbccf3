"""A file is read without the places of its values; what is read with and without them is the same."""

from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from okd_gitops.finding import Finding, FindingsError
from okd_gitops.manifests import read as reading
from okd_gitops.manifests.bounds import FOREIGN, OTHERS, PASSED_ON, WRITTEN, Bounds
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.loader import Loader
from okd_gitops.manifests.placed import Builder
from okd_gitops.manifests.read import read, read_all
from okd_gitops.manifests.read_once import read_all_once
from okd_gitops.system.disk import read_catalog
from okd_gitops.tree import Tree

ALL_BOUNDS = st.sampled_from([WRITTEN, FOREIGN, PASSED_ON, OTHERS])
WORDS = st.text(st.sampled_from("0123456789.:-+eEyYnNoOfFtTrRuUxX_=~<a"), max_size=12)
_Read = list[tuple[object, frozenset[tuple[str | int, ...]]]]
DATE = b"a: 2026-12-18\nb: {c: [2026-12-18, x]}\n---\nd: on\n"


def with_places(data: bytes, bounds: Bounds) -> _Read:
    text = data.decode()
    builder = Builder("x.yaml", text.split("\n"), bounds)
    built = [builder.document(node) for node in yaml.compose_all(text, Loader)]
    return [(value, places.dates) for value, places in built]


def read_or_refused(read_it: Callable[[], _Read]) -> _Read | tuple[Finding, ...]:
    try:
        return read_it()
    except FindingsError as error:
        return error.findings


def same_as_with_places(data: bytes, bounds: Bounds) -> None:
    def alone() -> _Read:
        documents = read_all("x.yaml", data, bounds=bounds)
        return [(document.value, document.dates) for document in documents]

    expected = read_or_refused(lambda: with_places(data, bounds))
    assert repr(read_or_refused(alone)) == repr(expected)


@given(WORDS, WORDS, ALL_BOUNDS)
@example("y", "<<", PASSED_ON)
@example("2026-12-18", "=", WRITTEN)
@example(".inf", "1e3", FOREIGN)
def test_each_word_is_read_as_with_places(key: str, value: str, bounds: Bounds) -> None:
    data = f"k{key}: [{value}, x]\nb: {value}\n{key}: c\n".encode()
    try:
        list(yaml.compose_all(data, Loader))
    except yaml.YAMLError:
        return
    same_as_with_places(data, bounds)


@pytest.mark.parametrize("bounds", [WRITTEN, OTHERS])
def test_each_object_of_the_catalog_is_read_as_with_places(bounds: Bounds) -> None:
    for data in read_catalog().values():
        same_as_with_places(data, bounds)


@given(WORDS)
def test_the_loader_gives_the_tags_of_pyyaml(word: str) -> None:
    for text in (word, f"{word}abcdef", f"[{word}, '{word}', !!str {word}]", f"{{{word}: {word}}}"):
        try:
            expected = yaml.serialize(yaml.compose(text, yaml.CSafeLoader))
        except yaml.YAMLError:
            continue
        assert yaml.serialize(yaml.compose(text, Loader)) == expected


def test_places_are_built_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(Builder, "build", build)
        first, second = read_all("x.yaml", DATE.replace(b"on", b"'on'"))
        assert not second.dates
        with pytest.raises(AssertionError):
            first.at(("a",))

    assert first.dates == {("a",), ("b", "c", 0)}
    assert str(first.at(("b", "c", 1))) == "x.yaml:2:21"
    assert str(second.at(("d",))) == "x.yaml:4:4"


def test_a_sound_patch_in_a_kustomization_asks_for_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    patch = "patch: |\n    - {op: test, path: /a, value: %s}\n"
    head = "kind: Kustomization\npatches:\n- target: {kind: Pod}\n  "
    sound, faulty = (
        {"a/kustomization.yaml": f"{head}{patch % word}".encode()} for word in ("x", "{b: 1, b: 2}")
    )
    assert [str(each.location) for each in walk(faulty, "a").findings] == ["a/kustomization.yaml:4:10"]

    monkeypatch.setattr(reading, "_read_again", None)
    assert not walk(sound, "a").findings


def test_places_of_a_file_that_many_are_alike_are_its_own() -> None:
    reading._read_again.cache_clear()
    for name in ("first", "second with a longer name"):
        data = f"# {name}\na:\n  b: [1]\n".encode()
        (document,) = read_all_once(f"{name}.yaml", data, PASSED_ON)
        place = document.at(("a", "b", 0))
        assert (str(place), place.text) == (f"{name}.yaml:3:7", "  b: [1]")
        assert document.at(()).text == "a:"
        assert document.lines[0] == f"# {name}"
    assert read("x.yaml", data, bounds=PASSED_ON).value is not document.value


class OnDisk:
    """A file that can be read again."""

    def read(self) -> bytes:
        return b"kind: Kustomization\nnameSuffix: -x\n"

    def digest(self) -> str:
        raise AssertionError

    def lend(self) -> None:
        raise AssertionError


def test_a_kustomization_holds_what_reads_its_file_and_not_its_bytes() -> None:
    tree = Tree({"overlays/a/kustomization.yaml": OnDisk()})
    (document,) = walk(tree, "overlays/a").kustomizations.values()

    assert document.source is tree.files["overlays/a/kustomization.yaml"]
    assert document.at(("nameSuffix",)).line == 2


def test_small_maps_of_texts_are_one_in_files_that_are_read_again() -> None:
    texts, numbers = "{group: x, kind: Pod}", "{group: x, kind: 1}"
    data = f"a: {texts}\nb: {texts}\nc: {numbers}\nd: {numbers}\n".encode()
    (once,) = read_all("x.yaml", data, bounds=PASSED_ON)
    (again,) = read_all("x.yaml", data, bounds=PASSED_ON, source=OnDisk())

    assert once.value == again.value
    assert again.value["a"] is again.value["b"]
    assert again.value["c"] is not again.value["d"], "1 and true are equal, and no texts"
    assert once.value["a"] is not once.value["b"], "whoever edits a file edits its values"
