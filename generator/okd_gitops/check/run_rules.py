"""Run the rules on a repository: those of all overlays first, then those of one on each in turn."""

from collections import Counter
from collections.abc import Iterator, Mapping, Set

from okd_gitops.check.faults import JsonFaults, fault_from_json, finding_of_fault, place_on
from okd_gitops.check.kept_overlay import KeptOverlay
from okd_gitops.check.kept_overlays import KeptOverlays
from okd_gitops.check.newly_kept import Looked, NewlyKept
from okd_gitops.check.rule import Overlay, Repository
from okd_gitops.check.rule_set import RuleSet
from okd_gitops.check.seen import Seen
from okd_gitops.check.seen_by_all import SeenByAll
from okd_gitops.finding import Finding


def run(
    repository: Repository,
    kept: KeptOverlays | None = None,
    of_all: list[Finding] | None = None,
    unsure: Set[str] = frozenset(),
) -> list[Finding]:
    """Return the findings of every rule on a repository, of which every overlay has keys.

    With `kept`, some overlays may be known from an earlier run, and what is found of the others is kept, but
    for those of the names `unsure`. `of_all` are the findings of rules of all overlays, if they are known.
    What was found of an overlay, and of objects that it alone has, is forgotten when it was looked at.

    Raises NotLoadedError when a rule asks for something that is not kept.
    """
    rules = RuleSet(repository)
    seen_by_all = SeenByAll(repository) if kept and of_all is None else None
    if of_all is None:
        of_all = rules.look_at_all(seen_by_all.repository if seen_by_all else repository)
    if seen_by_all:
        seen_by_all.forget()

    newly_kept = NewlyKept(kept, repository, seen_by_all, unsure) if kept and kept.is_written else None
    alone = _held_by_one(repository)
    faults: dict[str, JsonFaults] = {}
    findings: list[Finding] = []

    # One with thousands of objects comes last, when what was found of the others is forgotten.
    for overlay in sorted(repository.overlays, key=lambda each: len(each.keys)):
        if kept and isinstance(overlay, KeptOverlay):
            findings += newly_kept.copy(overlay) if newly_kept else kept.findings(overlay)
            continue

        _look_at_objects(overlay, rules, faults, kept)
        seen = Seen(repository, overlay)
        looked = Looked(rules.look_at(overlay, seen), seen.asked)
        findings += looked.findings
        if newly_kept:
            newly_kept.add(overlay, looked, faults)
            overlay.reading.let_go()
        overlay.forget(alone)

    if newly_kept:
        newly_kept.write(of_all)
    return rules.judged([*findings, *of_all, *_of_objects(repository, faults, kept)])


def _held_by_one(repository: Repository) -> Set[str]:
    """Return the keys of objects that one overlay has and no other one that is loaded."""
    loaded = (overlay for overlay in repository.overlays if not isinstance(overlay, KeptOverlay))
    holders = Counter(key for overlay in loaded for key in overlay.keys)
    return {key for key, number in holders.items() if number == 1}


def _look_at_objects(
    overlay: Overlay, rules: RuleSet, faults: dict[str, JsonFaults], kept: KeptOverlays | None
) -> None:
    """Note the faults of the objects of an overlay; an object at which somebody has looked is passed over."""
    for key, value in zip(overlay.keys, overlay.objects, strict=True):
        if key not in faults:
            known = kept.faults(key) if kept else None
            faults[key] = rules.faults_of(value) if known is None else known

    # Places of faults are kept with an overlay, so that the next run needs no graph for them.
    for key in overlay.keys:
        for _, fault in faults[key]:
            place_on(overlay, fault_from_json(fault))


def _of_objects(
    repository: Repository, looked: Mapping[str, JsonFaults], kept: KeptOverlays | None
) -> Iterator[Finding]:
    """Yield the findings of objects, each with all overlays that hold it."""
    faulty = {key for key, faults in looked.items() if faults} | (kept.faulty if kept else frozenset())
    holders: dict[str, list[Overlay]] = {}
    for overlay in repository.overlays:
        for key in () if faulty.isdisjoint(overlay.keys) else overlay.keys:
            if key in faulty:
                holders.setdefault(key, []).append(overlay)

    for key, overlays in holders.items():
        for name, fault in looked.get(key) or (kept.faults(key) if kept else None) or []:
            yield finding_of_fault(name, fault_from_json(fault), overlays)
