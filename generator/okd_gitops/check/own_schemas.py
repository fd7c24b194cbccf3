"""Schemas of the CustomResourceDefinitions that a repository has itself, and of a folder that a person names.

They come first for the repository, and last for the folder: what our bundle knows is newer than a copy. The
conversion is the one by which the bundle is built; kubeconform judges by both alike.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from okd_gitops.check.build import WORKERS
from okd_gitops.check.kubeconform import Verdict, kinds_in, validate
from okd_gitops.check.verdicts import verdicts_on
from okd_gitops.finding import Finding, Severity, finding_of
from okd_gitops.manifests.bounds import OTHERS
from okd_gitops.manifests.directory import read_files
from okd_gitops.manifests.objects import Object, ObjectId, at, items
from okd_gitops.system.disk import scratch_folder
from okd_gitops.system.own_crds import convert_definitions
from okd_gitops.system.tools import tool

_MAX_DEFINITIONS = 1_000
_CRD = "CustomResourceDefinition.apiextensions.k8s.io"
_MARK = b"CustomResourceDefinition"
_MISSING = re.compile(r"no schema for (\S+)/(\S+) (\S+)")
Kind = tuple[str, str, str]
# Group and kind to the versions that are served.
_Versions = dict[tuple[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class OwnSchemas:
    """A folder in the form of the bundle, the kinds in it, and the versions that its definitions serve."""

    folder: Path | None = None
    kinds: frozenset[Kind] = frozenset()
    versions: _Versions = field(default_factory=dict)

    def verdicts(
        self, documents: Mapping[bytes, ObjectId], cache: Path, kubernetes: str
    ) -> Iterator[Verdict]:
        """Yield a verdict on each document that is not valid, by these schemas or else by the bundle."""
        own = {data: each for data, each in documents.items() if _kind(each) in self.kinds}
        others = {data: each for data, each in documents.items() if data not in own}
        yield from verdicts_on(others, cache, kubernetes)

        if own and self.folder:
            binary = tool(cache, "kubeconform")
            yield from validate(own, self.folder, binary, kubernetes=kubernetes, workers=WORKERS)


def definitions_in(files: Mapping[str, bytes]) -> list[Object]:
    """Return the definitions in files; charts' templates are no YAML."""
    found: list[Object] = []
    for path, data in files.items():
        is_candidate = path.endswith((".yaml", ".yml", ".json")) and "/templates/" not in f"/{path}"
        if is_candidate and _MARK in data:
            graph = read_files({path: data}, OTHERS)
            found += [each.value for each in graph.objects.values() if _is_definition(each.value)]
    return found


@contextmanager
def own_schemas(
    own: Iterable[Object], more: Iterable[Object], known: Collection[Kind], cache: Path, kubernetes: str
) -> Iterator[OwnSchemas]:
    """Give the schemas of a repository's `own` definitions, and of `more` for kinds that are not `known`.

    Of two definitions of one kind that differ, neither is taken: which of them a cluster has is unknown.
    Raises ToolError when they cannot be converted.
    """
    wanted = _single(value for value in own if _is_definition(value))
    versions = _served(wanted)
    further = _single(value for value in more if _is_definition(value))
    wanted += [
        _without(value, known) for value in further if (_group(value), _kind_of(value)) not in versions
    ]
    versions = _served(further) | versions

    if not wanted:
        yield OwnSchemas()
        return

    with scratch_folder() as folder:
        convert_definitions(wanted[:_MAX_DEFINITIONS], folder, cache, kubernetes)
        yield OwnSchemas(folder, frozenset(kinds_in(folder)), versions)


def with_versions(findings: Sequence[Finding], own: OwnSchemas, known: Collection[Kind]) -> Iterator[Finding]:
    """Yield findings; one that has no schema, where other versions of the kind are known, tells these."""
    deprecated = {finding.object for finding in findings if finding.name == "deprecated-api"}

    for finding in findings:
        missing = _MISSING.fullmatch(finding.reason) if finding.name == "no-schema" else None
        if not missing:
            yield finding
        elif finding.object in deprecated:
            # The rule says already that its version is gone.
            continue
        else:
            yield _told(finding, (missing[1], missing[2], missing[3]), own, known)


def _told(finding: Finding, kind: Kind, own: OwnSchemas, known: Collection[Kind]) -> Finding:
    group, version, name = "" if kind[0] == "core" else kind[0], kind[1], kind[2]
    served = own.versions.get((group, name))
    others = served or sorted(other[1] for other in known if (other[0], other[2]) == (group, name))
    if not others or version in others:
        return finding

    source = "its definition serves" if served else "the release of it that is known here serves"
    return finding_of(
        "version-not-served",
        finding.location,
        f"{kind[0]}/{version} {name}: {source} {', '.join(others)}",
        f"write apiVersion: {f'{group}/{others[-1]}'.lstrip('/')}",
        of_object=finding.object,
        clusters=finding.clusters,
        severity=Severity.ERROR if served else Severity.WARNING,
    )


def _single(definitions: Iterable[Object]) -> list[Object]:
    found: dict[tuple[str, str], list[Object]] = {}
    for value in definitions:
        same = found.setdefault((_group(value), _kind_of(value)), [])
        if not any(at(value, "spec") == at(other, "spec") for other in same):
            same.append(value)

    return [same[0] for same in found.values() if len(same) == 1]


def _served(definitions: Iterable[Object]) -> _Versions:
    return {
        (_group(value), _kind_of(value)): [
            str(at(version, "name"))
            for version in items(value, "spec", "versions")
            if at(version, "served") is not False
        ]
        for value in definitions
    }


def _without(definition: Object, known: Collection[Kind]) -> Object:
    place = _group(definition), _kind_of(definition)
    versions = [
        version
        for version in items(definition, "spec", "versions")
        if (place[0], str(at(version, "name")), place[1]) not in known
    ]
    return {**definition, "spec": {**definition["spec"], "versions": versions}}


def _is_definition(value: Object) -> bool:
    is_one = ObjectId.of(value).group_kind == _CRD and ObjectId.of(value).version == "v1"
    return is_one and bool(items(value, "spec", "versions"))


def _group(definition: Object) -> str:
    return str(at(definition, "spec", "group"))


def _kind_of(definition: Object) -> str:
    return str(at(definition, "spec", "names", "kind"))


def _kind(identity: ObjectId) -> Kind:
    return identity.group, identity.version, identity.kind
