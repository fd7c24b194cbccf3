"""The script of `okd-gitops secrets` runs in bash, with a stand-in for kubectl: what it asks and makes."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from everything import everything, features
from okd_gitops.cli.main import cli
from okd_gitops.fleet.load import load
from okd_gitops.lifecycle.make_secrets import secrets_of
from okd_gitops.manifests.objects import strings
from rendered import ENVIRONMENTS, FLEET, HUB

# It knows no Secret, answers with the cluster's ID, and writes down its arguments and what it reads.
KUBECTL = """\
#!/usr/bin/env bash
case "$1 $2" in
"get secret")
  [ "${AWAY:-}" = "$3" ] && { echo "Unable to connect" >&2; exit 1; }
  [ "${EXISTS:-}" = "$3" ] && { echo "secret/$3"; exit; }
  case "$*" in *" --ignore-not-found "*) exit 0 ;; esac
  echo "Error from server (NotFound): secrets \"$3\" not found" >&2; exit 1 ;;
"get clusterversion") printf %s "$CLUSTER_ID"; exit ;;
esac
echo "$*" >> "$LOG"
for argument; do
  case "$argument" in
  --from-file=*=*)
    source="${argument#--from-file=*=}"
    echo "$4 ${argument#--from-file=}: $(cat "$source")" >> "$READ" ;;
  esac
done
"""
HUB_FEATURES = """\
features:
  tekton:
  kvm-device-plugin:
  scos-pipeline:
    upload-container-images: true
    notify-matrix: true
    releases:
    - {minor: "4.22", stream: next, schedule: 30 6 * * *}
