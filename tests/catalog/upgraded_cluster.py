"""A test cluster that judges a release as the cluster version operator does: with the keyring of the payload
that it runs, and the signatures in ConfigMaps of openshift-config-managed with one label.

Read in pkg/verify and pkg/verify/store/configmap of openshift/library-go at d2db42c961e1, which
openshift/cluster-version-operator has at 6e719331fb58 (2026-07-24). A key of `binaryData` is sha256-HEX-N.
"""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gpg_home import GpgHome
from tls_registry import Registry

KEYS_FILE = "0000_90_cluster-update-keys_configmap.yaml"
NAMESPACE, LABEL = "openshift-config-managed", "release.openshift.io/verification-signatures"
Object = dict[str, Any]


@dataclass
class Cluster:
    """What the cluster runs, newest first, why it refused a release, and its ConfigMaps with signatures."""

    registry: Registry
    short: Path
    history: list[dict[str, str]] = field(default_factory=list)
    refused: str = ""
    signatures: dict[str, Object] = field(default_factory=dict)

    def oc(self, arguments: list[str]) -> str:
        """Return what `oc` prints."""
        match arguments:
            case ["get", "clusterversion", "version", "--output", "json"]:
                return json.dumps(self._version())
            case ["get", "clusteroperators", "--output", "json"]:
                status = {"conditions": [{"type": "Available", "status": "True"}]}
                return json.dumps({"items": [{"metadata": {"name": "etcd"}, "status": status}]})
            case ["apply", "--server-side", "--field-manager", "okd-stream", "--filename", path]:
                self.apply(json.loads(Path(path).read_text()))
                return "configmap serverside-applied\n"
            case ["patch", "clusterversion", "version", "--type", "merge", "--patch", patch]:
                self.update(json.loads(patch)["spec"]["desiredUpdate"])
                return "clusterversion.config.openshift.io/version patched\n"
        raise AssertionError(arguments)

    def apply(self, made: Object) -> None:
        """Take a ConfigMap; one in another namespace, or without the label, counts for nothing."""
        if made["metadata"]["namespace"] == NAMESPACE and LABEL in made["metadata"].get("labels", {}):
            self.signatures[made["metadata"]["name"]] = made

    def update(self, wanted: Object) -> None:
        """Update to a release, or say why not."""
        assert wanted["force"] is False
        digest = wanted["image"].partition("@")[2]
        name = digest.replace(":", "-")
        messages = [
            base64.b64decode(data)
            for each in self.signatures.values()
            for key, data in each["binaryData"].items()
            if key.startswith(f"{name}-")
        ]
        keyring = yaml.safe_load(self._manifest(KEYS_FILE))["data"]
        keys = [text for key, text in keyring.items() if key.startswith("verifier-public-key-")]
        if not any(all(self._is_good(message, key, digest) for key in keys) for message in messages):
            self.refused = f"unable to verify {digest} against keyrings: {', '.join(keyring)}"
            return

        self.refused = ""
        newest = {"state": "Completed", "version": wanted["version"], "image": wanted["image"]}
        self.history.insert(0, newest)

    def _version(self) -> Object:
        states = {"Available": "True", "Failing": "False", "Progressing": "False"}
        conditions = [{"type": kind, "status": status} for kind, status in states.items()]
        accepted = {"type": "ReleaseAccepted", "status": str(not self.refused), "message": self.refused}
        return {"status": {"history": self.history, "conditions": [*conditions, accepted]}}

    def _manifest(self, name: str) -> bytes:
        return self.registry.files(self.history[0]["image"])[f"release-manifests/{name}"]

    def _is_good(self, message: bytes, keys: str, digest: str) -> bool:
        """Whether a signature is by one of the keys, and for an image."""
        home = GpgHome(self.short)
        home.take_first_block(keys)
        read = home.run("--decrypt", given=message)
        if read.returncode:
            return False
        return bool(json.loads(read.stdout)["critical"]["image"]["docker-manifest-digest"] == digest)
