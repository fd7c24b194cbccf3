"""cluster-expire, rendered; its script runs with the real tool. The git remote requires the token."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import git_server
import release_controller
from conftest import CACHE, ROOT, git
from okd_gitops.generate.generate import generate
from okd_gitops.manifests.objects import Object
from release_fleet import Fleet
from rendered import invalid, objects, of_kind
from script_checks import shellchecked

IMAGE = "registry.example.org/okd-gitops@sha256:" + "c" * 64
TOKEN = "s3cret-of-git"
TRIAL = """\
purpose: ephemeral
expires: 2026-11-01
environment: kubernetes
kubernetes: "1.35"
server: https://api.trial.massopen.cloud:6443
"""


@pytest.fixture(scope="module")
def hub() -> tuple[Object, ...]:
    values = objects("okd", f"  cluster-expire:\n    image: {IMAGE}\n    forge: gitlab\n")
    names = ("cluster-expire", "okd-gitops")
    return tuple(value for value in values if value["metadata"]["name"] in names)


def pod(values: tuple[Object, ...]) -> Object:
    spec = of_kind(values, "CronJob")["cluster-expire"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


def env(values: tuple[Object, ...]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in pod(values)["containers"][0]["env"]}


def test_the_job_fits_its_schemas_and_has_no_rights_on_the_hub(hub: tuple[Object, ...]) -> None:
    assert invalid(hub) == []
    assert {value["kind"] for value in hub} == {"Namespace", "ServiceAccount", "CronJob"}
    assert pod(hub)["automountServiceAccountToken"] is False
    assert env(hub)["FORGE"] == "gitlab"
    # No token is in the environment of the pod: both are files.
    secrets = {volume["secret"]["secretName"] for volume in pod(hub)["volumes"] if "secret" in volume}
    assert secrets == {"cluster-expire-git", "cluster-expire-forge"}


def test_the_script_is_shellcheck_clean_and_uses_only_what_it_is_given(hub: tuple[Object, ...]) -> None:
    text = pod(hub)["containers"][0]["command"][5]
    done = shellchecked(f"set -euo pipefail\n{text}", "--shell=bash")
    assert done.returncode == 0, done.stdout
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == {"REPOSITORY", "REVISION", "FORGE"}


@dataclass
class Bench:
    """A fleet with a cluster whose last day has passed, and the hub's Job."""

    values: tuple[Object, ...]
    folder: Path
    fleet: Fleet
    repository: str

    def run(self, forge: str = "") -> subprocess.CompletedProcess[str]:
        """Run the container of the CronJob once, in an empty /fleet-work."""
        for name in ("work", "bin", "git", "forge"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir(parents=True)
        for name in ("git", "forge"):
            (self.folder / name / "token").write_text(f"{TOKEN}\n")
        program = self.folder / "bin/okd-gitops"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m okd_gitops "$@"\n')
        program.chmod(0o755)
        given = {**env(self.values), "REPOSITORY": self.repository, "FORGE": forge}
        given = {
            name: self.text(value.replace("$(REPOSITORY)", self.repository)) for name, value in given.items()
        }
        given |= {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "generator"),
            "OKD_GITOPS_CACHE": str(CACHE),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
        }
        command = [self.text(part) for part in pod(self.values)["containers"][0]["command"]]
        return subprocess.run(
            command, env=given, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def text(self, value: str) -> str:
        """Put this pod's folders in the place of the real ones."""
        for name in ("git", "forge"):
            value = value.replace(f"/var/run/cluster-expire-{name}", str(self.folder / name))
        return value.replace("/fleet-work", str(self.folder / "work"))


@pytest.fixture
def bench(hub: tuple[Object, ...], tmp_path: Path) -> Iterator[Bench]:
    with release_controller.serving() as controller:
        fleet = Fleet(tmp_path, controller)
        with git_server.serving(fleet.remote, TOKEN) as remote:
            fleet.write("clusters/trial.yaml", TRIAL)
            generate(fleet.root)
            git(fleet.root, "add", "-A")
            git(fleet.root, "commit", "-qm", "a trial")
            git(fleet.root, "push", "-q", "origin", "main")
            yield Bench(hub, tmp_path / "job", fleet, remote.url)


def test_it_proposes_the_removal_once_and_shows_no_token(bench: Bench) -> None:
    done = bench.run()
    assert done.returncode == 0, done.stderr
    assert "pushed okd/expire" in done.stdout
    again = bench.run()
    assert (again.returncode, "unchanged okd/expire" in again.stdout) == (0, True)
    assert TOKEN not in done.stdout + done.stderr

    bench.fleet.merge("okd/expire")
    assert not (bench.fleet.root / "clusters/trial.yaml").exists()
    last = bench.run()
    assert (last.returncode, "nothing to remove" in last.stdout) == (0, True)


def test_a_forge_that_is_none_stops_it_before_anything_is_cloned(bench: Bench) -> None:
    done = bench.run("bitbucket")
    assert done.returncode == 2
    assert not (bench.folder / "work/fleet").exists()
