"""generate, as a user runs it: same bytes everywhere, nothing touched that need not be, nothing written
when something is wrong.
"""

import json
import shutil
from pathlib import Path

import pytest

from cluster_files import DEMO
from conftest import Run, files


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino)
        for folder in ("argocd", "bases", "overlays")
        for path in (root / folder).rglob("*")
    }


def test_a_second_run_changes_no_file(repo: Path, okd_gitops: Run) -> None:
    before = snapshot(repo)
    result = okd_gitops("generate")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].endswith(" 0 changed")
    assert snapshot(repo) == before


def test_deleted_folders_return_byte_for_byte_under_any_seed_locale_and_path(
    repo: Path, okd_gitops: Run
) -> None:
    wanted = files(repo)
    for seed, locale, cwd in (
        ("0", "C", repo),
        ("1", "tr_TR.UTF-8", repo / "clusters"),
        ("77", "C.UTF-8", repo),
    ):
        for folder in ("argocd", "bases", "overlays"):
            shutil.rmtree(repo / folder)
        result = okd_gitops("generate", cwd=cwd, PYTHONHASHSEED=seed, LC_ALL=locale, TZ="Asia/Tokyo")
        assert result.returncode == 0, result.stderr
        assert files(repo) == wanted


def test_eight_lines_make_a_cluster_and_removing_the_file_removes_it(repo: Path, okd_gitops: Run) -> None:
    before = files(repo)
    (repo / "clusters/demo.yaml").write_text(DEMO)
    assert okd_gitops("generate").returncode == 0
    after = files(repo)
    assert {path for path in {*before, *after} if before.get(path) != after.get(path)} == {
        "argocd/demo/application.yaml",
        "argocd/demo/appproject.yaml",
        "argocd/demo/generated.sha256",
        "overlays/demo/generated.sha256",
        "overlays/demo/kustomization.yaml",
    }
    (repo / "clusters/demo.yaml").unlink()
    assert okd_gitops("generate").returncode == 0
    assert files(repo) == before
    assert not (repo / "overlays/demo").exists()


def test_check_and_dry_run_write_nothing(repo: Path, okd_gitops: Run) -> None:
    before = snapshot(repo)
    (repo / "clusters/demo.yaml").write_text(DEMO)
    checked = okd_gitops("generate", "--check", "--output=json")
    assert checked.returncode == 3
    names = {finding["name"] for finding in json.loads(checked.stdout)["findings"]}
    assert names - {"example-value"} == {"out-of-date"}
    dry = okd_gitops("generate", "--dry-run")
    assert dry.returncode == 0
    assert "+  name: demo\n" in dry.stdout
    assert snapshot(repo) == before


def test_only_the_clusters_that_are_asked_for(repo: Path, okd_gitops: Run) -> None:
    for name in ("moc-cd", "moc-test"):
        file = repo / f"clusters/{name}.yaml"
        file.write_text(file.read_text().replace("stable-scos-4", "next-scos-4"))
    result = okd_gitops("generate", "--cluster", "moc-t*")
    assert result.returncode == 0, result.stderr
    assert "overlays/moc-test/kustomization.yaml" in result.stdout
    assert "overlays/moc-cd" not in result.stdout
    assert "next-scos-4" not in (repo / "overlays/moc-cd/kustomization.yaml").read_text()
    nobody = okd_gitops("generate", "--cluster", "moc-tset")
    assert (nobody.returncode, 'did you mean "moc-test"?' in nobody.stderr) == (2, True)


def test_a_hand_edit_is_refused_and_force_names_the_file(repo: Path, okd_gitops: Run) -> None:
    edited = repo / "overlays/moc-cd/kustomization.yaml"
    wanted = edited.read_bytes()
    edited.write_bytes(wanted + b"# mine\n")
    (repo / "clusters/demo.yaml").write_text(DEMO)
    before = files(repo)
    result = okd_gitops("generate")
    assert result.returncode == 3
    assert "edited-by-hand" in result.stderr
    assert "-# mine" in result.stdout
    assert files(repo) == before
    slip = okd_gitops("generate", "--force", "overlays/moc-cd/kustomisation.yaml")
    assert (slip.returncode, "kustomization.yaml" in slip.stderr) == (2, True)
    assert okd_gitops("generate", "--force", "overlays/moc-cd/kustomization.yaml").returncode == 0
    assert edited.read_bytes() == wanted


