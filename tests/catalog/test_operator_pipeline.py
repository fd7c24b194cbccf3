"""operator-pipeline, rendered; the scripts of its Tasks run where git, make, jq and curl suffice."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from okd_gitops.finding import FindingsError
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.system.disk import read_catalog
from rendered import faults, objects, of_kind, report
from steps import catalog, commit, environment, git, run_step, shellcheck

TOOLS = "registry.example.org/tools@sha256:" + "5" * 64
DIGEST = "sha256:" + "a" * 64
COMPONENTS = f"""\
  notify:
  tekton:
  operator-pipeline:
    version: "4.22"
    tools-image: {TOOLS}
    storage-class: fast
    components:
    - {{name: rook, kind: operand, repository: https://github.com/example/rook.git, ref: release-4.22}}
    - {{name: csi-addons, kind: operand, repository: https://github.com/example/csi.git, ref: v0.9.0,
       schedule: 0 7 * * 1}}
    - {{name: odf, kind: operator, repository: https://github.com/example/odf.git, ref: main,
       needs: [rook, csi-addons], channel: beta, patches: okd}}
"""
KIND = "  notify:\n  tekton:\n  operator-pipeline:\n"
CATALOG = catalog("operator-pipeline")
TASKS = {
    name.removeprefix("Task/"): value["spec"] for name, value in CATALOG.items() if name.startswith("Task/")
}
PIPELINES = {
    name.removeprefix("Pipeline/"): value["spec"]
    for name, value in CATALOG.items()
    if name.startswith("Pipeline/")
}
each_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)


@pytest.fixture(scope="module")
def okd() -> tuple[dict[str, Any], ...]:
    return objects("okd", COMPONENTS)


def ours(values: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [value for value in values if value["metadata"].get("namespace") == "okd-team"]


def step(task: str) -> dict[str, Any]:
    """Return the step of a Task that does its work: the last one, behind those that copy a tool."""
    last = TASKS[task]["steps"][-1]
    assert isinstance(last, dict)
    return last


def steps_of(task: str) -> list[dict[str, Any]]:
    return [*TASKS[task]["steps"], *TASKS[task].get("sidecars", [])]


def tasks(pipeline: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["name"]: task for task in pipeline["tasks"]}


def before(pipeline: dict[str, Any], name: str) -> set[str]:
    """All tasks that must have succeeded when one starts."""
    task = tasks(pipeline)[name]
    direct = set(task.get("runAfter", [])) | set(re.findall(r"\$\(tasks\.([^.]+)\.results", str(task)))
    return direct.union(*(before(pipeline, other) for other in direct))


def params(task: dict[str, Any]) -> dict[str, str]:
    return {param["name"]: param["value"] for param in task["params"]}


# What is rendered.


@pytest.mark.parametrize(
    ("place", "features"), [("okd", COMPONENTS), ("kubernetes", COMPONENTS), ("kind", KIND)]
)
def test_check_finds_no_fault_and_no_dangling_reference(place: str, features: str) -> None:
    found = report(place, features)
    assert [str(finding) for finding in faults(found.findings)] == []
    assert found.without_schema == 0


def test_api_versions_are_current(okd: tuple[dict[str, Any], ...]) -> None:
    assert {value["apiVersion"] for value in ours(okd) if "tekton" in value["apiVersion"]} == {
        "tekton.dev/v1",
        "triggers.tekton.dev/v1beta1",
    }


def test_images_are_digests_and_tools_are_pinned(okd: tuple[dict[str, Any], ...]) -> None:
    for value in ours(okd):
        for image in re.findall(r"'image': '([^']*)'", str(value)):
            assert image == "$(params.tools-image)" or re.fullmatch(
                r"[a-z0-9./-]+@sha256:[0-9a-f]{64}", image
            )
    assert not re.search(r":latest|vdev|kaniko|@main", str(ours(okd)))
    for template in of_kind(okd, "TriggerTemplate").values():
        assert {param["name"]: param.get("default") for param in template["spec"]["params"]}[
            "tools-image"
        ] == TOOLS


def test_steps_request_resources_and_only_buildah_is_root() -> None:
    root = []
    for name in TASKS:
        for each in steps_of(name):
            assert {"cpu", "memory"} <= each["computeResources"]["requests"].keys()
            assert "resources" not in each
            assert "privileged" not in each["securityContext"]
            if each["securityContext"]["runAsUser"] == 0:
                root.append(each["name"])
            else:
                assert each["securityContext"]["runAsUser"] == 65532
                assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert root == ["build", "keep"]


@each_pipeline
def test_every_param_is_declared_and_used(pipeline: dict[str, Any]) -> None:
    for task in pipeline["tasks"]:
        declared = {param["name"]: param for param in TASKS[task["taskRef"]["name"]]["params"]}
        assert params(task).keys() <= declared.keys()
        assert {name for name, param in declared.items() if "default" not in param} <= params(task).keys()
    used = set(re.findall(r"\$\(params\.([a-z-]+)\)", str([pipeline["tasks"], pipeline["finally"]])))
    assert used == {param["name"] for param in pipeline["params"]}


@each_pipeline
def test_the_longest_way_through_fits_into_the_run(pipeline: dict[str, Any]) -> None:
    def minutes(text: str) -> int:
        found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?", text)
        assert found
        return int(found[1] or 0) * 60 + int(found[2] or 0)

    last = pipeline["tasks"][-1]["name"]
    assert (
        sum(minutes(tasks(pipeline)[name]["timeout"]) for name in before(pipeline, last) | {last}) <= 6 * 60
    )
    assert before(pipeline, last) | {last} == tasks(pipeline).keys()


def test_kind_gets_definitions_only_and_kubernetes_no_openshift_object() -> None:
    kinds = {value["kind"] for value in ours(objects("kind", KIND))}
    assert kinds == {"Pipeline", "Task", "ServiceAccount", "Role", "RoleBinding"}
    values = objects("kubernetes", COMPONENTS)
    assert not [value["kind"] for value in values if "openshift.io" in value["apiVersion"]]
    assert "securitycontextconstraints" not in str(values)


def test_okd_allows_the_users_of_the_pods_without_privileges(okd: tuple[dict[str, Any], ...]) -> None:
    (constraints,) = of_kind(okd, "SecurityContextConstraints").values()
    assert constraints["allowPrivilegedContainer"] is False
    assert constraints["allowedCapabilities"] == ["SETFCAP"]
    assert not [name for name, value in constraints.items() if name.startswith("allowHost") and value]
    users = {
        subject["name"]: binding["roleRef"]["name"]
        for name, binding in of_kind(okd, "RoleBinding").items()
        if name in ("okd-team-build", "okd-team-nonroot")
        for subject in binding["subjects"]
    }
    assert users == {
        "okd-team-pruning": "okd-team-nonroot",
        "okd-team-build": "okd-team-build",
        **dict.fromkeys(
            ("default", "okd-team-cron", "okd-team-needs", "okd-team-pruning"), "okd-team-nonroot"
        ),
    }


def test_accounts_have_the_needed_rights_in_one_namespace(
    okd: tuple[dict[str, Any], ...],
) -> None:
    (listener,) = of_kind(okd, "EventListener").values()
    name = listener["spec"]["serviceAccountName"]
    assert of_kind(okd, "RoleBinding")[name]["roleRef"]["name"] == "tekton-triggers-eventlistener-roles"
    assert (
        of_kind(okd, "ClusterRoleBinding")[name]["roleRef"]["name"]
        == "tekton-triggers-eventlistener-clusterroles"
    )
    assert [
        name for name, value in of_kind(okd, "ClusterRoleBinding").items() if "okd-team" in str(value)
    ] == [name]
    for role in ("okd-team-needs", "okd-team-cron"):
        assert of_kind(okd, "Role")[role]["rules"] == [
            {"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": ["list"]}
        ]
    assert of_kind(okd, "ServiceAccount")["okd-team-build"]["automountServiceAccountToken"] is False


def test_every_trigger_authenticates_and_starts_one_entry(okd: tuple[dict[str, Any], ...]) -> None:
    (listener,) = of_kind(okd, "EventListener").values()
    wanted = listener["spec"]["labelSelector"]["matchLabels"]
    triggers = of_kind(okd, "Trigger")
    assert triggers.keys() == {"component-rook", "component-csi-addons", "component-odf"}
    for name, trigger in triggers.items():
        assert trigger["metadata"]["labels"] == wanted
        (interceptor,) = trigger["spec"]["interceptors"]
        (filtered,) = interceptor["params"]
        entry = name.removeprefix("component-")
        assert filtered["value"] == (
            "header.canonical('X-Okd-Token').compareSecret('token', 'okd-team-trigger') && "
            f"body.params.component == '{entry}'"
        )
        assert trigger["spec"]["bindings"] == [{"kind": "TriggerBinding", "ref": name}]
    assert {name: trigger["spec"]["template"]["ref"] for name, trigger in triggers.items()}[
        "component-odf"
    ] == "operator"
    assert triggers["component-rook"]["spec"]["template"]["ref"] == "operand"


def test_params_resolve_and_templates_start_existing_pipelines(
    okd: tuple[dict[str, Any], ...],
) -> None:
    for name, template in of_kind(okd, "TriggerTemplate").items():
        declared = {param["name"]: param.get("default") for param in template["spec"]["params"]}
        bound = {param["name"] for param in of_kind(okd, "TriggerBinding")["component-odf"]["spec"]["params"]}
        (run,) = template["spec"]["resourcetemplates"]
        assert set(re.findall(r"\$\(tt\.params\.([a-z-]+)\)", str(run))) == declared.keys()
        assert {key for key, default in declared.items() if default is None} == bound
        pipeline = of_kind(okd, "Pipeline")[name]["spec"]
        assert run["spec"]["pipelineRef"]["name"] == name
        assert params(run["spec"]).keys() == {param["name"] for param in pipeline["params"]}
        assert {each["name"] for each in run["spec"]["workspaces"]} == {
            each["name"] for each in pipeline["workspaces"]
        }
        assert run["spec"]["taskRunSpecs"] == [
            {"pipelineTaskName": "wait-for-needs", "serviceAccountName": "okd-team-needs"}
        ]
        assert declared["storage-class"] == "fast"


def test_one_more_entry_adds_three_objects(okd: tuple[dict[str, Any], ...]) -> None:
    more = objects(
        "okd",
        COMPONENTS
        + "    - {name: noobaa, kind: operand, repository: https://example.org/noobaa.git, ref: main}\n",
    )
    added = [f"{value['kind']}/{value['metadata']['name']}" for value in more if value not in okd]
    assert sorted(added) == [
        "CronJob/component-noobaa",
        "Trigger/component-noobaa",
        "TriggerBinding/component-noobaa",
    ]


def test_cronjobs_keep_limits(okd: tuple[dict[str, Any], ...]) -> None:
    crons = of_kind(okd, "CronJob")
    assert {name: cron["spec"]["schedule"] for name, cron in crons.items()} == {
        "component-rook": "0 9 * * 1",
        "component-csi-addons": "0 7 * * 1",
        "component-odf": "0 9 * * 1",
        "prune-okd-team": "30 8 * * *",
    }
    for cron in crons.values():
        assert cron["spec"]["concurrencyPolicy"] == "Forbid"
        assert "timeZone" not in cron["spec"]
        (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert "--fail-with-body" in container["args"][0]


def test_credentials_are_secrets_of_the_table(
    okd: tuple[dict[str, Any], ...],
) -> None:
    table = load_catalog(read_catalog()).features["operator-pipeline"].spec.secrets
    text = str(ours(okd))
    assert set(re.findall(r"'secretName': '([a-z-]+)'", text)) | {"okd-team-catalog"} == set(table)
    assert table["okd-team-registry"].type == "kubernetes.io/dockerconfigjson"
    (reference,) = [
        item["valueFrom"]["secretKeyRef"]
        for item in step("catalog-pull-request")["env"]
        if "valueFrom" in item
    ]
    assert (reference["name"], [reference["key"]]) == (
        "okd-team-catalog",
        list(table["okd-team-catalog"].keys),
    )
    assert not [value for value in ours(okd) if value["kind"] in ("ConfigMap", "Secret")]


def test_nothing_is_pushed_by_default(okd: tuple[dict[str, Any], ...]) -> None:
    for template in of_kind(okd, "TriggerTemplate").values():
        defaults = {param["name"]: param.get("default") for param in template["spec"]["params"]}
        assert defaults["publish"] == "false"
        assert defaults["target-registry"] == "quay.io/okderators"
    for pipeline in PIPELINES.values():
        pushes = [
            task
            for task in pipeline["tasks"]
            if task["taskRef"]["name"] in ("images-push", "catalog-pull-request")
        ]
        assert all(
            task["when"] == [{"input": "$(params.publish)", "operator": "in", "values": ["true"]}]
            for task in pushes
        )


def test_an_operator_is_built_in_order() -> None:
    pipeline = PIPELINES["operator"]
    order = ["wait-for-needs", "clone-and-patch", "build", "images-push", "catalog-pull-request"]
    for index, name in enumerate(order):
        assert before(pipeline, name) == set(order[:index])
    assert params(tasks(pipeline)["build"])["operand-images"] == "$(tasks.wait-for-needs.results.images)"
    assert params(tasks(pipeline)["images-push"])["sha256"] == "$(tasks.build.results.sha256)"
    assert (
        params(tasks(pipeline)["catalog-pull-request"])["bundle-images"]
        == "$(tasks.images-push.results.bundle-images)"
    )
    assert list(tasks(PIPELINES["operand"])) == order[:4]
    assert [params(tasks(each)["build"])["kind"] for each in PIPELINES.values()] == ["operand", "operator"]


def test_no_parameter_of_the_feature_needs_an_image_that_nobody_publishes() -> None:
    parameters = load_catalog(read_catalog()).features["operator-pipeline"].spec.parameters
    assert [name for name, each in parameters.items() if not each.optional and each.default is None] == [
        "version"
    ]
    template = CATALOG["TriggerTemplate/operator"]["spec"]["params"]
    (image,) = [param["default"] for param in template if param["name"] == "tools-image"]
    assert image == parameters["tools-image"].default
    assert {
        param["default"]
        for pipeline in PIPELINES.values()
        for param in pipeline["params"]
        if param["name"] == "tools-image"
    } == {image}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("needs: [rook, csi-addons]", "needs: [rok]", 'no entry of components is called "rok"'),
        ("ref: release-4.22}", "ref: release-4.22, needs: [odf]}", "form a circle"),
    ],
)
def test_unknown_and_circular_needs_are_errors_in_the_cluster_file(old: str, new: str, said: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", COMPONENTS.replace(old, new))
    assert [said in finding.reason for finding in error.value.findings] == [True]


def test_the_branch_of_the_catalog_follows_the_minor(okd: tuple[dict[str, Any], ...]) -> None:
    (run,) = of_kind(okd, "TriggerTemplate")["operator"]["spec"]["resourcetemplates"]
    assert params(run["spec"])["catalog-branch"] == "release-$(tt.params.version)"


def test_nothing_is_applied_from_a_url_and_no_patch_uses_an_index(
    okd: tuple[dict[str, Any], ...],
) -> None:
    assert not re.search(r"\b(oc|kubectl) (create|apply)|raw\.githubusercontent", str(ours(okd)))
    binding = params(of_kind(okd, "TriggerBinding")["component-odf"]["spec"])
    assert binding == {
        "component": "odf",
        "repository": "https://github.com/example/odf.git",
        "ref": "main",
        "needs": "rook csi-addons",
        "channel": "beta",
        "patches": "okd",
        "build": "make",
        "folder": ".",
    }


SCRIPTS = {
    f"{task}-{each['name']}": {**each, "env": [*spec.get("stepTemplate", {}).get("env", []), *each["env"]]}
    for task, spec in TASKS.items()
    for each in spec["steps"]
    if "script" in each
}


@pytest.mark.parametrize("name", [*SCRIPTS, "cron"])
def test_scripts_pass_shellcheck_and_hold_no_parameters(name: str) -> None:
    cron = CATALOG["CronJob/component"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    container = cron if name == "cron" else SCRIPTS[name]
    script = container.get("script") or container["args"][0]
    assert name == "cron" or script.startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    assert not re.search(r"\$\((params|workspaces|results|tasks|context)\.", script)
    assert shellcheck(container) == ""


# --- wait-for-needs, against an API on loopback


def pipeline_run(
    name: str, second: int, status: str, kind: str = "operand", image: str = f"quay.io/o/rook@{DIGEST}"
) -> dict[str, Any]:
    results = [{"name": "image", "value": image}] if image else []
    return {
        "metadata": {"name": name, "creationTimestamp": f"2026-11-21T08:00:{second:02}Z"},
        "spec": {"pipelineRef": {"name": kind}},
        "status": {
            "conditions": [{"type": "Succeeded", "status": status}] if status else [],
            "results": results,
        },
    }


class Api:
    """The pipelineruns of a namespace; each answer is the next one of the list, the last one stays."""

    def __init__(self, server: HTTPServer, folder: Path) -> None:
        self.server, self.folder, self.lock = server, folder, threading.Lock()
        self.queries: list[str] = []
        self.answers: dict[str, list[list[dict[str, Any]]]] = {}
        (folder / "token").write_text("of-the-account")
        (folder / "ca.crt").write_text("")
        server.expect_request("/apis/tekton.dev/v1/namespaces/okd-team/pipelineruns").respond_with_handler(
            self.answer
        )

    def answer(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer of-the-account"
        selector = request.args["labelSelector"]
        with self.lock:
            self.queries.append(selector)
            answers = self.answers[selector.split("=")[1].split(",")[0]]
            items = answers.pop(0) if len(answers) > 1 else answers[0]
        return Response(json.dumps({"items": items}))

    def wait(self, needs: str, publish: str = "true", seconds: str = "0") -> Any:
        given = {
            "NEEDS": needs,
            "VERSION": "4.22",
            "PUBLISH": publish,
            "WAIT_SECONDS": seconds,
            "INTERVAL": "0.1",
            "NAMESPACE": "okd-team",
        }
        url = self.server.url_for("").rstrip("/")
        return run_step(
            step("wait-for-needs"), self.folder, **given, API_SERVER=url, ACCOUNT=str(self.folder)
        )

    def images(self) -> Any:
        return json.loads((self.folder / "RESULT_IMAGES").read_text())


@pytest.fixture
def api(httpserver: HTTPServer, tmp_path: Path) -> Api:
    return Api(httpserver, tmp_path)


def test_a_run_waits_for_the_needed_operators_and_takes_their_images(api: Api) -> None:
    going = [
        pipeline_run("rook-1", 1, "True", image=f"quay.io/o/rook@sha256:{'b' * 64}"),
        pipeline_run("rook-2", 2, "Unknown"),
    ]
    done = [
        pipeline_run("rook-2", 2, "True"),
        pipeline_run("rook-1", 1, "True", image=f"quay.io/o/rook@sha256:{'b' * 64}"),
    ]
    api.answers = {
        "rook": [[], going, going, done],
        "lib": [[pipeline_run("lib-1", 1, "True", kind="operator", image="")]],
    }
    result = api.wait("rook lib", seconds="30")
    assert result.returncode == 0, result.stderr
    assert api.images() == {"rook": f"quay.io/o/rook@{DIGEST}"}
    assert api.queries[0] == "okd-gitops.io/component=rook,okd-gitops.io/version=4.22"
    assert len(api.queries) == 5
    assert result.stdout == "rook: run rook-2\nlib: run lib-1\n"


def test_without_needs_the_api_is_not_asked(api: Api) -> None:
    assert api.wait("").returncode == 0
    assert (api.images(), api.queries) == ({}, [])


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "it has no run"),
        ([pipeline_run("rook-1", 1, "False")], "its newest run rook-1 failed"),
        ([pipeline_run("rook-1", 1, "True"), pipeline_run("rook-2", 2, "")], "run rook-2 has not finished"),
        ([pipeline_run("rook-1", 1, "True", image="")], "was it published?"),
        ([pipeline_run("rook-1", 1, "True", image="quay.io/o/rook:4.22")], "no image by digest"),
    ],
)
def test_a_missing_need_is_the_reason_of_the_failure(api: Api, runs: list[dict[str, Any]], said: str) -> None:
    api.answers = {"rook": [runs]}
    result = api.wait("rook")
    assert result.returncode == 1
    assert said in result.stderr
    assert not (api.folder / "RESULT_IMAGES").exists()


def test_an_older_success_counts_and_the_newer_failure_is_reported(api: Api) -> None:
    api.answers = {"rook": [[pipeline_run("rook-1", 1, "True"), pipeline_run("rook-2", 2, "False")]]}
    result = api.wait("rook")
    assert (result.returncode, result.stdout) == (0, "rook: run rook-1 (the newer rook-2 failed)\n")


def test_without_publish_only_the_order_counts(api: Api) -> None:
    api.answers = {"rook": [[pipeline_run("rook-1", 1, "True", image="")]]}
    assert api.wait("rook", publish="false").returncode == 0
    assert api.images() == {}


def test_an_api_that_refuses_fails_the_task(api: Api) -> None:
    api.server.clear()
    api.server.expect_request("/apis/tekton.dev/v1/namespaces/okd-team/pipelineruns").respond_with_data(
        "no", status=403
    )
    assert api.wait("rook").returncode != 0


# --- clone-and-patch, with real repositories


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    folder = tmp_path / "upstream"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(
        folder, "first", Makefile="all:\n\techo upstream\n\nlint:\n\techo lint\n\n\n\nlast:\n\techo last\n"
    )
    git(folder, "tag", "v1.0.0")
    git(folder, "branch", "release-4.22")
    return folder


def okdified(upstream: Path, patches: Path) -> None:
    """Make the patch of a fork: on v1.0.0, with an empty file after it in the name's order."""
    git(upstream, "checkout", "--quiet", "-b", "okd", "v1.0.0")
    text = (upstream / "Makefile").read_text().replace("echo lint", "echo okd-lint")
    commit(upstream, "OKDify", Makefile=text)
    patches.mkdir()
    git(upstream, "format-patch", "--quiet", "-1", "--output-directory", str(patches))
    git(upstream, "checkout", "--quiet", "main")


def cloned(folder: Path, upstream: Path, **given: str) -> Any:
    values = {
        "WORKSPACE": str(folder),
        "REPOSITORY": str(upstream),
        "REF": "main",
        "PATCHES": "none",
        "BUILD": "make",
        "VERSION": "4.22",
        "HOME": str(folder),
    }
    return run_step(step("clone-and-patch"), folder, **{**values, **given})


@pytest.mark.parametrize("ref", ["release-4.22", "v1.0.0", "commit"])
def test_a_branch_a_tag_and_a_commit_are_checked_out(tmp_path: Path, upstream: Path, ref: str) -> None:
    first = git(upstream, "rev-parse", "v1.0.0")
    commit(upstream, "second", Makefile="all:\n")
    result = cloned(tmp_path, upstream, REF=first if ref == "commit" else ref)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "RESULT_COMMIT").read_text() == first == git(tmp_path / "source", "rev-parse", "HEAD")
    assert re.fullmatch(r"4\.22\.0-20\d\d-\d\d-\d\d-\d{6}", (tmp_path / "RESULT_VERSION").read_text())


def test_patches_apply_three_way_on_what_upstream_became(tmp_path: Path, upstream: Path) -> None:
    """Upstream changed two lines beside the patched one: only git am -3 finds its place."""
    okdified(upstream, tmp_path / "patches")
    text = (upstream / "Makefile").read_text().replace("\n\n\n\nlast:", "\n\n\nextra:\n\techo extra\n\nlast:")
    commit(
        upstream,
        "move",
        Makefile="# a new head\n\n\n\n\n\n\n"
        + text.replace("all:\n\techo upstream\n\n", "all:\n\techo changed\n\n"),
    )
    result = cloned(tmp_path, upstream, PATCHES="odf-patch", PATCHES_PATH=str(tmp_path / "patches"))
    assert result.returncode == 0, result.stderr
    assert "applied 0001-OKDify.patch" in result.stdout
    made = (tmp_path / "source/Makefile").read_text()
    assert "echo okd-lint" in made
    assert "echo changed" in made
    assert git(tmp_path / "source", "log", "-1", "--format=%s") == "OKDify"
    assert (tmp_path / "RESULT_COMMIT").read_text() == git(upstream, "rev-parse", "main")


def test_patches_are_a_configmap_among_the_extras(tmp_path: Path, upstream: Path) -> None:
    """A real patch through YAML and the check, and back into the files that a pod sees."""
    okdified(upstream, tmp_path / "patches")
    (patch,) = (tmp_path / "patches").iterdir()
    metadata = {"name": "okd", "namespace": "okd-team"}
    configmap = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {patch.name: patch.read_text()},
        }
    )
    extras = {"kustomization.yaml": "resources: [configmap-okd.yaml]\n", "configmap-okd.yaml": configmap}
    findings = report("kubernetes", COMPONENTS, extras).findings
    assert [str(finding) for finding in faults(findings)] == []
    (tmp_path / "mounted").mkdir()
    for name, text in yaml.safe_load(configmap)["data"].items():
        (tmp_path / "mounted" / name).write_text(text)
    assert cloned(tmp_path, upstream, PATCHES="okd", PATCHES_PATH=str(tmp_path / "mounted")).returncode == 0
    assert "okd-lint" in (tmp_path / "source/Makefile").read_text()


