"""What an earlier run recorded of the files of a repository: a folder that is as it was then is not listed
again, and a file that is as it was is not read for its hash.

Only what had settled is recorded with its status: after an edit it would show another one.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from okd_gitops.system.file_status import STATUS_BYTES, FileStatus, Listing, Walk

# What stands for a status that must not be compared: no file has it.
_NONE = bytes(STATUS_BYTES)
# A SHA-256 in hexadecimal.
_WIDTH = 64


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The listings of folders, the status and the SHA-256 of files, and those files that are `marked`."""

    listings: Mapping[str, Listing] = field(default_factory=dict)
    statuses: Mapping[str, FileStatus] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    marked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, data: bytes | None) -> "KeptFiles":
        """Read what `as_bytes` has made; without it nothing is recorded."""
        if data is None:
            return cls()

        head, _, rest = data.partition(b"\n")
        known = json.loads(head)
        folders, others = known["folders"], known["others"]
        count = len(folders) + len(others) + sum(len(files) for files, _ in folders.values())
        end = STATUS_BYTES * count
        statuses = (rest[start : start + STATUS_BYTES] for start in range(0, end, STATUS_BYTES))

        listings = {
            folder: Listing(status, *names)
            for (folder, names), status in zip(folders.items(), statuses, strict=False)
        }
        files = _paths(listings, others)
        digests = rest[end:].hex()
        each = (digests[start : start + _WIDTH] for start in range(0, len(digests), _WIDTH))

        return cls(
            listings,
            dict(zip(files, statuses, strict=True)),
            dict(zip(files, each, strict=True)),
            frozenset(known["marked"]),
        )

    @classmethod
    def found(cls, found: Walk, digests: Mapping[str, str], marked: Collection[str]) -> "KeptFiles":
        """Return what is to be recorded of files as they were found, of which `digests` has each hash."""
        listings = {
            folder: listing if found.has_settled(listing.status) else listing._replace(status=_NONE)
            for folder, listing in found.listings.items()
        }
        statuses = {
            path: status if found.has_settled(status) else _NONE for path, status in found.files.items()
        }
        return cls(listings, statuses, digests, frozenset(marked))

    def unchanged(self, found: Walk) -> dict[str, str]:
        """Return path and SHA-256 of each file that is as it was."""
        digests, earlier = self.digests, self.statuses
        return {
            path: digests[path]
            for path, status in found.files.items()
            if earlier.get(path) == status and found.has_settled(status)
        }

    def as_bytes(self) -> bytes:
        """Return it as bytes."""
        folders = {folder: [each.files, each.folders] for folder, each in self.listings.items()}
        others = sorted(self.statuses.keys() - set(_paths(self.listings, ())))
        names = {"folders": folders, "others": others, "marked": sorted(self.marked)}
        files = _paths(self.listings, others)

        of_folders = (listing.status for listing in self.listings.values())
        of_files = map(self.statuses.__getitem__, files)
        digests = bytes.fromhex("".join(self.digests[path] for path in files))
        return b"".join((json.dumps(names).encode(), b"\n", *of_folders, *of_files, digests))


def _paths(listings: Mapping[str, Listing], others: Iterable[str]) -> list[str]:
    """Return the paths of the files in folders, and of others."""
    return [*(f"{folder}/{name}" for folder, each in listings.items() for name in each.files), *others]
