"""Render folders with the real kustomize, and keep each distinct document once."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import yaml

from okd_gitops.errors import ToolError
from okd_gitops.finding import Finding, finding_of
from okd_gitops.manifests.objects import FixedObject, Object, ObjectId
from okd_gitops.manifests.plain import plain_value
from okd_gitops.render.in_turn import InTurn, building
from okd_gitops.system.process import Completed, run
from okd_gitops.system.tools import ONE_CORE
from okd_gitops.tree import digest

TIMEOUT = 120.0
# The codes with which kustomize ends by itself: built, refused, and a panic of Go.
_CODES = (0, 1, 2)
_PANIC = re.compile(r"(?:panic|fatal error): .*")
_POINTER = re.compile(r"\b0x[0-9a-f]{6,}\b")
# What kustomize repeats of generators and patches, which may be a secret value, and what is told instead.
_REPEATED = (
    (re.compile(r"(literal sources \[).*", re.DOTALL), r"\1…]: one of them is not key=value"),
    (re.compile(r"(file sources: \[).*contains '='.*", re.DOTALL), r"\1…]: a key or a path contains '='"),
    (re.compile(r"line \[[\d ]*\] has invalid utf8 bytes.*", re.DOTALL), "a line is not UTF-8"),
    (re.compile(r"(with config: `).*`", re.DOTALL), r"\1…`"),
    (re.compile(r"(patch from \[).*", re.DOTALL), r"\1…]"),
)
_FILE = re.compile(r"(?:bases|overlays|clusters|argocd)/[A-Za-z0-9_./-]*[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered document: its bytes, the object in them, and the SHA-256 of the bytes in hexadecimal.

    Equal bytes are one Document.
    """

    data: bytes
    value: Object
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", digest(self.data))


class Earlier(Protocol):
    """What `kustomize build` wrote in earlier runs, by the folder that was built."""

    def read(self, folder: str) -> bytes | None:
        """Return the output for a folder whose files have not changed since, or None."""

    def keep(self, folder: str, output: bytes) -> None:
        """Keep the output for a folder."""


