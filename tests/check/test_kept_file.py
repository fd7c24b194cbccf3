"""The file of what is kept says of each overlay and each document what was added, however often it is copied
and written anew.
"""

from okd_gitops.check.kept_file import KeptFile, NewKeptFile


def head(*documents: str) -> dict[str, object]:
    return {"facts": None, "documents": list(documents)}


def written(new: NewKeptFile) -> KeptFile:
    return KeptFile.of(b"".join(new.parts(None)))


def with_overlay(new: NewKeptFile, folder: str, *documents: str) -> None:
    new.add_overlay(folder, head(*documents), {"of": folder})
    for key in documents:
        if not new.has_document(key):
            new.add_document(key, {"of": key}, {"rest": key})


def assert_has(file: KeptFile, overlays: dict[str, list[str]]) -> None:
    assert {folder: each["documents"] for folder, each in file.overlays.items()} == overlays
    assert {folder: file.rest(folder) for folder in overlays} == {each: {"of": each} for each in overlays}

    documents = {key for keys in overlays.values() for key in keys}
    assert file.documents == {key: {"of": key} for key in documents}
    assert {key: file.rest(key) for key in documents} == {key: {"rest": key} for key in documents}


def test_overlays_are_copied_while_others_come_and_go() -> None:
    first = NewKeptFile(KeptFile())
    with_overlay(first, "x", "a", "b")
    with_overlay(first, "y", "b", "c")
    with_overlay(first, "z", "d", "e")
    old = written(first)
    assert_has(old, {"x": ["a", "b"], "y": ["b", "c"], "z": ["d", "e"]})

    # Two documents are of no overlay any more, and another two come.
    for _ in range(2):
        second = NewKeptFile(old)
        with_overlay(second, "y", "f", "b", "g")
        second.copy_overlay("x")
        old = written(second)
        assert_has(old, {"y": ["f", "b", "g"], "x": ["a", "b"]})
        assert len(old.keys) == 7

    third = NewKeptFile(old)
    third.copy_overlay("x")
    old = written(third)
    assert_has(old, {"x": ["a", "b"]})

    # Most numbers are of no document, so they begin anew.
    fourth = NewKeptFile(old)
    with_overlay(fourth, "w", "h")
    fourth.copy_overlay("x")
    old = written(fourth)
    assert_has(old, {"w": ["h"], "x": ["a", "b"]})
    assert old.keys == ["h", "a", "b"]


def test_of_some_overlays_all_stays_and_of_the_others_the_heads_of_documents() -> None:
    first = NewKeptFile(KeptFile())
    with_overlay(first, "x", "a", "b")
    with_overlay(first, "y", "b", "c")
    old = written(first)

    some = old.of_overlays(["x"])
    assert some.documents == old.documents
    assert some.rests.keys() == {"x", "a", "b"}
    assert {type(part) for part in (*some.rests.values(), *some.lines.values())} == {bytes}, "no view of all"

    new = NewKeptFile(some)
    new.copy_overlay("x")
    with_overlay(new, "y", "c")
    assert_has(written(new), {"x": ["a", "b"], "y": ["c"]})


def test_nothing_is_kept_without_a_file_and_of_an_empty_one() -> None:
    assert KeptFile.of(None) == KeptFile() == written(NewKeptFile(KeptFile()))
