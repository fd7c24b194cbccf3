"""What the Tasks of operator-pipeline rely on, compared with what upstream's trees say."""

import re
from typing import Any

import pytest
import yaml

from builds import CATALOG, step
from conftest import ROOT

FACTS = yaml.safe_load((ROOT / "tests/catalog/upstream/okd-operator-pipeline.yaml").read_text())["branches"]
SCRIPTS = {name: branch["facts"] for name, branch in FACTS.items() if "folders" in branch["facts"]}
MAKE = FACTS["old-main"]["facts"]
BUILD = step("build", "build")["script"]
HUB = yaml.safe_load((ROOT / "clusters/moc-hub.yaml").read_text())["features"]["operator-pipeline"]
each_branch = pytest.mark.parametrize("facts", SCRIPTS.values(), ids=SCRIPTS)


def exported(script: str) -> set[str]:
    """Return the variables that a script exports, or gives to build.sh."""
    lines = re.findall(r"^ *export (.*)$", script, re.MULTILINE)
    given = re.findall(r"^ *([A-Z_]+)=\S+ \./build\.sh", script, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"(?:^|\s)([A-Z_]+)=", line)} | set(given)


@each_branch
def test_a_script_gets_the_settings_that_it_reads(facts: dict[str, Any]) -> None:
    wanted = {"BASE_REGISTRY", "CHANNEL", "DATE", "DEFAULT_CHANNEL"}
    assert wanted <= set(facts["settings"])
    assert wanted <= exported(BUILD)
    kept_by_upstream = {"MAJOR", "MINOR", "OKD_VERSION"}
    assert set(facts["settings"]) - wanted == kept_by_upstream
    assert not kept_by_upstream & exported(BUILD)


@each_branch
def test_a_script_runs_the_steps_that_it_has_but_the_last(facts: dict[str, Any]) -> None:
    (called,) = re.findall(r"\./build\.sh ([a-z_ ]+)$", BUILD, re.MULTILINE)
    assert [*called.split(), "deinit"] == facts["steps"]


@each_branch
def test_what_scripts_call_podman_for_is_what_buildah_does(facts: dict[str, Any]) -> None:
    (commands,) = re.findall(r"^ *([a-z| ]+)\) exec buildah", BUILD, re.MULTILINE)
    assert set(facts["podman"]) <= set(commands.split(" | "))


@each_branch
def test_the_minor_of_a_branch_is_found_in_its_release(facts: dict[str, Any]) -> None:
    (pattern,) = re.findall(r"sed -nE 's/(.*)/\\1/p' \.\./common\.sh", BUILD)
    match = re.fullmatch(pattern, f'OKD_VERSION=${{OKD_VERSION:-"{facts["release"]}"}}')
    assert match
    assert facts["release"].startswith(f"{match[1]}.")


def test_make_runs_the_targets_of_upstream_in_upstreams_order() -> None:
    (first,) = re.findall(r"targets=\(([a-z -]+)\)", BUILD)
    (last,) = re.findall(r"targets\+=\(([a-z -]+)\)", BUILD)
    assert [*first.split(), *last.split()] == MAKE["targets"]


def test_each_patch_of_upstream_has_the_targets_that_are_run() -> None:
    (first,) = re.findall(r"targets=\(([a-z -]+)\)", BUILD)
    assert len(MAKE["patches"]) == 20
    for name, targets in MAKE["patches"].items():
        assert set(first.split()) <= set(targets), name


def test_make_has_the_environment_that_upstream_gives_it() -> None:
    # Credentials, which nothing that builds has.
    assert set(MAKE["environment"]) - exported(BUILD) == {"DOCKER_CONFIG"}


def test_the_operators_of_the_committed_fleet_are_folders_upstream() -> None:
    assert len(HUB["components"]) == 3
    for component in HUB["components"]:
        facts = SCRIPTS[component["ref"]]
        assert component["repository"] == "https://github.com/okd-project/okd-operator-pipeline.git"
        assert (component["kind"], component["build"]) == ("operator", "script")
        assert facts["folders"][component["folder"]]["bundles"]
        assert facts["release"].startswith(f"{HUB['version']}.")


def test_the_plug_in_that_upstream_wanted_is_no_module_of_go() -> None:
    facts = yaml.safe_load((ROOT / "tests/catalog/upstream/kvm-device-plugin.yaml").read_text())
    newest = facts["branches"]["master"]
    assert (newest["facts"]["module"], newest["day"][:4]) == (False, "2021")
    used = {
        path.read_text()
        for path in (ROOT / "generator/okd_gitops/catalog/features/kvm-device-plugin").glob("*/*")
    }
    assert not any("cgwalters" in text for text in used)


def test_the_image_of_the_tools_has_what_builds_call() -> None:
    facts = yaml.safe_load((ROOT / "tests/catalog/upstream/coreos-assembler.yaml").read_text())
    wanted = {"buildah", "git", "golang", "jq", "kustomize", "make", "skopeo", "yq"}
    assert wanted <= set(facts["branches"]["main"]["facts"]["tools"])
    (image,) = {
        param["default"]
        for param in CATALOG["Pipeline/operator"]["spec"]["params"]
        if param["name"] == "tools-image"
    }
    assert image.startswith("quay.io/coreos-assembler/coreos-assembler@sha256:")


def test_the_catalog_has_each_package_in_a_file_of_its_name() -> None:
    facts = yaml.safe_load((ROOT / "tests/catalog/upstream/okderators-catalog-index.yaml").read_text())
    assert len(facts["branches"]["main"]["facts"]["packages"]) > 10
    script = CATALOG["Task/catalog-pull-request"]["spec"]["steps"][-1]["script"]
    assert 'folder="catalog/${package}"' in script
    assert 'file="${folder}/${package}.yaml"' in script
