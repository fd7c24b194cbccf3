"""Remedies for repositories that others wrote: nothing there has the files and the commands of a fleet."""

import re
from dataclasses import replace

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding

# What only a fleet of okd-gitops has.
OF_A_FLEET = re.compile(
    r"clusters/|fleet\.yaml|\bcatalog\b|\bmake (check|clean|generate)\b|tools/crds|okd-gitops\.io/|\bextras\b"
    r"|declare it external|okd-gitops (generate|commit|release|cluster|explain)"
)


def for_others(finding: Finding) -> Finding:
    """Return a finding with a remedy that fits a repository of others."""
    if not OF_A_FLEET.search(finding.remedy):
        return finding

    remedy = explanation_of(finding.name).elsewhere.removesuffix(".")
    return replace(finding, remedy=f"{remedy[:1].lower()}{remedy[1:]}" or "correct it where it is written")
