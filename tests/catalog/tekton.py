"""Runs rendered Pipelines as Tekton would: each Task when what it needs has ended, its steps as processes
with the volumes that they name, and nothing after a Task that failed.
"""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from frozen import CLOCK

Object = dict[str, Any]
REFERENCE = re.compile(r"\$\(([a-zA-Z0-9.-]+)(\[\*\])?\)")
# Kills the shell of a step, before the first command that contains a text.
KILL = """\
unset BASH_ENV
trap '[[ "${BASH_COMMAND}" != *"${KILLED_BEFORE}"* ]] || kill -KILL $$' DEBUG
"""


def in_namespace(kind: str, namespace: str, name: str) -> Object:
    """Return a reference to a Task or a Pipeline that the cluster resolver finds."""
    given = {"kind": kind, "name": name, "namespace": namespace}
    return {"resolver": "cluster", "params": [{"name": key, "value": value} for key, value in given.items()]}


def called_name(reference: Object) -> str:
    """Return the name in a reference, plain or for the cluster resolver."""
    given = {item["name"]: item["value"] for item in reference.get("params", [])}
    return str(given.get("name", reference.get("name")))


class MissingResultError(Exception):
    """A Task asks for a result that no Task gave: Tekton does not run it."""


@dataclass(frozen=True)
class Stop:
    """How a step is stopped: it is killed before the first command that contains a text; with no text, each
    program that it calls fails.
    """

    task: str
    step: str
    before: str = ""


@dataclass
class Run:
    """How a run ended: its results, the status of each Task, what the failed step printed."""

    status: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    said: str = ""

    @property
    def succeeded(self) -> bool:
        return "Failed" not in self.status.values()


