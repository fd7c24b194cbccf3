"""The one place from which git is started: which file that is, what it sees of the environment, and what
its endings mean.

GitPython starts it (its raw `execute` with a list of arguments, and nothing else of it: the rest parses
configuration and URLs by itself).
"""

import os
import re
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from okd_gitops.errors import BusyError, OkdGitopsError, ToolError, UsageError
from okd_gitops.redaction import plain

# RHEL 9 and Ubuntu 22.04 have it; older ones lack options that are used here, and mended holes.
OLDEST = (2, 34)
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
    r"GIT_((AUTHOR|COMMITTER)_(NAME|EMAIL|DATE)|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|CEILING_DIRECTORIES|SSL_CA(INFO|PATH)|DISCOVERY_ACROSS_FILESYSTEM)"
)
# How a pod gives git its password; other keys in the environment are as foreign as those of a repository.
_CREDENTIALS = re.compile(r"credential\.(.+\.)?(helper|usehttppath|username)", re.IGNORECASE)
_LOCK = re.compile(r"Unable to create '(?P<path>[^']+\.lock)': File exists")
_OWNER = re.compile(r"detected dubious ownership in repository at '(?P<path>.+)'")


@dataclass(frozen=True, slots=True)
class Said:
    """What git left: its exit code (negative: ended by that signal) and both outputs."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output without the last line feed."""
        return self.out.decode("utf-8", "surrogateescape").removesuffix("\n")


def run(
    *arguments: str,
    cwd: Path,
    data: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    configured: bool = False,
    seconds: float | None = None,
    sink: Any = None,
) -> Said:
    """Run git in `cwd` with `data` on its standard input, and return whatever it said.

    With `configured` the repository's configuration applies: hooks, filters and signing of the person whose
    clone it is. After `seconds` it is ended. `sink.write` gets its output, when given. Raises ToolError when
    git is missing or too old.
    """
    if not os.access(cwd, os.R_OK | os.X_OK):
        raise UsageError(f"{cwd} is not a folder that can be read", "look at the path and its permissions")
    program = find(cwd)
    _demand(program)
    variables = {} if configured else dict(_LOCAL)
    variables |= _credentials(os.environ) | dict(environment or {})
    options = () if configured else _QUIET
    return _started(
        [program, *options, *arguments], cwd=cwd, data=data, variables=variables, seconds=seconds, sink=sink
    )


def asked(*arguments: str, cwd: Path, **options: Any) -> Said:
    """Run git like `run`, and raise what its failure means."""
    said = run(*arguments, cwd=cwd, **options)
    if said.code:
        raise failure(said, arguments[0])
    return said


def failure(said: Said, what: str) -> OkdGitopsError:
    """Return what a failure of git means when it is none of those that its caller expects."""
    if said.code < 0:
        return BusyError(
            f"git {what} was ended by signal {-said.code}", "run again; if memory is short, free some first"
        )
    lock, owner = _LOCK.search(said.err), _OWNER.search(said.err)
    if lock:
        reason = f"git {what}: {lock['path']} exists: another git works there, or was killed"
        return BusyError(reason, f"when no other git runs there: rm {shlex.quote(lock['path'])}")
    if owner:
        remedy = f"if you trust it: git config --global --add safe.directory {shlex.quote(owner['path'])}"
        return ToolError("this git repository belongs to another user, so git does not read it", remedy)
    if "not a git repository" in said.err:
        return UsageError("this is not a git repository", "git init")
    if "promisor remote" in said.err:
        return UsageError("this clone lacks contents of its history", "git clone without --filter")
    if "No space left on device" in said.err:
        return BusyError(f"git {what}: no space left on the disk", "free some, then run again")
    return ToolError(
        f"git {what} failed: {plain(said.err) or 'no reason given'}",
        "run git fsck, and git status, in this repository",
    )


def find(inside: Path) -> str:
    """Return the absolute path of git; a file of the repository around `inside`, or a relative entry of
    PATH, is never taken.
    """
    here = inside.resolve()
    top = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        file = Path(entry, "git")
        if not file.is_absolute() or not file.is_file() or not os.access(file, os.X_OK):
            continue
        # Neither a file of the repository, nor a link there that leads elsewhere.
        if not any(place.is_relative_to(top) for place in (file.resolve(), file.parent.resolve())):
            return str(file)
    raise ToolError("git is not on PATH", f"install git {OLDEST[0]}.{OLDEST[1]} or newer")


@cache
def _demand(program: str) -> None:
    """Raise ToolError when this git is too old, or none at all."""
    said = _started([program, "version"], cwd=Path("/"), data=None, variables={}, seconds=30, sink=None)
    if said.code < 0:
        raise failure(said, "version")
    match = re.match(r"git version ([0-9]+)\.([0-9]+)", said.text)
    if not match:
        raise ToolError(
            f"{program} does not say which version of git it is",
            f"install git {OLDEST[0]}.{OLDEST[1]} or newer",
        )
    if (int(match[1]), int(match[2])) < OLDEST:
        raise ToolError(
            f"git {match[1]}.{match[2]} is too old", f"install git {OLDEST[0]}.{OLDEST[1]} or newer"
        )


def _started(
    command: list[str],
    *,
    cwd: Path,
    data: bytes | None,
    variables: Mapping[str, str],
    seconds: float | None,
    sink: Any,
) -> Said:
    # GitPython looks for a git of its own when it is imported, by whatever PATH says.
    os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = command[0]
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    from git.cmd import Git
    from git.exc import GitCommandNotFound

    foreign = sorted(
        name
        for name in os.environ
        if name.startswith("GIT_") and not _KEPT.fullmatch(name) and name not in variables
    )
    # GitPython passes its whole environment on, and env(1) is what can take something away; no value appears
    # in `ps`.
    words = ["/usr/bin/env", *(word for name in foreign for word in ("-u", name)), *command]
    with tempfile.TemporaryFile() as file:
        file.write(data or b"")
        file.seek(0)
        try:
            code, out, err = Git(str(cwd)).execute(
                words,
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
            raise ToolError(
                f"git cannot be started: {getattr(error, 'strerror', None) or 'not found'}",
                "look at PATH and its permissions",
            ) from None
    return Said(int(code), out if isinstance(out, bytes) else b"", str(err))


def _credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of GIT_CONFIG_COUNT, GIT_CONFIG_KEY_0 and so on that say where a password is,
    numbered anew.
    """
    count = environment.get("GIT_CONFIG_COUNT", "")
    numbers = range(int(count) if re.fullmatch(r"[0-9]{1,2}", count) else 0)
    pairs = [
        (environment.get(f"GIT_CONFIG_KEY_{n}", ""), environment.get(f"GIT_CONFIG_VALUE_{n}", ""))
        for n in numbers
    ]
    kept = [pair for pair in pairs if _CREDENTIALS.fullmatch(pair[0])]
    found = {"GIT_CONFIG_COUNT": str(len(kept))}
    for number, (key, value) in enumerate(kept):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found
