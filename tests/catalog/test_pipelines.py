"""What all Pipelines of the catalog have in common."""

from typing import Any

import pytest

from okd_gitops.fleet.feature import load_catalog
from okd_gitops.system.disk import read_catalog

# The Task of the feature notify, and those of features that tell more about their runs.
TELLING = {"notify", "notify-matrix", "release-notify"}
PIPELINES = {
    value["metadata"]["name"]: (feature, value["spec"])
    for feature in load_catalog(read_catalog()).features.values()
    for value in feature.objects_by_path.values()
    if value["kind"] == "Pipeline"
}
each_pipeline = pytest.mark.parametrize(("feature", "pipeline"), PIPELINES.values(), ids=PIPELINES)


def referenced(task: dict[str, Any]) -> str:
    """Return the name of the Task that a task of a Pipeline runs, by name or by the cluster resolver."""
    reference = task["taskRef"]
    if "resolver" not in reference:
        return str(reference["name"])

    params = {param["name"]: param["value"] for param in reference["params"]}
    assert (reference["resolver"], params["kind"], params["namespace"]) == ("cluster", "task", "okd-notify")
    return str(params["name"])


# A pipeline that another one starts and waits for, which tells how it ended.
STARTED_BY = {"okd-sign": "okd-stream"}


def telling(pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    return [task for task in pipeline.get("finally", []) if referenced(task) in TELLING]


def switch(task: dict[str, Any]) -> str:
    """Return the parameter that switches a task on, with the value true."""
    first = task["when"][0]
    assert (first["operator"], first["values"]) == ("in", ["true"])
    return str(first["input"].removeprefix("$(params.").removesuffix(")"))


@each_pipeline
def test_every_pipeline_tells_how_its_run_ended_if_that_is_on(feature: Any, pipeline: dict[str, Any]) -> None:
    tasks = telling(pipeline)
    name = next(name for name, (_, spec) in PIPELINES.items() if spec is pipeline)

    if name in STARTED_BY:
        _, starter = PIPELINES[STARTED_BY[name]]
        told = [task["params"] for task in telling(starter)]
        assert "$(tasks.stream-sign.status)" in str(told)
        return

    assert tasks
    defaults = {param["name"]: param.get("default") for param in pipeline["params"]}
    for task in tasks:
        assert defaults[switch(task)] == "false"
        assert "$(context.pipelineRun.name)" in str(task["params"]) or ".results." in str(task["params"])
    assert "$(tasks." in str([task["params"] for task in tasks] + [task["when"] for task in tasks])


@each_pipeline
def test_a_feature_that_calls_notify_requires_it_and_has_the_secret_in_its_table(
    feature: Any, pipeline: dict[str, Any]
) -> None:
    calls = [task for task in telling(pipeline) if referenced(task) == "notify"]
    if not calls:
        assert "resolver" not in str(pipeline)
        return

    assert "notify" in feature.spec.requires
    workspaces = {workspace["workspace"] for task in calls for workspace in task["workspaces"]}
    assert workspaces == {"notify-credentials"}
    secrets = [need for need in feature.spec.secrets.values() if "matrix-token" in need.keys]
    switches = {"notify", *(name for name, each in feature.spec.each.items() if "notify" in each.fields)}
    assert {need.when for need in secrets} <= switches
    assert [need.keys for need in secrets] == [("matrix-token", "webhook-token")]


@each_pipeline
def test_the_parameter_of_a_feature_switches_the_message_on(feature: Any, pipeline: dict[str, Any]) -> None:
    for name in {switch(task) for task in telling(pipeline)}:
        of_entries = [each.fields[name] for each in feature.spec.each.values() if name in each.fields]
        parameters = [feature.spec.parameters[name]] if name in feature.spec.parameters else of_entries
        assert [parameter.type for parameter in parameters] == ["boolean"]
        assert all(each.path == f"spec.params[name={name}].default" for each in parameters[0].sets)
