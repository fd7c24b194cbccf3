"""The real docker-registry on localhost, with TLS or without, and images read from it and put into it."""

import gzip
import io
import json
import socket
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import urllib3

from programs import program

# As the images of releases have it: image manifest version 2, schema 2.
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
ACCEPTED = f"application/vnd.oci.image.manifest.v1+json, {MANIFEST}"
REGISTRY = """\
version: 0.1
storage:
  filesystem: {{rootdirectory: {root}}}
http: {{addr: "localhost:{port}"{tls}}}
log: {{accesslog: {{disabled: true}}, level: error}}
"""
TLS = ", tls: {{certificate: {certificate}, key: {key}}}"


def digest_of(data: bytes) -> str:
    """Return the digest under which a registry keeps data."""
    return f"sha256:{sha256(data).hexdigest()}"


@dataclass(frozen=True)
class Registry:
    """A registry; `authority` is the file with the certificate that clients must trust."""

    address: str
    authority: Path
    pool: urllib3.PoolManager
    # What has a digest never changes.
    known: dict[str, bytes] = field(default_factory=dict)

    def manifest(self, reference: str) -> bytes | None:
        """Return the manifest of an image, or None when the registry does not know it."""
        repository, name = self._parts(reference)
        key = f"{repository}@{name}"
        if key in self.known:
            return self.known[key]
        answer = self._ask("GET", f"{repository}/manifests/{name}", headers={"Accept": ACCEPTED})
        if answer.status == 200 and name.startswith("sha256:"):
            self.known[key] = answer.data
        return answer.data if answer.status == 200 else None

    def config(self, reference: str) -> dict[str, Any]:
        """Return the configuration of an image."""
        manifest = json.loads(self.manifest(reference) or b"{}")
        value = json.loads(self._blob(reference, manifest["config"]["digest"]))
        assert isinstance(value, dict)
        return value

    def files(self, reference: str) -> dict[str, bytes]:
        """Return the files of all layers of an image, by path."""
        found: dict[str, bytes] = {}
        for layer in json.loads(self.manifest(reference) or b"{}")["layers"]:
            data = self._blob(reference, layer["digest"])
            with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as tar:
                for entry in tar:
                    content = tar.extractfile(entry)
                    if content is not None:
                        found[entry.name.removeprefix("./")] = content.read()
        return found

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository, sorted."""
        answer = self._ask("GET", f"{repository.partition('/')[2]}/tags/list")
        return sorted(json.loads(answer.data).get("tags") or []) if answer.status == 200 else []

    def blob(self, repository: str, digest: str) -> bytes:
        """Return what a repository has under a digest."""
        return self._blob(f"{repository}:x", digest)

    def push(self, reference: str, labels: Mapping[str, str], files: Mapping[str, str]) -> str:
        """Push an image of one layer under a tag, and return it by digest."""
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            for name, text in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        root = {"type": "layers", "diff_ids": [digest_of(tar.getvalue())]}
        config = {"architecture": "amd64", "os": "linux", "config": {"Labels": dict(labels)}, "rootfs": root}
        layer = self._put_blob(reference, LAYER, gzip.compress(tar.getvalue(), mtime=0))
        return self._push_manifest(reference, config, [layer])

    def push_upon(
        self, base: str, reference: str, layer: bytes, labels: Mapping[str, str] | None = None
    ) -> str:
        """Push an image with a further layer, a compressed tar, and other labels if any are given; return its
        digest.
        """
        config, manifest = self.config(base), json.loads(self.manifest(base) or b"{}")
        for kept in manifest["layers"]:
            self._put_blob(reference, kept["mediaType"], self._blob(base, kept["digest"]))
        config["rootfs"]["diff_ids"].append(digest_of(gzip.decompress(layer)))
        config["config"]["Labels"] = labels or config["config"].get("Labels", {})
        added = self._put_blob(reference, LAYER, layer)
        return self._push_manifest(reference, config, [*manifest["layers"], added])

    def _push_manifest(self, reference: str, config: dict[str, Any], layers: list[dict[str, Any]]) -> str:
        written = json.dumps(config).encode()
        described = self._put_blob(reference, CONFIG_TYPE, written)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers}
        data = json.dumps(manifest).encode()
        repository, tag = self._parts(reference)
        headers = {"Content-Type": MANIFEST}
        answer = self._ask("PUT", f"{repository}/manifests/{tag}", headers=headers, body=data)
        assert answer.status == 201, answer.data
        return digest_of(data)

    def _put_blob(self, reference: str, kind: str, data: bytes) -> dict[str, Any]:
        repository, _ = self._parts(reference)
        begun = self._ask("POST", f"{repository}/blobs/uploads/")
        place = begun.headers["Location"]
        headers = {"Content-Type": "application/octet-stream"}
        url = f"{place}{'&' if '?' in place else '?'}digest={digest_of(data)}"
        answer = self.pool.request("PUT", url, headers=headers, body=data)
        assert answer.status == 201, answer.data
        return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}

    def _blob(self, reference: str, digest: str) -> bytes:
        if digest not in self.known:
            self.known[digest] = self._ask("GET", f"{self._parts(reference)[0]}/blobs/{digest}").data
        return self.known[digest]

    def _ask(self, method: str, path: str, **given: Any) -> urllib3.BaseHTTPResponse:
        return self.pool.request(method, f"https://{self.address}/v2/{path}", **given)

    def _parts(self, reference: str) -> tuple[str, str]:
        """Return the repository, without the registry, and the tag or digest."""
        repository, _, name = reference.partition("/")[2].partition("@")
        if not name:
            repository, _, name = repository.partition(":")
        return repository, name


class Certificate:
    """A certificate for localhost that nobody else signed, and its key, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.path, self.key = folder / "tls.crt", folder / "tls.key"
        request = (
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost"
        )
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", str(self.key), "-out", str(self.path)]
        subprocess.run(
            [program("openssl"), *request.split(), *names, *files], check=True, capture_output=True
        )

    @property
    def trusted(self) -> dict[str, str]:
        """The variable that makes programs written in Go trust it, and no other authority."""
        return {"SSL_CERT_FILE": str(self.path)}


@contextmanager
def registry(root: Path, certificate: Certificate | None = None) -> Iterator[str]:
    """Serve an empty registry, with TLS if there is a certificate for it, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    root.mkdir(parents=True)
    config = root / "config.yml"
    tls = TLS.format(certificate=certificate.path, key=certificate.key) if certificate else ""
    config.write_text(REGISTRY.format(root=root / "data", port=port, tls=tls))
    scheme, authority = ("https", str(certificate.path)) if certificate else ("http", None)
    command = [program("docker-registry"), "serve", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            retries = urllib3.Retry(200, backoff_factor=0.02, backoff_max=0.2)
            with urllib3.PoolManager(retries=retries, ca_certs=authority) as pool:
                pool.request("GET", f"{scheme}://localhost:{port}/v2/")
            yield f"localhost:{port}"
        finally:
            server.terminate()


@contextmanager
def serving(folder: Path) -> Iterator[Registry]:
    """Serve an empty registry, with a certificate of its own, until the end."""
    certificate = Certificate(folder / "certificate")
    with (
        registry(folder / "registry", certificate) as address,
        urllib3.PoolManager(ca_certs=str(certificate.path)) as pool,
    ):
        yield Registry(address, certificate.path, pool)
