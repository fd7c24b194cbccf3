"""Run the command line: every ending has its exit code, and no traceback reaches a user for what a user
can cause.
"""

import os
import sys

# Nothing in the working folder or in PYTHONPATH stands for a module of ours. os and sys are loaded before
# either can.
if not sys.flags.isolated:
    _own = os.path.realpath(f"{__file__}/../..")
    _foreign = {
        os.path.realpath(folder) for folder in (sys.path[0], *os.environ.get("PYTHONPATH", "").split(":"))
    } - {_own}
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) not in _foreign]

from typing import TYPE_CHECKING, NoReturn

from okd_gitops.cli.endings import EndedError, OutputError, end_by_signals, end_children, leave, open_streams

if TYPE_CHECKING:
    from okd_gitops.errors import OkdGitopsError


def main() -> NoReturn:
    """Run a command and exit."""
    try:
        # Before anything that takes time to import: a signal can come at any moment.
        end_by_signals()
        if not open_streams():
            sys.stderr.write(
                "error: standard output is closed: nobody would see the result\n  fix: give it a file or /dev/null\n"
            )
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

    from okd_gitops.cli.main import cli
    from okd_gitops.errors import OkdGitopsError

    os.environ["PATH"] = _named_from_the_root(os.environ.get("PATH", os.defpath))
    try:
        cli.main(standalone_mode=False, prog_name="okd-gitops")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 0
    except click.exceptions.Exit as ending:
        return int(ending.exit_code)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return _ended(EndedError(2))
    except OkdGitopsError as error:
        return _fail(error)
    except (EndedError, OutputError):
        raise
    except Exception as error:  # noqa: BLE001 - the one place where anything may arrive: it becomes a sentence or a report
        return _fail_of_machine(error) or _bug(error)
    return 0


def _named_from_the_root(path: str) -> str:
    """Return PATH without what lies in the working folder: git is never a program of the repository that
    is worked on.
    """
    from pathlib import Path

    try:
        here: Path | None = Path.cwd()
    except OSError:
        here = None
    absolute = [Path(folder) for folder in path.split(":") if folder.startswith("/")]
    return (
        ":".join(
            str(folder) for folder in absolute if here is None or not folder.resolve().is_relative_to(here)
        )
        or os.defpath
    )


def _ended(ending: EndedError) -> int:
    end_children()
    if ending.exit_code != 141:
        sys.stderr.write("interrupted; nothing is half-written\n")
    return ending.exit_code


def _fail_of_machine(error: Exception) -> int:
    """Print what the machine or the input made of a run, and return its exit code; 0 when it is none of
    that.
    """
    import errno

    from okd_gitops.errors import BusyError, OkdGitopsError, ToolError, UsageError

    busy = (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EBUSY,
        errno.ETXTBSY,
    )
    reason = f"{getattr(error, 'strerror', None) or error}: {getattr(error, 'filename', None) or 'no file is named'}"
    found: OkdGitopsError | None = None
    if isinstance(error, RecursionError):
        found = UsageError(
            "something in the input is nested too deeply", "look at the newest of the files that people write"
        )
    elif isinstance(error, MemoryError):
        found = ToolError("the memory is used up", "give it more, or fewer clusters at once")
    elif isinstance(error, OSError) and error.errno in busy:
        found = BusyError(reason, "look at the free space and the permissions, then run again")
    elif isinstance(error, OSError):
        found = ToolError(
            reason, "look at the folder, the temporary folder and the limits of this machine, then run again"
        )
    return _fail(found) if found else 0


def _fail(error: "OkdGitopsError") -> int:
    import click

    from okd_gitops.cli.output import show_error, show_findings
    from okd_gitops.finding import FindingsError, ordered

    if isinstance(error, FindingsError):
        findings = ordered(error.findings)
        show_findings(findings)
        click.echo(
            f"{len(findings)} {'error' if len(findings) == 1 else 'errors'}; nothing was written", err=True
        )
    else:
        show_error(error)
    return error.exit_code


def _bug(error: Exception) -> int:
    import traceback
    from pathlib import Path

    import click

    from okd_gitops import __version__
    from okd_gitops.cli.output import echo
    from okd_gitops.redaction import redacted

    frames = traceback.extract_tb(error.__traceback__)[-6:]
    echo("this is a bug in okd-gitops; please report these lines:", fg="red", bold=True, err=True)
    echo(
        f"  okd-gitops {__version__}, python {sys.version.split()[0]}, {type(error).__name__}: {redacted(str(error))[:300]}",
        err=True,
    )
    for frame in frames:
        click.echo(f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}", err=True)
    return 70


if __name__ == "__main__":
    main()
