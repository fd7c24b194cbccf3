"""Quantities of Kubernetes, such as 500m, 16Gi or 4, as numbers."""

import re

_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(m|[kMGTP]|[KMGTP]i)?")
_FACTORS = {
    "": 1.0,
    "m": 0.001,
    **{unit: 1000.0**power for power, unit in enumerate("kMGTP", 1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTP", 1)},
}


def amount(quantity: object) -> float | None:
    """Return a quantity as a number of CPUs or bytes; None for what is none."""
    match = _QUANTITY.fullmatch(str(quantity))
    return float(match[1]) * _FACTORS[match[2] or ""] if match else None


def written(resource: str, number: float) -> str:
    """Return a number of CPUs as it is, and of bytes in Gi."""
    return f"{number:g}" if resource == "cpu" else f"{number / 1024**3:g}Gi"
