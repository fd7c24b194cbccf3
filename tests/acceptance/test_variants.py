"""The variants of docs/variants.md as one fleet: built, validated and judged."""

import re
import shutil
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import pytest

from conftest import CACHE, ROOT
from okd_gitops.check.check import check
from okd_gitops.check.outcome import Report
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.render import kustomize
from okd_gitops.system.tools import tool
from rendered import faults, objects, of_kind

CASE = ROOT / "tests/cases/variants"
NAMES = sorted(path.stem for path in (CASE / "clusters").glob("*.yaml"))
ROLE = "machineconfiguration.openshift.io/role"


def fleet(root: Path, *names: str) -> Path:
    """Make the fleet of all variants, or a smaller one of some, at `root`."""
    (root / "clusters").mkdir()
    shutil.copy(CASE / "fleet.yaml", root)
    for name in {"hub", *(names or NAMES)}:
        shutil.copy(CASE / f"clusters/{name}.yaml", root / "clusters")
    generate(root)
    return root


def checked(root: Path) -> Report:
    return check(root, CACHE, today=date(2029, 12, 1), say=lambda _: None)


@cache
def rendered(name: str) -> tuple[dict[str, Any], ...]:
    with TemporaryDirectory() as folder:
        rendering = kustomize.render(
            fleet(Path(folder), name), {f"overlays/{name}": name}, tool(CACHE, "kustomize"), workers=1
        )
        assert not rendering.findings
        return tuple(document.value for document in rendering.documents[f"overlays/{name}"])


def test_every_variant_builds_fits_its_schemas_and_breaks_no_rule(tmp_path: Path) -> None:
    report = checked(fleet(tmp_path))
    assert [str(finding) for finding in faults(report.findings)] == []
    assert report.without_schema == 0
    assert report.clusters == len(NAMES) >= 7
    assert report.overlays == len(NAMES) + 1


def test_the_table_names_every_example_and_the_examples_use_every_variant() -> None:
    text = (ROOT / "docs/variants.md").read_text()
    assert sorted(re.findall(r"clusters/([a-z-]+)\.yaml` \|", text)) == NAMES
    for feature in ("hpc", "edge", "openstack", "bare-metal", "feature-set", "os-layer"):
        assert f"`{feature}`" in text
        assert any(f"\n  {feature}:" in path.read_text() for path in (CASE / "clusters").glob("*.yaml"))


def test_a_release_change_without_a_new_image_is_an_error(tmp_path: Path) -> None:
    file = fleet(tmp_path, "hpc") / "clusters/hpc.yaml"
    text = file.read_text()
    old = "018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
    assert text.count(old) == 2
    text = text.replace(old, "4b930ee653c7e7671cf2d69e50a1898330556a09ac58b255fbe4b8addd53b290", 1)
    file.write_text(text.replace("version: 4.22.0-okd-scos.0", "version: 4.22.0-okd-scos.1"))
    generate(tmp_path)
    (finding,) = faults(checked(tmp_path).findings)
    assert (finding.name, finding.severity, finding.clusters) == ("os-layer-mismatch", "error", ("hpc",))
    assert finding.object == "MachineConfig 90-layer-image-hpc"


def test_an_image_and_a_build_for_one_pool_is_an_error(tmp_path: Path) -> None:
    file = fleet(tmp_path, "hpc") / "clusters/hpc.yaml"
    build = "    builds:\n    - pool: hpc\n      push-to: registry.example.org/x:y\n      containerfile: |\n"
    file.write_text(
        f"{file.read_text()}{build}        FROM configs AS final\n        RUN ostree container commit\n"
    )
    generate(tmp_path)
    assert [finding.name for finding in faults(checked(tmp_path).findings)] == ["os-layer-mismatch"]


def test_a_feature_set_on_a_long_term_cluster_is_an_error(tmp_path: Path) -> None:
    file = fleet(tmp_path, "edge") / "clusters/edge.yaml"
    file.write_text(f"{file.read_text()}  feature-set:\n    feature-set: DevPreviewNoUpgrade\n")
    generate(tmp_path)
    (finding,) = faults(checked(tmp_path).findings)
    assert (finding.name, finding.severity, finding.clusters) == (
        "unsupported-feature-set",
        "error",
        ("edge",),
    )


