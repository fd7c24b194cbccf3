"""S01: a token that a person or a pod has is nowhere in what the tool prints, writes, commits or runs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import git_server
import release_controller
from conftest import CACHE, ROOT, git
from okd_gitops.generate.generate import generate
from release_fleet import NEW, OLD, Fleet, wave

HIDDEN = "CANARY-7f3a9c"
UPDATE = ("release", "update", "--push", "--open")


@dataclass(frozen=True)
class Bench:
    """A fleet whose remote asks for a password, and a person whose tokens are all the same text."""

    fleet: Fleet
    server: git_server.GitServer
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as that person; the arguments of each git that it starts are written down."""
        tokens = dict.fromkeys(("GITHUB_TOKEN", "GITLAB_TOKEN", "FORGEJO_TOKEN"), HIDDEN)
        # Nothing listens there: every address but loopback is away, and says so.
        proxy = f"http://someone:{HIDDEN}@127.0.0.1:9"
        variables = {
            **os.environ,
            **tokens,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "generator"),
            "HOME": str(self.folder / "home"),
            "HTTPS_PROXY": proxy,
            "https_proxy": proxy,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "GIT_CURL_VERBOSE": "1",
            "GIT_TRACE": "1",
        }
        command = [sys.executable, "-m", "okd_gitops", "--cache", str(self.folder / "cache"), *words]
        return subprocess.run(
            command, cwd=self.fleet.root, env=variables, capture_output=True, text=True, check=False
        )

    def traces(self, done: subprocess.CompletedProcess[str]) -> dict[str, str]:
        """Return all that a run left behind, by where."""
        cache = [path for path in (self.folder / "cache").rglob("*") if path.is_file()]
        kept = b"".join(path.read_bytes() for path in cache if not path.is_relative_to(CACHE))
        texts = [path for path in self.fleet.root.rglob("*") if path.is_file() and ".git" not in path.parts]
        return {
            "stdout": done.stdout,
            "stderr": done.stderr,
            "arguments": (self.folder / "arguments").read_text(),
            "commits": git(self.fleet.root, "--git-dir", str(self.fleet.remote), "log", "--all", "-p"),
            "work tree": repr([path.read_bytes() for path in texts]),
            "cache": repr(kept),
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with release_controller.serving() as controller:
        controller.publish(OLD)
        fleet = Fleet(tmp_path, controller)
        text = (fleet.root / "fleet.yaml").read_text()
        text = text.replace("example.org/fleet.git", "example.org/okd/fleet.git")
        fleet.write("fleet.yaml", f"{text}  forge: forgejo\n")
        generate(fleet.root)
        git(fleet.root, "commit", "-qam", "the forge")
        git(fleet.root, "push", "-q", "origin", "main")
        controller.publish(NEW, before=(OLD,))
        lay_out(tmp_path)

        with git_server.serving(fleet.remote, HIDDEN) as server:
            git(fleet.root, "remote", "set-url", "origin", server.url)
            yield Bench(fleet, server, tmp_path)


def lay_out(folder: Path) -> None:
    """Give the person a home, a cache, and a git that tells how it was started."""
    for name in ("home", "bin", "cache"):
        (folder / name).mkdir()
    for name in ("bin", "schemas"):
        (folder / "cache" / name).symlink_to(CACHE / name)

    real = shutil.which("git")
    (folder / "bin/git").write_text(f'#!/bin/sh\necho "$*" >>"{folder}/arguments"\nexec {real} "$@"\n')
    (folder / "bin/git").chmod(0o755)


def netrc(bench: Bench) -> None:
    """Keep the password in ~/.netrc, where curl and so git look for it."""
    file = bench.folder / "home/.netrc"
    file.write_text(f"machine 127.0.0.1 login x-access-token password {HIDDEN}\n")
    file.chmod(0o600)


def password(bench: Bench) -> None:
    """Keep the password in the address of the remote, which is not pushed to."""
    git(
        bench.fleet.root,
        "remote",
        "set-url",
        "origin",
        bench.server.url.replace("//", f"//x-access-token:{HIDDEN}@"),
    )


def only_a_user(bench: Bench) -> None:
    """Keep a token as the user's name, as some forges allow; this server does not."""
    git(bench.fleet.root, "remote", "set-url", "origin", bench.server.url.replace("//", f"//{HIDDEN}@"))


def query(bench: Bench) -> None:
    """Keep a token in the query of the address; this server does not take it."""
    git(bench.fleet.root, "remote", "set-url", "origin", f"{bench.server.url}?token={HIDDEN}")


def header(bench: Bench) -> None:
    """Keep a token in a header that this clone configures; this server does not take it."""
    git(bench.fleet.root, "config", "http.extraHeader", f"X-Token: {HIDDEN}")


def test_s01_no_token_is_shown_when_the_branch_is_pushed_and_the_forge_is_away(bench: Bench) -> None:
    netrc(bench)
    done = bench.run(*UPDATE)

    assert ("POST", True, "/okd/fleet.git/git-receive-pack") in bench.server.asked
    assert wave(NEW, 1) in git(bench.fleet.root, "--git-dir", str(bench.fleet.remote), "branch")
    # The forge is behind the proxy.
    assert (done.returncode, "git.example.org" in done.stderr) == (6, True), done.stderr
    assert [where for where, text in bench.traces(done).items() if HIDDEN in text] == []


@pytest.mark.parametrize("place", [password, only_a_user, query, header])
def test_s01_no_token_is_shown_when_the_remote_is_refused_or_refuses(
    place: Callable[[Bench], None], bench: Bench
) -> None:
    place(bench)
    done = bench.run(*UPDATE, "--output", "json")

    assert done.returncode != 0
    assert done.stderr + done.stdout
    assert [where for where, text in bench.traces(done).items() if HIDDEN in text] == []


@pytest.mark.parametrize(
    "words",
    [("status",), ("status", "--output", "json"), ("report", "--base", "main"), ("check", "--base", "main")],
)
def test_s01_what_reads_the_clone_shows_no_token_of_its_remote(words: tuple[str, ...], bench: Bench) -> None:
    password(bench)
    done = bench.run(*words)

    assert done.stdout + done.stderr
    assert [where for where, text in bench.traces(done).items() if HIDDEN in text] == []
