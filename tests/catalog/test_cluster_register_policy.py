"""The policy that makes no cluster after its end, with CEL's own runtime.

A real kube-apiserver 1.35.4 refused with it what Argo CD 3.3.9 made again: tests/lifecycle/recorded.
"""

from datetime import UTC, datetime, timedelta

import pytest

from admission import refusal
from okd_gitops.times import time_text
from rendered import objects, of_kind

END = datetime(2026, 12, 1, tzinfo=UTC)
FEATURE = "  cluster-register:\n    image: registry.example.org/okd-gitops@sha256:" + "c" * 64 + "\n"


def answer(made: datetime, end: str | None, namespace: str = "ephemeral-trial") -> str:
    policies = of_kind(objects("okd", FEATURE), "ValidatingAdmissionPolicy")
    annotations = {"annotations": {"okd-gitops.io/end": end}} if end else {}
    times = {"creationTimestamp": time_text(made)}
    metadata = {"name": "trial", "namespace": namespace, **times, **annotations}
    return refusal(policies["okd-ephemeral-end"]["spec"], object={"metadata": metadata})


@pytest.mark.parametrize(
    ("late", "refused"),
    [(timedelta(seconds=-1), False), (timedelta(), True), (timedelta(days=40), True)],
)
def test_a_cluster_is_made_before_its_end_only(late: timedelta, *, refused: bool) -> None:
    assert bool(answer(END + late, time_text(END))) == refused


def test_the_refusal_says_what_to_do() -> None:
    assert "2026-12-01T00:00:00Z: write a later expires:" in answer(END, time_text(END))


def test_other_clusters_of_the_hub_are_left_alone() -> None:
    assert answer(END, None, "somebody") == ""


def test_one_of_ours_without_an_end_is_refused() -> None:
    assert "must have the annotation" in answer(END, None)
