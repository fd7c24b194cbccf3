"""What a repository deploys: the folders that kustomizations, Argo CD and Flux take as roots."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from okd_gitops.check.rule import ExpandedSet
from okd_gitops.manifests import flux
from okd_gitops.manifests.application_set import World, expand
from okd_gitops.manifests.argocd import (
    REGISTERS,
    folder,
    folders_of,
    of_kind,
    own_urls,
    same_repository,
    same_url,
    sources,
)
from okd_gitops.manifests.directory import ENDINGS
from okd_gitops.manifests.git_generator import matches
from okd_gitops.manifests.graph import kustomization_of, resolved
from okd_gitops.manifests.objects import Object, ObjectId, at
from okd_gitops.manifests.template_fields import as_pattern

_SKIPPED = b"+argocd:skip-file-rendering"
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that is deployed: by kustomize, or as the plain files that are given."""

    folder: str
    by: str
    files: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What an Application or a Kustomization of Flux reads, and the root in it or why there is none.

    `covers` is the folder, or the glob of folders, whose files are deployed without a check of them.
    """

    owner: str
    place: str
    root: Root | None = None
    reason: str = ""
    covers: str = ""


@dataclass(frozen=True, slots=True)
class Deployments:
    """What the objects of a repository say about its roots."""

    urls: frozenset[str]
    sets: tuple[ExpandedSet, ...]
    sources: tuple[Source, ...]
    # Who fills the variables of a folder that is deployed; None where nobody does.
    variables: Mapping[str, flux.Variables | None] = field(default_factory=dict)


def deployments(
    objects: Sequence[Object], files: Mapping[str, bytes], remotes: Iterable[str] = ()
) -> Deployments:
    """Return what Applications, ApplicationSets and Kustomizations of Flux among objects deploy from files.

    `remotes` are addresses that are known to be those of this repository.
    """
    folders = folders_of(files)
    applications = of_kind(objects, "Application")
    application_sets = of_kind(objects, "ApplicationSet")
    urls = own_urls([*applications, *_templates(application_sets)], folders)
    urls |= {same_url(url) for url in _flux_urls(objects, folders)}
    known = list(remotes)

    def is_own(url: object) -> bool:
        # One repository has an address for https and one for ssh.
        return same_url(url) in urls or any(same_repository(url, each) for each in (*known, *urls))

    clusters = [value for value in objects if at(value, "metadata", "labels", REGISTERS) == "cluster"]
    urls |= _matched_urls(application_sets, files) | _urls_of_patterns(application_sets, folders)
    world = World(files, is_own, clusters)
    sets = tuple(ExpandedSet(value, expand(value, world)) for value in application_sets)
    made = [application for one in sets for application in one.expansion.applications]
    urls |= own_urls(made, folders)

    found = [*_argocd_sources([*applications, *made], files, folders, is_own)]
    for one in sets:
        found += _partial_sources(one, files, folders, is_own)
    found += _flux_sources(objects, files, folders)
    own = {same_url(at(s, "repoURL")) for each in [*applications, *made] for s in sources(each)}
    return Deployments(
        frozenset(urls | {url for url in own if is_own(url)}), sets, tuple(found), _variables(objects, found)
    )


def _variables(objects: Sequence[Object], found: Iterable[Source]) -> dict[str, flux.Variables | None]:
    by_flux = list(flux.kustomizations(objects))
    filling = {flux.folder_of(each): flux.Variables.of(each) for each in by_flux if flux.substitutes(each)}
    deployed = {source.root.folder for source in found if source.root}

    return {folder: filling.get(folder) for folder in deployed}


def _templates(application_sets: Iterable[Object]) -> Iterator[Object]:
    for value in application_sets:
        template = at(value, "spec", "template")
        if isinstance(template, dict):
            yield template


def _matched_urls(application_sets: Iterable[Object], files: Mapping[str, bytes]) -> set[str]:
    """Return the URLs of generators of which one finds something here."""
    found: set[str] = set()
    for value in application_sets:
        for generator in _git_generators(at(value, "spec", "generators")):
            url = same_url(at(generator, "repoURL"))
            lone = {"spec": {"generators": [{"git": generator}], "template": {"metadata": {}, "spec": {}}}}
            if url and "{{" not in url and expand(lone, World(files, lambda _: True)).applications:
                found.add(url)
    return found


def _urls_of_patterns(application_sets: Iterable[Object], folders: set[str]) -> set[str]:
    """Return the URLs of templates of which a path with names in it finds a folder here."""
    found: set[str] = set()
    for template in _templates(application_sets):
        for source in sources(template):
            pattern, url = as_pattern(folder(source) or ""), same_url(at(source, "repoURL"))
            if url and "{{" not in url and not pattern.startswith("*") and "/" in pattern:
                found |= {url for path in folders if matches(path, pattern)}
    return found


def _git_generators(generators: object) -> Iterator[object]:
    for generator in generators if isinstance(generators, list) else ():
        if at(generator, "git") is not None:
            yield at(generator, "git")
        for key in ("matrix", "merge"):
            yield from _git_generators(at(generator, key, "generators"))


def _argocd_sources(
    applications: Iterable[Object],
    files: Mapping[str, bytes],
    folders: set[str],
    is_own: Callable[[object], bool],
) -> Iterator[Source]:
    for application in applications:
        owner = str(ObjectId.of(application))
        for source in sources(application):
            path, url = folder(source), str(at(source, "repoURL") or "")
            place = f"{path or at(source, 'chart') or '.'} of {url}"

            if at(source, "chart"):
                yield Source(owner, place, reason="a chart: helm is not run")
            elif path is None and at(source, "ref"):
                continue
            elif not is_own(url):
                yield Source(owner, place, reason="another repository")
            else:
                yield _argocd_source(owner, place, path or ".", source, files, folders)


def _partial_sources(
    one: ExpandedSet, files: Mapping[str, bytes], folders: set[str], is_own: Callable[[object], bool]
) -> Iterator[Source]:
    """Yield what an ApplicationSet deploys for certain although not all of its Applications are known."""
    owner, unknown = str(ObjectId.of(one.value)), one.expansion.unknown
    if unknown:
        yield Source(owner, "its template", reason=unknown)

    found: dict[str, Source] = {}
    for application in one.expansion.partial:
        for source in sources(application):
            path, url = folder(source) or "", str(at(source, "repoURL") or "")
            if not path or at(source, "chart") or not is_own(url):
                continue

            pattern, place = as_pattern(path), f"{path} of {url}"
            if pattern == path:
                found[path] = _argocd_source(owner, place, path, source, files, folders)
            elif pattern.strip("*/"):
                found[path] = Source(owner, place, reason=f"it is not known whole: {unknown}", covers=pattern)
    yield from found.values()


def _argocd_source(
    owner: str, place: str, path: str, source: Object, files: Mapping[str, bytes], folders: set[str]
) -> Source:
    path = resolved(files, path)
    inside = "" if path == "." else path

    if path not in folders:
        return Source(owner, place, reason="the folder does not exist")
    if at(source, "plugin") is not None:
        return Source(owner, place, reason="a plug-in of Argo CD renders it", covers=path)
    if at(source, "helm") is not None or posixpath.join(inside, "Chart.yaml") in files:
        return Source(owner, place, reason="a chart: helm is not run", covers=path)
    if at(source, "directory") is None and kustomization_of(files, inside) is not None:
        return Source(owner, place, Root(path, owner))

    taken = tuple(_directory_files(inside, at(source, "directory"), files))
    if not taken:
        is_unread = any(each.startswith(f"{inside}/") for each in getattr(files, "unread", ()))
        reason = "its files were not read" if is_unread else "the folder has no file that Argo CD reads"
        return Source(owner, place, reason=reason)
    return Source(owner, place, Root(path, owner, taken))


def _directory_files(inside: str, directory: object, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield what Argo CD reads in a folder (reposerver/repository/repository.go of v3.3, findManifests)."""
    include, exclude = at(directory, "include"), at(directory, "exclude")
    start = f"{inside}/" if inside else ""

    for path in files:
        if not path.startswith(start) or not path.endswith(ENDINGS):
            continue

        relative = path[len(start) :]
        is_below = at(directory, "recurse") is True or "/" not in relative
        is_wanted = not include or _glob(relative, str(include))
        is_excluded = (exclude and _glob(relative, str(exclude))) or _SKIPPED in files[path]
        if is_below and is_wanted and not is_excluded:
            yield path


