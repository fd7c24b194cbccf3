"""Cluster files out of repositories that others wrote: the layouts, faults and hostile files of real ones."""

import json
from pathlib import Path

import pytest
import yaml

from conftest import Run, files
from okd_gitops.lifecycle.import_repository import Import, import_

ID = "1d6b40e2-93af-4c58-b7d1-6a2f0e85c394"
IMAGE = "quay.io/okd/scos-release@sha256:" + "ab" * 32
CV = "apiVersion: config.openshift.io/v1\nkind: ClusterVersion\nmetadata:\n  name: version\nspec:\n"
FULL = (
    f"{CV}  clusterID: {ID}\n"
    "  channel: stable-scos-4\n"
    "  desiredUpdate:\n"
    "    version: 4.22.0-okd-scos.0\n"
    f"    image: {IMAGE}\n"
)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def put(root: Path, contents: dict[str, str]) -> None:
    for path, text in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def imported(repo: Path, other: Path, contents: dict[str, str], *, write: bool = False) -> Import:
    put(other, contents)
    return import_(repo, other, write=write)


def found(result: Import) -> list[tuple[str, str, str]]:
    return [(finding.name, str(finding.location), finding.severity) for finding in result.findings]


def values(result: Import) -> dict[str, object]:
    return {cluster.name: yaml.safe_load(cluster.content) for cluster in result.clusters}


def test_a_manifest_of_an_overlay(repo: Path, other: Path) -> None:
    layout = {
        "cluster-scope/overlays/prod/kustomization.yaml": "resources: [clusterversion.yaml]\n",
        "cluster-scope/overlays/prod/clusterversion.yaml": FULL,
    }
    before = files(repo)
    result = imported(repo, other, layout)
    assert values(result) == {
        "prod": {
            "purpose": "FILL-IN",
            "server": "FILL-IN",
            "clusterID": ID,
            "release": {"channel": "stable-scos-4", "version": "4.22.0-okd-scos.0", "image": IMAGE},
        }
    }
    (cluster,) = result.clusters
    assert (cluster.unknown, cluster.source) == (
        ("purpose", "server"),
        "cluster-scope/overlays/prod/clusterversion.yaml",
    )
    assert "purpose: FILL-IN   # hub, cd, test or ephemeral\n" in cluster.content
    assert (result.findings, result.written) == ((), ())
    assert not (repo / "clusters/prod.yaml").exists(), "without --write it only says"
    assert files(repo) == before


def test_the_written_file_is_a_valid_cluster_once_it_is_filled_in(
    repo: Path, other: Path, okd_gitops: Run
) -> None:
    put(
        other,
        {"overlays/staging/kustomization.yaml": "resources: [cv.yaml]\n", "overlays/staging/cv.yaml": FULL},
    )
    done = okd_gitops("import", str(other), "--write")
    assert (done.returncode, done.stderr) == (0, "")
    file = repo / "clusters/staging.yaml"
    refused = okd_gitops("generate")
    assert refused.returncode == 2
    assert "clusters/staging.yaml:3" in refused.stderr
    text = (
        file.read_text()
        .replace("purpose: FILL-IN", "purpose: test")
        .replace("server: FILL-IN", "server: https://api.staging.massopen.cloud:6443")
    )
    file.write_text(text)
    done = okd_gitops("generate")
    assert (done.returncode, done.stderr) == (0, "")
    assert (repo / "overlays/staging/kustomization.yaml").exists()


