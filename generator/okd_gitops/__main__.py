"""Run the command line: every ending has its exit code, and no user error shows a traceback."""

import os
import sys

# Nothing in the working folder or in PYTHONPATH stands for a module of ours. os and sys are loaded before
# either can.
if not sys.flags.isolated:
    _own = os.path.realpath(f"{__file__}/../..")
    _folders = (sys.path[0], *os.environ.get("PYTHONPATH", "").split(":"))
    _foreign = {os.path.realpath(folder) for folder in _folders} - {_own}
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) not in _foreign]

import errno
from typing import TYPE_CHECKING, NoReturn

from okd_gitops.cli.endings import EndedError, OutputError, end_by_signals, end_children, leave, open_streams

if TYPE_CHECKING:
    from click import ClickException

    from okd_gitops.errors import OkdGitopsError


# After these errors of the system, the same command may work later.
_MAY_WORK_LATER = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EBUSY,
    errno.ETXTBSY,
)


def main() -> NoReturn:
    """Run a command and exit."""
    try:
        # Before anything that takes time to import: a signal can come at any moment.
        end_by_signals()

        if not open_streams():
            sys.stderr.write("error: standard output is closed, so the result cannot be shown\n")
            sys.stderr.write("  fix: give it a file or /dev/null\n")
            leave(7)

        code = _run()
    except EndedError as ending:
        code = _ended(ending)
    except OutputError as error:
        sys.stderr.write(f"error: {error}\n  fix: free some space, or give it another file\n")
        code = 7

    leave(code)


def _run() -> int:
    """Run the command line and return the exit code."""
    import click

    from okd_gitops.cli import no_plugins
    from okd_gitops.cli.main import cli
    from okd_gitops.errors import OkdGitopsError

    os.environ["PATH"] = _safe_search_path(os.environ.get("PATH", os.defpath))
    # The variable is pydantic's own switch, and would still load all that it searches with.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    sys.modules["pydantic.plugin._loader"] = no_plugins

    try:
        cli.main(standalone_mode=False, prog_name="okd-gitops")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0
    except click.exceptions.Exit as ending:
        return int(ending.exit_code)
    except click.ClickException as error:
        return _refuse_command_line(error)
    except (click.Abort, KeyboardInterrupt):
        return _ended(EndedError(2))
    except OkdGitopsError as error:
        return _fail(error)
    except (EndedError, OutputError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place where anything may arrive
        if behind := _ending_behind(error):
            return _ended(behind)

        failure = _failure_of_machine(error)
        return _fail(failure) if failure else _report_bug(error)

    return 0


def _safe_search_path(search_path: str) -> str:
    """Return PATH without relative folders and those in the working folder, which must not lend git."""
    from pathlib import Path

    from okd_gitops.system.search_path import program_folders

    try:
        working_folder: Path | None = Path.cwd()
    except OSError:
        working_folder = None

    folders = program_folders(search_path, outside=working_folder)
    return ":".join(map(str, folders)) or os.defpath


def _ending_behind(error: BaseException) -> EndedError | None:
    """Return the signal behind an error: before Python 3.12, one while a class is made is a RuntimeError."""
    cause = error.__cause__

    while cause and not isinstance(cause, EndedError):
        cause = cause.__cause__

    return cause if isinstance(cause, EndedError) else None


def _ended(ending: EndedError) -> int:
    end_children()

    if ending.exit_code != 141:
        sys.stderr.write("interrupted; nothing is half-written\n")

    return ending.exit_code


def _failure_of_machine(error: Exception) -> "OkdGitopsError | None":
    """Return the failure that the machine or the input caused; None for a bug of okd-gitops."""
    from okd_gitops.errors import BusyError, ToolError, UsageError

    if isinstance(error, RecursionError):
        return UsageError("an input file is nested too deeply", "look at the files that changed last")

    if isinstance(error, MemoryError):
        return ToolError("memory is exhausted", "add memory, or select fewer clusters")

    if not isinstance(error, OSError):
        return None

    reason = f"{error.strerror or error}: {error.filename or 'unknown file'}"

    if error.errno in _MAY_WORK_LATER:
        return BusyError(reason, "check the free space and the permissions, then run again")

    remedy = "check the folder, the temporary folder and the limits of this machine, then run again"

    return ToolError(reason, remedy)


def _refuse_command_line(error: "ClickException") -> int:
    """Tell what is wrong with the command line, also as JSON where that was asked for."""
    from okd_gitops.cli.output import print_failure
    from okd_gitops.errors import UsageError

    print_failure(UsageError(error.format_message(), "see --help"))
    error.show()

    return UsageError.exit_code


def _fail(error: "OkdGitopsError") -> int:
    import click

    from okd_gitops.cli.output import print_failure, settings, show_error, show_findings
    from okd_gitops.finding import FindingsError, ordered

    print_failure(error)

    if not isinstance(error, FindingsError):
        show_error(error)
        return error.exit_code

    findings = ordered(error.findings)
    show_findings(findings)
    noun = "error" if len(findings) == 1 else "errors"
    click.echo(f"{len(findings)} {noun}{'; nothing was written' if settings.writes else ''}", err=True)

    return error.exit_code


def _report_bug(error: Exception) -> int:
    import traceback
    from pathlib import Path

    import click

    from okd_gitops import __version__
    from okd_gitops.cli.output import echo
    from okd_gitops.redaction import redacted

    python = sys.version.split()[0]
    reason = f"{type(error).__name__}: {redacted(str(error))[:300]}"
    echo("this is a bug in okd-gitops; please report these lines:", fg="red", bold=True, err=True)
    echo(f"  okd-gitops {__version__}, python {python}, {reason}", err=True)

    for frame in traceback.extract_tb(error.__traceback__)[-6:]:
        click.echo(f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}", err=True)

    return 70


if __name__ == "__main__":
    main()
