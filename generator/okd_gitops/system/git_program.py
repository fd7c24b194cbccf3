"""The one place from which git is started: its file, its environment, and what its failures mean.

GitPython starts it (its raw `execute` with a list of arguments, and nothing else of it: the rest parses
configuration and URLs by itself).
"""

import os
import re
import shlex
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from okd_gitops.errors import BusyError, OkdGitopsError, ToolError, UsageError
from okd_gitops.redaction import plain
from okd_gitops.system.process import Completed
from okd_gitops.system.search_path import program_outside

# RHEL 9 and Ubuntu 22.04 have it; older ones lack options that are used here, and fixes of security holes.
OLDEST = (2, 34)
_INSTALL = f"install git {OLDEST[0]}.{OLDEST[1]} or newer"
# Nothing that a repository's configuration names is run, and nothing is fetched on demand from a remote that
# it names.
_QUIET = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "--no-pager",
)
_LOCAL = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_ASKPASS": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
# Who commits, where a person's own configuration is, and which authorities are trusted. All else would point
# git at something else.
_KEPT = re.compile(
    r"GIT_("
    r"(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)"
    r"|CEILING_DIRECTORIES|SSL_CA(INFO|PATH)|DISCOVERY_ACROSS_FILESYSTEM"
    r")"
)
# How a pod gives git its password; other keys in the environment are as foreign as those of a repository.
_CREDENTIALS = re.compile(r"credential\.(.+\.)?(helper|usehttppath|username)", re.IGNORECASE)
_LOCK = re.compile(r"Unable to create '(?P<path>[^']+\.lock)': File exists")
_OWNER = re.compile(r"detected dubious ownership in repository at '(?P<path>.+)'")


def run(
    *arguments: str,
    cwd: Path,
    data: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    configured: bool = False,
    seconds: float | None = None,
    sink: Any = None,
) -> Completed:
    """Run git in `cwd` with `data` on its standard input, and return its result, whatever that is.

    With `configured` the repository's configuration applies: hooks, filters and signing of the person whose
    clone it is. After `seconds` it is ended. `sink.write` gets its output, when given. Raises ToolError when
    git is missing or too old, UsageError when `cwd` cannot be read.
    """
    if not os.access(cwd, os.R_OK | os.X_OK):
        raise UsageError(f"{cwd} is not a folder that can be read", "look at the path and its permissions")

    program = find(cwd)
    _refuse_old(program)

    variables = {} if configured else dict(_LOCAL)
    variables |= _credentials(os.environ) | dict(environment or {})
    options = () if configured else _QUIET
    command = [program, *options, *arguments]

    return _started(command, cwd=cwd, data=data, variables=variables, seconds=seconds, sink=sink)


def must_run(*arguments: str, cwd: Path, **options: Any) -> Completed:
    """Run git like `run`, and raise the error of its failure."""
    result = run(*arguments, cwd=cwd, **options)
    if result.code:
        raise failure(result, arguments[0])
    return result


def failure(result: Completed, command: str) -> OkdGitopsError:
    """Return the error for a failure of a git command that its caller does not expect."""
    if result.code < 0:
        reason = f"git {command} was ended by signal {-result.code}"
        return BusyError(reason, "run again; if memory is short, free some first")

    if lock := _LOCK.search(result.err):
        reason = f"git {command}: {lock['path']} exists: another git works there, or was killed"
        return BusyError(reason, f"when no other git runs there: rm {shlex.quote(lock['path'])}")

    if owner := _OWNER.search(result.err):
        remedy = f"if you trust it: git config --global --add safe.directory {shlex.quote(owner['path'])}"
        return ToolError("this git repository belongs to another user, so git does not read it", remedy)

    if "not a git repository" in result.err:
        return UsageError("this is not a git repository", "git init")
    if "promisor remote" in result.err:
        return UsageError("this clone lacks contents of its history", "git clone without --filter")
    if "No space left on device" in result.err:
        return BusyError(f"git {command}: no space left on the disk", "free some, then run again")

    reason = f"git {command} failed: {plain(result.err) or 'no reason given'}"
    return ToolError(reason, "run git fsck, and git status, in this repository")


def find(inside: Path) -> str:
    """Return the absolute path of git, which is never a file of the repository around `inside`."""
    here = inside.resolve()
    top = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)

    program = program_outside("git", top)

    if not program:
        raise ToolError("git is not on PATH", _INSTALL)

    return program


@cache
def _refuse_old(program: str) -> None:
    """Raise ToolError when this git is too old, or is not git."""
    result = _started([program, "version"], cwd=Path("/"), data=None, variables={}, seconds=30, sink=None)
    if result.code < 0:
        raise failure(result, "version")

    version = re.match(r"git version ([0-9]+)\.([0-9]+)", result.text)
    if not version:
        raise ToolError(f"{program} does not say which version of git it is", _INSTALL)
    if (int(version[1]), int(version[2])) < OLDEST:
        raise ToolError(f"git {version[1]}.{version[2]} is too old", _INSTALL)


def _started(
    command: list[str],
    *,
    cwd: Path,
    data: bytes | None,
    variables: Mapping[str, str],
    seconds: float | None,
    sink: Any,
) -> Completed:
    # GitPython looks for a git of its own when it is imported, by whatever PATH says.
    os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = command[0]
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    from git.cmd import Git
    from git.exc import GitCommandNotFound

    with tempfile.TemporaryFile() as file:
        file.write(data or b"")
        file.seek(0)

        try:
            code, out, err = Git(str(cwd)).execute(
                [*_without_foreign_variables(variables), *command],
                istream=file,
                env=dict(variables),
                with_exceptions=False,
                with_extended_output=True,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                kill_after_timeout=seconds,
                output_stream=sink,
            )
        except (GitCommandNotFound, OSError) as error:
            reason = f"git cannot be started: {getattr(error, 'strerror', None) or 'not found'}"
            raise ToolError(reason, "look at PATH and its permissions") from None

    return Completed(int(code), out if isinstance(out, bytes) else b"", str(err))


def _without_foreign_variables(variables: Mapping[str, str]) -> list[str]:
    """Return the words before a command that take from it what would point git at something else."""
    # GitPython passes its whole environment on, and env(1) is what can take something away; no value appears
    # in `ps`.
    words = ["/usr/bin/env"]

    for name in sorted(os.environ):
        if name.startswith("GIT_") and name not in variables and not _KEPT.fullmatch(name):
            words += ["-u", name]

    return words


def _credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return those of GIT_CONFIG_COUNT, GIT_CONFIG_KEY_0 and so on that name credentials, renumbered."""
    count_text = environment.get("GIT_CONFIG_COUNT", "")
    count = int(count_text) if re.fullmatch(r"[0-9]{1,2}", count_text) else 0

    credentials: dict[str, str] = {}
    kept = 0
    for number in range(count):
        key = environment.get(f"GIT_CONFIG_KEY_{number}", "")
        if _CREDENTIALS.fullmatch(key):
            credentials[f"GIT_CONFIG_KEY_{kept}"] = key
            credentials[f"GIT_CONFIG_VALUE_{kept}"] = environment.get(f"GIT_CONFIG_VALUE_{number}", "")
            kept += 1

    return {"GIT_CONFIG_COUNT": str(kept), **credentials}
