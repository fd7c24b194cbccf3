"""Bases that only overlays use which could not be built: they are judged alone."""

import posixpath
from collections.abc import Collection, Iterator

from okd_gitops.check import rule
from okd_gitops.check.foreign_roots import Judgement, overlay_of
from okd_gitops.check.roots import Root
from okd_gitops.finding import Finding
from okd_gitops.manifests.graph import kustomization_of
from okd_gitops.system.foreign_files import ForeignFiles

# What no overlay that uses a base sets right.
_OF_BASES = (
    "broken-kustomization",
    "deprecated-api",
    "duplicate-key",
    "kustomize-build-failed",
    "malformed-quantity",
    "no-schema",
    "not-yaml",
    "schema-violation",
    "secret-in-git",
    "version-not-served",
)


def left_alone(judgement: Judgement, files: ForeignFiles, kubernetes: str) -> Iterator[rule.Overlay]:
    """Yield the bases that nothing but overlays uses which could not be built."""
    reached = {path for overlay in judgement.overlays for path in overlay.graph.kustomizations}
    own = {kustomization_of(files, "" if each.folder == "." else each.folder) for each in judgement.refused}

    for overlay in judgement.refused:
        for path, document in overlay.graph.kustomizations.items():
            if path in reached or path in own or document.value.get("kind") == "Component":
                continue

            base = overlay_of(Root(posixpath.dirname(path) or ".", overlay.folder), files, kubernetes)
            reached |= base.graph.kustomizations.keys()
            yield base


def followers_of(judgement: Judgement, files: ForeignFiles) -> set[str]:
    """Return the overlays that do not build because a base of theirs does not, which is told already."""
    broken = {
        kustomization_of(files, "" if each.folder == "." else each.folder)
        for each in judgement.blocked
        if each.folder in judgement.alone
    }
    return {
        overlay.folder
        for overlay in judgement.refused
        if overlay.folder not in judgement.alone and broken & overlay.graph.kustomizations.keys()
    }


def holds_alone(finding: Finding, alone: Collection[str]) -> bool:
    """Whether a finding holds whatever the users of a base, of which none could be built, add to it."""
    if not finding.clusters or not alone or not set(finding.clusters) <= set(alone):
        return True

    return finding.name in _OF_BASES and "missing propert" not in finding.reason
