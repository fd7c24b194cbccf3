"""Quantities of Kubernetes, such as 500m, 16Gi or 4, as numbers."""

import re

_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(m|[kMGTP]|[KMGTP]i)?")
_FACTORS = {
    "": 1.0,
    "m": 0.001,
    **{unit: 1000.0**power for power, unit in enumerate("kMGTP", 1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTP", 1)},
}
_NUMBER_AND_WORD = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*")
# What the API server reads as a quantity (apimachinery v0.35, pkg/api/resource/quantity.go: ParseQuantity
# takes no digits for 0, UnmarshalJSON trims).
_SYNTAX = re.compile(r"(?=.)[+-]?[0-9]*(?:\.[0-9]*)?(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?")
_UNITS = ("k", *"MGTPE", *(f"{unit}i" for unit in "KMGTPE"), "n", "u", "m")


def is_quantity(text: str) -> bool:
    """Whether the API server can read a quantity."""
    return bool(_SYNTAX.fullmatch(text.strip()))


def meant_quantity(text: str) -> str:
    """Return the quantity that a person may have meant, empty where that cannot be told."""
    match = _NUMBER_AND_WORD.fullmatch(text)
    if not match:
        return ""

    number, word = match[1], match[2].lower().removesuffix("b")
    return next((f"{number}{unit}" for unit in _UNITS if unit.lower() == word), "")


def amount(quantity: object) -> float | None:
    """Return a quantity as a number of CPUs or bytes; None for what is none."""
    match = _QUANTITY.fullmatch(str(quantity))
    return float(match[1]) * _FACTORS[match[2] or ""] if match else None


def written(resource: str, number: float) -> str:
    """Return a number of CPUs as it is, and of bytes in Gi."""
    return f"{number:g}" if resource == "cpu" else f"{number / 1024**3:g}Gi"
