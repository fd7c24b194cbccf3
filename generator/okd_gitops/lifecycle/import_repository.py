"""import: cluster files from a repository that others wrote; it only reads there, and never overwrites
here.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, FindingsError, Location, Severity, ordered
from okd_gitops.fleet.names import RESERVED
from okd_gitops.manifests.kustomization import NAMES, Graph, kustomization_of, walk
from okd_gitops.manifests.model import NAME_PATTERN
from okd_gitops.manifests.write import dump
from okd_gitops.redaction import printable
from okd_gitops.releases.cluster_version import State, built, cluster_name, faults, mentions, read_state
from okd_gitops.system.disk import MAX_GENERATED, scan_tree
from okd_gitops.system.journal import saving
from okd_gitops.tree import Tree

_FILL_IN = "FILL-IN"
_HEAD = "# yaml-language-server: $schema=../schemas/cluster.schema.json\n"
# What nobody but a person knows, or what git did not say; each with how to find out.
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
    """A cluster file that was made: its content, the file it comes from, and which values were not found
    out.
    """

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
    """What was found in the other repository, what is wrong with it, and which files were written."""

    clusters: tuple[Imported, ...]
    findings: tuple[Finding, ...]
    written: tuple[str, ...]


def import_(root: Path, folder: Path, *, write: bool) -> Import:
    """Make a cluster file for each folder of another repository that states a ClusterVersion, and with
    `write` write those that are new.

    A value that is wrong there is kept as it is and is a finding with its place: git of the other repository
    says so, and a person decides. Files that cannot be read are findings too; what they hold is not imported.
    Raises UsageError when another run has the repository.
    """
    names = (".yaml", ".yml", ".json", *NAMES)
    roots = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    tree, unread = scan_tree(folder, *roots, max_file=MAX_GENERATED, names=names)
    # A symlink or a huge file may hold anything, so it is named; most of them have nothing to do with it.
    findings = [replace(finding, severity=Severity.WARNING) for finding in unread]
    found = _states(tree, findings)
    clusters = []
    for name, places in sorted(found.items()):
        source, (state, acks) = next(iter(places.items()))
        if len(places) > 1:
            reason = (
                f'{len(places)} folders would become the cluster "{name}": {", ".join(sorted(places)[:6])}'
            )
            findings.append(
                Finding(
                    name="duplicate-key",
                    location=Location(file=source),
                    reason=reason,
                    remedy="import them one by one, and rename",
                )
            )
        elif not re.fullmatch(NAME_PATTERN, name) or name in RESERVED:
            remedy = "lower-case letters, digits and dashes, beginning with a letter, at most 40: write that file by hand"
            findings.append(
                Finding(
                    name="invalid-name",
                    location=Location(file=source),
                    reason=f'"{name}" is not a name for a cluster',
                    remedy=remedy,
                )
            )
        else:
            findings += [replace(finding, clusters=(name,)) for finding in faults(state)]
            path = root / "clusters" / f"{name}.yaml"
            clusters.append(_imported(name, source, state, acks, exists=path.exists() or path.is_symlink()))
    new = {cluster.path: cluster.content.encode() for cluster in clusters if not cluster.exists}
    if write and new:
        with saving(root) as save:
            save(new)
    return Import(tuple(clusters), tuple(ordered(findings)), tuple(sorted(new)) if write else ())


def _states(tree: Tree, findings: list[Finding]) -> dict[str, dict[str, tuple[State, tuple[str, ...]]]]:
    """Return what is stated, by the cluster's name and by where that was read."""
    holders = {path for path, data in tree.items() if mentions(data)}
    folders = sorted(
        {posixpath.dirname(path) for path in tree if kustomization_of(tree, posixpath.dirname(path)) == path}
    )
    graphs: dict[str, Graph] = {}
    used: set[str] = set()
    for folder in folders:
        # What another one uses is seen from there, so it is not walked again.
        if kustomization_of(tree, folder) not in used:
            graphs[folder] = walk(tree, folder)
            used |= graphs[folder].kustomizations.keys() - {kustomization_of(tree, folder)}
    reached: set[str] = set()
    found: dict[str, dict[str, tuple[State, tuple[str, ...]]]] = {}
    for folder, graph in graphs.items():
        top = kustomization_of(tree, folder)
        if top is None or top in used or not holders & graph.files:
            continue
        # Of a repository that is only read, what matters is what keeps us from reading these files.
        findings += [
            each
            for each in graph.findings
            if explanation_of(each.name).area == "input" and each.location.file in holders
        ]
        state, acks, faulty = built(tree, graph)
        findings += faulty
        reached |= holders & graph.files
        if state:
            found.setdefault(cluster_name(top), {})[_source(state, top)] = state, acks
    for path in sorted(holders - reached):
        try:
            state = {
                name: each for name, each in read_state(path, tree[path]).items() if each.value is not None
            }
        except FindingsError as error:
            findings += error.findings
            continue
        if state:
            found.setdefault(cluster_name(path), {})[path] = state, ()
    return found


def _source(state: Mapping[str, object], top: str) -> str:
    """Name one file that a person should look at: where the version is stated, or else the kustomization."""
    stated = getattr(state.get("version") or state.get("channel"), "place", None)
    return stated.file if isinstance(stated, Location) else top


def _imported(name: str, source: str, state: State, acks: tuple[str, ...], *, exists: bool) -> Imported:
    given = {key: each.value for key, each in state.items() if isinstance(each.value, str) and each.value}
    release = {key: given.get(key, _FILL_IN) for key in ("channel", "version", "image")}
    if "upstream" in given:
        release["upstream"] = given["upstream"]
    value = {
        "purpose": _FILL_IN,
        "server": _FILL_IN,
        "clusterID": given.get("clusterID", _FILL_IN),
        "release": release,
    }
    text = dump(value | {"release": release | ({"acks": list(acks)} if acks else {})})
    unknown = [key for key in _HINTS if {**value, **release}.get(key) == _FILL_IN]
    for key in unknown:
        text = re.sub(
            rf"^( *{key}: {_FILL_IN})$", rf"\1   # {_HINTS[key]}", text, count=1, flags=re.MULTILINE
        )
    return Imported(
        name, source, f"{_HEAD}# Imported from {printable(source)}\n{text}", tuple(unknown), exists
    )