BOMB = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10) if n else 'x'}]" for n in range(10))
BAD: dict[str, bytes] = {
    "duplicate keys": b"purpose: test\npurpose: cd\n",
    "tabs": b"purpose: test\nrelease:\n\tchannel: x\n",
    "unknown key": b"purposes: test\n",
    "wrong type": b"purpose: [test]\n",
    "alias bomb": BOMB.encode(),
    "100 MB": b"#" * 100_000_000,
    "invalid UTF-8": b"purpose: \xff\xfe\n",
    "not a map": b"- a\n",
    "empty": b"",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("command", [("generate",), ("generate", "--check"), ("check",), ("commit",)])
@pytest.mark.parametrize("kind", [*BAD, "symlink", "traversal", "fleet"])
def test_a_bad_file_is_one_clear_error_and_nothing_is_written(
    repo: Path, okd_gitops: Run, kind: str, command: tuple[str, ...]
) -> None:
    (repo / "clusters/demo.yaml").write_text(DEMO)
    bad = "clusters/bad.yaml"
    if kind == "symlink":
        (repo.parent / "secret.yaml").write_text(DEMO)
        (repo / bad).symlink_to(repo.parent / "secret.yaml")
    elif kind == "traversal":
        bad = "clusters/..%2f..%2fbad.yaml"
        (repo / bad).write_text(DEMO)
    elif kind == "fleet":
        bad = "fleet.yaml"
        (repo / bad).write_text("hub: ../../etc\n")
    else:
        (repo / bad).write_bytes(BAD[kind])
    before = files(repo)
    result = okd_gitops(*command)
    assert result.returncode == 2, result.stderr
    assert f"  {bad}" in result.stderr
    assert "Traceback" not in result.stderr
    assert "bug" not in result.stderr
    assert len(result.stderr) < 3000
    assert files(repo) == before


def test_an_empty_folder_of_clusters_removes_nothing(repo: Path, okd_gitops: Run) -> None:
    before = files(repo)
    for file in (repo / "clusters").glob("*.yaml"):
        file.unlink()
    result = okd_gitops("generate")
    assert (result.returncode, "empty-fleet" in result.stderr) == (2, True)
    assert files(repo) == before


def test_outside_of_a_repository_the_next_command_is_named(tmp_path: Path, okd_gitops: Run) -> None:
    (tmp_path / "elsewhere").mkdir()
    result = okd_gitops("generate", cwd=tmp_path / "elsewhere")
    assert (result.returncode, "okd-gitops init" in result.stderr) == (2, True)


def test_a_generated_folder_that_is_a_symlink_is_not_followed(repo: Path, okd_gitops: Run) -> None:
    outside = repo.parent / "outside"
    (repo / "overlays").rename(outside)
    (repo / "overlays").symlink_to(outside)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    result = okd_gitops("generate")
    assert (result.returncode, "symlink" in result.stderr) == (2, True)
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before


def test_nothing_beside_the_repository_is_written(repo: Path, okd_gitops: Run) -> None:
    (repo / "clusters/demo.yaml").write_text(DEMO)
    before = {path for path in repo.parent.rglob("*") if repo not in path.parents}
    assert okd_gitops("generate").returncode == 0
    assert {path for path in repo.parent.rglob("*") if repo not in path.parents} == before


def test_a_long_term_cluster_goes_in_two_changes(repo: Path, okd_gitops: Run) -> None:
    file = repo / "clusters/moc-cd.yaml"
    text, before = file.read_text(), files(repo)
    file.unlink()
    result = okd_gitops("generate")
    assert (result.returncode, "unannounced-removal" in result.stderr) == (3, True)
    assert files(repo) == before
    # Other clusters have folders of their own, in which nothing changes.
    assert okd_gitops("generate", "--cluster", "moc-test").returncode == 0
    assert files(repo) == before
    (repo / "clusters/moc-renamed.yaml").write_text(text)
    assert okd_gitops("generate").returncode == 3
    (repo / "clusters/moc-renamed.yaml").unlink()
    file.write_text(f"{text}decommission: true\n")
    assert okd_gitops("generate").returncode == 0
    file.unlink()
    assert okd_gitops("generate").returncode == 0
    assert not (repo / "overlays/moc-cd").exists()