@dataclass(slots=True)
class Rendering:
    """The documents of each folder, and a finding for each folder that does not build."""

    documents: dict[str, tuple[Document, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def no_count(_done: int, _total: int) -> None:
    """Tell nobody how far a run is."""


def render(
    root: Path,
    folders: Mapping[str, str],
    binary: Path,
    *,
    workers: int,
    least: Mapping[str, int] | None = None,
    earlier: Earlier | None = None,
    in_turn: InTurn | None = None,
    count: Callable[[int, int], None] = no_count,
) -> Rendering:
    """Run `kustomize build` on each folder, `workers` at a time; `folders` gives the name of its cluster.

    A folder of which `earlier` has the output is not built again, and what is built is kept there. Folders of
    `in_turn` are built by its program; what that does not build is built by kustomize. `count` is told after
    each folder how many of how many are done.

    All folders are tried. One that does not build becomes a finding kustomize-build-failed; one that
    kustomize did not judge (killed, too slow, too much output, no YAML, fewer documents than `least` gives)
    becomes not-judged. The caller must have refused remote bases and plug-ins before.
    """
    rendering = Rendering()
    distinct: dict[bytes, Document] = {}
    required = least or {}

    with (
        building(in_turn, root, workers=workers, timeout=TIMEOUT) as quick,
        ThreadPoolExecutor(workers) as pool,
    ):

        def build_once(folder: str) -> Completed | ToolError:
            return _build_once(root, folder, binary, earlier, quick)

        try:
            builds = _in_order(pool, build_once, folders, ahead=2 * workers)
            for done, ((folder, cluster), build) in enumerate(zip(folders.items(), builds, strict=True), 1):
                count(done, len(folders))

                try:
                    rendering.documents[folder] = _documents(build, distinct, required.get(folder, 0))
                except ToolError as error:
                    rendering.findings.append(_not_judged(folder, cluster, error.reason))
                except _BuildError as error:
                    rendering.findings.append(_build_failed(root, folder, cluster, str(error)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise

    return rendering


def _in_order(
    pool: ThreadPoolExecutor,
    build: Callable[[str], Completed | ToolError],
    folders: Iterable[str],
    ahead: int,
) -> Iterator[Completed | ToolError]:
    """Yield what was built in the order of folders; at most `ahead` outputs wait to be read."""
    started: deque[Future[Completed | ToolError]] = deque()

    for folder in folders:
        started.append(pool.submit(build, folder))
        if len(started) > ahead:
            yield started.popleft().result()

    while started:
        yield started.popleft().result()


def _build_once(
    root: Path,
    folder: str,
    binary: Path,
    earlier: Earlier | None,
    quick: Callable[[str], bytes | None],
) -> Completed | ToolError:
    """Build a folder unless its output is known, which is then read with the care that a new one gets."""
    output = earlier.read(folder) if earlier else None
    if output is not None:
        return Completed(0, output, "")

    output = quick(folder)
    build = Completed(0, output, "") if output is not None else _build(root, folder, binary)
    if earlier and isinstance(build, Completed) and build.code == 0:
        earlier.keep(folder, build.out)
    return build


class _BuildError(Exception):
    """kustomize refuses to build a folder, for the reason in its message."""


def _build(root: Path, folder: str, binary: Path) -> Completed | ToolError:
    # With "./" in front no name of a folder is an option or an address. The load restrictor (files only from
    # below each kustomization) is named, so that it stays when kustomize's default changes.
    arguments = [str(binary), "build", f"./{folder}", "--load-restrictor", "LoadRestrictionsRootOnly"]
    try:
        return run(arguments, cwd=root, timeout=TIMEOUT, environment=ONE_CORE)
    except ToolError as error:
        return error


def _documents(
    build: Completed | ToolError, distinct: dict[bytes, Document], least: int
) -> tuple[Document, ...]:
    """Return what was built.

    Raises _BuildError when kustomize refuses, and ToolError when it did not do its work.
    """
    if isinstance(build, ToolError):
        raise build
    if build.code not in _CODES:
        ending = f"signal {-build.code}" if build.code < 0 else f"code {build.code}"
        raise ToolError(f"kustomize ended with {ending}: {_without_values(build.err).strip()[-300:]}")
    if build.code:
        raise _BuildError(build.err)

    try:
        documents = tuple(_document(data, distinct) for data in _split(build.out))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ToolError("the output of kustomize is not YAML") from None

    if any(not ObjectId.of(document.value).kind for document in documents):
        raise ToolError("the output of kustomize contains something that is not an object")
    if len(documents) < least:
        raise ToolError(f"kustomize wrote {len(documents)} documents, but there must be at least {least}")
    return documents


def _split(out: bytes) -> Iterable[bytes]:
    # A separator stands at the start of a line; the content of a block scalar is always indented.
    return [document for document in out.split(b"\n---\n") if document.strip()]


def _document(data: bytes, distinct: dict[bytes, Document]) -> Document:
    data = data.rstrip(b"\n") + b"\n"
    key = sha256(data).digest()
    if key not in distinct:
        value: Any = plain_value(data)
        distinct[key] = Document(data, FixedObject(value if isinstance(value, dict) else {"value": value}))
    return distinct[key]


def _not_judged(folder: str, cluster: str, reason: str) -> Finding:
    return finding_of(
        "not-judged",
        f"{folder}/kustomization.yaml",
        f"{folder} was not judged: {reason}",
        f"run kustomize build {folder}; if that works, make clean and make check build the tools anew",
        clusters=(cluster,),
    )


def _without_values(message: str) -> str:
    """Return what kustomize says without the values that it repeats."""
    for repeated, told in _REPEATED:
        message = repeated.sub(told, message)
    return message


def _build_failed(root: Path, folder: str, cluster: str, message: str) -> Finding:
    """Turn kustomize's nested message into its cause and the file that it names."""
    text = (
        _without_values(message)
        .strip()
        .removeprefix("Error: ")
        .replace(f"{root}/", "")
        .replace(str(root), ".")
    )
    # What Go prints of a pointer is another one in each run.
    text = _POINTER.sub("0x…", text)
    panic = _PANIC.search(text)
    if panic:
        # The stacks of every goroutine follow.
        text = f"kustomize itself fails ({panic[0]})"

    # "accumulating resources: accumulation err='…': recursed accumulation of path '…': CAUSE"
    last_line = text.splitlines()[-1] if text else "kustomize failed without a message"
    cause = re.sub(r"^.*(?:accumulating|accumulation|recursed)[^:]*: ", "", last_line) or last_line
    files = _FILE.findall(last_line)

    return finding_of(
        "kustomize-build-failed",
        files[-1] if files else f"{folder}/kustomization.yaml",
        f"kustomize cannot build {folder}: {cause[:600]}",
        f"run kustomize build {folder} to repeat it; clusters/{cluster}.yaml describes the cluster",
        clusters=(cluster,),
    )
