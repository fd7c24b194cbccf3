"""What operator-pipeline builds and pushes: the scripts of its Tasks with the real buildah, skopeo and
registries on loopback, on sources in the form of okd-project/okd-operator-pipeline.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builds import CATALOG, VERSION, Pod, step
from steps import program
from tls_registry import registry

BUNDLE = {"operators.operatorframework.io.bundle.package.v1": "toy", "support": "OKD Community"}
FOREIGN = f"quay.io/openshift/proxy@sha256:{'e' * 64}"
# The form of upstream's scripts, in our own words: the variables are those of its common.sh.
COMMON = """\
set -euo pipefail
OKD_VERSION=${OKD_VERSION:-"4.22.0-okd-scos.2"}
REGISTRY="${BASE_REGISTRY:-quay.io/okderators}/$NAMESPACE"
OCP_DATE="4.22.0-${DATE}"
main() { for step in "$@"; do "$step"; done; }
"""
SCRIPT = """\
#!/usr/bin/env bash
NAMESPACE=toy
source ../common.sh
IMG_OPERATOR="${REGISTRY}/operator:${OCP_DATE}"
IMG_BUNDLE="${REGISTRY}/operator-bundle:${OCP_DATE}"
init() { git am -3 patches/operator.patch; }
build_containers() { podman build -t "${IMG_OPERATOR}" -f operator.Containerfile .; }
push_containers() {
  podman push "${IMG_OPERATOR}"
  skopeo inspect --no-tags "docker://${IMG_OPERATOR}" --format '{{.Name}}@{{.Digest}}' >inspected
}
build_bundle() {
  sed -i "s|IMAGE|${IMG_OPERATOR}|; s|CHANNEL|${CHANNEL}|" bundle/manifests/toy.yaml
  podman build --label "support=OKD Community" -t "${IMG_BUNDLE}" -f bundle.Dockerfile .
  podman push "${IMG_BUNDLE}"
}
main "$@"
"""
PATCH = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Date: Fri, 9 May 2025 12:31:03 +0100
Subject: [PATCH] OKDify

---
 toy/operator.Containerfile | 1 +
 1 file changed, 1 insertion(+)

diff --git a/toy/operator.Containerfile b/toy/operator.Containerfile
--- a/toy/operator.Containerfile
+++ b/toy/operator.Containerfile
@@ -1,2 +1,3 @@
 FROM scratch
 COPY build.sh /operator
+LABEL okd=yes
--
2.44.0
"""
SOURCE = {
    "common_DOT_sh": COMMON,
    "toy__build_DOT_sh": SCRIPT,
    "toy__operator_DOT_Containerfile": "FROM scratch\nCOPY build.sh /operator\n",
    "toy__patches__operator_DOT_patch": PATCH,
    "toy__bundle_DOT_Dockerfile": (
        "FROM scratch\n"
        "LABEL operators.operatorframework.io.bundle.package.v1=toy\n"
        "COPY bundle/manifests /manifests/\n"
    ),
    "toy__bundle__manifests__toy_DOT_yaml": f"# CHANNEL\n- image: IMAGE\n- name: PROXY\n  value: {FOREIGN}\n",
}


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "staging") as address:
        yield address


@pytest.fixture
def pod(tmp_path: Path, staging: str) -> Pod:
    return Pod(tmp_path / "pod", staging)


def test_a_script_is_built_kept_and_published_by_digest(tmp_path: Path, staging: str) -> None:
    with registry(tmp_path / "target") as address:
        target = address.replace("localhost", "127.0.0.1") + "/okd"
        pod = Pod(tmp_path / "pod", staging, target)
        pod.source(**SOURCE)
        built = pod.build()
        assert built.returncode == 0, built.stderr
        kept = pod.keep()
        assert kept.returncode == 0, kept.stderr

        assert [line[:3] for line in pod.kept()] == [
            ["image", f"{target}/toy/operator", VERSION],
            ["bundle", f"{target}/toy/operator-bundle", VERSION],
        ]
        operator, bundle = (f"{line[1]}@{line[3]}" for line in pod.kept())
        inspected = (pod.workspace / "source/toy/inspected").read_text()
        assert inspected.strip().rpartition("@")[2] == operator.rpartition("@")[2]
        (manifest,) = (pod.workspace / "bundles").rglob("toy.yaml")
        assert manifest.read_text() == f"# beta\n- image: {operator}\n- name: PROXY\n  value: {FOREIGN}\n"
        assert (pod.root / "sdk.log").read_text() == "bundle validate bundles/2\n"

        (pod.root / ".dockerconfigjson").write_text("{}")
        pushed = pod.push()
        assert pushed.returncode == 0, pushed.stderr
        assert (pod.result("IMAGE"), pod.result("BUNDLE_IMAGES")) == (operator, bundle)
        assert labels(operator)["okd"] == "yes", "the patch of the folder was applied"
        assert labels(bundle).items() >= BUNDLE.items()


