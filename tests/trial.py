"""Pipelines for real: what belongs to Tekton is made in namespaces of the trial, and a run of each
Pipeline is started.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from examples import TOKEN
from kubectl import MADE, OURS, Kubectl, Object, named
from okd_gitops.fleet.feature import Catalog

PREFIX = "lab-"
# What a run needs to be judged. Workloads are left out: their images are elsewhere, and the dry run has
# judged them.
KINDS = {
    "ClusterRoleBinding",
    "ConfigMap",
    "EventListener",
    "Interceptor",
    "NetworkPolicy",
    "Pipeline",
    "Role",
    "RoleBinding",
    "ServiceAccount",
    "Task",
    "Trigger",
    "TriggerBinding",
    "TriggerTemplate",
}
# Condition reasons of a PipelineRun that has been understood, whatever becomes of its images.
UNDERSTOOD = {"Running", "Completed", "Succeeded", "Failed", "Stopping"}
# The same of a TaskRun: its pod exists, or its image could not be fetched, which has nothing to do with the
# Task.
PODS = {"Pending", "Running", "Succeeded", "Failed", "TaskRunImagePullFailed"}


def moved(value: Any, namespaces: set[str]) -> Any:
    """Return a value in which every field `namespace` that names one of `namespaces` names that of the
    trial.
    """
    if isinstance(value, list):
        return [moved(item, namespaces) for item in value]
    if not isinstance(value, dict):
        return value
    result = {
        name: PREFIX + item
        if name == "namespace" and isinstance(item, str) and item in namespaces
        else moved(item, namespaces)
        for name, item in value.items()
    }
    # A parameter of Tekton's cluster resolver.
    if value.get("name") == "namespace" and value.get("value") in namespaces:
        result["value"] = PREFIX + value["value"]
    return result


def parameter(declared: Mapping[str, Any]) -> Any:
    """Return a value of a parameter's type."""
    kinds: dict[str, Any] = {"array": ["x"], "object": dict.fromkeys(declared.get("properties", {}), "x")}
    return declared["enum"][0] if "enum" in declared else kinds.get(declared.get("type", "string"), "x")


def run_of(value: Object) -> Object:
    """Return a run of a Pipeline or Task, with a value for each parameter without a default, and an empty
    folder for each workspace.
    """
    spec, metadata, kind = value["spec"], value["metadata"], value["kind"]
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": f"{kind}Run",
        # With its kind in front: the first task of a Pipeline okd-layer and the Task okd-layer-base would
        # have runs of one name.
        "metadata": {
            "name": f"{kind.lower()}-{metadata['name']}",
            "namespace": metadata["namespace"],
            "labels": {MADE: "true"},
        },
        "spec": {
            f"{kind.lower()}Ref": {"name": metadata["name"]},
            "params": [
                {"name": one["name"], "value": parameter(one)}
                for one in spec.get("params", [])
                if "default" not in one
            ],
            "workspaces": [{"name": one["name"], "emptyDir": {}} for one in spec.get("workspaces", [])],
        },
    }


