"""Every way in which a run can end, and its exit code.

A *finding* is a value that a rule or a check returns; an exception here means that the run cannot go on. The codes are part of the
interface: `docs/reference.md` is generated from `EXIT_CODES`.
"""

EXIT_CODES = {
    0: "fine",
    1: "findings: a rule, a build or a schema objects",
    2: "bad input: a file that people write, or the command line, is wrong; nothing was written",
    3: "drift: generated folders differ from what the cluster files say, or hold edits that are not the tool's",
    4: "a tool or a schema is missing or failed; what was not checked never counts as passed",
    5: "an upgrade is blocked",
    6: "the network failed",
    70: "a bug in okd-gitops, with a report to paste",
    130: "interrupted",
}


class OkdGitopsError(Exception):
    """A failure that a user can cause: a reason, and the next command."""

    exit_code = 70

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class UsageError(OkdGitopsError):
    """The command line or the state of the repository does not allow what was asked."""

    exit_code = 2


class ToolError(OkdGitopsError):
    """A tool or schema is missing, was replaced, failed or ran out of time."""

    exit_code = 4
