"""The Task catalog-pull-request with a real catalog repository, the real opm, bundles in a registry with TLS,
and an API on loopback.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from pytest_httpserver import HTTPServer

from builds import CATALOG, image
from programs import built
from programs import program as installed
from steps import commit, git, run_step
from tls_registry import Certificate, registry

STEP = CATALOG["Task/catalog-pull-request"]["spec"]["steps"][-1]
HEAD = """\
---
schema: olm.package
name: odf
defaultChannel: alpha
---
schema: olm.channel
package: odf
name: alpha
entries:
  - name: odf.v4.20.0
  - name: odf.v4.21.0
    replaces: odf.v4.20.0
---
schema: olm.channel
package: odf
name: stable
entries:
  - name: odf.v4.20.0
"""
# The form of a bundle in a file-based catalog and of its image (operator-registry v1.73.0: alpha/property and
# pkg/lib/bundle, read 2026-11-28).
ANNOTATION = "operators.operatorframework.io.bundle"
OLD_BUNDLES = "".join(
    f"""\
---
schema: olm.bundle
name: odf.v{version}
package: odf
image: quay.io/okderators/odf-bundle@sha256:{digit * 64}
properties:
- type: olm.package
  value: {{packageName: odf, version: {version}}}
"""
    for version, digit in (("4.20.0", "0"), ("4.21.0", "1"))
)


class Bundles(NamedTuple):
    """Two bundles in a registry, by digest, and the certificate of the registry."""

    odf: str
    csi: str
    certificate: Certificate


def bundle(folder: Path, address: str, package: str, certificate: Certificate) -> str:
    """Push the bundle PACKAGE.v4.22.0-x into a registry with TLS, and return its name by digest."""
    annotations = {
        f"{ANNOTATION}.mediatype.v1": "registry+v1",
        f"{ANNOTATION}.manifests.v1": "manifests/",
        f"{ANNOTATION}.metadata.v1": "metadata/",
        f"{ANNOTATION}.package.v1": package,
        f"{ANNOTATION}.channels.v1": "alpha",
    }
    version = {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {"name": f"{package}.v4.22.0-x"},
        "spec": {"displayName": package, "version": "4.22.0-x", "install": {"strategy": "deployment"}},
    }
    files = {
        f"manifests__{package}_DOT_yaml": yaml.safe_dump(version),
        "metadata__annotations_DOT_yaml": yaml.safe_dump({"annotations": annotations}),
    }
    digest = image(folder, annotations, files)
    name = f"{address}/okderators/{package}-bundle"
    push(folder, name, certificate)
    return f"{name}@{digest}"


def push(folder: Path, name: str, certificate: Certificate) -> None:
    """Push an image from a folder into a registry with TLS."""
    options = ["--quiet", "--preserve-digests", f"dir:{folder}", f"docker://{name}"]
    subprocess.run([installed("skopeo"), "copy", *options], check=True, env=certificate.trusted)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundles]:
    root = tmp_path_factory.mktemp("bundles")
    certificate = Certificate(root / "tls")
    with registry(root / "registry", certificate) as address:
        odf, csi = (bundle(root / package, address, package, certificate) for package in ("odf", "csi"))
        yield Bundles(odf, csi, certificate)


class Catalog:
    """A repository with a file-based catalog, and the service where pull requests are opened."""

    def __init__(self, server: HTTPServer, folder: Path, text: str) -> None:
        self.server, self.folder = server, folder
        work, self.origin = folder / "work", folder / "forge/okd-project/index.git"
        work.mkdir()
        git(work, "init", "--quiet")
        start = {"catalog__odf__odf_DOT_yaml": text, "catalog__odf__old_DOT_yaml": OLD_BUNDLES}
        commit(work, "start", **(start if text else {"README_DOT_md": "none\n"}))
        git(work, "branch", "-m", "release-4.22")
        self.origin.parent.mkdir(parents=True)
        git(folder, "clone", "--quiet", "--bare", str(work), str(self.origin))
        self.start = git(self.origin, "rev-parse", "release-4.22")
        (folder / "opm").symlink_to(built("opm"))
        answer = {"html_url": "https://github.example.org/okd-project/index/pull/7"}
        server.expect_request("/repos/okd-project/index/pulls", method="POST").respond_with_json(
            answer, status=201
        )

    def propose(self, images: str, channel: str = "alpha", **more: str) -> subprocess.CompletedProcess[str]:
        given = {
            "CATALOG_TOKEN": "t0ken",
            "WORKSPACE": str(self.folder),
            "SCRATCH": str(self.folder),
            "BUNDLE_IMAGES": images,
            "CHANNEL": channel,
        }
        forge = {
            "REPOSITORY": str(self.origin),
            "BRANCH": "release-4.22",
            "API": self.server.url_for("").rstrip("/"),
        }
        return run_step(STEP, self.folder, **{**given, **forge, **more})

    def file(self, name: str) -> str:
        return git(self.origin, "show", f"add-odf.v4.22.0-x:catalog/odf/{name}") + "\n"


@pytest.fixture
def forge(httpserver: HTTPServer, tmp_path: Path) -> Catalog:
    return Catalog(httpserver, tmp_path, HEAD)


def test_the_catalog_changes_by_a_pull_request_that_replaces_the_head(
    forge: Catalog, bundles: Bundles
) -> None:
    result = forge.propose(bundles.odf, **bundles.certificate.trusted)
    assert result.returncode == 0, result.stderr
    entry = "    replaces: odf.v4.20.0\n"
    assert forge.file("odf.yaml") == HEAD.replace(
        entry, f"{entry}  - name: odf.v4.22.0-x\n    replaces: odf.v4.21.0\n"
    )
    written = yaml.safe_load(forge.file("odf.v4.22.0-x.yaml"))
    assert (written["name"], written["image"]) == ("odf.v4.22.0-x", bundles.odf)
    assert git(forge.origin, "rev-parse", "release-4.22") == forge.start
    ((request, _),) = forge.server.log
    assert request.headers["Authorization"] == "Bearer t0ken"
    body = json.loads(request.get_data())
    assert (body["base"], body["head"], body["title"]) == (
        "release-4.22",
        "add-odf.v4.22.0-x",
        "Add odf.v4.22.0-x to alpha",
    )
    assert body["body"] == f"- `odf.v4.22.0-x` replaces `odf.v4.21.0`; bundle `{bundles.odf}`"
    made = (forge.folder / "RESULT_URL").read_text()
    assert made == "https://github.example.org/okd-project/index/pull/7"
    assert "t0ken" not in result.stdout + result.stderr + git(forge.origin, "log", "--all", "--patch")


@pytest.mark.parametrize(("text", "channel"), [("", "alpha"), (HEAD, "beta")])
def test_a_first_bundle_makes_its_package_and_channel(
    httpserver: HTTPServer, tmp_path: Path, bundles: Bundles, text: str, channel: str
) -> None:
    forge = Catalog(httpserver, tmp_path, text)
    result = forge.propose(bundles.odf, channel, **bundles.certificate.trusted)
    assert result.returncode == 0, result.stderr
    package, *_, made = yaml.safe_load_all(forge.file("odf.yaml"))
    assert package["schema"] == "olm.package"
    assert made == {
        "schema": "olm.channel",
        "package": "odf",
        "name": channel,
        "entries": [{"name": "odf.v4.22.0-x"}],
    }


TWO_HEADS = HEAD.replace("    replaces: odf.v4.20.0\n", "")
# The script finds a channel by its plain name. Here `alpha` gets no entry, and in one catalog the bundle is
# already in another channel.
QUOTED = HEAD.replace("name: alpha\n", 'name: "alpha"\n')
ELSEWHERE = QUOTED.removesuffix("  - name: odf.v4.20.0\n") + "  - name: odf.v4.22.0-x\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TWO_HEADS, "has not one head but:\nodf.v4.20.0\nodf.v4.21.0"),
        (QUOTED, 'bundle \\"odf.v4.22.0-x\\" not found in any channel entries'),
        (ELSEWHERE, "has an unknown form"),
    ],
)
def test_a_channel_that_does_not_come_out_right_is_not_pushed(
    httpserver: HTTPServer, tmp_path: Path, bundles: Bundles, text: str, said: str
) -> None:
    forge = Catalog(httpserver, tmp_path, text)
    result = forge.propose(bundles.odf, **bundles.certificate.trusted)
    assert result.returncode == 1
    assert said in result.stderr
    assert_nothing_is_proposed(forge)


def assert_nothing_is_proposed(forge: Catalog) -> None:
    assert git(forge.origin, "branch", "--list", "add-*") == ""
    assert forge.server.log == []


def test_a_registry_whose_certificate_nobody_trusts_is_not_asked_for_a_bundle(
    forge: Catalog, bundles: Bundles
) -> None:
    result = forge.propose(bundles.odf)
    assert result.returncode == 1
    assert "certificate signed by unknown authority" in result.stderr
    assert_nothing_is_proposed(forge)


def test_an_image_that_is_no_bundle_is_refused(forge: Catalog, bundles: Bundles, tmp_path: Path) -> None:
    digest = image(tmp_path / "plain", {}, {"README": "no bundle"})
    name = bundles.odf.partition("@")[0]
    push(tmp_path / "plain", name, bundles.certificate)
    result = forge.propose(f"{name}@{digest}", **bundles.certificate.trusted)
    assert result.returncode == 1
    assert "image has no labels" in result.stderr
    assert_nothing_is_proposed(forge)


def test_the_bundles_of_one_build_are_one_pull_request(forge: Catalog, bundles: Bundles) -> None:
    result = forge.propose(f"{bundles.odf} {bundles.csi}", **bundles.certificate.trusted)
    assert result.returncode == 0, result.stderr
    ((request, _),) = forge.server.log
    body = json.loads(request.get_data())
    assert body["title"] == "Add odf.v4.22.0-x, csi.v4.22.0-x to alpha"
    assert body["body"].splitlines()[1] == f"- `csi.v4.22.0-x` replaces `nothing`; bundle `{bundles.csi}`"
    for package in ("odf", "csi"):
        path = f"add-odf.v4.22.0-x:catalog/{package}/{package}.v4.22.0-x.yaml"
        assert yaml.safe_load(git(forge.origin, "show", path))["package"] == package


def test_without_a_bundle_no_pull_request_is_opened(forge: Catalog) -> None:
    result = forge.propose("")
    assert result.returncode == 1
    assert result.stderr.endswith("there is no bundle to add\n")
    assert_nothing_is_proposed(forge)


def test_without_a_token_nothing_is_cloned(forge: Catalog, bundles: Bundles) -> None:
    result = forge.propose(bundles.odf, CATALOG_TOKEN="")
    assert (result.returncode, result.stderr) == (1, "the Secret okd-team-catalog has no key token\n")
