"""Whether CI can install what requirements.txt names in tool/: otherwise every later change stops there."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from okd_gitops.finding import Finding, finding_of
from okd_gitops.system.disk import MAX_WHEEL, scan_tree

_REQUIREMENTS = "requirements.txt"
_FOLDER = "tool"
# As pip reads it: a path, then its hash, with or without a new line between.
_NAMED = re.compile(
    rf"^\./(?P<path>{_FOLDER}/[^\s\\]+)(?:[ \t]|\\\n)+--hash=sha256:(?P<sha256>[0-9a-f]{{64}})", re.MULTILINE
)


def named_wheel_findings(root: Path) -> Iterator[Finding]:
    """Yield an error for each wheel of a fleet's requirements.txt that is not there, or not the one."""
    requirements = scan_tree(root, _REQUIREMENTS)[0].get(_REQUIREMENTS, b"").decode(errors="replace")

    for named in _NAMED.finditer(requirements):
        path = named["path"]
        wheel = scan_tree(root, path, max_file=MAX_WHEEL)[0].get(path)

        if wheel is None:
            yield finding_of("named-wheel", _REQUIREMENTS, f"{path} is not there, or cannot be read")
        elif (found := sha256(wheel).hexdigest()) != named["sha256"]:
            reason = f"{path} has SHA-256 {found[:12]}…, and {_REQUIREMENTS} names {named['sha256'][:12]}…"
            yield finding_of("named-wheel", path, reason)
