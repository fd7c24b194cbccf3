"""release-pipeline, rendered."""

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from okd_gitops.finding import FindingsError
from rendered import objects, of_kind
from taskbench import FEATURES

NEXT = (
    "{name: next, source-stream: 4.22.0-0.okd-scos-nightly, target-stream: 4-scos-next, imagestream: "
    "origin/release-scos-next, schedule: 0 5 * * 1}"
)
STABLE = (
    "{name: stable, source-stream: 4.21.0-0.okd-scos-nightly, target-stream: 4-scos-stable, schedule: "
    "30 5 * * 2}"
)
FEATURE = f"  tekton:\n  release-pipeline:\n    instances:\n    - {NEXT}\n    - {STABLE}\n"
Objects = tuple[dict[str, Any], ...]


@pytest.fixture(scope="module")
def okd() -> Objects:
    return objects("okd", FEATURE)


def pipeline(values: Objects) -> dict[str, Any]:
    spec = of_kind(values, "Pipeline")["okd-release"]["spec"]
    assert isinstance(spec, dict)
    return spec


def env(cron: dict[str, Any]) -> dict[str, str]:
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item["value"] for item in container["env"]}


def own(values: Objects) -> list[dict[str, Any]]:
    return [value for value in values if value["metadata"].get("namespace") == "okd-coreos"]


# --- rendered


def test_api_versions_are_current(okd: Objects) -> None:
    assert {value["apiVersion"] for value in own(okd) if "tekton" in value["apiVersion"]} == {
        "tekton.dev/v1",
        "triggers.tekton.dev/v1beta1",
    }


