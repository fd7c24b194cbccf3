"""Barriers: steps from one line to the next that a person must do by hand, before or during the update."""

from collections.abc import Iterable
from dataclasses import dataclass

from okd_gitops.releases.version import Version

_NOTES = "https://okd.io/docs/project/upgrade-notes/from-4-15/"


@dataclass(frozen=True, slots=True)
class Barrier:
    """What somebody does by hand when a cluster goes from one line (`4.19`) into another."""

    source: str
    to: str
    name: str
    message: str
    url: str = ""


# Read in okd-project/okd-web, docs/project/upgrade-notes/from-4-15/ and
# blog/2025/09-30-2025-4.20-release-issues.md.
KNOWN = (
    Barrier(
        "4.15",
        "4.16",
        "secure-boot",
        "Nodes change from Fedora CoreOS to CentOS Stream CoreOS. Switch secure boot off on every node "
        "before; with it on, a node does not boot again.",
        f"{_NOTES}fcos-to-scos-migration/",
    ),
    Barrier(
        "4.15",
        "4.16",
        "ext4-orphan-file",
        "File systems made with the ext4 feature orphan_file cannot be mounted by CentOS Stream CoreOS. "
        "Look at every node, and remove it before.",
        "https://github.com/okd-project/okd/issues/2041",
    ),
    Barrier(
        "4.15",
        "4.16",
        "kube-apiserver-by-hand",
        "4.15 cannot take the CRDs of 4.16. The update is forced by hand, the cluster version operator is "
        "scaled to 0 when it fails, kube-apiserver is updated by hand, and the operator is scaled up again.",
        f"{_NOTES}force-upgrade-to-stable-4-16/",
    ),
    Barrier(
        "4.16",
        "4.17",
        "pass-through",
        "4.16 is only a way from 4.15 to 4.17 and has faults that stay. Plan both updates for one day.",
        f"{_NOTES}known-issues-4-16/",
    ),
    Barrier(
        "4.19",
        "4.20",
        "crio-default-runtime",
        "Clusters that were installed with 4.18 or before set runc, which 4.20 does not have. Delete the "
        "MachineConfigs 00-override-master-generated-crio-default-container-runtime and "
        "00-override-worker-generated-crio-default-container-runtime before, and wait for the pools; "
        "nodes do not start otherwise.",
        "https://github.com/okd-project/okd/issues/2255",
    ),
)


def barriers_of(start: Version, end: Version, known: Iterable[Barrier]) -> tuple[Barrier, ...]:
    """Return what has to be done by hand on the way from one version to another."""
    return tuple(barrier for barrier in known if (barrier.source, barrier.to) == (start.line, end.line))
