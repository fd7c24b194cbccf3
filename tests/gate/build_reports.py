"""Reports of builds, as the Task report-build sends them to the gate."""

import json
from datetime import UTC, datetime
from typing import Any

from okd_gitops.gate.report import Report, read_report

COMMIT = "4d2b1f0c" * 5
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


def text(arch: str = "amd64", number: int = 1, run: str = "okd-coreos-4.22-x7k2p", **changes: Any) -> str:
    """Return a report as the task report-build writes it."""
    report = {
        "key": f"4.22-next-{COMMIT}-20261121",
        "version": "4.22",
        "release-stream": "next",
        "source-commit": COMMIT,
        "arch": arch,
        "image": "quay.io/okd/stream-coreos",
        "digest": f"sha256:{number:064x}",
        "pipelineRun": run,
    }
    return json.dumps({name: value for name, value in {**report, **changes}.items() if value is not None})


def report(arch: str = "amd64", digest: int = 1, **changes: Any) -> Report:
    """Return such a report as the gate reads it."""
    read, fault = read_report(text(arch, digest, **changes))
    assert read is not None, fault
    return read