def labels(reference: str) -> dict[str, str]:
    """Return the labels of an image in a registry without TLS."""
    command = ["skopeo", "inspect", "--tls-verify=false", "--config", f"docker://{reference}"]
    config = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    found: dict[str, str] = config["config"]["Labels"]
    return found


@pytest.mark.parametrize("kind", ["operator", "operand"])
def test_make_runs_the_targets_of_upstreams_patches_in_their_order(pod: Pod, kind: str) -> None:
    targets = ["okd-install", "okd-lint", "okd-build", "okd-test", "okd-deploy", "okd-bundle"]
    wanted = targets if kind == "operator" else targets[:-1]
    lines = "".join(
        f"{target}:\n\t@echo {target} $(BUILD_CMD) $(IMG) $(BUNDLE_IMG) $(IMAGE_ROOK_CEPH) >>log\n"
        for target in targets
    )
    pod.source(Makefile=lines)
    operands = json.dumps({"rook-ceph": FOREIGN})
    built = pod.build(BUILD_FORM="make", BUILD_FOLDER=".", BUILD_KIND=kind, BUILD_OPERANDS=operands)
    assert built.returncode == 0, built.stderr
    own = f"{pod.staging}/{pod.target}/toy"
    expected = [f"{target} buildah {own}:{VERSION} {own}-bundle:{VERSION} {FOREIGN}" for target in wanted]
    assert (pod.workspace / "source/log").read_text().splitlines() == expected


@pytest.mark.parametrize(
    ("changed", "given", "said"),
    [
        (
            {"common_DOT_sh": COMMON.replace("4.22.0-okd", "4.23.0-okd")},
            {},
            "builds for OKD 4.23 and not for 4.22",
        ),
        ({"common_DOT_sh": "main() { :; }\n"}, {}, "common.sh names no OKD_VERSION"),
        ({}, {"BUILD_FORM": "meson"}, "build is script or make, not 'meson'"),
        ({"Makefile": "okd-install:\n"}, {"BUILD_FORM": "make", "BUILD_FOLDER": "."}, "okd-lint"),
        (
            {"toy__build_DOT_sh": SCRIPT.replace("podman build", "podman run")},
            {},
            "podman run is not here: this pod has buildah",
        ),
    ],
)
def test_what_cannot_be_built_here_stops_with_the_reason(
    pod: Pod, changed: dict[str, str], given: dict[str, str], said: str
) -> None:
    pod.source(**{**SOURCE, **changed})
    built = pod.build(**given)
    assert built.returncode != 0
    assert said in built.stderr


def test_podman_of_the_pod_is_buildah(pod: Pod) -> None:
    program(pod.root, "buildah", '#!/bin/sh\n[ "$1" = info ] || echo "$*" >>"$SCRATCH/calls"\n')
    pod.source(**{**SOURCE, "toy__build_DOT_sh": "#!/bin/sh\npodman build -t x .\npodman push x\n"})
    assert pod.build().returncode == 0
    assert (pod.scratch / "calls").read_text() == "build -t x .\npush x\n"


@pytest.mark.parametrize(("overlay", "driver"), [(0, "overlay"), (1, "vfs")])
def test_layers_are_copied_only_where_the_node_has_no_overlay(pod: Pod, overlay: int, driver: str) -> None:
    program(pod.root, "buildah", f"#!/bin/sh\nexit {overlay}\n")
    pod.source(**{**SOURCE, "toy__build_DOT_sh": "#!/bin/sh\n"})
    built = pod.build()
    assert built.returncode == 0
    assert ("has no overlay" in built.stderr) is (driver == "vfs")
    storage = (pod.scratch / "home/storage.conf").read_text()
    assert f'driver = "{driver}"' in storage


# --- what is kept


def own(pod: Pod, name: str) -> str:
    return f"{pod.target}/toy/{name}:{VERSION}"


def test_a_tag_of_this_build_becomes_its_digest_wherever_it_stands(pod: Pod) -> None:
    operator = pod.pushed(own(pod, "operator"), operator="x")
    staged = f"{pod.staging}/{own(pod, 'operator')}"
    text = f"- image: {staged}\n- text: see {staged}, twice\n"
    pod.pushed(own(pod, "bundle"), BUNDLE, manifests__csv_DOT_yaml=text)
    kept = pod.keep()
    assert kept.returncode == 0, kept.stderr
    (manifest,) = (pod.workspace / "bundles").rglob("csv.yaml")
    reference = f"{pod.target}/toy/operator@{operator}"
    assert manifest.read_text() == f"- image: {reference}\n- text: see {reference}, twice\n"


def test_an_operand_needs_no_bundle(pod: Pod) -> None:
    digest = pod.pushed(f"{pod.target}/toy:{VERSION}", operand="x")
    kept = pod.keep(BUILD_KIND="operand")
    assert kept.returncode == 0, kept.stderr
    assert pod.kept() == [["image", f"{pod.target}/toy", VERSION, digest, "images/1"]]
    assert len(pod.result("SHA256")) == 64


