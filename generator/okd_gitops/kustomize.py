"""Render folders with the real kustomize, and keep each distinct document once."""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from okd_gitops.errors import ToolError
from okd_gitops.finding import Finding, Location
from okd_gitops.objects import Object
from okd_gitops.process import run

TIMEOUT = 120.0
# A larger heap before collecting: a quarter less CPU for the same bytes (measured; off without a limit is slower than the default).
ENVIRONMENT = {"GOGC": "400"}


class _SafeLoader(yaml.CSafeLoader):
    """Reads what kustomize wrote; a date stays the string that the API server will see."""


_SafeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered document: its bytes and the object in them. Equal bytes are one Document."""

    data: bytes
    value: Object


@dataclass(slots=True)
class Rendering:
    """What became of a set of folders: documents by folder, and a finding for each folder that does not build."""

    documents: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def render(root: Path, folders: Mapping[str, str], binary: Path, *, workers: int) -> Rendering:
    """Run `kustomize build` on each folder (folder to the cluster's name, for messages), `workers` at a time.

    All folders are tried; one that fails becomes a finding. The caller has refused remote bases and plug-ins before.
    """
    rendering = Rendering()
    known: dict[bytes, Document] = {}
    with ThreadPoolExecutor(workers) as pool:
        try:
            for folder, result in zip(folders, pool.map(lambda folder: _build(root, folder, binary), folders), strict=True):
                if isinstance(result, str):
                    rendering.findings.append(_failure(root, folder, folders[folder], result))
                else:
                    rendering.documents[folder] = tuple(_document(data, known) for data in _split(result))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return rendering


def _build(root: Path, folder: str, binary: Path) -> bytes | str:
    # The load restrictor (files only from below each kustomization) and "no plug-ins" are defaults; naming the first keeps it so.
    arguments = [str(binary), "build", folder, "--load-restrictor", "LoadRestrictionsRootOnly"]
    try:
        completed = run(arguments, cwd=root, timeout=TIMEOUT, environment=ENVIRONMENT)
    except ToolError as error:
        return error.reason
    return completed.out if completed.code == 0 else completed.err


def _split(out: bytes) -> Iterable[bytes]:
    # A separator stands at the start of a line; the content of a block scalar is always indented.
    return [document for document in out.split(b"\n---\n") if document.strip()]


def _document(data: bytes, known: dict[bytes, Document]) -> Document:
    data = data.rstrip(b"\n") + b"\n"
    key = sha256(data).digest()
    if key not in known:
        value: Any = _SafeLoader(data).get_single_data()
        known[key] = Document(data, value if isinstance(value, dict) else {"value": value})
    return known[key]


def _failure(root: Path, folder: str, cluster: str, message: str) -> Finding:
    """Turn kustomize's nested message into its cause and the file it names."""
    text = message.strip().removeprefix("Error: ").replace(f"{root}/", "").replace(str(root), ".")
    # "accumulating resources: accumulation err='…': recursed accumulation of path '…': CAUSE": the cause is what comes last.
    cause = text.splitlines()[-1] if text else "kustomize failed without a message"
    files = re.findall(r"(?:bases|overlays|clusters|argocd)/[A-Za-z0-9_./-]*[A-Za-z0-9]", cause)
    cause = re.sub(r"^.*(?:accumulating|accumulation|recursed)[^:]*: ", "", cause) or cause
    place = files[-1] if files else f"{folder}/kustomization.yaml"
    return Finding(
        code="GK004",
        location=Location(file=place),
        reason=f"kustomize cannot build {folder}: {cause[:600]}",
        remedy=f"kustomize build {folder} repeats it; the cluster is described in clusters/{cluster}.yaml",
        clusters=(cluster,),
    )
