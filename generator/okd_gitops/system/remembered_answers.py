"""Answers of servers with their ETags, so that a server need not send again what has not changed.

An answer is one file: a line of JSON that names the address, then the body.
"""

import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ETAG = re.compile(r'(W/)?"[!#-~]{0,200}"')
_LONGEST_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class RememberedAnswer:
    """The body of an answer, and its ETag or nothing."""

    etag: str
    body: bytes


def remember(folder: Path, url: str, body: bytes, etag: str = "") -> None:
    """Keep an answer, atomically. A folder that cannot be written is no failure: the answer is known."""
    head = {"url": url, "etag": etag, "sha256": hashlib.sha256(body).hexdigest()}

    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".answer-")

        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps(head).encode() + b"\n" + body)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(_place(folder, url))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def recall(folder: Path, url: str, max_bytes: int) -> RememberedAnswer | None:
    """Return the answer that was kept; one that is cut, changed or for another address counts as none."""
    try:
        with _place(folder, url).open("rb") as file:
            head = json.loads(file.readline(_LONGEST_HEAD))
            body = file.read(max_bytes + 1)
    except (OSError, ValueError, RecursionError):
        return None

    if len(body) > max_bytes or not isinstance(head, dict):
        return None
    if head.get("url") != url or head.get("sha256") != hashlib.sha256(body).hexdigest():
        return None

    etag = head.get("etag")
    if not isinstance(etag, str) or etag != usable_etag(etag):
        return None

    return RememberedAnswer(etag, body)


def usable_etag(etag: str) -> str:
    """Return an ETag that a header may carry, or nothing."""
    return etag if _ETAG.fullmatch(etag) else ""


def _place(folder: Path, url: str) -> Path:
    return folder / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
