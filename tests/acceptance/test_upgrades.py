"""docs/upgrades.md shows what the models take and what the commands print, and names codes that there are."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import release_controller
from conftest import CACHE, ROOT, git
from okd_gitops.evidence.report import Evidence
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.upgrades import Upgrades
from okd_gitops.manifests.model import FileModel, parse
from okd_gitops.manifests.read import read
from okd_gitops.system.disk import read_catalog
from okd_gitops.times import parse_duration
from okd_gitops.upgrade.refusals import REFUSALS
from release_fleet import BASE, PUSH, Fleet

TEXT = (ROOT / "docs/upgrades.md").read_text()
OLD, NEW = "4.22.0-okd-scos.7", "4.22.0-okd-scos.9"


def shown(name: str) -> str:
    """Return the block behind a mark."""
    match = re.search(rf"<!-- {re.escape(name)} -->\n```[a-z]+\n(.*?)```", TEXT, re.DOTALL)
    assert match, name
    return match[1]


class Holder(FileModel):
    """The part of a cluster file that is shown."""

    upgrades: Upgrades


def test_files_in_the_document_fit_the_models() -> None:
    fleet = parse(FleetSpec, read("fleet.yaml", f"{BASE}{shown('fleet.yaml')}".encode()))
    assert fleet.releases
    unsaid = {"channel", "forge", "freeze"}
    assert {
        name for name in type(fleet.releases).model_fields if name not in fleet.releases.model_fields_set
    } == unsaid
    assert re.search(fleet.releases.blocked[0].source, "4.22.0-okd-scos.5+amd64")
    assert parse(Holder, read("clusters/x.yaml", shown("clusters/NAME.yaml").encode())).upgrades.window
    report = parse(Evidence, read("evidence/canary/x.yaml", shown("evidence").encode()))
    assert report.passed
    assert (report.image, report.path) == (release_controller.image(NEW), f"evidence/canary/{NEW}.yaml")


def test_waves_and_soaks_in_the_document_match_the_purposes() -> None:
    purposes = load_catalog(read_catalog()).purposes
    assert {str(name): purpose.wave for name, purpose in purposes.items()} == {
        "ephemeral": 0,
        "test": 1,
        "hub": 2,
        "cd": 3,
    }
    assert "ephemeral 0, test 1, hub 2, cd 3" in TEXT
    soaks = [
        parse_duration(purpose.soak)
        for purpose in sorted(purposes.values(), key=lambda purpose: purpose.wave)
    ]
    assert soaks[:3] == [timedelta(hours=1), timedelta(days=3), timedelta(days=2)]
    assert "(1 hour, 3 days, 2 days)" in TEXT


def test_the_document_lists_the_refusals_in_their_order() -> None:
    first_cells = re.findall(
        r"^\| (`[^|]*) \|", TEXT.partition("\n## What is refused")[2].partition("\n## ")[0], re.MULTILINE
    )
    listed = [name.strip("`") for cell in first_cells for name in cell.split(", ")]
    assert listed == list(dict.fromkeys(refusal.name for refusal in REFUSALS))


def test_outputs_in_the_document_match_the_commands(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "okd_gitops", "--cache", str(CACHE), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator")}
        done = subprocess.run(
            command, cwd=tmp_path / "repo", env=environment, capture_output=True, text=True, check=True
        )
        time = r"20\d\d-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(Z|[+]00:00))?)?"
        printed = re.sub(time, "TIME", done.stdout)
        return f"$ okd-gitops {' '.join(arguments)}\n{printed}"

    with release_controller.serving() as controller:
        controller.publish(OLD)
        fleet = Fleet(tmp_path, controller, OLD)
        controller.publish(NEW, before=(OLD,))
        assert run("release", "plan") == shown("plan")
        branch = fleet.run(PUSH).branches[0].name
        assert f"`{branch}`" in TEXT
        fleet.merge(branch)
        # The commands have the clock of this machine, which the one of the fleet is ahead of.
        fleet.now -= timedelta(minutes=1)
        for name in ("canary", "probe"):
            fleet.passed(name, NEW)
        run("release", "record", "--push")
        git(fleet.root, "fetch", "-q", "origin")
        assert run("status") == shown("status")


def test_it_stays_short() -> None:
    assert len(TEXT.splitlines()) <= 220
