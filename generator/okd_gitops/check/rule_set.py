"""The rules for a repository: each module in `rules/` is one, and the folder is the list of them.

A rule has the name of its module, with dashes, and an entry of that name in `findings.yaml`: title, why,
remedy, severity. Its functions are named for what they look at: `check_object` sees an object once, however
many clusters share it, `check_cluster` everything rendered for one cluster, `check_repository` all of it.
A module with `IS_HOUSE_RULE` is not asked about repositories that others wrote, and `check_others_object`
takes the place of `check_object` there.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from traceback import extract_tb
from types import ModuleType

from okd_gitops.check import rules
from okd_gitops.check.faults import JsonFaults, fault_as_json, finding_of_fault
from okd_gitops.check.kept_overlay import NotLoadedError
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.check.seen import Seen
from okd_gitops.finding import Finding, finding_of
from okd_gitops.manifests.objects import Object, forget_parts

# How the reason begins that a rule with a bug judged nothing.
OF_RULE = "the rule"


@cache
def all_rules() -> Mapping[str, ModuleType]:
    """Return the module of every rule by the rule's name, in order."""
    modules = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
    return {
        module.replace("_", "-"): importlib.import_module(f"{rules.__name__}.{module}") for module in modules
    }


class RuleSet:
    """The rules for a repository.

    In a fleet a bug of a rule must be reported before anything passes; what others wrote is stranger than any
    test, and one rule must not keep the others from it: `failed` has a finding for each that failed.
    """

    def __init__(self, repository: Repository) -> None:
        self.failed: dict[str, Finding] = {}
        self._may_fail = not repository.url
        self._rules = {
            name: rule
            for name, rule in all_rules().items()
            if repository.has_house_rules or not getattr(rule, "IS_HOUSE_RULE", False)
        }
        looks = {name: _object_rule(rule, repository) for name, rule in self._rules.items()}
        self._of_objects = {name: look for name, look in looks.items() if look}
        self._of_clusters = self._with("check_cluster")

    def look_at_all(self, repository: Repository) -> list[Finding]:
        """Return the findings of the rules that look at all overlays."""
        overlays = {overlay.name: overlay for overlay in repository.overlays}
        findings: list[Finding] = []

        for name, rule in self._with("check_repository").items():
            try:
                for fault in rule.check_repository(repository):
                    concerned = [overlays[cluster] for cluster in fault.clusters]
                    findings.append(finding_of_fault(name, fault, concerned))
            except Exception as error:
                if not self._may_fail or isinstance(error, NotLoadedError):
                    raise
                self.failed.setdefault(name, _failed(name, error))

        return findings

    def look_at(self, overlay: Overlay, repository: Repository | Seen) -> list[Finding]:
        """Return the findings of the rules that look at one overlay, but for those of its objects."""
        findings: list[Finding] = []

        for name, rule in self._of_clusters.items():
            try:
                for fault in rule.check_cluster(overlay, repository):
                    findings.append(finding_of_fault(name, fault, [overlay]))
            except Exception as error:
                if not self._may_fail or isinstance(error, NotLoadedError):
                    raise
                self.failed.setdefault(name, _failed(name, error))

        return findings

    def faults_of(self, value: Object) -> JsonFaults:
        """Return the faults of an object."""
        faults: JsonFaults = []

        for name, look in self._of_objects.items():
            try:
                for fault in look(value):
                    faults.append([name, fault_as_json(fault)])
            except Exception as error:
                if not self._may_fail or isinstance(error, NotLoadedError):
                    raise
                self.failed.setdefault(name, _failed(name, error))

        forget_parts(value)
        return faults

    def judged(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings of the rules that did not fail, and one for each that did."""
        return [*(each for each in findings if each.name not in self.failed), *self.failed.values()]

    def _with(self, function: str) -> dict[str, ModuleType]:
        return {name: rule for name, rule in self._rules.items() if hasattr(rule, function)}


def _object_rule(rule: ModuleType, repository: Repository) -> Callable[[Object], Iterable[Fault]] | None:
    look: Callable[[Object], Iterable[Fault]] | None = getattr(rule, "check_object", None)
    if look and not repository.has_house_rules:
        look = getattr(rule, "check_others_object", look)
    return look


def _failed(name: str, error: Exception) -> Finding:
    """Return the finding for a rule that has a bug; what Python says may have a value of a file."""
    frame = extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"

    return finding_of(
        "not-judged",
        ".",
        f"{OF_RULE} {name} judged nothing: {type(error).__name__} at {place}, a bug in okd-gitops",
        "report this line; the other rules judged everything",
    )
