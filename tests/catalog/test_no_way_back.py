"""The policy that keeps clusters from going back, evaluated by CEL's own runtime.

ClusterVersions have the fields of openshift/api, config/v1/types_cluster_version.go of release-4.22:
`status.history` is newest first, `desired` is what the operator has accepted.
"""

import copy
from typing import Any

import pytest
import yaml

import admission
from conftest import ROOT
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.system.disk import read_catalog

FOLDER = ROOT / "generator/okd_gitops/catalog/features/no-way-back/policy"
POLICY = yaml.safe_load((FOLDER / "validatingadmissionpolicy-okd-no-way-back.yaml").read_text())
BINDING = yaml.safe_load((FOLDER / "validatingadmissionpolicybinding-okd-no-way-back.yaml").read_text())
OLD, NEW, NEWER = (f"4.22.0-okd-scos.{number}" for number in (1, 2, 3))
CI = "registry.ci.openshift.org/origin/release-scos"
MIRROR = "quay.io/okd/scos-release"
WAVE = "argocd.argoproj.io/sync-wave"
ROLLBACK = "okd-gitops/allow-rollback-to"


def image(version: str, repository: str = CI) -> str:
    return f"{repository}@sha256:{version[-1] * 64}"


def run(version: str, hour: int, *, named: bool = True, repository: str = CI) -> dict[str, Any]:
    """Return one entry of the history; an image that was asked for alone may have no version."""
    return {
        "state": "Completed",
        "startedTime": f"2026-11-28T{hour:02}:00:00Z",
        "completionTime": f"2026-11-28T{hour:02}:40:00Z",
        "verified": True,
        "image": image(version, repository),
        **({"version": version} if named else {}),
    }


