"""Validate documents with the real kubeconform: each distinct one once, in one process for each Kubernetes version.

Documents go in files of about 1 MB, never through stdin: kubeconform v0.8.0 judges wrong bytes of a stream larger than its 4 MB buffer. A kind
whose schema is missing is found here, before kubeconform, which would also call a schema "missing" that merely does not compile.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from okd_gitops.errors import ToolError
from okd_gitops.objects import ObjectId
from okd_gitops.process import run

TIMEOUT = 600.0
FILE_BYTES = 1_000_000
ENVIRONMENT = {"GOGC": "400"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a document is not valid; `missing` when there is no schema to tell."""

    document: bytes
    reasons: tuple[str, ...]
    missing: bool = False


def validate(documents: Mapping[bytes, ObjectId], schemas: Path, binary: Path, *, kubernetes: str, workers: int) -> list[Verdict]:
    """Return a verdict for each of `documents` (bytes to identity) that is not valid under that Kubernetes minor.

    Raises ToolError when kubeconform fails, or has not judged every document.
    """
    kinds = _kinds(schemas, kubernetes)
    verdicts = [
        Verdict(data, (f"no schema for {identity.group or 'core'}/{identity.version} {identity.kind}",), missing=True)
        for data, identity in documents.items()
        if (identity.group, identity.version, identity.kind) not in kinds
    ]
    missing = {verdict.document for verdict in verdicts}
    judged = {data: identity for data, identity in documents.items() if data not in missing}
    if not judged:
        return verdicts
    faults = _run(list(_packed(judged)), schemas, binary, kubernetes, workers, len(judged))
    # A report names file, kind and name. Where variants of one object share a file, each of them is asked again alone.
    asked = {data for group, key, _ in faults for data in group if _key(judged[data]) == key}
    alone = {data: [data] for data in asked}
    unclear = [data for group, key, _ in faults for data in group if sum(_key(judged[other]) == key for other in group) > 1]
    if unclear:
        faults = _run([[data] for data in alone], schemas, binary, kubernetes, workers, len(alone))
    for group, key, reasons in faults:
        verdicts += [Verdict(data, reasons) for data in group if _key(judged[data]) == key]
    return verdicts


def arguments(binary: Path, schemas: Path, kubernetes: str, workers: int) -> list[str]:
    """Return kubeconform's command line without the files; the plain loop of the tests and the bench uses the same one."""
    locations = (schemas / f"kubernetes-{kubernetes}" / "{{.ResourceKind}}{{.KindSuffix}}.json", schemas / CRDS)
    named = [word for location in locations for word in ("-schema-location", str(location))]
    return [str(binary), "-strict", "-output", "json", "-summary", "-n", str(workers), "-kubernetes-version", f"{kubernetes}.0", *named]


CRDS = "crds/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"


def _kinds(schemas: Path, kubernetes: str) -> set[tuple[str, str, str]]:
    try:
        index: dict[str, Any] = json.loads((schemas / "index.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise ToolError("the schemas are not there, so nothing can be validated", "make check builds them") from None
    core = index["kubernetes"].get(kubernetes)
    if core is None:
        known = ", ".join(sorted(index["kubernetes"], key=lambda minor: int(minor.partition(".")[2])))
        raise ToolError(f"there are no schemas for Kubernetes {kubernetes}", f"there are: {known}")
    return {(group, version, kind) for group, version, kind in [*core, *index["crds"]]}


def _packed(documents: Mapping[bytes, ObjectId]) -> Iterable[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for data in documents:
        if group and size + len(data) > FILE_BYTES:
            yield group
            group, size = [], 0
        group.append(data)
        size += len(data)
    yield group


def _key(identity: ObjectId) -> tuple[str, str, str]:
    version = f"{identity.group}/{identity.version}" if identity.group else identity.version
    return version, identity.kind, identity.name


def _run(
    groups: Sequence[list[bytes]], schemas: Path, binary: Path, kubernetes: str, workers: int, expected: int
) -> list[tuple[list[bytes], tuple[str, str, str], tuple[str, ...]]]:
    with tempfile.TemporaryDirectory(prefix="okd-gitops-") as folder:
        files = {}
        for number, group in enumerate(groups):
            file = Path(folder, f"{number}.yaml")
            file.write_bytes(b"---\n".join(group))
            files[str(file)] = group
        completed = run([*arguments(binary, schemas, kubernetes, workers), folder], cwd=Path(folder), timeout=TIMEOUT, environment=ENVIRONMENT)
        try:
            report: dict[str, Any] = json.loads(completed.out)
        except ValueError:
            raise ToolError(f"kubeconform failed: {(completed.err or completed.out.decode('utf-8', 'replace')).strip()[:400]}", "") from None
        summary = report["summary"]
        counted = sum(int(summary[name]) for name in ("valid", "invalid", "errors"))
        if counted != expected or summary["skipped"]:
            raise ToolError(f"kubeconform judged {counted} of {expected} documents and skipped {summary['skipped']}", "report this")
        return [(files[fault["filename"]], _reported(fault), _reasons(fault)) for fault in report["resources"]]


def _reported(fault: dict[str, Any]) -> tuple[str, str, str]:
    return str(fault["version"]), str(fault["kind"]), str(fault["name"])


def _reasons(fault: dict[str, Any]) -> tuple[str, ...]:
    causes = [f"{cause['path'] or '/'}: {cause['msg']}" for cause in fault.get("validationErrors") or []]
    return tuple(causes) or (str(fault["msg"]),)
