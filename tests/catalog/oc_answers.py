"""What oc answers about a release that is made of another one, without what differs from run to run: from the
stand-in, or from a real oc.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from typing import Any

from stand_in_oc import OcError
from stream_hub import Hub
from stream_world import BASE
from upgraded_cluster import KEYS_FILE

NAME = "4.22.0-okd-scos.ec.1.lab.7"
Oc = Callable[..., str]
# Digests, the port of the registry, and times.
_OF_THIS_RUN = re.compile(r"[0-9a-f]{64}|(?<=localhost:)[0-9]+|20\d\d-\d\d-\d\dT[0-9:.]+Z")
# Fields of the type ImageStream that are empty, and what is said of the layers of an image.
_UNREAD = {"generation", "importPolicy", "referencePolicy", "lookupPolicy", "status", "config", "size"}


def answers(hub: Hub, oc: Oc) -> dict[str, Any]:
    """Return the answers to the commands that the chain calls, and to some that fail."""
    address = hub.registry.address
    base, target = f"{address}/okd/release:{BASE}", f"{address}/okd/candidates:{NAME}"
    keys = hub.info(hub.cluster.history[0]["image"])["references"]["spec"]["tags"][1]["from"]["name"]
    made = ["adm", "release", "new", "--from-release", base, "--to-image", target, "--name", NAME]
    made += ["--keep-manifest-list", "--previous", "4.22.0-okd-scos.9,4.22.0-okd-scos.10"]
    info = ["adm", "release", "info", "--output", "json"]
    result = {
        "new": oc(*made, f"cluster-update-keys={keys}"),
        "info": json.loads(oc(*info, target)),
        "labels": hub.registry.config(target)["config"]["Labels"],
        "extract": oc("adm", "release", "extract", "--file", KEYS_FILE, target).startswith("apiVersion: v1"),
        "files": sorted(path for path in hub.registry.files(target) if path.startswith("release-manifests/")),
        "unknown image": _failure(oc, *info, f"{address}/okd/candidates:gone"),
        "no release": _failure(oc, *info, f"{address}/okd/content:cli"),
    }
    return dict(json.loads(_OF_THIS_RUN.sub("…", json.dumps(_read(result), ensure_ascii=False))))


def real(hub: Hub, path: str) -> Oc:
    """Return a real oc."""
    environment = {**os.environ, "SSL_CERT_FILE": str(hub.registry.authority), "HOME": str(hub.folder)}

    def oc(*arguments: str) -> str:
        done = subprocess.run(
            [path, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OcError(done.stderr.strip())
        return done.stdout

    return oc


def _failure(oc: Oc, *arguments: str) -> str:
    try:
        return oc(*arguments)
    except OcError as error:
        return str(error).strip()


def _read(value: Any) -> Any:
    """Return a value without the keys that nobody reads."""
    if isinstance(value, dict):
        return {key: _read(each) for key, each in sorted(value.items()) if key not in _UNREAD}
    return [_read(each) for each in value] if isinstance(value, list) else value
