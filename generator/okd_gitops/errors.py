"""Every way in which a run can end, and its exit code.

A *finding* is a value that a rule or a check returns; an exception here means that the run cannot go on. The
codes are part of the interface: `docs/reference.md` is generated from `EXIT_CODES`.
"""

from collections.abc import Collection

EXIT_CODES = {
    0: "success",
    1: "findings: a rule, a build, a schema or a refused change",
    2: "bad input: a file that people write, or the command line, is wrong; nothing was written",
    3: "generated files are out of date, or were edited by hand",
    4: "a tool or a schema is missing or failed, or nothing was checked",
    5: "an upgrade that was requested by name is blocked",
    6: "a remote cannot be reached: try again later",
    7: "the lock, the disk or another run is in the way: nothing was changed; try again",
    8: "a remote refused: do not try again",
    70: "a bug in okd-gitops: please report it",
    129: "ended by SIGHUP",
    130: "ended by SIGINT (Ctrl-C)",
    141: "ended by SIGPIPE: the reader of the output went away",
    143: "ended by SIGTERM",
}
# Of several endings of one run, the first of these is its exit code.
PRECEDENCE = (70, 2, 4, 8, 6, 7, 5, 1, 3)


def first_code(codes: Collection[int]) -> int:
    """Return the exit code of a run with several endings: the one that takes precedence, 0 without any."""
    return next((code for code in PRECEDENCE if code in codes), 0)


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


class BusyError(OkdGitopsError):
    """The lock, the disk or another run's push is in the way: nothing changed, and the same command may
    work later.
    """

    exit_code = 7


class RemoteError(OkdGitopsError):
    """A remote cannot be reached."""

    exit_code = 6


class RefusedByRemoteError(OkdGitopsError):
    """A remote was reached and refused: trying again changes nothing."""

    exit_code = 8