class Trial:
    """The namespaces of the trial, and what became of the runs in them by Kind NAMESPACE/NAME: a reason,
    and a fault or nothing.
    """

    def __init__(self, cluster: Kubectl) -> None:
        self.cluster = cluster
        self.runnable: dict[str, Object] = {}
        self.runs: dict[str, tuple[str, str]] = {}

    def make(self, values: list[Object], catalog: Catalog) -> None:
        """Make what belongs to Tekton in namespaces of the trial; a Pipeline that another environment has
        too must be the same there.
        """
        namespaces = {
            value["metadata"]["namespace"] for value in values if value["kind"] in ("Pipeline", "Task")
        }
        ours = [value for value in values if value["kind"] in KINDS and _belongs(value, namespaces)]
        labels = {
            value["metadata"]["name"]: value["metadata"].get("labels", {})
            for value in values
            if value["kind"] == "Namespace"
        }
        self.cluster.make([_namespace(PREFIX + name, labels.get(name, {})) for name in sorted(namespaces)])
        needs = [
            (name, need)
            for feature in catalog.features.values()
            for name, need in feature.spec.secrets.items()
            if need.namespace in namespaces
        ]
        self.cluster.make(
            [_secret(name, PREFIX + need.namespace, need.type, need.keys) for name, need in needs]
        )
        copies = [moved(value, namespaces) for value in ours]
        for copy in copies:
            if "namespace" not in copy["metadata"]:
                copy["metadata"]["name"] = PREFIX + copy["metadata"]["name"]
        # Pipelines name Tasks, listeners name Triggers: the webhooks look at each alone, so the order is no
        # matter.
        self.cluster.make(copies)
        for copy in copies:
            if copy["kind"] in ("Pipeline", "Task"):
                self.runnable[named(copy)] = copy

    def run(self, seconds: float = 180) -> None:
        """Start a run of each Pipeline and of each Task, and wait until each has been judged and its first
        pods exist.
        """
        refused = {}
        for name, value in self.runnable.items():
            done = self.cluster.run("create", "--filename=-", given=run_of(value), check=False)
            if done.returncode:
                refused[name] = ("not created", done.stderr.strip())
        until = time.monotonic() + seconds
        while True:
            self.runs = {**self._state(), **refused}
            if time.monotonic() > until or all(reason != "waiting" for reason, _ in self.runs.values()):
                break
            time.sleep(2)
        print(f"{len(self.runs)} runs judged", flush=True)

    def _state(self) -> dict[str, tuple[str, str]]:
        parts: dict[str, list[Object]] = {}
        found = {}
        for one in self.cluster.get("taskruns.tekton.dev", *OURS):
            namespace, owner = (
                one["metadata"]["namespace"],
                one["metadata"]["labels"].get("tekton.dev/pipelineRun"),
            )
            if owner:
                parts.setdefault(f"Pipeline {namespace}/{owner.removeprefix('pipeline-')}", []).append(one)
            else:
                found[f"Task {namespace}/{one['metadata']['name'].removeprefix('task-')}"] = _task_verdict(
                    one
                )
        for one in self.cluster.get("pipelineruns.tekton.dev", *OURS):
            name = (
                f"Pipeline {one['metadata']['namespace']}/{one['metadata']['name'].removeprefix('pipeline-')}"
            )
            found[name] = _verdict(one, parts.get(name, []))
        return {name: found.get(name, ("waiting", "")) for name in self.runnable}


def _belongs(value: Object, namespaces: set[str]) -> bool:
    subjects = {subject.get("namespace") for subject in value.get("subjects", [])}
    return value["metadata"].get("namespace") in namespaces or (
        "namespace" not in value["metadata"] and bool(subjects & namespaces)
    )


def condition(value: Object) -> tuple[str, str]:
    """Return reason and message of what a run has come to."""
    conditions = value.get("status", {}).get("conditions", [])
    return next(
        ((one.get("reason", ""), one.get("message", "")) for one in conditions if one["type"] == "Succeeded"),
        ("", ""),
    )


def _verdict(run: Object, tasks: list[Object]) -> tuple[str, str]:
    reason, message = condition(run)
    if reason in ("", "Started"):
        return "waiting", "no controller has looked at it"
    if reason not in UNDERSTOOD:
        return reason, message
    if not tasks:
        skipped = len(run["status"].get("skippedTasks", []))
        return (
            (f"{reason}, {skipped} tasks skipped", "")
            if skipped
            else ("waiting", f"it has no tasks: {message}")
        )
    words = []
    for task in tasks:
        name = task["metadata"]["labels"]["tekton.dev/pipelineTask"]
        why, fault = _task_verdict(task)
        if fault:
            return ("waiting" if why == "waiting" else f"{name}: {why}"), fault
        words.append(f"{name} {why}")
    return f"{reason} ({', '.join(sorted(words))})", ""


def _task_verdict(run: Object) -> tuple[str, str]:
    reason, message = condition(run)
    if run.get("status", {}).get("podName") or reason in PODS:
        return reason, ""
    return ("waiting", "it has no pod yet") if reason in ("", "Started") else (reason, message)


def _namespace(name: str, labels: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _secret(name: str, namespace: str, kind: str, keys: tuple[str, ...]) -> Object:
    text = json.dumps({"auths": {}}) if kind == "kubernetes.io/dockerconfigjson" else TOKEN
    metadata = {"name": name, "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": kind,
        "stringData": dict.fromkeys(keys, text),
    }
