"""Judges scripts of the catalog with the real shellcheck."""

import subprocess
import sys
from pathlib import Path

_SHELLCHECK = str(Path(sys.executable).parent / "shellcheck")


def shellchecked(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Return how shellcheck, with these options, ended for a script, and what it printed."""
    command = [_SHELLCHECK, *options, "-"]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=False)
