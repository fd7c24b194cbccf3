"""observe: ask clusters how their release in Git went, and record all answers in one commit."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from okd_gitops.errors import OkdGitopsError, UsageError
from okd_gitops.evidence.ask_cluster import Answer, Target, ask
from okd_gitops.evidence.ask_hive import ask_hive
from okd_gitops.evidence.conclude import Result, conclude
from okd_gitops.evidence.foreign_trials import new_trials, read_trials
from okd_gitops.evidence.left_over import left_over
from okd_gitops.evidence.records import RUNS, Records, read_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.state import Runs
from okd_gitops.evidence.write_records import write_records
from okd_gitops.finding import Finding, finding_of
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.load import Fleet
from okd_gitops.system import branches
from okd_gitops.system.hub import Hub
from okd_gitops.times import parse_duration, time_text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_AT_ONCE = 8
# A record that says the same is written again after this time, so that its age tells that somebody looks.
_KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """As of when clusters are judged, how long a failure may last, and how old the last watch may be."""

    now: datetime
    patience: timedelta
    watch_age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed: a result for each cluster, reports of trials that were taken over, findings about
    no cluster, the commit that was made ("": none), and why it could not be made.
    """

    results: tuple[Result, ...]
    taken_over: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    sha: str = ""
    failure: OkdGitopsError | None = None

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The findings of all clusters, and the others."""
        of_clusters = [finding for result in self.results for finding in result.findings]

        return (*of_clusters, *self.findings)


@dataclass(slots=True)
class _Round:
    """The answers of one round, judged again for the records that are on the branch when it is written.

    `left_over` are the clusters that the hub has and git has not; None: it was not asked. `read_trials`
    reads the reports of another repository, for the releases of records, and `own` are the names of this
    fleet's clusters.
    """

    asked: Sequence[tuple[Target, Answer]]
    limits: Limits
    left_over: tuple[str, ...] | None = None
    read_trials: Callable[[Records], tuple[Sequence[Evidence], Sequence[Finding]]] = lambda _: ((), ())
    own: frozenset[str] = frozenset()
    taken_over: tuple[Evidence, ...] = ()
    results: tuple[Result, ...] = ()
    findings: tuple[Finding, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)

    def judge(self, records: Records) -> Mapping[str, bytes]:
        """Judge all answers with what is recorded, and return the files to write."""
        now = self.limits.now
        self.results = tuple(
            conclude(target.cluster, target.api, answer, records, now=now, patience=self.limits.patience)
            for target, answer in self.asked
        )
        self.findings = tuple(_watch_findings(records.runs, self.limits))
        self.files = {}

        for result in self.results:
            self.files |= _files_of(result, records, now)

        trials, unread = self.read_trials(records)
        self.findings += tuple(unread)
        new = new_trials(trials, records, self.own)
        self.taken_over = tuple(report.model_copy(update={"seen": now}) for report in new)

        for report in self.taken_over:
            self.files[report.path] = report.text().encode()

        earlier = records.runs
        left_over = earlier.left_over if self.left_over is None else self.left_over

        if self.files or _is_due(earlier.observer, now) or left_over != earlier.left_over:
            runs = earlier.model_copy(update={"observer": now, "left_over": left_over})
            self.files[RUNS] = runs.text().encode()

        return self.files


def observe(
    root: Path,
    fleet: Fleet,
    targets: Sequence[Target],
    limits: Limits,
    *,
    hub: Hub | None = None,
    trials: str = "",
    write: bool = True,
    remote: str = "",
) -> Observed:
    """Ask clusters, judge their answers, and record them in one commit on the branch `records`, with what the
    hub has of them that git does not know.

    `trials` is a reference of this clone with the records of the fleet's unattended repository; reports of
    clusters that try releases are taken over from there.

    A cluster that is away is a finding and stops no other one. Raises FindingsError for records that cannot
    be read, NetworkError for a hub that is away.
    """
    streams = {each.stream for each in fleet.spec.trials}
    this_round = _Round(
        asked=_ask_all(targets),
        limits=limits,
        left_over=left_over(fleet, hub) if hub else None,
        read_trials=lambda records: read_trials(root, trials, records, streams) if trials else ((), ()),
        own=frozenset(cluster.name for cluster in fleet.clusters),
    )

    if not write:
        this_round.judge(read_records(root))

        return Observed(
            results=this_round.results,
            taken_over=this_round.taken_over,
            findings=this_round.findings,
        )

    names = ", ".join(target.cluster.name for target in targets)
    subject = f"observe({names})" if len(names) <= 50 else f"observe({len(targets)} clusters)"
    sha, failure = "", None

    try:
        url = branches.address(root, remote, fleet.spec.repository) if remote else ""
        sha = write_records(root, url, subject, this_round.judge)
    except OkdGitopsError as error:
        failure = error

    if failure and not this_round.results:
        this_round.judge(Records())

    return Observed(
        results=this_round.results,
        taken_over=this_round.taken_over,
        findings=this_round.findings,
        sha=sha,
        failure=failure,
    )


def observed_clusters(fleet: Fleet, now: datetime) -> list[Cluster]:
    """Return the clusters that can be asked: with a release and a server, and not past their last day."""
    return [cluster for cluster in _present(fleet, now) if cluster.spec.server]


def installed_clusters(fleet: Fleet, now: datetime) -> list[Cluster]:
    """Return the clusters of providers: the hub can be asked about them until their last day has passed."""
    return [cluster for cluster in _present(fleet, now) if cluster.spec.provider]


def _present(fleet: Fleet, now: datetime) -> Iterable[Cluster]:
    return (cluster for cluster in fleet.clusters if cluster.spec.release and not _is_over(cluster, now))


def addresses(tests: Iterable[str]) -> dict[str, str]:
    """Read tests such as `console=https://console.apps.example.org/health`; raises UsageError."""
    pairs = [test.partition("=") for test in tests]

    for name, _, url in pairs:
        if not _NAME.fullmatch(name) or not url:
            remedy = "write it like console=https://console.apps.example.org/health"
            raise UsageError(f'"{name}" is not a test', remedy)

    return {name: url for name, _, url in pairs}


def bound(text: str) -> timedelta:
    """Read a duration such as `4h`; raises UsageError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), "write it like 90m, 4h or 2d") from None


