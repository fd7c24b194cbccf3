"""diff shows rendered objects per cluster, and one change on many clusters once."""

import json
import shutil
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bench import own_cache
from cluster_files import DEMO
from conftest import Run, git
from okd_gitops.check import diff as differing
from okd_gitops.check.check import check
from okd_gitops.check.diff import FOLDERS, Difference, ObjectChange, diff
from okd_gitops.check.edited_overlays import Sides, is_edited
from okd_gitops.errors import BusyError
from okd_gitops.generate.generate import generate
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.system import commit_files, file_status, files_on_disk, git_objects
from okd_gitops.system.commit_files import files_at
from okd_gitops.system.kept import Kept, Results, key_of
from okd_gitops.system.unchanged import Earlier, hash_of_code
from okd_gitops.tree import Tree
from rendered import commit_fleet, own_cluster


@pytest.fixture
def committed(repo: Path) -> Path:
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=start")
    return repo


def test_nothing_changed(committed: Path, okd_gitops: Run) -> None:
    result = okd_gitops("diff")
    assert result.returncode == 0, result.stderr
    assert (
        result.stdout
        == "0 added, 0 changed, 0 removed (identical changes counted once); 6 overlays untouched\n"
    )


def test_identical_changes_are_folded_over_clusters(committed: Path, okd_gitops: Run) -> None:
    for name in ("moc-cd", "moc-hub", "moc-test"):
        file = committed / f"clusters/{name}.yaml"
        file.write_text(file.read_text().replace("channel: stable-scos-4", "channel: next-scos-4"))
    assert okd_gitops("generate").returncode == 0
    report = json.loads(okd_gitops("diff", "--output=json").stdout)
    (change,) = report["changes"]
    assert change["overlays"] == ["overlays/moc-cd", "overlays/moc-hub", "overlays/moc-test"]
    assert "\n-  channel: stable-scos-4\n+  channel: next-scos-4\n" in change["diff"]
    # The ID of one cluster is not that of the others.
    assert "clusterID" not in change["diff"]
    assert report["untouched"] == ["argocd", "overlays/laptop", "overlays/moc-pr-412"]


def test_a_new_cluster_is_all_added(committed: Path, okd_gitops: Run) -> None:
    (committed / "clusters/demo.yaml").write_text(DEMO)
    assert okd_gitops("generate").returncode == 0
    text = okd_gitops("diff").stdout
    assert "== overlays/demo\n" in text
    assert "added ClusterVersion version\n" in text
    assert "added Application argocd/demo\n" in text
    assert "added AppProject argocd/demo\n" in text


def test_against_another_commit(committed: Path, okd_gitops: Run) -> None:
    (committed / "clusters/demo.yaml").write_text(DEMO)
    okd_gitops("generate")
    okd_gitops("commit")
    assert "5 overlays untouched" in okd_gitops("diff", "--base", "HEAD~1").stdout


def test_s02_a_difference_of_a_secret_shows_only_that_it_changed(committed: Path, okd_gitops: Run) -> None:
    folder = committed / "clusters/moc-test"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [secret.yaml]\n")
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: bmc, namespace: openshift-config}\n"
    secret = folder / "secret.yaml"

    secret.write_text(f"{head}stringData: {{user: hans, token: s3cret-of-yesterday}}\n")
    assert okd_gitops("generate").returncode == 0
    added = okd_gitops("diff").stdout
    assert "added Secret openshift-config/bmc" in added
    assert "s3cret" not in added

    git(committed, "add", "--all")
    git(committed, "commit", "--quiet", "--message=secret")
    secret.write_text(f"{head}stringData: {{user: hans, token: s3cret-of-today}}\n")
    changed = okd_gitops("diff").stdout
    assert "-  token: '*** (the old value)'" in changed.replace('"', "'")
    assert "+  token: '*** (the new value)'" in changed.replace('"', "'")
    assert "s3cret" not in changed
    assert "s3cret" not in okd_gitops("diff", "--output=json").stdout


@pytest.mark.parametrize("ref", ["nowhere", "--output=x", "HEAD:x", "a b"])
def test_an_unknown_ref_is_reported(committed: Path, okd_gitops: Run, ref: str) -> None:
    result = okd_gitops("diff", f"--base={ref}")
    assert result.returncode == 2
    assert ref in result.stderr


