"""scos-triggers and operator-triggers: what starts a build when a source changes, by webhook and by
polling.

What an interceptor decides is not evaluated here: `webhooks/verdicts.json` holds what those of Tekton
Triggers v0.35.0 decided about the calls below, by `webhooks/main.go`. The tests compare the recording with
what is rendered today, so a filter that changes has to be judged again.
"""

import hashlib
import hmac
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from okd_gitops.finding import FindingsError
from rendered import faults, objects, of_kind, report
from steps import FEATURES, catalog, commit, environment, git, program, run_step, shellcheck

TOOLS = "registry.example.org/tools@sha256:" + "5" * 64
SOURCES = f"""\
  notify:
  tekton:
  kvm-device-plugin:
  scos-pipeline:
    releases:
    - {{minor: "4.18", stream: stable, schedule: 30 6 * * *}}
  scos-triggers:
    sources:
    - {{minor: "4.18", stream: stable, schedule: "15 0,20 * * *"}}
    - {{minor: "4.20", stream: stable, schedule: 30 12 * * *}}
    - minor: "4.22"
      stream: next
      schedule: 45 */6 * * *
      forge: gitlab
      host: https://git.example.org
      repository: okd/group/os
      paths: manifests/|Containerfile
      suspend: true
  operator-pipeline:
    version: "4.22"
    tools-image: {TOOLS}
    components:
    - {{name: rook, kind: operand, repository: https://github.com/example/rook.git, ref: release-4.22}}
    - {{name: odf, kind: operator, repository: https://github.com/example/odf.git, ref: main, needs: [rook]}}
  operator-triggers:
    sources:
    - {{name: rook, component: rook, kind: operand, repository: example/rook, branch: release-4.22,
       schedule: 0 */2 * * *}}
    - {{name: odf, component: odf, kind: operator, repository: example/odf, branch: main,
       schedule: 0 */4 * * *, paths: "bundle/|pkg/.*/api"}}
"""
NAMESPACES = pytest.mark.parametrize(
    ("feature", "namespace", "poll"),
    [("scos-triggers", "okd-coreos", "poll-scos"), ("operator-triggers", "okd-team", "poll-source")],
)
SECRET = "It's a Secret to Everybody"
RECORDED = Path(__file__).parent / "webhooks/verdicts.json"


@pytest.fixture(scope="module")
def okd() -> tuple[dict[str, Any], ...]:
    return objects("okd", SOURCES)


# --- the calls of forges, as their documentation shows them, reduced to what matters
# https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
# https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events


def signature(body: str, secret: str = SECRET) -> str:
    """X-Hub-Signature-256,
    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries.
    """
    return "sha256=" + hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()


def github(
    name: str,
    repository: str,
    branch: str,
    *files: str,
    event: str = "push",
    secret: str = SECRET,
    **headers: str,
) -> dict[str, Any]:
    commits = [{"id": "1", "added": [], "removed": [], "modified": [file]} for file in files]
    body = json.dumps(
        {
            "ref": f"refs/heads/{branch}",
            "deleted": not files,
            "repository": {"full_name": repository},
            "commits": commits,
        }
    )
    given = {
        "Content-Type": "application/json",
        "X-Github-Event": event,
        "X-Hub-Signature-256": signature(body, secret),
        **headers,
    }
    return {"name": name, "headers": {key: [value] for key, value in given.items() if value}, "body": body}


def gitlab(
    name: str,
    repository: str,
    branch: str,
    *files: str,
    event: str = "Push Hook",
    token: str = SECRET,
    total: int = 1,
) -> dict[str, Any]:
    value: dict[str, Any] = {
        "object_kind": "push",
        "ref": f"refs/heads/{branch}",
        "project": {"path_with_namespace": repository},
    }
    value |= {
        "repository": {"name": "os"},
        "total_commits_count": total,
        "commits": [{"added": list(files), "modified": [], "removed": []}],
    }
    headers = {"Content-Type": ["application/json"], "X-Gitlab-Event": [event], "X-Gitlab-Token": [token]}
    return {"name": name, "headers": headers, "body": json.dumps(value)}


def cron(name: str, component: str, token: str = SECRET) -> dict[str, Any]:
    body = json.dumps({"params": {"component": component}})
    return {
        "name": name,
        "headers": {"Content-Type": ["application/json"], "X-Okd-Token": [token]},
        "body": body,
    }


