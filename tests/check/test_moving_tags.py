"""Each image of the catalog has a tag that stays, as the comment after it says, or is in the table of those
whose tag moves.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from okd_gitops.check.moving_tags import moves, moving_images, pinned_images
from rendered import report

CATALOG = ROOT / "generator/okd_gitops/catalog/features"
FILES = [*CATALOG.rglob("*.yaml"), ROOT / "image/Containerfile"]
# Images of one release of OKD: the release names them, not a tag.
OF_RELEASES = ("registry.ci.openshift.org/origin/release-scos", "quay.io/okd/scos-content")


def images() -> Iterator[tuple[Path, str, str]]:
    """Yield (file, image, comment after it) for each image that the catalog pins."""
    for path in FILES:
        # An example of a value shows an image that a fleet would have.
        for line in re.sub(r"(?m)^ *example: .*$", "", path.read_text()).splitlines():
            for pinned in pinned_images(line):
                if not pinned.image.startswith(OF_RELEASES):
                    comment = re.search(re.escape(pinned.image) + r'["\']?,?\s+# (.+)', line)
                    yield path, pinned.image, comment[1] if comment else ""


def test_each_image_has_a_tag_that_stays_or_is_in_the_table() -> None:
    tags: dict[str, set[str]] = {}
    for _, image, comment in images():
        tags.setdefault(image, set()).add(comment)
    assert moving_images().keys() <= tags.keys(), "the table names images that nothing uses"

    for image in tags.keys() - moving_images().keys():
        (tag,) = tags[image] - {""}
        assert re.search(r"\d+\.\d+\.\d+|-\d{10}$", tag), f"{image} has the tag {tag}"
        assert not moves(tag)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        *(
            (tag, True)
            for tag in ("latest", "stable", "main", "v4", "9.8", "4.22", "rhcos-4.18", "3.12-slim")
        ),
        *((tag, False) for tag in ("v1.73.0", "8.17.0", "9.8-1784732125", "20261128", "4.22.0-okd-scos.0")),
        *((tag, False) for tag in ("53330beeb45b", "1234567", "")),
    ],
)
def test_which_tags_move(tag: str, *, expected: bool) -> None:
    assert moves(tag) is expected
    digest = f"@sha256:{'1' * 64}"
    (pinned,) = pinned_images(f'image: "docker://localhost:5000/a/b:{tag}{digest}"'.replace(":@", "@"))
    assert (pinned.image, pinned.tag) == (f"localhost:5000/a/b{digest}", tag)


def test_check_tells_the_image_the_place_and_the_remedy() -> None:
    extra = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: tool, namespace: default}}
spec:
  containers:
  - name: tool
    image: quay.io/example/tool@sha256:{"1" * 64}  # latest
"""
    extras = {"kustomization.yaml": "resources: [pod.yaml]\n", "pod.yaml": extra}
    found = {
        finding.reason.partition("@")[0]: finding
        for finding in report("kubernetes", "  tekton:\n", extras).findings
        if finding.name == "moving-tag"
    }
    assert found.keys() == {
        "quay.io/example/tool",
        "cgr.dev/chainguard/busybox",
        "mcr.microsoft.com/powershell",
    }
    own = found["quay.io/example/tool"]
    assert (own.severity, str(own.location)) == ("warning", "clusters/x/pod.yaml:7:12")
    assert own.clusters == ("x",)
    assert "Pod default/tool uses it" in own.reason
    assert "docs/images.md" in own.remedy
