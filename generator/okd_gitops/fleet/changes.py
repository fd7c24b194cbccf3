"""`catalog/changes/NAME.yaml`: what a repository changes in the catalog that comes with the tool.

A change refers to everything by name: a feature, `Kind/name` of an object, a task of a Pipeline, an image. A
place in a list would be another one after the next update of the catalog.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from okd_gitops.manifests.model import FileModel, Name
from okd_gitops.releases.fields import by_digest, fault

ObjectName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+/[a-z0-9.-]+$")]
# No segment begins with a dot: the path cannot leave catalog/.
_PATH = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.yaml")


def _image_name(value: str) -> str:
    if "@" in value or ":" in value.rpartition("/")[2]:
        raise fault(
            "this must be a name without tag and digest",
            f"write {value.partition('@')[0]} without the part after the colon",
        )
    return value


def _path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise fault(
            "this is not the path of a file below catalog/",
            "write it like tasks/task-scan.yaml, as seen from catalog/",
        )
    return value


CatalogPath = Annotated[str, AfterValidator(_path)]


class Target(FileModel):
    """The subject of a change: a feature, and the part where several have an object of that name."""

    feature: Name
    part: Name | None = None


class Swap(FileModel):
    """Use another image wherever a feature uses one: in objects, and as the default of a parameter."""

    feature: Name
    old: Annotated[str, AfterValidator(_image_name)] = Field(alias="from")
    new: Annotated[
        str,
        by_digest(
            "skopeo inspect --format '{{.Name}}@{{.Digest}}' docker://IMAGE prints it", name="invalid-value"
        ),
    ] = Field(alias="to")


class Replace(Target):
    """Put a file of the repository in the place of an object."""

    object: ObjectName
    file: CatalogPath = Field(alias="with")


class Add(Target):
    """Add an object to a part."""

    file: CatalogPath


class Remove(Target):
    """Take a task out of a Pipeline."""

    pipeline: str
    task: str


class Positioned(Target):
    """A change that puts a task directly before or after another one."""

    pipeline: str
    before: str | None = None
    after: str | None = None

    @model_validator(mode="after")
    def _one_anchor(self) -> "Positioned":
        if (self.before is None) == (self.after is None):
            raise fault(
                "exactly one of before and after must name a task",
                "write one of them, with the name of a task",
            )
        return self

    @property
    def anchor(self) -> str:
        """The task before or after which it goes."""
        return self.before or self.after or ""


class Insert(Positioned):
    """Put a new task into a Pipeline, written as in a Pipeline."""

    task: dict[str, Any]

    @model_validator(mode="after")
    def _named(self) -> "Insert":
        if not isinstance(self.task.get("name"), str) or not self.task["name"]:
            raise fault("the task has no name", "add name: …", field="task")
        return self


class Move(Positioned):
    """Put a task of a Pipeline elsewhere."""

    task: str


class Change(FileModel):
    """One change: exactly one of these; `apply_changes.VERBS` has the function for each."""

    replace: Replace | None = None
    add: Add | None = None
    insert: Insert | None = None
    move: Move | None = None
    remove: Remove | None = None
    image: Swap | None = None

    @model_validator(mode="after")
    def _one(self) -> "Change":
        verbs = [verb for verb, target in self if target is not None]

        if len(verbs) != 1:
            reason = f"an entry must have exactly one change, this one has {' and '.join(verbs) or 'none'}"
            remedy = f"one of {', '.join(type(self).model_fields)}; begin the next with a dash"
            raise fault(reason, remedy)

        return self


class Changes(FileModel):
    """`catalog/changes/NAME.yaml`: changes in the order in which they are made."""

    changes: tuple[Change, ...] = Field(strict=False, max_length=200)
