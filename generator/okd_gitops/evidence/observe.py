"""observe: ask a cluster's own API how its release in git went, and record the answer once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from okd_gitops.errors import UsageError
from okd_gitops.evidence.health import Seen, judge
from okd_gitops.evidence.record import cluster_of, record
from okd_gitops.evidence.records import read_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import refused
from okd_gitops.fleet.load import load
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http
from okd_gitops.times import parse_duration

_CONFIG = "/apis/config.openshift.io/v1"
# The API server reports to every account whether it is ready, after its own checks.
_READY = "api-ready"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which cluster is looked at, by which address, with which tests (address by name), and as of when."""

    cluster: str
    api: str
    tests: Mapping[str, str]
    patience: timedelta
    now: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """What was observed.

    With a `path` there is a report; `new` is one that did not exist before, `sha` the commit that was pushed.
    """

    reason: str
    path: str = ""
    text: str = ""
    new: bool = False
    sha: str = ""


def observe(root: Path, http: Http, question: Question, *, write: bool = True, remote: str = "") -> Observed:
    """Judge a cluster and record the result; `http` has the token and the authorities of its API.

    Raises UsageError for a cluster that git does not have, NetworkError when the API is away or refuses,
    FindingsError (no-longer-healthy) when a cluster that has reported passed is not healthy now.
    """
    release = cluster_of(load(root), question.cluster).spec.release

    if release is None:
        raise UsageError(f'the cluster "{question.cluster}" has no release', "only okd clusters report")

    version, image = release.version, release.image
    observation = judge(
        _seen(http, question),
        cluster=question.cluster,
        version=version,
        image=image,
        now=question.now,
        patience=question.patience,
    )
    reported = _earlier_report(root, question.cluster, version)

    if reported:
        # While nodes restart, much is unhealthy: only what would have failed the release counts.
        if reported.passed and observation.evidence and not observation.evidence.passed:
            stop = "stop the later waves (freeze: in fleet.yaml, or hold: in their files)"
            remedy = f"{stop}, and repair the cluster"
            raise refused("no-longer-healthy", reported.path, observation.reason, remedy, exit_code=1)

        return Observed(observation.reason, reported.path, reported.text())

    if not observation.evidence:
        return Observed(observation.reason)

    recorded = record(root, observation.evidence, write=write, remote=remote)

    return Observed(observation.reason, recorded.path, recorded.text, recorded.new, recorded.sha)


def _earlier_report(root: Path, cluster: str, version: str) -> Evidence | None:
    """Return the committed report of a cluster about a version."""
    reports = (report for report in read_records(root).evidence if report.cluster == cluster)
    return next((report for report in reports if report.version == version), None)


def addresses(tests: Iterable[str]) -> dict[str, str]:
    """Read tests such as `console=https://console.openshift-console.svc/health`; raises UsageError."""
    pairs = [test.partition("=") for test in tests]

    for name, _, url in pairs:
        if not _NAME.fullmatch(name) or not url:
            raise UsageError(
                f'"{name}" is not a test',
                "write it like console=https://console.openshift-console.svc/health",
            )

    return {name: url for name, _, url in pairs}


def bound(text: str) -> timedelta:
    """Read a duration such as `4h`; raises UsageError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), "write it like 90m, 4h or 2d") from None


def _seen(http: Http, question: Question) -> Seen:
    version = http.send("GET", f"{question.api}{_CONFIG}/clusterversions/version")
    operators = http.send("GET", f"{question.api}{_CONFIG}/clusteroperators")
    tests = {_READY: f"{question.api}/readyz", **question.tests}
    results = {name: _answers(http, url) for name, url in tests.items()}

    return Seen(version=version, operators=operators, tests=results)


def _answers(http: Http, url: str) -> bool:
    try:
        http.get(url)
    except NetworkError:
        return False

    return True
