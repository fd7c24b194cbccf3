"""`make demo-ephemeral`: a release appears, a cluster for it is born, reports and dies, all in git.

Everything is real but the release controller's content, the key that signs it, what the hub reports of the
cluster, and the clock, which `--at` moves on. No Hive runs here: what it would be given is shown.
"""

import os
import tempfile
from pathlib import Path

from demo_release import FIRST, IDENTITY, NEW, NOW, SECOND, Demo, at
from okd_gitops.evidence.record import record
from okd_gitops.evidence.report import Evidence
from okd_gitops.generate.generate import generate
from provided import FLEET
from release_controller import serving

NAME = "moc-trial"


class Trial(Demo):
    """The demonstration's fleet, whose fleet.yaml has a provider."""

    def add_provider(self) -> None:
        """Write the settings of the providers, as a person does once; the fleet has no other such cluster."""
        (self.root / "clusters/moc-pr-412.yaml").unlink()
        file = self.root / "fleet.yaml"
        file.write_text(f"{file.read_text()}ephemeral: {{atOnce: 3, hoursPerWeek: 200}}\n{FLEET}")
        generate(self.root)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Let Hive install clusters")
        self.git("push", "--quiet", "origin", "main")

    def tree(self) -> str:
        """Return the hash of all that the merged branch contains."""
        return self.git("rev-parse", "origin/main:").strip()

    def show(self, path: str) -> None:
        """Show a file of the working tree."""
        print(f"$ cat {path}\n{(self.root / path).read_text()}", end="", flush=True)


def main() -> None:
    """Show the whole life of one cluster."""
    os.environ.update(IDENTITY)

    with tempfile.TemporaryDirectory(prefix="okd-demo-") as folder, serving() as controller:
        demo = Trial(Path(folder), controller)
        demo.add_provider()
        before = demo.tree()

        demo.say(f"{NEW} is published, signed and accepted in 4-scos-stable.")
        controller.publish(NEW, before=(FIRST, SECOND))
        demo.run("release", "record", "--push")
        demo.fetch_records()

        demo.say("Somebody wants a cluster with it for two days. It is a branch, made upon the remote's:")
        born = ("cluster", "new", NAME, "--purpose", "ephemeral", "--provider", "hive-openstack")
        demo.run(*born, "--release", NEW, "--expires", "2d", "--push")
        demo.say("A person approves it. Argo CD gives Hive what it needs, and Hive installs the cluster.")
        demo.merge(f"okd/new-{NAME}")
        demo.show(f"clusters/{NAME}.yaml")
        demo.show(f"overlays/{NAME}/provider/kustomization.yaml")
        demo.run("cluster", "list", *at(1))

        demo.say("It passes its tests, and the hub writes that down. The file of a longer life is one line.")
        report = Evidence(
            cluster=NAME,
            version=NEW,
            image=controller.images[NEW],
            finished=NOW,
            passed=True,
            tests={"smoke": "passed"},
        )
        print(f"# on the branch records: {record(demo.root, report, remote='origin').path}")

        demo.say("Its last day has passed. A job on the hub takes it out of git, and Hive deletes it.")
        demo.run("cluster", "expire", "--push", *at(4))
        demo.merge("okd/expire")
        demo.run("cluster", "expire", "--push", *at(4))

        is_as_before = demo.tree() == before
        demo.say(f"Git is as it was before: {is_as_before}. What the hub has seen stays on its own branch:")
        demo.fetch_records()
        demo.show_records()
        assert is_as_before


if __name__ == "__main__":
    main()
