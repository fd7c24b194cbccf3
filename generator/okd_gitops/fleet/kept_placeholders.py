"""The placeholders that an earlier run found in each document, by the bytes of its file: to find their places
takes longer than to find them.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from okd_gitops.finding import Finding, finding_from
from okd_gitops.fleet.placeholders import placeholders
from okd_gitops.manifests.read import Document
from okd_gitops.system.kept import Results, kept_folder, key_of
from okd_gitops.system.unchanged import hash_of_code


def kept_placeholders(documents: Iterable[Document], root: Path, cache: Path) -> list[Finding]:
    """Return a finding for each placeholder in the documents of the fleet at `root`, as `placeholders` does.

    Documents are as their files have them: nobody has changed a value.
    """
    folder = kept_folder(cache)
    if folder is None:
        return placeholders(documents)

    results, place, common = Results(folder / "placeholders"), key_of(bytes(root)), hash_of_code()
    known: dict[str, Any] = json.loads(results.read_of(common, place) or b"{}")
    found: dict[str, Any] = {}
    findings: list[Finding] = []

    for document in documents:
        key = key_of(document.file.encode(), str(document.number).encode(), document.digest.encode())
        if key not in found:
            found[key] = known[key] if key in known else [each.as_json() for each in placeholders([document])]
        findings += map(finding_from, found[key])

    if found.keys() != known.keys():
        results.keep_of(common, place, json.dumps(found).encode())

    return findings
