"""release-watch, rendered; its scripts run with the real tool, a real remote and a release controller."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import git_server
import release_controller
from conftest import CACHE, ROOT, git
from cron import run_cron
from okd_gitops.check.check import check
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.generate.generate import generate
from okd_gitops.system.disk import read_catalog
from release_fleet import NEW, OLD, Fleet, wave
from rendered import ENVIRONMENTS, FLEET, faults, invalid, objects, of_kind
from script_checks import shellchecked

Object = dict[str, Any]
IMAGE = "registry.example.org/okd-gitops@sha256:" + "c" * 64
WATCH = f"  tekton:\n  notify:\n  release-watch:\n    image: {IMAGE}\n"
FORGE = WATCH + "    forge: forgejo\n    schedule: 5 * * * *\n"
TOKEN = "s3cret-of-git"


@pytest.fixture(scope="module")
def okd() -> tuple[Object, ...]:
    return tuple(value for value in objects("okd", FORGE) if "release-watch" in value["metadata"]["name"])


def template(values: tuple[Object, ...]) -> tuple[dict[str, str], Object]:
    """Return the defaults of the TriggerTemplate and the run that it makes."""
    (found,) = of_kind(values, "TriggerTemplate").values()
    (run,) = found["spec"]["resourcetemplates"]
    return {param["name"]: param["default"] for param in found["spec"]["params"]}, run


def task(values: tuple[Object, ...]) -> Object:
    spec = of_kind(values, "Task")["release-watch"]["spec"]
    assert isinstance(spec, dict)
    return spec


def test_it_fits_its_schemas_and_gets_what_the_fleet_says(okd: tuple[Object, ...]) -> None:
    assert invalid(okd) == []
    values, _ = template(okd)
    assert values == {
        "image": IMAGE,
        "repository": "https://git.example.org/fleet.git",
        "revision": "main",
        "forge": "forgejo",
        "notify": "false",
    }
    assert of_kind(okd, "CronJob")["release-watch"]["spec"]["schedule"] == "5 * * * *"
    assert template(objects("okd", WATCH))[0]["forge"] == ""


@pytest.mark.parametrize("environment", ["okd", "kubernetes"])
def test_a_fleet_with_both_features_breaks_no_rule(environment: str, tmp_path: Path) -> None:
    observer = f"  upgrade-observer:\n    image: {IMAGE}\n"
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text(
        f"purpose: hub\n{ENVIRONMENTS[environment]}features:\n{FORGE}{observer}"
    )
    generate(tmp_path)
    report = check(tmp_path, CACHE, today=date(2026, 11, 21), say=lambda _: None)
    assert faults(report.findings) == []
    assert report.without_schema == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("  tekton:\n  notify:\n  release-watch:\n", "missing-parameter"),
        (WATCH.replace("@sha256:", ":"), "invalid-value"),
        (WATCH + "    forge: svn\n", "invalid-value"),
    ],
    ids=["no image", "a tag", "no forge"],
)
def test_the_cluster_file_says_which_image_runs(text: str, code: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", text)
    assert [finding.name for finding in error.value.findings] == [code]


def test_params_and_results_match(okd: tuple[Object, ...]) -> None:
    _, run = template(okd)
    pipeline = of_kind(okd, "Pipeline")["release-watch"]["spec"]
    names = {param["name"] for param in pipeline["params"]}
    assert (
        names
        == {param["name"] for param in run["spec"]["params"]}
        == {param["name"] for param in task(okd)["params"]} | {"notify"}
    )
    (step,) = pipeline["tasks"]
    assert {param["name"]: param["value"] for param in step["params"]} == {
        name: f"$(params.{name})" for name in names - {"notify"}
    }
    assert pipeline["results"][0]["value"] == "$(tasks.watch.results.blocked)"


def test_okd_allows_the_users_of_the_pods_and_other_environments_get_no_openshift_object(
    okd: tuple[Object, ...],
) -> None:
    role = of_kind(okd, "Role")["release-watch-nonroot"]
    assert role["rules"][0]["resourceNames"] == ["nonroot-v2"]
    subjects = {
        subject["name"] for subject in of_kind(okd, "RoleBinding")["release-watch-nonroot"]["subjects"]
    }
    assert subjects == {"release-watch", "release-watch-cron"}
    plain = [
        value for value in objects("kubernetes", FORGE) if value["metadata"].get("namespace") == "okd-gitops"
    ]
    assert "securitycontextconstraints" not in str(plain)
    assert {"CronJob", "EventListener", "Task", "Pipeline"} <= {value["kind"] for value in plain}


def test_the_listener_has_its_own_account_and_requires_the_token(
    okd: tuple[Object, ...],
) -> None:
    (listener,) = of_kind(okd, "EventListener").values()
    name = listener["spec"]["serviceAccountName"]
    assert of_kind(okd, "RoleBinding")[name]["roleRef"]["name"] == "tekton-triggers-eventlistener-roles"
    assert (
        of_kind(okd, "ClusterRoleBinding")[name]["roleRef"]["name"]
        == "tekton-triggers-eventlistener-clusterroles"
    )
    (trigger,) = listener["spec"]["triggers"]
    (interceptor,) = trigger["interceptors"]
    assert (
        interceptor["params"][0]["value"]
        == "header.canonical('X-Okd-Token').compareSecret('token', 'release-watch-trigger')"
    )
    (policy,) = of_kind(okd, "NetworkPolicy").values()
    assert policy["spec"]["podSelector"]["matchLabels"] == {"eventlistener": listener["metadata"]["name"]}
    assert {"podSelector": {}} in policy["spec"]["ingress"][0]["from"]
    assert "cluster-admin" not in str(okd)


def test_a_caller_cannot_choose_what_the_run_does(okd: tuple[Object, ...]) -> None:
    values, run = template(okd)
    assert set(re.findall(r"\$\(tt\.params\.([a-z-]+)\)", str(run))) == values.keys()
    assert "body." not in str(okd)


def test_the_cronjob_keeps_limits_and_runs_do_not_overlap(okd: tuple[Object, ...]) -> None:
    spec = of_kind(okd, "CronJob")["release-watch"]["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"} <= spec.keys()
    assert "timeZone" not in spec
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
    _, run = template(okd)
    assert run["spec"]["timeouts"] == {"pipeline": "1h0m0s"}
    assert invalid((run,)) == []
    assert all(
        step["computeResources"]["requests"].keys() == {"cpu", "memory"} for step in task(okd)["steps"]
    )


def test_the_run_has_no_token_of_the_cluster_and_no_rights(okd: tuple[Object, ...]) -> None:
    _, run = template(okd)
    taken = run["spec"]["taskRunTemplate"]
    assert taken["podTemplate"]["automountServiceAccountToken"] is False
    assert taken["podTemplate"]["securityContext"]["runAsNonRoot"]
    account = taken["serviceAccountName"]
    assert of_kind(okd, "ServiceAccount")[account]["automountServiceAccountToken"] is False
    bound = [
        value["metadata"]["name"]
        for value in okd
        for subject in value.get("subjects", [])
        if subject["name"] == account
    ]
    assert bound == ["release-watch-nonroot"]
    context = task(okd)["stepTemplate"]["securityContext"]
    assert (
        context["readOnlyRootFilesystem"],
        context["allowPrivilegeEscalation"],
        context["capabilities"],
    ) == (True, False, {"drop": ["ALL"]})


def test_secrets_are_files_or_environment_variables_and_all_are_in_the_table(
    okd: tuple[Object, ...],
) -> None:
    table = load_catalog(read_catalog()).features["release-watch"].spec.secrets
    text = json.dumps(okd)
    named = set(re.findall(r'"secretName": "([a-z-]+)"', text)) | set(
        re.findall(r'"secretKeyRef": {[^}]*"name": "([a-z-]+)"', text)
    )
    named |= set(re.findall(r"compareSecret\('token', '([a-z-]+)'\)", text))
    assert named == set(table)
    assert {need.namespace for need in table.values()} == {"okd-gitops"}
    assert {name: need.when for name, need in table.items() if need.when} == {
        "release-watch-forge": "forge",
        "release-watch-notify": "notify",
    }
    assert {need.keys for name, need in table.items() if name != "release-watch-notify"} == {("token",)}
    for step in task(okd)["steps"]:
        assert not re.search(r"\$\((params|context|workspaces|tasks|results)\b", step["script"])


@pytest.mark.parametrize("name", ["clone", "watch"])
def test_scripts_pass_shellcheck_and_use_only_what_they_are_given(okd: tuple[Object, ...], name: str) -> None:
    step = next(each for each in task(okd)["steps"] if each["name"] == name)
    done = shellchecked(step["script"])
    assert done.returncode == 0, done.stdout
    assert step["script"].startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    # git reads its own variables.
    used = {name for name in re.findall(r"\$\{([A-Z_]+)", step["script"]) if not name.startswith("GIT_")}
    assert used == {item["name"] for item in step["env"] if not item["name"].startswith("GIT_")}


def test_the_helper_of_git_and_the_cron_are_shellcheck_clean(okd: tuple[Object, ...]) -> None:
    helper = next(
        item["value"] for item in task(okd)["stepTemplate"]["env"] if item["name"] == "GIT_CONFIG_VALUE_0"
    )
    (container,) = of_kind(okd, "CronJob")["release-watch"]["spec"]["jobTemplate"]["spec"]["template"][
        "spec"
    ]["containers"]
    for script in (f'{helper.removeprefix("!")} "$@"\n', container["args"][0]):
        done = shellchecked(script, "--shell=sh")
        assert done.returncode == 0, done.stdout


def test_the_cron_wants_to_see_a_run(okd: tuple[Object, ...], tmp_path: Path) -> None:
    cron = of_kind(okd, "CronJob")["release-watch"]
    (tmp_path / "there").mkdir()
    (tmp_path / "none").mkdir()
    runs = json.dumps({"kind": "PipelineRunList", "items": [{"kind": "PipelineRun"}]}, indent=2)
    assert run_cron(cron, tmp_path / "there", runs=runs, secret="release-watch-trigger") == 0
    assert (tmp_path / "there/post").read_text().splitlines()[
        -1
    ] == "http://el-release-watch.okd-gitops.svc.cluster.local:8080"
    assert (tmp_path / "there/post-input").read_text() == "X-Okd-Token: s3cret-of-release-watch-trigger\n"
    assert "s3cret" not in (tmp_path / "there/post").read_text() + (tmp_path / "there/list").read_text()
    assert (
        run_cron(
            cron,
            tmp_path / "none",
            runs='{"kind":"PipelineRunList","items":[]}',
            secret="release-watch-trigger",
        )
        == 3
    )


class Pod:
    """Runs the steps of the Task as a pod would: its environment, its folders, and a PATH on which the
    image's tools are.
    """

    def __init__(self, folder: Path, spec: Object, **params: str) -> None:
        self.folder, self.spec = folder, spec
        self.params = {"image": IMAGE, "repository": "", "revision": "main", "forge": "", **params}
        for name in ("work", "bin", "var", "cache"):
            (folder / name).mkdir()
        (folder / "var/token").write_text(f"{TOKEN}\n")
        # What the image holds at OKD_GITOPS_CACHE.
        for name in ("bin", "schemas"):
            (folder / "cache" / name).symlink_to(CACHE / name)
        self.program("okd-gitops", f'#!/bin/sh\nexec "{sys.executable}" -m okd_gitops "$@"\n')

    def program(self, name: str, text: str) -> None:
        """Put a program of the image in place."""
        (self.folder / "bin" / name).write_text(text)
        (self.folder / "bin" / name).chmod(0o755)

    def text(self, value: str) -> str:
        """Fill in parameters and folders."""
        for name, given in self.params.items():
            value = value.replace(f"$(params.{name})", given)
        for name in ("blocked", "attention"):
            value = value.replace(f"$(results.{name}.path)", str(self.folder / name))
        return value.replace("/var/run/release-watch-git", str(self.folder / "var")).replace(
            "/fleet-work", str(self.folder / "work")
        )

    def run(self, name: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a step."""
        step = next(each for each in self.spec["steps"] if each["name"] == name)
        given = [*self.spec["stepTemplate"]["env"], *step["env"]]
        env = {item["name"]: self.text(item["value"]) for item in given if "value" in item}
        env |= {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "generator"),
            "OKD_GITOPS_CACHE": str(self.folder / "cache"),
        }
        env |= {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "FOLDER": str(self.folder),
            **more,
        }
        script = self.folder / f"{name}.sh"
        script.write_text(self.text(step["script"]))
        where = self.text(step.get("workingDir", "/"))
        return subprocess.run(
            ["/usr/bin/env", "bash", str(script)],
            env=env,
            cwd=where,
            capture_output=True,
            text=True,
            check=False,
        )

    def blocked(self) -> str:
        """Return the Task's result."""
        return (self.folder / "blocked").read_text()

    def attention(self) -> str:
        """Return what people are told."""
        return (self.folder / "attention").read_text()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A fleet on a Forgejo, with a new release."""
    with release_controller.serving() as controller:
        controller.publish(OLD)
        fleet = Fleet(tmp_path, controller)
        text = (
            (fleet.root / "fleet.yaml")
            .read_text()
            .replace("example.org/fleet.git", "example.org/okd/fleet.git")
        )
        fleet.write("fleet.yaml", f"{text}  forge: forgejo\n")
        generate(fleet.root)
        git(fleet.root, "commit", "-qam", "the forge")
        git(fleet.root, "push", "-q", "origin", "main")
        controller.publish(NEW, before=(OLD,))
        yield fleet


def test_it_clones_with_the_token_moves_the_first_wave_and_says_where_the_fleet_stands(
    okd: tuple[Object, ...], fleet: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "pod").mkdir()
    with git_server.serving(fleet.remote, TOKEN) as server:
        pod = Pod(tmp_path / "pod", task(okd), repository=server.url)
        cloned = pod.run("clone")
        assert (cloned.returncode, cloned.stderr) == (0, "")
        done = pod.run("watch")
        assert done.returncode == 0, done.stderr
        assert pod.blocked() == "false"
        assert ("POST", True, "/okd/fleet.git/git-receive-pack") in server.asked
    assert fleet.on_remote(wave(NEW, 1)) == [f"okd(canary): {OLD} → {NEW}", f"okd(probe): {OLD} → {NEW}"]
    assert (
        git(fleet.root, "--git-dir", str(fleet.remote), "log", "-1", "--format=%ae", wave(NEW, 1))
        == "release-watch@okd-gitops.invalid\n"
    )
    assert git(fleet.root, "--git-dir", str(fleet.remote), "ls-tree", "--name-only", "records").split() == [
        "proposals",
        "releases",
        "runs.yaml",
    ]
    # Without a token of the forge, the log has the command.
    assert "FORGEJO_TOKEN in the environment" in done.stderr
    assert f"pushed {wave(NEW, 1)}" in done.stdout
    assert "prod: A cluster of an earlier wave has not reported on the release yet" in done.stdout
    written = b"".join(path.read_bytes() for path in (tmp_path / "pod/work").rglob("*") if path.is_file())
    assert TOKEN not in f"{written!r}{cloned.stdout}{done.stdout}{done.stderr}"


def test_a_controller_that_is_away_fails_the_run(
    okd: tuple[Object, ...], fleet: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "pod").mkdir()
    pod = Pod(tmp_path / "pod", task(okd))
    git(tmp_path, "clone", "-q", str(fleet.remote), str(tmp_path / "pod/work/fleet"))
    fleet.controller.paths["/graph"] = 404
    done = pod.run("watch")
    assert (done.returncode, pod.blocked()) == (6, "false")
    assert "okd/" not in git(fleet.root, "ls-remote", "origin")


def test_a_wrong_token_fails_and_a_redirect_elsewhere_is_not_shown_it(
    okd: tuple[Object, ...], fleet: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "pod").mkdir()
    with (
        git_server.serving(fleet.remote, "another") as server,
        git_server.serving(fleet.remote, "another") as thief,
    ):
        pod = Pod(tmp_path / "pod", task(okd), repository=server.url)
        done = pod.run("clone")
        assert (done.returncode, TOKEN in done.stderr) == (128, False)
        assert [given for _, given, _ in server.asked] == [False, True]
        server.elsewhere = thief.url.removesuffix("/okd/fleet.git")
        assert pod.run("clone").returncode == 128
        assert [given for _, given, _ in thief.asked] == [False]


TOOL = """\
#!/bin/sh
printf '%s github=%s gitlab=%s forgejo=%s any=%s\\n' \\
  "$*" "$GITHUB_TOKEN" "$GITLAB_TOKEN" "$FORGEJO_TOKEN" "$FORGE_TOKEN" >>"$FOLDER/log"
