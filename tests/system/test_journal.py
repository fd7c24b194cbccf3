"""A write lands all or nothing: killed before any system call that touches the disk, the next run finds
before or after.
"""

import contextlib
import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from conftest import ROOT
from okd_gitops.errors import BusyError, OkdGitopsError, UsageError
from okd_gitops.system import journal, swap
from okd_gitops.system.journal import saving
from okd_gitops.system.recovery import pending, refuse_pending
from okd_gitops.system.steps import written
from okd_gitops.tree import digest

BEFORE = {
    "overlays/a/one": b"1\n",
    "overlays/a/two": b"2\n",
    "overlays/gone/x": b"x\n",
    "mine.txt": b"mine\n",
}
PUT = {"overlays/a/one": b"1 new\n", "overlays/b/c/three": b"3\n", "bases/f/four": b"4\n"}
DELETE = ["overlays/a/two", "overlays/gone/x"]
AFTER = {"mine.txt": b"mine\n", **PUT}

FREE_SPACE = "free some space or correct permissions, then run again"
OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree")


def write(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".okd-gitops" not in path.parts
    }


def publish(root: Path) -> None:
    with saving(root) as save:
        save(PUT, DELETE, before=BEFORE)


def recover(root: Path) -> None:
    with saving(root):
        pass


def published_with(root: Path, limit: int, happening: Callable[[], object]) -> bool:
    """Publish in a process in which something happens before its operation of that number; say whether it
    got to its end.
    """
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    count, rename = 0, swap._rename

    def step(event: str = "open", _arguments: object = ()) -> None:
        nonlocal count
        if event in OPERATIONS:
            count += 1
            if count == limit:
                happening()

    def counted(one: Path, other: Path, flag: int) -> None:
        step()
        rename(one, other, flag)
        step()

    swap._rename = counted
    # What a killed process wrote is kept by the kernel; only a machine that loses power needs it on the disk.
    os.fsync = lambda _descriptor: None  # type: ignore[assignment]
    sys.addaudithook(step)
    try:
        publish(root)
    except OkdGitopsError:
        os._exit(1)
    os._exit(0 if count < limit else 2)


class Killed(BaseException):
    """Ends a run where a SIGKILL would: nothing is cleaned up."""


@contextlib.contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, exchange: int) -> Iterator[None]:
    count, real = 0, swap.swap

    def counting(one: Path, other: Path) -> None:
        nonlocal count
        count += 1
        if count == exchange:
            raise Killed
        real(one, other)

    monkeypatch.setattr(swap, "swap", counting)
    with pytest.raises(Killed):
        yield
    monkeypatch.setattr(swap, "swap", real)


