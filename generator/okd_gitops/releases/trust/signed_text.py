"""What is signed: openshift/release-controller, pkg/signer/signer.go, writes it."""

import json
from dataclasses import dataclass
from typing import Any

from okd_gitops.releases.trust.verdict import NOT_JSON, TYPE, SignatureError


@dataclass(frozen=True, slots=True)
class SignedImage:
    """The image that a text is about: its digest, its name, and when it was signed (Unix time)."""

    digest: str
    reference: str
    timestamp: float


def signed_image(text: bytes) -> SignedImage:
    """Read a signed text; raises SignatureError for any other."""
    try:
        statement: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise SignatureError(NOT_JSON) from None

    match statement:
        case {
            "critical": {
                "type": "atomic container signature",
                "image": {"docker-manifest-digest": str(digest)},
                "identity": {"docker-reference": str(reference)},
            }
        }:
            return SignedImage(digest, reference, _timestamp(statement.get("optional")))
        case _:
            raise SignatureError(TYPE)


def without_tag(name: str) -> tuple[str, str]:
    """Return a name as its repository and its tag; the port of a registry is no tag."""
    repository, colon, tag = name.rpartition(":")

    return (repository, tag) if colon and "/" not in tag else (name, "")


def _timestamp(optional: object) -> float:
    """Return when a text was signed, in seconds of Unix time; 0 when it does not tell."""
    if not optional:
        return 0

    timestamp = optional.get("timestamp", 0) if isinstance(optional, dict) else None
    # bool is an int in Python.
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        raise SignatureError(TYPE, "Its timestamp is not a number.")

    return timestamp
