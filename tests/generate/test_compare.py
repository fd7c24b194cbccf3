"""Generated folders are owned whole: ours is rewritten, others' work is refused with a diff, and never
lost.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okd_gitops import __version__
from okd_gitops.finding import FindingsError
from okd_gitops.generate.compare import compare, gathered, unmatched
from okd_gitops.tree import MANIFEST, Tree, digest, with_manifests

OLD = with_manifests(
    {
        "overlays/a/kustomization.yaml": b"old\n",
        "overlays/a/stale.yaml": b"x\n",
        "overlays/gone/kustomization.yaml": b"x\n",
    }
)
NEW = with_manifests({"overlays/a/kustomization.yaml": b"new\n", "bases/f/p/x.yaml": b"x\n"})


def test_what_is_ours_is_put_and_deleted() -> None:
    drift = compare(NEW, OLD)
    assert not drift.refused
    assert sorted(drift.put) == [
        "bases/f/p/generated.sha256",
        "bases/f/p/x.yaml",
        "overlays/a/generated.sha256",
        "overlays/a/kustomization.yaml",
    ]
    assert drift.delete == (
        "overlays/a/stale.yaml",
        "overlays/gone/generated.sha256",
        "overlays/gone/kustomization.yaml",
    )


def test_nothing_changes_when_all_is_as_wanted() -> None:
    drift = compare(NEW, NEW)
    assert (drift.changes, drift.refused) == (0, ())


class Unread:
    """A file whose hash is known, and which nobody may read."""

    def __init__(self, data: bytes) -> None:
        self.known = digest(data)

    def read(self) -> bytes:
        raise AssertionError

    def digest(self) -> str:
        return self.known

    def lend(self) -> None:
        raise AssertionError


def test_a_file_that_is_as_wanted_is_neither_read_nor_held() -> None:
    lists = {path: data for path, data in NEW.items() if path.endswith(MANIFEST)}
    there = Tree({**{path: Unread(data) for path, data in NEW.items()}, **lists})
    wanted = gathered([NEW], there)

    assert all(wanted.files[path] is there.files[path] for path in NEW)
    drift = compare(wanted, there)
    assert (drift.changes, drift.refused) == (0, ())


def test_a_file_that_is_not_as_wanted_is_replaced() -> None:
    there = Tree({**OLD.files, "bases/f/p/x.yaml": Unread(b"x\n")})
    wanted = gathered([NEW.below("none"), NEW], there)

    assert wanted.files["overlays/a/kustomization.yaml"] == b"new\n"
    assert wanted.files["bases/f/p/x.yaml"] is there.files["bases/f/p/x.yaml"]
    assert set(compare(wanted, there).put) == set(compare(NEW, OLD).put) - {"bases/f/p/x.yaml"}


def of_version(tree: Tree, version: str) -> Tree:
    """Return generated files as another version of the tool would have written them."""
    old, new = (f"okd-gitops {name}\n".encode() for name in (__version__, version))

    return Tree({path: data.replace(old, new) for path, data in tree.items()})


def test_a_folder_names_the_version_that_last_changed_it() -> None:
    assert f"okd-gitops {__version__}\n".encode() in NEW[f"overlays/a/{MANIFEST}"]
    # A newer version that writes the same leaves the folder alone; what it changes bears its name.
    assert compare(NEW, of_version(NEW, "0.0.9")).changes == 0
    assert f"overlays/a/{MANIFEST}" in compare(NEW, of_version(OLD, "0.0.9")).put


@pytest.mark.parametrize("version", ["0.1.1", "0.10", "1.0.0rc1"])
def test_a_folder_of_a_newer_version_is_refused(version: str) -> None:
    with pytest.raises(FindingsError) as caught:
        compare(NEW, Tree({**OLD, **of_version(NEW, version)}))

    (finding,) = caught.value.findings
    assert (caught.value.exit_code, finding.name) == (4, "tool-too-old")
    assert finding.reason.endswith(f"written by okd-gitops {version}, and this is {__version__}")


@pytest.mark.parametrize(
    "first", ["# written by okd-gitops", "# written by okd-gitops x", "# written by okd-gitops 0.1.0 and me"]
)
def test_a_first_line_that_names_no_version_makes_no_list(first: str) -> None:
    path = f"overlays/a/{MANIFEST}"
    hashes = NEW[path].partition(b"\n")[2]
    (found,) = compare(NEW, Tree({**NEW, path: f"{first}\n".encode() + hashes})).refused

    assert (found.name, found.location.file) == ("edited-by-hand", path)


def test_a_hand_edit_is_refused_with_a_diff() -> None:
    drift = compare(NEW, Tree({**OLD, "overlays/a/kustomization.yaml": b"mine\n"}))
    assert [(finding.name, finding.location.file) for finding in drift.refused] == [
        ("edited-by-hand", "overlays/a/kustomization.yaml")
    ]
    assert "-mine\n+new\n" in drift.diffs["overlays/a/kustomization.yaml"]


def test_a_hand_edit_that_equals_what_is_wanted_is_fine() -> None:
    assert not compare(NEW, Tree({**OLD, "overlays/a/kustomization.yaml": b"new\n"})).refused


def test_a_foreign_file_is_refused_even_where_one_is_wanted() -> None:
    foreign = Tree({"overlays/a/notes.txt": b"mine\n", "bases/f/p/x.yaml": b"mine\n"})
    assert [finding.name for finding in compare(NEW, Tree({**OLD, **foreign})).refused] == [
        "foreign-file",
        "foreign-file",
    ]


def test_a_stale_file_with_an_edit_is_refused() -> None:
    drift = compare(NEW, Tree({**OLD, "overlays/gone/kustomization.yaml": b"mine\n"}))
    assert [finding.name for finding in drift.refused] == ["edited-by-hand"]
    assert "no longer generated" in drift.refused[0].reason


def test_force_takes_the_file_that_it_names_and_no_other() -> None:
    actual = Tree({**OLD, "overlays/a/notes.txt": b"mine\n", "overlays/a/kustomization.yaml": b"mine\n"})
    drift = compare(NEW, actual, forced=["overlays/a/notes.txt"])
    assert "overlays/a/notes.txt" in drift.delete
    assert [finding.location.file for finding in drift.refused] == ["overlays/a/kustomization.yaml"]


@pytest.mark.parametrize("folder", ["overlays/a", "overlays/a/"])
def test_force_of_a_folder_takes_what_is_below_it_and_nothing_beside_it(folder: str) -> None:
    files = ("overlays/a/notes.txt", "overlays/a/sub/x.yaml", "overlays/ab/y.yaml")
    drift = compare(NEW, Tree({**OLD, **dict.fromkeys(files, b"mine\n")}), forced=[folder])
    assert {"overlays/a/notes.txt", "overlays/a/sub/x.yaml"} <= set(drift.delete)
    assert [finding.location.file for finding in drift.refused] == ["overlays/ab/y.yaml"]


def test_a_manifest_with_conflict_markers_is_not_believed() -> None:
    actual = Tree(
        {**OLD, "overlays/a/generated.sha256": b"<<<<<<< HEAD\n" + OLD["overlays/a/generated.sha256"]}
    )
    codes = {finding.location.file: finding.name for finding in compare(NEW, actual).refused}
    assert codes["overlays/a/generated.sha256"] == "edited-by-hand"
    assert codes["overlays/a/kustomization.yaml"] == "foreign-file"


def test_a_merge_conflict_in_a_generated_file_is_told_with_what_resolves_it() -> None:
    path = "overlays/a/kustomization.yaml"
    marked = b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n"
    (found,) = compare(NEW, Tree({**OLD, path: marked})).refused
    half = compare(NEW, Tree({**OLD, path: b"<<<<<<< HEAD\n"})).refused

    assert (found.name, str(found.location)) == ("merge-conflict", f"{path}:2:1")
    assert "git checkout HEAD -- argocd bases overlays" in found.remedy
    assert [finding.name for finding in half] == ["edited-by-hand"]


def test_in_a_merge_one_advice_holds_for_all_that_differs() -> None:
    marked = b"<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> other\n"
    actual = {**OLD, "overlays/a/kustomization.yaml": marked, "overlays/a/stale.yaml": b"merged\n"}
    found = compare(NEW, Tree(actual)).refused

    assert [finding.name for finding in found] == ["merge-conflict", "edited-by-hand"]
    assert {"--force" in finding.remedy for finding in found} == {False}
    assert len({finding.remedy for finding in found}) == 1


@pytest.mark.parametrize("name", ["overlays/b", "overlays/a/kustomization", "verlays/a", "clusters/a.yaml"])
def test_a_forced_path_must_be_a_generated_one(name: str) -> None:
    assert unmatched([name, "overlays/a", "bases/f/p/x.yaml", "overlays/gone/"], OLD, NEW) == [name]


def test_a_manifest_cannot_claim_files_of_another_folder() -> None:
    claim = Tree({**OLD, "overlays/a/sub/generated.sha256": OLD["overlays/a/generated.sha256"]})
    assert "overlays/a/sub/generated.sha256" in {
        finding.location.file for finding in compare(NEW, claim).refused
    }


PATHS = st.sampled_from(
    ["overlays/a/x", "overlays/a/y", "overlays/b/x", "bases/f/p/x", "argocd/a/x", "overlays/stray"]
)
FILES = st.dictionaries(PATHS, st.sampled_from([b"1", b"2", b"3"]))


@given(FILES, FILES, st.dictionaries(PATHS, st.sampled_from([b"edit", None]), max_size=3))
def test_no_edit_is_ever_lost_and_without_edits_the_result_is_what_is_wanted(
    old: dict[str, bytes], new: dict[str, bytes], edits: dict[str, bytes | None]
) -> None:
    wanted = with_manifests(new)
    actual = dict(with_manifests(old))
    for path, data in edits.items():
        if data is None:
            actual.pop(path, None)
        else:
            actual[path] = data
    drift = compare(wanted, Tree(actual))
    edited = {path for path, data in edits.items() if data is not None}
    assert not edited & {*drift.put, *drift.delete}
    if not drift.refused:
        after = {**{path: data for path, data in actual.items() if path not in drift.delete}, **drift.put}
        assert after == dict(wanted)
