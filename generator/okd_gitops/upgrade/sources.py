"""What the planner asks: where releases, the graph and signatures come from."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.trust.verdict import Trust


class Sources(Protocol):
    """Where releases, the graph and signatures come from."""

    def learn(self, root: Path, fleet: FleetSpec, streams: Collection[str]) -> Learned:
        """Return what is known of the streams' releases; files that the fleet names are below `root`.

        Raises NetworkError or FindingsError when nothing can be concluded.
        """

    def verify(self, root: Path, fleet: FleetSpec, image: str, version: str) -> Trust:
        """Check the signature of a version's image by digest; key files are below `root`."""
