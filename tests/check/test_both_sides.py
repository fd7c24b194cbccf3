"""A change is judged alike whether or not the check of its base uses what was found of the files."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from changes import lay_out
from conftest import CACHE, git
from okd_gitops.check import judge
from okd_gitops.check.change.judge_change import judge_change
from okd_gitops.check.judge import Built
from okd_gitops.check.rule import Overlay
from okd_gitops.evidence.records import Records
from okd_gitops.generate.generate import generate
from okd_gitops.system.disk import MAX_GENERATED, ROOTS
from okd_gitops.system.draft import drafted
from okd_gitops.system.files_on_disk import lend
from okd_gitops.system.kept import EXACT, Kept

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXTRA = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: default}\ndata:\n  a: REPLACE_ME\n"
ALL = ["argocd", "overlays/moc-cd", "overlays/moc-hub", "overlays/moc-test"]


def write_extra(root: Path, name: str, text: str) -> None:
    folder = root / f"clusters/{name}"
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text("resources: [map.yaml]\n")
    (folder / "map.yaml").write_text(text)


def written(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet of three clusters, two of which have a placeholder in their extras; no status has settled."""
    root = tmp_path_factory.mktemp("fleet")
    lay_out(root, {"moc-hub": "hub", "moc-test": "test", "moc-cd": "cd"})
    for name in ("moc-test", "moc-hub"):
        write_extra(root, name, EXTRA)
    generate(root)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "extras")
    return root


def _nothing(root: Path) -> None:
    """Edit nothing."""


def _an_extra(root: Path) -> None:
    write_extra(root, "moc-test", EXTRA.replace("a: REPLACE_ME", "b: CHANGE_ME"))


def _by_hand(root: Path) -> None:
    with (root / "overlays/moc-cd/kustomization.yaml").open("a") as file:
        file.write("# by hand\n")


def _a_second_one(root: Path) -> None:
    (root / "overlays/moc-test/kustomization.yml").write_text("resources: []\n")


def _gone(root: Path) -> None:
    (root / "clusters/moc-test.yaml").unlink()
    shutil.rmtree(root / "clusters/moc-test")


def _the_fleet(root: Path) -> None:
    path = root / "fleet.yaml"
    path.write_text(path.read_text().replace("owners: [moc-ops]", "owners: [others]"))


EDITS: dict[Callable[[Path], None], Sequence[str]] = {
    # The overlays that are built for the base, where the files have been judged.
    _nothing: [],
    _an_extra: ["overlays/moc-test"],
    _by_hand: ["overlays/moc-cd"],
    _a_second_one: ["argocd", "overlays/moc-test"],
    _gone: ["argocd", "overlays/moc-cd", "overlays/moc-test"],
    _the_fleet: ALL,
}


def judged(root: Path, kept: Kept | None) -> tuple[object, ...]:
    """Judge what was edited since HEAD: return what was found of the change, of the files and of the base."""
    found = judge_change(root, CACHE, "HEAD", Records(), now=NOW, say=lambda _: None, kept=kept)
    return found.change, replace(found.report, seconds={}), found.older


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_the_base_is_judged_by_what_was_found_of_the_files(
    edit: Callable[[Path], None], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shutil.copytree(base, tmp_path / "repo", symlinks=True)
    edit(root)
    if edit not in (_by_hand, _a_second_one):
        generate(root)
    built: list[list[str]] = []
    build_overlays = judge.build_overlays

    def noted(overlays: Sequence[Overlay], *rest: Any, **more: Any) -> Built:
        built.append(sorted(overlay.folder for overlay in overlays))
        return build_overlays(overlays, *rest, **more)

    monkeypatch.setattr(judge, "build_overlays", noted)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv(EXACT, "1")
    exact = judged(root, None)
    assert exact[-1], "an extra had a placeholder before"
    assert built[-1] == ALL, "the base is judged whole"

    monkeypatch.delenv(EXACT)
    built.clear()
    assert judged(root, None) == exact
    assert built[-1] == EDITS[edit]

    (tmp_path / "kept").mkdir()
    kept = Kept(tmp_path / "kept", "here")
    for _ in range(2):
        built.clear()
        assert judged(root, kept) == exact
    # What does not build is built each time.
    assert built[0] == (["overlays/moc-test"] if edit is _a_second_one else [])
    assert built[-1] == EDITS[edit]


def test_files_of_a_draft_are_written_when_a_program_is_told_to_read_them(base: Path) -> None:
    commit = git(base, "rev-parse", "HEAD").strip()
    path = "overlays/moc-cd/kustomization.yaml"
    with ExitStack() as stack:
        whole, late = (stack.enter_context(drafted(base, commit, folders)) for folders in ((), ("overlays",)))
        assert dict(whole.files) == dict(late.files)
        assert {each: late.files.digest(each) for each in late.files} == {
            each: whole.files.digest(each) for each in whole.files
        }

        assert not (late.folder / "overlays").exists()
        assert (late.folder / "fleet.yaml").read_bytes() == whole.files["fleet.yaml"]
        lend(late.files, path)
        lend(late.files, path)
        assert written(late.folder / "overlays") == [late.folder / path]
        assert (late.folder / path).read_bytes() == (whole.folder / path).read_bytes()


@pytest.mark.parametrize("kind", ["link", "too large"])
def test_a_draft_with_a_file_that_must_not_be_read_is_written_whole(
    kind: str, base: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(base, tmp_path / "repo", symlinks=True)
    file = root / "overlays/moc-cd/more.yaml"
    if kind == "link":
        file.symlink_to("kustomization.yaml")
    else:
        file.write_bytes(b"#" * (MAX_GENERATED + 1))
    git(root, "add", "-A")
    git(root, "commit", "-qm", kind)

    with drafted(root, git(root, "rev-parse", "HEAD").strip(), ROOTS) as draft:
        assert draft.files_in(*ROOTS) is None
        assert draft.files_in("clusters") is not None
        assert (draft.folder / "overlays/moc-cd/more.yaml").lstat()
        assert (draft.folder / "argocd/moc-cd/application.yaml").is_file()
