"""What the planner says of the facts of a line: gates, barriers, overrides, channels."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from release_controller import Controller, image, serving
from release_fleet import Fleet, cluster

GATE = "ack-4.18-kube-1.32-api-removals-in-4.19"
SOME_CLUSTERS = "ack-4.18-aarch64-bootloader-4.19"
OVERRIDES = """\
apiVersion: config.openshift.io/v1
kind: ClusterVersion
metadata: {name: version}
spec:
  overrides: [{group: apps, kind: Deployment, namespace: openshift-monitoring, name: x, unmanaged: true}]
"""
COMPONENT = (
    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: overrides.yaml}]\n"
)


@pytest.fixture
def controller() -> Iterator[Controller]:
    with serving() as controller:
        yield controller


def upgrading(folder: Path, controller: Controller, start: str, end: str) -> Fleet:
    controller.publish(start)
    fleet = Fleet(folder, controller, version=start)
    controller.publish(end, before=(start,))
    return fleet


def barriers(fleet: Fleet) -> list[str]:
    return [barrier.name for barrier in fleet.seen().upgrades[0].first_hop.barriers]


def test_a_gate_of_the_line_is_needed_although_the_fleet_lists_none(
    tmp_path: Path, controller: Controller
) -> None:
    start = "4.18.0-okd-scos.10"
    fleet = upgrading(tmp_path, controller, start, "4.19.0-okd-scos.19")
    canary = next(each for each in fleet.seen().upgrades if each.cluster.name == "canary")
    assert canary.decision.name == "acknowledgement-missing"
    assert GATE in canary.decision.reason

    fleet.write(
        "clusters/canary.yaml", cluster("canary", "test", version=start, release=f"  acks: [{GATE}]\n")
    )
    assert fleet.codes()["canary"] == "upgrade"
    assert fleet.codes(acks=[GATE])["probe"] == "upgrade"


def test_fleet_yaml_adds_gates_and_takes_none_away(tmp_path: Path, controller: Controller) -> None:
    start = "4.18.0-okd-scos.10"
    fleet = upgrading(tmp_path, controller, start, "4.19.0-okd-scos.19")
    text = (fleet.root / "fleet.yaml").read_text()
    fleet.write("fleet.yaml", f'{text.rstrip()}\n  acks: {{"4.18": [ack-4.18-ours]}}\n')
    first, *_ = fleet.seen().upgrades
    assert first.first_hop.acks == (GATE, "ack-4.18-ours")
    assert fleet.codes(acks=[GATE])[first.cluster.name] == "acknowledgement-missing"
    assert fleet.codes(acks=[GATE, "ack-4.18-ours"])[first.cluster.name] == "upgrade"


def test_a_gate_of_some_clusters_is_told_until_it_is_acknowledged(
    tmp_path: Path, controller: Controller
) -> None:
    start = "4.18.0-okd-scos.10"
    fleet = upgrading(tmp_path, controller, start, "4.19.0-okd-scos.19")
    assert SOME_CLUSTERS in barriers(fleet)
    assert GATE not in barriers(fleet)

    acks = f"  acks: [{GATE}, {SOME_CLUSTERS}]\n"
    fleet.write("clusters/canary.yaml", cluster("canary", "test", version=start, release=acks))
    assert SOME_CLUSTERS not in barriers(fleet)


def test_older_processors_are_told_of_on_the_way_to_4_20_and_not_inside(
    tmp_path: Path, controller: Controller
) -> None:
    fleet = upgrading(tmp_path, controller, "4.19.0-okd-scos.19", "4.20.0-okd-scos.7")
    assert barriers(fleet) == ["x86-64-v3", "crio-default-runtime"]


def test_nothing_is_told_inside_4_20(tmp_path: Path, controller: Controller) -> None:
    fleet = upgrading(tmp_path, controller, "4.20.0-okd-scos.7", "4.20.0-okd-scos.8")
    assert barriers(fleet) == []


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("4.21.0-okd-scos.11", "4.21.0-okd-scos.12", "newer-not-reachable"),
        ("4.22.0-okd-scos.4", "4.22.0-okd-scos.5", "upgrade"),
    ],
)
def test_overrides_hold_a_patch_up_to_4_21(
    tmp_path: Path, controller: Controller, start: str, end: str, code: str
) -> None:
    fleet = upgrading(tmp_path, controller, start, end)
    fleet.write("clusters/canary/overrides.yaml", OVERRIDES)
    fleet.write("clusters/canary/kustomization.yaml", COMPONENT)
    assert fleet.codes()["canary"] == code
    assert fleet.codes()["probe"] == "upgrade"

    if code != "upgrade":
        (held,) = fleet.seen().upgrades[0].as_json()["refused"]
        assert held["name"] == "updates-held"
        assert fleet.codes(target=end)["canary"] == "updates-held"


def test_a_cluster_hears_that_its_channel_bounds_it(tmp_path: Path, controller: Controller) -> None:
    start, end = "4.22.0-okd-scos.8", "5.0.0-okd-scos.0"
    fleet = upgrading(tmp_path, controller, start, end)
    text = (fleet.root / "fleet.yaml").read_text()
    fleet.write("fleet.yaml", f'{text.rstrip()}\n  majors: {{"4.22": "5.0"}}\n')
    assert fleet.codes()["canary"] == "nothing-newer"
    (bound,) = fleet.seen().upgrades[0].as_json()["refused"]
    assert bound["name"] == "outside-channel"
    assert bound["reason"] == f"{end} is outside the cluster's channel stable-scos-4"

    assert fleet.codes(target=end)["canary"] == "upgrade"
    assert fleet.seen(target=end).upgrades[0].first_hop.channel == "stable-scos-5"


def test_a_cluster_in_the_channel_of_the_new_major_is_upgraded(
    tmp_path: Path, controller: Controller
) -> None:
    start = "5.0.0-okd-scos.0"
    controller.publish(start)
    fleet = Fleet(tmp_path, controller, version="4.22.0-okd-scos.8")
    inside = cluster("canary", "test", version=start).replace("stable-scos-4", "stable-scos-5")
    fleet.write("clusters/canary.yaml", inside)
    assert image(start) in inside
    controller.publish("5.0.0-okd-scos.1", before=(start,))
    assert fleet.codes()["canary"] == "upgrade"
