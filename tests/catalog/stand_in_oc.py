"""What `oc adm release` and `oc image append` do with the images of a registry, where there is no oc.

As oc of openshift/oc at 6b8e30c5b39aa742147846341a203905e04834f3 (2026-04-22) does it, read in
pkg/cli/admin/release/{new,info,extract}.go and pkg/cli/image/append/append.go and tried with a program built
from it; test_okd_stream_oc.py compares both. With OKD_STREAM_OC, the path of a real oc, the chain's tests run
that for these commands.
"""

import gzip
import io
import json
import tarfile
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tls_registry import Registry, digest_of

RELEASE = "io.openshift.release"
BUILD = "io.openshift.build."
REFERENCES, METADATA = "release-manifests/image-references", "release-manifests/release-metadata"


class OcError(Exception):
    """The command ended with exit code 1 and these words."""


def release_info(registry: Registry, image: str, *, with_images: bool = False) -> dict[str, Any]:
    """Return what `oc adm release info --output json` prints."""
    manifest = registry.manifest(image)
    if manifest is None:
        raise OcError(f'error: image "{image}" not found: manifest unknown: manifest unknown')

    files = registry.files(image)
    if REFERENCES not in files:
        raise OcError("error: release image did not contain an image-references file")

    references = json.loads(files[REFERENCES])
    images = {tag["name"]: tag["from"]["name"] for tag in references["spec"]["tags"]}
    return {
        "image": image,
        "digest": digest_of(manifest),
        "contentDigest": digest_of(manifest),
        "listDigest": "",
        "config": registry.config(image),
        "metadata": json.loads(files[METADATA]),
        "references": references,
        "versions": None,
        "displayVersions": None,
        "versionsTags": {},
        "images": {name: {"name": of} for name, of in images.items()} if with_images else None,
        "warnings": None,
    }


def extract(registry: Registry, image: str, name: str) -> bytes:
    """Return what `oc adm release extract --file NAME` prints."""
    files = registry.files(image)
    try:
        return files[f"release-manifests/{name}"]
    except KeyError:
        raise OcError(f"error: image did not contain {name}") from None


def new(
    registry: Registry, base: str, target: str, *, name: str, previous: str, changes: Mapping[str, str]
) -> str:
    """Make a release as `oc adm release new --from-release` does, and return what it prints.

    Components that are changed get the labels of their new image; each operator's manifests are read anew,
    and a component that no operator refers to is left out.
    """
    references = json.loads(registry.files(base)[REFERENCES])
    unknown = changes.keys() - {tag["name"] for tag in references["spec"]["tags"]}
    if unknown:
        raise OcError(f"error: no image named {sorted(unknown)[0]} in {base}")

    annotations = {"release.openshift.io/from-release": base}
    references["metadata"] |= {"name": name, "annotations": annotations}
    references["spec"]["tags"] = [
        _tag(registry, tag["name"], changes[tag["name"]], override=True) if tag["name"] in changes else tag
        for tag in references["spec"]["tags"]
    ]
    versions = [one for one in previous.split(",") if one]
    digest = _push(registry, target, references, name, versions, changes)
    return f"{digest} {name} {_now()}\n"


def first_release(
    registry: Registry, target: str, *, name: str, previous: str, components: Mapping[str, str]
) -> str:
    """Make a release as `oc adm release new --from-image-stream-file` does, and return it by digest."""
    tags = [_tag(registry, component, image) for component, image in sorted(components.items())]
    metadata = {"name": name, "creationTimestamp": _now()}
    references = {"kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "metadata": metadata}
    digest = _push(registry, target, {**references, "spec": {"tags": tags}}, name, [previous], ())
    return f"{target.rpartition(':')[0]}@{digest}"


def append(registry: Registry, base: str, target: str, layer: Path) -> str:
    """Push an image with a further layer as `oc image append` does, and return what it prints."""
    digest = registry.push_upon(base, target, layer.read_bytes())
    return f"Pushed {digest} to {target}\n"


def _tag(registry: Registry, name: str, image: str, *, override: bool = False) -> dict[str, Any]:
    """Return the entry of a component, with what the labels of its image say about its source."""
    labels = registry.config(image)["config"].get("Labels", {})
    keys = ("commit.id", "commit.ref", "source-location")
    annotations = {f"{BUILD}{key}": labels.get(f"{BUILD}{key}", "") for key in keys}
    if override:
        annotations["io.openshift.release.override"] = "true"
    return {"name": name, "annotations": annotations, "from": {"kind": "DockerImage", "name": image}}


def _push(
    registry: Registry,
    target: str,
    references: dict[str, Any],
    name: str,
    previous: list[str],
    changed: Collection[str],
) -> str:
    """Push a release upon the image of the version operator, and return its digest."""
    images = {tag["name"]: tag["from"]["name"] for tag in references["spec"]["tags"]}
    files, wanted = _manifests(registry, images, changed)
    references["spec"]["tags"] = [tag for tag in references["spec"]["tags"] if tag["name"] in wanted]
    metadata = {"kind": "cincinnati-metadata-v0", "version": name, "previous": sorted(previous)}
    files |= {REFERENCES: json.dumps(references).encode(), METADATA: json.dumps(metadata).encode()}
    base = images["cluster-version-operator"]
    labels = {"io.openshift.release": name, f"{RELEASE}.base-image-digest": base.partition("@")[2]}
    return registry.push_upon(base, target, _compressed(files), labels)


def _manifests(
    registry: Registry, images: Mapping[str, str], changed: Collection[str]
) -> tuple[dict[str, bytes], set[str]]:
    """Return the manifests of all operators, and the components that are operators or that one refers to.

    oc writes the manifests of an operator that is changed twice, the second time as NAME_2. The version
    operator applies both (pkg/payload/payload.go), and reads the keys of the first.
    """
    files: dict[str, bytes] = {}
    wanted: set[str] = set()
    for name, image in images.items():
        if registry.config(image)["config"].get("Labels", {}).get(f"{RELEASE}.operator") != "true":
            continue
        wanted.add(name)
        of_operator = {
            path.removeprefix("manifests/"): data
            for path, data in registry.files(image).items()
            if path.startswith("manifests/")
        }
        refers_to = of_operator.pop("image-references", b"{spec: {tags: []}}")
        wanted |= {each["name"] for each in yaml.safe_load(refers_to)["spec"]["tags"]}
        for file, data in of_operator.items():
            files[f"release-manifests/{file}"] = data
            if name in changed:
                files[f"release-manifests/{file.replace('.yaml', '_2.yaml')}"] = data
    return files, wanted


def _compressed(files: Mapping[str, bytes]) -> bytes:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for path, data in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(tar.getvalue(), mtime=0)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
