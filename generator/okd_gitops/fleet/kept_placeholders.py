"""The placeholders that an earlier run found in each document, by the bytes of its file: to find their places
takes longer than to find them.
"""

import json
from collections.abc import Iterable
from typing import Any

from okd_gitops.finding import Finding, finding_from
from okd_gitops.fleet.placeholders import placeholders
from okd_gitops.manifests.read import Document
from okd_gitops.system.kept import Kept, key_of
from okd_gitops.system.unchanged import hash_of_code

_KIND = "placeholders"


def kept_placeholders(documents: Iterable[Document], kept: Kept | None) -> list[Finding]:
    """Return a finding for each placeholder in the documents of a fleet, as `placeholders` does.

    Documents are as their files have them: nobody has changed a value.
    """
    if kept is None:
        return placeholders(documents)

    common = hash_of_code()
    known: dict[str, Any] = json.loads(kept.read(_KIND, common) or b"{}")
    found: dict[str, Any] = {}
    findings: list[Finding] = []

    for document in documents:
        key = key_of(document.file.encode(), str(document.number).encode(), document.digest.encode())
        if key not in found:
            found[key] = known[key] if key in known else [each.as_json() for each in placeholders([document])]
        findings += map(finding_from, found[key])

    if found.keys() != known.keys():
        kept.keep(_KIND, common, json.dumps(found).encode())

    return findings
