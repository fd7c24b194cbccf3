"""ExternalSecrets follow from the tables of the features that a cluster has; what is refused."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import golden
from cluster_files import OS_LAYER_BUILDS
from okd_gitops.cli.explain import explain
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import Environment
from okd_gitops.fleet.feature import FeatureSpec, SecretNeed, load_catalog
from okd_gitops.generate.applications import argocd_files
from okd_gitops.generate.overlays import render
from okd_gitops.generate.secret_needs import secret_needs
from okd_gitops.manifests.objects import mappings
from okd_gitops.system.disk import read_catalog
from okd_gitops.tree import Tree
from rendered import invalid, objects, of_kind, planned

CATALOG = load_catalog(read_catalog())
TABLE = {
    (need.namespace, name): need
    for feature in CATALOG.features.values()
    for name, need in feature.spec.secrets.items()
}
STORE = """\
  secrets:
    prefix: okd/x
    vault:
    - {name: vault, server: "https://vault.example.org:8200", mount: kv, auth-mount: okd-x, role: okd-x}
"""
PIPELINE = "  tekton:\n  kvm-device-plugin:\n  scos-pipeline:\n"
RELEASES = '    releases:\n    - {minor: "4.20", stream: stable, schedule: 30 6 * * *}\n'
UPLOADS = "    upload-container-images: true\n    s3-bucket: scos\n    notify-matrix: true\n"
LAYER = "  notify:\n  os-layer-build:\n    push: true\n    notify: true\n"
EVERYTHING = STORE + PIPELINE + UPLOADS + RELEASES + OS_LAYER_BUILDS + LAYER


def made(values: tuple[dict[str, Any], ...]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (value["metadata"]["namespace"], value["metadata"]["name"]): value
        for value in values
        if value["kind"] == "ExternalSecret"
    }


def test_the_table_of_secrets_makes_the_external_secrets() -> None:
    values = objects("okd", EVERYTHING)
    secrets = made(values)
    features = ("notify", "scos-pipeline", "os-layer", "os-layer-build")
    table = {
        (need.namespace, name): need
        for each in features
        for name, need in CATALOG.features[each].spec.secrets.items()
    }
    assert secrets.keys() == table.keys()
    for place, value in secrets.items():
        assert value["apiVersion"] == "external-secrets.io/v1"
        assert value["spec"]["target"]["template"]["type"] == table[place].type
        assert [entry["secretKey"] for entry in value["spec"]["data"]] == list(table[place].keys)
        assert {entry["remoteRef"]["key"] for entry in value["spec"]["data"]} == {
            f"okd/x/{place[0]}/{place[1]}"
        }
        assert value["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    assert invalid(values) == []


def test_an_entry_with_a_namespace_has_its_secrets_there() -> None:
    feature = CATALOG.features["okd-stream"]
    unsigned, signed = {"name": "hpc", "notify": True}, {"name": "next", "fingerprint": "A", "publish": True}

    def needed(*streams: object) -> set[str]:
        needs = secret_needs([feature], {"okd-stream": {"streams": [*streams]}}, Environment.OKD)
        return {f"{need.namespace}/{need.name}" for need in needs}

    everywhere = {"okd-stream-registry", "okd-stream-clusters", "okd-payload-push"}
    of_hpc = {f"okd-stream-hpc/{name}" for name in (*everywhere, "okd-stream-notify")}
    of_next = {f"okd-stream-next/{name}" for name in (*everywhere, "okd-stream-git")}
    signing = {"okd-signing/okd-signing-keys", "okd-signing/okd-signing-registry"}
    assert needed(unsigned) == of_hpc
    assert needed(unsigned, signed) == of_hpc | of_next | signing
    # What is wrong with a list is found where it is placed.
    assert needed("hpc", None) == set()


def test_documents_and_explain_print_the_same_table() -> None:
    reference = golden.reference()
    assert TABLE
    for name, feature in CATALOG.features.items():
        text = explain(name, lambda: CATALOG)
        for secret, need in feature.spec.secrets.items():
            place = f"{feature.spec.shown_namespace(need.namespace)}/{secret}"
            assert f"  {place} ({need.type}): {', '.join(need.keys)}; {need.used}" in text
            assert ("; only with " in text) == any(each.when for each in feature.spec.secrets.values())
            assert (
                f"| `{name}` | `{place}` | {need.type} | {', '.join(need.keys)} | "
                f"{need.origin} | {need.when or ''} | {need.used} |"
            ) in reference


def read_secrets(spec: FeatureSpec, files: Tree) -> Iterator[tuple[str, str, str]]:
    """Yield (namespace, name, key) of every Secret that a feature's objects read by a field of their own."""
    for path in files:
        value = yaml.safe_load(files[path])
        for inner in mappings(value):
            reference = inner.get("secretKeyRef")
            if isinstance(reference, dict):
                yield value["metadata"].get("namespace", ""), reference["name"], reference["key"]


