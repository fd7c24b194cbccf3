"""What the token of the bot may push: a bare repository behind HTTP whose hook protects all branches but the
bot's own, as the protected branches of a forge do.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from conftest import git
from git_server import serving
from okd_gitops.errors import OkdGitopsError
from okd_gitops.evidence.write_records import write_records
from okd_gitops.system import branches
from release_fleet import PUSH, Fleet, offered_new

TOKEN = "token-of-the-bot"
# git-http-backend(1) tells the hook who has pushed. `okd/` and `records` are what docs/upgrades.md gives to
# the bot.
HOOK = """\
#!/bin/sh
case "$REMOTE_USER $1" in
  "x-access-token refs/heads/okd/"* | "x-access-token refs/heads/records") exit 0 ;;
  "x-access-token "*) echo "protected branch: $1 changes by merged pull requests alone" >&2; exit 1 ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Push:
    """What became of a push by the tool: its exit code, and what it said."""

    branch: str
    code: int
    said: str


@contextmanager
def protected(folder: Path) -> Iterator[tuple[Fleet, str]]:
    """Serve a fleet that has a new release; yield it, and the address at which the bot pushes."""
    with offered_new(folder) as fleet, serving(fleet.remote, TOKEN) as server:
        hook = fleet.remote / "hooks/update"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        yield fleet, server.url


def credentials(folder: Path) -> Mapping[str, str]:
    """Return the variables with which a pod gives git the token of the bot."""
    secret = folder / "token"
    secret.write_text(TOKEN)
    helper = f"!f() {{ echo username=x-access-token; echo password=$(cat '{secret}'); }}; f"
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": helper,
    }


def pushes(folder: Path) -> list[Push]:
    """Let the tool make the branch of a wave, and push it with the bot's token to its own branch, to
    `records`, and to branches of others.
    """
    with protected(folder) as (fleet, url):
        wave = fleet.run(PUSH).branches[0]
        git(fleet.root, "push", "-q", "--delete", "origin", wave.name)
        os.environ.update(credentials(folder))

        def push(branch: str) -> None:
            branches.push(fleet.root, url, wave.sha, branch, None)

        def write_record() -> None:
            write_records(fleet.root, url, "Write a record", lambda _: {"note.txt": b"by the bot\n"})

        written = _tried("records", write_record)
        return [written, *(_tried(name, partial(push, name)) for name in (wave.name, "main", "release-4.22"))]


def _tried(branch: str, push: Callable[[], None]) -> Push:
    try:
        push()
    except OkdGitopsError as error:
        return Push(branch, error.exit_code, f"{error.reason}; fix: {error.remedy}")
    return Push(branch, 0, "pushed")


def lines(folder: Path) -> list[str]:
    """Return a line for each push; REFUSED where the token may push more or less than it must."""
    return [line(push) for push in pushes(folder)]


def line(push: Push) -> str:
    """Say whether a push ended as it must."""
    is_own = push.branch == "records" or push.branch.startswith("okd/")
    fault = "" if push.code == (0 if is_own else 8) else "REFUSED "
    return f"{fault}T08 the bot pushes {push.branch}: exit {push.code}, {push.said}"
