"""explain: each value of a cluster is traced to its patch, its base, and the line that caused it."""

import subprocess
from pathlib import Path

import pytest

from conftest import CACHE
from okd_gitops.errors import UsageError
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.generate.causes import features_of
from okd_gitops.generate.origins import Origin, Origins
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import plan
from okd_gitops.manifests.field_path import find
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.manifests.plain import plain_values
from small_plan import RELEASE, cluster, fleet

OWN = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, namespace: build}\ndata: {a: b}\n"
EXTRAS = {"kustomization.yaml": b"resources: [own.yaml]\n", "own.yaml": OWN}
COMPONENT = {
    "kustomization.yaml": (
        b"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [own.yaml]\n"
    ),
    "own.yaml": OWN,
}
ENTRY_BASE = (
    'bases/build/line/cronjob-build.yaml: spec: {env: [{name: MINOR, value: "4.20"}, '
    "{name: BRANCH, value: release-4.20}]}"
)
X = f"""\
purpose: test
{RELEASE}features:
  build:
    mode: fast
    lines:
    - minor: "4.22"
    - {{minor: "4.18", branch: mine}}
"""


def small(extras: dict[str, bytes] | None = None) -> Fleet:
    return fleet(cluster("hub", f"purpose: hub\n{RELEASE}"), cluster("x", X, extras))


def explained(name: str, field: str, extras: dict[str, bytes] | None = None) -> Origin:
    """Return the origin of a field of the cluster x."""
    whole = small(extras)
    planned = plan(whole)

    return Origins(whole, planned.clusters[1], render(planned)).of(name, field)


def told(found: Origin) -> list[tuple[str, str]]:
    """Return each step's kind with its line in its file, or with its reason where there is none."""
    return [
        (step.kind, f"{step.location.file}: {step.location.text.strip()}" if step.location else step.reason)
        for step in found.steps
    ]