case "$2" in
  record) exit "$RECORD" ;;
  update) exit "$UPDATE" ;;
  promote) exit "$PROMOTE" ;;
  --attention) printf '%s' "${ATTENTION:-}"; exit "${NEEDED:-0}" ;;
  *) exit "$STATUS" ;;
esac
"""


@pytest.mark.parametrize(
    ("codes", "ending", "blocked"),
    [
        ((0, 0, 0, 0), 0, "false"),
        ((0, 5, 0, 0), 0, "true"),
        ((0, 0, 5, 0), 0, "true"),
        ((0, 6, 0, 0), 6, "false"),
        ((0, 5, 6, 0), 6, "true"),
        ((0, 2, 6, 4), 2, "false"),
        ((0, 0, 0, 4), 4, "false"),
        ((8, 6, 0, 0), 8, "false"),
    ],
)
def test_a_blocked_upgrade_is_no_failure_but_any_other_error_is(
    okd: tuple[Object, ...], tmp_path: Path, codes: tuple[int, ...], ending: int, blocked: str
) -> None:
    pod = Pod(tmp_path, task(okd), forge="gitlab")
    (tmp_path / "work/fleet").mkdir()
    pod.program("okd-gitops", TOOL)
    pod.program("git", "#!/bin/sh\n")
    named = dict(zip(("RECORD", "UPDATE", "PROMOTE", "STATUS"), map(str, codes), strict=True))
    assert pod.run("watch", FORGE_TOKEN="t0ken", **named).returncode == ending
    assert pod.blocked() == blocked
    tokens = " github= gitlab=t0ken forgejo= any="
    verbs = [
        "release record --push",
        "release update --push --open",
        "release promote --push --open",
        "status",
        "status --attention --since ",
    ]
    assert (tmp_path / "log").read_text().splitlines() == [f"{verb}{tokens}" for verb in verbs]


def test_a_token_is_given_to_the_named_forge_only(okd: tuple[Object, ...], tmp_path: Path) -> None:
    pod = Pod(tmp_path, task(okd))
    (tmp_path / "work/fleet").mkdir()
    pod.program("okd-gitops", TOOL)
    pod.program("git", "#!/bin/sh\n")
    codes = dict.fromkeys(("RECORD", "UPDATE", "PROMOTE", "STATUS"), "0")
    assert pod.run("watch", FORGE_TOKEN="t0ken", **codes).returncode == 0
    assert "t0ken" not in (tmp_path / "log").read_text()


def test_what_needs_a_person_is_a_result_and_no_failure(okd: tuple[Object, ...], tmp_path: Path) -> None:
    lines = "hub: the upgrade is refused\nprod: dns failed\n"
    assert watched(okd, tmp_path / "some", ATTENTION=lines, NEEDED="1") == (0, lines.rstrip("\n"))
    assert watched(okd, tmp_path / "none", ATTENTION="") == (0, "")
    assert watched(okd, tmp_path / "error", ATTENTION="", NEEDED="2") == (2, "")


@pytest.mark.parametrize("text", ["<" * 5000, '"' * 5000, "\\" * 5000, "&" * 5000, "ž" * 5000, "x\n" * 3000])
def test_the_result_fits_what_tekton_keeps_of_a_pod(
    text: str, okd: tuple[Object, ...], tmp_path: Path
) -> None:
    # entrypoint of Tekton writes results as JSON by Go, which escapes these too: encoding/json, HTMLEscape.
    code, _ = watched(okd, tmp_path, ATTENTION=text, NEEDED="1")
    told = (tmp_path / "attention").read_bytes().decode(errors="replace")
    written = json.dumps(told, ensure_ascii=False)

    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")

    assert code == 0
    assert 1000 < len(written.encode()) < 3500


def watched(okd: tuple[Object, ...], folder: Path, **attention: str) -> tuple[int, str]:
    """Run the watch with a tool that says what needs a person; return its exit code and that result."""
    folder.mkdir(exist_ok=True)
    pod = Pod(folder, task(okd))
    (folder / "work/fleet").mkdir()
    pod.program("okd-gitops", TOOL)
    pod.program("git", "#!/bin/sh\n")
    codes = dict.fromkeys(("RECORD", "UPDATE", "PROMOTE", "STATUS"), "0")
    done = pod.run("watch", **codes, **attention)
    return done.returncode, (folder / "attention").read_bytes().decode(errors="replace")


def test_people_are_told_what_came_after_the_last_watch_also_by_the_observer(
    okd: tuple[Object, ...], fleet: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "pod").mkdir()
    pod = Pod(tmp_path / "pod", task(okd))
    pod.program(
        "okd-gitops",
        f'#!/bin/sh\necho "$*" >>"$FOLDER/log"\nexec "{sys.executable}" -m okd_gitops "$@"\n',
    )
    git(tmp_path, "clone", "-q", str(fleet.remote), str(tmp_path / "pod/work/fleet"))
    pod.run("watch")
    watched_last = git(fleet.root, "--git-dir", str(fleet.remote), "rev-parse", "records").strip()

    fleet.passed("canary", ok=False)
    done = pod.run("watch")
    told = (tmp_path / "pod/log").read_text().splitlines()[-1]
    assert done.returncode == 0, done.stderr
    assert told == f"status --attention --since {watched_last}"
    assert f"canary: the upgrade to {NEW} is refused" in pod.attention()


def test_the_pipeline_tells_people_at_its_end_if_the_cluster_file_says_so(okd: tuple[Object, ...]) -> None:
    assert template(objects("okd", FORGE + "    notify: true\n"))[0]["notify"] == "true"
    pipeline = of_kind(okd, "Pipeline")["release-watch"]["spec"]
    attention, failure = pipeline["finally"]
    asked = {"input": "$(params.notify)", "operator": "in", "values": ["true"]}

    assert attention["when"] == [
        asked,
        {"input": "$(tasks.watch.results.attention)", "operator": "notin", "values": [""]},
    ]
    assert attention["params"] == [{"name": "message", "value": "$(tasks.watch.results.attention)"}]
    assert failure["when"] == [
        asked,
        {"input": "$(tasks.watch.status)", "operator": "notin", "values": ["Succeeded"]},
    ]
    # A run that failed may have no results: a reference to one would skip the message.
    assert ".results." not in str(failure)


def test_the_pipeline_calls_the_task_that_the_feature_notify_brings(okd: tuple[Object, ...]) -> None:
    called = of_kind(objects("okd", FORGE), "Task")["notify"]
    credentials = next(iter(called["spec"]["workspaces"]))["name"]
    pipeline = of_kind(okd, "Pipeline")["release-watch"]["spec"]
    (declared,) = pipeline["workspaces"]
    (bound,) = template(okd)[1]["spec"]["workspaces"]

    assert bound == {
        "name": declared["name"],
        "secret": {"secretName": "release-watch-notify", "optional": True},
    }

    for call in pipeline["finally"]:
        reference = {param["name"]: param["value"] for param in call["taskRef"]["params"]}
        assert call["taskRef"]["resolver"] == "cluster"
        assert reference == {
            "kind": "task",
            "name": called["metadata"]["name"],
            "namespace": called["metadata"]["namespace"],
        }
        assert call["workspaces"] == [{"name": credentials, "workspace": declared["name"]}]
        assert {param["name"] for param in called["spec"]["params"] if "default" not in param} == {"message"}


def test_a_hub_without_the_feature_notify_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", WATCH.replace("  notify:\n", ""))
    assert [finding.name for finding in error.value.findings] == ["unsuitable-feature"]
