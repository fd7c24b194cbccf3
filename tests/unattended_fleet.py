"""A repository of unattended clusters: one in which there is none yet, on its remote."""

from conftest import commit, git
from provided import FLEET as PROVIDERS
from release_fleet import Fleet


def make_unattended(fleet: Fleet, trials: str) -> None:
    """Turn a fleet into such a repository, with an entry of `trials:`, and push it."""
    git(fleet.root, "rm", "-rq", "clusters", "bases", "overlays", "argocd")
    (fleet.root / "clusters").mkdir()
    (fleet.root / "clusters/.gitkeep").touch()

    with (fleet.root / "fleet.yaml").open("a") as file:
        file.write(f"unattended: true\ntrials:\n- {trials}\n{PROVIDERS}")

    commit(fleet.root)
    git(fleet.root, "push", "-q", "origin", "main")
