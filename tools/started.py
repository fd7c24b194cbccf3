"""Programs that set-up starts: found by absolute path, with variables that cannot weaken the checks.

A mirror, a proxy, a certificate or a folder of wheels may be named, since every download is compared with a
hash that is in this repository.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from failure import SetupError

_EVERY = ("HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_PIP = (
    *(
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_NO_INDEX",
        "PIP_FIND_LINKS",
        "PIP_CONFIG_FILE",
        "PIP_CACHE_DIR",
    ),
    *(
        "PIP_CERT",
        "PIP_CLIENT_CERT",
        "PIP_PROXY",
        "PIP_TRUSTED_HOST",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_TIMEOUT",
        "PIP_RETRIES",
    ),
)


def variables(*more: str) -> dict[str, str]:
    """Return what of this environment a program may see: `more` names what concerns it alone."""
    wanted = (*_EVERY, *_PROXIES, *(name.lower() for name in _PROXIES), *more)
    return {"PATH": ":".join(folders()), **{name: os.environ[name] for name in wanted if name in os.environ}}


def folders() -> list[str]:
    """Return the folders of PATH that are named from the root and do not lie in this checkout."""
    checkout = Path(__file__).resolve().parent.parent
    named = [folder for folder in os.environ.get("PATH", os.defpath).split(":") if folder.startswith("/")]
    return [folder for folder in named if not Path(os.path.realpath(folder)).is_relative_to(checkout)]


def program(name: str) -> str | None:
    """Return the absolute path of a program on PATH, or None; the working folder is never looked at."""
    candidates = (Path(folder, name) for folder in folders())
    return next((str(path) for path in candidates if path.is_file() and os.access(path, os.X_OK)), None)


def run(
    doing: str, command: Sequence[str], environment: Mapping[str, str], *, cwd: Path, seconds: float = 1800
) -> str:
    """Run a program and return what it prints.

    Raises SetupError with its last words when it fails, or when it takes more than `seconds`.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SetupError(f"{doing} took more than {seconds:.0f} s") from None
    except OSError as error:
        raise SetupError.of(error) from None
    if done.returncode:
        raise SetupError.told(f"{doing} failed: ", done.stderr + done.stdout)
    return done.stdout


def install(lock: Path, python: Path, *options: str) -> None:
    """Install the wheels of a lock file for a Python, each compared with its hash; raises SetupError."""
    # What must hold stands on the command line, where no variable and no pip.conf takes it back. Bytecode is
    # written when it is first needed.
    always = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--no-compile",
        "--no-input",
        "--no-warn-script-location",
    ]
    pip = [str(python), "-I", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    run(
        f"installing {lock.name}",
        [*pip, *always, *options, "-r", str(lock)],
        variables(*_PIP),
        cwd=lock.parent,
    )