@pytest.mark.parametrize(("build", "fetched"), [("make", True), ("script", False)])
def test_a_script_fetches_its_own_submodules(
    tmp_path: Path, upstream: Path, build: str, fetched: bool
) -> None:
    module = tmp_path / "module"
    module.mkdir()
    git(module, "init", "--quiet")
    commit(module, "module", code="x\n")
    git(upstream, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), "sub")
    commit(upstream, "with a module")
    allowed = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow",
        "GIT_CONFIG_VALUE_0": "always",
    }
    result = cloned(tmp_path, upstream, BUILD=build, **allowed)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "source/sub/code").exists() is fetched


def test_a_patch_that_does_not_apply_stops_the_run(tmp_path: Path, upstream: Path) -> None:
    okdified(upstream, tmp_path / "patches")
    commit(upstream, "rewrite", Makefile="all:\n\tcompletely different\n")
    result = cloned(tmp_path, upstream, PATCHES="odf-patch", PATCHES_PATH=str(tmp_path / "patches"))
    assert result.returncode == 1
    assert "0001-OKDify.patch does not apply to" in result.stderr
    assert not (tmp_path / "RESULT_COMMIT").exists()


def test_patches_that_are_named_and_missing_never_mean_an_unpatched_build(
    tmp_path: Path, upstream: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for path in ("", str(tmp_path / "empty")):
        result = cloned(tmp_path, upstream, PATCHES="odf-patch", PATCHES_PATH=path)
        assert result.returncode == 1
        assert "the ConfigMap odf-patch is not there or holds no *.patch" in result.stderr
    assert cloned(tmp_path, upstream, REF="nowhere").returncode == 1


def test_the_cron_asks_for_its_entry(tmp_path: Path) -> None:
    container = CATALOG["CronJob/component"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][
        0
    ]
    assert environment(container) == {"COMPONENT": "example"}
    scos = catalog("scos-pipeline")["CronJob/okd-coreos"]["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ][0]
    theirs, own = (
        each["args"][0].replace("okd-coreos", "okd-team").split("# Tokens go")[1]
        for each in (scos, container)
    )
    assert own == theirs
