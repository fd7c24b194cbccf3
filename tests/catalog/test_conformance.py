"""conformance, rendered; its script runs with real bash, jq and python.

`oc` and `openshift-tests` are stand-ins: no cluster and no release can be here. `oc image extract` puts the
second one where the script wants it, as oc of 4.20 does (openshift/oc pkg/cli/image/extract).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from rendered import invalid, objects, of_kind
from script_checks import shellchecked
from steps import FEATURES

IMAGE = "quay.io/okd/scos-release@sha256:" + "a" * 64
VERSION = "4.22.0-okd-scos.0"
OC = f"""\
case "$*" in
  "get clusterversion"*) cat "$FOLDER/version-$(cat "$FOLDER/asked")"; echo 2 >"$FOLDER/asked" ;;
  "get configmap"*) [ ! -e "$FOLDER/report" ] || jq -r .data.image "$FOLDER/report" ;;
  "get secret pull-secret"*) echo '{{"data": {{".dockerconfigjson": "e30="}}}}' ;;
  "adm release info --image-for=tests {IMAGE}") echo quay.io/okd/tests@sha256:{"b" * 64} ;;
  "image extract quay.io/okd/tests@sha256:"*) cp "$FOLDER/openshift-tests" "${{6#*:}}" ;;
  "apply --server-side"*) cp "${{@: -1}}" "$FOLDER/report" ;;
  *) exit 99 ;;
esac
"""
CASE = '<testcase name="{name}">{inner}</testcase>'
FAILURE, SKIPPED = "<failure>no</failure>", "<skipped/>"


def stand_in(path: Path, script: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\nset -euo pipefail\n{script}")
    path.chmod(0o755)


def version(state: str) -> str:
    history = [{"state": state, "version": VERSION, "image": IMAGE}]
    return json.dumps({"status": {"history": history}})


@pytest.fixture(scope="module")
def script() -> str:
    features = "  conformance:\n    suite: kubernetes/conformance\n"
    values = objects("okd", features)
    assert invalid(values) == []
    container = of_kind(values, "Job")["conformance"]["spec"]["template"]["spec"]["containers"][0]
    given = {item["name"]: item["value"] for item in container["env"]}
    assert given["SUITE"] == "kubernetes/conformance"
    text = container["command"][5]
    assert isinstance(text, str)
    return f"set -euo pipefail\n{text}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "asked").write_text("1")
    (tmp_path / "version-1").write_text(version("Partial"))
    (tmp_path / "version-2").write_text(version("Completed"))
    stand_in(tmp_path / "bin/oc", OC)
    return tmp_path


def run(script: str, folder: Path, cases: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the script with a suite that writes these cases and ends so."""
    report = f"<testsuites><testsuite>{cases}</testsuite></testsuites>"
    suite = (
        "[[ $* == 'run kubernetes/conformance --junit-dir '* ]]\n"
        f"echo '{report}' >\"$4/junit.xml\"\n"
        'echo run >>"$FOLDER/runs"\n'
        f"exit {code}\n"
    )
    stand_in(folder / "openshift-tests", suite)
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "FOLDER": str(folder),
        "TMPDIR": str(folder),
        "ACCOUNT": str(folder),
        "VERSION": VERSION,
        "SUITE": "kubernetes/conformance",
        "HOURS": "6",
        "INTERVAL": "0",
    }
    command = ["bash", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def reported(folder: Path) -> dict[str, str]:
    value = json.loads((folder / "report").read_text())
    assert (value["kind"], value["metadata"]["name"]) == ("ConfigMap", "conformance")
    data = value["data"]
    assert isinstance(data, dict)
    return data


def test_the_script_is_shellcheck_clean(script: str) -> None:
    done = shellchecked(script, "--shell=bash")
    assert done.returncode == 0, done.stdout


def test_no_sync_waits_for_the_suite() -> None:
    """Argo CD waits for the health of every wave but the last (gitops-engine, pkg/sync/sync_context.go)."""
    waves = {
        f"{value['kind']}/{value['metadata']['name']}": int(wave)
        for path in FEATURES.glob("*/*/*.yaml")
        for value in [yaml.safe_load(path.read_text())]
        if (wave := value["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave"))
    }
    last = waves.pop("Job/conformance")
    assert last > max(waves.values())


PASSED = CASE.format(name="a", inner="")


@pytest.mark.parametrize(
    ("cases", "code", "told"),
    [
        (PASSED, 0, {"result": "passed", "cases": "1", "ended": "", "failed": ""}),
        # A flake is there twice, and what is skipped did not run.
        (
            PASSED + CASE.format(name="a", inner=FAILURE) + CASE.format(name="b", inner=SKIPPED),
            0,
            {"result": "passed", "cases": "1"},
        ),
        (
            PASSED + CASE.format(name="b", inner=FAILURE),
            1,
            {"result": "failed", "cases": "2", "ended": "openshift-tests ended with 1", "failed": "b"},
        ),
        (PASSED, 124, {"result": "failed", "ended": "it did not end in time"}),
        (CASE.format(name="b", inner=SKIPPED), 0, {"result": "failed", "cases": "0"}),
        ("", 0, {"result": "failed", "cases": "0"}),
    ],
)
def test_it_waits_for_the_release_and_reports_of_it(
    script: str, folder: Path, cases: str, code: int, told: dict[str, str]
) -> None:
    done = run(script, folder, cases, code)
    assert done.returncode == 0, done.stderr
    assert f"waiting until {VERSION} is complete" in done.stdout
    data = reported(folder)
    assert {key: data[key] for key in told} == told
    assert (data["version"], data["image"], data["suite"]) == (VERSION, IMAGE, "kubernetes/conformance")


def test_what_was_reported_is_not_run_again(script: str, folder: Path) -> None:
    run(script, folder, PASSED)
    done = run(script, folder, PASSED)
    assert "was tested already" in done.stdout
    assert (folder / "runs").read_text() == "run\n"


def test_without_a_report_the_job_fails(script: str, folder: Path) -> None:
    """A release without the tests, and a cluster that does not answer, are no result of the suite."""
    (folder / "version-2").write_text(version("Completed").replace("aaaa", "cccc"))
    assert run(script, folder, PASSED).returncode != 0
    assert not (folder / "report").exists()
