"""pruning: history is pruned by namespace, at least one run stays, and nothing deletes all runs."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from okd_gitops.finding import FindingsError
from okd_gitops.generate.applications import argocd_files
from okd_gitops.manifests.objects import mappings
from okd_gitops.system.disk import read_catalog
from programs import program
from rendered import invalid, objects, of_kind, planned
from script_checks import shellchecked

PRUNING = """\
  notify:
  tekton:
  pruning:
    namespaces:
    - {namespace: okd-layer, keep: 5, schedule: 15 3 * * *}
    - {namespace: builds}
"""
LAYER = "  os-layer-build:\n"


def container(cron: dict[str, Any]) -> dict[str, Any]:
    (found,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("environment", ["kubernetes", "kind"])
def test_each_namespace_has_its_own_schedule_and_number_of_runs(environment: str) -> None:
    values = objects(environment, PRUNING + LAYER)
    crons = of_kind(values, "CronJob")
    env = {
        name: {item["name"]: item["value"] for item in container(cron)["env"]} for name, cron in crons.items()
    }
    assert env == {
        "prune-okd-layer": {"NAMESPACE": "okd-layer", "KEEP": "5"},
        "prune-builds": {"NAMESPACE": "builds", "KEEP": "20"},
    }
    assert crons["prune-okd-layer"]["spec"]["schedule"] == "15 3 * * *"
    assert (
        invalid(
            tuple(value for value in values if value["kind"] in ("CronJob", "RoleBinding", "ClusterRole"))
        )
        == []
    )


def test_its_account_may_delete_runs_one_by_one_in_those_namespaces_alone() -> None:
    values = objects("kubernetes", PRUNING + LAYER)
    role = of_kind(values, "ClusterRole")["tekton-pruning"]
    assert role["rules"] == [
        {"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["get", "list", "delete"]}
    ]
    bindings = [value for value in values if value.get("roleRef", {}).get("name") == "tekton-pruning"]
    assert {(value["kind"], value["metadata"]["namespace"]) for value in bindings} == {
        ("RoleBinding", "okd-layer"),
        ("RoleBinding", "builds"),
    }
    for value in bindings:
        assert value["subjects"] == [
            {"kind": "ServiceAccount", "name": "tekton-pruning", "namespace": "tekton-pruning"}
        ]
    assert all(
        container(cron)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        for cron in of_kind(values, "CronJob").values()
    )


@pytest.mark.parametrize("value", ["0", "-1", '"5"'])
@pytest.mark.parametrize(
    ("environment", "text"),
    [("kind", PRUNING.replace("keep: 5", "keep: VALUE")), ("okd", "  tekton:\n    keep: VALUE\n")],
)
def test_keeping_no_run_is_refused(environment: str, text: str, value: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects(environment, text.replace("VALUE", value))
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]


def test_on_okd_the_operator_prunes() -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", PRUNING)
    assert "unsuitable-feature" in {finding.name for finding in error.value.findings}
    pruner = of_kind(objects("okd", "  tekton:\n    keep: 3\n"), "TektonConfig")["config"]["spec"]["pruner"]
    assert (pruner["disabled"], pruner["keep"], pruner["prune-per-resource"]) == (False, 3, True)


def test_no_run_is_annotated_and_no_command_deletes_all_runs() -> None:
    tree = read_catalog()
    for path in tree:
        if (
            not path.startswith("features/")
            or path.endswith("feature.yaml")
            or "customresourcedefinition" in path
        ):
            continue
        text = tree[path].decode()
        assert not re.search(
            r"\btkn\b.*\bdelete\b.*(--all|--keep[= ]0\b)|deletecollection.*\n?.*pipelineruns", text
        ), path
        for value in mappings(yaml.safe_load(text)):
            if value.get("kind") in ("PipelineRun", "TaskRun"):
                assert not [
                    key for key in value.get("metadata", {}).get("annotations", {}) if "prune" in key
                ], path


@pytest.mark.parametrize(("keep", "code"), [("5", 0), ("0", 1)])
def test_the_script_keeps_the_newest_and_what_runs(keep: str, code: int, tmp_path: Path) -> None:
    script = container(of_kind(objects("kind", PRUNING), "CronJob")["prune-builds"])["args"][0]
    (tmp_path / "tkn").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{tmp_path}/log"\n')
    (tmp_path / "tkn").chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "NAMESPACE": "builds", "KEEP": keep}
    done = subprocess.run(
        [program("sh"), "-ec", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    log = tmp_path / "log"
    calls = log.read_text().splitlines() if log.exists() else []
    unread = "--label !okd-gitops.io/component"
    call = f"pipelinerun delete --namespace builds --keep 5 {unread} --ignore-running=true --force"
    assert calls == ([call] if code == 0 else [])
    checked = shellchecked(f"#!/bin/sh\n{script}")
    assert checked.returncode == 0, checked.stdout


def test_the_project_permits_the_namespaces_that_entries_name() -> None:
    text = PRUNING.replace("okd-layer", "elsewhere").replace("  tekton:\n", "")
    files = argocd_files(planned(read_catalog(), text, environment="kubernetes"))
    project = yaml.safe_load(files["argocd/hub/appproject.yaml"])["spec"]
    namespaces = {each["namespace"] for each in project["destinations"]}
    assert {"elsewhere", "builds", "tekton-pruning"} <= namespaces
    assert "okd-coreos" not in namespaces
