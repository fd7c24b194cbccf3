"""Values that must not be in Git: in Secrets, and in any text that holds a key, a password or a token.

Only the place and the kind of a value are told, never the value.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from okd_gitops.manifests.objects import Object, maps_within, texts_within

Path = tuple[str | int, ...]

# $(tt.params.token), ${TOKEN}, {{ .token }}: the value comes from elsewhere.
_VARIABLE = re.compile(r"\$\([^()]+\)|\$\{[^{}]+\}|\{\{.*\}\}|<[^<>]+>")
# What is found in a text, by its form. Keys have their bodies, because text may speak about keys.
_FORMS = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}")),
    ("a token of GitHub", re.compile(r"\bgh[oprsu]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60}")),
    ("a token of GitLab", re.compile(r"\bglpat-[A-Za-z0-9_-]{20}")),
    ("a key of AWS", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    ("a token of OpenShift", re.compile(r"\bsha256~[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")),
    # synapse/handlers/auth.py of Synapse, generate_access_token and generate_refresh_token: the base64 of the
    # account's name, 20 letters, and a checksum in base 62.
    ("a token of Matrix", re.compile(r"\bsy[rt]_[A-Za-z0-9+/]+_[A-Za-z]{20}_[A-Za-z0-9]{6}\b")),
    ("a signed token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20}")),
    # The second one is the pull secret that OKD's documents tell everybody to use.
    (
        "a pull secret",
        re.compile(r'"auth"\s*:\s*"(?!aWQ6cGFzcwo=|Zm9vOmJhcg==)[A-Za-z0-9+/=]{8,}"'),
    ),
    ("a kubeconfig", re.compile(r"\bclient-key-data[\"']?\s*:\s*[\"']?[A-Za-z0-9+/=]{20}")),
    ("a URL with a password", re.compile(r"[a-z]://[^\s/:@$<{]+:[^\s/:@$<{]{3,}@[A-Za-z0-9]")),
)
_SHORTEST = 12
_LONGEST_NAME = 100
# A kubeconfig with a token or a password has neither a key nor a form of its own.
_KUBECONFIG = re.compile(r"^\s*kind:\s*[\"']?Config\b", re.MULTILINE)
_LOGIN = re.compile(r"^\s*(?:token|password):\s*[\"']?[^\s\"'$<{]{8,}", re.MULTILINE)
_DATA_URL = re.compile(r"data:[^,]{0,100};base64,")
_PASSWORD = re.compile(r"(?i)[A-Z0-9._-]*(password|passphrase)")
# What stands under such a key and is no password: a path, a switch, a name of the key elsewhere, prose.
_NO_PASSWORD = re.compile(r"/.*|.*\s.*|(?i:true|false|yes|no|none|null|prompt|.*password|.*secret|string)")
_LARGEST = 1 << 20
# What SOPS has made of a value.
_ENCRYPTED = "ENC["
# How people call what is secret, and how they write that a value is to be filled in.
_SECRET_NAME = re.compile(
    r"(?i)passw|passphrase|token|secret|credential|private|api-?key|access-?key|htpasswd|kubeconfig"
    r"|dockerconfigjson|dockercfg|\.key$|^key$|id_rsa|id_ed25519"
)
_EXAMPLE = re.compile(
    r"(?i)change.?(?:me|it)|replace|super-?secret|example|placeholder"
    r"|todo|dummy|your[-_ ]|xxx|redacted|fill.?in|sealed.?secret"
)


@dataclass(frozen=True, slots=True)
class SecretValue:
    """The place of a value that must not be in Git, and what it is."""

    path: Path
    kind: str


def secret_values(value: object, path: Path = (), *, may_be_settings: bool = False) -> Iterator[SecretValue]:
    """Yield the values in an object, and in the objects inside it, that must not be in Git.

    With `may_be_settings`, of a Secret's data only what is called or looks like a secret.
    """
    if isinstance(value, dict):
        yield from _in_map(value, path, may_be_settings=may_be_settings)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from secret_values(inner, (*path, index), may_be_settings=may_be_settings)
    elif isinstance(value, str):
        kind = secret_kind(value)
        if kind:
            yield SecretValue(path, kind)


def may_have_secrets(value: Object) -> bool:
    """Whether `secret_values` may find something in an object; most have nothing, and paths take time."""
    return any(map(secret_kind, texts_within(value))) or any(map(_may_hold_secret, maps_within(value)))


def _may_hold_secret(value: Object) -> bool:
    if value.get("kind") == "Secret" or ("value" in value and _is_called_password(str(value.get("name")))):
        return True

    return any(map(_is_called_password, map(str, value)))


def secret_kind(text: str) -> str:
    """Return what a text contains that must not be in Git, or nothing."""
    if len(text) < _SHORTEST:
        return ""

    # Clusters have most names and addresses in common.
    return _kind_of_name(text) if len(text) < _LONGEST_NAME else _kind_of(text)


def _kind_of(text: str) -> str:
    data_url = _DATA_URL.match(text)
    if data_url:
        return secret_kind(_decoded(text[data_url.end() :]))

    for kind, form in _FORMS:
        if form.search(text):
            return kind
    return "a kubeconfig" if _KUBECONFIG.search(text) and _LOGIN.search(text) else ""


_kind_of_name = lru_cache(maxsize=4096)(_kind_of)


def _in_map(value: Object, path: Path, *, may_be_settings: bool) -> Iterator[SecretValue]:
    is_secret = value.get("kind") == "Secret" and value.get("apiVersion") == "v1"

    for key, inner in value.items():
        place = (*path, key)
        if is_secret and key in ("data", "stringData"):
            for filled in _filled(inner, place):
                if not may_be_settings or _seems_secret(filled, inner, is_encoded=key == "data"):
                    yield SecretValue(filled, "data of a Secret")
        elif isinstance(inner, str) and _is_password(key, inner, value):
            if may_be_settings and _EXAMPLE.search(inner):
                continue
            yield SecretValue(place, "a password")
        else:
            yield from secret_values(inner, place, may_be_settings=may_be_settings)


def _filled(data: object, path: Path) -> list[Path]:
    """Return the paths of the values in a Secret's data; one that a template inserts is no value."""
    entries = data.items() if isinstance(data, dict) else [("", data)]
    return [
        (*path, key) if key else path
        for key, text in entries
        if text and not _VARIABLE.fullmatch(str(text)) and not str(text).startswith(_ENCRYPTED)
    ]


def _seems_secret(path: Path, data: object, *, is_encoded: bool) -> bool:
    """Whether an entry of a Secret's data is a secret, by its name or its form, and no example of one."""
    name = str(path[-1])
    text = str(data.get(name) if isinstance(data, dict) else data)
    if is_encoded:
        text = _decoded(text) or text

    # People encode what kustomize encodes once more.
    is_word = any(_EXAMPLE.search(each) for each in (text, _decoded(text)))
    is_example = _VARIABLE.search(text) or is_word or not text.strip()
    return not is_example and bool(_SECRET_NAME.search(name) or secret_kind(text))


def _is_password(key: str, text: str, holder: Object) -> bool:
    """Whether a value is a password by its key, or as the value of a variable of that name."""
    name = str(holder.get("name", "")) if key == "value" else key
    if not _is_called_password(name) or text.startswith(_ENCRYPTED):
        return False
    return bool(text) and not _VARIABLE.search(text) and not _NO_PASSWORD.fullmatch(text)


@lru_cache(maxsize=4096)
def _is_called_password(name: str) -> bool:
    return _PASSWORD.fullmatch(name) is not None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text[:_LARGEST], validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
