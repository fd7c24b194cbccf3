"""A cluster that a provider installs: what the hub gets, in which order it goes, and what is refused.

install_config_fields.yaml has the installer's own fields and says where they were read; the schemas of Hive
and of External Secrets are those that `check` uses.
"""

import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import CACHE, ROOT, commit, files, git
from okd_gitops.check.check import check
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.load import load
from okd_gitops.fleet.registered import unregistered_clusters
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.edit_clusters import Saving, drop_cluster
from provided import DIGEST, FLEET, TRIAL
from release_controller import Controller

FIELDS = yaml.safe_load((ROOT / "tests/generate/install_config_fields.yaml").read_text())
WAVE = "argocd.argoproj.io/sync-wave"


@pytest.fixture
def fleet(repo: Path) -> Path:
    with (repo / "fleet.yaml").open("a") as file:
        file.write(FLEET)
    (repo / "clusters/trial.yaml").write_text(TRIAL)
    generate(repo)
    return repo


def provided(root: Path, name: str = "trial") -> dict[str, dict[str, Any]]:
    """Return the objects that the hub gets for a cluster, by kind and name."""
    folder = root / f"overlays/{name}/provider"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    values = [yaml.safe_load((folder / path).read_text()) for path in listed]
    return {f"{value['kind']}/{value['metadata']['name']}": value for value in values}


def argocd(root: Path, file: str, name: str = "trial") -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load((root / f"argocd/{name}/{file}.yaml").read_text())
    return value


def test_a_file_of_at_most_twelve_lines_makes_a_cluster(fleet: Path) -> None:
    assert len(TRIAL.splitlines()) <= 12
    objects = provided(fleet)
    assert sorted({value["kind"] for value in objects.values()}) == [
        "ClusterDeployment",
        "ClusterImageSet",
        "ExternalSecret",
        "MachinePool",
        "Namespace",
        "Role",
        "RoleBinding",
    ]
    deployment = objects["ClusterDeployment/trial"]
    image_set = objects[f"ClusterImageSet/ephemeral-trial-{DIGEST[:12]}"]
    assert image_set["spec"]["releaseImage"].endswith(DIGEST)
    spec = deployment["spec"]
    assert spec["provisioning"]["imageSetRef"]["name"] == image_set["metadata"]["name"]
    # Hive drops the default, and a field that Hive drops is a difference for ever.
    assert "preserveOnDelete" not in spec

    secrets = {value["metadata"]["name"] for value in objects.values() if value["kind"] == "ExternalSecret"}
    named = {
        spec["platform"]["openstack"]["credentialsSecretRef"]["name"],
        spec["provisioning"]["installConfigSecretRef"]["name"],
        spec["pullSecretRef"]["name"],
    }
    assert named == secrets
    assert objects["MachinePool/trial-worker"]["spec"]["clusterDeploymentRef"]["name"] == "trial"
    # The overlay of a cluster that is installed with its release has no ClusterVersion.
    assert "okd-version" not in (fleet / "overlays/trial/kustomization.yaml").read_text()


def test_a_day_beyond_the_longest_life_is_an_error_until_it_is_nearer(fleet: Path) -> None:
    generate(fleet)

    def reasons(today: date) -> list[str]:
        report = check(fleet, CACHE, today=today, say=lambda _: None)
        return [finding.reason for finding in report.findings if str(finding.severity) == "error"]

    assert reasons(date(2026, 11, 30)) == ["trial expires on 2026-12-04, more than 3 days ahead"]
    assert reasons(date(2026, 12, 1)) == []


def test_an_end_within_days_may_be_beyond_a_short_life_too(fleet: Path) -> None:
    text = (fleet / "fleet.yaml").read_text()
    (fleet / "fleet.yaml").write_text(text.replace("longest: 3d", "longest: 1d"))
    generate(fleet)
    report = check(fleet, CACHE, today=date(2026, 12, 2), say=lambda _: None)
    reasons = [finding.reason for finding in report.findings if str(finding.severity) == "error"]
    assert reasons == ["trial expires on 2026-12-04, more than 1 days ahead"]


