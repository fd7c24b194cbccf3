"""Validate documents with the real kubeconform: each distinct one once, in one process for each Kubernetes
version.

Documents go in files of about 1 MB, never through stdin: kubeconform v0.8.0 judges wrong bytes of a stream
larger than its 4 MB buffer. A kind whose schema is missing is found here, before kubeconform, which would
also call a schema "missing" that merely does not compile.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from okd_gitops.errors import ToolError
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.system.disk import scratch_folder
from okd_gitops.system.process import Completed, run
from okd_gitops.system.tools import sha256_of

# The documents of a file, the version, kind and name of the one that is meant, and what is wrong with it.
_Fault = tuple[list[bytes], tuple[str, str, str], tuple[str, ...]]
TIMEOUT = 600.0
FILE_BYTES = 1_000_000
ENVIRONMENT = {"GOGC": "400"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a document is not valid; `missing` when there is no schema to tell."""

    document: bytes
    reasons: tuple[str, ...]
    missing: bool = False


def validate(
    documents: Mapping[bytes, ObjectId], schemas: Path, binary: Path, *, kubernetes: str, workers: int
) -> list[Verdict]:
    """Return a verdict for each of `documents` (bytes to identity) that is not valid under that Kubernetes
    minor.

    Raises ToolError when kubeconform fails, or has not judged every document.
    """
    index = _index(schemas)
    kinds = _kinds(index, kubernetes)
    verdicts = [
        Verdict(
            data,
            (f"no schema for {identity.group or 'core'}/{identity.version} {identity.kind}",),
            missing=True,
        )
        for data, identity in documents.items()
        if (identity.group, identity.version, identity.kind) not in kinds
    ]
    missing = {verdict.document for verdict in verdicts}
    judged = {data: identity for data, identity in documents.items() if data not in missing}
    if not judged:
        return verdicts
    _verify(schemas, index, {_schema(identity, kubernetes) for identity in judged.values()})
    faults = _run(list(_packed(judged)), schemas, binary, kubernetes, workers, len(judged))
    # A report names file, kind and name. Where variants of one object share a file, each of them is asked
    # again alone.
    asked = {data for group, key, _ in faults for data in group if _key(judged[data]) == key}
    alone = {data: [data] for data in asked}
    unclear = [
        data
        for group, key, _ in faults
        for data in group
        if sum(_key(judged[other]) == key for other in group) > 1
    ]
    if unclear:
        faults = _run([[data] for data in alone], schemas, binary, kubernetes, workers, len(alone))
    for group, key, reasons in faults:
        verdicts += [Verdict(data, reasons) for data in group if _key(judged[data]) == key]
    return verdicts


def arguments(binary: Path, schemas: Path, kubernetes: str, workers: int) -> list[str]:
    """Return kubeconform's command line without the files; the plain loop of the tests and the bench uses
    the same one.
    """
    locations = (
        schemas / f"kubernetes-{kubernetes}" / "{{.ResourceKind}}{{.KindSuffix}}.json",
        schemas / CRDS,
    )
    named = [word for location in locations for word in ("-schema-location", str(location))]
    return [
        str(binary),
        "-strict",
        "-output",
        "json",
        "-summary",
        "-n",
        str(workers),
        "-kubernetes-version",
        f"{kubernetes}.0",
        *named,
    ]


CRDS = "crds/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"