@pytest.mark.parametrize(
    "name", sorted(name for name, feature in CATALOG.features.items() if feature.spec.secrets)
)
def test_the_table_lists_exactly_the_secrets_that_objects_read(name: str) -> None:
    feature = CATALOG.features[name]
    for namespace, secret, key in read_secrets(feature.spec, feature.files):
        assert key in TABLE[namespace, secret].keys
    text = b"\n".join(feature.files[path] for path in feature.files).decode()
    for secret in feature.spec.secrets:
        assert re.search(rf"\b{re.escape(secret)}\b", text)


def test_only_what_the_parameters_ask_for_is_fetched() -> None:
    assert made(objects("kubernetes", STORE + PIPELINE + RELEASES)).keys() == {
        ("okd-coreos", "okd-coreos-trigger")
    }
    asked = made(objects("kubernetes", STORE + PIPELINE + "    notify-matrix: true\n" + RELEASES))
    assert asked.keys() == {("okd-coreos", "okd-coreos-trigger"), ("okd-coreos", "okd-matrix-bot-auth")}


def test_without_the_feature_there_is_none_and_kind_has_no_need() -> None:
    assert made(objects("okd", PIPELINE + RELEASES)) == {}
    with pytest.raises(FindingsError) as error:
        objects("kind", STORE)
    assert [finding.name for finding in error.value.findings] == ["unsuitable-feature"]


def test_the_store_is_for_the_namespaces_of_the_secrets_and_no_others() -> None:
    (store,) = of_kind(objects("okd", EVERYTHING), "ClusterSecretStore").values()
    assert store["metadata"]["name"] == "vault"
    assert store["spec"]["conditions"] == [
        {"namespaces": ["okd-coreos", "okd-layer", "okd-notify", "openshift-machine-config-operator"]}
    ]
    vault = store["spec"]["provider"]["vault"]
    assert (vault["server"], vault["path"], vault["auth"]["kubernetes"]["mountPath"]) == (
        "https://vault.example.org:8200",
        "kv",
        "okd-x",
    )
    assert vault["auth"]["kubernetes"]["role"] == "okd-x"


PLAIN_STORE = {
    "features/plain-store/feature.yaml": b"""\
summary: A store that is written once.
environments: {okd: [p]}
externalSecrets: {store: store, kind: kind, prefix: prefix}
parameters:
  store: {summary: Name., default: plain}
  kind: {summary: Kind., default: ClusterSecretStore}
  prefix: {summary: Prefix., default: moc}
""",
    "features/plain-store/p/clustersecretstore-plain.yaml": b"""\
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: plain}
spec: {provider: {fake: {data: []}}}
""",
}


def test_a_store_that_no_parameter_changes_is_restricted_too() -> None:
    catalog = Tree({**catalog_with(a="keys: [one]"), **PLAIN_STORE})
    tree = render(planned(catalog, "  a:\n  plain-store:\n"))
    patches = yaml.safe_load(tree["overlays/hub/kustomization.yaml"])["patches"]
    by_kind = {patch["target"]["kind"]: yaml.safe_load(patch["patch"]) for patch in patches}
    assert by_kind["ClusterSecretStore"] == [
        {"op": "add", "path": "/spec/conditions", "value": [{"namespaces": ["x"]}]}
    ]


