"""requirements.txt of a fleet: the okd-gitops that judges it, and every package of it, each by its hash.

No index has okd-gitops. So its wheel lies in the repository, unless an address serves it.
"""

import re
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.errors import UsageError
from okd_gitops.system.own_wheel import own_wheel
from okd_gitops.system.wheel import own_lock, read_wheel, wheel_version

# Where the wheel lies in the repository.
FOLDER = "tool"
REQUIREMENTS = "requirements.txt"
_HEAD = """\
# The okd-gitops that this fleet is written and judged with, and every package that it uses, each by its hash:
#     pip install --require-hashes --requirement requirements.txt
# CI judges a change by the copy of its base. `okd-gitops tool-update FILE.whl --write` writes a newer one.
"""
_ADDRESS = re.compile(r"(?P<url>https://[^\s#@?]+/(?P<name>[^\s/#@?]+\.whl))#sha256=(?P<sha256>[0-9a-f]{64})")


def pinned_tool(named: str = "") -> dict[str, bytes]:
    """Return requirements.txt by its path and, if `named` is a file, the wheel by the path that it names.

    `named` is the file of a wheel, or its address with `#sha256=…`; empty: the wheel from which the tool
    that runs was installed. Raises UsageError where none is known, or it is no okd-gitops.
    """
    named = named or own_wheel()

    if not named:
        raise UsageError(
            "nothing tells which okd-gitops CI must install: this one was not installed from a wheel",
            "add --wheel FILE.whl, or --wheel https://…/FILE.whl#sha256=…; make release builds one",
        )

    if "://" in named:
        return {REQUIREMENTS: _of_address(named).encode()}

    wheel = read_wheel(Path(named))
    path = f"{FOLDER}/{wheel.name}"

    return {REQUIREMENTS: _text(f"./{path}", wheel.sha256, wheel.lock).encode(), path: wheel.data}


def is_pinned(requirements: bytes) -> bool:
    """Whether a requirements.txt is one that `pinned_tool` has written."""
    return requirements.startswith(_HEAD.encode())


def _of_address(named: str) -> str:
    match = _ADDRESS.fullmatch(named)

    if match is None:
        remedy = "write it like https://host/okd_gitops-0.1.0-py3-none-any.whl#sha256=…"
        raise UsageError("this is not the address of a wheel with its hash", remedy)

    version = wheel_version(match["name"])

    if version != __version__:
        raise UsageError(
            f"this is okd-gitops {__version__}, and does not know the packages of {version}",
            "install that wheel, then run the same again",
        )

    return _text(f"okd-gitops @ {match['url']}", match["sha256"], own_lock())


def _text(requirement: str, sha256: str, lock: str) -> str:
    return f"{_HEAD}{requirement} \\\n    --hash=sha256:{sha256}\n{lock}"
