"""Read an answer in JSON. What cannot be used is a finding with a name, never an empty answer."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from okd_gitops.finding import Finding, FindingsError, finding_of, refused

UNREADABLE, FORM = "unreadable-answer", "malformed-answer"
# Names from outside are cut after so many characters.
_LONGEST_NAME = 80


def unusable(name: str, place: str, reason: str, remedy: str | None = None) -> FindingsError:
    """Return the error for an answer that cannot be used; an address is shown without its query."""
    return refused(name, place.partition("?")[0], reason, remedy, exit_code=6)


def read_json(body: bytes, place: str) -> Any:
    """Return the value of an answer; raises FindingsError (unreadable-answer)."""
    try:
        return json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise unusable(UNREADABLE, place, f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise unusable(UNREADABLE, place, "the answer is nested too deeply") from None
    except ValueError as error:
        reason = f"the answer is not JSON, or was cut off: {str(error)[:100]}"
        raise unusable(UNREADABLE, place, reason) from None


def array(answer: object, key: str, place: str, *, optional: bool = False) -> list[Any]:
    """Return an array of an object; Go writes an empty one as null.

    Raises FindingsError (malformed-answer) for anything else.
    """
    if not isinstance(answer, Mapping):
        raise unusable(FORM, place, "the answer is not an object")
    if key not in answer and not optional:
        raise unusable(FORM, place, f"the answer has no {key}")

    value = answer.get(key)
    if not isinstance(value, list | None):
        raise unusable(FORM, place, f"{key} is not an array")

    return value or []


def text(entry: object, key: str) -> str:
    """Return a text of an entry, as `writable`; empty when there is none."""
    return writable(entry.get(key)) if isinstance(entry, Mapping) else ""


def writable(value: object) -> str:
    """Return a text that can be written anywhere: JSON can hold halves of characters that UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def listed(name: str, place: str, entries: Iterable[str], what: str) -> list[Finding]:
    """Return one finding for many entries (a source lists hundreds), or none when there is no entry.

    `what` goes before the entries in the reason.
    """
    known = sorted(set(entries))
    if not known:
        return []

    first = ", ".join(f"{entry:.{_LONGEST_NAME}}" for entry in known[:3])
    rest = ", …" if len(known) > 3 else ""
    count = f" ({len(known)})" if len(known) > 1 else ""

    return [finding_of(name, place, f"{what} {first}{rest}{count}")]
