"""Files that are read when somebody asks for them, and whose hashes are known from an earlier run."""

import errno
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from okd_gitops.errors import BusyError
from okd_gitops.finding import FindingsError
from okd_gitops.system import file_status, files_on_disk
from okd_gitops.system.disk import read_tree
from okd_gitops.system.file_status import FileStatus, Walk, status_at, walk
from okd_gitops.system.files_on_disk import (
    files_of,
    is_as_found,
    is_same_file,
    lend,
    lent_as_found,
    let_go,
)
from okd_gitops.system.kept import Results
from okd_gitops.system.kept_files import KeptFiles
from okd_gitops.tree import Tree

ONE, OTHER = "overlays/a/one.yaml", "clusters/other.yaml"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two files, whose status counts as soon as they are written."""
    monkeypatch.setattr(file_status, "_SETTLED", -60.0)
    for path in (ONE, OTHER):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("before\n")
    return tmp_path


def walked(root: Path) -> tuple[Walk, KeptFiles]:
    """Ask for the status of the files of a repository, with the listings that earlier calls have left."""
    kept = KeptFiles.of(Results(root / "kept/files").read("place"))
    status = walk(root, "overlays", "clusters", listings=kept.listings)
    assert status
    return status, kept


def found(root: Path) -> Tree:
    """Find the files of a repository, with the hashes that earlier calls have left."""
    status, kept = walked(root)
    files = files_of(root, status, kept.unchanged(status))
    assert files is not None
    data = KeptFiles.found(status, {path: files.digest(path) for path in files}, ()).as_bytes()
    if data:
        Results(root / "kept/files").keep("place", data)
    return files


def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each file is added that is read."""
    files: list[str] = []
    content = files_on_disk._content

    def noted(root: str, path: str, status: FileStatus) -> bytes | None:
        files.append(path)
        return content(root, path, status)

    monkeypatch.setattr(files_on_disk, "_content", noted)
    return files


def test_only_what_changed_is_read_for_the_hashes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = found(root)
    assert first.digest(ONE) == sha256(b"before\n").hexdigest() == sha256(first[ONE]).hexdigest()

    is_read = read_files(monkeypatch)
    assert (found(root).digest(ONE), is_read) == (first.digest(ONE), [])

    (root / OTHER).write_text("after, and longer\n")
    files = found(root)
    assert (files.digest(OTHER), is_read) == (sha256(b"after, and longer\n").hexdigest(), [OTHER])


@pytest.mark.parametrize("now", [0, 3600], ids=["now", "clock back"])
def test_what_may_be_edited_without_another_status_is_read_each_time(
    now: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_status, "_SETTLED", 3.0)
    time = (root / ONE).stat().st_ctime - now
    monkeypatch.setattr("time.time", lambda: time)

    is_read = read_files(monkeypatch)
    for _ in range(2):
        assert found(root).digest(ONE)
    assert is_read == [OTHER, ONE] * 2


