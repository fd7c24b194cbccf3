"""`make demo-release`: a release controller on loopback publishes a release, and the example fleet of the
tests follows it, wave by wave.

Everything is real but the controller's content, the key that signs it, and the clock, which `--at` moves on.
What differs from run to run (hashes, ports, times) is shown as `…`.
"""

import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from frozen import lay_out
from okd_gitops.evidence.record import record
from okd_gitops.evidence.report import Evidence
from release_controller import Controller, serving

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OKD_GITOPS_CACHE", ROOT / ".cache")).resolve()
FIRST, SECOND, NEW = "4.21.0-okd-scos.11", "4.22.0-okd-scos.0", "4.22.0-okd-scos.1"
_VARYING = re.compile(
    r"\b[0-9a-f]{12,64}\b|(?<=127\.0\.0\.1:)[0-9]+"
    r"|\b20[0-9]{2}-[0-9]{2}-[0-9]{2}([T ][0-9:]+(\+00:00|Z)?)?|(?<=verified \()[0-9a-f]+"
)
IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}
_SOMEBODY = {**os.environ, **IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
# Times in the story: a minute after now, since the key is as young as the demonstration.
NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)


class Demo:
    """A copy of the fleet with a bare repository as its remote, and the commands that are shown."""

    def __init__(self, folder: Path, controller: Controller) -> None:
        self.root, self.controller = folder / "fleet", controller
        self.root.mkdir()
        lay_out(self.root)
        for version in (FIRST, SECOND):
            text = "".join(path.read_text() for path in sorted((self.root / "clusters").glob("*.yaml")))
            match = re.search(rf"version: {re.escape(version)}\n\s+image: (\S+)", text)
            assert match, f"no cluster runs {version}"
            controller.images[version] = match[1]
        controller.publish(FIRST)
        controller.publish(SECOND, before=(FIRST,))
        controller.follow(self.root)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Follow a release controller")
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(folder / "remote.git"))
        self.git("remote", "add", "origin", str(folder / "remote.git"))
        self.git("push", "--quiet", "origin", "main")

    def git(self, *arguments: str) -> str:
        """Run git as somebody, whoever runs this, and whatever is configured here."""
        return subprocess.run(
            ["git", *arguments], cwd=self.root, env=_SOMEBODY, capture_output=True, text=True, check=True
        ).stdout

    def say(self, text: str) -> None:
        """Tell what happens between two commands."""
        print(f"\n# {text}", flush=True)

    def run(self, *arguments: str, expected: int = 0) -> None:
        """Run and show a command of okd-gitops."""
        environment = {**_SOMEBODY, "PYTHONPATH": str(ROOT / "generator"), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "okd_gitops", "--quiet", "--cache", str(CACHE), *arguments]
        done = subprocess.run(
            command, cwd=self.root, env=environment, stdout=-1, stderr=-2, text=True, check=False
        )
        print(_VARYING.sub("…", f"$ okd-gitops {' '.join(arguments)}\n{done.stdout}"), end="", flush=True)
        assert done.returncode == expected, done.stdout

    def merge(self, branch: str) -> None:
        """Do what a person does who approves the pull request."""
        self.git("fetch", "--quiet", "origin")
        self.git("merge", "--quiet", "--no-edit", f"origin/{branch}")
        self.git("push", "--quiet", "origin", "main")

    def report(self, cluster: str, day: int) -> None:
        """Let the hub report on a cluster that took the release and is well."""
        report = Evidence(
            cluster=cluster,
            version=NEW,
            image=self.controller.images[NEW],
            finished=NOW + timedelta(days=day),
            passed=True,
            tests={"smoke": "passed"},
        )
        recorded = record(self.root, report, remote="origin")
        self.fetch_records()
        print(_VARYING.sub("…", f"\n# {recorded.path} on the branch records:\n{recorded.text}"), end="")

    def fetch_records(self) -> None:
        """Fetch what the hub has seen, as CI and people do."""
        self.git("fetch", "--quiet", "origin", "records:refs/remotes/origin/records")

    def show_records(self) -> None:
        """Show the branch that the hub writes."""
        files = self.git("ls-tree", "-r", "--name-only", "origin/records")
        print(f"$ git ls-tree -r --name-only origin/records\n{files}", end="", flush=True)


def at(day: int) -> list[str]:
    """Return the option that moves the clock on."""
    return ["--at", (NOW + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")]


def main() -> None:
    """Show the whole way of one release."""
    os.environ.update(IDENTITY)

    with tempfile.TemporaryDirectory(prefix="okd-demo-") as folder, serving() as controller:
        demo = Demo(Path(folder), controller)
        demo.say(f"{NEW} is published, signed and accepted in 4-scos-stable.")
        controller.publish(NEW, before=(FIRST, SECOND))
        demo.run("release", "record", "--push")
        demo.fetch_records()
        demo.run("release", "plan")
        demo.run("release", "update", "--push")
        text = next((demo.root / ".okd-gitops/pull-requests").glob("*/PR.md")).read_text()
        demo.say("The first screen of its pull request:")
        print(_VARYING.sub("…", text.partition("### What changes")[0].partition("-->\n")[2].rstrip()))
        demo.say("A person approves it; Argo CD applies it; the hub observes how the cluster takes it.")
        demo.merge(f"okd/{NEW}--wave1")
        demo.report("moc-test", 0)
        demo.run("release", "promote", "--push", *at(1))
        demo.say(
            "Three days later the release has soaked: the hub follows, and two days after its "
            "report the long-term cluster."
        )
        demo.run("release", "promote", "--push", *at(3))
        demo.merge(f"okd/{NEW}--wave2")
        demo.report("moc-hub", 3)
        demo.run("release", "promote", "--push", *at(5))
        demo.merge(f"okd/{NEW}--wave3")
        demo.run("status", *at(5))
        demo.say("What the hub has seen is on a branch of its own, which nobody merges:")
        demo.show_records()


if __name__ == "__main__":
    main()
