"""Commands of docs/first-day.md and docs/laptop.md fit what is generated."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import ROOT
from minimal import CATALOG
from okd_gitops.lifecycle.bootstrap import as_line, bootstrap

FIRST_DAY = (ROOT / "docs/first-day.md").read_text()
LAPTOP = (ROOT / "docs/laptop.md").read_text()
SCOS = CATALOG.features["scos-pipeline"]
RUN: dict[str, Any] = yaml.safe_load(LAPTOP.partition("<<'EOF'\n")[2].partition("\nEOF\n")[0])


def parameters(values: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in values}


def catalog_object(kind: str, name: str) -> dict[str, Any]:
    (found,) = [
        value
        for value in SCOS.objects_by_path.values()
        if value["kind"] == kind and value["metadata"]["name"] == name
    ]
    return found


PIPELINE = catalog_object("Pipeline", RUN["spec"]["pipelineRef"]["name"])["spec"]


def test_the_run_on_a_laptop_gives_all_parameters_without_a_default_and_no_others() -> None:
    required = {each["name"] for each in PIPELINE["params"] if "default" not in each}
    assert parameters(RUN["spec"]["params"]).keys() == required


def test_the_run_on_a_laptop_is_that_of_the_table_of_its_minor() -> None:
    given = parameters(RUN["spec"]["params"])
    head, *rows = catalog_object("ConfigMap", "okd-coreos-lines")["data"]["lines"].splitlines()
    (row,) = [row for row in rows if row.split()[0] == given["version"]]
    line = dict(zip(head.split(), row.split(), strict=True))
    assert line["pipeline"] == RUN["spec"]["pipelineRef"]["name"]
    assert (given["variant"], given["branch"]) == (line["variant"], line["branch"])

    derived = SCOS.spec.each["releases"].entry({"minor": given["version"]})
    for name in ("baseos-image-name", "extensions-image-name"):
        assert given[name] == derived[name]


def test_the_run_on_a_laptop_is_made_like_a_run_of_the_hub() -> None:
    template = catalog_object("TriggerTemplate", RUN["spec"]["pipelineRef"]["name"])["spec"]
    hub = template["resourcetemplates"][0]["spec"]
    defaults = {f"$(tt.params.{each['name']})": each.get("default") for each in template["params"]}
    (claim,) = [each for each in hub["workspaces"] if each["name"] == "shared-workspace"]
    spec = claim["volumeClaimTemplate"]["spec"]
    spec = {
        **spec,
        "storageClassName": defaults[spec["storageClassName"]],
        "resources": {"requests": {"storage": defaults[spec["resources"]["requests"]["storage"]]}},
    }
    assert RUN["spec"]["timeouts"] == hub["timeouts"]
    assert RUN["spec"]["taskRunTemplate"] == hub["taskRunTemplate"]
    assert RUN["spec"]["workspaces"][0]["volumeClaimTemplate"]["spec"] == spec


def test_the_run_on_a_laptop_binds_every_workspace_that_is_not_optional() -> None:
    required = {each["name"] for each in PIPELINE["workspaces"] if not each.get("optional")}
    assert {each["name"] for each in RUN["spec"]["workspaces"]} == required


@pytest.mark.parametrize("text", [FIRST_DAY, LAPTOP], ids=["first-day", "laptop"])
def test_files_that_are_applied_are_generated(text: str) -> None:
    applied = re.findall(r"(?:--filename|-k) ((?:argocd|bases|overlays)/[^\s;]+)", text)
    assert applied
    assert [path for path in applied if not (ROOT / path).exists()] == []


def test_exactly_the_clusters_that_argo_cd_names_are_registered() -> None:
    applications = [yaml.safe_load(path.read_text()) for path in (ROOT / "argocd").rglob("application.yaml")]
    named = {each["spec"]["destination"]["name"] for each in applications} - {"in-cluster"}
    assert set(re.findall(r"argocd cluster add CONTEXT --name (\S+)", FIRST_DAY)) == named


def test_bootstrap_prints_what_the_first_day_says() -> None:
    commands = [command for step in bootstrap(ROOT).steps for command in step.commands]
    lines = [as_line(command).replace("kubectl", "oc") for command in commands]
    # The page runs the tool of the clone, and names no repository.
    lines = [line for line in lines if not line.startswith(("argocd repo add", "okd-gitops"))]

    assert len(lines) > 8
    assert [line for line in lines if line not in FIRST_DAY] == []


@pytest.mark.parametrize("document", ["README.md", "docs/first-day.md"])
def test_the_root_application_is_applied_with_its_project(document: str) -> None:
    """An Application whose project does not exist is never synced."""
    root = yaml.safe_load((ROOT / "argocd/fleet/application.yaml").read_text())
    project = f"argocd/{root['spec']['project']}/appproject.yaml"
    text = (ROOT / document).read_text()
    (line,) = re.findall(r"^.* apply .*argocd/fleet/application\.yaml.*$", text, re.MULTILINE)
    assert f"--filename {project}" in line


def test_namespaces_and_cronjobs_that_commands_name_are_on_the_hub() -> None:
    for name in re.findall(r"--from=cronjob/(\S+)", FIRST_DAY):
        minor = name.removeprefix("okd-coreos-")
        assert (ROOT / "overlays/moc-hub" / f"scos-pipeline-{minor}").is_dir()
    for namespace in re.findall(r"--namespace (argocd|okd-[a-z]+)", FIRST_DAY):
        assert Path(ROOT / f"overlays/moc-hub/namespace-{namespace}.yaml").exists()


def test_the_first_paragraph_says_what_is_not_public() -> None:
    for text in (FIRST_DAY, LAPTOP):
        assert "public" in text.split("\n\n")[1]
