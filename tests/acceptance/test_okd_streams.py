"""docs/okd-streams.md names every feature; and what holds for all features rendered together."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import golden
from conftest import CACHE, ROOT
from everything import everything, features
from minimal import CATALOG
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.releases.cluster_version import is_cluster_id
from okd_gitops.releases.version import image_fault, outside_channel
from okd_gitops.render import kustomize
from okd_gitops.system.tools import tool
from rendered import FLEET, HUB, OKD, faults, objects, of_kind, report

DOCUMENT = ROOT / "docs/okd-streams.md"
TEXT = DOCUMENT.read_text()
ENVIRONMENTS = pytest.mark.parametrize("environment", ["okd", "kubernetes", "kind"])
# Groups that the API server of every Kubernetes has.
KUBERNETES = {
    *(
        "",
        "apps",
        "batch",
        "autoscaling",
        "policy",
        "networking.k8s.io",
        "rbac.authorization.k8s.io",
        "storage.k8s.io",
    ),
    *("admissionregistration.k8s.io", "apiextensions.k8s.io"),
}
# What an operator brings that is not in git: External Secrets for the feature `secrets`.
BROUGHT = {"external-secrets.io"}


def test_links_have_targets_and_every_feature_is_in_the_table() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert targets
    for target in targets:
        assert (DOCUMENT.parent / target).resolve().exists(), target
    systems = TEXT.partition("\n## Systems")[2].partition("\n## ")[0]
    linked = set(re.findall(r"/catalog/features/([a-z-]+)\)", systems))
    assert linked == set(CATALOG.features)
    for row in re.findall(r"^\| .*\[.*$", systems, re.MULTILINE):
        names = re.findall(r"/catalog/features/([a-z-]+)\)", row)
        said = {environment.strip() for environment in row.split("|")[4].split(",")}
        assert not names or said == {
            str(environment) for name in names for environment in CATALOG.features[name].spec.environments
        }, row


def test_the_document_is_short() -> None:
    assert len(TEXT.splitlines()) <= 150


def test_one_more_okd_minor_is_one_entry_and_a_small_difference(tmp_path: Path) -> None:
    golden.clone(tmp_path)
    text, diff = golden.one_more_line(TEXT, tmp_path)
    assert text == TEXT, "make golden writes it anew"
    assert diff == (ROOT / "tests/acceptance/okd-5.0.diff").read_text(), "make golden writes it anew"
    changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(changed) <= 60
    assert re.findall(r"^\+\+\+ b/(.*)$", diff, re.MULTILINE) == [
        "overlays/moc-hub/generated.sha256",
        "overlays/moc-hub/kustomization.yaml",
        "overlays/moc-hub/scos-pipeline-5.0/kustomization.yaml",
    ]


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every map inside a value."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from walk(each)
    elif isinstance(value, list):
        for each in value:
            yield from walk(each)


@ENVIRONMENTS
def test_all_features_together_fit_their_schemas_and_break_no_rule(environment: str) -> None:
    found = report(environment, features(environment))
    assert [f"{finding.name} {finding.object}: {finding.reason}" for finding in faults(found.findings)] == []
    assert found.without_schema == 0
    assert found.documents > 100


@ENVIRONMENTS
def test_an_environment_gets_only_what_its_api_server_serves(environment: str) -> None:
    values = everything(environment)
    served = (
        KUBERNETES
        | BROUGHT
        | {value["spec"]["group"] for value in of_kind(values, "CustomResourceDefinition").values()}
    )
    if environment == "okd":
        served |= {"operators.coreos.com", "config.openshift.io", "machineconfiguration.openshift.io"}
        served |= {f"{name}.openshift.io" for name in ("build", "image", "route", "security")}
        operators = of_kind(values, "Subscription")
        served |= (
            {"tekton.dev", "triggers.tekton.dev", "operator.tekton.dev"}
            if "tekton-operator" in operators
            else set()
        )
        served |= {"argoproj.io"} if "argocd-operator" in operators else set()
    groups = {value["apiVersion"].rpartition("/")[0] for value in values}
    assert groups - served == set()


@ENVIRONMENTS
def test_no_object_has_a_removed_api_version(environment: str) -> None:
    values = everything(environment)
    made = [
        each
        for value in of_kind(values, "TriggerTemplate").values()
        for each in value["spec"]["resourcetemplates"]
    ]
    for value in (*values, *made):
        kind, (group, _, version) = value["kind"], value["apiVersion"].partition("/")
        assert kind != "ClusterTask"
        if group == "tekton.dev":
            assert version == ("v1beta1" if kind == "StepAction" else "v1")
        if group == "triggers.tekton.dev":
            assert version == ("v1alpha1" if kind in ("Interceptor", "ClusterInterceptor") else "v1beta1")


def test_kustomizations_use_current_fields_and_patch_by_name(generated: Path) -> None:
    paths = [
        path
        for folder in ("bases", "overlays", "argocd")
        for path in (generated / folder).rglob("kustomization.yaml")
    ]
    assert len(paths) > 20
    for path in paths:
        document = yaml.safe_load(path.read_text())
        assert document.keys() <= {"apiVersion", "kind", "resources", "patches", "components"}, path
        for patch in document.get("patches", ()):
            assert {"kind", "name"} <= patch["target"].keys()
            tested: list[str] = []
            for step in yaml.safe_load(patch["patch"]):
                tested += [step["path"]] if step["op"] == "test" else []
                for item in re.findall(r"^(.*?/\d+)(?=/)", step["path"]):
                    assert any(one.startswith(f"{item}/") for one in tested), (
                        f"{path}: {step['path']} goes by a number that nothing tests"
                    )


@ENVIRONMENTS
def test_no_image_floats(environment: str) -> None:
    images = [
        each["image"]
        for value in everything(environment)
        for each in walk(value)
        if isinstance(each.get("image"), str)
    ]
    assert len(images) > 30
    for image in images:
        # A parameter of a Task gets its digest from who starts it, and floating-image looks at that.
        assert re.search(r"@sha256:[0-9a-f]{64}$", image) or re.fullmatch(r"\$\(params\.[a-z-]+\)", image), (
            image
        )


@ENVIRONMENTS
def test_every_step_and_container_requests_resources(environment: str) -> None:
    values = everything(environment)
    steps = [
        task["spec"].get("stepTemplate", {}) | step
        for task in of_kind(values, "Task").values()
        for step in task["spec"]["steps"]
    ]
    assert len(steps) > 20
    for step in steps:
        assert {"cpu", "memory"} <= step["computeResources"]["requests"].keys()
        assert "resources" not in step
    for template in of_kind(values, "TriggerTemplate").values():
        for run in template["spec"]["resourcetemplates"]:
            assert "serviceAccountName" in run["spec"]["taskRunTemplate"]


@pytest.mark.parametrize("environment", ["okd", "kubernetes"])
def test_a_network_policy_says_who_reaches_each_listener(environment: str) -> None:
    values = everything(environment)
    # Where there is no Route, somebody else decides how the forge reaches the listeners that it calls.
    listeners = {
        name: value
        for name, value in of_kind(values, "EventListener").items()
        if environment == "okd" or not name.endswith("-sources")
    }
    assert len(listeners) >= 4
    policies = [
        (value["metadata"]["namespace"], value["spec"]["podSelector"]["matchLabels"])
        for value in of_kind(values, "NetworkPolicy").values()
    ]
    for name, value in listeners.items():
        assert (value["metadata"]["namespace"], {"eventlistener": name}) in policies


@ENVIRONMENTS
def test_nothing_comes_from_a_repository_of_one_person(environment: str) -> None:
    people = re.compile(r"zzlotnik|cheesesashimi|luzuccar|aleskandro|cgwalters")
    personal = {value["metadata"]["name"] for value in everything(environment) if people.search(str(value))}
    assert personal == set()


def test_no_release_line_is_built_from_a_branch_without_sources() -> None:
    """master of openshift/os has no CoreOS, release-4.23 and release-5.1 build 5.0: neither follows from a
    minor, and each is said by a person or is an error.
    """
    lines = (
        "  tekton:\n"
        "  kvm-device-plugin:\n"
        "  scos-pipeline:\n"
        '    releases: [{{minor: "{}", stream: next, schedule: 0 0 * * *}}]\n'
    )
    for minor in ("4.16", "4.17", "4.18", "4.20", "4.22", "5.0"):
        (cron,) = of_kind(objects("okd", lines.format(minor)), "CronJob").values()
        (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        values = {each["name"]: each.get("value") for each in container["env"]}
        assert values["BRANCH"] == f"release-{minor}"
        old = minor in ("4.17", "4.18")
        assert values["VARIANT"] == ("okd-c9s" if old else "c9s" if minor == "4.16" else "c10s")
    for minor in ("4.23", "5.1"):
        with pytest.raises(FindingsError):
            objects("okd", lines.format(minor))


def test_every_file_of_the_catalog_is_used() -> None:
    for name, feature in CATALOG.features.items():
        used = {part for parts in feature.spec.environments.values() for part in parts}
        assert {
            path.name
            for path in (ROOT / "generator/okd_gitops/catalog/features" / name).iterdir()
            if path.is_dir()
        } == used, name
        for part in used:
            assert feature.objects(part), f"{name}/{part} is empty"


def test_git_contains_text_only() -> None:
    listed = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
        .stdout.decode()
        .split("\0")
    )
    paths = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    assert len(paths) > 300
    for path in paths:
        assert "\0" not in path.read_text(encoding="utf-8"), path


def test_the_fleet_requests_releases_in_the_form_that_the_operator_accepts(generated: Path) -> None:
    names = [path.parent.name for path in (generated / "overlays").glob("*/kustomization.yaml")]
    rendering = kustomize.render(
        generated, {f"overlays/{name}": name for name in names}, tool(CACHE, "kustomize"), workers=2
    )
    found = [
        document.value
        for name in names
        for document in rendering.documents[f"overlays/{name}"]
        if document.value["kind"] == "ClusterVersion"
    ]
    assert len(found) >= 4
    for value in found:
        spec, wanted = value["spec"], value["spec"]["desiredUpdate"]
        assert (value["apiVersion"], value["metadata"]["name"]) == ("config.openshift.io/v1", "version")
        assert is_cluster_id(spec["clusterID"])
        assert spec["upstream"].startswith("https://")
        assert "api.openshift.com" not in spec["upstream"]
        assert not outside_channel(wanted["version"], spec["channel"])
        assert not image_fault(wanted["image"])
        assert not wanted.get("architecture")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("purpose: ephemeral\n", "expires and needs"),
        ("purpose: test\nexpires: 2030-01-31\n", "must not expire"),
        ("purpose: cd\nexpires: 2030-01-31\n", "must not expire"),
    ],
)
def test_only_ephemeral_clusters_have_an_expiry_date(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text(f"purpose: hub\n{HUB}")
    (tmp_path / "clusters/x.yaml").write_text(f"{text}{OKD}")
    with pytest.raises(FindingsError) as error:
        generate(tmp_path)
    (finding,) = error.value.findings
    assert said in finding.reason


def test_removing_the_file_deletes_an_ephemeral_cluster_and_no_other(generated: Path) -> None:
    applications = {
        path.parent.name: yaml.safe_load(path.read_text())
        for path in (generated / "argocd").glob("*/application.yaml")
    }
    finalizers = {name: value["metadata"].get("finalizers", []) for name, value in applications.items()}
    assert finalizers["moc-pr-412"] == ["resources-finalizer.argocd.argoproj.io"]
    assert [name for name, value in finalizers.items() if value] == ["moc-pr-412"]
