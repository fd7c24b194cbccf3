"""Whether the signature of a release is good, by the keys that the fleet pins, wherever it was found."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.releases.trust.signature import Message, verify
from okd_gitops.releases.trust.store import default_keys
from okd_gitops.releases.trust.verdict import NOT_CONFIGURED, Trust, finding_about
from okd_gitops.system.disk import read_file


def verify_messages(
    messages: Sequence[Message], root: Path, fleet: FleetSpec, *, image: str, version: str, now: datetime
) -> Trust:
    """Check the signatures of a version's image; files of keys are read below `root`.

    Raises FindingsError (unreadable-file) for a file of keys that cannot be read.
    """
    signatures = fleet.releases.signatures if fleet.releases else None

    if signatures is None:
        return Trust(verified=False, findings=(finding_about(image, NOT_CONFIGURED),))

    key_files = [read_file(root, path) for path in signatures.keys] or default_keys()

    return verify(messages, key_files, signatures.pinned, image=image, version=version, now=now)
