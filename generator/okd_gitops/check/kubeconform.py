"""Validate each distinct document once with the real kubeconform, a process for each Kubernetes version.

Documents go in files of about 1 MB, never through stdin: kubeconform v0.8.0 judges wrong bytes of a stream
larger than its 4 MB buffer. A kind whose schema is missing is found here, before kubeconform, which would
also call a schema "missing" that merely does not compile.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from okd_gitops.check.schema_causes import reasons_of
from okd_gitops.check.schema_gaps import kinds_without_schema
from okd_gitops.errors import ToolError
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.system.disk import scratch_folder, write_files
from okd_gitops.system.process import Completed, run
from okd_gitops.system.tools import GO_ENVIRONMENT, REMEDY, sha256_of

# The Kubernetes whose schemas judge what no cluster file describes, unless the user names another one.
DEFAULT_KUBERNETES = "1.35"
TIMEOUT = 600.0
FILE_BYTES = 1_000_000
CRDS = "crds/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
_INDEX = {"kubernetes": dict, "crds": list, "files": dict}
_SCHEMAS_REMEDY = f"remove the schemas, then {REMEDY}"
_TOOL_REMEDY = "make clean, then make check builds the tools anew; report it if it happens again"
# By which a report names a document: version, kind and name.
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a document is not valid; `missing` when there is no schema to tell."""

    document: bytes
    reasons: tuple[str, ...]
    missing: bool = False


@dataclass(frozen=True, slots=True)
class _Fault:
    """What kubeconform reports about a document: the documents of its file, its key, and the reasons."""

    file: list[bytes]
    key: _Key
    reasons: tuple[str, ...]

    def documents(self, identities: Mapping[bytes, ObjectId]) -> list[bytes]:
        """Return the documents that may be meant: more than one where variants of an object share a file."""
        return [data for data in self.file if _key(identities[data]) == self.key]


def validate(
    documents: Mapping[bytes, ObjectId], schemas: Path, binary: Path, *, kubernetes: str, workers: int
) -> list[Verdict]:
    """Return a verdict for each document (bytes to identity) that is not valid under a Kubernetes minor.

    Raises ToolError when kubeconform fails, or has not judged every document.
    """
    index = _index(schemas)
    kinds = _kinds(index, kubernetes)
    known = {data: identity for data, identity in documents.items() if _kind(identity) in kinds}
    verdicts = [_without_schema(data, documents[data]) for data in documents if data not in known]
    if not known:
        return verdicts

    _verify(schemas, index, {_schema(identity, kubernetes) for identity in known.values()})
    for fault in _faults_of(known, arguments(binary, schemas, kubernetes, workers)):
        verdicts += [Verdict(data, fault.reasons) for data in fault.documents(known)]
    return verdicts


def recorded_schemas(
    documents: Mapping[bytes, ObjectId], schemas: Path, kubernetes: str
) -> dict[bytes, tuple[str, ...]]:
    """Return the recorded hashes of the schemas by which each document is judged, empty where there is none.

    Raises ToolError when the schemas are missing.
    """
    recorded = _index(schemas)["files"]
    return {
        data: tuple(str(recorded.get(path, "")) for path in _schema(identity, kubernetes))
        for data, identity in documents.items()
    }


def known_minors(schemas: Path) -> list[str]:
    """Return the minors of Kubernetes that there are schemas of; raises ToolError without schemas."""
    return sorted(_index(schemas)["kubernetes"], key=_minor_order)


def known_kinds(schemas: Path, kubernetes: str) -> set[tuple[str, str, str]]:
    """Return group, version and kind of everything that is known; raises ToolError without schemas."""
    return _kinds(_index(schemas), kubernetes) | kinds_without_schema()


def kinds_in(schemas: Path) -> set[tuple[str, str, str]]:
    """Return group, version and kind of what a folder of schemas has beside core Kubernetes."""
    return {(group, version, kind) for group, version, kind in _index(schemas)["crds"]}


def _faults_of(identities: Mapping[bytes, ObjectId], command: Sequence[str]) -> list[_Fault]:
    """Let kubeconform judge documents, and those alone that its report cannot tell apart."""
    faults = _run(list(_packed(identities)), command)
    suspects = [fault.documents(identities) for fault in faults]

    if all(len(variants) == 1 for variants in suspects):
        return faults
    alone = dict.fromkeys(data for variants in suspects for data in variants)
    return _run([[data] for data in alone], command)


def _without_schema(data: bytes, identity: ObjectId) -> Verdict:
    group, version, kind = _kind(identity)
    return Verdict(data, (f"no schema for {group or 'core'}/{version} {kind}",), missing=True)


def _kind(identity: ObjectId) -> tuple[str, str, str]:
    return identity.group, identity.version, identity.kind


