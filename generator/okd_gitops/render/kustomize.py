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
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.system.process import Completed, run

TIMEOUT = 120.0
# A larger heap before collecting: a quarter less CPU for the same bytes (measured; off without a limit is
# slower than the default).
ENVIRONMENT = {"GOGC": "400"}
# What kustomize ends with by itself: built, refused, and a panic of Go.
_CODES = (0, 1, 2)


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
    """What became of a set of folders: documents by folder, and a finding for each folder that does not
    build.
    """

    documents: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def render(
    root: Path,
    folders: Mapping[str, str],
    binary: Path,
    *,
    workers: int,
    least: Mapping[str, int] | None = None,
) -> Rendering:
    """Run `kustomize build` on each folder (folder to the cluster's name, for messages), `workers` at a
    time.

    All folders are tried. One that does not build becomes a finding kustomize-build-failed; one that
    kustomize did not judge (killed, too slow, too much output, no YAML, fewer documents than `least` says)
    becomes not-judged. The caller has refused remote bases and plug-ins before.
    """
    rendering = Rendering()
    known: dict[bytes, Document] = {}
    with ThreadPoolExecutor(workers) as pool:
        try:
            for folder, result in zip(
                folders, pool.map(lambda folder: _build(root, folder, binary), folders), strict=True
            ):
                try:
                    rendering.documents[folder] = _documents(result, known, (least or {}).get(folder, 0))
                except ToolError as error:
                    rendering.findings.append(_unjudged(folder, folders[folder], error.reason))
                except _BuildError as error:
                    rendering.findings.append(_failure(root, folder, folders[folder], str(error)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return rendering


class _BuildError(Exception):
    """kustomize says why it does not build a folder."""


def _build(root: Path, folder: str, binary: Path) -> Completed | ToolError:
    # With "./" before it no name of a folder is an option, or an address. The load restrictor (files only
    # from below each kustomization) and "no plug-ins" are defaults; naming the first keeps it so.
    arguments = [str(binary), "build", f"./{folder}", "--load-restrictor", "LoadRestrictionsRootOnly"]
    try:
        return run(arguments, cwd=root, timeout=TIMEOUT, environment=ENVIRONMENT)
    except ToolError as error:
        return error


def _documents(
    result: Completed | ToolError, known: dict[bytes, Document], least: int
) -> tuple[Document, ...]:
    """Return what was built; raises _BuildError when kustomize refuses, and ToolError when it did not do
    its work.
    """
    if isinstance(result, ToolError):
        raise result
    if result.code not in _CODES:
        ending = f"signal {-result.code}" if result.code < 0 else f"code {result.code}"
        raise ToolError(f"kustomize ended with {ending}: {result.err.strip()[-300:]}")
    if result.code:
        raise _BuildError(result.err)
    try:
        documents = tuple(_document(data, known) for data in _split(result.out))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ToolError("what kustomize wrote is not YAML") from None
    if any(not ObjectId.of(document.value).kind for document in documents):
        raise ToolError("what kustomize wrote are not objects")
    if len(documents) < least:
        raise ToolError(f"kustomize wrote {len(documents)} documents where there must be {least} at least")
    return documents


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


def _unjudged(folder: str, cluster: str, reason: str) -> Finding:
    return Finding(
        name="not-judged",
        location=Location(file=f"{folder}/kustomization.yaml"),
        reason=f"{folder} was not judged: {reason}",
        remedy=f"kustomize build {folder} by hand; if that works, make clean and make check build the tools anew",
        clusters=(cluster,),
    )


def _failure(root: Path, folder: str, cluster: str, message: str) -> Finding:
    """Turn kustomize's nested message into its cause and the file it names."""
    text = message.strip().removeprefix("Error: ").replace(f"{root}/", "").replace(str(root), ".")
    if (panic := text.find("panic: ")) >= 0 or (panic := text.find("fatal error: ")) >= 0:
        # What follows are the stacks of every goroutine.
        text = f"kustomize itself fails ({text[panic:].splitlines()[0]})"
    # "accumulating resources: accumulation err='…': recursed accumulation of path '…': CAUSE": the cause is
    # what comes last.
    cause = text.splitlines()[-1] if text else "kustomize failed without a message"
    files = re.findall(r"(?:bases|overlays|clusters|argocd)/[A-Za-z0-9_./-]*[A-Za-z0-9]", cause)
    cause = re.sub(r"^.*(?:accumulating|accumulation|recursed)[^:]*: ", "", cause) or cause
    place = files[-1] if files else f"{folder}/kustomization.yaml"
    return Finding(
        name="kustomize-build-failed",
        location=Location(file=place),
        reason=f"kustomize cannot build {folder}: {cause[:600]}",
        remedy=f"kustomize build {folder} repeats it; the cluster is described in clusters/{cluster}.yaml",
        clusters=(cluster,),
    )
