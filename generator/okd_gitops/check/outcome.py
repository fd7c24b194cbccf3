"""The outcome of a check, apart from what it takes to come to one: a kept outcome is printed at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from okd_gitops.errors import first_code
from okd_gitops.finding import Finding, Severity, exit_code_of

if TYPE_CHECKING:
    from okd_gitops.check.ledger import Ledger


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
    # Of a repository that others wrote: what was judged, and what not.
    ledger: "Ledger | None" = None
    must_be_complete: bool = False

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == Severity.ERROR for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 without errors; of several errors, the exit code that takes precedence.

        Where nothing at all was judged it is 4, and where something was not that had to be.
        """
        code = exit_code_of(self.findings)
        if self.ledger is None:
            return code

        is_short = self.must_be_complete and not self.ledger.is_complete
        return first_code({code, 4}) if is_short or not self.documents else code
