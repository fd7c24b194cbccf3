"""Check a repository that others wrote: find its roots, judge each, and account for every file."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from okd_gitops.check import rule
from okd_gitops.check.foreign_roots import (
    Judgement,
    applied_by_hand,
    build,
    is_component,
    new_roots,
    objects_of,
    overlay_of,
)
from okd_gitops.check.ignore_comments import without_ignored
from okd_gitops.check.judge import Built, Stopwatch, judge_built
from okd_gitops.check.kubeconform import known_kinds
from okd_gitops.check.ledger import Blocked, keep_account
from okd_gitops.check.left_alone import followers_of, holds_alone, left_alone
from okd_gitops.check.outcome import Report
from okd_gitops.check.own_schemas import definitions_in, own_schemas, with_versions
from okd_gitops.check.remedies_of_others import for_others
from okd_gitops.check.roots import Deployments, deployments
from okd_gitops.check.rule_set import OF_RULE
from okd_gitops.finding import Finding, ordered
from okd_gitops.manifests.bounds import OTHERS
from okd_gitops.manifests.flux import Variables
from okd_gitops.manifests.graph import read_already
from okd_gitops.manifests.kustomization import tops
from okd_gitops.system.foreign_files import ForeignFiles, read_repository

# Applications that make Applications, more deeply than anybody nests them.
_MAX_ROUNDS = 6
_FILLED_ELSEWHERE = Variables()


def check_foreign(
    root: Path,
    cache: Path,
    *,
    kubernetes: str,
    today: date,
    say: Callable[[str], None],
    is_fleet: bool = False,
    crds: Path | None = None,
    remotes: tuple[str, ...] | None = None,
) -> Report:
    """Check a repository that others wrote; with `is_fleet` it is held to the rules of our own house.

    `crds` is a folder with CustomResourceDefinitions of kinds that are not known otherwise, `remotes` are the
    repository's addresses, where its folder does not know them.

    Raises ToolError when a tool or a schema bundle is missing.
    """
    stopwatch = Stopwatch()
    read = read_repository(root)
    files = read if remotes is None else replace(read, remotes=remotes)
    graphs = {folder or ".": graph for folder, graph in tops(files, OTHERS).items()}
    judgement = Judgement()

    pending = [
        rule.Overlay(name=folder, folder=folder, kubernetes=kubernetes, reading=read_already(graph))
        for folder, graph in graphs.items()
        if not is_component(graph)
    ]
    by_hand = applied_by_hand(files, graphs.values())
    declared = [value for graph in by_hand.values() for value in objects_of(graph)]
    found = Deployments(frozenset(), (), ())

    for _ in range(_MAX_ROUNDS):
        build(pending, files, root, cache, judgement, say)
        found = deployments([*judgement.objects, *declared], files, files.remotes)
        pending = [overlay_of(each, files, kubernetes) for each in new_roots(found, judgement.known)]
        if not pending:
            break

    reached = {path for overlay in judgement.overlays for path in overlay.graph.files}
    pending = [
        rule.Overlay(
            name=path, folder=path, is_directory=True, reading=read_already(graph), kubernetes=kubernetes
        )
        for path, graph in by_hand.items()
        if path not in reached
    ]
    build(pending, files, root, cache, judgement, say)
    found = deployments(judgement.objects, files, files.remotes)
    pending = list(left_alone(judgement, files, kubernetes))
    judgement.alone = {overlay.folder for overlay in pending}
    build(pending, files, root, cache, judgement, say)
    stopwatch.lap("build")

    # Whoever deploys what nothing here deploys may fill variables too.
    judgement.overlays = [
        replace(overlay, variables=found.variables.get(overlay.folder, _FILLED_ELSEWHERE))
        for overlay in judgement.overlays
    ]
    repository = rule.Repository(
        files=files,
        overlays=tuple(judgement.overlays),
        today=today,
        urls=found.urls,
        sets=found.sets,
        is_whole=not judgement.blocked,
        has_house_rules=is_fleet,
    )
    followers = followers_of(judgement, files)
    built = Built(
        overlays=tuple(judgement.overlays),
        findings=tuple(
            each
            for each in judgement.findings
            if each.name != "kustomize-build-failed" or not set(each.clusters) & followers
        ),
        documents=judgement.documents,
    )
    known = known_kinds(cache / "schemas", kubernetes)
    defined = [*judgement.objects, *definitions_in(files)]
    more = definitions_in(read_repository(crds)) if crds else []
    with own_schemas(defined, more, known, cache, kubernetes) as own:
        report = judge_built(repository, built, cache, stopwatch, say=say, own=own)

    certain = [each for each in report.findings if holds_alone(each, judgement.alone)]
    report = replace(report, findings=tuple(with_versions(certain, own, known)))
    accounted = _with_account(report, files, judgement, found, known)
    judged = accounted.ledger.judged if accounted.ledger else ()
    counted, ignored = without_ignored(accounted.findings, files, judged, today)

    return replace(accounted, findings=tuple(ordered(counted)), ignored=tuple(ignored))


def _with_account(
    report: Report,
    files: ForeignFiles,
    judgement: Judgement,
    found: Deployments,
    known: Collection[tuple[str, str, str]],
) -> Report:
    """Return the report with its ledger; an unknown kind is counted there and is no finding."""
    gaps = [finding for finding in report.findings if _is_gap(finding, known)]
    kinds = Counter(finding.object.partition(" ")[0] for finding in gaps)
    account = keep_account(
        files,
        files.unread,
        [(overlay.folder, overlay.graph.files) for overlay in judgement.overlays],
        [*judgement.blocked, *_failed_rules(report.findings)],
        found.sources,
        kinds,
    )
    findings = ordered(for_others(finding) for finding in report.findings if finding not in gaps)
    return replace(report, findings=tuple(ordered(_once(findings))), ledger=account)


def _failed_rules(findings: Iterable[Finding]) -> Iterator[Blocked]:
    """Yield the rules that judged nothing because of a bug, so that no account with one is complete."""
    for finding in findings:
        if finding.name == "not-judged" and finding.reason.startswith(OF_RULE):
            yield Blocked("a rule", finding.reason)


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield what several roots have in common once, with all of them."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.name, finding.location, finding.object, finding.reason)
        groups.setdefault(key, []).append(finding)

    for group in groups.values():
        clusters = dict.fromkeys(cluster for finding in group for cluster in finding.clusters)
        yield replace(group[0], clusters=tuple(clusters))


_NO_SCHEMA = re.compile(r"no schema for (\S+)/(\S+) (\S+)")


def _is_gap(finding: Finding, known: Collection[tuple[str, str, str]]) -> bool:
    """Whether a finding only says that nothing is known of a kind; one that is nearly the name of a known
    kind of its group is misspelled.
    """
    kind = _NO_SCHEMA.fullmatch(finding.reason)
    if finding.name != "no-schema" or not kind:
        return finding.name == "kind-not-checked"

    own = ("" if kind[1] == "core" else kind[1], kind[2])
    of_group = [name for group, version, name in known if (group, version) == own]
    return not get_close_matches(kind[3], of_group, n=1, cutoff=0.85)