def _index(schemas: Path) -> dict[str, Any]:
    try:
        index = json.loads((schemas / "index.json").read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise ToolError(
            "the schemas are not there, so nothing can be validated", "make check builds them"
        ) from None
    if not isinstance(index, dict) or not all(
        isinstance(index.get(name), kind) for name, kind in _INDEX.items()
    ):
        raise ToolError(
            f"{schemas / 'index.json'} is not the index of schemas that make check writes", _REMEDY
        )
    return index


_INDEX = {"kubernetes": dict, "crds": list, "files": dict}
_REMEDY = "remove the schemas, then make check builds them"


def _kinds(index: dict[str, Any], kubernetes: str) -> set[tuple[str, str, str]]:
    minors = index["kubernetes"]
    if kubernetes not in minors:
        known = ", ".join(
            sorted(
                minors, key=lambda minor: [int(part) if part.isdigit() else 0 for part in minor.split(".")]
            )
        )
        raise ToolError(f"there are no schemas for Kubernetes {kubernetes}", f"there are: {known}")
    try:
        return {(group, version, kind) for group, version, kind in [*minors[kubernetes], *index["crds"]]}
    except (TypeError, ValueError):
        raise ToolError("the index of the schemas is not the one that make check writes", _REMEDY) from None


def _schema(identity: ObjectId, kubernetes: str) -> tuple[str, str]:
    """Return the files that kubeconform may take for a kind, as the templates of `arguments` name them."""
    kind, version = identity.kind.lower(), identity.version.lower()
    suffix = f"-{identity.group.partition('.')[0]}-{version}" if identity.group else f"-{version}"
    return (
        f"kubernetes-{kubernetes}/{kind}{suffix.lower()}.json",
        f"crds/{identity.group}/{kind}_{identity.version}.json",
    )


def _verify(schemas: Path, index: dict[str, Any], used: Iterable[tuple[str, str]]) -> None:
    """Compare the schemas that are used with what was built: a changed one could let anything pass, or
    fetch another.
    """
    recorded = index["files"]
    for path in sorted({path for pair in used for path in pair}):
        file = schemas / path
        actual = sha256_of(file) if file.is_file() else None
        if actual != recorded.get(path):
            raise ToolError(
                f"the schema {file} is not the one that was built: {actual}, not {recorded.get(path)}",
                _REMEDY,
            )


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
) -> list[_Fault]:
    with scratch_folder() as folder:
        files = {}
        for number, group in enumerate(groups):
            file = folder / f"{number}.yaml"
            file.write_bytes(b"---\n".join(group))
            files[str(file)] = group
        completed = run(
            [*arguments(binary, schemas, kubernetes, workers), str(folder)],
            cwd=folder,
            timeout=TIMEOUT,
            environment=ENVIRONMENT,
        )
        return _faults(completed, files, expected)


def _faults(completed: Completed, files: Mapping[str, list[bytes]], expected: int) -> list[_Fault]:
    """Read kubeconform's report; raises ToolError for anything but a report about every document."""
    try:
        report = json.loads(completed.out)
        summary = report["summary"]
        counts = {name: int(summary[name]) for name in ("valid", "invalid", "errors", "skipped")}
        faults = [
            (files[fault["filename"]], _reported(fault), _reasons(fault))
            for fault in report["resources"] or []
        ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        words = (completed.err or completed.out.decode("utf-8", "replace")).strip()[:400]
        raise ToolError(
            f"kubeconform ended with code {completed.code} and no report: {words}", _REMEDY_TOOL
        ) from None
    judged = counts["valid"] + counts["invalid"] + counts["errors"]
    if judged != expected or counts["skipped"]:
        raise ToolError(
            f"kubeconform judged {judged} of {expected} documents and skipped {counts['skipped']}",
            _REMEDY_TOOL,
        )
    if len(faults) != counts["invalid"] + counts["errors"] or completed.code != bool(faults):
        raise ToolError(
            f"kubeconform counts other faults than it names, or ended with code {completed.code}",
            _REMEDY_TOOL,
        )
    return faults


_REMEDY_TOOL = "make clean, then make check builds the tools anew; if it stays so, report it"


def _reported(fault: dict[str, Any]) -> tuple[str, str, str]:
    return str(fault["version"]), str(fault["kind"]), str(fault["name"])


def _reasons(fault: dict[str, Any]) -> tuple[str, ...]:
    causes = [f"{cause['path'] or '/'}: {cause['msg']}" for cause in fault.get("validationErrors") or []]
    return tuple(causes) or (str(fault["msg"]),)
