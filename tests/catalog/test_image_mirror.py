"""The CronJob of image-mirror with the real skopeo, between two registries with TLS; and what is rendered."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from builds import image
from conftest import ROOT
from okd_gitops.check.moving_tags import moving_images
from programs import program
from rendered import objects, of_kind, report
from script_checks import shellchecked
from steps import catalog, run_step
from tls_registry import Certificate, registry

FEATURE = ROOT / "generator/okd_gitops/catalog/features/image-mirror/feature.yaml"
CRONJOB = catalog("image-mirror")["CronJob/image-mirror"]["spec"]["jobTemplate"]["spec"]
(CONTAINER,) = CRONJOB["template"]["spec"]["containers"]


class Registries:
    """Upstream's registry and that of the fleet, which trust one certificate."""

    def __init__(self, root: Path, upstream: str, own: str, certificate: Certificate) -> None:
        self.root, self.upstream, self.own, self.certificate = root, upstream, own, certificate
        (root / "auth.json").write_text("{}")

    def push(self, name: str, text: str) -> str:
        """Push an image upstream, and return its name by digest."""
        folder = self.root / text
        digest = image(folder, {}, {"text": text})
        self.skopeo(
            "copy", "--quiet", "--preserve-digests", f"dir:{folder}", f"docker://{self.upstream}/{name}"
        )
        return f"{self.upstream}/{name.partition(':')[0]}@{digest}"

    def skopeo(self, *arguments: str) -> str:
        command = [program("skopeo"), *arguments]
        return subprocess.run(
            command, env=self.certificate.trusted, check=True, capture_output=True, text=True
        ).stdout

    def mirror(self, *images: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the container of the CronJob with images as its arguments."""
        given = {
            "REGISTRY": f"{self.own}/fleet",
            "REGISTRY_AUTH_FILE": str(self.root / "auth.json"),
            "HOME": str(self.root),
            "TMPDIR": str(self.root),
        }
        container = {**CONTAINER, "args": list(images)}
        return run_step(container, self.root, **{**given, **self.certificate.trusted, **more})

    def tags(self, repository: str) -> Any:
        """Return the tags of a repository of the fleet."""
        return json.loads(self.skopeo("list-tags", f"docker://{self.own}/fleet/{repository}"))["Tags"]


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[Registries]:
    certificate = Certificate(tmp_path / "tls")
    with (
        registry(tmp_path / "upstream", certificate) as upstream,
        registry(tmp_path / "own", certificate) as own,
    ):
        yield Registries(tmp_path, upstream, own, certificate)


def test_a_copy_has_the_digest_of_its_original_and_a_tag_that_keeps_it(registries: Registries) -> None:
    original = registries.push("tools/assembler:main", "one")
    done = registries.mirror(original)
    assert done.returncode == 0, done.stderr
    digest = original.rpartition("@")[2]
    copy = f"{registries.own}/fleet/tools-assembler@{digest}"
    assert done.stdout == f"{copy} is the copy of {original}\n"
    assert registries.tags("tools-assembler") == [f"sha256-{digest[7:39]}"]
    registries.skopeo("inspect", f"docker://{copy}")


def test_a_list_is_copied_whole(registries: Registries) -> None:
    (registries.root / "storage").mkdir()
    digests = [registries.push("tools/list:main", text).rpartition("@")[2] for text in ("one", "two")]
    sizes = [
        len(registries.skopeo("inspect", "--raw", f"docker://{registries.upstream}/tools/list@{each}"))
        for each in digests
    ]
    manifests = [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "size": size,
            "platform": {"os": "linux", "architecture": architecture},
        }
        for digest, size, architecture in zip(digests, sizes, ("amd64", "arm64"), strict=True)
    ]
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    }
    (registries.root / "index.json").write_text(json.dumps(index))
    url = f"https://{registries.upstream}/v2/tools/list/manifests/all"
    options = ["--fail", "--silent", "--cacert", str(registries.certificate.path), "--upload-file"]
    header = ["--header", f"Content-Type: {index['mediaType']}"]
    subprocess.run([program("curl"), *options, str(registries.root / "index.json"), *header, url], check=True)
    raw = registries.skopeo("inspect", "--raw", f"docker://{registries.upstream}/tools/list:all")
    assert json.loads(raw) == index
    checksum = subprocess.run(["sha256sum"], input=raw, capture_output=True, text=True, check=True).stdout

    done = registries.mirror(f"{registries.upstream}/tools/list@sha256:{checksum.split()[0]}")
    assert done.returncode == 0, done.stderr
    for digest in digests:
        registries.skopeo("inspect", "--raw", f"docker://{registries.own}/fleet/tools-list@{digest}")


def test_one_failure_hides_no_other_copy(
    registries: Registries,
) -> None:
    kept, other = (registries.push(f"tools/{name}:main", name) for name in ("kept", "other"))
    assert registries.mirror(kept).returncode == 0
    gone = kept.replace("@sha256:" + kept[-64:], "@sha256:" + "0" * 64)
    done = registries.mirror(gone, kept, other)
    assert done.returncode == 1
    assert done.stderr.endswith(f"not copied: {gone}\n")
    assert "tools-kept:sha256-" in done.stdout
    assert "is there" in done.stdout
    assert f"is the copy of {other}" in done.stdout


def test_a_copy_stays_when_the_registry_of_the_original_is_gone(registries: Registries) -> None:
    with registry(registries.root / "short", registries.certificate) as address:
        registries.upstream = address
        original = registries.push("tools/assembler:main", "one")
        assert registries.mirror(original).returncode == 0
    done = registries.mirror(original)
    assert done.returncode == 0, done.stderr
    assert "is there" in done.stdout


def test_a_registry_whose_certificate_nobody_trusts_gets_no_copy(registries: Registries) -> None:
    original = registries.push("tools/assembler:main", "one")
    done = registries.mirror(original, SSL_CERT_FILE="/dev/null")
    assert done.returncode == 1
    assert "certificate signed by unknown authority" in done.stderr


def test_the_script_passes_shellcheck() -> None:
    names = [item["name"] for item in CONTAINER["env"]]
    script = "\n".join(
        ["#!/bin/bash", "set -eu", *(f"export {name}=x" for name in names), CONTAINER["command"][2]]
    )
    assert shellchecked(script).stdout == ""


def test_without_a_list_the_images_of_the_table_are_copied() -> None:
    feature = yaml.safe_load(FEATURE.read_text())
    assert feature["parameters"]["images"]["default"] == CONTAINER["args"] == list(moving_images())


def test_the_images_and_the_registry_of_the_cluster_file_are_used_and_nothing_is_wrong() -> None:
    own = f"quay.io/example/tool@sha256:{'1' * 64}"
    features = f"  image-mirror: {{registry: registry.example.com/okd, images: ['{own}']}}\n"
    cronjob = of_kind(objects("okd", features), "CronJob")["image-mirror"]
    (container,) = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [own]
    assert container["env"][0] == {"name": "REGISTRY", "value": "registry.example.com/okd"}
    for environment in ("okd", "kubernetes"):
        found = [finding.name for finding in report(environment, features).findings]
        assert set(found) <= {"example-value", "moving-tag"}