def test_a_shallow_clone_says_what_to_fetch(committed: Path, okd_gitops: Run, tmp_path: Path) -> None:
    (committed / "x").write_text("x")
    git(committed, "add", "x")
    git(committed, "commit", "--quiet", "--message=more")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{committed}", "shallow")
    result = okd_gitops("--root", str(tmp_path / "shallow"), "diff", "--base", "HEAD~1")
    assert (result.returncode, "git fetch" in result.stderr) == (2, True)


def test_a_difference_is_counted_by_cluster_and_cut_to_some() -> None:
    def change(verb: str, *overlays: str) -> ObjectChange:
        return ObjectChange(
            object=ObjectId("", "v1", "ConfigMap", "a", verb), verb=verb, diff="", overlays=overlays
        )

    whole = Difference(
        (change("added", "overlays/a", "overlays/b"), change("removed", "overlays/b")), ("overlays/c",)
    )

    assert whole.clusters == ["a", "b", "c"]
    assert [(name, dict(counts)) for name, counts in whole.counts()] == [
        ("a", {"added": 1}),
        ("b", {"added": 1, "removed": 1}),
    ]
    assert whole.of(["a"]) == Difference((change("added", "overlays/a"),), ())
    assert whole.of(["c"]) == Difference((), ("overlays/c",))


def test_a_short_difference_has_counts_and_no_lines(committed: Path, okd_gitops: Run) -> None:
    cluster = committed / "clusters/moc-cd.yaml"
    cluster.write_text(cluster.read_text().replace("stable-scos-4", "next-scos-4"))
    assert okd_gitops("generate").returncode == 0
    lines = okd_gitops("diff", "--stat", "--cluster=moc-c*").stdout.splitlines()

    assert [line.split() for line in lines[:2]] == [
        ["cluster", "added", "changed", "removed"],
        ["moc-cd", "0", "1", "0"],
    ]
    assert lines[2].endswith("; 0 overlays untouched")
    assert okd_gitops("diff", "--cluster=nothing").returncode == 2


DAY = date(2026, 11, 28)