@pytest.mark.parametrize(
    ("name", "field", "value", "steps"),
    [
        (
            "ConfigMap/build",
            "data.mode",
            "fast",
            [
                ("patch", "overlays/x/kustomization.yaml: path: /data/mode"),
                ("base", "bases/build/common/configmap-build.yaml: data: {mode: slow}"),
                ("cause", "clusters/x.yaml: mode: fast"),
            ],
        ),
        (
            # The base has no such field, and the parameter takes it from another place in the file.
            "ConfigMap/build/build",
            "data.channel",
            "stable-scos-4",
            [
                ("patch", "overlays/x/kustomization.yaml: path: /data/channel"),
                ("base", "bases/build/common/configmap-build.yaml: data: {mode: slow}"),
                ("cause", "clusters/x.yaml: channel: stable-scos-4"),
            ],
        ),
        (
            # A copy for an entry of a list, with a value that the entry gives.
            "CronJob/build-4.18",
            "spec.env[name=BRANCH].value",
            "mine",
            [
                ("patch", "overlays/x/build-4.18/kustomization.yaml: path: /spec/env/1/value"),
                (
                    "base",
                    ENTRY_BASE,
                ),
                ("cause", 'clusters/x.yaml: - {minor: "4.18", branch: mine}'),
            ],
        ),
        (
            # A value that follows from the entry's key.
            "CronJob/build-4.22",
            "spec.env[1].value",
            "release-4.22",
            [
                ("patch", "overlays/x/build-4.22/kustomization.yaml: path: /spec/env/1/value"),
                (
                    "base",
                    ENTRY_BASE,
                ),
                ("cause", 'clusters/x.yaml: - minor: "4.22"'),
            ],
        ),
        (
            "CronJob/build-4.22",
            "metadata.name",
            "build-4.22",
            [
                ("patch", "overlays/x/build-4.22/kustomization.yaml: path: /metadata/name"),
                ("base", "bases/build/line/cronjob-build.yaml: metadata: {name: build, namespace: build}"),
                ("cause", 'clusters/x.yaml: - minor: "4.22"'),
            ],
        ),
        (
            "ClusterRole/tools",
            "rules",
            [],
            [
                ("patch", "none: the base has this value already"),
                ("base", "bases/tools/p/clusterrole-tools.yaml: rules: []"),
                ("cause", "the feature tools has it so; no parameter sets it"),
            ],
        ),
        (
            "Namespace/build",
            "metadata.labels.a",
            "b",
            [("file", "overlays/x/namespace-build.yaml: a: b")],
        ),
        (
            "Application/x",
            "spec.destination.name",
            "x",
            [("file", "argocd/x/application.yaml: name: x")],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_is_traced_to_its_cause(
    name: str, field: str, value: object, steps: list[tuple[str, str]]
) -> None:
    found = explained(name, field)

    assert (found.value, told(found)) == (value, steps)


def test_what_people_wrote_beside_the_cluster_file_is_found_there() -> None:
    found = explained("ConfigMap/own", "data.a", EXTRAS)

    assert told(found) == [("file", "clusters/x/own.yaml: data: {a: b}")]


def test_a_component_is_named_because_it_may_change_everything() -> None:
    kinds = [step.kind for step in explained("ConfigMap/build", "data.mode", COMPONENT).steps]

    assert kinds == ["patch", "base", "cause", "extras"]


def test_an_object_without_a_field_lists_what_parameters_set() -> None:
    assert explained("ConfigMap/build", "").fields == ("data.mode", "data.channel")


@pytest.mark.parametrize(
    ("name", "field", "reason", "remedy"),
    [
        ("ConfigMap/bild", "data", 'no object "ConfigMap/bild"', 'did you mean "ConfigMap/build"?'),
        ("ConfigMap/build", "data.mod", 'no field "data.mod"', 'did you mean "data.mode"?'),
        (
            "CronJob/build-4.18",
            "spec.env[name=BRANCHE].value",
            'no field "spec.env[name=BRANCHE].value"',
            'did you mean "spec.env[name=BRANCH]"?',
        ),
        ("ConfigMap/build", "data..mode", 'cannot be read from ".mode" on', "write it like spec.channel"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(name: str, field: str, reason: str, remedy: str) -> None:
    with pytest.raises(UsageError) as refused:
        explained(name, field)

    assert reason in refused.value.reason
    assert remedy in refused.value.remedy


def test_a_field_alone_is_looked_for_in_all_objects() -> None:
    found = explained("data.channel", "")

    assert (found.object.name, found.field, found.value) == ("build", "data.channel", "stable-scos-4")
    with pytest.raises(UsageError) as several:
        explained("spec.env", "")
    assert several.value.remedy.endswith(": CronJob/build/build-4.18, CronJob/build/build-4.22")
    with pytest.raises(UsageError, match="none that has such a field"):
        explained("spec.chanel", "")


def test_two_objects_of_one_name_are_told_apart_by_their_namespaces() -> None:
    other = {
        **EXTRAS,
        "own.yaml": OWN.replace(b"name: own, namespace: build", b"name: build, namespace: other"),
    }

    with pytest.raises(UsageError) as refused:
        explained("ConfigMap/build", "data", other)

    assert refused.value.remedy == "write one of: ConfigMap/build/build, ConfigMap/other/build"
    assert explained("ConfigMap/other/build", "data.a", other).value == "b"


def test_features_tell_which_parameters_a_file_sets() -> None:
    whole = small()
    build, tools = features_of(whole, plan(whole).clusters[1])
    shown = {
        parameter.name: (parameter.given.is_set, parameter.given.reason) for parameter in build.parameters
    }

    assert (build.name, build.given.is_set, tools.name, tools.given.is_set) == ("build", True, "tools", False)
    assert tools.given.reason == "the purpose test brings it"
    assert shown["mode"] == (True, "the cluster file sets it")
    assert shown["channel"] == (True, "release.channel sets it")
    assert shown["lines"] == (True, "the cluster file sets it")


@pytest.fixture(scope="module")
def of_hub(generated: Path) -> Origins:
    """The objects of the example fleet's hub."""
    whole = load(generated)
    planned = plan(whole)
    hub = next(each for each in planned.clusters if each.cluster.name == "moc-hub")

    return Origins(whole, hub, render(planned))


def test_every_parameter_of_a_hub_is_traced_to_the_value_that_kustomize_writes(
    generated: Path, of_hub: Origins
) -> None:
    command = [str(CACHE / "bin/kustomize"), "build", str(generated / "overlays/moc-hub")]
    built = subprocess.run(command, capture_output=True, check=True)
    seen = 0

    for value in plain_values(built.stdout):
        identity = ObjectId.of(value)
        name = "/".join(filter(None, (identity.kind, identity.namespace, identity.name)))

        for field in of_hub.of(name, "").fields:
            found = of_hub.of(name, field)
            assert found.value == find(value, field)[1]
            assert any(step.kind == "cause" for step in found.steps)
            seen += 1

    assert seen > 50


def test_a_name_that_is_like_no_other_is_told_how_to_write_one(of_hub: Origins) -> None:
    with pytest.raises(UsageError) as refused:
        of_hub.of("Deployment", "")

    assert refused.value.remedy.startswith("write it as Kind/name, such as ")