@pytest.mark.parametrize(
    ("text", "operands", "said"),
    [
        ("- value: quay.io/other/image:4.22\n", {}, "without a digest:\nquay.io/other/image:4.22"),
        ('- containerImage: "registry:5000/image:4.22"\n', {}, "without a digest:\nregistry:5000/image:4.22"),
        ("", {"rook": FOREIGN}, f"does not refer to the operand rook as {FOREIGN}"),
        ("FOREIGN", {}, "refers to no image of registry.example.org/okd"),
    ],
)
def test_a_bundle_with_other_images_is_refused(
    pod: Pod, text: str, operands: dict[str, str], said: str
) -> None:
    pod.pushed(own(pod, "operator"), operator="x")
    named = (
        f"- image: {FOREIGN}\n"
        if text == "FOREIGN"
        else f"- image: {pod.staging}/{own(pod, 'operator')}\n{text}"
    )
    pod.pushed(own(pod, "bundle"), BUNDLE, manifests__csv_DOT_yaml=named)
    kept = pod.keep(BUILD_OPERANDS=json.dumps(operands))
    assert kept.returncode == 1
    assert said in kept.stderr
    assert pod.result("SHA256") == ""
    assert not (pod.root / "sdk.log").exists()


def test_a_bundle_that_operator_sdk_refuses_is_refused(pod: Pod) -> None:
    pod.pushed(own(pod, "operator"), operator="x")
    pod.pushed(
        own(pod, "bundle"), BUNDLE, manifests__csv_DOT_yaml=f"- image: {pod.staging}/{own(pod, 'operator')}\n"
    )
    pod.validates(1)
    assert pod.keep().returncode == 1
    assert pod.result("SHA256") == ""


def test_nothing_for_another_registry_is_kept(pod: Pod) -> None:
    pod.pushed(f"quay.io/okd/scos-release:{VERSION}", release="x")
    kept = pod.keep()
    assert (kept.returncode, kept.stderr) == (
        1,
        "quay.io/okd/scos-release is not in registry.example.org/okd: this build may not publish it\n",
    )


def test_a_build_without_images_or_an_operator_without_a_bundle_is_refused(pod: Pod) -> None:
    assert pod.keep().stderr == "the build pushed no image\n"
    pod.pushed(own(pod, "operator"), operator="x")
    assert pod.keep().stderr == "the build of an operator pushed no bundle\n"
    pod.pushed(own(pod, "bundle"), BUNDLE, metadata__annotations_DOT_yaml="x\n")
    assert "has no folder manifests" in pod.keep().stderr


# --- what is pushed


def test_only_what_was_kept_is_pushed_and_only_where_it_belongs(pod: Pod) -> None:
    pod.pushed(f"{pod.target}/toy:{VERSION}", operand="x")
    assert pod.keep(BUILD_KIND="operand").returncode == 0
    assert "registry-credentials has no .dockerconfigjson" in pod.push().stderr

    (pod.root / ".dockerconfigjson").write_text("{}")
    program(pod.root, "skopeo", '#!/bin/sh\necho "$*" >>"$HOME/pushes"\n')
    assert pod.push(SHA256="0" * 64).returncode != 0
    assert "of registry.example.org/else" in pod.push(TARGET_REGISTRY="registry.example.org/else").stderr
    manifest = pod.workspace / "images/1/manifest.json"
    text = manifest.read_text()
    manifest.write_text(text + " ")
    assert "images/1 is not registry.example.org/okd/toy@sha256:" in pod.push().stderr
    assert not (pod.root / "pushes").exists()

    manifest.write_text(text)
    assert pod.push().returncode == 0
    assert len((pod.root / "pushes").read_text().splitlines()) == 1
    assert pod.result("IMAGE").startswith("registry.example.org/okd/toy@sha256:")
    assert pod.result("BUNDLE_IMAGES") == ""


def test_what_builds_has_no_credential_and_what_has_one_builds_nothing() -> None:
    build, push = (CATALOG[f"Task/{name}"]["spec"] for name in ("build", "images-push"))
    assert [workspace["name"] for workspace in build["workspaces"]] == ["ws"]
    assert "secret" not in str(build)
    (only,) = push["steps"]
    assert "buildah" not in only["script"]
    assert only["securityContext"]["runAsUser"] == 65532


def test_the_registry_of_the_pod_is_reached_from_the_pod_alone() -> None:
    (sidecar,) = CATALOG["Task/build"]["spec"]["sidecars"]
    environment = {each["name"]: each["value"] for each in sidecar["env"]}
    staging = {each["name"]: each["value"] for each in step("build", "build")["env"]}["STAGING"]
    assert environment["REGISTRY_HTTP_ADDR"] == staging == "localhost:5000"
