"""What a reviewer can do besides merging: hold the change, undo it, repeat what was judged."""

from collections.abc import Iterable

from okd_gitops.redaction import one_line, printable
from okd_gitops.report.markdown import Block, fence

_LONGEST_COMMAND = 300
REBOOT = "Each node of a cluster that gets another release is drained and restarts, one pool at a time.\n\n"
HOLD = (
    "### Hold\n\n"
    "Not now? Leave the pull request open. To hold one cluster, write the reason in `clusters/NAME.yaml` as "
    '`upgrades: {hold: "…"}`; to hold the whole fleet, in `fleet.yaml` as `releases: {freeze: "…"}`. '
    "Neither stops an update that a cluster has already begun.\n\n"
)
UNDO = "### Undo\n\n**Before the merge:** close this pull request. Nothing has happened on any cluster.\n\n"
UNDO_RELEASE = (
    "**After the merge: OKD cannot be downgraded.** A revert stops only clusters that have not started yet; "
    "it brings no other one back, and leaves Git with a release that these clusters do not run. Go forward, "
    "to a release that fixes the fault: `okd-gitops release plan`.\n\n"
)
UNDO_OBJECTS = (
    "**Other objects:** `git revert` brings removed ones back as Git has them, and takes added ones away. "
    "What a removed Namespace or volume contained is lost.\n\n"
)


def undo_words(*, releases: bool, objects: bool) -> str:
    """Return how to undo a change of releases, of other objects, or both."""
    return UNDO + (UNDO_RELEASE if releases else "") + (UNDO_OBJECTS if objects else "")


def commands_block(commands: Iterable[str]) -> Block:
    """Return the commands by which a reader sees it without this text."""
    # Cut, because the fence around them is longer than any run of ticks in them.
    lines = [f"{printable(one_line(command, _LONGEST_COMMAND))}\n" for command in commands]
    ticks = fence("".join(lines))

    return Block("commands", f"### See it yourself\n\n{ticks}sh\n", lines, f"{ticks}\n", share=0.3)
