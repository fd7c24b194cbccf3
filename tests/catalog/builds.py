"""Runs the Tasks of operator-pipeline that build and push, with the real buildah and skopeo."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from programs import program
from steps import catalog, commit, git, run_step

CATALOG = catalog("operator-pipeline")
OCI = "application/vnd.oci.image."
NONE: Mapping[str, str] = MappingProxyType({})
VERSION = "4.22.0-2026-11-28-090000"


def step(task: str, name: str) -> dict[str, Any]:
    """Return a step of a Task with what its stepTemplate adds to the environment."""
    spec = CATALOG[f"Task/{task}"]["spec"]
    (found,) = [each for each in spec["steps"] if each["name"] == name]
    shared = spec.get("stepTemplate", {}).get("env", [])
    return {**found, "env": [*shared, *found["env"]]}


def image(folder: Path, labels: Mapping[str, str], files: Mapping[str, str]) -> str:
    """Write an image with one layer in the form `dir:` of skopeo, and return its digest; `__` in the name of
    a file is a slash, `_DOT_` a dot.
    """
    folder.mkdir(parents=True)
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/").replace("_DOT_", "."))
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))

    layer_digest = _put(folder, layer.getvalue())
    root = {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]}
    described = {"architecture": "amd64", "os": "linux", "config": {"Labels": dict(labels)}, "rootfs": root}
    config = json.dumps(described).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{OCI}manifest.v1+json",
            "config": _descriptor("config.v1+json", config, _put(folder, config)),
            "layers": [_descriptor("layer.v1.tar", layer.getvalue(), layer_digest)],
        }
    )
    (folder / "manifest.json").write_text(manifest)
    (folder / "version").write_text("Directory Transport Version: 1.1\n")
    return f"sha256:{sha256(manifest.encode()).hexdigest()}"


def _put(folder: Path, data: bytes) -> str:
    digest = sha256(data).hexdigest()
    (folder / digest).write_bytes(data)
    return digest


def _descriptor(kind: str, data: bytes, digest: str) -> dict[str, Any]:
    return {"mediaType": f"{OCI}{kind}", "size": len(data), "digest": f"sha256:{digest}"}


class Pod:
    """The workspace and the volumes of a run; `staging` is the registry in its pod."""

    def __init__(self, root: Path, staging: str, target: str = "registry.example.org/okd") -> None:
        assert all(program(name) for name in ("bash", "buildah", "curl", "git", "jq", "skopeo"))
        self.root, self.staging, self.target = root, staging, target
        self.workspace, self.scratch = root / "workspace", root / "scratch"
        insecure = root / ".config/containers/registries.conf.d"
        for folder in (self.workspace / "source", self.scratch, insecure):
            folder.mkdir(parents=True)

        # The one that the images are for has no TLS either.
        host = target.partition("/")[0]
        (insecure / "target.conf").write_text(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n')
        self.validates(0)

    def build(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the step that builds."""
        values = {
            "BUILD_COMPONENT": "toy",
            "BUILD_KIND": "operator",
            "BUILD_FORM": "script",
            "BUILD_FOLDER": "toy",
            "BUILD_MINOR": "4.22",
            "BUILD_VERSION": VERSION,
            "BUILD_CHANNEL": "beta",
        }
        return self._run("build", **{**values, **given})

    def keep(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the step that takes what was pushed out of the staging registry."""
        return self._run("keep", **{"BUILD_KIND": "operator", **given})

    def push(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the Task that pushes what was kept."""
        values = {
            "WORKSPACE": str(self.workspace),
            "REGISTRY_CREDENTIALS": str(self.root),
            "COMPONENT": "toy",
            "TARGET_REGISTRY": self.target,
            "SHA256": self.result("SHA256"),
            "HOME": str(self.root),
        }
        return run_step(step("images-push", "push"), self.root, **self._storage(), **{**values, **given})

    def validates(self, code: int) -> None:
        """Let operator-sdk end with a code; it writes down how it was called."""
        path = self.scratch / "operator-sdk"
        path.write_text(f'#!/bin/sh\necho "$*" >>"{self.root}/sdk.log"\nexit {code}\n')
        path.chmod(0o755)

    def result(self, name: str) -> str:
        """Return a result of a Task, or nothing if it was not written."""
        path = self.root / f"RESULT_{name}"
        return path.read_text() if path.exists() else ""

    def kept(self) -> list[list[str]]:
        """Return the lines of the list of kept images: kind, repository, tag, digest, folder."""
        return [line.split() for line in (self.workspace / "images/list").read_text().splitlines()]

    def source(self, **files: str) -> None:
        """Write the source, `__` in a name is a slash, and commit it."""
        folder = self.workspace / "source"
        git(folder, "init", "--quiet")
        commit(folder, "start", **files)
        for script in folder.rglob("*.sh"):
            script.chmod(0o755)

    def pushed(self, name: str, labels: Mapping[str, str] = NONE, **files: str) -> str:
        """Push an image with one layer into the registry of the pod, as a build would, and return its
        digest.
        """
        folder = self.root / "pushed" / name.replace("/", "_")
        made = image(folder, labels, files)
        options = ["--quiet", "--preserve-digests", "--dest-tls-verify=false"]
        command = ["skopeo", "copy", *options, f"dir:{folder}", f"docker://{self.staging}/{name}"]
        subprocess.run(command, check=True)
        return made

    def _run(self, name: str, **given: str) -> subprocess.CompletedProcess[str]:
        values = {
            "WORKSPACE": str(self.workspace),
            "SCRATCH": str(self.scratch),
            "STAGING": self.staging,
            "BUILD_REGISTRY": self.target,
            "BUILD_OPERANDS": "{}",
        }
        return run_step(step("build", name), self.root, **self._storage(), **{**values, **given})

    def _storage(self) -> dict[str, str]:
        """Return the variables that keep buildah and skopeo out of this machine's own storage."""
        return {
            "STORAGE": str(self.root / "storage"),
            "BUILDAH_ISOLATION": "chroot",
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        }
