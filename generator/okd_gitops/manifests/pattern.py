"""Regular expressions from files that people write, matched in time that is linear in the text.

Python's `re` backtracks: 30 letters against `(a+)+b` take minutes. The engine here is Rust's `regex`, which
comes with pydantic and does not backtrack. It has no look-around and no back-references, and limits the size
of what it compiles.
"""

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, strict=True))


def pattern_fault(pattern: str) -> str:
    """Return why this is not a regular expression, or nothing."""
    try:
        _compiled(pattern)
        _compiled(_whole(pattern))
    except SchemaError as error:
        return str(error).splitlines()[-1].removeprefix("error: ").removeprefix("  SchemaError: ")
    return ""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is of this form; the pattern has no fault."""
    return bool(_compiled(_whole(pattern)).isinstance_python(text))


def occurs(pattern: str, text: str) -> bool:
    """Whether the form is somewhere in the text; the pattern has no fault."""
    return bool(_compiled(pattern).isinstance_python(text))


def _whole(pattern: str) -> str:
    return rf"\A(?:{pattern})\z"
