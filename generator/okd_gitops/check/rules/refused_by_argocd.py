"""The rule refused-by-argocd: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import ExpandedSet, Fault, Repository
from okd_gitops.finding import Severity, nearest
from okd_gitops.manifests.argocd import project_name, sources
from okd_gitops.manifests.objects import Object, ObjectId, at, items

Path = tuple[str | int, ...]
# Path, reason, remedy, and whether Argo CD refuses it.
_Faults = Iterator[tuple[Path, str, str, bool]]

_SHOWN = 3
# Where a parameter that stays is no name of anything; of a path the rule for paths tells it.
_FILLED = (
    ("metadata", "name"),
    ("spec", "project"),
    ("spec", "destination", "name"),
    ("spec", "destination", "server"),
    ("spec", "destination", "namespace"),
)
# Those of paths and of labels, which other generators give, are left out.
_PARAMETER = re.compile(r"\{\{((?!path|metadata)[A-Za-z][A-Za-z0-9_.-]*)\}\}")


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at what Argo CD validates of an Application (util/argo/argo.go of argo-cd v3.3)."""
    for application in repository.applications:
        is_made = id(application) in repository.makers
        name = f"{ObjectId.of(application).name}: " if is_made else ""
        for path, reason, remedy, is_refused in (
            *_destination(application),
            *_sources(application),
            *_project(application, repository),
        ):
            yield Fault(
                reason=f"{name}{reason}",
                remedy=remedy,
                object=repository.written(application),
                path=("spec", "template", *path) if is_made else path,
                clusters=repository.declared_in(application),
                severity=None if is_refused else Severity.WARNING,
            )

    for one in repository.sets:
        for path, reason in _unfilled(one):
            yield Fault(
                reason=f"{reason}: it stays as it is written",
                remedy="write a parameter that it gives",
                object=ObjectId.of(one.value),
                path=("spec", "template", *path),
                clusters=repository.declared_in(one.value),
            )


def _project(application: Object, repository: Repository) -> _Faults:
    name = project_name(application)
    beside = repository.projects
    # Of a fleet of our own the rule broken-application-reference says so.
    is_known = name in ("default", *beside) or "{{" in name or repository.destinations
    if beside and repository.is_whole and not is_known:
        reason = f"its project {name} does not exist, while others are made here: Argo CD deploys nothing"
        yield ("spec", "project"), reason, nearest(name, beside) or "name a project that exists", False


def _unfilled(one: ExpandedSet) -> Iterator[tuple[Path, str]]:
    """Yield the parameters of a set without Go templates that no generator gives: they stay as written."""
    spec = at(one.value, "spec")
    generators = [each for each in items(spec, "generators") if isinstance(each, dict)]
    has_others = any(at(inner, "template") for each in generators for inner in each.values())
    if at(spec, "goTemplate") is True or at(spec, "templatePatch") or has_others:
        return

    for path in _FILLED:
        written = str(at(spec, "template", *path))
        for parameter in dict.fromkeys(_PARAMETER.findall(written)):
            text = f"{{{{{parameter}}}}}"
            unfilled = [each for each in one.expansion.applications if text in str(at(each, *path))]
            if unfilled:
                names = ", ".join(str(ObjectId.of(each).name) for each in unfilled[:_SHOWN])
                yield path, f"{'.'.join(path)} has {text}, which its generator does not give for {names}"


def _destination(application: Object) -> _Faults:
    destination = at(application, "spec", "destination")
    name, server = at(destination, "name"), at(destination, "server")
    path: Path = ("spec", "destination")

    if name and server:
        reason = f"its destination has both a name ({name}) and a server ({server}): Argo CD deploys nothing"
        yield path, reason, "keep one of them", True
    elif not name and not server:
        yield (
            path,
            "its destination has neither name nor server: Argo CD deploys nothing",
            "add one of them",
            True,
        )


def _sources(application: Object) -> _Faults:
    found = sources(application)
    # Argo CD may read a source of another form, and write what it renders to a branch.
    if not found and not at(application, "spec", "sourceHydrator"):
        yield ("spec",), "it has no source: Argo CD deploys nothing", "add source or sources", True
    if at(application, "spec", "source") and items(application, "spec", "sources"):
        yield (
            ("spec", "source"),
            "it has source and sources: Argo CD reads sources only",
            "keep one of them",
            False,
        )

    for source in found:
        if not at(source, "repoURL"):
            yield ("spec",), "a source of it has no repoURL: Argo CD deploys nothing", "add it", True
        elif not any(at(source, key) for key in ("path", "chart", "ref")):
            reason = (
                f"its source {at(source, 'repoURL')} has neither path, chart nor ref: Argo CD deploys nothing"
            )
            yield ("spec",), reason, "add path, or . for the whole repository", True
        elif at(source, "chart") and not at(source, "targetRevision"):
            reason = f"its chart {at(source, 'chart')} has no targetRevision: Argo CD deploys nothing"
            yield ("spec",), reason, "write the version of the chart", True