def test_a_base_and_patches(repo: Path, other: Path) -> None:
    partial = f"{CV}  channel: stable-scos-4\n  desiredUpdate:\n    version: 4.22.0-okd-scos.0\n"
    inline = (
        "resources: [../../base]\n"
        "patches:\n"
        "- patch: |-\n"
        "    apiVersion: config.openshift.io/v1\n"
        "    kind: ClusterVersion\n"
        f"    metadata: {{name: version}}\n    spec:\n      clusterID: {ID}\n      channel: 4-scos-stable\n"
    )
    operations = (
        "resources: [../../base]\npatches:\n- target: {kind: ClusterVersion, name: version}\n  patch: |-\n"
        "    - {op: replace, path: /spec/channel, value: next-scos-4}\n"
        "- target:\n"
        "    kind: ClusterVersion\n"
        "  path: ops.yaml\n"
    )
    result = imported(
        repo,
        other,
        {
            "base/kustomization.yaml": "resources: [version]\n",
            "base/version/kustomization.yaml": "resources: [clusterversion.yaml]\n",
            "base/version/clusterversion.yaml": (
                f"{CV}  channel: stable-scos-4.20\n  upstream: https://example.org/graph\n"
            ),
            "overlays/file/kustomization.yaml": (
                "resources: [../../base]\npatches:\n- path: patches/cv.yaml\n"
            ),
            "overlays/file/patches/cv.yaml": partial,
            "overlays/old/kustomization.yaml": "bases: [../../base]\npatchesStrategicMerge: [cv.yaml]\n",
            "overlays/old/cv.yaml": partial,
            "overlays/inline/kustomization.yaml": inline,
            "overlays/ops/kustomization.yaml": operations,
            "overlays/ops/ops.yaml": (
                "- op: add\n"
                "  path: /spec/desiredUpdate\n"
                f"  value: {{version: 4.22.0-okd-scos.0, image: '{IMAGE}'}}\n"
            ),
        },
    )
    releases = {name: value["release"] for name, value in values(result).items() if isinstance(value, dict)}
    merged = {
        "channel": "stable-scos-4",
        "version": "4.22.0-okd-scos.0",
        "image": "FILL-IN",
        "upstream": "https://example.org/graph",
    }
    assert sorted(releases) == ["file", "inline", "old", "ops"]
    assert releases["file"] == releases["old"] == merged
    assert releases["inline"]["channel"] == "4-scos-stable"
    assert releases["ops"] == {**merged, "channel": "next-scos-4", "image": IMAGE}
    # The stream's name stands in the tenth line of the kustomization, inside its block of text.
    assert found(result) == [("stream-as-channel", "overlays/inline/kustomization.yaml:9:16", "error")]


def test_a_list_and_acknowledgements(repo: Path, other: Path) -> None:
    listed = "apiVersion: v1\nkind: List\nitems:\n- " + FULL.replace("\n", "\n  ").rstrip() + "\n"
    generator = (
        "resources: [cv.yaml]\n"
        "configMapGenerator:\n"
        "- name: admin-acks\n"
        "  literals: [ack-4.21-kube-in-4.22=true, ack-x=false]\n"
    )
    manifest = (
        "apiVersion: v1\n"
        "kind: ConfigMap\n"
        "metadata: {name: admin-acks, namespace: openshift-config}\n"
        "data: {ack-4.18-boot: 'true'}\n"
    )
    result = imported(
        repo,
        other,
        {
            "overlays/a/kustomization.yaml": generator,
            "overlays/a/cv.yaml": listed,
            "overlays/b/kustomization.yaml": "resources: [cv.yaml, acks.yaml]\n",
            "overlays/b/cv.yaml": FULL,
            "overlays/b/acks.yaml": manifest,
        },
    )
    assert [value["release"]["acks"] for value in values(result).values() if isinstance(value, dict)] == [
        ["ack-4.21-kube-in-4.22"],
        ["ack-4.18-boot"],
    ]
    assert result.findings == ()


def test_files_that_no_kustomization_lists(repo: Path, other: Path) -> None:
    result = imported(
        repo,
        other,
        {
            "clusters/edge/config.openshift.io/clusterversions/version.yaml": FULL,
            "notes.yaml": "kind: ClusterVersions\n",
        },
    )
    assert list(values(result)) == ["edge"]


