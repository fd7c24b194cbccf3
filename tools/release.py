"""Build the wheel and the source archive of a release, and show that they are right.

Both are built twice and must be the same bytes; the wheel must start a fleet in an empty environment. They
are put into dist/ with their hashes.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from failure import SetupError
from progress import progress
from started import install, program, run, variables

ROOT = Path(__file__).resolve().parent.parent
# Both by the build backend itself: nothing is downloaded, and no other tool decides what goes in.
_BUILD = (
    "import sys, hatchling.build as build; build.build_wheel(sys.argv[1]); build.build_sdist(sys.argv[1])"
)


def build(cache: Path) -> None:
    """Build, compare, try, and put what is right into dist/, with a line for each file; raises SetupError."""
    with tempfile.TemporaryDirectory(dir=cache, prefix="release-") as folder:
        hashes = release(Path(folder))

    for name, digest in sorted(hashes.items()):
        print(f"{digest}  dist/{name}")


def release(folder: Path) -> dict[str, str]:
    """Build in a folder, check, and copy to dist/; return the SHA-256 of each file by name."""
    with progress("building twice"):
        once, again = (_built(folder / name) for name in ("once", "again"))

    if once != again:
        differing = ", ".join(sorted({name for name, _ in once.items() ^ again.items()}))
        raise SetupError(
            f"two builds of the same files differ: {differing}", "look for times and paths in it"
        )

    with progress("starting a fleet with the wheel in an empty environment"):
        _try(folder, next((folder / "once").glob("*.whl")))

    shutil.copytree(folder / "once", ROOT / "dist", dirs_exist_ok=True)

    return once


def _built(folder: Path) -> dict[str, str]:
    """Build both into a folder, and return the SHA-256 of each by name."""
    folder.mkdir()
    git = program("git") or "git"
    epoch = run("git log", [git, "log", "-1", "--format=%ct"], variables(), cwd=ROOT, seconds=60).strip()
    environment = {**variables(), "SOURCE_DATE_EPOCH": epoch}
    run("the build", [sys.executable, "-I", "-c", _BUILD, str(folder)], environment, cwd=ROOT)

    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def _try(folder: Path, wheel: Path) -> None:
    """Install the wheel beside exactly what is locked, and start a fleet with it; raises SetupError."""
    python, fleet = folder / "venv/bin/python", folder / "fleet"
    fleet.mkdir()
    run(
        "the environment", [sys.executable, "-I", "-m", "venv", str(folder / "venv")], variables(), cwd=folder
    )
    install(ROOT / "requirements/generate.txt", python)
    pip = [str(python), "-I", "-m", "pip", "--quiet", "install", "--no-index", "--no-deps", str(wheel)]
    run("installing the wheel", pip, variables(), cwd=folder)

    # The folder lies in this checkout, and is a repository of its own all the same.
    environment = {**variables(), "GIT_CEILING_DIRECTORIES": str(folder)}
    start = ("init", "--forge", "github", "--repository", "https://github.com/okd-project/fleet.git")

    for arguments in (("--version",), start, ("generate", "--check")):
        command = [str(folder / "venv/bin/okd-gitops"), *arguments]
        run(f"okd-gitops {arguments[0]}", command, environment, cwd=fleet, seconds=300)
