"""The order of a Pipeline's tasks: insert one, move it, remove it. A task that waited for it still waits.

Tekton orders tasks by `runAfter` and by the results that one takes of another; their order in the list means
nothing. So an insertion between two tasks is a change of what the second one waits for.
(https://tekton.dev/docs/pipelines/pipelines/#configuring-the-task-execution-order)
"""

from collections.abc import Iterable, Mapping, Sequence
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
    """Return the names of the tasks that a task waits for: `runAfter`, and those whose results it takes."""
    by_order = [str(name) for name in items(task, "runAfter")]
    by_result = [name for name, rest in uses(task, "tasks") if rest.startswith((".results.", ".results["))]

    return list(dict.fromkeys([*by_order, *by_result]))


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
        reason, remedy = f'the task "{task["name"]}" exists already', "choose another name, or move it"
        raise OrderError("already-in-catalog", ("task", "name"), reason, remedy)

    if before:
        result = _inserted_before(tasks, task, before)
    else:
        result = _inserted_after(tasks, task, after or "")

    try:
        TopologicalSorter({str(other["name"]): waits(other) for other in result}).prepare()
    except CycleError as error:
        reason = f"tasks would wait for each other: {' → '.join(error.args[1])}"
        field = "before" if before else "after"
        raise OrderError("broken-task-order", (field,), reason, "put it elsewhere") from None

    return result


def removed(tasks: Sequence[Object], name: str) -> list[Object]:
    """Return the tasks without one: those that ran after it run after what it waited for.

    Raises OrderError when it is not there.
    """
    waited_for = waits(tasks[_index(tasks, name, "task")])
    return [_instead(task, name, waited_for) for task in tasks if task["name"] != name]


def moved(
    tasks: Sequence[Object], name: str, *, before: str | None = None, after: str | None = None
) -> list[Object]:
    """Return the tasks with one of them removed and inserted elsewhere; raises OrderError like both."""
    task = tasks[_index(tasks, name, "task")]
    free = {**task, "runAfter": []} if "runAfter" in task else task

    return inserted(removed(tasks, name), free, before=before, after=after)


def _inserted_before(tasks: Sequence[Object], task: Object, anchor: str) -> list[Object]:
    index = _index(tasks, anchor, "before")
    waiting = {**tasks[index], "runAfter": [task["name"]]}

    return [*tasks[:index], _after(task, waits(tasks[index])), waiting, *tasks[index + 1 :]]


def _inserted_after(tasks: Sequence[Object], task: Object, anchor: str) -> list[Object]:
    index = _index(tasks, anchor, "after")
    waiting = [_instead(other, anchor, [task["name"]]) for other in tasks]

    return [*waiting[: index + 1], _after(task, [anchor]), *waiting[index + 1 :]]


def _index(tasks: Sequence[Object], name: str, field: str) -> int:
    known = names(tasks)

    if name not in known:
        reason = f'there is no task "{name}" whose order can change'
        raise OrderError("change-without-target", (field,), reason, nearest(name, known))

    return known.index(name)


def _after(task: Object, names: Iterable[str]) -> Object:
    """Return a task that runs after `names`, and after what its own `runAfter` has."""
    own = [str(name) for name in items(task, "runAfter")]
    order = list(dict.fromkeys([*names, *own]))

    if not order and "runAfter" not in task:
        return dict(task)

    # A field that is new stands behind the name, where a reader looks for it.
    others = {key: value for key, value in task.items() if key not in ("name", "runAfter")}
    return {"name": task["name"], "runAfter": order, **others}


def _instead(task: Object, name: str, others: Sequence[str]) -> Object:
    """Return a task that runs after `others` in the place of `name`, if it waits for that."""
    if name not in waits(task):
        return task

    order = [str(other) for other in items(task, "runAfter")]
    index = order.index(name) if name in order else len(order)

    return _after({**task, "runAfter": [*order[:index], *others, *order[index + 1 :]]}, ())


def heaviest(weights: Mapping[str, float], waits_of: Mapping[str, list[str]]) -> tuple[float, set[str]]:
    """Return the largest weight of tasks that may run at the same time, and those tasks.

    From each task on, the heaviest one is added that waits for none of the others and that none waits for:
    a bound from below, in a time that grows with the cube of the tasks.
    """
    earlier = {name: _earlier(name, waits_of) for name in waits_of}
    by_weight = sorted(waits_of, key=lambda name: (-weights.get(name, 0.0), name))
    best: tuple[float, set[str]] = (0.0, set())

    for first in by_weight:
        together = {first}
        for name in by_weight:
            if all(_apart(name, other, earlier) for other in together):
                together.add(name)
        weight = sum(weights.get(name, 0.0) for name in together)
        best = max(best, (weight, together), key=lambda found: found[0])

    weighty = {name for name in best[1] if weights.get(name)}
    return best[0], weighty


def _apart(name: str, other: str, earlier: Mapping[str, set[str]]) -> bool:
    return name != other and name not in earlier[other] and other not in earlier[name]


def _earlier(name: str, waits_of: Mapping[str, list[str]]) -> set[str]:
    """Return all tasks that have ended when a task starts."""
    found: set[str] = set()
    waiting = list(waits_of[name])

    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += waits_of.get(other, [])
    return found