def test_marketplace_without_the_lifecycle_manager_is_an_error(tmp_path: Path) -> None:
    file = fleet(tmp_path, "edge") / "clusters/edge.yaml"
    file.write_text(file.read_text().replace("OperatorLifecycleManager, ", ""))
    generate(tmp_path)
    (finding,) = faults(checked(tmp_path).findings)
    assert finding.name == "unsupported-feature-set"
    assert "marketplace requires OperatorLifecycleManager" in finding.reason


def test_hpc_touches_its_own_pool_only() -> None:
    values = rendered("hpc")
    (pool,) = of_kind(values, "MachineConfigPool").values()
    assert pool["metadata"]["name"] == "hpc"
    assert pool["spec"]["nodeSelector"] == {"matchLabels": {"node-role.kubernetes.io/hpc": ""}}
    assert {value["metadata"]["labels"][ROLE] for value in of_kind(values, "MachineConfig").values()} == {
        "hpc"
    }
    kernel = of_kind(values, "MachineConfig")["50-hpc-kernel"]["spec"]
    assert kernel["kernelType"] == "realtime"
    assert "isolcpus=managed_irq,domain,2-63" in kernel["kernelArguments"]
    (kubelet,) = of_kind(values, "KubeletConfig").values()
    (label,) = kubelet["spec"]["machineConfigPoolSelector"]["matchLabels"].items()
    assert label in pool["metadata"]["labels"].items()
    assert kubelet["spec"]["kubeletConfig"]["cpuManagerPolicy"] == "static"
    assert kubelet["spec"]["kubeletConfig"]["reservedSystemCPUs"] == "0-1"


def test_edge_enables_fewer_capabilities() -> None:
    values = rendered("edge")
    capabilities = of_kind(values, "ClusterVersion")["version"]["spec"]["capabilities"]
    assert capabilities == {
        "baselineCapabilitySet": "None",
        "additionalEnabledCapabilities": ["Ingress", "OperatorLifecycleManager", "marketplace"],
    }
    (file,) = of_kind(values, "MachineConfig")["60-edge-journal"]["spec"]["config"]["storage"]["files"]
    assert unquote(file["contents"]["source"]) == "data:,[Journal]\nSystemMaxUse=256M\nMaxRetentionSec=7day\n"
    assert file["mode"] == 420


def test_other_clusters_keep_the_capabilities_that_they_have() -> None:
    """An empty map asks for nothing: the cluster-version operator takes a set only when its name is not
    empty (lib/capability).
    """
    for name in ("hub", "hpc", "lab-next"):
        assert of_kind(rendered(name), "ClusterVersion")["version"]["spec"]["capabilities"] == {}


def test_local_volumes_are_optional_and_wait_for_their_pod() -> None:
    (local,) = of_kind(rendered("bare-metal"), "StorageClass").values()
    assert (local["metadata"]["name"], local["provisioner"]) == ("local-scos", "kubernetes.io/no-provisioner")
    assert local["volumeBindingMode"] == "WaitForFirstConsumer"
    cinder = of_kind(rendered("openstack"), "StorageClass")
    assert cinder.keys() == {"cinder-fast", "cinder-archive"}
    assert {each["provisioner"] for each in cinder.values()} == {"cinder.csi.openstack.org"}
    assert cinder["cinder-fast"]["parameters"] == {"type": "nvme", "availability": "az-1"}
    assert (cinder["cinder-fast"]["reclaimPolicy"], cinder["cinder-archive"]["reclaimPolicy"]) == (
        "Delete",
        "Retain",
    )
    for name in NAMES:
        assert name in ("bare-metal", "openstack") or of_kind(rendered(name), "StorageClass") == {}


