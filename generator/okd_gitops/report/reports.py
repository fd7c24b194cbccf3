"""What clusters reported of a release, with all that the evidence contains."""

from collections.abc import Iterable
from datetime import datetime

from okd_gitops.evidence.report import Evidence
from okd_gitops.report.clusters import age
from okd_gitops.report.markdown import Block, code, prose, table_row

_HEAD = (
    "### Evidence of the waves before\n\n"
    "| cluster | release | result | finished | soaked | operators | tests |\n"
    "|---|---|---|---|---|---|---|\n"
)
_MANY_TESTS = 4


def reports_block(reports: Iterable[Evidence], now: datetime) -> Block:
    """Return one row for each report, by cluster."""
    in_order = sorted(reports, key=lambda report: (report.cluster, report.version))

    return Block("reports", _HEAD, [_row(report, now) for report in in_order])


def _row(report: Evidence, now: datetime) -> str:
    return table_row(
        [
            code(report.cluster),
            code(report.version),
            _result(report),
            f"{report.finished:%Y-%m-%d %H:%M}",
            age(report.finished, now),
            report.operators,
            _tests(report),
        ]
    )


def _result(report: Evidence) -> str:
    result = "passed" if report.passed else "🔴 **failed**"

    return f"{result}: {prose(report.reason, 300)}" if report.reason else result


def _tests(report: Evidence) -> str:
    """Return how many tests passed, and which did not."""
    if not report.tests:
        return "none"

    failed = sorted(name for name, result in report.tests.items() if result != "passed")
    passed = f"{len(report.tests) - len(failed)} of {len(report.tests)} passed"
    more = " …" if len(failed) > _MANY_TESTS else ""

    return f"{passed}; 🔴 {', '.join(map(code, failed[:_MANY_TESTS]))}{more}" if failed else passed