def test_faults_have_places_and_are_kept_as_git_has_them(repo: Path, other: Path) -> None:
    text = (
        f"{CV}  clusterID: infra\n"
        "  channel: stable-scos-4.21\n"
        "  desiredUpdate:\n"
        "    version: 4.22.0-okd-scos.0\n"
        f"    image: quay.io/okd/scos-release@sha256:{'ab' * 6}\n    force: true\n"
    )
    result = imported(
        repo,
        other,
        {"overlays/a/kustomization.yaml": "resources: [cv.yaml]\n", "overlays/a/cv.yaml": text},
        write=True,
    )
    file = "overlays/a/cv.yaml"
    assert found(result) == [
        ("wrong-cluster-identity", f"{file}:6:14", "error"),
        ("version-outside-channel", f"{file}:9:14", "error"),
        ("floating-release", f"{file}:10:12", "error"),
        ("forced-update", f"{file}:11:12", "error"),
    ]
    assert {finding.clusters for finding in result.findings} == {("a",)}
    assert result.written == ("clusters/a.yaml",)
    assert "clusterID: infra\n" in (repo / "clusters/a.yaml").read_text()
    assert "force" not in (repo / "clusters/a.yaml").read_text()


def test_versions_of_openshift_are_told_from_okds(repo: Path, other: Path) -> None:
    result = imported(
        repo,
        other,
        {
            "overlays/a/kustomization.yaml": "resources: [cv.yaml]\n",
            "overlays/a/cv.yaml": f"{CV}  channel: 4\n  desiredUpdate: {{version: 4.19.7}}\n",
        },
    )
    assert [(finding.name, finding.reason) for finding in result.findings] == [
        ("invalid-value", "channel is not a text"),
        ("invalid-value", '"4.19.7" is not an OKD version'),
    ]
    assert result.clusters[0].unknown == ("purpose", "server", "clusterID", "channel", "image")


def test_a_cluster_without_a_version_in_git_needs_it_filled_in(repo: Path, other: Path) -> None:
    result = imported(
        repo,
        other,
        {
            "overlays/a/cv.yaml": f"{CV}  channel: stable-scos-4\n",
            "overlays/b/cv.yaml": f"{CV}  desiredUpdate: null\n",
        },
    )
    assert [(cluster.name, cluster.unknown) for cluster in result.clusters] == [
        ("a", ("purpose", "server", "clusterID", "version", "image"))
    ]
    assert result.findings == ()


@pytest.mark.parametrize(
    ("hostile", "code"),
    [
        (FULL + "x: &a [1]\ny: *a\n", "document-too-complex"),
        (FULL + "metadata: {}\n", "duplicate-key"),
        (FULL + "x: !!python/object/apply:os.system [id]\n", "ambiguous-yaml"),
        (FULL + "x: " + "[" * 200 + "]" * 200, "document-too-complex"),
        (FULL + "\tx: 1\n", "not-yaml"),
        (FULL + "x: {{ .Values.x }}\n", "ambiguous-yaml"),
        (FULL.encode().decode() + "# " + "x" * (9 << 20), "unreadable-file"),
    ],
)
def test_hostile_files_are_refused_and_hide_no_other(
    repo: Path, other: Path, hostile: str, code: str
) -> None:
    good = {"overlays/good/kustomization.yaml": "resources: [cv.yaml]\n", "overlays/good/cv.yaml": FULL}
    bad = {
        "overlays/bad/kustomization.yaml": "resources: [cv.yaml]\n",
        "overlays/bad/cv.yaml": hostile,
        "loose/cv.yaml": hostile,
    }
    result = imported(repo, other, good | bad, write=True)
    assert {(finding.name, finding.location.file) for finding in result.findings} == {
        (code, "overlays/bad/cv.yaml"),
        (code, "loose/cv.yaml"),
    }
    assert result.written == ("clusters/good.yaml",)


