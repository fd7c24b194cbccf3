"""Print what a clone of an operator's repository says about each OKD line.

    make upstream-facts SOURCE=CLONE >tests/releases/upstream/NAME.yaml

The table of lines says where each fact is read; a fact that is not there any more, or reads otherwise, is an
error that names it. Only facts are printed, never the operators' code.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from okd_gitops.releases.lines import Source, facts

_MODULE = re.compile(r"^module github\.com/(\S+)$", re.MULTILINE)
_GATE = re.compile(r'"(ack-[0-9]+\.[0-9]+-[A-Za-z0-9.-]+)"')
# Of tests and of what they share, which has gates of other lines.
_NO_TESTS = (":(exclude)*_test.go", ":(exclude)*/testlib/*")


class ChangedError(Exception):
    """What a clone does not say any more, or says in another way."""


@dataclass(frozen=True)
class Clone:
    """A clone with the branches of a repository, its own or those of its remote."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Return what git prints; raises ChangedError with its own words when it fails."""
        run = subprocess.run(["git", "-C", self.root, *arguments], capture_output=True, text=True)
        if run.returncode:
            raise ChangedError(run.stderr.strip() or f"git {' '.join(arguments)} found nothing")
        return run.stdout

    def commit(self, branch: str) -> str:
        """Return the newest commit of a branch."""
        for ref in (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}"):
            found = self.git("for-each-ref", "--format=%(objectname)", ref).strip()
            if found:
                return found

        raise ChangedError(f"there is no branch {branch}")

    def repository(self) -> str:
        """Return `owner/name`, as the module is called."""
        match = _MODULE.search(self.git("show", "HEAD:go.mod"))
        if not match:
            raise ChangedError("go.mod names no module of github.com")
        return match[1]


def kubernetes(clone: Clone, commit: str, path: str) -> Any:
    minor = _found(r"^\tk8s\.io/api v0\.([0-9]+)\.", clone.git("show", f"{commit}:{path}"), path)
    return f"1.{minor[0]}"


def feature_sets(clone: Clone, commit: str, path: str) -> Any:
    return _found(r'^\t\w+ +FeatureSet = "(\w*)"$', clone.git("show", f"{commit}:{path}"), path)


def gates(clone: Clone, commit: str, path: str) -> Any:
    config_map = yaml.safe_load(clone.git("show", f"{commit}:{path}"))
    if config_map["metadata"]["name"] != "admin-gates":
        raise ChangedError(f"{path} is not the ConfigMap admin-gates")
    return sorted(config_map.get("data") or {})


def overrides(clone: Clone, commit: str, path: str) -> Any:
    text = clone.git("show", f"{commit}:{path}")
    (told,) = _found(r"overrides prevents upgrades( between minor or major versions)?\.", text, path)
    return "minor-update" if told else "every-update"


def gates_in_code(clone: Clone, commit: str, path: str) -> Any:
    # git grep ends with 1 when it finds nothing, which is an answer here.
    listed = clone.git("ls-tree", "-r", "--name-only", commit, path)
    if not listed:
        raise ChangedError(f"there is no {path}")

    try:
        text = clone.git("grep", "-h", "-E", _GATE.pattern, commit, "--", f"{path}/*.go", *_NO_TESTS)
    except ChangedError:
        return []
    return sorted(set(_GATE.findall(text)))


def reasons(clone: Clone, commit: str, path: str) -> Any:
    found = _found(r'\bReason(?:: +| = )"([A-Z]\w+)"', clone.git("show", f"{commit}:{path}"), path)
    return sorted(set(found))


def channels(clone: Clone, commit: str, path: str) -> Any:
    found = _found(r'HasPrefix\(channel, "([a-z-]+)-"\)', clone.git("show", f"{commit}:{path}"), path)
    return sorted(set(found))


def default_graph(clone: Clone, commit: str, path: str) -> Any:
    text = clone.git("show", f"{commit}:{path}")
    return _found(r'defaultUpdateService string = "https://([a-z.]+)/', text, path)[0]


# How each source of the table is read; the others are pages for people.
READERS: dict[str, Callable[[Clone, str, str], Any]] = {
    "kubernetes": kubernetes,
    "feature-sets": feature_sets,
    "gates": gates,
    "overrides": overrides,
    "machine-config-gates": gates_in_code,
    "machine-config-status": reasons,
    "ingress-gates": gates_in_code,
    "vsphere-gates": gates_in_code,
    "network-status": reasons,
    "channels": channels,
    "openshift-graph": default_graph,
}


def record(root: Path, lines: Iterable[str]) -> dict[str, Any]:
    """Return what a clone says, by branch; raises ChangedError with all that it does not say any more."""
    clone = Clone(root)
    repository = clone.repository()
    branches: dict[str, Any] = {}
    changes: list[str] = []

    for name, branch, path in _places(repository, lines):
        try:
            commit = clone.commit(branch)
            value = READERS[name](clone, commit, path)
        except ChangedError as error:
            changes.append(f"{repository} {branch} {path} ({name}): {error}")
            continue

        day = clone.git("show", "--no-patch", "--format=%cs", commit).strip()
        entry = branches.setdefault(branch, {"commit": commit, "day": day, "facts": {}})
        entry["facts"][name] = {"path": path, "value": value}

    if changes:
        raise ChangedError("\n".join(changes))
    if not branches:
        raise ChangedError(f"the table of lines reads nothing in {repository}")

    return {"repository": repository, "branches": branches}


def _places(repository: str, lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield each name of a source in a repository, with a branch and the path there."""
    for name, source in facts().sources.items():
        if source.repository != repository or name not in READERS:
            continue

        for branch in _branches(source, lines):
            yield name, branch, source.path


def _branches(source: Source, lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(source.branch.format(line=line) for line in lines))


def _found(pattern: str, text: str, path: str) -> list[str]:
    found: list[str] = re.findall(pattern, text, re.MULTILINE)
    if not found:
        raise ChangedError(f"{path} does not match {pattern}")
    return found


def _main(arguments: list[str]) -> int:
    if not arguments or not arguments[0]:
        print("make upstream-facts SOURCE=CLONE [ARGS=LINES]: name a clone", file=sys.stderr)
        return 2

    try:
        found = record(Path(arguments[0]), [*facts().lines, *arguments[1:]])
    except ChangedError as error:
        print(error, file=sys.stderr)
        return 1

    print(f"# Facts that the tree of {found['repository']} told; `make upstream-facts` printed them.")
    print(yaml.safe_dump(found, sort_keys=False, width=110), end="")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
