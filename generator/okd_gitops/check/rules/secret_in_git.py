"""The rule secret-in-git: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, mappings, strings

# $(tt.params.token), ${TOKEN}: the value comes from elsewhere.
_VARIABLE = re.compile(r"\$\([^()]+\)|\$\{[^{}]+\}")
# Keys with their bodies, because text may speak about keys; tokens of GitHub and AWS have forms of their own.
_KEYS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}"
    r"|\bgh[oprsu]_[A-Za-z0-9]{36}\b"
    r"|\bAKIA[0-9A-Z]{16}\b"
)
_SHORTEST = 20
_REMEDY = "remove it, and revoke what it holds"


def check_object(value: Object) -> Iterator[Fault]:
    """Look at Secrets, also inside other objects, and for keys in any text; no message holds a value."""
    identity = ObjectId.of(value)
    if any(_is_filled_secret(inner) for inner in mappings(value)):
        yield Fault(reason="a Secret with data is in git", remedy=_REMEDY, object=identity)
        return

    for path, text in strings(value):
        if len(text) >= _SHORTEST and _KEYS.search(text):
            yield Fault(reason=f"{path} contains a private key or token", remedy=_REMEDY, object=identity)
            return


def _is_filled_secret(value: Object) -> bool:
    is_secret = value.get("kind") == "Secret" and value.get("apiVersion") == "v1"
    return is_secret and (_is_filled(value.get("data")) or _is_filled(value.get("stringData")))


def _is_filled(data: object) -> bool:
    texts = data.values() if isinstance(data, dict) else [data]
    return any(text and not _VARIABLE.fullmatch(str(text)) for text in texts)