def test_symlinks_are_named_and_not_followed(repo: Path, other: Path, tmp_path: Path) -> None:
    put(tmp_path, {"secret.yaml": FULL})
    put(other, {"overlays/a/kustomization.yaml": "resources: [cv.yaml]\n"})
    (other / "overlays/a/cv.yaml").symlink_to(tmp_path / "secret.yaml")
    (other / "README.md").symlink_to("nowhere")
    result = import_(repo, other, write=True)
    assert result.clusters == ()
    assert found(result) == [("unreadable-file", "overlays/a/cv.yaml", "warning")]


def test_nothing_is_overwritten(repo: Path, other: Path) -> None:
    (repo / "clusters/mine.yaml").write_text("mine\n")
    (repo / "clusters/link.yaml").symlink_to("nowhere")
    layout = {f"overlays/{name}/cv.yaml": FULL for name in ("mine", "link", "new")}
    result = imported(repo, other, layout, write=True)
    assert {cluster.name: cluster.exists for cluster in result.clusters} == {
        "mine": True,
        "link": True,
        "new": False,
    }
    assert result.written == ("clusters/new.yaml",)
    assert (repo / "clusters/mine.yaml").read_text() == "mine\n"
    assert import_(repo, other, write=True).written == ()


def test_a_chain_of_kustomizations_without_end(repo: Path, other: Path) -> None:
    chain = {f"d{number}/kustomization.yaml": f"resources: [../d{number + 1}]\n" for number in range(1200)}
    result = imported(repo, other, chain | {"overlays/a/cv.yaml": FULL})
    assert list(values(result)) == ["a"]


def test_invalid_and_duplicate_names_are_reported(repo: Path, other: Path) -> None:
    layout = {
        "a/overlays/prod/cv.yaml": FULL,
        "b/overlays/prod/cv.yaml": FULL,
        "overlays/Test_1/cv.yaml": FULL,
        "overlays/in-cluster/cv.yaml": FULL,
        "overlays/openshift-prod/cv.yaml": FULL,
    }
    result = imported(repo, other, layout, write=True)
    assert found(result) == [
        ("duplicate-key", "a/overlays/prod/cv.yaml", "error"),
        ("invalid-name", "overlays/Test_1/cv.yaml", "error"),
        ("invalid-name", "overlays/in-cluster/cv.yaml", "error"),
        ("invalid-name", "overlays/openshift-prod/cv.yaml", "error"),
    ]
    assert result.written == ()


def test_texts_stay_texts(repo: Path, other: Path) -> None:
    nasty = (
        f'{CV}  channel: "stable-scos-4\\npurpose: hub\\n"\n'
        "  desiredUpdate:\n"
        '    version: "# x"\n'
        '    image: "yes"\n'
    )
    result = imported(repo, other, {"overlays/a/cv.yaml": nasty})
    value = values(result)["a"]
    assert isinstance(value, dict)
    assert value["purpose"] == "FILL-IN"
    assert value["release"] == {"channel": "stable-scos-4\npurpose: hub\n", "version": "# x", "image": "yes"}


def test_the_command(repo: Path, other: Path, okd_gitops: Run) -> None:
    put(
        other,
        {"overlays/a/cv.yaml": FULL, "overlays/b/cv.yaml": FULL.replace("stable-scos-4", "4-scos-stable")},
    )
    done = okd_gitops("import", str(other))
    assert done.returncode == 1
    assert "would write clusters/a.yaml" in done.stdout
    assert "to find out: purpose, server" in done.stdout
    assert "2 clusters, 2 would be written, 0 already exist, 1 errors" in done.stdout
    assert "overlays/b/cv.yaml:7:12" in done.stderr
    answer = json.loads(okd_gitops("import", str(other), "--write", "-o", "json").stdout)
    assert (answer["kind"], answer["written"]) == ("Import", ["clusters/a.yaml", "clusters/b.yaml"])
    assert okd_gitops("import", str(other / "none")).returncode == 2
    empty = other / "empty"
    empty.mkdir()
    assert "0 clusters" in okd_gitops("import", str(empty)).stdout
