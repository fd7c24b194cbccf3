"""A write lands all or nothing: killed before any system call that touches the disk, the next run finds before or after."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from okd_gitops.errors import UsageError
from okd_gitops.journal import WriteError, locked, pending, publish, recover

BEFORE = {"overlays/a/one": b"1\n", "overlays/a/two": b"2\n", "overlays/gone/x": b"x\n", "mine.txt": b"mine\n"}
PUT = {"overlays/a/one": b"1 new\n", "overlays/b/c/three": b"3\n", "bases/f/four": b"4\n"}
DELETE = ["overlays/a/two", "overlays/gone/x"]
AFTER = {"mine.txt": b"mine\n", **PUT}

# Kills itself before the n-th operation on a file; prints how many there were when n is never reached.
CHILD = f"""
import os, signal, sys
from pathlib import Path
from okd_gitops.journal import locked, publish, recover
limit, root, count = int(sys.argv[1]), Path(sys.argv[2]), 0
def hook(event, arguments):
    global count
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"):
        count += 1
        if count == limit:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
with locked(root):
    recover(root)
    publish(root, {PUT!r}, {DELETE!r})
print(count)
"""


def write(root: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file() and ".okd-gitops" not in path.parts}


def test_a_kill_before_each_operation_leaves_before_or_after(tmp_path: Path) -> None:
    outcomes = []
    for limit in range(1, 200):
        root = tmp_path / str(limit)
        write(root, BEFORE)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
        child = subprocess.run([sys.executable, "-c", CHILD, str(limit), str(root)], env=environment, capture_output=True, check=False)
        decided = pending(root)
        with locked(root):
            assert recover(root) == decided
            assert not pending(root)
        outcomes.append(files(root))
        assert outcomes[-1] in (BEFORE, AFTER), limit
        assert not (root / ".okd-gitops" / "stage").exists()
        if child.returncode == 0:
            break
    assert child.returncode == 0
    assert outcomes.count(BEFORE) > 5
    assert outcomes.count(AFTER) > 5
    # Once it is decided it stays decided.
    assert outcomes == [BEFORE] * outcomes.count(BEFORE) + [AFTER] * outcomes.count(AFTER)


def test_empty_folders_go_with_their_last_file(tmp_path: Path) -> None:
    write(tmp_path, BEFORE)
    with locked(tmp_path):
        publish(tmp_path, PUT, DELETE)
    assert files(tmp_path) == AFTER
    assert not (tmp_path / "overlays/gone").exists()


def test_a_second_run_beside_it_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(UsageError, match=f"process {os.getpid()}"), locked(tmp_path):
        pass


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/../../x"])
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    with locked(tmp_path), pytest.raises(UsageError, match="not a path inside"):
        publish(tmp_path, {path: b""}, [])


def test_a_symlink_on_the_way_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    root.mkdir()
    (root / "overlays").symlink_to(outside)
    with locked(root), pytest.raises(UsageError, match="overlays is a symlink"):
        publish(root, {"bases/x": b"1", "overlays/a/x": b"1"}, [])
    assert files(root) == {}
    assert list(outside.iterdir()) == []


def test_a_full_or_read_only_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, BEFORE)

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    with locked(tmp_path):
        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(WriteError, match="nothing was written"):
            publish(tmp_path, PUT, DELETE)
        monkeypatch.undo()
        assert not recover(tmp_path)
    assert files(tmp_path) == BEFORE