def test_a_store_that_somebody_else_made() -> None:
    values = objects(
        "okd",
        "  secrets:\n    store: opf-vault-store\n    store-kind: SecretStore\n    prefix: moc\n"
        + PIPELINE
        + RELEASES,
    )
    assert of_kind(values, "ClusterSecretStore") == {}
    assert {value["spec"]["secretStoreRef"]["name"] for value in made(values).values()} == {"opf-vault-store"}


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("  secrets:\n", "missing-parameter", '"prefix" is missing'),
        ("  secrets:\n    prefix: ../x\n", "invalid-value", "does not match"),
        (
            "  secrets:\n    prefix: x\n    store-kind: Vault\n",
            "invalid-value",
            "ClusterSecretStore, SecretStore is expected",
        ),
        (STORE.replace("https://", "http://"), "invalid-value", "does not match"),
        (STORE.replace("okd/x", "okd/x\n    tokn: s3cr3t"), "not-in-catalog", 'no parameter "tokn"'),
    ],
)
def test_what_is_refused(text: str, code: str, reason: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", text)
    assert [finding.name for finding in error.value.findings] == [code]
    assert reason in error.value.findings[0].reason


def catalog_with(**secrets: str) -> Tree:
    """The catalog with a feature more for each keyword: its table of one Secret."""
    source = read_catalog()
    more = {}
    for name, row in secrets.items():
        more[f"features/{name}/feature.yaml"] = (
            f"summary: X.\nenvironments: {{okd: [p]}}\nsecrets:\n  shared: {{namespace: x, {row}, used: x}}\n"
        ).encode()
        more[f"features/{name}/p/configmap-{name}.yaml"] = (
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: x}}\n".encode()
        )
    return Tree({**{path: source[path] for path in source}, **more})


def test_two_features_may_share_a_secret() -> None:
    (cluster,) = planned(
        catalog_with(a="keys: [one]", b="keys: [two, one]"), "  secrets:\n    prefix: p\n  a:\n  b:\n"
    ).clusters
    (secret,) = cluster.external_secrets
    assert [entry["secretKey"] for entry in secret["spec"]["data"]] == ["one", "two"]


def test_two_types_of_one_secret_are_a_fault_of_the_catalog() -> None:
    with pytest.raises(FindingsError) as error:
        planned(
            catalog_with(a="keys: [one]", b="type: kubernetes.io/tls, keys: [tls.key]"),
            "  secrets:\n    prefix: p\n  a:\n  b:\n",
        )
    assert [finding.name for finding in error.value.findings] == ["broken-feature"]


def test_the_project_permits_the_external_secrets() -> None:
    files = argocd_files(planned(catalog_with(a="keys: [one]"), "  secrets:\n    prefix: p\n  a:\n"))
    project = yaml.safe_load(files["argocd/hub/appproject.yaml"])["spec"]
    assert {"group": "external-secrets.io", "kind": "ExternalSecret"} in project["namespaceResourceWhitelist"]
    assert "x" in {each["namespace"] for each in project["destinations"]}


def test_registry_credentials_have_the_type_dockerconfigjson() -> None:
    docker = {place: need for place, need in TABLE.items() if ".dockerconfigjson" in need.keys}
    assert docker
    assert {need.type for need in docker.values()} == {"kubernetes.io/dockerconfigjson"}
    assert {need.keys for need in docker.values()} == {(".dockerconfigjson",)}
    assert not [
        place
        for place, need in TABLE.items()
        if need.type == "kubernetes.io/dockerconfigjson" and place not in docker
    ]


def test_a_need_that_depends_on_nothing_is_a_fault_of_the_feature() -> None:
    need = SecretNeed(namespace="x", keys=("k",), used="x", when="nothing")
    with pytest.raises(ValueError, match="depends on nothing, which is no parameter"):
        FeatureSpec(summary="X.", environments={Environment.OKD: ("p",)}, secrets={"s": need})
