"""scos-pipeline, rendered: triggers, release lines and what each environment gets."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cron import env, run_cron
from okd_gitops.finding import FindingsError
from rendered import objects, of_kind

LINES = """\
  tekton:
  kvm-device-plugin:
  scos-pipeline:
    storage-class: fast
    upload-container-images: true
    releases:
    - {minor: "4.16", stream: stable, schedule: 30 2 * * *}
    - {minor: "4.18", stream: stable, schedule: 30 6 * * *}
    - {minor: "4.19", stream: stable, schedule: 30 10 * * *}
    - {minor: "4.22", stream: next, schedule: 30 14 * * *}
"""
KIND = "  tekton:\n  kvm-device-plugin:\n  scos-pipeline:\n"


@pytest.fixture(scope="module")
def okd() -> tuple[dict[str, Any], ...]:
    return objects("okd", LINES)


def test_api_versions_are_current(okd: tuple[dict[str, Any], ...]) -> None:
    versions = {value["apiVersion"] for value in okd if "tekton.dev" in value["apiVersion"]}
    assert versions == {"tekton.dev/v1", "triggers.tekton.dev/v1beta1", "operator.tekton.dev/v1alpha1"}
    assert all("okd-coreos" in str(value) for value in okd if value["kind"] == "EventListener")


def test_a_run_times_out_after_four_hours(okd: tuple[dict[str, Any], ...]) -> None:
    for template in of_kind(okd, "TriggerTemplate").values():
        (run,) = template["spec"]["resourcetemplates"]
        assert run["spec"]["timeouts"]["pipeline"] == "4h0m0s"


def test_a_run_sets_exactly_the_params_and_workspaces_of_its_pipeline(
    okd: tuple[dict[str, Any], ...],
) -> None:
    pipelines = of_kind(okd, "Pipeline")
    for template in of_kind(okd, "TriggerTemplate").values():
        (run,) = template["spec"]["resourcetemplates"]
        spec = pipelines[run["spec"]["pipelineRef"]["name"]]["spec"]
        declared = {param["name"]: param for param in spec["params"]}
        given = {param["name"] for param in run["spec"]["params"]}
        assert given <= declared.keys()
        assert {name for name, param in declared.items() if "default" not in param} <= given
        assert {workspace["name"] for workspace in run["spec"]["workspaces"]} == {
            workspace["name"] for workspace in spec["workspaces"]
        }


@pytest.mark.parametrize(
    ("minor", "pipeline", "variant", "branch"),
    [
        ("4.16", "okd-coreos", "c9s", "release-4.16"),
        ("4.18", "okd-coreos", "okd-c9s", "release-4.18"),
        ("4.19", "okd-coreos-layered", "c9s", "release-4.19"),
        ("4.22", "okd-coreos-layered", "c10s", "release-4.22"),
    ],
)
def test_the_minor_decides_the_generation(
    okd: tuple[dict[str, Any], ...], minor: str, pipeline: str, variant: str, branch: str
) -> None:
    values = env(of_kind(okd, "CronJob")[f"okd-coreos-{minor}"])
    assert (values["PIPELINE"], values["VARIANT"], values["BRANCH"], values["VERSION"]) == (
        pipeline,
        variant,
        branch,
        minor,
    )


# 4.23 and 5.1 have branches that still build 5.0.
@pytest.mark.parametrize("minor", ["4.15", "4.23", "5.1", "3.11"])
def test_a_minor_without_a_line_in_the_table_is_an_error(minor: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", LINES.replace("4.16", minor))

    (finding,) = error.value.findings
    assert finding.name == "not-in-catalog"
    assert f'"{minor}" is not in the table ConfigMap/okd-coreos-lines, which has 4.16, ' in finding.reason


def test_one_more_release_line_adds_one_cronjob_and_nothing_else(okd: tuple[dict[str, Any], ...]) -> None:
    more = objects("okd", LINES + '    - {minor: "5.0", stream: next, schedule: 30 18 * * *}\n')
    assert [value["metadata"]["name"] for value in more if value not in okd] == ["okd-coreos-5.0"]
    assert [value for value in okd if value not in more] == []


def test_cronjob_trigger_and_manual_run_build_the_same_branch(okd: tuple[dict[str, Any], ...]) -> None:
    (binding,) = of_kind(okd, "TriggerBinding").values()
    assert {param["name"]: param["value"] for param in binding["spec"]["params"]}[
        "branch"
    ] == "$(body.params.branch)"
    assert len(of_kind(okd, "PipelineRun")) == 0


def test_storage_comes_from_a_storage_class(okd: tuple[dict[str, Any], ...]) -> None:
    assert {value["kind"] for value in okd} & {
        "PersistentVolume",
        "PersistentVolumeClaim",
        "StorageClass",
    } == set()
    for template in of_kind(okd, "TriggerTemplate").values():
        defaults = {param["name"]: param.get("default") for param in template["spec"]["params"]}
        assert defaults["storage-class"] == "fast"
        workspaces = {
            workspace["name"]: workspace
            for workspace in template["spec"]["resourcetemplates"][0]["spec"]["workspaces"]
        }
        claim = workspaces["shared-workspace"]["volumeClaimTemplate"]["spec"]
        assert claim["storageClassName"] == "$(tt.params.storage-class)"
        assert claim["accessModes"] == ["ReadWriteOnce"]
    assert "hostPath" not in str(
        [value for value in okd if value["metadata"].get("namespace") == "okd-coreos"]
    )


def test_kind_gets_tasks_and_pipelines_without_triggers() -> None:
    kind = [value for value in objects("kind", KIND) if value["metadata"].get("namespace") == "okd-coreos"]
    assert {value["kind"] for value in kind} == {"ConfigMap", "Pipeline", "Task", "ServiceAccount"}


def test_plain_kubernetes_gets_no_openshift_object() -> None:
    values = objects("kubernetes", LINES)
    assert not [value["kind"] for value in values if "openshift.io" in value["apiVersion"]]
    assert "securitycontextconstraints" not in str(values)
    assert {"CronJob", "EventListener", "TriggerTemplate"} <= {value["kind"] for value in values}


def test_okd_allows_the_users_of_the_pods_without_privileges(
    okd: tuple[dict[str, Any], ...],
) -> None:
    (constraints,) = of_kind(okd, "SecurityContextConstraints").values()
    assert constraints["allowPrivilegedContainer"] is False
    assert not [name for name, value in constraints.items() if name.startswith("allowHost") and value]
    tasks = of_kind(okd, "Task").values()
    asked = {
        name
        for task in tasks
        for step in task["spec"]["steps"]
        for name in step["securityContext"].get("capabilities", {}).get("add", [])
    }
    assert asked == set(constraints["allowedCapabilities"])
    may = {
        subject["name"]: role["rules"][0]["resourceNames"]
        for role in okd
        if role["kind"] == "Role"
        and role["metadata"]["namespace"] == "okd-coreos"
        and "use" in role["rules"][0]["verbs"]
        for binding in of_kind(okd, "RoleBinding").values()
        if binding["roleRef"]
        == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]}
        for subject in binding["subjects"]
    }
    assert may == {
        "okd-coreos-build": [constraints["metadata"]["name"]],
        "okd-coreos-cron": ["nonroot-v2"],
        "default": ["nonroot-v2"],
    }
    for template in of_kind(okd, "TriggerTemplate").values():
        (run,) = template["spec"]["resourcetemplates"]
        assert run["spec"]["taskRunTemplate"]["serviceAccountName"] in may
    for cron in of_kind(okd, "CronJob").values():
        assert cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"] in may


def test_the_listener_has_its_own_service_account(okd: tuple[dict[str, Any], ...]) -> None:
    (listener,) = of_kind(okd, "EventListener").values()
    name = listener["spec"]["serviceAccountName"]
    assert name in of_kind(okd, "ServiceAccount")
    assert of_kind(okd, "RoleBinding")[name]["roleRef"]["name"] == "tekton-triggers-eventlistener-roles"
    assert (
        of_kind(okd, "ClusterRoleBinding")[name]["roleRef"]["name"]
        == "tekton-triggers-eventlistener-clusterroles"
    )
    assert "cluster-admin" not in str(okd)


def test_every_trigger_authenticates_its_caller(okd: tuple[dict[str, Any], ...]) -> None:
    (listener,) = of_kind(okd, "EventListener").values()
    for trigger in listener["spec"]["triggers"]:
        (interceptor,) = trigger["interceptors"]
        assert "compareSecret('token', 'okd-coreos-trigger')" in interceptor["params"][0]["value"]


def test_params_resolve_and_no_default_names_a_version(
    okd: tuple[dict[str, Any], ...],
) -> None:
    (binding,) = of_kind(okd, "TriggerBinding").values()
    bound = {param["name"] for param in binding["spec"]["params"]}
    for template in of_kind(okd, "TriggerTemplate").values():
        declared = {param["name"]: param.get("default") for param in template["spec"]["params"]}
        used = set(re.findall(r"\$\(tt\.params\.([a-z0-9-]+)\)", str(template["spec"]["resourcetemplates"])))
        assert used == declared.keys()
        assert bound <= declared.keys()
        assert {name for name, default in declared.items() if default is None} <= bound
        assert not [
            default for default in declared.values() if default and re.search(r"\b[45]\.\d+\b", default)
        ]


def test_cronjobs_keep_limits_and_report_failures(okd: tuple[dict[str, Any], ...]) -> None:
    for cron in of_kind(okd, "CronJob").values():
        spec = cron["spec"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert {
            "startingDeadlineSeconds",
            "successfulJobsHistoryLimit",
            "failedJobsHistoryLimit",
        } <= spec.keys()
        assert "timeZone" not in spec
        job = spec["jobTemplate"]["spec"]
        assert job["backoffLimit"] <= 3
        assert job["template"]["spec"]["securityContext"]["runAsNonRoot"]
        (container,) = job["template"]["spec"]["containers"]
        assert "--fail-with-body" in container["args"][0]
        assert "@sha256:" in container["image"]


def test_schedules_of_the_fleet_do_not_overlap() -> None:
    import yaml

    from frozen import FLEET

    hub = yaml.safe_load((FLEET / "clusters/moc-hub.yaml").read_text())
    entries = [*hub["features"]["scos-pipeline"]["releases"], *hub["features"]["scos-triggers"]["sources"]]
    hours = sorted(int(entry["schedule"].split()[1]) for entry in entries)
    assert all(
        (later - earlier) % 24 >= 4 for earlier, later in zip(hours, [*hours[1:], hours[0] + 24], strict=True)
    )


def test_no_object_deletes_runs(okd: tuple[dict[str, Any], ...]) -> None:
    assert not re.search(r"\b(tkn|kubectl|oc) [^\\]*delete", str(okd))
    assert "operator.tekton.dev/prune" not in str(
        [value for value in okd if value["kind"] == "TriggerTemplate"]
    )


def test_secrets_are_those_of_the_table(okd: tuple[dict[str, Any], ...]) -> None:
    from okd_gitops.fleet.feature import load_catalog
    from okd_gitops.system.disk import read_catalog

    table = load_catalog(read_catalog()).features["scos-pipeline"].spec.secrets
    named = set(re.findall(r"'secretName': '([a-z0-9-]+)'", str(okd))) | {"okd-matrix-bot-auth"}
    # Where the RPMs come from images, nobody makes this one.
    assert named - {"okd-coreos-yum-repos"} == set(table)
    assert all(need.namespace == "okd-coreos" for need in table.values())
    assert {name: need.keys for name, need in table.items()} == {
        "okd-coreos-trigger": ("token",),
        "okd-matrix-bot-auth": ("token",),
        "okd-quay-pull-secret": (".dockerconfigjson",),
        "okd-s3-config": ("credentials",),
    }


def test_uploads_are_off_by_default() -> None:
    plain = of_kind(
        objects("okd", LINES.replace("    upload-container-images: true\n", "")), "TriggerTemplate"
    )
    for template in plain.values():
        defaults = {param["name"]: param.get("default") for param in template["spec"]["params"]}
        assert {
            defaults[name]
            for name in ("upload-container-images", "upload-bootimages", "tag-latest", "notify-matrix")
        } == {"false"}


def test_the_cron_posts_what_the_binding_reads_and_keeps_tokens_out_of_arguments(
    okd: tuple[dict[str, Any], ...], tmp_path: Path
) -> None:
    runs = json.dumps({"kind": "PipelineRunList", "items": [{"kind": "PipelineRun"}]}, indent=2)
    assert run_cron(of_kind(okd, "CronJob")["okd-coreos-4.22"], tmp_path, runs=runs) == 0
    posted, listed = (tmp_path / "post").read_text().splitlines(), (tmp_path / "list").read_text()
    params = json.loads(posted[posted.index("--data") + 1])["params"]
    (binding,) = of_kind(okd, "TriggerBinding").values()
    assert {*params, "cosa-image"} == {"pipeline", *(param["name"] for param in binding["spec"]["params"])}
    assert params["version"] == "4.22"
    assert "s3cret" not in f"{posted}{listed}"
    assert "labelSelector=triggers.tekton.dev/triggers-eventid%3D5f0c-77" in listed
    assert (tmp_path / "post-input").read_text() == "X-Okd-Token: s3cret-of-okd-coreos-trigger\n"
    assert (tmp_path / "list-input").read_text() == "Authorization: Bearer s3cret-of-serviceaccount\n"


def test_a_request_that_starts_no_run_fails(okd: tuple[dict[str, Any], ...], tmp_path: Path) -> None:
    """An EventListener answers 202 before it looks at the token: the answer alone proves nothing."""
    cron = of_kind(okd, "CronJob")["okd-coreos-4.22"]
    code = run_cron(cron, tmp_path, runs='{"kind":"PipelineRunList","items":[]}')
    (rule,) = cron["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [code])


def test_a_listener_that_is_away_is_asked_again(okd: tuple[dict[str, Any], ...], tmp_path: Path) -> None:
    assert run_cron(of_kind(okd, "CronJob")["okd-coreos-4.22"], tmp_path, runs="", status=7) == 7
    assert not (tmp_path / "list").exists()
