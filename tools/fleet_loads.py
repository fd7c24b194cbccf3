"""Count how often a fleet is loaded while a wave of five clusters becomes a pull request.

`python -I tools/fleet_loads.py CHECKOUT` plays the wave with the package and the tests of that checkout, so
that two revisions can be compared. It needs the packages of the tests, and OKD_GITOPS_CACHE with kustomize,
kubeconform and the schemas.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

CLUSTERS = ("canary", "probe", "third", "fourth", "fifth")
# Where the function `load` of a fleet was, and is.
LOADERS = ("okd_gitops/commands/repository.py", "okd_gitops/generate/load.py", "okd_gitops/fleet/load.py")
# The fleet that follows a release controller was part of a test before it became a tool of tests.
STAGES = ("release_fleet", "test_release_flow")
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
}


class Counter:
    """The number of loads so far."""

    def __init__(self) -> None:
        self.loads = 0

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        """Count a call of a function `load` of a fleet, as sys.setprofile calls it."""
        code = frame.f_code
        if event == "call" and code.co_name == "load" and code.co_filename.endswith(LOADERS):
            self.loads += 1


@contextmanager
def counting() -> Iterator[Counter]:
    """Count the loads of this thread in a block."""
    counter = Counter()
    sys.setprofile(counter.profile)
    try:
        yield counter
    finally:
        sys.setprofile(None)


def stage(checkout: Path) -> Any:
    """Return the module of a checkout's tests that plays releases."""
    sys.path[:0] = [str(checkout / folder) for folder in ("generator", "tools", "tests")]
    (name,) = [name for name in STAGES if (checkout / f"tests/{name}.py").exists()]
    return importlib.import_module(name)


def wave(checkout: Path, folder: Path) -> int:
    """Return how often the fleet is loaded while its first wave, of five clusters, is pushed.

    Raises AssertionError where the wave has another size.
    """
    played = stage(checkout)
    controller_module = importlib.import_module("release_controller")

    with controller_module.serving() as controller:
        controller.publish(played.OLD)
        fleet = played.Fleet(folder, controller)
        for name in CLUSTERS:
            fleet.write(f"clusters/{name}.yaml", played.cluster(name, "test"))
        played.generate(fleet.root)
        played.git(fleet.root, "add", "-A")
        played.git(fleet.root, "commit", "-qm", "five test clusters")
        played.git(fleet.root, "push", "-q", "origin", "main")
        controller.publish(played.NEW, before=(played.OLD,))

        with counting() as counter:
            rollout = fleet.run(played.PUSH)

    (branch,) = rollout.branches
    commits = fleet.on_remote(branch.name)
    assert len(commits) == len(CLUSTERS), commits
    return counter.loads


def main() -> int:
    """Print the number of loads for the checkout that is named."""
    os.environ.update(IDENTITY, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null")
    with TemporaryDirectory() as folder:
        print(wave(Path(sys.argv[1]).resolve(), Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
