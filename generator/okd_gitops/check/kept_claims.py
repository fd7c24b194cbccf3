"""The storage that the runs of a namespace claim: those that run, and those that a pruner keeps.

A run keeps the claim of its volumeClaimTemplate until it is deleted.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from okd_gitops.manifests.objects import Object, ObjectId, at, items, per_object
from okd_gitops.manifests.quantity import amount, written
from okd_gitops.manifests.tekton import named, runs

# Of the operator's pruner, on a namespace.
KEEP = "operator.tekton.dev/prune.keep"
SKIP = "operator.tekton.dev/prune.skip"
# With these, a claim is deleted at the end of its run. Read in tektoncd/pipeline v1.6.0, pkg/reconciler.
_DELETED_AT_THE_END = ("pipelineruns", "isolate-pipelinerun")
_PARAMETER = re.compile(r"\$\(tt\.params\.([A-Za-z0-9_-]+)\)")


@dataclass(frozen=True, slots=True)
class Kept:
    """How many runs a pruner keeps, of each pipeline or of a whole namespace; None when nothing prunes."""

    runs: int | None
    of_each_pipeline: bool = True


def kept_runs(objects: Iterable[Object], namespace: str) -> Kept:
    """Return how many runs stay in a namespace with their claims, by the objects of its cluster."""
    keep: object = None

    for value in objects:
        identity = ObjectId.of(value)
        if identity.group_kind == "CronJob.batch" and _pruned(value) == namespace:
            return Kept(_whole(_environment(value, "KEEP")), of_each_pipeline=False)
        if identity.group_kind == "Namespace." and identity.name == namespace:
            keep = at(value, "metadata", "annotations", KEEP) or keep
        elif identity.kind == "TektonConfig":
            if at(value, "spec", "pipeline", "coschedule") in _DELETED_AT_THE_END:
                return Kept(0)
            keep = keep or at(value, "spec", "pruner", "keep")

    return Kept(_whole(keep))


def storage_of_runs(objects: Iterable[Object], kept: Kept) -> Iterator[tuple[Object, float, str]]:
    """Yield the template with the largest claims, the bytes of all runs, and how they come about."""
    claims = [found for value in objects for found in claims_of(value)]
    if not claims:
        return

    largest = max(claims, key=lambda claim: claim[2])[0]
    running = sum(size for _, _, size in claims)
    if kept.runs is None:
        yield largest, float("inf"), "nothing deletes finished runs, and each keeps its claim"
        return

    sizes: dict[str, float] = {}
    for _, pipeline, size in claims:
        sizes[pipeline] = max(size, sizes.get(pipeline, 0.0))

    each = sum(sizes.values()) if kept.of_each_pipeline else max(sizes.values())
    needed = kept.runs * each + running
    text = (
        f"{kept.runs} kept runs of {', '.join(sorted(sizes))} and those that run claim {written('', needed)}"
    )
    yield largest, needed, text


@per_object
def claims_of(value: Object) -> tuple[tuple[Object, str, float], ...]:
    """Return the template, the pipeline and the size of each run that an object starts with a claim."""
    return tuple(_claims(value))


def _claims(value: Object) -> Iterator[tuple[Object, str, float]]:
    defaults = {name: at(one, "default") for name, one in named(value, "spec", "params").items()}

    for run in runs(value):
        pipeline = str(at(run, "spec", "pipelineRef", "name"))
        for workspace in items(run, "spec", "workspaces"):
            text = at(workspace, "volumeClaimTemplate", "spec", "resources", "requests", "storage")
            size = amount(_PARAMETER.sub(lambda match: str(defaults.get(match[1])), str(text)))
            if size is not None:
                yield value, pipeline, size


def _pruned(cron_job: Object) -> str:
    is_pruner = at(cron_job, "metadata", "labels", "app.kubernetes.io/part-of") == "pruning"
    return str(_environment(cron_job, "NAMESPACE")) if is_pruner else ""


def _environment(cron_job: Object, name: str) -> object:
    containers = items(cron_job, "spec", "jobTemplate", "spec", "template", "spec", "containers")
    return next((at(named(one, "env").get(name), "value") for one in containers), None)


def _whole(text: object) -> int | None:
    return int(str(text)) if re.fullmatch(r"[0-9]{1,6}", str(text)) else None