def test_images_are_digests_and_steps_request_resources(okd: Objects) -> None:
    for task in of_kind(okd, "Task").values():
        for step in task["spec"]["steps"]:
            assert re.fullmatch(r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", step["image"])
            assert {"cpu", "memory"} <= step["computeResources"]["requests"].keys()
            assert "resources" not in step
            assert step["securityContext"]["runAsNonRoot"]
    for path in (FEATURES / "release-pipeline").rglob("*.yaml"):
        assert not re.search(r"[:/-](latest|vdev)\b", path.read_text().replace('/latest"', "")), path.name


def test_params_and_workspaces_of_tasks_and_runs_are_declared(okd: Objects) -> None:
    spec, tasks = pipeline(okd), of_kind(okd, "Task")
    for called in spec["tasks"] + spec["finally"]:
        task = tasks[called["taskRef"]["name"]]["spec"]
        declared = {item["name"]: item for item in task["params"]}
        given = {item["name"] for item in called["params"]}
        assert given <= declared.keys()
        assert {name for name, item in declared.items() if "default" not in item} <= given
        assert len(called.get("workspaces", [])) == len(task.get("workspaces", []))
    (run,) = of_kind(okd, "TriggerTemplate")["okd-release"]["spec"]["resourcetemplates"]
    assert {item["name"] for item in run["spec"]["params"]} | {"release"} == {
        item["name"] for item in spec["params"]
    }
    assert run["spec"]["timeouts"]["pipeline"] == "30h0m0s"


def test_kind_gets_only_tasks_and_the_pipeline() -> None:
    assert {value["kind"] for value in own(objects("kind", "  tekton:\n  release-pipeline:\n"))} == {
        "ConfigMap",
        "Pipeline",
        "ServiceAccount",
        "Task",
    }


def test_plain_kubernetes_gets_no_openshift_object() -> None:
    values = objects("kubernetes", FEATURE)
    assert not [
        value["kind"]
        for value in values
        if "openshift.io" in value["apiVersion"] or "security.openshift.io" in str(value.get("rules"))
    ]
    assert {"CronJob", "EventListener", "TriggerTemplate"} <= {value["kind"] for value in values}


def test_the_listener_has_its_own_account_and_requires_the_token(okd: Objects) -> None:
    listener = of_kind(okd, "EventListener")["okd-release"]["spec"]
    assert (
        of_kind(okd, "RoleBinding")[listener["serviceAccountName"]]["roleRef"]["name"]
        == "tekton-triggers-eventlistener-roles"
    )
    assert (
        of_kind(okd, "ClusterRoleBinding")[listener["serviceAccountName"]]["roleRef"]["name"]
        == "tekton-triggers-eventlistener-clusterroles"
    )
    (trigger,) = listener["triggers"]
    assert "compareSecret('token', 'okd-release-trigger')" in str(trigger["interceptors"])
    assert "cluster-admin" not in str(okd)


def test_params_resolve(okd: Objects) -> None:
    template = of_kind(okd, "TriggerTemplate")["okd-release"]["spec"]
    bound = {item["name"] for item in of_kind(okd, "TriggerBinding")["okd-release"]["spec"]["params"]}
    declared = {item["name"]: item.get("default") for item in template["params"]}
    assert (
        set(re.findall(r"\$\(tt\.params\.([a-z0-9-]+)\)", str(template["resourcetemplates"])))
        == declared.keys()
    )
    assert {name for name, default in declared.items() if default is None} == bound


def test_cronjobs_keep_limits(okd: Objects) -> None:
    for cron in of_kind(okd, "CronJob").values():
        assert cron["spec"]["concurrencyPolicy"] == "Forbid"
        assert {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"} <= cron[
            "spec"
        ].keys()
        assert "timeZone" not in cron["spec"]


def run_cron(okd: Objects, name: str, day: datetime, folder: Path) -> str:
    """Run the script of a CronJob on a day and return the body of its request, or nothing."""
    cron = of_kind(okd, "CronJob")[name]
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (folder / "posted").unlink(missing_ok=True)
    curl = """case "$*" in
*--data*)
  while [ "$1" != --data ]; do shift; done
  printf '%s' "$2" > "$FOLDER/posted"
  echo '{"eventID":"5f0c-77"}' ;;
*) echo '{"kind":"PipelineRun"}' ;;
esac
cat > /dev/null
"""
    for program, body in {
        "curl": curl,
        "sleep": "",
        "date": f"echo {int(day.timestamp())}",
        "cat": '[ -t 0 ] || exec /bin/cat "$@"',
    }.items():
        (folder / program).write_text(f"#!/bin/sh\n{body}\n")
        (folder / program).chmod(0o755)
    (folder / "token").write_text("s3cret")
    script = re.sub(r"/var/run/\S+?(?=[/\"\s]token|\s|$)", str(folder), container["args"][0])
    given = {**env(cron), "PATH": f"{folder}:/usr/bin:/bin", "FOLDER": str(folder)}
    done = subprocess.run(
        [*container["command"], script], env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return (folder / "posted").read_text() if (folder / "posted").exists() else ""


def test_three_iso_weeks_have_exactly_one_preview_also_over_new_year(okd: Objects, tmp_path: Path) -> None:
    assert env(of_kind(okd, "CronJob")["okd-release-next"])["PRERELEASE"] == "true"
    # 2026 has 53 ISO weeks: counting them by their number would release twice or never at its end.
    mondays = [datetime(2026, 11, 30, 5, tzinfo=UTC) + timedelta(weeks=week) for week in range(12)]
    ran = [bool(run_cron(okd, "okd-release-next", monday, tmp_path)) for monday in mondays]
    assert all(sum(ran[start : start + 3]) == 1 for start in range(10))
    sunday = mondays[ran.index(True)] + timedelta(days=6, hours=18, minutes=59)
    assert run_cron(okd, "okd-release-next", sunday, tmp_path)
    assert not run_cron(okd, "okd-release-next", sunday + timedelta(minutes=1), tmp_path)


def test_stable_is_requested_every_week_and_is_no_prerelease(okd: Objects, tmp_path: Path) -> None:
    posted = run_cron(okd, "okd-release-stable", datetime(2026, 12, 1, 5, tzinfo=UTC), tmp_path)
    bound = {item["name"] for item in of_kind(okd, "TriggerBinding")["okd-release"]["spec"]["params"]}
    params = json.loads(posted)["params"]
    assert params.keys() == bound
    assert (params["instance"], params["target-stream"], params["prerelease"], params["imagestream"]) == (
        "stable",
        "4-scos-stable",
        "false",
        "",
    )


@pytest.mark.parametrize(
    "entry", ["schedule: 0 5 * * *", "schedule: 0 5 * * 1-5", "every-weeks: 5, schedule: 0 5 * * 1"]
)
def test_a_schedule_that_is_not_weekly_is_an_error(entry: str) -> None:
    with pytest.raises(FindingsError):
        objects("okd", FEATURE.replace("schedule: 0 5 * * 1", entry))


def test_an_instance_that_is_neither_next_nor_stable_says_what_it_is() -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", FEATURE.replace("name: next", "name: spin"))
    assert {finding.name for finding in error.value.findings} == {"missing-parameter"}


def before(spec: dict[str, Any]) -> dict[str, set[str]]:
    """For each task those that have succeeded when it starts: by runAfter or by a result that it reads."""
    direct = {
        item["name"]: set(item.get("runAfter", []))
        | set(re.findall(r"\$\(tasks\.([^.]+)\.results\.", json.dumps(item)))
        for item in spec["tasks"]
    }

    def walk(name: str) -> set[str]:
        return direct[name].union(*(walk(other) for other in direct[name]))

    return {name: walk(name) for name in direct}


def test_tasks_run_in_order(okd: Objects) -> None:
    waits = before(pipeline(okd))
    picked = {"release-pick"}
    tested = picked | {"release-name", "release-verify", "release-test"}
    mirrored = tested | {"release-mirror"}
    assert waits == {
        "release-pick": set(),
        "release-name": picked,
        "release-verify": picked,
        "release-test": tested - {"release-test"},
        "release-mirror": tested,
        "release-binaries": mirrored,
        "release-notes": mirrored,
        "release-publish": mirrored | {"release-binaries", "release-notes"},
        "release-stream": mirrored | {"release-binaries", "release-notes", "release-publish"},
    }
    assert [item["name"] for item in pipeline(okd)["finally"]] == ["release-notify"]


def test_nothing_is_published_before_signature_and_test_of_the_chosen_digest(okd: Objects) -> None:
    """Tekton starts what is only ordered behind a skipped task; it skips what reads a result of one."""
    spec = pipeline(okd)
    tasks = {item["name"]: item for item in spec["tasks"]}
    picked = "$(tasks.release-pick.results.digest)"
    for name in ("release-mirror", "release-publish"):
        asked = {item["input"]: item["values"] for item in tasks[name]["when"]}
        assert asked == {
            "$(params.publish)": ["true"],
            "$(tasks.release-verify.results.digest)": [picked],
            "$(tasks.release-test.results.digest)": [picked],
        }
    for name in ("release-binaries", "release-notes", "release-publish", "release-stream"):
        assert "$(tasks.release-mirror.results.image)" in str(tasks[name]["params"])
    assert "$(tasks.release-publish.results.url)" in str(tasks["release-stream"]["params"])
    for name in ("release-pick", "release-name", "release-verify", "release-test"):
        assert "when" not in tasks[name]
        assert "onError" not in str(tasks[name])


def test_after_the_mirror_every_task_uses_its_digest(okd: Objects) -> None:
    tasks = {item["name"]: item for item in pipeline(okd)["tasks"]}
    for name in ("release-binaries", "release-notes", "release-publish", "release-stream"):
        images = [item["value"] for item in tasks[name]["params"] if item["name"] == "image"]
        assert images == ["$(tasks.release-mirror.results.image)"]


def test_secrets_are_files_and_in_the_table(okd: Objects) -> None:
    table = yaml.safe_load((FEATURES / "release-pipeline/feature.yaml").read_bytes())["secrets"]
    assert set(re.findall(r"'secretName': '([a-z0-9-]+)'", str(own(okd)))) == set(table)
    assert "secretKeyRef" not in str(own(okd))
    for task in of_kind(okd, "Task").values():
        assert not [item["name"] for item in task["spec"].get("results", []) if "token" in item["name"]]


def test_publishing_is_off_and_no_default_belongs_to_a_person(okd: Objects) -> None:
    defaults = {
        item["name"]: item.get("default")
        for item in of_kind(okd, "TriggerTemplate")["okd-release"]["spec"]["params"]
    }
    assert (defaults["publish"], defaults["notify-matrix"]) == ("false", "false")
    assert {item["name"]: item.get("default") for item in pipeline(okd)["params"]}["publish"] == "false"
    assert {defaults[name] for name in ("content-repository", "release-repository", "github-repository")} == {
        "quay.io/okd/scos-content",
        "quay.io/okd/scos-release",
        "okd-project/okd",
    }
    assert not re.search(r"zzlotnik|cheesesashimi|luzuccar|aleskandrox", str(okd))


def test_every_referenced_account_and_task_exists(okd: Objects) -> None:
    accounts, tasks = of_kind(okd, "ServiceAccount"), of_kind(okd, "Task")
    assert {"okd-release", "okd-release-cron", "okd-release-trigger"} <= accounts.keys()
    called = [item["taskRef"]["name"] for item in pipeline(okd)["tasks"] + pipeline(okd)["finally"]]
    assert sorted(called) == sorted(tasks.keys() & set(called))
    assert accounts["okd-release"]["automountServiceAccountToken"] is False


def test_the_key_in_the_catalog_has_the_trusted_fingerprint(okd: Objects, tmp_path: Path) -> None:
    (key,) = of_kind(okd, "ConfigMap")["okd-release-keys"]["data"].values()
    shown = subprocess.run(
        ["gpg", "--homedir", str(tmp_path), "--with-colons", "--show-keys"],
        input=key,
        capture_output=True,
        text=True,
        check=True,
    )
    fields = [line.split(":") for line in shown.stdout.splitlines()]
    assert [
        datetime.fromtimestamp(int(field[6]), UTC).date().isoformat() for field in fields if field[0] == "pub"
    ] == ["2027-03-31"]
    template = of_kind(okd, "TriggerTemplate")["okd-release"]["spec"]["params"]
    (trusted,) = [item["default"] for item in template if item["name"] == "signature-keys"]
    assert trusted == next(field[9] for field in fields if field[0] == "fpr")
