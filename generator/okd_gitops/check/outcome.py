"""The outcome of a check, apart from what it takes to come to one: a kept outcome is printed at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from okd_gitops.errors import first_code
from okd_gitops.finding import Finding, Severity, exit_code_of

if TYPE_CHECKING:
    from okd_gitops.check.ledger import Ledger
    from okd_gitops.check.same_finding import Key


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
    # What does not count: a comment hides it, the commit `base` has it too, or a baseline; and what of the
    # baseline is gone.
    ignored: tuple[Finding, ...] = ()
    base: str = ""
    older: tuple[Finding, ...] = ()
    known: tuple[Finding, ...] = ()
    gone: "tuple[Key, ...]" = ()

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
        return first_code({code, 4}) if self.is_short else code

    @property
    def is_short(self) -> bool:
        """Whether a repository of others was not judged at all, or not whole where it had to be."""
        if self.ledger is None:
            return False

        return not self.documents or (self.must_be_complete and not self.ledger.is_complete)