class Warm:
    """A committed fleet that was checked, so that something is kept of it; and what is read of it then."""

    def __init__(self, root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # A status counts as soon as a file is written.
        monkeypatch.setattr(file_status, "_SETTLED", -60.0)
        self.root, self.cache = root, own_cache(folder)
        self.read: list[str] = []
        self.blobs: list[str] = []
        self.said: list[str] = []
        self.check()
        self.difference()
        self._note(monkeypatch)

    def check(self) -> None:
        files = Earlier(self.root, self.cache, "check").files
        kept = Kept.of(self.root, self.cache)
        check(self.root, self.cache, today=DAY, say=lambda _: None, kept=kept, files=files)

    def difference(self) -> Difference:
        """Return what changed since HEAD, with what is kept."""
        files = Earlier(self.root, self.cache, "diff").files
        old = files_at(self.root, "HEAD", FOLDERS, files, self.cache)
        kept = Kept.of(self.root, self.cache)
        return diff(self.root, self.cache, old, say=self.said.append, files=files, kept=kept)

    def _note(self, monkeypatch: pytest.MonkeyPatch) -> None:
        content, contents = files_on_disk._content, git_objects.contents

        def noted(root: str, path: str, status: Any) -> bytes | None:
            self.read.append(path)
            return content(root, path, status)

        def noted_blobs(root: Path, shas: Any) -> dict[str, bytes]:
            self.blobs += shas
            return contents(root, shas)

        monkeypatch.setattr(files_on_disk, "_content", noted)
        monkeypatch.setattr(commit_files, "contents", noted_blobs)


@pytest.fixture
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warm:
    root = tmp_path / "fleet"
    commit_fleet(root)
    return Warm(root, tmp_path, monkeypatch)


def edit(root: Path) -> None:
    """Give a cluster another image, and generate."""
    file = root / "clusters/moon.yaml"
    file.write_text(f"{file.read_text()}    image: example.org/plugin@sha256:{'1' * 64}\n")
    generate(root)


def test_where_nothing_changed_nothing_is_read(warm: Warm) -> None:
    assert warm.difference().changes == ()
    assert (warm.read, warm.blobs) == ([], [])


def test_after_an_edit_only_what_its_overlay_is_built_from_is_read(warm: Warm) -> None:
    edit(warm.root)
    warm.difference()
    warm.read.clear()
    warm.blobs.clear()

    (change,) = warm.difference().changes
    assert change.overlays == ("overlays/moon",)
    assert warm.said[-1] == "rendering 1 of 4 overlays, before and after"
    assert {path.split("/")[0] for path in warm.read} == {"bases", "overlays"}
    assert {path.split("/")[1] for path in warm.read if path.startswith("overlays/")} == {"moon"}
    # Of the commit: the cluster file, what was generated for it, and its record.
    assert len(warm.blobs) == 3


def _add_a_cluster(root: Path) -> None:
    (root / "clusters/sun.yaml").write_text(f"purpose: test\n{own_cluster('sun', 'okd')}")
    generate(root)


def _remove_a_cluster(root: Path) -> None:
    (root / "clusters/star.yaml").unlink()
    generate(root)


def _edit_a_base(root: Path) -> None:
    (file,) = (root / "bases").rglob("daemonset-*.yaml")
    file.write_text(file.read_text().replace("metadata:\n", "metadata:\n  labels: {a: b}\n", 1))


def _rename_a_kustomization(root: Path) -> None:
    file = root / "overlays/star/kustomization.yaml"
    file.rename(file.with_suffix(".yml"))


def _remove_an_overlay(root: Path) -> None:
    shutil.rmtree(root / "overlays/star")


def _add_a_file(root: Path) -> None:
    (root / "overlays/star/mine.yaml").write_text("kind: Pod\n")


# Edits, with how many of the four folders that are deployed each leaves as they are.
EDITS = {
    edit: 3,
    _add_a_cluster: 3,
    _remove_a_cluster: 2,
    _edit_a_base: 1,
    _rename_a_kustomization: 3,
    _remove_an_overlay: 3,
    _add_a_file: 4,
}


def test_what_is_kept_hides_no_difference(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    for change, untouched in EDITS.items():
        change(warm.root)
        before = warm.difference()
        warm.check()
        found = warm.difference()
        with monkeypatch.context() as in_ci:
            in_ci.setenv("CI", "true")
            assert Earlier(warm.root, warm.cache, "diff").files is None
            assert before == found == warm.difference(), change.__name__

        assert len(found.untouched) == untouched, change.__name__
        git(warm.root, "add", "--all")
        git(warm.root, "reset", "--quiet", "--hard")


def test_in_ci_what_was_kept_of_commits_is_not_used(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write there could let a change look like none."""
    path = "overlays/moon/kustomization.yaml"
    sha = git(warm.root, "rev-parse", f"HEAD:{path}").strip()
    edit(warm.root)
    forged = sha256((warm.root / path).read_bytes()).hexdigest()
    results, place = Results(warm.cache / "kept/blobs"), key_of(bytes(warm.root))
    lines = (results.read_of(hash_of_code(), place) or b"").decode().splitlines()
    kept = [f"{sha} {forged}" if line.startswith(sha) else line for line in lines]
    results.keep_of(hash_of_code(), place, "\n".join(kept).encode())

    assert warm.difference().changes == ()
    monkeypatch.setenv("CI", "true")
    assert len(warm.difference().changes) == 1


def test_a_file_that_changes_while_it_is_compared_ends_the_run(
    warm: Warm, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(warm.root)
    render = differing._render

    def edited(root: Path, *arguments: Any) -> Any:
        rendered = render(root, *arguments)
        if root == warm.root:
            file = warm.root / "overlays/moon/kustomization.yaml"
            file.write_text(file.read_text())
        return rendered

    monkeypatch.setattr(differing, "_render", edited)
    with pytest.raises(BusyError):
        warm.difference()


def test_an_overlay_is_edited_by_what_it_reaches() -> None:
    base = {"bases/a/kustomization.yaml": b"resources: [x.yaml]", "bases/a/x.yaml": b"kind: A"}
    own = {"overlays/c/kustomization.yaml": b"resources: [../../bases/a]", "overlays/d/x.yaml": b""}
    old = Tree(base | own)

    def edited(new: dict[str, bytes]) -> bool:
        both = is_edited("overlays/c", Sides(old, Tree(new))), is_edited("overlays/c", Sides(Tree(new), old))
        assert both[0] == both[1]
        return both[0]

    assert not edited(base | own)
    assert not edited(base | own | {"overlays/d/x.yaml": b"kind: B", "overlays/c/mine.yaml": b""})
    assert edited(base | own | {"bases/a/x.yaml": b"kind: B"})
    assert edited(own)
    assert edited(base)
    # kustomize takes the first of these names.
    assert not edited(base | own | {"bases/a/kustomization.yml": b""})
    by_another_name = {"bases/a/Kustomization": base["bases/a/kustomization.yaml"], **own}
    assert edited(by_another_name | {"bases/a/x.yaml": b"kind: A"})