@pytest.mark.parametrize("provider", ["hive-openstack", "hive-fake"])
def test_every_object_is_valid_against_its_own_definition(fleet: Path, provider: str) -> None:
    (fleet / "clusters/trial.yaml").write_text(TRIAL.replace("hive-openstack", provider))
    generate(fleet)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    report = check(fleet, CACHE, today=now.date(), say=lambda _: None, now=now)
    named = {finding.name for finding in report.findings if "trial" in str(finding)}
    assert named <= {"cluster-expiry", "cluster-nobody-registers"}
    assert (report.errors, report.without_schema) == (0, 0)
    fake = provided(fleet)["ClusterDeployment/trial"]["metadata"]["annotations"].get(
        "hive.openshift.io/fake-cluster"
    )
    assert fake == ("true" if provider == "hive-fake" else None)


def test_a_hub_that_registers_nobody_is_told(fleet: Path) -> None:
    def found() -> list[str]:
        clusters = load(fleet).clusters
        return [str(finding.location.file) for finding in unregistered_clusters(clusters, "moc-hub")]

    assert found() == ["clusters/trial.yaml"]
    hub = fleet / "clusters/moc-hub.yaml"
    image = f"registry.example.org/okd-gitops@sha256:{DIGEST}"
    text = hub.read_text().replace("features:\n", f"features:\n  cluster-register:\n    image: {image}\n")
    hub.write_text(text)
    assert found() == []


def checked(value: dict[str, Any], kind: str) -> None:
    """Fail unless a map has what a type of the installer requires, and nothing that it does not know."""
    fields = FIELDS[kind]
    known = {*fields["required"], *fields["optional"]}
    assert value.keys() <= known, f"{kind}: {value.keys() - known}"
    assert set(fields["required"]) <= value.keys(), kind


def test_the_install_config_has_the_fields_of_the_installer(fleet: Path) -> None:
    secret = provided(fleet)["ExternalSecret/install-config"]["spec"]
    template = secret["target"]["template"]["data"]["install-config.yaml"]
    assert template.count("{{") == 1
    assert [entry["secretKey"] for entry in secret["data"]] == ["pullSecret"]
    config = yaml.safe_load(template.replace("{{ .pullSecret | toJson }}", '"{\\"auths\\": {}}"'))

    assert config.pop("apiVersion") == "v1"
    checked(config, "InstallConfig")
    checked(config["networking"], "Networking")
    checked(config["platform"]["openstack"], "OpenStackPlatform")
    for pool in (config["controlPlane"], *config["compute"]):
        checked(pool, "MachinePool")
        checked(pool["platform"]["openstack"], "OpenStackMachinePool")
    assert config["metadata"]["name"] == "trial"
    assert config["platform"]["openstack"]["apiFloatingIP"] == "128.31.20.7"


def test_a_field_that_the_installer_does_not_know_is_found() -> None:
    with pytest.raises(AssertionError, match="flavor"):
        checked({"type": "m1", "flavor": "m1"}, "OpenStackMachinePool")
    with pytest.raises(AssertionError, match="OpenStackPlatform"):
        checked({}, "OpenStackPlatform")


def test_no_credential_is_in_any_file(fleet: Path) -> None:
    kinds = {value["kind"] for value in provided(fleet).values()}
    assert "Secret" not in kinds
    text = "".join(data.decode() for path, data in files(fleet).items() if "/trial/" in path)
    for word in ("auths", "password:", "BEGIN", "application_credential_secret"):
        assert word not in text


def test_a_cluster_goes_before_its_credentials_and_those_before_the_namespace(fleet: Path) -> None:
    """Argo CD deletes from the highest wave down, and waits for each (FilterObjectsForDeletion)."""
    waves = {key: int(value["metadata"]["annotations"][WAVE]) for key, value in provided(fleet).items()}
    cluster = [wave for key, wave in waves.items() if key.startswith(("ClusterDeployment", "MachinePool"))]
    credentials = [wave for key, wave in waves.items() if key.startswith("ExternalSecret")]
    assert waves["Namespace/ephemeral-trial"] < min(credentials)
    assert max(credentials) < min(cluster)
    # Whoever reads the kubeconfig may do so as long as there is one.
    assert waves["Role/cluster-register"] < min(cluster)


