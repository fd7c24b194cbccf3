"""The rule secret-in-git; findings.yaml says what it demands and why."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, mappings, strings

# $(tt.params.token), ${TOKEN}: the value comes from elsewhere.
_VARIABLE = re.compile(r"\$\([^()]+\)|\$\{[^{}]+\}")
# With their bodies, so that text about keys is none; the tokens of GitHub and AWS have a form of their own.
_KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}|\bgh[oprsu]_[A-Za-z0-9]{36}\b|\bAKIA[0-9A-Z]{16}\b"
)


def check_object(value: Object) -> Iterator[Fault]:
    """Look at Secrets, also inside other objects, and for keys in any text; values never reach a message."""
    identity = ObjectId.of(value)
    remedy = "remove it, and change what it held"
    for inner in mappings(value):
        if (
            inner.get("kind") == "Secret"
            and inner.get("apiVersion") == "v1"
            and (_filled(inner.get("data")) or _filled(inner.get("stringData")))
        ):
            yield Fault(reason="a Secret with data is in git", remedy=remedy, object=identity)
            return
    path = next((path for path, text in strings(value) if len(text) >= 20 and _KEYS.search(text)), None)
    if path is not None:
        yield Fault(reason=f"{path} holds a private key or token", remedy=remedy, object=identity)


def _filled(data: object) -> bool:
    texts = data.values() if isinstance(data, dict) else [data]
    return any(text and not _VARIABLE.fullmatch(str(text)) for text in texts)
