"""Run the command line: every ending has its exit code, and no traceback reaches a user for what a user can cause."""

import os
import sys

# Nothing in the working folder or in PYTHONPATH stands for a module of ours. os and sys are loaded before either can.
if not sys.flags.isolated:
    _own = os.path.realpath(f"{__file__}/../..")
    _foreign = {os.path.realpath(folder) for folder in (sys.path[0], *os.environ.get("PYTHONPATH", "").split(":"))} - {_own}
    sys.path[:] = [folder for folder in sys.path if os.path.realpath(folder) not in _foreign]

import traceback
from pathlib import Path
from typing import NoReturn

import click

from okd_gitops import __version__
from okd_gitops.cli import cli
from okd_gitops.errors import OkdGitopsError
from okd_gitops.terminal import say, show_error, show_findings


def main() -> NoReturn:
    """Run a command and exit."""
    os.environ["PATH"] = _named_from_the_root(os.environ.get("PATH", os.defpath))
    try:
        cli.main(standalone_mode=False, prog_name="okd-gitops")
        sys.exit(0)
    except click.exceptions.Exit as ending:
        sys.exit(ending.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _interrupted()
    except BrokenPipeError:
        # The reader went away (`| head`): that is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OkdGitopsError as error:
        _fail(error)
    except Exception as error:  # noqa: BLE001 - the one place where anything may arrive: it becomes a report
        _bug(error)


def _named_from_the_root(path: str) -> str:
    """Return PATH without what lies in the working folder: git is never a program of the repository that is worked on."""
    try:
        here = Path.cwd()
    except OSError:
        here = None
    absolute = [Path(folder) for folder in path.split(":") if folder.startswith("/")]
    return ":".join(str(folder) for folder in absolute if here is None or not folder.resolve().is_relative_to(here)) or os.defpath


def _interrupted() -> NoReturn:
    from okd_gitops.process import stop_all

    stop_all()
    click.echo("interrupted; nothing is half-written", err=True)
    sys.exit(130)


def _fail(error: OkdGitopsError) -> NoReturn:
    from okd_gitops.finding import FindingsError, ordered

    if isinstance(error, FindingsError):
        findings = ordered(error.findings)
        show_findings(findings)
        click.echo(f"{len(findings)} {'error' if len(findings) == 1 else 'errors'}; nothing was written", err=True)
    else:
        show_error(error)
    sys.exit(error.exit_code)


def _bug(error: Exception) -> NoReturn:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    say("this is a bug in okd-gitops; please report these lines:", fg="red", bold=True, err=True)
    say(f"  okd-gitops {__version__}, python {sys.version.split()[0]}, {type(error).__name__}: {str(error)[:300]}", err=True)
    for frame in frames:
        click.echo(f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}", err=True)
    sys.exit(70)


if __name__ == "__main__":
    main()
