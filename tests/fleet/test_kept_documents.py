"""What people wrote is read once; a file of other bytes, other code or a damaged record is read again."""

from pathlib import Path
from typing import NamedTuple

import pytest

from okd_gitops.finding import FindingsError
from okd_gitops.fleet import kept_documents
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.kept_documents import KeptDocuments
from okd_gitops.manifests.plain import plain_value
from okd_gitops.manifests.read import read
from okd_gitops.system.disk import read_catalog
from okd_gitops.system.kept import EXACT
from okd_gitops.tree import digest

TEXT = b"purpose: test\nexpires: 2026-12-01\nfeatures:\n  a: {size: 1.5, on: [true, ~, 'x']}\n"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv(EXACT, raising=False)
    return tmp_path


def known(documents: KeptDocuments, *files: bytes) -> bool:
    return documents.know(files)


def test_a_document_that_is_kept_is_the_one_that_is_read(cache: Path) -> None:
    tree = read_catalog()
    files = {"x.yaml": TEXT, **{path: tree[path] for path in tree if path.endswith("/feature.yaml")}}
    first = KeptDocuments.of(cache, cache)
    for file, data in files.items():
        assert first.read(file, data) == read(file, data)
    first.keep()

    again = KeptDocuments.of(cache, cache)
    assert known(again, *files.values())
    for file, data in files.items():
        kept, plain = again.read(file, data), read(file, data)
        assert (kept.value, kept.lines, kept.dates) == (plain.value, plain.lines, plain.dates)
        assert (dict(kept.marks), dict(kept.keys)) == (plain.marks, plain.keys)
        assert kept.at(("features", "a", "on", 2)) == plain.at(("features", "a", "on", 2))


class File(NamedTuple):
    """A file whose hash is known, and that notes when it is read."""

    data: bytes
    read_as: list[bytes]

    def read(self) -> bytes:
        self.read_as.append(self.data)
        return self.data

    def digest(self) -> str:
        return digest(self.data)

    def lend(self) -> None:
        raise AssertionError("no program reads it")


def test_a_file_that_is_known_is_read_only_for_a_place(cache: Path) -> None:
    first = KeptDocuments.of(cache, cache)
    file = File(TEXT, [])
    assert first.read("x.yaml", file).value == read("x.yaml", TEXT).value
    assert file.read_as == [TEXT]
    first.keep()

    file.read_as.clear()
    document = KeptDocuments.of(cache, cache).read("x.yaml", file)
    assert (document.value, document.digest) == (read("x.yaml", TEXT).value, digest(TEXT))
    assert file.read_as == []
    assert document.at(("expires",)) == read("x.yaml", TEXT).at(("expires",))
    assert file.read_as

    other = File(TEXT.replace(b"2026", b"2027"), [])
    assert KeptDocuments.of(cache, cache).read("x.yaml", other).value["expires"] == "2027-12-01"


def test_what_is_not_as_it_was_is_read_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = KeptDocuments.of(cache, cache)
    first.read("x.yaml", TEXT)
    with pytest.raises(FindingsError):
        first.read("y.yaml", b"a: 1\na: 2\n")
    first.keep()

    assert known(KeptDocuments.of(cache, cache), TEXT)
    assert not known(KeptDocuments.of(cache, cache), TEXT + b"\n")
    with pytest.raises(FindingsError):
        KeptDocuments.of(cache, cache).read("y.yaml", b"a: 1\na: 2\n")
    assert not known(KeptDocuments.of(cache / "other", cache), TEXT)

    with monkeypatch.context() as patch:
        patch.setattr(kept_documents, "hash_of_code", lambda: "other")
        assert not known(KeptDocuments.of(cache, cache), TEXT)

    (file,) = (cache / "kept/documents").iterdir()
    file.write_bytes(file.read_bytes().replace(b"test", b"hub!"))
    assert not known(KeptDocuments.of(cache, cache), TEXT)

    first.keep()
    monkeypatch.setenv("CI", "true")
    assert not known(KeptDocuments.of(cache, cache), TEXT)


def test_an_object_of_the_catalog_that_is_kept_is_the_one_that_is_read(cache: Path) -> None:
    tree = read_catalog()
    objects = [tree[path] for path in tree if path.count("/") > 2]
    assert len(objects) > 300
    first = KeptDocuments.of(cache, cache)
    assert [first.read_object(data) for data in objects] == list(map(plain_value, objects))
    first.keep()

    second = KeptDocuments.of(cache, cache)
    second.read("x.yaml", TEXT)
    second.keep()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_documents, "plain_value", None)
        again = KeptDocuments.of(cache, cache)
        assert [again.read_object(data) for data in objects] == list(map(plain_value, objects))
        with pytest.raises(TypeError):
            again.read_object(objects[0] + b"# another\n")


def test_a_catalog_that_is_known_has_the_same_features() -> None:
    tree = read_catalog()
    whole, late = load_catalog(tree), load_catalog(tree, is_sound=True)
    for name, feature in whole.features.items():
        assert late.features[name].spec.model_dump() == feature.spec.model_dump()
        assert late.features[name].files == feature.files
    assert (list(late.features), len(late.features)) == (list(whole.features), len(whole.features))
    assert "tekton" in late.features
    assert late.features.get("none") is None
