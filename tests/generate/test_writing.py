"""What a command writes: whatever stands in the way, whoever edits meanwhile and whatever kills the run,
no work of anybody is lost.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster_files import DEMO
from conftest import Run, files, git
from okd_gitops.errors import BusyError
from okd_gitops.generate import generate as command
from okd_gitops.generate.compare import compare
from okd_gitops.generate.generate import generate
from okd_gitops.system import swap
from okd_gitops.system.recovery import pending
from okd_gitops.tree import digest

EDITED = "overlays/moc-test/kustomization.yaml"
LIST = "overlays/moc-test/generated.sha256"


class Killed(BaseException):
    """Ends a run where a SIGKILL would: nothing is cleaned up."""


def killed(repo: Path, monkeypatch: pytest.MonkeyPatch, exchanges: int) -> None:
    """Add a cluster and generate, but end when so many files are in place."""
    (repo / "clusters/demo.yaml").write_text(DEMO)
    left, real = [None] * exchanges, swap.swap

    def counting(one: Path, other: Path) -> None:
        if not left:
            raise Killed
        left.pop()
        real(one, other)

    monkeypatch.setattr(swap, "swap", counting)
    with pytest.raises(Killed):
        generate(repo)
    monkeypatch.setattr(swap, "swap", real)


def forge(repo: Path, path: str, data: bytes) -> None:
    """Edit a generated file, or add one, and let the list beside it say that it is ours."""
    (repo / path).write_bytes(data)
    folder, _, name = path.rpartition("/")
    listing = repo / folder / "generated.sha256"
    others = [line for line in listing.read_text().splitlines() if not line.endswith(f"  {name}")]
    listing.write_text("\n".join([*others, f"{digest(data)}  {name}", ""]))


def commit_all(repo: Path) -> None:
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "x")


def refused(repo: Path) -> list[tuple[str, str]]:
    result = generate(repo)
    assert not (result.drift.refused and result.written)
    return [(finding.name, finding.location.file) for finding in result.drift.refused]


BETWEEN = [("cluster", "new", "another", "--purpose", "test"), ("generate", "--check")]


@pytest.mark.parametrize("between", BETWEEN)
def test_a_killed_generation_is_finished_by_whichever_command_writes_next(
    repo: Path, okd_gitops: Run, monkeypatch: pytest.MonkeyPatch, between: tuple[str, ...]
) -> None:
    killed(repo, monkeypatch, 2)
    result = okd_gitops(*between)
    reads = "--check" in between
    assert result.returncode == (7 if reads else 0), result.stderr
    assert pending(repo) == reads
    assert not reads or "okd-gitops generate finishes it" in result.stderr
    if not reads:
        (repo / "clusters/another.yaml").unlink()
    assert refused(repo) == []
    assert (repo / "overlays/demo/kustomization.yaml").exists()


@pytest.mark.parametrize("lost", ["staged", "in place", "both"])
def test_files_lost_in_a_power_loss_are_generated_again(
    repo: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    killed(repo, monkeypatch, 4)
    written = [
        path
        for path in (repo / "argocd/demo").iterdir()
        if path.stat().st_mtime > (repo / "clusters/demo.yaml").stat().st_mtime
    ]
    staged = list((repo / ".okd-gitops/stage").iterdir())
    for path in {"staged": staged, "in place": written, "both": staged + written}[lost]:
        path.write_bytes(b"")
    assert refused(repo) == []
    assert b"" not in files(repo).values()
    assert generate(repo).drift.changes == 0
    assert (repo / "overlays/demo/kustomization.yaml").exists()


@pytest.mark.parametrize("commits", [True, False])
def test_an_edit_is_found_also_when_its_checksum_was_edited(repo: Path, commits: bool) -> None:
    if commits:
        # A clone has no record of what was written elsewhere: only what is committed.
        shutil.rmtree(repo / ".okd-gitops")
        commit_all(repo)
    forge(repo, EDITED, (repo / EDITED).read_bytes() + b"# mine\n")
    forge(repo, "overlays/moc-cd/mine.yaml", b"mine: 1\n")
    before = files(repo)
    assert refused(repo) == [("edited-by-hand", "overlays/moc-cd/mine.yaml"), ("edited-by-hand", EDITED)]
    assert files(repo) == before
    assert generate(repo, forced=[EDITED, "overlays/moc-cd/mine.yaml"]).written
    assert refused(repo) == []


@pytest.mark.parametrize("proof", ["record", "commit", "merge", "neither"])
def test_generated_files_are_rewritten_without_a_question(repo: Path, proof: str) -> None:
    if proof == "merge":
        commit_all(repo)
        git(repo, "switch", "-q", "-c", "other")
        (repo / "clusters/demo.yaml").write_text(DEMO)
        generate(repo)
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", "other")
        git(repo, "switch", "-q", "-")
        git(repo, "merge", "-q", "--no-ff", "--no-commit", "other")
    elif proof == "commit":
        commit_all(repo)
    if proof != "record":
        shutil.rmtree(repo / ".okd-gitops")
    text = (repo / "clusters/moc-test.yaml").read_text()
    (repo / "clusters/moc-test.yaml").write_text(text.replace("stable-scos-4", "next-scos-4"))
    (repo / "clusters/demo.yaml").unlink(missing_ok=True)
    assert refused(repo) == []
    assert not (repo / "overlays/demo").exists()
    assert "next-scos-4" in (repo / EDITED).read_text()


@pytest.mark.parametrize("damage", ["missing", "cut", "merge markers", "empty"])
def test_a_damaged_list_loses_no_edit_and_is_made_again(repo: Path, damage: str) -> None:
    text = (repo / LIST).read_text()
    texts = {"cut": text[:80], "merge markers": f"<<<<<<< HEAD\n{text}", "empty": ""}
    if damage == "missing":
        (repo / LIST).unlink()
    else:
        (repo / LIST).write_text(texts[damage])
    wanted = (repo / EDITED).read_bytes()
    (repo / EDITED).write_bytes(wanted + b"# mine\n")
    before = files(repo)
    assert EDITED in [file for _, file in refused(repo)]
    assert files(repo) == before
    (repo / EDITED).write_bytes(wanted)
    assert {file for _, file in refused(repo)} <= {LIST}
    generate(repo, forced=[LIST])
    assert (repo / LIST).read_text() == text


def place_folder(path: Path) -> None:
    path.mkdir()


def place_fifo(path: Path) -> None:
    os.mkfifo(path)


def place_file_above(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_bytes(b"mine\n")


def place_hard_link(path: Path) -> None:
    outside = path.parents[3] / "outside"
    outside.write_bytes(b"mine\n")
    path.hardlink_to(outside)


@pytest.mark.parametrize("place", [place_folder, place_fifo, place_file_above, place_hard_link])
def test_a_foreign_object_in_place_of_a_generated_file_is_refused_first(
    repo: Path, okd_gitops: Run, place: Callable[[Path], None]
) -> None:
    (repo / "clusters/demo.yaml").write_text(DEMO)
    (repo / EDITED).unlink()
    place(repo / EDITED)
    before = {path: path.lstat().st_ino for path in repo.rglob("*") if ".okd-gitops" not in path.parts}
    assert okd_gitops("generate").returncode in (2, 3)
    assert {
        path: path.lstat().st_ino for path in repo.rglob("*") if ".okd-gitops" not in path.parts
    } == before


def test_a_hard_link_to_a_generated_file_is_not_changed(repo: Path) -> None:
    before = (repo / EDITED).read_bytes()
    (repo.parent / "outside").hardlink_to(repo / EDITED)
    text = (repo / "clusters/moc-test.yaml").read_text()
    (repo / "clusters/moc-test.yaml").write_text(text.replace("stable-scos-4", "next-scos-4"))
    assert refused(repo) == []
    assert (repo / EDITED).read_bytes() != before
    assert (repo.parent / "outside").read_bytes() == before


@pytest.mark.parametrize(
    "path",
    ["fleet.yaml", "clusters/moc-test.yaml", "clusters/new.yaml", "catalog/features/mine/feature.yaml"],
)
def test_an_input_that_is_saved_during_a_run_stops_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    (repo / "clusters/demo.yaml").write_text(DEMO)
    real, before = compare, files(repo)

    def late(*arguments: object, **options: object) -> object:
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_bytes(b"mine\n")
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "compare", late)
    with pytest.raises(BusyError, match=f"{path} changed while running"):
        generate(repo)
    assert files(repo) == before
