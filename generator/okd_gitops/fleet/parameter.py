"""Parameters of features: what their values must look like, and where they go."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from okd_gitops.finding import nearest
from okd_gitops.fleet.fields import Minor
from okd_gitops.manifests.model import FileModel, Name
from okd_gitops.manifests.pattern import matches
from okd_gitops.releases.fields import Pattern, fault
from okd_gitops.releases.version import image_fault

# Part of a name on a cluster; keys of entries may contain dots (4.20).
_KEY = re.compile(r"[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?")
_MINOR = re.compile(r"[1-9][0-9]*\.(0|[1-9][0-9]*)")
_LISTS = ("list", "set", "entries")


class Set(FileModel):
    """Where a parameter's value goes: an object (`Kind/name`) and a path in it.

    The object is one of the feature, or of a feature that it requires. With `text`, the value takes only the
    place of that text in the string there.
    """

    object: str = Field(pattern=r"^[A-Z][A-Za-z]+/[a-z0-9.-]+$")
    path: str = Field(min_length=1)
    text: str = ""


class Parameter(FileModel):
    """One value that may vary."""

    summary: str
    type: Literal[
        "string", "text", "integer", "boolean", "image", "cron", "minor", "list", "set", "entries", "map"
    ] = "string"
    default: Any = None
    # What a finding shows in place of a value that is missing or wrong.
    example: Any = None
    optional: bool = False
    # Other values that must be given where this one is, and is not its default.
    needs: tuple[Name, ...] = Field((), strict=False)
    # Other values that must not be given where this one is.
    without: tuple[Name, ...] = Field((), strict=False)
    # Whether no two entries of a list may have the same value.
    unique: bool = False
    pattern: Pattern | None = None
    # In characters. A pattern that counts thousands of them takes megabytes.
    max_length: int | None = Field(None, alias="maxLength", gt=0)
    enum: tuple[str, ...] | None = Field(None, strict=False)
    source: str | None = Field(None, alias="from")
    sets: tuple[Set, ...] = Field((), strict=False)

    def fault(self, value: object) -> str:
        """Return why `value` is not of this parameter's type, or nothing."""
        if self.type in _LISTS:
            return self._list_fault(value)
        if self.type == "map":
            return self._map_fault(value)
        return self._type_fault(value) or self._text_fault(str(value))

    def in_object(self, value: Any) -> Any:
        """Return a value of this parameter's type in the form that an object gets it."""
        if self.type == "entries":
            return " ".join(value)
        if self.type == "text":
            # kustomize trims the text of a patch: at its end a line feed would go, elsewhere it would stay.
            return value.rstrip("\n")
        if self.type == "set":
            return dict.fromkeys(value, "true")
        if self.type == "list":
            return list(value)
        return value

    def _list_fault(self, value: object) -> str:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            return "a list of strings is expected"

        for item in value:
            item_fault = self._text_fault(item)
            if item_fault:
                return f'"{item}": {item_fault}'
        return ""

    def _map_fault(self, value: object) -> str:
        texts = [*value, *value.values()] if isinstance(value, dict) else [None]
        return "" if all(isinstance(text, str) for text in texts) else "a map of strings is expected"

    def _type_fault(self, value: object) -> str:
        """Return why a value has not the type of YAML that is expected; a boolean is no integer."""
        wanted = {"integer": int, "boolean": bool}.get(self.type, str)
        if type(value) is wanted:
            return ""

        is_number = isinstance(value, int | float)
        quotes = " (write it in quotes)" if wanted is str and is_number else ""
        return f"it must be of type {self.type}, not {type(value).__name__}{quotes}"

    def _text_fault(self, text: str) -> str:
        form_fault = _FORMS[self.type](text) if self.type in _FORMS else ""
        if form_fault:
            return form_fault
        if self.enum and text not in self.enum:
            return f"one of {', '.join(self.enum)} is expected"
        if self.max_length and len(text) > self.max_length:
            return f"it has {len(text):,} characters, and may have {self.max_length:,}"
        if self.pattern and not matches(self.pattern, text):
            return f"it does not match {self.pattern}"

        lines = text.split("\n") if self.type == "text" else [text]
        return "" if all(line.isprintable() for line in lines) else "it contains control characters"


class Derive(FileModel):
    """Values that follow from an entry's key: for the keys named, or for the minors from `since` on."""

    keys: tuple[str, ...] = Field((), strict=False)
    since: Minor | None = None
    values: dict[str, str | int | bool] = Field(alias="set")

    def matches(self, key: str) -> bool:
        """Whether this row is for `key`."""
        return key in self.keys or (self.since is not None and _numbers(key) >= _numbers(self.since))

    def for_key(self, key: str) -> dict[str, str | int | bool]:
        """Return the values of this row, with `key` in the place of `{key}`."""
        return {
            name: value.replace("{key}", key) if isinstance(value, str) else value
            for name, value in self.values.items()
        }


class Each(FileModel):
    """A list parameter: its part is written once for each entry, under the entry's key."""

    summary: str
    part: Name
    key: str
    optional: bool = False
    # Whether the key is added to the names of the part's objects, or is their name.
    names: Literal["suffix", "key"] = "suffix"
    # The namespace that each entry has for itself, as NAMESPACE-KEY; objects in it keep their names.
    namespace: Name | None = None
    # A further part for the entries that give a field, by that field.
    parts_with: dict[str, Name] = Field({}, alias="partsWith")
    fields: dict[str, Parameter]
    # The ConfigMap with a line for each key that an entry may have, and a column for values that follow.
    table: str = Field("", pattern=r"^(ConfigMap/[a-z0-9.-]+)?$")
    derive: tuple[Derive, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _keyed(self) -> "Each":
        if self.key not in self.fields:
            reason = f'the key "{self.key}" is not one of the fields'
            raise fault(reason, nearest(self.key, self.fields), field="key")

        for name in self.parts_with.keys() - self.fields.keys():
            raise fault(f'"{name}" is not one of the fields', nearest(name, self.fields), field="partsWith")
        return self

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts that are written once for each entry, or for some."""
        return (self.part, *self.parts_with.values())

    def parts_of(self, entry: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the parts that an entry has."""
        further = [part for name, part in self.parts_with.items() if entry.get(name) is not None]
        return (self.part, *further)

    def own_namespace(self, key: str) -> str:
        """Return the namespace that the entry with a key has for itself."""
        return f"{self.namespace}-{key}"

    def entry(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return an entry with the values that follow from its key; those that are given win."""
        key = str(given.get(self.key, ""))

        for row in self.derive:
            if row.matches(key):
                return {**row.for_key(key), **given}
        return dict(given)


def valid_key(key: str) -> bool:
    """Whether an entry's key may become part of an object's name and of a folder's."""
    return bool(_KEY.fullmatch(key))


def _numbers(minor: str) -> tuple[int, ...]:
    """Return the numbers of a minor like 4.20; zeros for what is none."""
    if not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", minor):
        return (0, 0)
    return tuple(int(number) for number in minor.split("."))


def _minor_fault(text: str) -> str:
    return "" if _MINOR.fullmatch(text) else 'a minor must look like "4.20"'


def _cron_fault(text: str) -> str:
    from okd_gitops.manifests.cron import CronError, parse_cron

    try:
        schedule = parse_cron(text)
    except CronError as error:
        return str(error)
    return "no month has such a day, so it never runs" if schedule.never_runs else ""


# What the text of a value must look like, for the types that have a form of their own.
_FORMS: Mapping[str, Callable[[str], str]] = {
    "image": image_fault,
    "minor": _minor_fault,
    "cron": _cron_fault,
}