def test_a_damaged_list_of_hashes_is_made_anew(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = found(root).digest(ONE)
    (kept,) = (root / "kept/files").iterdir()
    whole = kept.read_bytes()
    is_read = read_files(monkeypatch)

    for damaged in (whole[:-3], whole.replace(bytes.fromhex(digest), b"0" * 32), b""):
        is_read.clear()
        kept.write_bytes(damaged)
        assert (found(root).digest(ONE), sorted(is_read)) == (digest, [OTHER, ONE])


def _add(root: Path) -> None:
    (root / "overlays/a/two.yaml").write_text("new\n")


def _add_a_folder(root: Path) -> None:
    (root / "overlays/a/b").mkdir()
    (root / "overlays/a/b/two.yaml").write_text("new\n")


def _rename(root: Path) -> None:
    (root / ONE).rename(root / "overlays/a/two.yaml")


def _replace_a_folder(root: Path) -> None:
    (root / "overlays/a").rename(root / "elsewhere")
    (root / "overlays/a").symlink_to(root / "elsewhere")


def _replace_all_folders(root: Path) -> None:
    (root / "overlays").rename(root / "elsewhere")
    (root / "overlays").symlink_to(root / "elsewhere")


def _remove_a_folder(root: Path) -> None:
    (root / ONE).unlink()
    (root / "overlays/a").rmdir()


@pytest.mark.parametrize(
    "change",
    [_add, _add_a_folder, _rename, _replace_a_folder, _replace_all_folders, _remove_a_folder, lambda _: None],
)
def test_a_folder_that_is_as_it_was_is_not_listed_again(
    change: Callable[[Path], None], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(root)
    change(root)
    status, _ = walked(root)
    assert status == walk(root, "overlays", "clusters")
    assert "clusters" in status.listings

    if files_of(root, status) is None:
        return
    found(root)
    monkeypatch.setattr(os, "scandir", None)
    assert walked(root)[0] == status


@pytest.mark.parametrize("now", [0, 3600], ids=["now", "clock back"])
def test_a_folder_that_changed_in_the_last_seconds_is_listed_each_time(
    now: int, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_status, "_SETTLED", 3.0)
    time = (root / "clusters").stat().st_ctime - now
    monkeypatch.setattr("time.time", lambda: time)
    found(root)
    monkeypatch.setattr(os, "scandir", None)
    with pytest.raises(TypeError):
        walked(root)


def test_a_number_that_no_status_can_have_is_told_by_nobody(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status_at(root, ONE)
    monkeypatch.setattr(file_status, "_FIELDS", lambda _: (0, 0, 0, 0, 1 << 63, 0))
    assert status_at(root, ONE) is None
    assert walk(root, "overlays") is None


def test_what_is_recorded_comes_back(root: Path) -> None:
    (root / "fleet.yaml").write_text("fleet\n")
    status = walk(root, "overlays", "clusters", "fleet.yaml")
    assert status
    record = KeptFiles.found(
        status, {path: sha256(path.encode()).hexdigest() for path in status.files}, [OTHER]
    )
    assert KeptFiles.of(record.as_bytes()) == record
    assert record.unchanged(status) == record.digests


def _edit(file: Path) -> None:
    file.write_text("edited, and longer\n")


def _with_times_set_back(file: Path) -> None:
    before = file.stat()
    file.write_text("beforE\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace_by_a_symlink(file: Path) -> None:
    file.rename(file.with_name("moved"))
    file.symlink_to("moved")


@pytest.mark.parametrize("change", [_edit, _with_times_set_back, _replace_by_a_symlink, Path.unlink])
def test_a_file_that_changes_while_a_run_works_ends_it(change: Callable[[Path], None], root: Path) -> None:
    files = found(root)
    change(root / ONE)
    files_on_disk._content.cache_clear()

    with pytest.raises(BusyError, match=f"{ONE} changed while running"):
        files[ONE]


@pytest.mark.parametrize("change", [_edit, _with_times_set_back, _replace_by_a_symlink, Path.unlink])
def test_so_does_one_that_was_read_at_once(change: Callable[[Path], None], root: Path) -> None:
    files = let_go(root, read_tree(root, "overlays", "clusters"))
    assert dict(files) == {ONE: b"before\n", OTHER: b"before\n"}
    assert files.digest(ONE) == sha256(b"before\n").hexdigest()

    change(root / ONE)
    with pytest.raises(BusyError, match=f"{ONE} changed while running"):
        files[ONE]
    assert files[OTHER] == b"before\n"


def test_a_hash_that_is_no_longer_that_of_the_file_ends_the_run(root: Path) -> None:
    """What changed within one tick of the clock may have the same status."""
    files = found(root)
    files.files[ONE].known = "0" * 64  # type: ignore[union-attr]

    with pytest.raises(BusyError):
        files[ONE]


def test_a_file_that_changes_while_it_is_read_ends_the_run(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = found(root)
    files_on_disk._content.cache_clear()
    fstat = os.fstat

    def edited_then(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        (root / ONE).write_text("beforE\n")
        return status

    monkeypatch.setattr(os, "fstat", edited_then)
    with pytest.raises(BusyError):
        files[ONE]


def test_a_file_that_was_edited_and_put_back_is_not_as_it_was_found(root: Path) -> None:
    files = found(root)
    assert is_as_found(root, files, ONE)

    for text in ("edited\n", "before\n"):
        (root / ONE).write_text(text)
        assert not is_as_found(root, files, ONE)
    assert is_as_found(root, files, OTHER)

    # Of what was read at once there is only the content.
    assert is_as_found(root, Tree({ONE: b"before\n"}), ONE)
    assert not is_as_found(root, {ONE: b"other\n"}, ONE)
    (root / ONE).unlink()
    assert not is_as_found(root, files, ONE)


def test_what_a_program_reads_for_itself_must_be_as_it_was_found(root: Path) -> None:
    files = found(root)
    lend(files, ONE)
    lend({ONE: b""}, ONE)
    (root / OTHER).write_text("edited\n")
    assert lent_as_found(root, files)
    for text in ("edited\n", "before\n"):
        (root / ONE).write_text(text)
        assert not lent_as_found(root, files)


def test_a_file_that_the_user_may_not_read_is_told_as_such(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = found(root)
    files_on_disk._content.cache_clear()

    def refused(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # Tests may run as root, who may read everything.
    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(FindingsError) as error:
        files[ONE]
    (finding,) = error.value.findings
    assert (finding.name, finding.remedy) == ("unreadable-file", "look at its permissions")


def test_what_must_not_be_read_is_left_to_the_reading_that_tells_why(root: Path) -> None:
    for name, make in (("pipe", os.mkfifo), ("link", lambda path: path.symlink_to("other.yaml"))):
        make(root / f"clusters/{name}")
        status = walk(root, "overlays", "clusters")
        assert status
        assert files_of(root, status) is None
        (root / f"clusters/{name}").unlink()

    for folder, is_read in (("overlays", True), ("clusters", False)):
        (root / folder / "large.yaml").write_bytes(b" " * 2_000_000)
        status = walk(root, "overlays", "clusters")
        assert status
        assert (files_of(root, status) is not None) == is_read


def test_two_files_are_the_same_by_their_content(root: Path) -> None:
    before, now = found(root).files[ONE], found(root).files[ONE]
    assert is_same_file(before, now)
    assert is_same_file(before, b"before\n")
    assert is_same_file(None, None)
    assert not is_same_file(before, b"after\n")
    assert not is_same_file(before, None)

    os.utime(root / ONE)
    assert is_same_file(before, found(root).files[ONE]), "touched, and not edited"
