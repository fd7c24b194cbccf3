"""Values as YAML on one line, for lines that a person can copy."""

import json
import re
from typing import Any

# Text that every reader of YAML reads as text also without quotes: not true, and no number.
_PLAIN = re.compile(r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][A-Za-z0-9/._-]*", re.IGNORECASE)
# Text with a colon or an @, as addresses and images have it.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*[:/][A-Za-z0-9/._@:-]*[A-Za-z0-9/]")


def in_yaml(value: Any) -> str:
    """Return a value as YAML on one line; text is in quotes where a reader could take it for another type."""
    if isinstance(value, dict):
        pairs = [f"{in_yaml(key)}: {in_yaml(inner)}" for key, inner in value.items()]
        return f"{{{', '.join(pairs)}}}"

    if isinstance(value, list | tuple):
        return f"[{', '.join(map(in_yaml, value))}]"

    if isinstance(value, str) and (_PLAIN.fullmatch(value) or _ADDRESS.fullmatch(value)):
        return value

    return json.dumps(value, ensure_ascii=False)
