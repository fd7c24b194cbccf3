"""Files that people write, as frozen models: everything wrong in a file is reported at once, each with its
place.
"""

from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from okd_gitops.explanation import explanations
from okd_gitops.finding import Finding, FindingsError, nearest
from okd_gitops.manifests.read import Document

NAME_PATTERN = r"^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$"
_EMPTY = "empty"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


class FileModel(BaseModel):
    """The base of all of them: nothing is coerced, nothing unknown is passed over, nothing changes after
    reading.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=False)

    @field_validator("*", mode="before")
    @classmethod
    def _filled(cls, value: object) -> object:
        """Refuse `key:`, `key: ~` and `key: null`: a value that somebody forgot is not the default."""
        if value is None:
            raise PydanticCustomError(_EMPTY, "the value is missing")
        return value


Model = TypeVar("Model", bound=FileModel)


def parse(model: type[Model], document: Document) -> Model:
    """Return the file as `model`; raises FindingsError with a finding for each fault."""
    try:
        parsed = model.model_validate(document.value)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    else:
        findings = _dates(parsed, document)
        if findings:
            raise FindingsError(findings)
        return parsed

    misspelt = {
        (fault["loc"][:-1], close)
        for fault in faults
        if fault["type"] == "extra_forbidden"
        for close in _close(model, fault["loc"])
    }
    # A misspelt key is one mistake, not an unknown key and a missing one.
    told = [
        fault
        for fault in faults
        if fault["type"] != "missing" or (fault["loc"][:-1], fault["loc"][-1]) not in misspelt
    ]
    raise FindingsError([_finding(model, document, fault) for fault in told])


def _dates(parsed: FileModel, document: Document) -> list[Finding]:
    """Return a finding for each text that YAML 1.1 reads as a date: what is a date here has become one."""
    findings = []
    values = parsed.model_dump(by_alias=True) if document.dates else {}
    for path in sorted(document.dates, key=str):
        value: Any = values
        for step in path:
            value = value[step]
        if isinstance(value, str):
            findings.append(_date(document, path, value))
    return findings


def _date(document: Document, path: tuple[int | str, ...], value: str) -> Finding:
    reason = f"{'.'.join(map(str, path))}: text is expected, and YAML readers take {value} for a date"
    return Finding(
        name="ambiguous-yaml", location=document.at(path), reason=reason, remedy=f'write "{value}" in quotes'
    )


def _close(model: type[FileModel], path: tuple[int | str, ...]) -> list[str]:
    return get_close_matches(str(path[-1]), _fields(model, path[:-1]), n=1)


def _finding(model: type[FileModel], document: Document, fault: Any) -> Finding:
    details = fault.get("ctx", {})
    path = (*fault["loc"], *([details["field"]] if details.get("field") else []))
    kind, inside = fault["type"], f" in {'.'.join(map(str, path[:-1]))}" if path[:-1] else ""
    if kind == "extra_forbidden":
        remedy = nearest(str(path[-1]), _fields(model, path[:-1]))
        return Finding(
            name="unknown-key",
            location=document.at(path, key=True),
            reason=f'unknown key "{path[-1]}"{inside}',
            remedy=remedy,
        )
    if kind == _EMPTY:
        remedy = "write one (text in quotes), or remove the line"
        return Finding(
            name="missing-value",
            location=document.at(path, key=True),
            reason=f'the value of "{path[-1]}" is missing{inside}',
            remedy=remedy,
        )
    if kind == "missing":
        place = document.at(path[:-1], key=True)
        return Finding(
            name="missing-value",
            location=place,
            reason=f'"{path[-1]}" is missing{inside}',
            remedy=f"add {path[-1]}: …",
        )
    if path[-1:] == ("[key]",):
        remedy = "lower-case letters, digits and dashes, at most 40, beginning with a letter"
        return Finding(
            name="invalid-name",
            location=document.at(path[:-1], key=True),
            reason=f'"{path[-2]}" is not a valid name',
            remedy=remedy,
        )
    place = document.at(path)
    # The type of an error that a validator of ours raises is the name of the finding.
    if kind in explanations():
        return Finding(name=kind, location=place, reason=fault["msg"], remedy=details["remedy"])
    if path in document.dates and kind.startswith("string_"):
        return _date(document, path, fault["input"])
    remedy = ""
    if (
        kind == "string_type"
        and isinstance(fault["input"], int | float)
        and not isinstance(fault["input"], bool)
    ):
        remedy = (
            f'write "{place.text.strip().split(": ", 1)[-1]}" in quotes: without them YAML reads a number'
        )
    if kind in ("enum", "literal_error"):
        remedy = nearest(
            str(fault["input"]),
            [name.strip("'") for name in str(details["expected"]).replace(" or ", ", ").split(", ")],
        )
    reason = f"{'.'.join(map(str, path)) or 'the file'}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
    return Finding(name="invalid-value", location=place, reason=reason, remedy=remedy)


def _fields(model: type[FileModel], path: tuple[Any, ...]) -> list[str]:
    """Return the keys that `model` knows at `path`."""
    place = schema = _schema(model)
    for step in (None, *path):
        if step is not None:
            place = (
                place.get("properties", {}).get(step)
                or place.get("additionalProperties")
                or place.get("items")
                or {}
            )
        choices = [place, *(place.get("anyOf") or [])]
        place = next((_resolved(schema, choice) for choice in choices if "$ref" in choice), place)
    return list(place.get("properties", {}))


@lru_cache(maxsize=32)
def _schema(model: type[FileModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _resolved(schema: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    resolved: dict[str, Any] = schema["$defs"][choice["$ref"].rsplit("/", 1)[-1]]
    return resolved
