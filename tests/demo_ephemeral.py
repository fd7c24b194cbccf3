"""`make demo-ephemeral`: a release appears, clusters for it are born, report and die, all in git.

Everything is real but the release controller's content, the key that signs it, what the hub reports of the
cluster, and the clock, which `--at` moves on. No Hive runs here: what it would be given is shown.
"""

import os
import tempfile
from pathlib import Path

from demo_release import FIRST, IDENTITY, NEW, NOW, SECOND, Demo, at
from okd_gitops.evidence.record import record
from okd_gitops.evidence.report import Evidence
from okd_gitops.evidence.trial_names import trial_clusters
from okd_gitops.generate.generate import generate
from provided import FLEET
from release_controller import serving

FRESH, UPGRADING = trial_clusters(NEW)
TRIALS = """\
trials:
- {stream: 4-scos-stable, channel: stable-scos-4, provider: hive-openstack, expires: 2d}
"""


class Trial(Demo):
    """The demonstration's fleet, whose fleet.yaml has a provider."""

    def add_provider(self) -> None:
        """Write the settings of the providers, as a person does once; the fleet has no other such cluster."""
        (self.root / "clusters/moc-pr-412.yaml").unlink()
        file = self.root / "fleet.yaml"
        file.write_text(f"{file.read_text()}ephemeral: {{atOnce: 3, hoursPerWeek: 200}}\n{TRIALS}{FLEET}")
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
    """Show the whole life of the clusters that try one release."""
    os.environ.update(IDENTITY)

    with tempfile.TemporaryDirectory(prefix="okd-demo-") as folder, serving() as controller:
        demo = Trial(Path(folder), controller)
        demo.add_provider()
        before = demo.tree()

        demo.say(f"{NEW} is published, signed and accepted in 4-scos-stable.")
        controller.publish(NEW, before=(FIRST, SECOND))
        demo.run("release", "record", "--push")
        demo.fetch_records()

        demo.say("It needs a cluster with it, and one with the release before, which upgrades to it:")
        demo.run("cluster", "try", "--push")
        demo.say("A person approves it. Argo CD gives Hive what it needs, and Hive installs the clusters.")
        demo.merge("okd/try-releases")
        demo.show(f"clusters/{UPGRADING}.yaml")
        demo.show(f"overlays/{UPGRADING}/provider/kustomization.yaml")
        demo.run("cluster", "list", *at(1))

        demo.say("The hub reads from Hive how it went, and writes that down.")
        for cluster in (FRESH, UPGRADING):
            report = Evidence(
                cluster=cluster,
                version=NEW,
                image=controller.images[NEW],
                finished=NOW,
                passed=True,
                tests={"api-ready": "passed"},
            )
            print(f"# on the branch records: {record(demo.root, report, remote='origin').path}")

        demo.say("Until then the long-term clusters waited (trial-missing); now the waves go on as ever.")

        demo.say("Their last day has passed. A job on the hub takes them out of git, and Hive deletes them.")
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