OS, RCC = "openshift/os", "coreos/rhel-coreos-config"
CALLS: list[tuple[dict[str, Any], list[str]]] = [
    (github("a minor's branch", OS, "release-4.18", "a"), ["scos-4.18"]),
    (github("the branch of another minor", OS, "release-4.20", "a"), ["scos-4.20"]),
    (github("a branch that begins like one", OS, "release-4.200", "a"), []),
    (github("the CoreOS base", RCC, "main", "a"), ["scos-4.20"]),
    (github("a fork", "somebody/os", "release-4.18", "a"), []),
    (github("a repository with the branch of another", RCC, "release-4.20", "a"), []),
    (github("a deleted branch", OS, "release-4.18"), []),
    (github("a pull request", OS, "release-4.18", "a", event="pull_request"), []),
    (github("another secret", OS, "release-4.18", "a", secret="guessed"), []),
    (github("no signature", OS, "release-4.18", "a", **{"X-Hub-Signature-256": ""}), []),
    (github("a form", OS, "release-4.18", "a", **{"Content-Type": "application/x-www-form-urlencoded"}), []),
    (github("a signed body for a trigger of gitlab", "okd/group/os", "release-4.22", "manifests/a"), []),
    (gitlab("one of the paths", "okd/group/os", "release-4.22", "docs/a", "manifests/a"), ["scos-4.22"]),
    (gitlab("another of the paths", "okd/group/os", "release-4.22", "Containerfile"), ["scos-4.22"]),
    (gitlab("none of the paths", "okd/group/os", "release-4.22", "docs/Containerfile"), []),
    (
        gitlab("more commits than gitlab lists", "okd/group/os", "release-4.22", "docs/a", total=21),
        ["scos-4.22"],
    ),
    (gitlab("a tag", "okd/group/os", "release-4.22", "manifests/a", event="Tag Push Hook"), []),
    (gitlab("another token", "okd/group/os", "release-4.22", "manifests/a", token="guessed"), []),
    (github("an operand", "example/rook", "release-4.22", "a"), ["source-rook"]),
    (github("an operand's other branch", "example/rook", "main", "a"), []),
    (github("an operator's paths", "example/odf", "main", "pkg/x/api/types.go"), ["source-odf"]),
    (github("an operator's other paths", "example/odf", "main", "docs/bundle/a"), []),
    (cron("a CronJob", "rook"), ["component-rook"]),
    (cron("a CronJob with another token", "rook", token="guessed"), []),
    (cron("a CronJob for nobody", "lvms"), []),
]


def recording() -> dict[str, Any]:
    """Return what webhooks/main.go judges: the interceptors of today's triggers, and the calls."""
    triggers = {
        name: trigger["spec"]["interceptors"]
        for name, trigger in sorted(of_kind(objects("okd", SOURCES), "Trigger").items())
    }
    return {"secret": SECRET, "triggers": triggers, "calls": [call for call, _ in CALLS]}


def test_the_recorded_verdicts_are_about_todays_interceptors_and_calls() -> None:
    recorded = json.loads(RECORDED.read_text())
    for call in recorded["calls"]:
        del call["starts"], call["refused"]
    assert recorded == recording()


@pytest.mark.parametrize(
    ("index", "starts"),
    list(enumerate(starts for _, starts in CALLS)),
    ids=[call["name"] for call, _ in CALLS],
)
def test_a_change_starts_only_the_affected_pipeline(index: int, starts: list[str]) -> None:
    verdict = json.loads(RECORDED.read_text())["calls"][index]
    assert verdict["starts"] == starts
    assert verdict["refused"].keys() == recording()["triggers"].keys() - set(starts)
    assert not [reason for reason in verdict["refused"].values() if "expression" in reason], (
        "a filter that cannot be evaluated refuses by accident"
    )


