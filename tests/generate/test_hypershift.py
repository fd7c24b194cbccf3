"""A cluster that HyperShift makes: what the hub gets, in which order it goes, and what is refused.

Judged by the schemas of HyperShift, of InfraEnv and of External Secrets that `check` uses.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import CACHE, files
from okd_gitops.check.check import check
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.load import load
from okd_gitops.fleet.providers import control_plane_namespace
from okd_gitops.generate.generate import generate
from provided import DIGEST, FLEET, GUEST, TRIAL

WAVE = "argocd.argoproj.io/sync-wave"
NODE_ADDRESS = "nodeAddress: 10.0.0.5"


@pytest.fixture
def fleet(repo: Path) -> Path:
    with (repo / "fleet.yaml").open("a") as file:
        file.write(FLEET)
    (repo / "clusters/guest.yaml").write_text(GUEST)
    generate(repo)
    return repo


def provided(root: Path) -> dict[str, dict[str, Any]]:
    """Return the objects that the hub gets, by kind and name."""
    folder = root / "overlays/guest/provider"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    values = [yaml.safe_load((folder / path).read_text()) for path in listed]
    return {f"{value['kind']}/{value['metadata']['name']}": value for value in values}


def argocd(root: Path, file: str) -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load((root / f"argocd/guest/{file}.yaml").read_text())
    return value


def changed(root: Path, old: str, new: str) -> None:
    """Change one line of fleet.yaml."""
    text = (root / "fleet.yaml").read_text()
    assert text.count(old) == 1
    (root / "fleet.yaml").write_text(text.replace(old, new))


def test_a_file_of_ten_lines_makes_a_cluster(fleet: Path) -> None:
    assert len(GUEST.splitlines()) <= 10
    objects = provided(fleet)
    assert sorted(objects) == [
        "ExternalSecret/pull-secret",
        "ExternalSecret/ssh-key",
        "HostedCluster/guest",
        "InfraEnv/guest",
        "Namespace/ephemeral-guest",
        "NodePool/guest",
        "Role/capi-provider-role",
        "Role/cluster-register",
        "RoleBinding/cluster-register",
    ]
    cluster, pool = objects["HostedCluster/guest"]["spec"], objects["NodePool/guest"]["spec"]
    # It is installed with this release, and nothing on the cluster itself says another one.
    assert cluster["release"] == pool["release"]
    assert cluster["release"]["image"].endswith(f"@sha256:{DIGEST}")
    assert "okd-version" not in (fleet / "overlays/guest/kustomization.yaml").read_text()

    assert pool["clusterName"] == "guest"
    assert (pool["replicas"], pool["arch"]) == (2, "amd64")
    assert pool["platform"]["agent"]["agentLabelSelector"] == {"matchLabels": {"size": "large"}}
    assert cluster["dns"] == {"baseDomain": "massopen.cloud"}
    assert cluster["etcd"]["managed"]["storage"]["persistentVolume"]["storageClassName"] == "ssd"


def test_what_is_named_is_there(fleet: Path) -> None:
    objects = provided(fleet)
    cluster = objects["HostedCluster/guest"]["spec"]
    named = {cluster["pullSecret"]["name"], cluster["sshKey"]["name"]}
    assert named == {key.partition("/")[2] for key in objects if key.startswith("ExternalSecret/")}
    assert objects["InfraEnv/guest"]["spec"]["pullSecretRef"]["name"] == cluster["pullSecret"]["name"]

    keys = {
        entry["secretKey"]: entry["remoteRef"]
        for name in ("pull-secret", "ssh-key")
        for entry in objects[f"ExternalSecret/{name}"]["spec"]["data"]
    }
    assert keys == {
        ".dockerconfigjson": {"key": "okd/ephemeral/pull-secret", "property": ".dockerconfigjson"},
        "id_rsa.pub": {"key": "okd/ephemeral/ssh-key", "property": "id_rsa.pub"},
    }


def test_every_service_that_hypershift_requires_is_published_at_the_address(fleet: Path) -> None:
    """The four that an Agent cluster must have: hostedcluster_types.go, the rules on `services`."""
    services = provided(fleet)["HostedCluster/guest"]["spec"]["services"]
    assert {entry["service"] for entry in services} == {
        "APIServer",
        "Ignition",
        "Konnectivity",
        "OAuthServer",
    }
    for entry in services:
        strategy = {"type": "NodePort", "nodePort": {"address": "10.0.0.5"}}
        assert entry["servicePublishingStrategy"] == strategy


@pytest.mark.parametrize(("architecture", "is_minimal"), [("amd64", True), ("s390x", False)])
def test_every_object_is_valid_against_its_own_definition(
    fleet: Path, architecture: str, *, is_minimal: bool
) -> None:
    workers = "workers: {replicas: 2, labels: {size: large}}"
    if is_minimal:
        changed(fleet, workers, f"workers: {{architecture: {architecture}}}")
        changed(fleet, "    storageClass: ssd\n    sshKey: true\n", "")
    else:
        changed(fleet, "labels: {size: large}}", f"labels: {{size: large}}, architecture: {architecture}}}")
    generate(fleet)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    report = check(fleet, CACHE, today=now.date(), say=lambda _: None, now=now)
    named = {finding.name for finding in report.findings if "guest" in str(finding)}
    assert named <= {"cluster-expiry", "cluster-nobody-registers"}
    assert (report.errors, report.without_schema) == (0, 0)
    assert "&id" not in (fleet / "overlays/guest/provider/hostedcluster-guest.yaml").read_text()


def test_an_image_is_for_the_machines_that_boot_it(fleet: Path) -> None:
    def booted() -> str:
        return str(provided(fleet)["InfraEnv/guest"]["spec"]["cpuArchitecture"])

    assert booted() == "x86_64"
    changed(fleet, "labels: {size: large}}", "architecture: arm64}")
    generate(fleet)
    assert booted() == "aarch64"
    assert provided(fleet)["NodePool/guest"]["spec"]["arch"] == "arm64"
    assert provided(fleet)["NodePool/guest"]["spec"]["platform"] == {"type": "Agent"}


def test_all_of_it_is_in_the_one_namespace_that_its_project_permits(fleet: Path) -> None:
    objects = provided(fleet)
    namespaces = {value["metadata"].get("namespace") for value in objects.values()}
    assert namespaces == {None, "ephemeral-guest"}
    agents = objects["HostedCluster/guest"]["spec"]["platform"]["agent"]["agentNamespace"]
    assert agents == "ephemeral-guest"

    spec = argocd(fleet, "provider-appproject")["spec"]
    assert spec["destinations"] == [{"name": "in-cluster", "namespace": "ephemeral-guest"}]
    assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]
    assert {entry["kind"] for entry in spec["namespaceResourceWhitelist"]} == {
        "ExternalSecret",
        "HostedCluster",
        "InfraEnv",
        "NodePool",
        "Role",
        "RoleBinding",
    }


def test_no_credential_is_in_any_file(fleet: Path) -> None:
    assert "Secret" not in {value["kind"] for value in provided(fleet).values()}
    text = "".join(data.decode() for path, data in files(fleet).items() if "/guest/" in path)
    for word in ("auths", "password:", "BEGIN", "ssh-ed25519", "ssh-rsa"):
        assert word not in text


def test_a_cluster_goes_before_the_image_of_its_machines_and_that_before_credentials(fleet: Path) -> None:
    """Argo CD deletes from the highest wave down, and waits for each (FilterObjectsForDeletion)."""
    waves = {key: int(value["metadata"]["annotations"][WAVE]) for key, value in provided(fleet).items()}
    assert waves["NodePool/guest"] == waves["HostedCluster/guest"] > waves["InfraEnv/guest"]
    credentials = [wave for key, wave in waves.items() if key.startswith("ExternalSecret")]
    assert waves["InfraEnv/guest"] > max(credentials)
    assert min(credentials) > waves["Namespace/ephemeral-guest"]
    # What takes Agents must give them back, and whoever reads the kubeconfig may as long as there is one.
    assert waves["Role/capi-provider-role"] < waves["HostedCluster/guest"]
    assert waves["Role/cluster-register"] < waves["HostedCluster/guest"]


def test_what_hypershift_fills_in_is_no_difference_and_nothing_is_made_again(fleet: Path) -> None:
    spec = argocd(fleet, "provider-application")["spec"]
    ignored = {entry["kind"]: entry["jsonPointers"] for entry in spec["ignoreDifferences"]}
    assert ignored["HostedCluster"] == ["/spec/clusterID", "/spec/infraID"]
    assert "ClusterDeployment" not in ignored
    assert spec["syncPolicy"]["automated"] == {"prune": False, "selfHeal": False}


def test_the_end_is_on_the_hosted_cluster(fleet: Path) -> None:
    metadata = provided(fleet)["HostedCluster/guest"]["metadata"]
    assert metadata["annotations"]["okd-gitops.io/end"] == "2026-12-05T00:00:00Z"
    assert metadata["labels"] == {"okd-gitops.io/cluster": "guest", "okd-gitops.io/project": "guest"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("expires:", "addresses: {api: 10.0.0.6, ingress: 10.0.0.7}\nexpires:", "publishes a cluster at"),
        ("purpose: ephemeral", "purpose: test", "must not expire"),
        ("provider:", "server: https://api.x.massopen.cloud:6443\nprovider:", "gets its server"),
        ("provider:", "environment: kind\nkubernetes: '1.35'\nprovider:", "installs OKD only"),
        ("expires: 2026-12-04\n", "", "has no end"),
    ],
)
def test_a_wrong_file_is_refused(fleet: Path, old: str, new: str, reason: str) -> None:
    assert old in GUEST
    (fleet / "clusters/guest.yaml").write_text(GUEST.replace(old, new, 1))
    assert reason in refusals(fleet)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (NODE_ADDRESS, "nodeAddress: https://10.0.0.5"),
        (NODE_ADDRESS, "nodeAddress: 10.0.0.5:6443"),
        (NODE_ADDRESS, "nodeAddress: 10.0.0.0/24"),
        (NODE_ADDRESS, "nodeAddress: hub"),
        (f"    {NODE_ADDRESS}\n", ""),
        ("{size: large}", "{size: 'x y'}"),
        ("{size: large}", "{size-: large}"),
        ("storageClass: ssd", "storageClass: SSD_1"),
        ("{size: large}", f"{{size: {'x' * 64}}}"),
        ("replicas: 2, labels", "replicas: 101, labels"),
        ("replicas: 2, labels", "architecture: x86_64, labels"),
    ],
)
def test_wrong_settings_are_refused(fleet: Path, old: str, new: str) -> None:
    changed(fleet, old, new)
    with pytest.raises(FindingsError) as caught:
        generate(fleet, write=False)
    assert {str(finding.location.file) for finding in caught.value.findings} == {"fleet.yaml"}


def test_a_host_name_is_an_address_too(fleet: Path) -> None:
    changed(fleet, NODE_ADDRESS, "nodeAddress: nodes.hub.massopen.cloud")
    generate(fleet)
    services = provided(fleet)["HostedCluster/guest"]["spec"]["services"]
    addresses = {entry["servicePublishingStrategy"]["nodePort"]["address"] for entry in services}
    assert addresses == {"nodes.hub.massopen.cloud"}


def refusals(root: Path) -> str:
    with pytest.raises(FindingsError) as caught:
        generate(root, write=False)
    return "\n".join(finding.reason for finding in caught.value.findings)


def test_a_name_whose_control_plane_has_no_place_is_refused(fleet: Path) -> None:
    longest = "g" * 26
    assert len(control_plane_namespace(longest)) == 63
    (fleet / f"clusters/{longest}.yaml").write_text(GUEST)
    generate(fleet, write=False)
    (fleet / f"clusters/{longest}g.yaml").write_text(GUEST)
    assert "which is too long" in refusals(fleet)
    # Hive has no namespace for it.
    (fleet / f"clusters/{longest}g.yaml").write_text(TRIAL)
    generate(fleet, write=False)


def test_no_other_cluster_gets_the_namespace_of_a_control_plane(fleet: Path) -> None:
    """Its Application could write there."""
    (fleet / "clusters/guest-guest.yaml").write_text(TRIAL)
    with pytest.raises(FindingsError) as caught:
        load(fleet)
    (finding,) = caught.value.findings
    assert "has the control plane of guest" in finding.reason
    assert str(finding.location.file) == "clusters/guest-guest.yaml"
    # Without a provider it has nothing on the hub.
    without = TRIAL.replace("provider: hive-openstack\n", "").replace("addresses:", "# addresses:")
    (fleet / "clusters/guest-guest.yaml").write_text(without)
    assert len(load(fleet).clusters) > 1