def cluster(*history: dict[str, Any], wanted: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a ClusterVersion that runs the first entry of its history; `wanted` is its desiredUpdate."""
    desired = {"image": history[0]["image"], "version": history[0].get("version", "")} if history else {}
    update = {"desiredUpdate": wanted} if wanted is not None else {}
    return {
        "apiVersion": "config.openshift.io/v1",
        "kind": "ClusterVersion",
        "metadata": {"name": "version"},
        "spec": {
            "clusterID": "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926",
            "channel": "stable-scos-4",
            **update,
        },
        "status": {"desired": desired, "history": list(history)},
    }


def change(old: dict[str, Any], wanted: dict[str, Any] | None, *, rollback: str = "") -> dict[str, Any]:
    """Return the object that somebody writes: with another desiredUpdate, or with none."""
    new = copy.deepcopy(old)
    new["spec"].pop("desiredUpdate", None)
    if wanted is not None:
        new["spec"]["desiredUpdate"] = wanted
    if rollback:
        new["metadata"]["annotations"] = {ROLLBACK: rollback}
    return new


def message(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Return with which words the API server refuses a change; empty when it is allowed."""
    return admission.refusal(POLICY["spec"], object=new, oldObject=old)


def release(version: str, **more: Any) -> dict[str, Any]:
    return {"version": version, "image": image(version), "force": False, **more}


UPGRADED = cluster(run(NEW, 10), run(OLD, 1), wanted=release(NEW))


@pytest.mark.parametrize(
    "wanted",
    [
        release(OLD),
        {"version": OLD},
        {"image": image(OLD)},
        {"version": "", "image": image(OLD)},
        {"image": image(OLD, MIRROR)},
        {"version": NEW, "image": image(OLD)},
        {"version": OLD, "image": image(NEW)},
        release(OLD, force=True),
    ],
    ids=[
        "both",
        "version alone",
        "image alone",
        "empty version",
        "another registry",
        "only the image is old",
        "only the version is old",
        "forced",
    ],
)
def test_a_cluster_does_not_go_back(wanted: dict[str, Any]) -> None:
    refused = message(UPGRADED, change(UPGRADED, wanted))
    assert f"this cluster has left {wanted.get('version') or wanted['image']} for {NEW}" in refused
    assert "okd-gitops release adopt" in refused


@pytest.mark.parametrize(
    "wanted",
    [release(NEWER), {"version": NEWER}, {"image": image(NEWER)}, release(NEW), {"version": NEW}, None, {}],
    ids=["forward", "by version", "by image", "the same", "the same by version", "no update", "empty update"],
)
def test_a_cluster_goes_forward_or_stays(wanted: dict[str, Any] | None) -> None:
    assert message(UPGRADED, change(UPGRADED, wanted)) == ""


def test_a_mirrors_image_of_the_running_release_is_not_a_way_back() -> None:
    old = cluster(run(NEW, 10), run(NEW, 5, repository=MIRROR), run(OLD, 1))
    assert message(old, change(old, {"image": image(NEW, MIRROR)})) == ""
    assert message(old, change(old, {"image": image(OLD, MIRROR)}))


def test_an_upgrade_that_has_not_begun_can_be_stopped() -> None:
    waiting = cluster(run(OLD, 1), wanted=release(NEW))
    assert message(waiting, change(waiting, release(OLD))) == ""


def test_an_upgrade_that_has_begun_is_not_taken_back() -> None:
    begun = cluster({**run(NEW, 10), "state": "Partial", "completionTime": None}, run(OLD, 1))
    assert message(begun, change(begun, release(OLD)))


def test_every_release_before_the_running_one_is_left() -> None:
    old = cluster(run(NEWER, 20), run(NEW, 10), run(OLD, 1))
    assert [bool(message(old, change(old, release(each)))) for each in (OLD, NEW, NEWER)] == [
        True,
        True,
        False,
    ]


def test_the_annotation_allows_one_release_by_name() -> None:
    old = cluster(run(NEWER, 20), run(NEW, 10), run(OLD, 1))
    assert message(old, change(old, release(NEW), rollback=NEW)) == ""
    assert message(old, change(old, {"image": image(NEW)}, rollback=NEW)) == ""
    assert message(old, change(old, release(OLD), rollback=NEW))
    assert message(old, change(old, {"version": NEW, "image": image(OLD)}, rollback=NEW))


def test_no_annotation_names_a_release_without_a_version() -> None:
    old = cluster(run(NEW, 10), {**run(OLD, 1), "version": ""})
    assert message(old, change(old, {"image": image(OLD)}))
    unnamed = cluster(run(NEW, 10), run(OLD, 1, named=False))
    assert message(unnamed, change(unnamed, {"image": image(OLD)}))


def test_after_a_rollback_the_release_that_was_left_for_it_is_forward() -> None:
    old = cluster(run(NEW, 20), run(NEWER, 15), run(NEW, 10), run(OLD, 1))
    assert message(old, change(old, release(NEWER))) == ""
    assert message(old, change(old, release(OLD)))


def test_other_fields_change_while_git_still_pins_what_was_left() -> None:
    """An upgrade by hand that is undone in spec before the policy came: only desiredUpdate is judged."""
    old = cluster(run(NEW, 10), run(OLD, 1), wanted=release(OLD))
    new = change(old, release(OLD))
    new["spec"]["channel"] = "stable-scos-5"
    assert message(old, new) == ""
    assert message(old, change(old, release(OLD, force=True)))


def test_a_new_cluster_without_a_status_takes_any_release() -> None:
    old = cluster()
    del old["status"]
    assert message(old, change(old, release(NEW))) == ""


def test_the_policy_judges_every_writer_and_refuses_when_it_cannot() -> None:
    spec = POLICY["spec"]
    assert spec["failurePolicy"] == "Fail"
    assert spec["matchConstraints"] == {
        "resourceRules": [
            {
                "apiGroups": ["config.openshift.io"],
                "apiVersions": ["v1"],
                "operations": ["UPDATE"],
                "resources": ["clusterversions"],
            }
        ]
    }
    assert "matchConditions" not in spec
    assert "Deny" in BINDING["spec"]["validationActions"]
    assert BINDING["spec"]["policyName"] == POLICY["metadata"]["name"]
    assert "matchResources" not in BINDING["spec"]


def test_the_policy_is_there_before_the_release() -> None:
    path = ROOT / "generator/okd_gitops/catalog/features/okd-version/version/clusterversion-version.yaml"
    version = yaml.safe_load(path.read_text())
    for value in (POLICY, BINDING):
        assert int(value["metadata"]["annotations"][WAVE]) < int(version["metadata"]["annotations"][WAVE])


def test_every_purpose_has_it_and_okd_alone() -> None:
    catalog = load_catalog(read_catalog())
    assert [name for name, purpose in catalog.purposes.items() if "no-way-back" not in purpose.features] == []
    assert list(catalog.features["no-way-back"].spec.environments) == ["okd"]