def test_nothing_makes_a_cluster_again_that_was_deleted(fleet: Path) -> None:
    application = argocd(fleet, "provider-application")
    spec = application["spec"]
    assert spec["syncPolicy"]["automated"] == {"prune": False, "selfHeal": False}
    assert application["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"] == "."
    # In the foreground, the Secret with what Hive must delete in the cloud would go before the cluster.
    assert application["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io/background"]
    assert "PrunePropagationPolicy=background" in spec["syncPolicy"]["syncOptions"]
    assert spec["source"]["path"] == "overlays/trial/provider"
    assert "/spec/installed" in spec["ignoreDifferences"][0]["jsonPointers"]
    # The Application on the cluster itself must not wait for a cluster that is gone.
    assert "finalizers" not in argocd(fleet, "application")["metadata"]


def test_what_makes_a_cluster_may_write_to_its_own_namespace_only(fleet: Path) -> None:
    project = argocd(fleet, "provider-appproject")
    assert project["metadata"]["name"] == "ephemeral-trial"
    assert project["spec"]["destinations"] == [{"name": "in-cluster", "namespace": "ephemeral-trial"}]
    application = argocd(fleet, "provider-application")
    assert application["spec"]["project"] == application["metadata"]["name"] == "ephemeral-trial"
    assert int(project["metadata"]["annotations"][WAVE]) == -1


def test_the_end_is_a_time_and_the_backstop_is_in_hours(fleet: Path) -> None:
    annotations = provided(fleet)["ClusterDeployment/trial"]["metadata"]["annotations"]
    assert annotations["okd-gitops.io/end"] == "2026-12-05T00:00:00Z"
    # The longest life and the rest of a day; Go's durations have no days.
    assert annotations["hive.openshift.io/delete-after"] == "96h"
    assert annotations["hive.openshift.io/protected-delete"] == "false"


def test_removal_leaves_no_mention(fleet: Path) -> None:
    git(fleet, "init", "-q", "--initial-branch=main")
    commit(fleet)
    removal = drop_cluster(fleet, "trial", Saving()).removal
    assert removal
    (leaving,) = removal.leaving
    assert leaving.provider == "hive-openstack"
    assert leaving.on_hub == {
        "ClusterDeployment": 1,
        "ClusterImageSet": 1,
        "ExternalSecret": 3,
        "MachinePool": 1,
        "Namespace": 1,
        "Role": 1,
        "RoleBinding": 1,
    }
    for folder in ("argocd", "bases", "overlays", "clusters"):
        for path in sorted((fleet / folder).rglob("*")):
            assert "trial" not in path.name
            assert not path.is_file() or b"trial" not in path.read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("purpose: ephemeral", "purpose: test", "must not expire"),
        ("provider:", "server: https://api.x.massopen.cloud:6443\nprovider:", "gets its server"),
        ("provider:", "clusterID: 1f0c3a7d-02bb-4f6a-8e49-51f0c3a7d926\nprovider:", "gets its clusterID"),
        ("provider:", "environment: kind\nkubernetes: '1.35'\nprovider:", "installs OKD only"),
        ("hive-openstack", "hive-aws", "hive-openstack"),
        ("provider: hive-openstack\n", "", "only a provider takes addresses"),
        ("api: 128.31.20.7", "api: 128.31.20.7/24", "pattern"),
        ("api: 128.31.20.7", "api: 999.1.1.1", "pattern"),
        ("expires: 2026-12-04\n", "", "has no end"),
    ],
)
def test_a_wrong_file_is_refused(fleet: Path, old: str, new: str, reason: str) -> None:
    assert old in TRIAL
    (fleet / "clusters/trial.yaml").write_text(TRIAL.replace(old, new, 1))
    with pytest.raises(FindingsError) as caught:
        generate(fleet, write=False)
    assert any(reason in f"{finding.reason} {finding.remedy}" for finding in caught.value.findings)


def test_a_provider_without_settings_is_refused(repo: Path) -> None:
    (repo / "clusters/trial.yaml").write_text(TRIAL)
    with pytest.raises(FindingsError) as caught:
        generate(repo, write=False)
    assert [finding.name for finding in caught.value.findings] == ["missing-value"]


@pytest.mark.parametrize("name", ["ephemeral-trial", "argocd"])
def test_a_cluster_cannot_have_the_name_of_something_else(name: str, fleet: Path) -> None:
    (fleet / "clusters/trial.yaml").rename(fleet / f"clusters/{name}.yaml")
    with pytest.raises(FindingsError, match="1 findings") as caught:
        load(fleet)
    assert "is reserved" in caught.value.findings[0].reason


