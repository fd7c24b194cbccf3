"""Which version of okd-gitops a repository needs: an older one would judge or write it by other rules."""

import re

from okd_gitops import __version__
from okd_gitops.finding import Location, refused


def refuse_older_than(version: str, place: Location | str, what: str) -> None:
    """Raise FindingsError (tool-too-old, exit 4) when this tool is older than what `place` asks for.

    `what` are the words before the version: "this fleet requires".
    """
    if version_numbers(version) > version_numbers(__version__):
        reason = f"{what} okd-gitops {version}, and this is {__version__}"
        raise refused("tool-too-old", place, reason, exit_code=4)


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version; a release candidate counts as the release."""
    match = re.match(r"\d{1,9}(\.\d{1,9})*", version)

    return tuple(int(number) for number in match[0].split(".")) if match else ()
