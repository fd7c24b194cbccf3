"""The rule impossible-run: findings.yaml states and explains it.

Read in tektoncd/pipeline v1.6.0: pkg/reconciler/volumeclaim, pkg/apis/config/default.go.
"""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.manifests.tekton import named, runs, tasks

_DEFAULT_MINUTES = 60
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?:[0-9.]+[hms])+")
_PART = re.compile(r"([0-9.]+)([hms])")


def check_cluster(overlay: Overlay, repository: Repository) -> Iterator[Fault]:
    """Look at runs, also in TriggerTemplates, beside the Pipelines that they start."""
    pipelines = {
        (ObjectId.of(value).namespace, ObjectId.of(value).name): at(value, "spec")
        for value in overlay.of("Pipeline.tekton.dev")
    }
    settings = [at(v, "spec", "pipeline") for v in overlay.objects if v.get("kind") == "TektonConfig"]

    for value in overlay.objects:
        for run in runs(value):
            spec = at(run, "spec")
            namespace = ObjectId.of(run).namespace or ObjectId.of(value).namespace
            name = str(at(spec, "pipelineRef", "name") or "")
            for reason in _parts_too_long(spec) if run.get("kind") == "PipelineRun" else ():
                remedy = "write timeouts.pipeline as long as both together"
                yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value))

            pipeline = at(spec, "pipelineSpec") or pipelines.get((namespace, name))
            if run.get("kind") != "PipelineRun" or not isinstance(pipeline, dict):
                continue

            for reason, remedy in [
                *_two_claims(spec, pipeline, settings),
                *_too_long(spec, pipeline, settings),
            ]:
                yield Fault(reason=reason, remedy=remedy, object=ObjectId.of(value))


def _two_claims(spec: object, pipeline: Object, settings: list[object]) -> Iterator[tuple[str, str]]:
    for each in settings:
        if (
            at(each, "coschedule") not in (None, "workspaces")
            or at(each, "disable-affinity-assistant") is True
        ):
            return

    claims: dict[str, str] = {}
    for name, workspace in named(spec, "workspaces").items():
        claim = at(workspace, "persistentVolumeClaim", "claimName")
        if claim or at(workspace, "volumeClaimTemplate"):
            claims[name] = str(claim or f"the template of {name}")

    for task, _ in tasks(pipeline):
        bound = {
            name: claims[name]
            for each in items(task, "workspaces")
            for name in [str(at(each, "workspace") or at(each, "name"))]
            if name in claims
        }
        if len(set(bound.values())) > 1:
            names = ", ".join(sorted(bound))
            reason = f"its task {at(task, 'name')} gets several claims ({names}): the affinity assistant "
            yield f"{reason}refuses more than one", "put both into one claim with subPath, or use emptyDir"


def _too_long(spec: object, pipeline: Object, settings: list[object]) -> Iterator[tuple[str, str]]:
    given = at(spec, "timeouts", "pipeline") or at(spec, "timeout")
    minutes = [at(each, "default-timeout-minutes") for each in settings]
    default = next((float(str(m)) for m in minutes if str(m).isdigit()), float(_DEFAULT_MINUTES))
    whole = _seconds(given) if given else default * 60

    for task, _ in tasks(pipeline):
        timeout = _seconds(at(task, "timeout"))
        if whole and timeout and timeout > whole:
            said = f"the timeout {given}" if given else f"no timeout, so it ends after {default:g} minutes"
            reason = f"its task {at(task, 'name')} may take {at(task, 'timeout')}, and the run has {said}"
            yield reason, "write timeouts.pipeline of the run as long as its tasks need"


def _parts_too_long(spec: object) -> Iterator[str]:
    given = at(spec, "timeouts")
    whole = _seconds(at(given, "pipeline"))
    parts = {key: at(given, key) for key in ("tasks", "finally") if at(given, key) is not None}
    seconds = [_seconds(text) for text in parts.values()]
    # Without a number, or with 0, a part has no end of its own.
    known = [each for each in seconds if each]

    if whole and len(known) == len(seconds) and sum(known) > whole:
        said = " and ".join(f"{text} for {key}" for key, text in parts.items())
        reason = f"its timeouts have {said}, more than {at(given, 'pipeline')} for the pipeline"
        yield f"{reason}: Tekton refuses it"


def _seconds(text: object) -> float | None:
    """Return a duration of Go in seconds; None for what is none, or has a variable."""
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
