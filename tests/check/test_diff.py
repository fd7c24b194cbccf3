"""diff shows rendered objects per cluster, and one change on many clusters once."""

import json
from pathlib import Path

import pytest

from cluster_files import DEMO
from conftest import Run, git
from okd_gitops.check.diff import Difference, ObjectChange
from okd_gitops.manifests.objects import ObjectId


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