def test_a_later_end_changes_nothing_but_the_end(fleet: Path) -> None:
    before = files(fleet)
    text = TRIAL.replace("2026-12-04", str(date(2026, 12, 6)))
    (fleet / "clusters/trial.yaml").write_text(text)
    generate(fleet)
    after = files(fleet)
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {
        "overlays/trial/generated.sha256",
        "overlays/trial/provider/clusterdeployment-trial.yaml",
    }


UPGRADING = TRIAL.replace(
    "release:\n",
    "installs:\n"
    "  version: 4.20.0-okd-scos.9\n"
    f"  image: registry.ci.openshift.org/origin/release-scos@sha256:{'c' * 64}\n"
    "release:\n"
    "  acks: [ack-4.20-api-removals]\n",
)


def test_a_cluster_is_installed_with_one_release_and_upgrades_to_its_own(fleet: Path) -> None:
    (fleet / "clusters/trial.yaml").write_text(UPGRADING)
    generate(fleet)
    objects = provided(fleet)
    (image_set,) = [value for value in objects.values() if value["kind"] == "ClusterImageSet"]
    assert image_set["spec"]["releaseImage"].endswith("c" * 64)

    spec = objects["SyncSet/trial-upgrade"]["spec"]
    assert spec["clusterDeploymentRefs"] == [{"name": "trial"}]
    acks, version = spec["patches"]
    assert (acks["namespace"], acks["name"]) == ("openshift-config", "admin-acks")
    assert json.loads(acks["patch"]) == {"data": {"ack-4.20-api-removals": "true"}}
    assert (version["kind"], version["name"], version["patchType"]) == ("ClusterVersion", "version", "merge")
    wanted = json.loads(version["patch"])["spec"]
    assert wanted["desiredUpdate"]["version"] == "4.21.0-okd-scos.11"
    assert wanted["desiredUpdate"]["image"].endswith(DIGEST)
    assert wanted["upstream"] == load(fleet).spec.upstream
    assert not check(fleet, CACHE, today=date(2026, 12, 1), say=lambda _: None).errors


def test_one_that_upgrades_to_a_release_of_our_own_gets_its_signature_first(fleet: Path) -> None:
    """No store on the network has it; without it the version operator refuses the release."""
    signer = Controller()
    signer.sign(f"registry.ci.openshift.org/origin/release-scos@sha256:{DIGEST}")
    message = base64.b64encode(signer.signatures[f"sha256:{DIGEST}"]).decode()
    (fleet / "clusters/trial.yaml").write_text(
        UPGRADING.replace("  acks:", f"  signature: {message}\n  acks:")
    )
    generate(fleet)
    (resource,) = provided(fleet)["SyncSet/trial-upgrade"]["spec"]["resources"]
    assert resource["binaryData"] == {f"sha256-{DIGEST}-1": message}
    assert (resource["kind"], resource["metadata"]["namespace"]) == ("ConfigMap", "openshift-config-managed")
    assert resource["metadata"]["labels"] == {"release.openshift.io/verification-signatures": ""}
    assert not check(fleet, CACHE, today=date(2026, 12, 1), say=lambda _: None).errors


def test_one_that_is_installed_with_its_release_is_patched_by_nobody(fleet: Path) -> None:
    assert not [name for name in provided(fleet) if name.startswith("SyncSet/")]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("4.20.0-okd-scos.9", "4.21.0-okd-scos.11", "cannot upgrade to"),
        ("4.20.0-okd-scos.9", "4.22.0-okd-scos.0", "cannot upgrade to"),
        ("provider: hive-openstack\n", "server: https://api.trial.example.org:6443\n", "only a provider"),
    ],
)
def test_what_cannot_upgrade_is_refused(fleet: Path, old: str, new: str, reason: str) -> None:
    lines = UPGRADING.replace(old, new, 1).splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("addresses"))
    (fleet / "clusters/trial.yaml").write_text(text)
    with pytest.raises(FindingsError) as error:
        generate(fleet)
    (finding,) = error.value.findings
    assert reason in finding.reason
    assert finding.location.file == "clusters/trial.yaml"
