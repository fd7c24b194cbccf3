"""A fleet that follows a release controller: its repository, its remote, and a clock to turn."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from conftest import CACHE, git
from okd_gitops.evidence.record import record
from okd_gitops.evidence.records import read_records
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.write_records import write_records
from okd_gitops.generate.generate import generate
from okd_gitops.rollout.request import Request
from okd_gitops.rollout.waves import Rollout, rollout
from okd_gitops.system.http import Http
from okd_gitops.upgrade.known import Network
from okd_gitops.upgrade.plan import Outlook, outlook
from release_controller import Controller, image, serving

BASE = (
    "repository: https://git.example.org/fleet.git\n"
    "hub: hub\n"
    "owners: [ops]\n"
    "upstream: https://graph.example.org/graph\n"
)
OLD, NEW, NEWER = "4.21.0-okd-scos.0", "4.21.0-okd-scos.1", "4.21.0-okd-scos.2"
NEXT_LINE = "4.22.0-okd-scos.0"
UPDATE, PROMOTE = Request(first=True), Request(first=False)
PUSH, PUSH_ON = replace(UPDATE, write=True, push=True), replace(PROMOTE, write=True, push=True)
SERVER = "server: https://api.{0}.example.org:6443\nclusterID: {1}\n"


def cluster(name: str, purpose: str, *, version: str = OLD, more: str = "", release: str = "") -> str:
    """Return a cluster file with comments that must survive."""
    number = f"{sum(name.encode()):012x}"
    text = f"# {name}: why it is here\npurpose: {purpose}\n" + SERVER.format(
        name, f"8c5e1d37-02bb-4f6a-8e49-{number}"
    )
    text += f"expires: {datetime.now(UTC).date() + timedelta(days=30)}\n" if purpose == "ephemeral" else ""
    text += (
        "release:\n"
        "  stream: 4-scos-stable\n"
        "  channel: stable-scos-4\n"
        f"  version: {version}  # agreed\n"
        f"  image: {image(version)}\n"
        f"{release}"
    )
    return text + more


class Fleet:
    """A repository with a remote, its controller, and a clock."""

    def __init__(self, folder: Path, controller: Controller, version: str = OLD) -> None:
        self.root, self.remote, self.controller = folder / "repo", folder / "remote.git", controller
        # Signatures are made by the real clock, so time goes on from there.
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
        (self.root / "clusters").mkdir(parents=True)
        hub = "purpose: hub\n" + SERVER.format("hub", "5a7e90c2-4d13-4b88-b6f5-e21c07d9384a")
        hub += f"release:\n  channel: stable-scos-4\n  version: {version}\n  image: {image(version)}\n"
        self.write("clusters/hub.yaml", hub)
        self.write("fleet.yaml", BASE)
        for name, purpose in (("canary", "test"), ("probe", "test"), ("prod", "cd")):
            self.write(f"clusters/{name}.yaml", cluster(name, purpose, version=version))
        controller.follow(self.root)
        generate(self.root)
        git(self.root, "init", "-q", "--initial-branch=main")
        git(self.root, "add", "-A")
        git(self.root, "commit", "-qm", "start")
        git(self.root, "init", "-q", "--bare", "--initial-branch=main", str(self.remote))
        git(self.root, "remote", "add", "origin", str(self.remote))
        git(self.root, "push", "-q", "origin", "main")

    def write(self, path: str, text: str) -> None:
        """Write a file of the repository."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def network(self) -> Network:
        """Return the sources, with a cache of answers of its own."""
        return Network(http=Http(self.root.parent / "answers", retries=0), now=self.now)

    def seen(self, **wanted: object) -> Outlook:
        """Return the outlook of the work tree."""
        records = read_records(self.root)

        return outlook(self.root, self.network(), records, now=self.now, **wanted)  # type: ignore[arg-type] # the keywords of outlook

    def codes(self, **wanted: object) -> dict[str, str]:
        """Return the code, or the verdict, of each cluster."""
        return {
            upgrade.cluster.name: upgrade.decision.name or str(upgrade.decision.verdict)
            for upgrade in self.seen(**wanted).upgrades
        }

    def run(self, request: Request, root: Path | None = None) -> Rollout:
        """Run update or promote."""
        where = root or self.root
        return rollout(where, CACHE, self.network(), request, now=self.now, say=lambda _: None)

    def merge(self, branch: str) -> None:
        """Do what a person does who approves."""
        git(self.root, "fetch", "-q", "origin")
        git(self.root, "merge", "-q", "--ff-only", "origin/main")
        git(self.root, "merge", "-q", "--no-edit", f"origin/{branch}")
        git(self.root, "push", "-q", "origin", "main")

    def passed(self, name: str, version: str = NEW, *, ok: bool = True, of: str = "") -> None:
        """Let a cluster report, on the remote."""
        operators: Literal["healthy", "degraded"] = "healthy" if ok else "degraded"
        said = Evidence(
            cluster=name,
            version=version,
            image=of or image(version),
            finished=self.now,
            passed=ok,
            operators=operators,
        )
        record(self.root, said, remote="origin")
        git(self.root, "fetch", "-q", "origin")

    def write_on_records(self, files: Mapping[str, bytes]) -> None:
        """Write files of the branch `records` of this clone, whatever they contain."""
        write_records(self.root, "", "Write records", lambda _: files)

    def on_remote(self, branch: str) -> list[str]:
        """Return the subjects of a remote branch's own commits."""
        return git(
            self.root, "--git-dir", str(self.remote), "log", "--reverse", "--format=%s", f"main..{branch}"
        ).split("\n")[:-1]


def wave(version: str, number: int) -> str:
    """Return the name of a wave's branch."""
    return f"okd/{version}--wave{number}"


@contextmanager
def offered_new(folder: Path) -> Iterator[Fleet]:
    """Serve a fleet at OLD, below a folder, to which its release controller offers NEW."""
    with serving() as controller:
        controller.publish(OLD)
        fleet = Fleet(folder, controller)
        controller.publish(NEW, before=(OLD,))
        yield fleet
