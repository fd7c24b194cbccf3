"""Changes to the tasks of a Pipeline: insert, move, remove; the rest of its text stays as it was typed."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from okd_gitops.finding import nearest
from okd_gitops.fleet.changed_catalog import ChangedCatalog, ObjectFile
from okd_gitops.fleet.changes import Insert, Move, Positioned, Remove
from okd_gitops.manifests.edit_nodes import rewrite_list
from okd_gitops.manifests.objects import Object, at, items
from okd_gitops.manifests.read import Path
from okd_gitops.manifests.task_order import OrderError, inserted, moved, names, removed, waits
from okd_gitops.manifests.tekton import named, uses


def insert_task(catalog: ChangedCatalog, change: Insert, where: Path) -> None:
    """Put a new task into a Pipeline."""
    pipeline = _pipeline(catalog, change, where)

    if pipeline:
        reorder = partial(inserted, task=change.task, before=change.before, after=change.after)
        added = str(change.task["name"])
        _reorder(catalog, change, where, pipeline, "tasks", reorder, appeared_or_gone=added)


def move_task(catalog: ChangedCatalog, change: Move, where: Path) -> None:
    """Put a task of a Pipeline elsewhere."""
    pipeline = _pipeline(catalog, change, where)

    if pipeline:
        reorder = partial(moved, name=change.task, before=change.before, after=change.after)
        _reorder(catalog, change, where, pipeline, "tasks", reorder)


def remove_task(catalog: ChangedCatalog, change: Remove, where: Path) -> None:
    """Take a task out of a Pipeline, from `tasks` or from `finally`."""
    pipeline = _pipeline(catalog, change, where)

    if pipeline:
        field = "finally" if change.task in named(pipeline.value, "spec", "finally") else "tasks"
        reorder = partial(removed, name=change.task)
        _reorder(catalog, change, where, pipeline, field, reorder, appeared_or_gone=change.task)


def find_missing_tasks(catalog: ChangedCatalog) -> None:
    """Find what needs a task that is not in its Pipeline: one was removed, or an inserted one names it.

    A task that was missing before any change is left to the rules.
    """
    for feature, path in sorted({(feature, path) for feature, path, _ in catalog.changed_tasks}):
        spec = catalog.objects(feature)[path]["spec"]
        known = {*named(spec, "tasks"), *named(spec, "finally")}

        for dependent, needed in dict.fromkeys(_needs(spec)):
            removal = catalog.changed_tasks.get((feature, path, needed))
            place = removal or catalog.changed_tasks.get((feature, path, dependent))

            if needed not in known and place:
                reason = f'{dependent} needs the task "{needed}", which would be missing'
                remedy = (
                    "change the tasks that need it first, or keep the task"
                    if removal
                    else nearest(needed, known)
                )
                catalog.findings.add("broken-task-order", place, reason, remedy)


def _pipeline(catalog: ChangedCatalog, change: Positioned | Remove, where: Path) -> ObjectFile | None:
    """Return the Pipeline that a change names, or add a finding."""
    return catalog.find_object(change, f"Pipeline/{change.pipeline}", (*where, "pipeline"))


def _reorder(
    catalog: ChangedCatalog,
    change: Positioned | Remove,
    where: Path,
    pipeline: ObjectFile,
    field: str,
    reorder: Callable[[Sequence[Object]], list[Object]],
    *,
    appeared_or_gone: str = "",
) -> None:
    """Give a list of a Pipeline's tasks the order that `reorder` returns, or add a finding."""
    old_tasks = items(pipeline.value, "spec", field)

    if len(named(pipeline.value, "spec", field)) != len(old_tasks):
        reason = f"tasks of {change.pipeline} have no name of their own"
        catalog.findings.add("unusable-catalog-file", (*where, "pipeline"), reason, "give each task a name")
        return

    try:
        new_tasks = reorder(old_tasks)
        if not new_tasks and field == "tasks":
            reason, remedy = "no task would be left", "replace the Pipeline"
            raise OrderError("broken-task-order", ("task",), reason, remedy)
    except OrderError as error:
        reason = f"{change.pipeline}: {error}"
        catalog.findings.add(error.name, (*where, *error.field), reason, error.remedy)
        return

    spec = {**pipeline.value["spec"], field: new_tasks}
    if not new_tasks:
        del spec[field]

    edited = ObjectFile(pipeline.path, {**pipeline.value, "spec": spec})
    edit = partial(
        rewrite_list, path=("spec", field), old=old_tasks, new=_with_old_places(new_tasks, old_tasks)
    )
    catalog.put_edited(change, edited, edit, where)

    if appeared_or_gone:
        key = (change.feature, pipeline.path, appeared_or_gone)
        catalog.changed_tasks[key] = catalog.findings.at((*where, "task"))


def _with_old_places(
    new_tasks: Sequence[Object], old_tasks: Sequence[Object]
) -> list[tuple[int | None, Object]]:
    """Return each task with its index among the old ones, or with None when it is new."""
    places = {name: index for index, name in enumerate(names(old_tasks))}
    return [(places.get(task["name"]), task) for task in new_tasks]


def _needs(spec: object) -> Iterator[tuple[str, str]]:
    """Yield (who needs it, the name of the task) for each task that something in a Pipeline needs."""
    for task in items(spec, "tasks"):
        for name in waits(task):
            yield str(task["name"]), name

    for task in items(spec, "finally"):
        for name, rest in uses(task, "tasks"):
            if rest:
                yield str(at(task, "name")), name

    for name, rest in uses(items(spec, "results"), "tasks"):
        if rest:
            yield "a result of the Pipeline", name
