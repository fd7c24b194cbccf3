"""Convert the CRDs of a repository under check: `python -I tools/own_crds.py FOLDER MINOR`.

FOLDER/crds.json is a list of CRDs that others wrote, so nothing in them is trusted: names become paths only
where they are names. The schemas lie beside it in the form of the bundle for a minor of Kubernetes, with an
index of what there is and of what is no CRD.
"""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from crd import crd_schemas

_NAMES = (re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"), re.compile(r"v[a-z0-9]{1,30}"))
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")


def main(folder: Path, minor: str) -> None:
    """Write the schemas of FOLDER/crds.json and FOLDER/index.json."""
    definitions = json.loads((folder / "crds.json").read_text("utf-8"))
    kinds: list[tuple[str, str, str]] = []
    hashes: dict[str, str] = {}
    refused: list[str] = []

    for definition in definitions:
        try:
            converted = list(crd_schemas(definition))
        except (LookupError, TypeError, AttributeError, ValueError, RecursionError, re.error) as error:
            refused.append(f"{_name(definition)}: {type(error).__name__}")
            continue

        for (group, version, kind), schema in converted:
            if _are_names(group, version, kind):
                path = f"crds/{group}/{kind.lower()}_{version}.json"
                data = json.dumps(schema, separators=(",", ":"), sort_keys=True).encode()
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
                hashes[path] = hashlib.sha256(data).hexdigest()
                kinds.append((group, version, kind))

    index = {"crds": kinds, "files": hashes, "kubernetes": {minor: []}, "refused": refused}
    (folder / "index.json").write_text(json.dumps(index), "utf-8")


def _are_names(group: Any, version: Any, kind: Any) -> bool:
    pairs = zip((*_NAMES, _KIND), (group, version, kind), strict=True)
    return all(isinstance(text, str) and pattern.fullmatch(text) for pattern, text in pairs)


def _name(definition: Any) -> str:
    return str(definition["metadata"]["name"])[:253]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
