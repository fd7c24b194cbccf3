"""kvm-device-plugin, rendered."""

from typing import Any
from urllib.parse import unquote

import pytest

from rendered import objects, of_kind

LABEL = {"node-role.kubernetes.io/mcp-kvm-device-plugin": ""}
ENVIRONMENTS = ("kind", "kubernetes", "okd")
OPENSHIFT = {
    "MachineConfig",
    "MachineConfigPool",
    "ImageStream",
    "BuildConfig",
    "SecurityContextConstraints",
    "Route",
}


def rendered(environment: str) -> tuple[dict[str, Any], ...]:
    return objects(environment, "  kvm-device-plugin:\n")


def test_the_daemonset_runs_on_the_pool_and_nothing_changes_other_workers() -> None:
    okd = rendered("okd")
    (pool,) = of_kind(okd, "MachineConfigPool").values()
    (daemon,) = of_kind(okd, "DaemonSet").values()
    (config,) = of_kind(okd, "MachineConfig").values()
    assert (
        daemon["spec"]["template"]["spec"]["nodeSelector"]
        == pool["spec"]["nodeSelector"]["matchLabels"]
        == LABEL
    )
    assert (
        config["metadata"]["labels"]["machineconfiguration.openshift.io/role"]
        == pool["metadata"]["name"]
        == "mcp-kvm-device-plugin"
    )


def test_the_machine_config_is_ignition_3_and_sets_both_options() -> None:
    (config,) = of_kind(rendered("okd"), "MachineConfig").values()
    assert config["spec"]["config"]["ignition"]["version"].startswith("3.")
    (file,) = config["spec"]["config"]["storage"]["files"]
    assert "filesystem" not in file
    assert file["mode"] == 420
    assert (
        unquote(file["contents"]["source"]) == "data:,options kvm_intel nested=1\noptions kvm_amd nested=1\n"
    )


@pytest.mark.parametrize("environment", ["kind", "kubernetes"])
def test_other_environments_get_no_openshift_object_but_a_privileged_namespace(environment: str) -> None:
    values = rendered(environment)
    assert {value["kind"] for value in values} & OPENSHIFT == set()
    labels = of_kind(values, "Namespace")["kvm-device-plugin"]["metadata"]["labels"]
    assert labels == {"pod-security.kubernetes.io/enforce": "privileged"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_published_image_runs_by_digest_and_nothing_is_built(environment: str) -> None:
    values = rendered(environment)
    (daemon,) = of_kind(values, "DaemonSet").values()
    (container,) = daemon["spec"]["template"]["spec"]["containers"]
    assert "@sha256:" in container["image"]
    assert "--domain=devices.kubevirt.io" in container["args"]
    assert {value["kind"] for value in values} & {"BuildConfig", "ImageStream"} == set()


def test_only_the_plugin_may_use_the_privileged_scc() -> None:
    okd = rendered("okd")
    roles = [
        role
        for role in okd
        if role["kind"] in ("Role", "ClusterRole") and "privileged" in str(role.get("rules"))
    ]
    assert [(role["kind"], role["metadata"]["namespace"]) for role in roles] == [
        ("Role", "kvm-device-plugin")
    ]
    assert roles[0]["rules"] == [
        {
            "apiGroups": ["security.openshift.io"],
            "resources": ["securitycontextconstraints"],
            "resourceNames": ["privileged"],
            "verbs": ["use"],
        }
    ]
    (daemon,) = of_kind(okd, "DaemonSet").values()
    bound = of_kind(okd, "RoleBinding")[roles[0]["metadata"]["name"]]
    assert bound["roleRef"]["name"] == roles[0]["metadata"]["name"]
    assert [subject["name"] for subject in bound["subjects"]] == [
        daemon["spec"]["template"]["spec"]["serviceAccountName"]
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_plugin_has_requests_and_limits(environment: str) -> None:
    (daemon,) = of_kind(rendered(environment), "DaemonSet").values()
    (container,) = daemon["spec"]["template"]["spec"]["containers"]
    assert {"requests", "limits"} <= container["resources"].keys()