"""
STORE = "  secrets: {prefix: okd/hub}\n"
CLUSTER_ID = yaml.safe_load(HUB)["clusterID"]
ENVIRONMENT_NAMES = pytest.mark.parametrize("environment", ["okd", "kubernetes", "kind"])


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    root = tmp_path / "fleet"
    (root / "clusters").mkdir(parents=True)
    (root / "fleet.yaml").write_text(FLEET)
    (root / "clusters/hub.yaml").write_text(f"purpose: hub\n{HUB}{HUB_FEATURES}")
    return root


def call(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--root", str(root), "secrets", *arguments])


def printed(root: Path) -> str:
    done = call(root, "--cluster", "hub")
    assert done.exit_code == 0, done.output
    return done.output


def run(script: str, work: Path, answers: str, **more: str) -> subprocess.CompletedProcess[str]:
    (work / "bin").mkdir()
    (work / "bin/kubectl").write_text(KUBECTL)
    (work / "bin/kubectl").chmod(0o755)
    (work / "script.sh").write_text(script)
    environment = {
        "PATH": f"{work}/bin:{os.environ['PATH']}",
        "LOG": str(work / "log"),
        "READ": str(work / "read"),
        "CLUSTER_ID": CLUSTER_ID,
        **more,
    }
    return subprocess.run(
        ["bash", "script.sh"],
        cwd=work,
        input=answers,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_makes_each_secret_and_shows_no_value(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "login.json").write_text("the-login")
    done = run(printed(fleet), tmp_path, "s3cr3t-of-matrix\nlogin.json\n")
    assert done.returncode == 0, done.stderr

    log, read = (tmp_path / "log").read_text(), (tmp_path / "read").read_text()
    assert len(log.splitlines()) == 3
    assert "s3cr3t-of-matrix" not in log + done.stdout + done.stderr
    assert "okd-matrix-bot-auth token=/dev/fd/" in read
    assert ": s3cr3t-of-matrix\n" in read
    assert "okd-quay-pull-secret .dockerconfigjson=login.json: the-login\n" in read
    assert "--type kubernetes.io/dockerconfigjson" in log
    # Long, random, and without an end of line.
    (random,) = [line for line in read.splitlines() if line.startswith("okd-coreos-trigger ")]
    assert len(random.rpartition(": ")[2]) == 64


def test_another_cluster_gets_no_secret(fleet: Path, tmp_path: Path) -> None:
    done = run(printed(fleet), tmp_path, "a\nb\n", CLUSTER_ID="another")
    assert done.returncode == 1
    assert "this cluster is not hub" in done.stderr
    assert not (tmp_path / "log").exists()


def test_a_secret_that_exists_is_neither_asked_for_nor_changed(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "login.json").write_text("the-login")
    done = run(printed(fleet), tmp_path, "login.json\n", EXISTS="okd-matrix-bot-auth")
    assert done.returncode == 0, done.stderr
    assert "okd-matrix-bot-auth" not in (tmp_path / "log").read_text()


def test_an_empty_path_leaves_its_key_out(fleet: Path, tmp_path: Path) -> None:
    done = run(printed(fleet), tmp_path, "s3cr3t\n\n")
    assert done.returncode == 0, done.stderr
    assert ".dockerconfigjson=" not in (tmp_path / "log").read_text()


def test_without_any_answer_a_secret_is_skipped(fleet: Path, tmp_path: Path) -> None:
    done = run(printed(fleet), tmp_path, "\n\n")
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "log").read_text()
    assert ["okd-coreos-trigger" in line for line in log.splitlines()] == [True]
    assert done.stderr.count("skipped ") == 2
    assert "skipped okd-coreos/okd-matrix-bot-auth: no answer\n" in done.stderr


def test_a_missing_secret_makes_no_noise_and_a_cluster_that_is_away_stops_the_script(
    fleet: Path, tmp_path: Path
) -> None:
    script = printed(fleet)
    assert "NotFound" not in run(script, tmp_path, "\n\n").stderr
    (tmp_path / "again").mkdir()
    done = run(script, tmp_path / "again", "\n\n", AWAY="okd-coreos-trigger")
    assert done.returncode != 0
    assert not (tmp_path / "again/log").exists()


def test_a_store_provides_what_the_script_does_not_make(fleet: Path) -> None:
    with (fleet / "clusters/hub.yaml").open("a") as file:
        file.write(STORE)
    text = printed(fleet)
    assert "kubectl" not in text
    assert "#   okd/hub/okd-coreos/okd-coreos-trigger: token\n" in text


def test_json_has_each_secret_with_its_command_or_its_key(fleet: Path) -> None:
    document = json.loads(call(fleet, "--cluster", "hub", "--output", "json").output)
    by_name = {each["name"]: each for each in document["secrets"]}
    assert by_name.keys() == {"okd-coreos-trigger", "okd-matrix-bot-auth", "okd-quay-pull-secret"}
    assert by_name["okd-coreos-trigger"]["origin"] == "random"
    assert by_name["okd-coreos-trigger"]["storeKey"] is None
    assert by_name["okd-coreos-trigger"]["command"].startswith(
        "existing=$(kubectl get secret okd-coreos-trigger"
    )


def test_an_unknown_cluster_is_refused_with_the_nearest_name(fleet: Path) -> None:
    done = call(fleet, "--cluster", "hup")
    assert done.exit_code != 0
    assert 'no cluster is called "hup"' in str(done.exception or done.output)


def test_a_text_of_a_local_feature_is_never_a_command(fleet: Path, tmp_path: Path) -> None:
    folder = fleet / "catalog/features/own/p"
    folder.mkdir(parents=True)
    (folder.parent / "feature.yaml").write_text(
        "summary: X.\nenvironments: {okd: [p]}\nsecrets:\n"
        '  "$(touch made)":\n'
        '    {namespace: own, keys: ["a\'$(touch made)"], used: "x\\ntouch made", origin: typed}\n'
    )
    (folder / "configmap-own.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: own}\n"
    )
    (fleet / "clusters/hub.yaml").write_text(f"purpose: hub\n{HUB}features:\n  own:\n")
    done = run(printed(fleet), tmp_path, "value\n")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "made").exists()


@ENVIRONMENT_NAMES
def test_a_cluster_needs_only_secrets_that_its_objects_name(environment: str, tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text(f"purpose: hub\n{HUB}")
    text = f"purpose: test\n{ENVIRONMENTS[environment]}features:\n{features(environment)}"
    (tmp_path / "clusters/x.yaml").write_text(text)
    values = [value for value in everything(environment) if value["kind"] != "ExternalSecret"]
    named = "\n".join(inner for value in values for _, inner in strings(value))
    needed = {each.needed.name for each in secrets_of(load(tmp_path), "x").secrets}
    assert needed
    assert [name for name in sorted(needed) if name not in named] == []


def test_the_service_ca_of_okd_makes_the_certificate_of_the_gate(tmp_path: Path) -> None:
    """An ExternalSecret of the same name would fight with it."""
    made = [value for value in everything("okd") if value["kind"] == "ExternalSecret"]
    assert made
    assert "multi-arch-gate-tls" not in {value["metadata"]["name"] for value in made}


def test_completion_knows_the_clusters(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fleet)
    words = {"COMP_WORDS": "okd-gitops secrets --cluster h", "COMP_CWORD": "3"}
    environment = {**words, "_OKD_GITOPS_COMPLETE": "bash_complete"}
    done = CliRunner().invoke(cli, [], prog_name="okd-gitops", env=environment)
    assert "plain,hub" in done.output