def arguments(binary: Path, schemas: Path, kubernetes: str, workers: int) -> list[str]:
    """Return kubeconform's command line without the files."""
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


def _index(schemas: Path) -> dict[str, Any]:
    path = schemas / "index.json"
    try:
        index = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise ToolError("the schemas are missing, so nothing can be validated", REMEDY) from None

    is_index = isinstance(index, dict) and all(
        isinstance(index.get(key), type_) for key, type_ in _INDEX.items()
    )
    if not is_index:
        raise ToolError(f"{path} is not the index of schemas that make check writes", _SCHEMAS_REMEDY)
    return dict(index)


def _kinds(index: dict[str, Any], kubernetes: str) -> set[tuple[str, str, str]]:
    """Return the group, version and kind of everything that there is a schema for."""
    minors = index["kubernetes"]
    if kubernetes not in minors:
        known = ", ".join(sorted(minors, key=_minor_order))
        raise ToolError(f"there are no schemas for Kubernetes {kubernetes}", f"there are: {known}")

    try:
        return {(group, version, kind) for group, version, kind in [*minors[kubernetes], *index["crds"]]}
    except (TypeError, ValueError):
        raise ToolError(
            "the index of the schemas is not the one that make check writes", _SCHEMAS_REMEDY
        ) from None


def _minor_order(minor: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in minor.split(".")]


def _schema(identity: ObjectId, kubernetes: str) -> tuple[str, str]:
    """Return the files that kubeconform may take for a kind, as the templates of `arguments` name them."""
    kind, version = identity.kind.lower(), identity.version.lower()
    suffix = f"-{identity.group.partition('.')[0]}-{version}" if identity.group else f"-{version}"
    return (
        f"kubernetes-{kubernetes}/{kind}{suffix.lower()}.json",
        f"crds/{identity.group}/{kind}_{identity.version}.json",
    )


def _verify(schemas: Path, index: dict[str, Any], used: Iterable[tuple[str, str]]) -> None:
    """Refuse a schema that is not the one that was built: it could let anything pass, or fetch another."""
    recorded = index["files"]
    for path in sorted({path for pair in used for path in pair}):
        file = schemas / path
        actual = sha256_of(file) if file.is_file() else None
        if actual != recorded.get(path):
            raise ToolError(
                f"the schema {file} is not the one that was built: {actual}, not {recorded.get(path)}",
                _SCHEMAS_REMEDY,
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


def _key(identity: ObjectId) -> _Key:
    version = f"{identity.group}/{identity.version}" if identity.group else identity.version
    return version, identity.kind, identity.name


def _run(groups: Sequence[list[bytes]], command: Sequence[str]) -> list[_Fault]:
    """Let kubeconform judge groups of documents, each in a file of its own."""
    with scratch_folder() as folder:
        groups_by_name = {f"{number}.yaml": group for number, group in enumerate(groups)}
        for name, group in groups_by_name.items():
            write_files(folder, {name: b"---\n".join(group)})
        files = {str(folder / name): group for name, group in groups_by_name.items()}

        completed = run([*command, str(folder)], cwd=folder, timeout=TIMEOUT, environment=GO_ENVIRONMENT)
        return _faults(completed, files)


def _faults(completed: Completed, files: Mapping[str, list[bytes]]) -> list[_Fault]:
    """Read kubeconform's report; raises ToolError for anything but a report about every document."""
    try:
        report = json.loads(completed.out)
        counts = {name: int(report["summary"][name]) for name in ("valid", "invalid", "errors", "skipped")}
        faults = [
            _Fault(files[fault["filename"]], _reported(fault), reasons_of(fault))
            for fault in report["resources"] or []
        ]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        words = (completed.err or completed.out.decode("utf-8", "replace")).strip()[:400]
        raise ToolError(
            f"kubeconform ended with code {completed.code} and no report: {words}", _TOOL_REMEDY
        ) from None

    expected = sum(len(group) for group in files.values())
    _refuse_incomplete(completed.code, counts, expected=expected, faults=len(faults))
    return faults


def _refuse_incomplete(code: int, counts: Mapping[str, int], *, expected: int, faults: int) -> None:
    """Raise ToolError unless the counts of a report cover every document and fit its faults."""
    invalid = counts["invalid"] + counts["errors"]
    judged = counts["valid"] + invalid

    if judged != expected or counts["skipped"]:
        reason = f"kubeconform judged {judged} of {expected} documents and skipped {counts['skipped']}"
        raise ToolError(reason, _TOOL_REMEDY)
    if faults != invalid or code != bool(faults):
        reason = f"kubeconform counts other faults than it names, or ended with code {code}"
        raise ToolError(reason, _TOOL_REMEDY)


def _reported(fault: dict[str, Any]) -> _Key:
    return str(fault["version"]), str(fault["kind"]), str(fault["name"])
