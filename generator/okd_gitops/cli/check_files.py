"""What check writes beside its own output: SARIF, a report of code quality, and annotations in a log."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from okd_gitops.cli.check_folder import Wanted
    from okd_gitops.finding import Finding


def write_for_forges(
    findings: "Iterable[Finding]", wanted: "Wanted", exit_code: int, failure: str, *, of_others: bool = False
) -> None:
    """Write findings in the forms of forges that were asked for; `failure` says why a check judged less.

    Files are named as seen from the working folder, where a FOLDER below it was checked. Raises UsageError
    for a file that cannot be written.
    """
    if not (wanted.sarif or wanted.github or wanted.code_quality):
        return

    from okd_gitops import __version__
    from okd_gitops.report.annotations import below, code_quality, github
    from okd_gitops.report.sarif import sarif

    named = list(below(findings, _from_here(wanted.folder)))
    if wanted.sarif:
        text = sarif(named, __version__, exit_code=exit_code, failure=failure, of_others=of_others)
        _write(wanted.sarif, text)
    if wanted.code_quality:
        _write(wanted.code_quality, code_quality(named))
    if wanted.github:
        # Standard output may be JSON; GitHub reads both.
        for line in github(named):
            click.echo(line, err=True)


def _from_here(folder: Path | None) -> str:
    if folder is None:
        return ""

    path = os.path.relpath(folder.resolve(), Path.cwd())
    return "" if path.startswith("..") else path


def _write(file: Path, text: str) -> None:
    from okd_gitops.errors import UsageError
    from okd_gitops.system.disk import write_whole

    try:
        write_whole(file, text.encode())
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", "name another file") from None
