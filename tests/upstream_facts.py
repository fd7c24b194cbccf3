"""Print what a clone of an operator's repository says about each OKD line.

    make upstream-facts SOURCE=CLONE >tests/releases/upstream/NAME.yaml

The table of lines says where each fact is read; a fact that is not there any more, or reads otherwise, is an
error that names it. Only facts are printed, never the operators' code. The repositories of CoreOS are read by
upstream_trees.py, for tests/catalog/upstream/.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

import upstream_trees
from clones import ChangedError, Clone
from okd_gitops.releases.lines import Source, facts

_GATE = re.compile(r'"(ack-[0-9]+\.[0-9]+-[A-Za-z0-9.-]+)"')
# Of tests and of what they share, which has gates of other lines.
_NO_TESTS = (":(exclude)*_test.go", ":(exclude)*/testlib/*")


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
    trees = upstream_trees.repository_of(clone)
    if trees:
        return upstream_trees.record(clone, trees)

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
    flow = None if found["repository"] in upstream_trees.NAMES else False
    print(yaml.safe_dump(found, sort_keys=False, width=110, default_flow_style=flow), end="")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