def _ask_all(targets: Sequence[Target]) -> list[tuple[Target, Answer]]:
    """Ask several at once: one that is away lets its time pass."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(_ask, targets))

    return list(zip(targets, answers, strict=True))


def _ask(target: Target) -> Answer:
    return ask_hive(target) if target.through_hive else ask(target)


def _files_of(result: Result, records: Records, now: datetime) -> dict[str, bytes]:
    """Return the evidence that is new, and the state when it changed or its time is old."""
    files = {}

    if result.evidence and result.is_new:
        files[result.evidence.path] = result.evidence.text().encode()

    state = result.state
    earlier = records.cluster(state.cluster) if state else None

    if state and (earlier is None or _is_due(earlier.seen, now) or state.differs_from(earlier)):
        files[state.path] = state.text().encode()

    return files


def _is_due(last: datetime | None, now: datetime) -> bool:
    """Whether a time is to be written anew; one in the future is wrong, and is put right."""
    return last is None or now - last >= _KEPT or last > now


def _watch_findings(runs: Runs, limits: Limits) -> Iterable[Finding]:
    """Tell that the watch on the hub has stopped; where none ever ran, nothing is expected."""
    if runs.watch is None or limits.now - runs.watch <= limits.watch_age:
        return

    age = limits.now - runs.watch
    hours = age // timedelta(hours=1)
    yield finding_of("watch-dead", RUNS, f"the watch ran last at {time_text(runs.watch)}, {hours} hours ago")


def _is_over(cluster: Cluster, now: datetime) -> bool:
    return cluster.spec.expires is not None and cluster.spec.expires < now.date()