class Tekton:
    """The Pipelines and Tasks of a cluster, with its Secrets and ConfigMaps by (namespace, name)."""

    def __init__(
        self, objects: tuple[Object, ...], folder: Path, variables: Mapping[str, str], broken: Path
    ) -> None:
        self.objects = {
            (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): each
            for each in objects
        }
        self.folder, self.variables, self.broken = folder, dict(variables), broken
        self.files: dict[tuple[str, str], dict[str, str]] = {}
        self.told: list[str] = []
        # What each Task is stopped by, one after the other, before it is run to its end.
        self.stops: list[Stop] = []
        # What no Task is tried again after.
        self.last: Stop | None = None
        # The parameters of each Task when it was run to its end last.
        self.ran: dict[str, Mapping[str, Any]] = {}
        self.stopped: Callable[[Stop], None] = lambda _: None
        self._pods = count()

    def run(self, namespace: str, pipeline: Object, name: str, given: Mapping[str, Any]) -> Run:
        """Run the Pipeline that a reference leads to, with the parameters that are given."""
        spec = self._found("Pipeline", namespace, pipeline)["spec"]
        values = {f"params.{item['name']}": item.get("default") for item in spec["params"]}
        unknown = {f"params.{key}" for key in given} - values.keys()
        assert not unknown, f"the pipeline of {name} has no {unknown}"
        values |= {f"params.{key}": value for key, value in given.items()}
        values |= {"context.pipelineRun.name": name, "context.pipelineRun.namespace": namespace}
        values["tasks.status"] = "Completed"
        assert None not in values.values(), values
        run = Run()

        for task in self._in_order(spec["tasks"]):
            if not run.succeeded:
                run.status[task["name"]] = "None"
                continue
            self._run_task(task, namespace, values, run)

        values["tasks.status"] = "Succeeded" if run.succeeded else "Failed"
        values |= {f"tasks.{task}.status": status for task, status in run.status.items()}
        for task in spec.get("finally", []):
            if self._is_wanted(task, values):
                (message,) = [item["value"] for item in task["params"]]
                self.told.append(str(self._value(message, values)))

        for item in spec.get("results", []):
            try:
                run.results[item["name"]] = str(self._value(item["value"], values))
            except MissingResultError:
                continue
        return run

    def run_task(self, namespace: str, task: Object, given: Mapping[str, Any]) -> tuple[dict[str, str], str]:
        """Run the steps of the Task that a reference leads to; return its results, and what the step that
        failed printed. Its pod is in `namespace`, wherever the Task is.

        Before that, it is stopped in each way of `stops`, as Tekton tries a Task again in a pod of its own.
        """
        found = self._found("Task", namespace, task)
        name = found["metadata"]["name"]
        for stop in [each for each in self.stops if each.task == name]:
            _, failed = self._run_pod(namespace, found, given, stop)
            assert failed, stop
            self.stopped(stop)
            if stop == self.last:
                return {}, failed

        self.ran[name] = given
        return self._run_pod(namespace, found, given, None)

    def _found(self, kind: str, namespace: str, reference: Object) -> Object:
        """Return what a reference in a namespace leads to, as the cluster resolver finds it."""
        if "resolver" not in reference:
            return self.objects[kind, namespace, reference["name"]]
        given = {item["name"]: item["value"] for item in reference["params"]}
        assert (reference["resolver"], given["kind"]) == ("cluster", kind.lower())
        return self.objects[kind, given["namespace"], given["name"]]

    def _run_pod(
        self, namespace: str, task: Object, given: Mapping[str, Any], stop: Stop | None
    ) -> tuple[dict[str, str], str]:
        name, spec = task["metadata"]["name"], task["spec"]
        pod = self.folder / f"pod-{next(self._pods)}-{name}"
        (pod / "results").mkdir(parents=True)
        values = {f"params.{item['name']}": item.get("default") for item in spec["params"]}
        values |= {f"params.{key}": value for key, value in given.items()}
        assert None not in values.values(), values
        values |= {
            f"results.{item['name']}.path": str(pod / "results" / item["name"])
            for item in spec.get("results", [])
        }
        failed = ""

        for step in spec["steps"]:
            exit_code = pod / f"exit-{step['name']}"
            values[f"steps.step-{step['name']}.exitCode.path"] = str(exit_code)
            mounts = self._mounts(spec, step, namespace, pod, values)
            here = stop if stop and stop.step == step["name"] else None
            done = self._run_step(f"{name}/{step['name']}", step, pod, values, mounts, here)
            exit_code.write_text(str(done.returncode))
            if done.returncode and step.get("onError") != "continue":
                failed = f"{name}/{step['name']} ({done.returncode}): {done.stdout}{done.stderr}"
                break

        return {path.name: path.read_text() for path in (pod / "results").iterdir()}, failed

    def _run_task(self, task: Object, namespace: str, values: dict[str, Any], run: Run) -> None:
        name = task["name"]
        try:
            if not self._is_wanted(task, values):
                run.status[name] = "None"
                return
            given = {item["name"]: self._value(item["value"], values) for item in task.get("params", [])}
        except MissingResultError:
            run.status[name] = "None"
            return

        results, failed = self.run_task(namespace, task["taskRef"], given)
        run.status[name] = "Failed" if failed else "Succeeded"
        run.said += failed
        values |= {f"tasks.{name}.results.{key}": value for key, value in results.items()}

    def _run_step(
        self,
        name: str,
        step: Object,
        pod: Path,
        values: dict[str, Any],
        mounts: Mapping[str, Path],
        stop: Stop | None,
    ) -> subprocess.CompletedProcess[str]:
        environment = {}
        for item in step["env"]:
            text = str(self._value(item["value"], values))
            for path, folder in mounts.items():
                text = text.replace(path, str(folder))
            environment[item["name"]] = text

        (pod / "script").write_text(step["script"])
        (pod / "kill").write_text(KILL)
        environment |= {**self.variables, **CLOCK, "POD": name}
        if stop and stop.before:
            environment |= {"BASH_ENV": str(pod / "kill"), "KILLED_BEFORE": stop.before}
        elif stop:
            environment["PATH"] = f"{self.broken}:{environment['PATH']}"

        arguments = [one for text in step.get("args", []) for one in self._arguments(text, values)]
        command = ["bash", str(pod / "script"), *arguments]
        done = subprocess.run(command, env=environment, cwd=pod, capture_output=True, text=True, check=False)
        if stop:
            assert done.returncode == (-signal.SIGKILL if stop.before else 1), (stop, done)
        return done

    def _mounts(
        self, spec: Object, step: Object, namespace: str, pod: Path, values: dict[str, Any]
    ) -> dict[str, Path]:
        """Return the folder for each path at which a step mounts a volume."""
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        return {
            mount["mountPath"]: self._volume(volumes[mount["name"]], namespace, pod, values)
            for mount in step.get("volumeMounts", [])
        }

    def _volume(self, volume: Object, namespace: str, pod: Path, values: dict[str, Any]) -> Path:
        """Make the folder of a volume, with what a Secret or a ConfigMap has of it."""
        folder = pod / f"volume-{volume['name']}"
        folder.mkdir(exist_ok=True)
        source = volume.get("secret") or volume.get("configMap")
        if source is None:
            return folder

        name = source.get("secretName") or source["name"]
        files = self.files.get((namespace, name))
        if files is None:
            assert source.get("optional"), f"a pod does not start without {namespace}/{name}"
            return folder

        keys = {item["key"]: item["path"] for item in source.get("items", [])} or dict.fromkeys(files)
        for key, path in keys.items():
            key = str(self._value(key, values))
            if key in files:
                (folder / (path or key)).write_text(files[key])
        return folder

    def _is_wanted(self, task: Object, values: dict[str, Any]) -> bool:
        for when in task.get("when", []):
            assert when["operator"] == "in"
            if self._value(when["input"], values) not in self._value(when["values"], values):
                return False
        return True

    def _in_order(self, tasks: list[Object]) -> list[Object]:
        """Return Tasks in an order in which each comes after those that it needs."""
        waiting, ordered = list(tasks), list[Object]()
        while waiting:
            names = {task["name"] for task in waiting}
            ready = [task for task in waiting if not names & (self._needed(task) - {task["name"]})]
            assert ready, names
            ordered += ready[:1]
            waiting.remove(ready[0])
        return ordered

    def _needed(self, task: Object) -> set[str]:
        return {*task.get("runAfter", []), *re.findall(r"\$\(tasks\.([a-z-]+)\.results", str(task))}

    def _value(self, value: Any, values: Mapping[str, Any]) -> Any:
        if isinstance(value, list):
            return [one for text in value for one in self._arguments(text, values)]

        def found(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise MissingResultError(match[1])
            return str(values[match[1]])

        return REFERENCE.sub(found, value)

    def _arguments(self, text: str, values: Mapping[str, Any]) -> list[str]:
        whole = REFERENCE.fullmatch(text)
        if whole and whole[2]:
            return list(values[whole[1]])
        return [str(self._value(text, values))]


def plain_variables(**more: str) -> dict[str, str]:
    """Return the environment of a step beside its own variables."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more}
