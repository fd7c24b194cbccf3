"""Findings as SARIF 2.1.0, which forges and editors show beside the lines.

The form: OASIS sarif-schema-2.1.0.json. GitHub reads it as code scanning, GitLab as a SAST report.
"""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding
from okd_gitops.redaction import redacted

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(
    findings: Iterable[Finding],
    version: str,
    *,
    exit_code: int = 0,
    failure: str = "",
    of_others: bool = False,
) -> str:
    """Return findings as one SARIF run of this tool; `version` is that of okd-gitops.

    `of_others` says that they are those of a repository that okd-gitops did not write, `failure` why the run
    judged nothing, or less than it had to.
    """
    found = list(findings)
    driver = {
        "name": "okd-gitops",
        "version": version,
        "rules": [_rule(name, of_others=of_others) for name in sorted({finding.name for finding in found})],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(exit_code, failure)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in found],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}

    return json.dumps(document, indent=2) + "\n"


def _invocation(exit_code: int, failure: str) -> dict[str, Any]:
    notes = [{"level": "error", "message": {"text": redacted(failure)}}] if failure else []
    return {
        "executionSuccessful": not failure,
        "exitCode": exit_code,
        "toolExecutionNotifications": notes,
    }


def _rule(name: str, *, of_others: bool) -> dict[str, Any]:
    explanation = explanation_of(name)
    return {
        "id": name,
        "shortDescription": {"text": explanation.title},
        "fullDescription": {"text": explanation.why},
        "help": {"text": (explanation.elsewhere if of_others else "") or explanation.remedy},
        "defaultConfiguration": {"level": explanation.severity or "error"},
    }


def _result(finding: Finding) -> dict[str, Any]:
    place = finding.location
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(place.file)}}
    if place.line:
        physical["region"] = {"startLine": place.line, "startColumn": max(1, place.column)}

    remedy = f" Fix: {finding.remedy}." if finding.remedy else ""
    return {
        "ruleId": finding.name,
        "level": str(finding.severity),
        "message": {"text": redacted(f"{finding.reason}.{remedy}")},
        "locations": [{"physicalLocation": physical}],
        "properties": {"object": finding.object, "clusters": list(finding.clusters)},
    }
