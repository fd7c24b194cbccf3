"""A small fleet with a remote in a folder of its own, which can be copied, run in, and compared whole."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from conftest import CACHE, ROOT, files, git
from release_controller import Controller, image

VERSION = "4.21.0-okd-scos.0"
_FLEET = (
    "repository: https://git.example.org/fleet.git\n"
    "hub: hub\n"
    "owners: [ops]\n"
    "upstream: https://graph.example.org/graph\n"
)
_CLUSTER = (
    "purpose: {purpose}\n"
    "server: https://api.{name}.example.org:6443\n"
    "clusterID: 8c5e1d37-02bb-4f6a-8e49-{number:012d}\n"
)
_RELEASE = (
    "release:\n"
    "  stream: 4-scos-stable\n"
    "  channel: stable-scos-4\n"
    f"  version: {VERSION}\n"
    f"  image: {image(VERSION)}\n"
)


@dataclass(slots=True)
class Place:
    """A folder with a clone, its bare remote and a folder for temporary files."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "repo"

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    def copy(self, folder: Path) -> "Place":
        """Copy everything to `folder`, with the remote of the copy."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        subprocess.run(
            ["cp", "-a", *(str(self.folder / name) for name in ("repo", "remote.git", "tmp")), str(folder)],
            check=True,
        )
        _give_tools(folder / "cache")
        config = folder / "repo/.git/config"
        config.write_text(config.read_text().replace(str(self.remote), str(folder / "remote.git")))
        return Place(folder)

    def run(self, arguments: list[str], before: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run okd-gitops here, and wait for every program that it leaves behind."""
        environment = {**os.environ, "TMPDIR": str(self.folder / "tmp")}
        command = [
            *(before or []),
            sys.executable,
            "-IB",
            str(ROOT / "generator"),
            "--quiet",
            "--cache",
            str(self.folder / "cache"),
            *arguments,
        ]
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        until = time.monotonic() + 60
        while _at_work(self.folder) and time.monotonic() < until:
            time.sleep(0.01)
        return done

    def state(self) -> dict[str, object]:
        """Return all that counts: files, branches here and there as trees and messages, and what differs
        from HEAD.
        """
        people = {path.relative_to(self.root).as_posix(): path.read_bytes() for path in _people(self.root)}
        heads = {name: _history(at) for name, at in (("here", self.root), ("remote", self.remote))}
        return {
            "generated": files(self.root),
            "people": people,
            **heads,
            "status": git(self.root, "status", "--porcelain"),
        }

    def left(self) -> list[str]:
        """Return what a run must not leave: a journal, staged files, work trees, locks, a broken
        repository.
        """
        found = [
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*.lock")
            if ".git" in str(path)
        ]
        kept = {".gitignore", "lock", "pull-requests", "written.sha256"}
        found += [
            f".okd-gitops/{path.name}"
            for path in (self.root / ".okd-gitops").glob("*")
            if path.name not in kept
        ]
        found += git(self.root, "worktree", "list").splitlines()[1:]
        return found + self.broken()

    def broken(self) -> list[str]:
        """Return what git finds wrong with the clone and its remote."""
        checks = [
            subprocess.run(["git", "fsck", "--connectivity-only"], cwd=at, capture_output=True, text=True)
            for at in (self.root, self.remote)
        ]
        return [check.stderr for check in checks if check.returncode]


def _people(root: Path) -> Iterator[Path]:
    yield root / "fleet.yaml"
    yield from (path for path in sorted((root / "clusters").rglob("*")) if path.is_file())


def _history(repository: Path) -> list[str]:
    """Return the commits of all branches by tree and message: their hashes hold the time."""
    text = git(
        repository,
        "-c",
        "core.bare=false",
        "log",
        "--branches",
        "--decorate=full",
        "--format=%D%x00%T%x00%B%x01",
    )
    return sorted(entry.strip() for entry in text.split("\x01"))


def _at_work(folder: Path) -> bool:
    """Whether a program still works below a folder."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str((process / "cwd").readlink()).startswith(f"{folder}/"):
                return True
    return False


def _give_tools(cache: Path) -> None:
    """Give a cache the pinned tools: the same files, where the file system lets it, in a folder of its
    own.
    """
    (cache / "bin").mkdir(parents=True, mode=0o700)
    (cache / "schemas").symlink_to(CACHE / "schemas")
    for path in (CACHE / "bin").iterdir():
        try:
            os.link(path, cache / "bin" / path.name)
        except OSError:
            shutil.copy2(path, cache / "bin" / path.name)


def _cluster(root: Path, name: str, more: str = "") -> None:
    purpose = "hub" if name == "hub" else "test"
    text = _CLUSTER.format(purpose=purpose, name=name, number=sum(name.encode())) + _RELEASE + more
    (root / f"clusters/{name}.yaml").write_text(text)


def committed(folder: Path, controller: Controller) -> Place:
    """Make a clone of a small fleet, all committed and pushed."""
    place = Place(folder)
    for name in ("repo/clusters", "tmp"):
        (folder / name).mkdir(parents=True)
    _give_tools(folder / "cache")
    (place.root / "fleet.yaml").write_text(_FLEET)
    for name in ("hub", "canary", "probe"):
        _cluster(place.root, name)
    controller.follow(place.root)
    made = place.run(["generate"])
    assert made.returncode == 0, made.stderr
    git(place.root, "init", "-q", "--initial-branch=main")
    git(place.root, "add", "-A")
    git(place.root, "commit", "-qm", "start")
    git(place.root, "init", "-q", "--bare", "--initial-branch=main", str(place.remote))
    git(place.root, "remote", "add", "origin", str(place.remote))
    git(place.root, "push", "-q", "origin", "main")
    return place


def edited(folder: Path, controller: Controller) -> Place:
    """Make the same with a cluster file that was changed, one that was added and one that was removed."""
    place = committed(folder, controller)
    _cluster(place.root, "canary", "features:\n  tekton:\n")
    _cluster(place.root, "extra")
    (place.root / "clusters/probe.yaml").unlink()
    return place


def generated(folder: Path, controller: Controller) -> Place:
    """Make that, generated and not yet committed."""
    place = edited(folder, controller)
    assert place.run(["generate"]).returncode == 0
    return place
