"""The order of a Pipeline's tasks: put one before or after another, move it, take it out. Who waited still
waits.

Tekton orders tasks by `runAfter` and by the results that one takes of another; where they stand in the list
means nothing. So an insertion between two tasks is a change of what the second one waits for.
(https://tekton.dev/docs/pipelines/pipelines/#configuring-the-task-execution-order)
"""

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from okd_gitops.finding import nearest
from okd_gitops.manifests.objects import Object, items
from okd_gitops.manifests.tekton import uses


class OrderError(ValueError):
    """A task cannot go there: the name and the field of the finding, the reason and the remedy."""

    def __init__(self, name: str, field: Sequence[str], reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.name, self.field, self.remedy = name, tuple(field), remedy


def waits(task: Object) -> list[str]:
    """Return the names of the tasks that a task waits for itself: `runAfter`, and those whose results it
    takes.
    """
    by_result = [name for name, rest in uses(task, "tasks") if rest.startswith((".results.", ".results["))]
    return list(dict.fromkeys([*(str(name) for name in items(task, "runAfter")), *by_result]))


def names(tasks: Iterable[Object]) -> list[str]:
    """Return the names of tasks in their order."""
    return [str(task["name"]) for task in tasks]


def inserted(
    tasks: Sequence[Object], task: Object, *, before: str | None = None, after: str | None = None
) -> list[Object]:
    """Return the tasks with a new one directly before or after another.

    Before: it waits for what the other waited for, and the other waits for it. After: it waits for the other,
    and all that waited for the other wait for it. Raises OrderError for a name that is there or is not, and
    when tasks would wait for each other.
    """
    if task["name"] in names(tasks):
        raise OrderError(
            "already-in-catalog",
            ("task", "name"),
            f'there is a task "{task["name"]}" already',
            "choose another name, or move it",
        )
    at = _index(tasks, before or after or "", "before" if before else "after")
    if before:
        anchor = {**tasks[at], "runAfter": [task["name"]]}
        result = [*tasks[:at], _after(task, waits(tasks[at])), anchor, *tasks[at + 1 :]]
    else:
        anchored = [_instead(each, after or "", [task["name"]]) for each in tasks]
        result = [*anchored[: at + 1], _after(task, [after or ""]), *anchored[at + 1 :]]
    try:
        TopologicalSorter({str(each["name"]): waits(each) for each in result}).prepare()
    except CycleError as error:
        reason = f"tasks would wait for each other: {' → '.join(error.args[1])}"
        raise OrderError(
            "broken-task-order", ("before" if before else "after",), reason, "put it elsewhere"
        ) from None
    return result


def removed(tasks: Sequence[Object], name: str) -> list[Object]:
    """Return the tasks without one: those that ran after it run after what it waited for. Raises
    OrderError when it is not there.
    """
    gone = waits(tasks[_index(tasks, name, "task")])
    return [_instead(each, name, gone) for each in tasks if each["name"] != name]


def moved(
    tasks: Sequence[Object], name: str, *, before: str | None = None, after: str | None = None
) -> list[Object]:
    """Return the tasks with one of them taken out and inserted elsewhere; raises OrderError like both."""
    task = tasks[_index(tasks, name, "task")]
    free = {**task, "runAfter": []} if "runAfter" in task else task
    return inserted(removed(tasks, name), free, before=before, after=after)


def _index(tasks: Sequence[Object], name: str, field: str) -> int:
    known = names(tasks)
    if name not in known:
        raise OrderError(
            "change-without-target",
            (field,),
            f'there is no task "{name}" whose order can change',
            nearest(name, known),
        )
    return known.index(name)


def _after(task: Object, names: Iterable[str]) -> Object:
    """Let a task run after `names`, and after what it says itself."""
    wanted = list(dict.fromkeys([*names, *(str(name) for name in items(task, "runAfter"))]))
    rest = {key: value for key, value in task.items() if key not in ("name", "runAfter")}
    # A field that is new stands behind the name, where a reader looks for it.
    return {"name": task["name"], "runAfter": wanted, **rest} if wanted or "runAfter" in task else dict(task)


def _instead(task: Object, name: str, others: Sequence[str]) -> Object:
    """Let a task that waits for `name` run after `others` in its place."""
    if name not in waits(task):
        return task
    listed = [str(each) for each in items(task, "runAfter")]
    at = listed.index(name) if name in listed else len(listed)
    return _after({**task, "runAfter": [*listed[:at], *others, *listed[at + 1 :]]}, ())
