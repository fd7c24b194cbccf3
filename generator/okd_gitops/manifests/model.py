"""Files that people write, as frozen models: all faults of a file at once, each with its place."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from okd_gitops.explanation import explanations
from okd_gitops.finding import Findings, nearest
from okd_gitops.manifests.one_line import in_yaml
from okd_gitops.manifests.read import Document, Path

NAME_PATTERN = r"^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$"
_EMPTY = "empty"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


class FileModel(BaseModel):
    """The base of all of them: frozen; no value is coerced and no unknown key is ignored.

    A field whose default is a model takes `model_construct()`: an instance would have its validators built
    when the module is imported, and once more with those of the whole file.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=False, defer_build=True
    )

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
    findings = Findings(document)
    parsed = None

    try:
        parsed = model.model_validate(document.value)
    except ValidationError as error:
        for fault in _without_consequences(model, error.errors(include_url=False)):
            _add_fault(findings, model, document, fault)
    else:
        for path, text in _dates_read_as_text(parsed, document):
            _add_date(findings, path, text)

    findings.raise_errors()
    assert parsed is not None
    return parsed


def _without_consequences(model: type[FileModel], faults: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Yield the faults; a misspelled key is one mistake, not an unknown key and a missing one."""
    misspelled: set[tuple[int | str, ...]] = set()
    for fault in faults:
        if fault["type"] == "extra_forbidden":
            *parents, key = fault["loc"]
            meant = get_close_matches(str(key), _fields(model, parents), n=1)
            misspelled |= {(*parents, name) for name in meant}

    for fault in faults:
        if fault["type"] != "missing" or fault["loc"] not in misspelled:
            yield fault


def _dates_read_as_text(parsed: FileModel, document: Document) -> Iterator[tuple[Path, str]]:
    """Yield each text that YAML 1.1 reads as a date; where the model has a date, it is none."""
    values = parsed.model_dump(by_alias=True) if document.dates else {}

    for path in sorted(document.dates, key=str):
        value: Any = values
        for step in path:
            value = value[step]

        if isinstance(value, str):
            yield path, value


def _add_fault(findings: Findings, model: type[FileModel], document: Document, fault: ErrorDetails) -> None:
    path, kind = _path(fault), fault["type"]
    inside = f" in {_dotted(path[:-1])}" if path[:-1] else ""

    if kind == "extra_forbidden":
        remedy = nearest(str(path[-1]), _fields(model, path[:-1]))
        findings.add("unknown-key", path, f'unknown key "{path[-1]}"{inside}', remedy, key=True)
    elif kind == _EMPTY:
        remedy = "write one (text in quotes), or remove the line"
        findings.add("missing-value", path, f'the value of "{path[-1]}" is missing{inside}', remedy, key=True)
    elif kind == "missing":
        reason, remedy = f'"{path[-1]}" is missing{inside}', f"add the line `{_line(model, path)}`"
        findings.add("missing-value", path[:-1], reason, remedy, key=True)
    elif path[-1:] == ("[key]",):
        remedy = "lower-case letters, digits and dashes, at most 40, beginning with a letter"
        findings.add("invalid-name", path[:-1], f'"{path[-2]}" is not a valid name', remedy, key=True)
    # The type of an error that a validator of ours raises is the name of the finding.
    elif kind in explanations():
        findings.add(kind, path, fault["msg"], fault["ctx"]["remedy"])
    elif path in document.dates and kind.startswith("string_"):
        _add_date(findings, path, fault["input"])
    else:
        _add_invalid(findings, model, document, path, fault)


def _add_invalid(
    findings: Findings, model: type[FileModel], document: Document, path: Path, fault: ErrorDetails
) -> None:
    name = _dotted(path) or "the file"

    if fault["type"] in ("model_type", "dict_type"):
        findings.add("invalid-value", path, f"{name} must be a map", "write it as lines of key: value")
        return

    reason = f"{name}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
    remedy = _remedy(document, path, fault) or f"write it like `{_line(model, path)}`"
    findings.add("invalid-value", path, reason, remedy)


def _path(fault: ErrorDetails) -> Path:
    """Return the path of a fault; a validator of ours may name a field of the value that it judged."""
    field = fault.get("ctx", {}).get("field") or ()
    fields = (field,) if isinstance(field, str) else field

    return (*fault["loc"], *fields)


def _add_date(findings: Findings, path: Path, text: str) -> None:
    reason = f"{_dotted(path)}: this must be text, but YAML readers take {text} for a date"
    findings.add("ambiguous-yaml", path, reason, f'write "{text}" in quotes')


def _remedy(document: Document, path: Path, fault: ErrorDetails) -> str:
    kind, value = fault["type"], fault["input"]

    if kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        place = document.at(path)
        written = place.text[place.column - 1 :][: place.length]
        return f'write "{written}" in quotes: without them YAML reads a number'

    if kind in ("enum", "literal_error"):
        # Pydantic writes them as 'a', 'b' or 'c'.
        expected = str(fault["ctx"]["expected"]).replace(" or ", ", ").split(", ")
        return nearest(str(value), [name.strip("'") for name in expected])

    return ""


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _line(model: type[FileModel], path: Sequence[int | str]) -> str:
    """Return `key: value` for a path, with the first example of its field, else with what the field is."""
    keys = [step for step in path if isinstance(step, str)]
    place = _place(model, path[: path.index(keys[-1]) + 1]) if keys else {}
    examples = place.get("examples") or [f"<{place.get('description', 'value').rstrip('.')}>"]

    return f"{keys[-1] if keys else 'key'}: {in_yaml(examples[0])}"


def _fields(model: type[FileModel], path: Sequence[int | str]) -> list[str]:
    """Return the keys that `model` knows at `path`."""
    place = _followed(_schema(model), _place(model, path))

    return list(place.get("properties", {}))


def _place(model: type[FileModel], path: Sequence[int | str]) -> dict[str, Any]:
    """Return what the schema of `model` has at `path`, without following its last reference."""
    schema = _schema(model)
    place: dict[str, Any] = schema

    for step in path:
        outer = _followed(schema, place)
        properties = outer.get("properties", {})
        place = properties.get(step) or outer.get("additionalProperties") or outer.get("items") or {}

    return place


@lru_cache(maxsize=32)
def _schema(model: type[FileModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _followed(schema: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    """Return the definition that a place of the schema refers to, itself or in its first choice that does."""
    for choice in (place, *(place.get("anyOf") or [])):
        if "$ref" in choice:
            name = choice["$ref"].rsplit("/", 1)[-1]
            place = schema["$defs"][name]
            break

    return place
