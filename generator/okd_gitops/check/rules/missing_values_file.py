"""The rule missing-values-file: findings.yaml states and explains it."""

import posixpath
import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.finding import nearest
from okd_gitops.manifests.argocd import at_head, folder, same_url, sources
from okd_gitops.manifests.graph import unread_reason
from okd_gitops.manifests.nested import Path
from okd_gitops.manifests.objects import Object, at, items

# A plain name: `$ARGOCD_APP_NAME` and the like are variables of the build.
_REFERENCE = re.compile(r"\$([a-z][A-Za-z0-9_-]*)/")


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at the values of charts whose files are of this repository."""
    for application in repository.applications:
        for source in sources(application):
            # A missing file may be allowed, and a pattern may find nothing.
            if at(source, "helm", "ignoreMissingValueFiles") is True:
                continue

            for index, name in enumerate(items(source, "helm", "valueFiles")):
                where = (*repository.source_path(application, source), "helm", "valueFiles", index)
                yield from _unknown_reference(str(name), where, application, repository)

                path = _path(str(name), source, application, repository)
                if path is not None and not _is_there(path, repository):
                    alike = [each for each in repository.files if posixpath.basename(each) == _base(path)]
                    yield Fault(
                        reason=f"{name} is {path} of this repository, which does not exist",
                        remedy=f"write {alike[0]}" if len(alike) == 1 else nearest(path, repository.files),
                        object=repository.written(application),
                        path=where,
                        clusters=repository.declared_in(application),
                    )


def _unknown_reference(
    name: str, where: Path, application: Object, repository: Repository
) -> Iterator[Fault]:
    """Yield a `$name/…` that is the `ref` of no source: Argo CD then renders nothing."""
    reference = _REFERENCE.match(name)
    known = [str(at(each, "ref")) for each in sources(application) if at(each, "ref")]
    # What an ApplicationSet makes may have been filled in part.
    if reference and not any("{{" in each for each in known) and reference[1] not in known:
        yield Fault(
            reason=f"{name} is of the source ${reference[1]}, and no source has ref: {reference[1]}",
            remedy=nearest(reference[1], known) or f"give the source of the values ref: {reference[1]}",
            object=repository.written(application),
            path=where,
            clusters=repository.declared_in(application),
        )


def _is_there(path: str, repository: Repository) -> bool:
    return path in repository.files or bool(unread_reason(repository.files, path))


def _base(path: str) -> str:
    return posixpath.basename(path)


def _path(name: str, source: Object, application: Object, repository: Repository) -> str | None:
    """Return the path of a values file in this repository; None when it is elsewhere or unknown."""
    if "://" in name or set("*?{") & set(name):
        return None

    if name.startswith("$"):
        reference, _, rest = name[1:].partition("/")
        holders = [each for each in sources(application) if at(each, "ref") == reference]
        return posixpath.normpath(rest) if holders and _is_here(holders[0], repository) else None

    inside = folder(source)
    if inside is None or not _is_here(source, repository):
        return None
    return posixpath.normpath(name.lstrip("/") if name.startswith("/") else posixpath.join(inside, name))


def _is_here(source: Object, repository: Repository) -> bool:
    return same_url(at(source, "repoURL")) in repository.own_urls and at_head(source)