def test_bare_metal_has_kernel_arguments_by_pool() -> None:
    configs = of_kind(rendered("bare-metal"), "MachineConfig")
    arguments = {
        value["metadata"]["labels"][ROLE]: value["spec"].get("kernelArguments")
        for name, value in configs.items()
        if "bare-metal" in name
    }
    assert arguments["master"] == ["console=tty0", "console=ttyS1,115200n8"]
    assert arguments["worker"][2:] == ["rd.multipath=default", "root=/dev/disk/by-label/dm-mpath-root"]


def test_machine_configs_are_ignition_3_with_decimal_modes() -> None:
    found = [
        value["spec"].get("config", {})
        for name in NAMES
        for value in of_kind(rendered(name), "MachineConfig").values()
    ]
    assert len(found) >= 6
    for config in found:
        assert config.get("ignition", {}).get("version", "3.2.0").startswith("3.")
        for file in config.get("storage", {}).get("files", []):
            assert "filesystem" not in file
            assert isinstance(file["mode"], int)
            assert file["mode"] <= 0o777


def test_no_variant_pins_a_tag_or_an_architecture() -> None:
    for feature in (
        "os-layer",
        "os-layer-build",
        "hpc",
        "edge",
        "openstack",
        "bare-metal",
        "feature-set",
        "notify",
        "pruning",
        "secrets",
    ):
        for path in (ROOT / "generator/okd_gitops/catalog/features" / feature).rglob("*.yaml"):
            assert not re.search(r"x86_64|amd64|aarch64|arm64|ppc64le|s390x", path.read_text()), path.name
    for name in NAMES:
        images = [
            value["spec"]["osImageURL"]
            for value in of_kind(rendered(name), "MachineConfig").values()
            if "osImageURL" in value["spec"]
        ]
        assert all("@sha256:" in image for image in images)


def test_every_step_requests_resources() -> None:
    tasks = {**of_kind(rendered("hub"), "Task"), **of_kind(rendered("laptop"), "Task")}
    assert {"notify", "okd-layer-base", "okd-layer-build"} <= tasks.keys()
    for task in tasks.values():
        for step in task["spec"]["steps"]:
            assert {"cpu", "memory"} <= step["computeResources"]["requests"].keys()
            assert "privileged" not in step["securityContext"]
            assert "resources" not in step


def test_no_long_term_variant_is_forced_or_overridden() -> None:
    for name in NAMES:
        for version in of_kind(rendered(name), "ClusterVersion").values():
            assert "overrides" not in version["spec"]
            # What a laboratory made is signed by nobody.
            assert version["spec"]["desiredUpdate"]["force"] is (name == "switched")


@pytest.mark.parametrize(
    ("features", "reason"),
    [
        ("  hpc:\n    kernel-arguments: [hugepages=2]\n    reserved-cpus: first\n", "does not match"),
        (
            "  hpc:\n    kernel-arguments: ['quiet splash']\n    reserved-cpus: 0-1\n",
            '"quiet splash": it does not match',
        ),
        ("  hpc:\n    reserved-cpus: 0-1\n", '"kernel-arguments" is missing'),
        ("  edge:\n    baseline: v9\n", "one of None, v4.11"),
        (
            "  feature-set:\n    feature-set: CustomNoUpgrade\n",
            "one of TechPreviewNoUpgrade, DevPreviewNoUpgrade",
        ),
        ("  openstack:\n", "volumes must be a list"),
    ],
)
def test_what_is_refused(features: str, reason: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", features)
    assert any(reason in finding.reason for finding in error.value.findings)


@pytest.mark.parametrize("environment", ["kubernetes", "kind"])
@pytest.mark.parametrize("feature", ["hpc", "edge", "feature-set", "os-layer"])
def test_no_object_of_okd_where_its_api_is_missing(feature: str, environment: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects(environment, f"  {feature}:\n")
    assert "unsuitable-feature" in {finding.name for finding in error.value.findings}


def test_storage_without_okd() -> None:
    values = objects(
        "kubernetes", "  bare-metal:\n  openstack:\n    volumes:\n    - {name: fast, type: nvme}\n"
    )
    assert of_kind(values, "StorageClass").keys() == {"local", "cinder-fast"}
    assert of_kind(values, "MachineConfig") == {}
