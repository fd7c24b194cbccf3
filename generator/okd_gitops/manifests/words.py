"""What a plain word of YAML means, to readers of YAML 1.1 and of YAML 1.2."""

import math
import re
from typing import Any, NamedTuple

from okd_gitops.manifests.loader import STANDARD, STR

# What the two read differently.
AMBIGUOUS = re.compile(
    r"(?i:y|n|yes|no|on|off)|[-+]?0[0-7]+|[-+]?0[xob][0-9a-fA-F_]+"
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9]*)?|[-+]?[0-9]+_[0-9_]*"
)
CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
# Text to us and to YAML 1.2, a date and an odd relic to YAML 1.1.
_TEXTS = (f"{STANDARD}timestamp", f"{STANDARD}value")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")


class Word(NamedTuple):
    """What a word without quotes means, whether readers agree on it, and whether some read a date."""

    value: Any
    is_sure: bool = True
    is_date: bool = False


def read(text: str, tag: str) -> Word:
    """Return what a word means that is not ambiguous, and has a tag of YAML 1.1."""
    if tag == STR and not NUMBER.fullmatch(text):
        return Word(text)

    if text in CONSTANTS:
        return Word(CONSTANTS[text])

    as_number = number(text, number_in_1_1=tag != STR)
    if as_number is not None:
        return Word(as_number)

    return Word(text, is_sure=tag in _TEXTS, is_date=tag in _TEXTS and bool(DATE.fullmatch(text)))


def number(text: str, *, number_in_1_1: bool) -> int | float | None:
    """Return the number that every reader reads, or None."""
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text)

    # 1e3 and 08 are numbers to YAML 1.2 alone, and more than a double holds is one to none.
    if number_in_1_1 and NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)

    return None