def test_a_github_signature_has_the_form_that_is_documented_and_accepted() -> None:
    """The example of GitHub's documentation; that the interceptor takes this form and no other is in the
    recorded verdicts.
    """
    assert (
        signature("Hello, World!")
        == "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )
    refused = {
        call["name"]: call["refused"].get("scos-4.18") for call in json.loads(RECORDED.read_text())["calls"]
    }
    assert refused["another secret"] == "github: payload signature check failed"
    assert refused["no signature"] == "github: no X-Hub-Signature-256 header set"
    assert refused["a form"].startswith("github: form parameter encoding not supported")
    for feature in ("scos-triggers", "operator-triggers"):
        assert "X-Hub-Signature-256: sha256=HMAC" in (FEATURES / feature / "feature.yaml").read_text()


# What is rendered.


@pytest.mark.parametrize("place", ["okd", "kubernetes"])
def test_check_finds_no_fault_and_no_dangling_reference(place: str) -> None:
    found = report(place, SOURCES)
    assert [str(finding) for finding in faults(found.findings)] == []
    assert found.without_schema == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("component: rook,", "component: rok,", "TriggerBinding/component-rok"),
        (
            "kind: operand, repository: example",
            "kind: operators, repository: example",
            "one of operator, operand",
        ),
    ],
)
def test_the_pipeline_of_a_source_must_exist(old: str, new: str, said: str) -> None:
    try:
        findings = report("okd", SOURCES.replace(old, new)).findings
    except FindingsError as error:
        findings = error.findings
    reasons = [finding.reason for finding in faults(findings)]
    assert [said in reason for reason in reasons] == [True]


@pytest.mark.parametrize("feature", ["scos-triggers", "operator-triggers"])
def test_kind_has_no_triggers_and_a_pipeline_is_required(feature: str) -> None:
    text = f"  tekton:\n  {feature}:\n    sources: []\n"
    reasons = {}
    for place in ("kind", "kubernetes"):
        with pytest.raises(FindingsError) as error:
            objects(place, text)
        reasons[place] = [finding.reason for finding in error.value.findings]
    assert reasons["kind"] == [f'a kind cluster cannot have "{feature}"']
    assert f'"{feature}" needs the feature "{feature.split("-")[0]}-pipeline"' in reasons["kubernetes"]


def test_only_okd_has_a_route(okd: tuple[dict[str, Any], ...]) -> None:
    routes = of_kind(okd, "Route")
    assert routes.keys() == {"okd-coreos-sources", "okd-team-sources"}
    for name, route in routes.items():
        assert route["spec"]["to"]["name"] == f"el-{name}"
        assert route["spec"]["tls"] == {"termination": "edge", "insecureEdgeTerminationPolicy": "None"}
        policy = of_kind(okd, "NetworkPolicy")[name]
        assert policy["spec"]["podSelector"]["matchLabels"] == {"eventlistener": name}
        assert policy["spec"]["ingress"][0]["from"] == [
            {"namespaceSelector": {"matchLabels": {"policy-group.network.openshift.io/ingress": ""}}}
        ]
    plain = objects("kubernetes", SOURCES)
    assert not [
        value["kind"]
        for value in plain
        if "openshift.io" in value["apiVersion"] or value["kind"] == "Ingress"
    ]