def _glob(path: str, pattern: str) -> bool:
    """Whether a path matches a glob with {alternatives}."""
    braces = _BRACES.search(pattern)
    if not braces:
        return fnmatchcase(path, pattern)

    head, tail = pattern[: braces.start()], pattern[braces.end() :]
    return any(_glob(path, f"{head}{choice.strip()}{tail}") for choice in braces[1].split(","))


def _flux_urls(objects: Sequence[Object], folders: set[str]) -> Iterator[str]:
    """Yield the addresses of Git repositories of which Flux deploys a folder that is here."""
    found = flux.source_objects(objects)
    for kustomization in flux.kustomizations(objects):
        path = flux.folder_of(kustomization)
        if path != "." and path in folders:
            yield str(at(found.get(flux.source_of(kustomization)), "spec", "url") or "")


def _flux_sources(
    objects: Sequence[Object], files: Mapping[str, bytes], folders: set[str]
) -> Iterator[Source]:
    own = set(_flux_urls(objects, folders)) - {""}
    found = flux.source_objects(objects)

    for kustomization in flux.kustomizations(objects):
        path, owner = flux.folder_of(kustomization), str(ObjectId.of(kustomization))
        source = found.get(flux.source_of(kustomization))
        url = str(at(source, "spec", "url") or "")
        place = f"{path} of {url or '/'.join(flux.source_of(kustomization))}"
        inside = "" if path == "." else path

        if source is not None and own and url not in own:
            yield Source(owner, place, reason="another repository")
        elif path not in folders:
            yield Source(owner, place, reason="the folder does not exist")
        elif kustomization_of(files, inside) is not None:
            yield Source(owner, place, Root(path, owner))
        else:
            taken = tuple(_flux_files(inside, files))
            root = Root(path, owner, taken) if taken else None
            yield Source(owner, place, root, "" if root else "only kustomizations below it")


def _flux_files(inside: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the plain files for which Flux writes a kustomization: those of folders without one."""
    start = f"{inside}/" if inside else ""
    for path in files:
        if path.startswith(start) and path.endswith((".yaml", ".yml")) and "/." not in f"/{path}":
            parents = _parents(path[len(start) :], start)
            if not any(kustomization_of(files, parent) for parent in parents):
                yield path


def _parents(relative: str, start: str) -> Iterator[str]:
    parent = posixpath.dirname(relative)
    while parent:
        yield f"{start}{parent}"
        parent = posixpath.dirname(parent)
