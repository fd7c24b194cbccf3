"""The Python environment under the cache, made from a lock file with hashes.

It is made aside, and known to be whole by what is written in it last.
It is used as `venv/bin/python -I -m NAME` only. The scripts beside that name the folder in which they were
installed, which is another one by then.
"""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

from aside import aside
from failure import SetupError
from progress import progress
from started import install, run, variables

# Each lock file holds all of the one before: who may run the tests has nothing left to install when they run
# `make generate`.
LEVELS = ("generate", "check", "dev", "deep")
STAMP = "complete.json"
_VERSION = "import sys; print(sys.version_info[:3])"
_NO_PIP = "this Python cannot make environments: it has no module {}"


def set_up(cache: Path, requirements: Path, level: str) -> None:
    """Make sure that the environment holds what `level` needs, from today's lock file; raises SetupError."""
    # A wheel holds the lock files of its own levels alone.
    files = {name: requirements / f"{name}.txt" for name in LEVELS}
    locks = {name: _digest(file) for name, file in files.items() if file.is_file()}
    found = installed(cache / "venv", locks)
    if found and LEVELS.index(found) >= LEVELS.index(level):
        return
    _can_make_environments()
    with progress(f"setting up Python packages for {level} (once)"), aside(cache, "venv") as folder:
        if found:
            # A link to each file costs neither time nor disk. pip writes new files in place of those that it
            # changes.
            shutil.copytree(cache / "venv", folder, symlinks=True, copy_function=_link, dirs_exist_ok=True)
            (folder / STAMP).unlink()
        else:
            run(
                "making the environment",
                [sys.executable, "-I", "-m", "venv", str(folder)],
                variables(),
                cwd=cache,
            )
        install(requirements / f"{level}.txt", folder / "bin" / "python")
        stamp = {"level": level, "lock": locks[level], "python": _version(folder)}
        (folder / STAMP).write_text(json.dumps(stamp), "utf-8")


def installed(venv: Path, locks: dict[str, str]) -> str | None:
    """Return the level that an environment was made for; None unless it is whole and up to date.

    It is up to date when it was made from these locks, and its Python is still the same.
    """
    try:
        stamp = json.loads((venv / STAMP).read_text("utf-8"))
        level = str(stamp["level"])
        whole = locks.get(level) == stamp["lock"] and _version(venv) == stamp["python"]
    except (OSError, ValueError, KeyError, TypeError, SetupError):
        return None
    return level if whole else None


def _version(venv: Path) -> str:
    command = [str(venv / "bin" / "python"), "-I", "-S", "-c", _VERSION]
    return run("the environment's Python", command, variables(), cwd=venv, seconds=60).strip()


def _can_make_environments() -> None:
    for module in ("venv", "ensurepip"):
        try:
            __import__(module)
        except ImportError:
            raise SetupError(_NO_PIP.format(module), "apt-get install python3-venv, or the like") from None


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