def interrupted(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state of a run that was killed when half of its files were in place."""
    write(root, BEFORE)
    with killed_at(monkeypatch, 3):
        publish(root)
    assert pending(root)
    return root / ".okd-gitops"


def test_a_kill_before_each_operation_leaves_before_or_after(tmp_path: Path) -> None:
    outcomes = []
    for limit in range(1, 300):
        root = tmp_path / str(limit)
        write(root, BEFORE)
        finished = published_with(root, limit, lambda: os.kill(os.getpid(), signal.SIGKILL))
        recover(root)
        assert not pending(root)
        outcomes.append(files(root))
        assert outcomes[-1] in (BEFORE, AFTER), limit
        assert {path.name for path in (root / ".okd-gitops").iterdir()} <= {
            ".gitignore",
            "lock",
            "written.sha256",
            "written.sha256.new",
        }
        if finished:
            break
    assert finished
    assert outcomes.count(BEFORE) > 5
    assert outcomes.count(AFTER) > 5
    # Once it is decided it stays decided.
    assert outcomes == [BEFORE] * outcomes.count(BEFORE) + [AFTER] * outcomes.count(AFTER)


@pytest.mark.parametrize("kernel", ["renameat2", "without renameat2"])
def test_all_lands_and_empty_folders_go_with_their_last_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    if kernel != "renameat2":
        monkeypatch.setattr(swap, "_renameat2", lambda: None)
    write(tmp_path, BEFORE)
    publish(tmp_path)
    assert files(tmp_path) == AFTER
    assert not (tmp_path / "overlays/gone").exists()
    assert written(tmp_path) == {path: digest(data) for path, data in PUT.items()}


def test_a_second_run_waits_and_then_gives_up(tmp_path: Path) -> None:
    times = iter([0.0, 1.0, 9.0, 11.0])
    with (
        saving(tmp_path),
        pytest.raises(BusyError, match=f"process {os.getpid()}"),
        saving(tmp_path, clock=lambda: next(times)),
    ):
        pass
    assert next(times, None) is None


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/x",
        "overlays//b",
        "overlays/../../x",
        "overlays",
        "other/x",
        ".okd-gitops/x",
        "overlays/a\nb",
        "",
    ],
)
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    with saving(tmp_path) as save, pytest.raises(UsageError, match="not a path inside"):
        save({path: b""})
    assert files(tmp_path) == {}


def obstacle_symlink(root: Path) -> None:
    (root / "overlays").symlink_to(root.parent)


def obstacle_folder(root: Path) -> None:
    (root / "overlays/a/x").mkdir(parents=True)


def obstacle_fifo(root: Path) -> None:
    (root / "overlays/a").mkdir(parents=True)
    os.mkfifo(root / "overlays/a/x")


def obstacle_file(root: Path) -> None:
    (root / "overlays").write_bytes(b"mine\n")


def obstacle_another(root: Path) -> None:
    write(root, {"overlays/a/x": b"mine\n"})


@pytest.mark.parametrize(
    "obstacle", [obstacle_symlink, obstacle_folder, obstacle_fifo, obstacle_file, obstacle_another]
)
def test_an_obstacle_is_refused_before_anything_is_written(
    tmp_path: Path, obstacle: Callable[[Path], None]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    obstacle(root)
    before, outside = files(root), sorted(tmp_path.iterdir())
    with saving(root) as save, pytest.raises(OkdGitopsError, match="overlays"):
        save({"bases/x": b"1", "overlays/a/x": b"1"})
    assert (files(root), sorted(tmp_path.iterdir())) == (before, outside)
    assert not pending(root)


@pytest.mark.parametrize("mounted", ["overlays", "overlays/a", "overlays/a/one"])
def test_a_mount_point_on_the_way_is_refused_before_anything_is_written(tmp_path: Path, mounted: str) -> None:
    write(tmp_path, BEFORE)
    program = f"""
from pathlib import Path
from okd_gitops.system.journal import saving
with saving(Path({str(tmp_path)!r})) as save:
    save({PUT!r}, {DELETE!r}, before={BEFORE!r})
"""
    script = f'mount --bind "{tmp_path}/{mounted}" "{tmp_path}/{mounted}" && exec "{sys.executable}" -c "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", program]
    if subprocess.run([*command[:4], "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount in a namespace of their own")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert f"{mounted} is a mount point" in result.stderr
    assert files(tmp_path) == BEFORE
    assert not pending(tmp_path)


def test_a_full_or_read_only_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, BEFORE)

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BusyError, match="nothing was written") as raised:
        publish(tmp_path)
    assert raised.value.remedy == FREE_SPACE
    monkeypatch.undo()
    assert not pending(tmp_path)
    assert files(tmp_path) == BEFORE


@pytest.mark.parametrize("exchange", range(1, 6))
def test_an_exchange_that_fails_takes_back_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: int
) -> None:
    write(tmp_path, BEFORE)
    count, real = 0, swap.swap

    def failing(one: Path, other: Path) -> None:
        nonlocal count
        count += 1
        if count == exchange:
            raise PermissionError(1, "Operation not permitted", str(other))
        real(one, other)

    monkeypatch.setattr(swap, "swap", failing)
    with pytest.raises(BusyError, match=r"nothing was written: .*Operation not permitted") as raised:
        publish(tmp_path)
    assert raised.value.remedy == FREE_SPACE
    assert files(tmp_path) == BEFORE
    assert sorted(path.name for path in tmp_path.iterdir()) == [".okd-gitops", "mine.txt", "overlays"]
    assert not pending(tmp_path)


@pytest.mark.parametrize("kernel", ["renameat2", "without renameat2"])
@pytest.mark.parametrize("path", [*PUT, *DELETE])
def test_an_edit_right_before_its_file_is_replaced_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, kernel: str
) -> None:
    if kernel != "renameat2":
        monkeypatch.setattr(swap, "_renameat2", lambda: None)
    write(tmp_path, BEFORE)
    real = swap.swap

    def late(one: Path, other: Path) -> None:
        if other == tmp_path / path and not (tmp_path / "edited").exists():
            write(tmp_path, {path: b"mine\n", "edited": b""})
        real(one, other)

    monkeypatch.setattr(swap, "swap", late)
    with pytest.raises(BusyError, match=f"{path} changed while running; nothing was written") as raised:
        publish(tmp_path)
    assert raised.value.remedy == "run the same command again"
    assert files(tmp_path) == {**BEFORE, path: b"mine\n", "edited": b""}
    assert not pending(tmp_path)


@pytest.mark.parametrize("path", ["overlays/a/one", "overlays/a/two"])
def test_an_edit_before_any_operation_of_a_run_is_kept(tmp_path: Path, path: str) -> None:
    for limit in range(1, 300):
        root = tmp_path / str(limit)
        write(root, {**BEFORE, ".okd-gitops/edit": b"mine\n"})
        if published_with(root, limit, partial((root / ".okd-gitops/edit").replace, root / path)):
            break
        assert (root / path).read_bytes() == b"mine\n", limit
        assert not pending(root)
    assert limit > 20


def test_an_interrupted_change_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path, monkeypatch)
    with saving(tmp_path) as save:
        assert files(tmp_path) == AFTER
        save({"schemas/x": b"1\n"})
    assert files(tmp_path) == {**AFTER, "schemas/x": b"1\n"}


def test_an_edit_after_an_interrupted_run_is_named_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = interrupted(tmp_path, monkeypatch)
    write(tmp_path, {"overlays/a/two": b"mine\n"})
    half = files(tmp_path)
    for _ in range(2):
        with pytest.raises(BusyError, match="overlays/a/two changed since") as raised:
            recover(tmp_path)
        assert "journal.json" in raised.value.remedy
        assert (files(tmp_path), pending(tmp_path)) == (half, True)
    (state / "journal.json").unlink()
    recover(tmp_path)
    assert files(tmp_path) == half


def test_an_edit_while_an_interrupted_change_is_finished_is_named_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path, monkeypatch)
    real = swap.swap

    def late(one: Path, other: Path) -> None:
        if not (tmp_path / "edited").exists():
            write(tmp_path, {"bases/f/four": b"mine\n", "edited": b""})
        real(one, other)

    monkeypatch.setattr(swap, "swap", late)
    with pytest.raises(BusyError) as raised:
        recover(tmp_path)
    assert raised.value.reason == "a run was interrupted while it wrote, and bases/f/four changed since"
    assert (tmp_path / "bases/f/four").read_bytes() == b"mine\n"
    assert pending(tmp_path)


def test_an_edit_that_a_killed_run_had_displaced_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, BEFORE)
    real = swap.swap

    def late(one: Path, other: Path) -> None:
        if other == tmp_path / "overlays/a/one":
            other.write_bytes(b"mine\n")
            real(one, other)
            raise Killed
        real(one, other)

    monkeypatch.setattr(swap, "swap", late)
    with pytest.raises(Killed):
        publish(tmp_path)
    monkeypatch.setattr(swap, "swap", real)
    with pytest.raises(BusyError, match="overlays/a/one changed since"):
        recover(tmp_path)
    assert (tmp_path / "overlays/a/one").read_bytes() == b"mine\n"


@pytest.mark.parametrize("lost", [b"", b"\0" * 6])
def test_a_file_emptied_by_a_power_loss_is_no_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: bytes
) -> None:
    state = interrupted(tmp_path, monkeypatch)
    for path in (*state.glob("stage/*"), tmp_path / "overlays/a/one"):
        path.write_bytes(lost)
    recover(tmp_path)
    assert not pending(tmp_path)
    # Nothing empty is left as if it were content; what cannot be restored is absent or as before, and known
    # as ours.
    assert lost not in files(tmp_path).values()
    assert set(files(tmp_path)) <= {*BEFORE, *PUT}
    assert set(written(tmp_path)) == set(files(tmp_path)) - {"mine.txt"}


@pytest.mark.parametrize(
    ("lost", "after"),
    [
        ("overlays/a/one", {**AFTER, "overlays/a/one": b"1\n"}),
        ("overlays/b/c/three", {path: data for path, data in AFTER.items() if path != "overlays/b/c/three"}),
    ],
    ids=["replaced", "new"],
)
def test_a_new_file_that_a_power_loss_emptied_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, after: dict[str, bytes]
) -> None:
    interrupted(tmp_path, monkeypatch)
    (tmp_path / lost).write_bytes(b"\0" * 6)
    recover(tmp_path)

    assert files(tmp_path) == after
    assert not pending(tmp_path)


def edit(state: Path, change: Callable[[dict], object]) -> None:  # type: ignore[type-arg]
    value = json.loads((state / "journal.json").read_text())
    change(value)
    (state / "journal.json").write_text(json.dumps(value))


def raw(data: bytes) -> Callable[[Path], object]:
    return lambda state: (state / "journal.json").write_bytes(data)


def step(key: str, value: object) -> Callable[[Path], object]:
    return lambda state: edit(state, lambda journal: journal["steps"][0].update({key: value}))


def link(state: Path) -> None:
    (state / "journal.json").rename(state / "elsewhere")
    (state / "journal.json").symlink_to("elsewhere")


def folder(state: Path) -> None:
    (state / "journal.json").unlink()
    (state / "journal.json").mkdir()


def pipe(state: Path) -> None:
    (state / "journal.json").unlink()
    os.mkfifo(state / "journal.json")


def behind_link(state: Path) -> None:
    (state.parent / "bases").rename(state.parent / "elsewhere")
    (state.parent / "bases").symlink_to("elsewhere")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": raw(b""),
    "null": raw(b"null"),
    "list": raw(b"[]"),
    "garbage": raw(b"\xff\0{"),
    "deep": raw(b"[" * 100_000),
    "cut": lambda state: (state / "journal.json").write_bytes((state / "journal.json").read_bytes()[:-9]),
    "of 0.1": raw(b'{"put": {"overlays/a/one": "0"}, "delete": ["mine.txt"]}'),
    "no format": lambda state: edit(state, lambda value: value.pop("format")),
    "newer": lambda state: edit(state, lambda value: value.update(format=3)),
    "no steps": lambda state: edit(state, lambda value: value.update(steps=None)),
    "a file twice": lambda state: edit(state, lambda value: value["steps"].append(value["steps"][0])),
    "path of ours": step("path", "mine.txt"),
    "path outside": step("path", "../x"),
    "absolute path": step("path", "/etc/x"),
    "path inside the state": step("path", ".okd-gitops/lock"),
    "no path": step("path", None),
    "hash that is none": step("new", "x"),
    "stage outside": step("staged", "../../mine.txt"),
    "truth as a number": step("staged", True),
    "staged by another": lambda state: (state / "stage/2").write_bytes(b"theirs\n"),
    "journal that is a link": link,
    "journal that is a folder": folder,
    "journal that is a pipe": pipe,
    "long path": step("path", "x" * 300),
    "behind a link": behind_link,
}


# Whoever reads a pipe waits for ever.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_journal_that_is_not_ours_is_refused_and_nothing_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    state = interrupted(tmp_path, monkeypatch)
    DAMAGE[kind](state)
    half = files(tmp_path)
    with pytest.raises(BusyError) as raised:
        recover(tmp_path)
    assert raised.value.remedy
    assert files(tmp_path) == half
    assert pending(tmp_path)


JOURNAL_OF = "the journal of an interrupted run"
LOOK = "look at .okd-gitops/journal.json, remove it, then run okd-gitops generate"
UNREADABLE = (f"{JOURNAL_OF} cannot be read", LOOK)
NOT_OURS = (f"{JOURNAL_OF} is not one that okd-gitops writes", LOOK)


def never_written(path: str) -> tuple[str, str]:
    return f'{JOURNAL_OF} names "{path}", which okd-gitops never writes', LOOK


WORDS = {
    "empty": UNREADABLE,
    "null": NOT_OURS,
    "list": NOT_OURS,
    "garbage": UNREADABLE,
    "deep": UNREADABLE,
    "cut": UNREADABLE,
    "of 0.1": NOT_OURS,
    "no format": NOT_OURS,
    "newer": (
        "a newer okd-gitops was interrupted while it wrote",
        "run that version's okd-gitops generate",
    ),
    "no steps": NOT_OURS,
    "a file twice": (f"{JOURNAL_OF} names a file twice", LOOK),
    "path of ours": never_written("mine.txt"),
    "path outside": never_written("../x"),
    "absolute path": never_written("/etc/x"),
    "path inside the state": never_written(".okd-gitops/lock"),
    "no path": NOT_OURS,
    "hash that is none": NOT_OURS,
    "stage outside": NOT_OURS,
    "truth as a number": NOT_OURS,
    "staged by another": (f"{JOURNAL_OF} does not fit what it staged for bases/f/four", LOOK),
    "journal that is a link": UNREADABLE,
    "journal that is a folder": UNREADABLE,
    "journal that is a pipe": UNREADABLE,
    "behind a link": (
        (
            "the interrupted change cannot be finished: bases is a symlink: "
            "it could lead out of the repository"
        ),
        LOOK,
    ),
    "long path": never_written("x" * 200),
}
SPOILT: dict[str, Callable[[Path], object]] = {
    "a number below zero": step("staged", -1),
    "an old hash that is none": step("old", "x"),
    "a hash that is a number": step("new", 7),
    "one thing too many": step("mode", 7),
    "a step that is a text": lambda state: edit(state, lambda journal: journal["steps"].append("x")),
    "a format that is a text": lambda state: edit(state, lambda journal: journal.update(format="3")),
}
REFUSED: dict[str, tuple[Callable[[Path], object], tuple[str, str]]] = {
    **{kind: (DAMAGE[kind], words) for kind, words in WORDS.items()},
    **{kind: (spoil, NOT_OURS) for kind, spoil in SPOILT.items()},
    "a stage used twice": (
        lambda state: edit(state, lambda journal: journal["steps"][1].update(staged=0)),
        WORDS["a file twice"],
    ),
}


# Whoever reads a pipe waits for ever.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_journal_says_why_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    damage, words = REFUSED[kind]
    damage(interrupted(tmp_path, monkeypatch))

    with pytest.raises(BusyError) as raised:
        recover(tmp_path)
    assert (raised.value.reason, raised.value.remedy) == words


def test_nothing_else_is_done_while_a_change_is_pending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_pending(tmp_path)
    state = interrupted(tmp_path, monkeypatch)

    with pytest.raises(BusyError) as raised:
        refuse_pending(tmp_path)
    assert (raised.value.reason, raised.value.remedy) == (
        "a run was interrupted while it wrote",
        "okd-gitops generate finishes it",
    )

    raw(b"")(state)
    with pytest.raises(BusyError, match="cannot be read"):
        refuse_pending(tmp_path)


def test_a_disk_that_refuses_the_end_of_a_change_keeps_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tmp_path, monkeypatch)

    def full(one: Path, other: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(swap, "swap", full)
    with pytest.raises(BusyError) as raised:
        recover(tmp_path)
    assert raised.value.reason.startswith("the interrupted change cannot be finished: ")
    assert "No space left on device" in raised.value.reason
    assert raised.value.remedy == FREE_SPACE
    assert pending(tmp_path)

    monkeypatch.undo()
    recover(tmp_path)
    assert files(tmp_path) == AFTER


# Whoever reads a pipe waits for ever.
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("make", "found", "is_torn"),
    [
        (Path.exists, None, False),
        (lambda path: path.write_bytes(b""), digest(b""), True),
        (lambda path: path.write_bytes(b"\0\0"), digest(b"\0\0"), True),
        (lambda path: path.write_bytes(b"\0X\0"), digest(b"\0X\0"), False),
        (lambda path: path.mkdir(), swap.NOT_A_FILE, False),
        (lambda path: path.symlink_to("elsewhere"), swap.NOT_A_FILE, False),
        (os.mkfifo, swap.NOT_A_FILE, False),
    ],
    ids=["absent", "empty", "zeros", "content", "folder", "link", "pipe"],
)
def test_a_look_opens_only_files(
    tmp_path: Path, make: Callable[[Path], object], found: str | None, is_torn: bool
) -> None:
    make(tmp_path / "x")

    assert swap.look(tmp_path / "x") == found
    assert swap.torn(tmp_path / "x") == is_torn
    (tmp_path / "file").write_bytes(b"x")
    assert swap.look(tmp_path / "file" / "x") is None


def two_files(root: Path) -> tuple[Path, Path]:
    one, other = root / "one", root / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    return one, other


def test_two_names_exchange_their_files_and_copy_nothing(tmp_path: Path) -> None:
    one, other = two_files(tmp_path)
    numbers = one.stat().st_ino, other.stat().st_ino
    swap.swap(one, other)

    assert (other.stat().st_ino, one.stat().st_ino) == numbers
    assert (one.read_bytes(), other.read_bytes()) == (b"2", b"1")


def test_exchanges_leave_no_garbage(tmp_path: Path) -> None:
    one, other = two_files(tmp_path)
    swap.swap(one, other)
    gc.collect()

    # As a run of the program has it.
    gc.disable()
    try:
        for _ in range(10):
            swap.swap(one, other)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("appeared", ["one", "other"])
def test_a_file_that_appears_in_between_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, appeared: str
) -> None:
    one, other = two_files(tmp_path)
    monkeypatch.setattr(os.path, "lexists", lambda path: path != tmp_path / appeared)

    # What an earlier call left behind must not be taken for the answer of this one.
    ctypes.set_errno(0)

    with pytest.raises(FileExistsError) as raised:
        swap.swap(one, other)
    source, target = (other, one) if appeared == "one" else (one, other)
    error = raised.value
    assert (error.strerror, error.filename, error.filename2) == ("File exists", str(source), str(target))
    assert (one.read_bytes(), other.read_bytes()) == (b"1", b"2")


def test_names_below_the_working_folder_exchange_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    numbers = one.stat().st_ino, other.stat().st_ino
    swap.swap(Path("one"), Path("other"))

    assert (other.stat().st_ino, one.stat().st_ino) == numbers


@pytest.mark.parametrize(("failures", "succeeds"), [(0, True), (4, True), (5, False)])
def test_an_exchange_is_tried_five_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int, succeeds: bool
) -> None:
    one, other = two_files(tmp_path)
    left, real = failures, swap._rename

    def racing(one: Path, other: Path, flag: int) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise FileNotFoundError(2, "it went away", str(one))
        real(one, other, flag)

    monkeypatch.setattr(swap, "_rename", racing)
    if succeeds:
        swap.swap(one, other)
    else:
        with pytest.raises(FileNotFoundError):
            swap.swap(one, other)
    assert one.read_bytes() == (b"2" if succeeds else b"1")


def test_a_file_that_changed_before_is_refused_before_anything_is_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {**BEFORE, "overlays/gone/x": b"mine\n", "overlays/a/two": b"mine\n"})
    half = files(tmp_path)

    def exchanged(one: Path, other: Path) -> None:
        raise AssertionError(f"{one} and {other} were exchanged")

    monkeypatch.setattr(swap, "swap", exchanged)
    with pytest.raises(BusyError) as raised:
        publish(tmp_path)
    changed = "overlays/a/two, overlays/gone/x changed while running; nothing was written"
    assert (raised.value.reason, raised.value.remedy) == (changed, "run the same command again")
    assert (files(tmp_path), pending(tmp_path)) == (half, False)


def test_a_change_whose_end_fails_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, BEFORE)

    def full(root: Path, steps: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "finish", full)
    with pytest.raises(BusyError) as raised:
        publish(tmp_path)
    assert raised.value.reason == "the write was interrupted: [Errno 28] No space left on device"
    assert raised.value.remedy == "run the same command again: it finishes what is left"
    assert pending(tmp_path)

    monkeypatch.undo()
    recover(tmp_path)
    assert (files(tmp_path), pending(tmp_path)) == (AFTER, False)


@pytest.mark.parametrize(("number", "one_by_one"), [(100, True), (101, False)])
def test_every_staged_file_is_on_the_disk_before_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, one_by_one: bool
) -> None:
    synced: list[Path] = []
    of_all: list[bool] = []
    monkeypatch.setattr(journal, "sync", synced.append)
    monkeypatch.setattr(os, "sync", lambda: of_all.append(True))

    with saving(tmp_path) as save:
        save({f"overlays/a/{index}": b"x" for index in range(number)})
    staged = [path for path in synced if path.parent.name == "stage"]
    assert (len(staged), len(of_all)) == ((number, 0) if one_by_one else (0, 1))