@NAMESPACES
def test_accounts_have_only_the_needed_rights(
    okd: tuple[dict[str, Any], ...], feature: str, namespace: str, poll: str
) -> None:
    listener = of_kind(okd, "EventListener")[f"{namespace}-sources"]
    account = listener["spec"]["serviceAccountName"]
    assert account == f"{namespace}-sources"
    assert of_kind(okd, "RoleBinding")[account]["roleRef"]["name"] == "tekton-triggers-eventlistener-roles"
    assert (
        of_kind(okd, "ClusterRoleBinding")[account]["roleRef"]["name"]
        == "tekton-triggers-eventlistener-clusterroles"
    )
    may: list[Any] = []
    for binding in of_kind(okd, "RoleBinding").values():
        if f"{namespace}-poll" in [subject["name"] for subject in binding["subjects"]]:
            may += of_kind(okd, "Role")[binding["roleRef"]["name"]]["rules"]
    assert sorted(may, key=str) == sorted(
        [
            {
                "apiGroups": [""],
                "resources": ["configmaps"],
                "resourceNames": [f"{namespace}-seen"],
                "verbs": ["get", "patch"],
            },
            {"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["list"]},
            {
                "apiGroups": ["security.openshift.io"],
                "resources": ["securitycontextconstraints"],
                "resourceNames": ["nonroot-v2"],
                "verbs": ["use"],
            },
        ],
        key=str,
    )
    seen = of_kind(okd, "ConfigMap")[f"{namespace}-seen"]
    assert "data" not in seen


def test_every_trigger_authenticates_the_sender_before_it_filters(okd: tuple[dict[str, Any], ...]) -> None:
    listeners = of_kind(okd, "EventListener")
    for name, trigger in of_kind(okd, "Trigger").items():
        listener = listeners[trigger["metadata"]["labels"]["okd-gitops.io/listener"]]
        assert trigger["metadata"]["namespace"] == listener["metadata"]["namespace"]
        if name.startswith("component-"):
            continue
        sender, source = trigger["spec"]["interceptors"]
        forge = "gitlab" if name == "scos-4.22" else "github"
        given = {param["name"]: param["value"] for param in sender["params"]}
        assert sender["ref"] == {"kind": "ClusterInterceptor", "name": forge}
        assert given["secretRef"] == {
            "secretName": f"{listener['metadata']['namespace']}-webhook",
            "secretKey": forge,
        }
        assert given["eventTypes"] == ["push", "Push Hook"]
        assert source["ref"]["name"] == "cel"


def test_a_minor_gets_the_same_values_as_in_scos_pipeline(okd: tuple[dict[str, Any], ...]) -> None:
    pipeline, triggers = (
        yaml.safe_load((FEATURES / name / "feature.yaml").read_text())["each"]
        for name in ("scos-pipeline", "scos-triggers")
    )
    assert pipeline["releases"]["table"] == triggers["sources"]["table"]
    (theirs,) = pipeline["releases"]["derive"]
    assert theirs in triggers["sources"]["derive"]
    for name, field in pipeline["releases"]["fields"].items():
        if name != "cosa-image":
            own = triggers["sources"]["fields"][name]
            assert [own.get(key) for key in ("type", "enum", "pattern", "default")] == [
                field.get(key) for key in ("type", "enum", "pattern", "default")
            ]


@pytest.mark.parametrize(
    ("minor", "template", "variant"),
    [("4.18", "okd-coreos", "okd-c9s"), ("4.20", "okd-coreos-layered", "c10s")],
)
def test_the_webhook_and_the_poll_start_the_same_run(
    okd: tuple[dict[str, Any], ...], minor: str, template: str, variant: str
) -> None:
    trigger = of_kind(okd, "Trigger")[f"scos-{minor}"]
    bound = {binding["name"]: binding["value"] for binding in trigger["spec"]["bindings"]}
    asked = json.loads(environment(container(okd, f"poll-scos-{minor}"))["BODY"])["params"]
    assert asked == {"pipeline": trigger["spec"]["template"]["ref"], **bound}
    assert (asked["pipeline"], asked["variant"], asked["version"], asked["branch"]) == (
        template,
        variant,
        minor,
        f"release-{minor}",
    )
    (binding,) = [
        value
        for value in of_kind(okd, "TriggerBinding").values()
        if value["metadata"]["name"] == "okd-coreos"
    ]
    assert bound.keys() | {"cosa-image"} == {param["name"] for param in binding["spec"]["params"]}


def container(values: tuple[dict[str, Any], ...], name: str) -> dict[str, Any]:
    (only,) = of_kind(values, "CronJob")[name]["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ]
    assert isinstance(only, dict)
    return only


def test_cronjobs_keep_limits_and_call_the_shared_listener(okd: tuple[dict[str, Any], ...]) -> None:
    crons = {name: value for name, value in of_kind(okd, "CronJob").items() if name.startswith("poll-")}
    assert {name: (value["spec"]["schedule"], value["spec"]["suspend"]) for name, value in crons.items()} == {
        "poll-scos-4.18": ("15 0,20 * * *", False),
        "poll-scos-4.20": ("30 12 * * *", False),
        "poll-scos-4.22": ("45 */6 * * *", True),
        "poll-source-rook": ("0 */2 * * *", False),
        "poll-source-odf": ("0 */4 * * *", False),
    }
    for name, value in crons.items():
        assert value["spec"]["concurrencyPolicy"] == "Forbid"
        assert "timeZone" not in value["spec"]
        pod = value["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        namespace = value["metadata"]["namespace"]
        given = environment(container(okd, name))
        listener = given["LISTENER"].removeprefix("http://el-").split(".")[0]
        assert listener == namespace
        assert "compareSecret" in str(of_kind(okd, "EventListener")[listener]) + str(of_kind(okd, "Trigger"))
        assert given["TOKEN"] == f"/var/run/{namespace}-trigger/token"
    assert environment(container(okd, "poll-scos-4.18"))["SOURCES"] == f"{OS} release-4.18\n{OS} release-4.18"
    assert (
        environment(container(okd, "poll-scos-4.22"))["SOURCES"] == f"okd/group/os release-4.22\n{RCC} main"
    )
    assert environment(container(okd, "poll-source-odf"))["PATHS"] == "bundle/|pkg/.*/api"


def test_the_four_polling_scripts_are_one_and_pass_shellcheck(okd: tuple[dict[str, Any], ...]) -> None:
    scripts = {
        container(okd, name)["args"][0] for name in of_kind(okd, "CronJob") if name.startswith("poll-")
    }
    (script,) = scripts
    value = container(okd, "poll-scos-4.20")
    assert value["command"] == ["/bin/bash", "-euo", "pipefail", "-c"]
    assert (
        shellcheck({"env": value["env"], "script": f"#!/usr/bin/env bash\nset -euo pipefail\n{script}"}) == ""
    )


@pytest.mark.parametrize("paths", ["(a", "a|", "**", "a'", "[a", "+a"])
def test_paths_are_always_an_expression(paths: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", SOURCES.replace("manifests/|Containerfile", json.dumps(paths)))
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]


# --- polling, with real repositories, and the API and the listener on loopback


class Polled:
    """Two watched repositories, the ConfigMap, the listener and the runs that it makes."""

    def __init__(self, server: HTTPServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.data: dict[str, str] = {}
        self.posted: list[Any] = []
        self.runs, self.status = [{"metadata": {"name": "okd-coreos-4.20-x1"}}], 202
        self.container = catalog("scos-triggers")["CronJob/poll-scos"]["spec"]["jobTemplate"]["spec"][
            "template"
        ]["spec"]["containers"][0]
        self.works = {name: self.repository(name, branch) for name, branch in ((OS, "master"), (RCC, "main"))}
        for name, text in {"token": "of-the-account", "ca.crt": "", "trigger": "s3cret"}.items():
            (folder / name).write_text(text)
        program(folder, "sleep", "#!/bin/sh\n")
        seen = "/api/v1/namespaces/okd-coreos/configmaps/okd-coreos-seen"
        server.expect_request(seen, method="GET").respond_with_handler(self.get)
        server.expect_request(seen, method="PATCH").respond_with_handler(self.patch)
        server.expect_request("/listener", method="POST").respond_with_handler(self.post)
        server.expect_request("/apis/tekton.dev/v1/namespaces/okd-coreos/pipelineruns").respond_with_handler(
            self.list
        )

    def repository(self, name: str, branch: str) -> Path:
        work, bare = self.folder / "work" / name, self.folder / "forge" / f"{name}.git"
        for path in (work, bare):
            path.mkdir(parents=True)
        git(work, "init", "--quiet", f"--initial-branch={branch}")
        git(bare, "init", "--quiet", "--bare", f"--initial-branch={branch}")
        # What GitHub and GitLab allow.
        git(bare, "config", "uploadpack.allowFilter", "true")
        git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(work, "remote", "add", "origin", str(bare))
        commit(work, "start", README="start")
        git(work, "push", "--quiet", "origin", branch)
        return work

    def change(self, name: str, **files: str) -> str:
        made = commit(self.works[name], "change", **files)
        git(self.works[name], "push", "--quiet", "--force", "origin", "HEAD")
        return made

    def get(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer of-the-account"
        return Response(json.dumps({"data": self.data} if self.data else {"metadata": {}}))

    def patch(self, request: Request) -> Response:
        assert request.headers["Content-Type"] == "application/merge-patch+json"
        self.data |= json.loads(request.get_data())["data"]
        return Response("{}")

    def post(self, request: Request) -> Response:
        assert request.headers["X-Okd-Token"] == "s3cret"
        self.posted.append(json.loads(request.get_data()))
        return Response('{"eventListener":"okd-coreos","eventID":"5f0c-77"}', status=self.status)

    def list(self, request: Request) -> Response:
        assert request.args["labelSelector"] == "triggers.tekton.dev/triggers-eventid=5f0c-77"
        return Response(json.dumps({"items": self.runs}))

    def poll(self, paths: str = ".*") -> subprocess.CompletedProcess[str]:
        url = self.server.url_for("").rstrip("/")
        places = {
            "HOST": f"file://{self.folder / 'forge'}",
            "ACCOUNT": str(self.folder),
            "TOKEN": str(self.folder / "trigger"),
        }
        return run_step(
            self.container, self.folder, **places, PATHS=paths, API_SERVER=url, LISTENER=f"{url}/listener"
        )

    def head(self, name: str) -> str:
        return git(self.works[name], "rev-parse", "HEAD")


@pytest.fixture
def polled(httpserver: HTTPServer, tmp_path: Path) -> Iterator[Polled]:
    polled = Polled(httpserver, tmp_path)
    assert polled.poll().returncode == 0
    yield polled
    httpserver.check_assertions()


def test_a_branch_seen_for_the_first_time_starts_no_run(polled: Polled) -> None:
    assert polled.posted == []
    lines = [line.split()[1:] for line in polled.data["4.20"].splitlines()]
    assert lines == [["master", polled.head(OS)], ["main", polled.head(RCC)]]
    again = polled.poll()
    assert (again.returncode, again.stdout) == (0, "nothing new\n")
    assert [request.method for request, _ in polled.server.log] == ["GET", "PATCH", "GET"]


@pytest.mark.parametrize("name", [OS, RCC])
def test_a_moved_branch_starts_one_run_and_its_commit_is_stored(polled: Polled, name: str) -> None:
    made = polled.change(name, README="changed")
    done = polled.poll()
    assert done.returncode == 0, done.stderr
    assert "started okd-coreos-4.20-x1" in done.stdout
    assert [post["params"]["version"] for post in polled.posted] == ["4.20"]
    assert made in polled.data["4.20"]
    assert polled.poll().stdout == "nothing new\n"
    assert len(polled.posted) == 1


@pytest.mark.parametrize(
    ("file", "starts"), [("manifests__base_DOT_yaml", 1), ("Containerfile", 1), ("docs__Containerfile", 0)]
)
def test_only_changes_below_the_given_paths_count(polled: Polled, file: str, starts: int) -> None:
    made = polled.change(OS, **{file: "changed"})
    done = polled.poll("manifests/|Containerfile")
    assert done.returncode == 0, done.stderr
    assert len(polled.posted) == starts
    assert made in polled.data["4.20"]


def test_history_that_was_rewritten_counts_as_changed(polled: Polled) -> None:
    work, bare = polled.works[OS], polled.folder / f"forge/{OS}.git"
    git(work, "commit", "--quiet", "--amend", "--message", "rewritten")
    git(work, "push", "--quiet", "--force", "origin", "HEAD")
    git(bare, "reflog", "expire", "--expire=now", "--all")
    git(bare, "gc", "--quiet", "--prune=now")
    assert polled.poll("manifests/").returncode == 0
    assert len(polled.posted) == 1


def test_a_request_that_starts_no_run_is_not_remembered(polled: Polled) -> None:
    before, polled.runs = dict(polled.data), []
    polled.change(OS, README="changed")
    done = polled.poll()
    (rule,) = catalog("scos-triggers")["CronJob/poll-scos"]["spec"]["jobTemplate"]["spec"][
        "podFailurePolicy"
    ]["rules"]
    assert (rule["action"], rule["onExitCodes"]["values"]) == ("FailJob", [done.returncode])
    assert polled.data == before
    assert "has the reason" in done.stderr


def test_a_listener_that_is_away_is_asked_again_at_the_next_hour(polled: Polled) -> None:
    before, polled.status = dict(polled.data), 503
    polled.change(OS, README="changed")
    assert polled.poll().returncode not in (0, 3)
    assert polled.data == before
    polled.status = 202
    assert polled.poll().returncode == 0
    assert len(polled.posted) == 2


def test_a_deleted_branch_is_an_error_and_nothing_is_written(polled: Polled) -> None:
    git(polled.works[OS], "branch", "-m", "other")
    git(polled.folder / f"forge/{OS}.git", "branch", "-m", "other")
    before = dict(polled.data)
    assert polled.poll().returncode != 0
    assert (polled.data, polled.posted) == (before, [])


def test_no_token_is_an_argument(okd: tuple[dict[str, Any], ...]) -> None:
    script = container(okd, "poll-scos-4.20")["args"][0]
    for line in re.findall(r".*Bearer.*|.*X-Okd-Token.*", script):
        assert "@<(printf" in line


if __name__ == "__main__":
    print(json.dumps(recording()))
