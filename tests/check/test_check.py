"""check, with the real kustomize and kubeconform: the same verdicts as the plain loop, and nothing passes
that was not checked.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from conftest import CACHE, ROOT, Run
from okd_gitops.check.kubeconform import arguments
from okd_gitops.cli.main import cli
from okd_gitops.fleet.known_names import KnownNames
from okd_gitops.fleet.load import load_catalog
from okd_gitops.fleet.schema import KINDS, OFFERED, schema
from okd_gitops.system.tools import tool


def checked(okd_gitops: Run, *arguments: str, code: int) -> dict[str, Any]:
    result = okd_gitops("check", "--output=json", *arguments)
    assert result.returncode == code, result.stdout + result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def plain_loop(root: Path, folder: str, kubernetes: str) -> dict[str, Any]:
    """`kustomize build` piped to the plain kubeconform, strict and with the same schemas, as people do it
    by hand.
    """
    build = [str(tool(CACHE, "kustomize")), "build", folder]
    built = subprocess.run(build, cwd=root, capture_output=True, check=True)
    judge = subprocess.run(
        arguments(tool(CACHE, "kubeconform"), CACHE / "schemas", kubernetes, 2),
        input=built.stdout,
        capture_output=True,
        check=False,
    )
    verdict: dict[str, Any] = json.loads(judge.stdout)
    return verdict


def test_this_repository_passes_and_counts_what_was_checked(okd_gitops: Run) -> None:
    report = checked(okd_gitops, code=0)
    assert report["clusters"] == 5
    assert report["overlays"] == 6
    assert report["documents"] >= report["distinct"] > 100
    assert report["withoutSchema"] == 0
    assert {(finding["name"], finding["severity"]) for finding in report["findings"]} == {
        ("moving-tag", "warning")
    }


def test_a_quota_of_the_fleet_is_compared_with_the_pipelines_of_its_namespace(
    repo: Path, okd_gitops: Run
) -> None:
    fleet = repo / "fleet.yaml"
    quota = "{cluster: moc-hub, namespace: okd-coreos, memory: 12Gi, storage: 300Gi}"
    fleet.write_text(f"{fleet.read_text()}quotas:\n- {quota}\n")

    found = checked(okd_gitops, code=1)["findings"]
    findings = [finding for finding in found if finding["name"] != "moving-tag"]
    assert {(finding["name"], *finding["clusters"]) for finding in findings} == {("over-quota", "moc-hub")}
    reasons = " ".join(finding["reason"] for finding in findings)
    assert "base-disks and extensions-image ask for 14Gi of memory at a time" in reasons
    assert "claim 400Gi, and the quota of okd-coreos has 300Gi" in reasons


def test_the_plain_loop_gives_the_same_verdicts(repo: Path, okd_gitops: Run) -> None:
    base = repo / "bases/okd-version/version/clusterversion-version.yaml"
    base.write_text(base.read_text().replace("spec:", "spec:\n  chanel: typo"))
    kubernetes = {path.stem: yaml.safe_load(path.read_text()) for path in (repo / "clusters").glob("*.yaml")}
    loop: dict[str, set[str]] = {}
    for folder in sorted((repo / "overlays").iterdir()):
        minor = "1.35" if "4.22" in str(kubernetes[folder.name]) or folder.name == "laptop" else "1.34"
        report = plain_loop(repo, f"overlays/{folder.name}", minor)
        assert report["summary"]["skipped"] == 0
        for fault in report["resources"]:
            loop.setdefault(f"{fault['kind']} {fault['name']}", set()).add(folder.name)
    ours: dict[str, set[str]] = {}
    for finding in checked(okd_gitops, code=1)["findings"]:
        if finding["name"] == "schema-violation":
            ours.setdefault(finding["object"], set()).update(finding["clusters"])
    assert ours == loop == {"ClusterVersion version": {"moc-cd", "moc-hub", "moc-pr-412", "moc-test"}}


def test_a_schema_fault_names_file_object_clusters_and_cluster_file(repo: Path, okd_gitops: Run) -> None:
    base = repo / "bases/okd-version/version/clusterversion-version.yaml"
    base.write_text(base.read_text().replace("spec:", "spec:\n  chanel: typo"))
    faults = [
        finding
        for finding in checked(okd_gitops, code=1)["findings"]
        if finding["name"] == "schema-violation"
    ]
    assert {fault["location"]["file"] for fault in faults} == {
        "bases/okd-version/version/clusterversion-version.yaml"
    }
    assert all("chanel" in fault["reason"] and "clusters/moc-" in fault["remedy"] for fault in faults)


def extras(repo: Path, okd_gitops: Run, files: dict[str, str]) -> None:
    folder = repo / "clusters/moc-test"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    okd_gitops("generate")


def test_a_kind_without_schema_fails_by_name(repo: Path, okd_gitops: Run) -> None:
    mystery = "apiVersion: example.org/v1\nkind: Mystery\nmetadata: {name: x, namespace: x}\n"
    extras(repo, okd_gitops, {"kustomization.yaml": "resources: [mystery.yaml]\n", "mystery.yaml": mystery})
    report = checked(okd_gitops, code=1)
    assert report["withoutSchema"] == 1
    (finding,) = [finding for finding in report["findings"] if finding["name"] == "no-schema"]
    assert (finding["reason"], finding["location"]["file"]) == (
        "no schema for example.org/v1 Mystery",
        "clusters/moc-test/mystery.yaml",
    )


def test_a_kubernetes_without_schemas_is_told_at_the_value_that_names_it(repo: Path, okd_gitops: Run) -> None:
    path = repo / "clusters/laptop.yaml"
    path.write_text(path.read_text().replace('"1.35"', '"1.99"'))
    (finding,) = checked(okd_gitops, code=4)["findings"]
    place = finding["location"]

    assert finding["name"] == "kubernetes-without-schemas"
    assert (place["file"], place["text"][place["column"] - 1 :]) == ("clusters/laptop.yaml", '"1.99"')
    assert "1.35" in finding["remedy"]


def test_an_overlay_that_does_not_build_names_its_cause_and_the_others_are_still_checked(
    repo: Path, okd_gitops: Run
) -> None:
    base = repo / "overlays/moc-cd/kustomization.yaml"
    base.write_text(base.read_text().replace("/spec/clusterID", "/spec/clusters/0/id"))
    report = checked(okd_gitops, code=1)
    (finding,) = [finding for finding in report["findings"] if finding["name"] == "kustomize-build-failed"]
    assert finding["clusters"] == ["moc-cd"]
    assert "clusters/0/id" in finding["reason"]
    assert report["overlays"] == 5


def test_drift_alone_is_exit_3(repo: Path, okd_gitops: Run) -> None:
    (repo / "overlays/moc-cd/kustomization.yaml").unlink()
    result = okd_gitops("check")
    assert result.returncode in (1, 3)
    assert "out-of-date" in result.stderr


@pytest.mark.parametrize(
    ("line", "cause", "code"),
    [
        ("resources: [https://example.org/x.yaml]", "fetched from elsewhere", 4),
        ("resources: ['github.com/example/x?ref=v1']", "fetched from elsewhere", 4),
        ("resources: [../../../outside]", "outside the repository", 4),
        ("helmCharts: [{name: x, repo: https://example.org}]", "runs helm", 4),
        ('generators: ["{apiVersion: v1,\\n kind: Exec}"]', "not a plug-in of kustomize", 4),
    ],
)
def test_a_repository_full_of_traps_is_not_built(
    tmp_path: Path, okd_gitops: Run, line: str, cause: str, code: int
) -> None:
    (tmp_path / "theirs/app").mkdir(parents=True)
    (tmp_path / "theirs/app/kustomization.yaml").write_text(f"{line}\n")
    report = checked(okd_gitops, str(tmp_path / "theirs"), code=code)
    assert [cause in blocked["cause"] for blocked in report["ledger"]["blocked"]] == [True]
    assert bool(report["findings"]) == ("outside" in cause)
    assert report["overlays"] == 0


def test_others_repositories_are_checked_from_their_tops(tmp_path: Path, okd_gitops: Run) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "base").mkdir(parents=True)
    (theirs / "overlays/prod").mkdir(parents=True)
    (theirs / "base/kustomization.yaml").write_text("resources: [cv.yaml]\n")
    version = (
        "apiVersion: config.openshift.io/v1\n"
        "kind: ClusterVersion\n"
        "metadata: {name: version}\n"
        "spec:\n"
        "  clusterID: infra\n"
        "  channel: 4-stable\n"
    )
    (theirs / "base/cv.yaml").write_text(version)
    (theirs / "overlays/prod/kustomization.yaml").write_text("resources: [../../base]\n")
    report = checked(okd_gitops, str(theirs), code=1)
    assert report["overlays"] == 1
    assert {finding["location"]["file"] for finding in report["findings"]} == {"base/cv.yaml"}
    assert {"wrong-cluster-identity", "stream-as-channel"} <= {
        finding["name"] for finding in report["findings"]
    }


@pytest.mark.parametrize(
    "missing", ["bin/kustomize", "bin/kubeconform", "bin/sha256sums", "schemas/index.json"]
)
def test_a_missing_tool_or_schema_never_passes(
    repo: Path, okd_gitops: Run, tmp_path: Path, missing: str
) -> None:
    cache = tmp_path / "cache"
    for name in ("bin", "schemas"):
        shutil.copytree(CACHE / name, cache / name, copy_function=os.link)
    (cache / missing).unlink()
    result = okd_gitops("--cache", str(cache), "check")
    assert result.returncode == 4
    assert "okd-gitops tools" in result.stderr


def test_no_proxy_no_home_and_no_network_are_needed(repo: Path, okd_gitops: Run) -> None:
    result = okd_gitops("check", HTTPS_PROXY="http://127.0.0.1:1", HOME="/nonexistent", PATH="/nonexistent")
    assert result.returncode == 0, result.stderr


def test_doctor_reports_what_is_installed(repo: Path, okd_gitops: Run, tmp_path: Path) -> None:
    facts = {fact["name"]: fact for fact in json.loads(okd_gitops("doctor", "--output=json").stdout)["facts"]}
    assert facts["kustomize"]["remedy"] == facts["schemas"]["remedy"] == ""
    result = okd_gitops("--cache", str(tmp_path / "nothing"), "doctor")
    assert result.returncode == 4
    assert result.stdout.count("okd-gitops tools") == 4


@pytest.mark.parametrize("kind", KINDS)
def test_published_schemas_match_the_code(kind: str) -> None:
    """Whichever names they offer: no new channel or stream of a cluster file makes them old."""
    published = (ROOT / f"schemas/{kind}.schema.json").read_text()
    whole = json.loads(published)
    names: dict[str, tuple[str, ...]] = {}

    for (definition, key), known in OFFERED.items():
        holder = whole["$defs"].get(definition, {}) if definition else whole
        choices = holder.get("properties", {}).get(key, {}).get("anyOf", [{}])
        names |= {known: tuple(choices[0]["enum"])} if "enum" in choices[0] else {}

    assert published == schema(kind, load_catalog(None), KnownNames(**names))


def test_a_schema_of_a_fleet_offers_its_names(repo: Path) -> None:
    done = CliRunner().invoke(cli, ["--root", str(repo), "schema", "fleet"])
    names = json.loads(done.stdout)["properties"]["hub"]["anyOf"][0]["enum"]

    assert names == sorted(path.stem for path in (repo / "clusters").glob("*.yaml"))


def test_a_missing_file_blames_no_file_beside_it(repo: Path, okd_gitops: Run) -> None:
    """The base cannot be built, so nobody knows which of its files are listed."""
    (repo / "bases/tekton/pipelines/configmap-config-logging.yaml").unlink()
    report = checked(okd_gitops, code=1)
    names = {finding["name"] for finding in report["findings"]}
    assert {"out-of-date", "broken-kustomization"} <= names
    assert "unlisted-file" not in names
