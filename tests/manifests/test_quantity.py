"""Quantities of Kubernetes."""

import pytest

from okd_gitops.manifests.quantity import amount, written


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("4", 4.0),
        (2, 2.0),
        ("1500m", 1.5),
        ("0.5", 0.5),
        ("1k", 1000.0),
        ("16Gi", 16 * 1024.0**3),
        ("3Ki", 3 * 1024.0),
        ("2M", 2e6),
        ("1P", 1e15),
    ],
)
def test_a_quantity_is_a_number(quantity: object, number: float) -> None:
    assert amount(quantity) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", None, "x", "16gi", "-1", "1 Gi", "$(tt.params.size)", [], {}, True])
def test_what_is_no_quantity_has_no_number(text: object) -> None:
    assert amount(text) is None


def test_a_number_is_written_as_people_write_it() -> None:
    assert written("cpu", 3.5) == "3.5"
    assert written("memory", 14 * 1024.0**3) == "14Gi"
