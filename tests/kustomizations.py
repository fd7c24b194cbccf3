"""Folders with kustomizations for the tests that scan or build them."""

from pathlib import Path

CONFIGMAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n"


def write(root: Path, tree: dict[str, bytes]) -> Path:
    """Write files below a folder, and return the folder."""
    for path, data in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root
