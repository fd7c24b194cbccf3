"""The outcome of a check, apart from what it takes to come to one: a kept outcome is printed at once."""

from dataclasses import dataclass

from okd_gitops.finding import Finding, Severity, exit_code_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a check: the findings, how much was judged, and the seconds that each step took."""

    findings: tuple[Finding, ...]
    clusters: int = 0
    overlays: int
    documents: int
    distinct: int
    without_schema: int
    seconds: dict[str, float]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == Severity.ERROR for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 without errors; of several errors, the exit code that takes precedence."""
        return exit_code_of(self.findings)
