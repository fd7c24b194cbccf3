"""import: make cluster files from a repository that others wrote, which is only read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, Findings, Severity, ordered
from okd_gitops.fleet.names import name_fault
from okd_gitops.manifests.graph import NAMES, kustomization_of
from okd_gitops.manifests.kustomization import tops
from okd_gitops.manifests.write import dump
from okd_gitops.redaction import printable
from okd_gitops.releases.cluster_version import mentions
from okd_gitops.releases.read_cluster_version import (
    State,
    built,
    cluster_name,
    read_state,
    state_findings,
    without_removed,
)
from okd_gitops.system.disk import MAX_GENERATED, scan_tree
from okd_gitops.system.journal import saving
from okd_gitops.tree import Tree

_FILL_IN = "FILL-IN"
_HEAD = "# yaml-language-server: $schema=../schemas/cluster.schema.json\n"
# The values that a person must fill in where git does not contain them, each with how to find it out.
_HINTS = {
    "purpose": "hub, cd, test or ephemeral",
    "server": "https://api.NAME.example.org:6443; oc whoami --show-server",
    "clusterID": "oc get clusterversion version -o jsonpath={.spec.clusterID}",
    "channel": "like stable-scos-4",
    "version": "like 4.22.0-okd-scos.0",
    "image": "oc adm release info VERSION: name@sha256:…",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """A cluster file that was made: its content, the file it comes from, and which values are unknown."""

    name: str
    source: str
    content: str
    unknown: tuple[str, ...]
    exists: bool

    @property
    def path(self) -> str:
        """Where the file belongs."""
        return f"clusters/{self.name}.yaml"


@dataclass(frozen=True, slots=True)
class Import:
    """The cluster files that were made, the findings in the other repository, and the files written."""

    clusters: tuple[Imported, ...]
    findings: tuple[Finding, ...]
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """What one file, or one kustomization with all that it uses, states about a cluster."""

    file: str
    state: State
    acks: tuple[str, ...] = ()


# The sources of each cluster, by its name and by their file.
_Sources = dict[str, dict[str, _Source]]


def import_(root: Path, folder: Path, *, write: bool) -> Import:
    """Make a cluster file for each folder of another repository that has a ClusterVersion.

    With `write`, write those that are new; nothing is overwritten. A wrong value is kept as it is and is a
    finding with its place, so that a person decides. A file that cannot be read is a finding, and its content
    is not imported. Raises UsageError when another run has the repository.
    """
    roots = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    tree, unread = scan_tree(folder, *roots, max_file=MAX_GENERATED, names=(".yaml", ".yml", ".json", *NAMES))

    findings = Findings()
    # A symlink or a huge file may hold a ClusterVersion, so it is named; most do not.
    findings.extend(replace(finding, severity=Severity.WARNING) for finding in unread)

    clusters = list(_imported(root, _sources(tree, findings), findings))
    new_files = {cluster.path: cluster.content.encode() for cluster in clusters if not cluster.exists}

    if write and new_files:
        with saving(root) as save:
            save(new_files)

    written = tuple(sorted(new_files)) if write else ()
    return Import(tuple(clusters), tuple(ordered(findings)), written)


def _sources(tree: Tree, findings: Findings) -> _Sources:
    """Return what the repository states: through kustomizations, and in files that none of them uses."""
    holders = {path for path, data in tree.items() if mentions(data)}
    found: _Sources = {}
    reached: set[str] = set()

    for folder, graph in tops(tree).items():
        top = kustomization_of(tree, folder)
        used_holders = holders & graph.files
        if top is None or not used_holders:
            continue

        # The other repository is not checked: only what keeps its ClusterVersions from being read counts.
        findings.extend(
            finding
            for finding in graph.findings
            if explanation_of(finding.name).area == "input" and finding.location.file in holders
        )
        state, acks, unreadable = built(tree, graph)
        findings.extend(unreadable)
        reached |= used_holders
        _add(found, top, _Source(_file_of(state, top), state, acks))

    for path in sorted(holders - reached):
        with findings.collecting():
            _add(found, path, _Source(path, without_removed(read_state(path, tree[path]))))

    return found


def _add(sources: _Sources, path: str, source: _Source) -> None:
    if source.state:
        sources.setdefault(cluster_name(path), {})[source.file] = source


def _file_of(state: State, top: str) -> str:
    """Return the file that a person should look at: where the version is written, else the kustomization."""
    stated = state.get("version") or state.get("channel")
    return stated.place.file if stated else top


def _imported(root: Path, sources: _Sources, findings: Findings) -> Iterator[Imported]:
    """Yield a cluster file for each name that is valid and has one source."""
    for name, by_file in sorted(sources.items()):
        source = next(iter(by_file.values()))

        if len(by_file) > 1:
            folders = ", ".join(sorted(by_file)[:6])
            reason = f'{len(by_file)} folders would become the cluster "{name}": {folders}'
            findings.add("duplicate-key", source.file, reason, "import them one by one, and rename them")
        elif name_fault(name):
            reason = f'"{name}" is not a valid name for a cluster'
            remedy = (
                "use at most 40 lower-case letters, digits and dashes, beginning with a letter: "
                "write that file by hand"
            )
            findings.add("invalid-name", source.file, reason, remedy)
        else:
            findings.extend(replace(finding, clusters=(name,)) for finding in state_findings(source.state))
            path = root / "clusters" / f"{name}.yaml"
            yield _cluster_file(name, source, exists=path.exists() or path.is_symlink())


def _cluster_file(name: str, source: _Source, *, exists: bool) -> Imported:
    texts = {
        key: stated.value
        for key, stated in source.state.items()
        if isinstance(stated.value, str) and stated.value
    }
    release: dict[str, object] = {key: texts.get(key, _FILL_IN) for key in ("channel", "version", "image")}
    if "upstream" in texts:
        release["upstream"] = texts["upstream"]
    if source.acks:
        release["acks"] = list(source.acks)

    cluster = {
        "purpose": _FILL_IN,
        "server": _FILL_IN,
        "clusterID": texts.get("clusterID", _FILL_IN),
        "release": release,
    }
    unknown = tuple(key for key in _HINTS if _FILL_IN in (cluster.get(key), release.get(key)))

    content = f"{_HEAD}# Imported from {printable(source.file)}\n{_with_hints(dump(cluster), unknown)}"
    return Imported(name, source.file, content, unknown, exists)


def _with_hints(text: str, unknown: tuple[str, ...]) -> str:
    """Put behind each FILL-IN a comment with the way to find the value out."""
    for key in unknown:
        line = re.compile(rf"^( *{key}: {_FILL_IN})$", re.MULTILINE)
        text = line.sub(rf"\1   # {_HINTS[key]}", text, count=1)
    return text
