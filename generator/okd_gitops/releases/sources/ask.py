"""Ask a source for JSON. Whatever goes wrong is a finding with a name, never an empty answer."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, FindingsError, Location, Severity
from okd_gitops.releases.sources.answer import AWAY, ENTRY, FORM
from okd_gitops.system.http import Http, NetworkError

_LATER = "ask again later; if it stays, the API has changed or the address is wrong"


def ask(http: Http, url: str) -> Any:
    """Return the JSON that an address answers with; raises FindingsError (source-away, malformed-answer)."""
    try:
        body = http.get(url)
    except NetworkError as error:
        raise refused(AWAY, url, error.reason, error.remedy) from None
    try:
        return json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise refused(FORM, url, f"byte {error.start} is not UTF-8") from None
    except (ValueError, RecursionError):
        raise refused(FORM, url, "the answer is not JSON, or was cut off") from None


def refused(name: str, url: str, reason: str, remedy: str = _LATER) -> FindingsError:
    """Return the exception for an answer that cannot be used. The address is shown without its query."""
    return FindingsError(
        [Finding(name=name, location=Location(file=url.partition("?")[0]), reason=reason, remedy=remedy)], 6
    )


def array(answer: object, key: str, url: str) -> list[Any]:
    """Return an array of an object; Go writes an empty one as null. Raises FindingsError
    (malformed-answer) for anything else.
    """
    if not isinstance(answer, Mapping):
        raise refused(FORM, url, "the answer is not an object")
    if key not in answer:
        raise refused(FORM, url, f"the answer has no {key}")
    value = answer[key]
    if not isinstance(value, list | None):
        raise refused(FORM, url, f"{key} is not an array")
    return value or []


def text(entry: object, key: str) -> str:
    """Return a text of an entry, or nothing when there is none or it is no text. JSON can hold halves of
    characters that UTF-8 cannot.
    """
    value = entry.get(key) if isinstance(entry, Mapping) else None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def left_out(source: str, faults: Iterable[str]) -> list[Finding]:
    """Return one warning for all entries that cannot be used."""
    known = sorted(set(faults))
    shown = "; ".join(known[:3]) + ("; …" if len(known) > 3 else "")
    return (
        [
            Finding(
                name=ENTRY,
                location=Location(file=source),
                reason=f"left out: {shown}",
                remedy=explanation_of(ENTRY).remedy,
                severity=Severity.WARNING,
            )
        ]
        if known
        else []
    )
