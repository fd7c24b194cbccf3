"""The one way in which set-up fails: a reason, a remedy, and an exit code of okd-gitops."""

import re

TOOL, REMOTE, BUSY = 4, 6, 7
_FULL = "No space left on device|Disk quota exceeded|File too large"
_UNWRITABLE = "Read-only file system|Permission denied"
_AWAY = (
    "dial tcp|no such host|[iI]/[oO] timeout|connection refused|TLS handshake"
    "|Temporary failure in name resolution|Name or service not known"
    "|NewConnectionError|Connection(Error|Reset)|Max retries exceeded|[Tt]imed out|ProxyError|SSLErro"
    "|No matching distribution found"
)
_KINDS = (
    (_FULL, BUSY, "free some disk space, then run it again"),
    (_UNWRITABLE, BUSY, "make the cache writable, or name another folder: make CACHE=/some/folder"),
    (
        "DO NOT MATCH THE HASHES|SECURITY ERROR|checksum mismatch",
        TOOL,
        "do not go on: what was downloaded is not what was reviewed",
    ),
    (_AWAY, REMOTE, "look at the network or the mirror, then run it again"),
)


class SetupError(Exception):
    """Set-up cannot go on.

    Exit codes are those of okd-gitops: 4 for a tool, 6 for the network, 7 for the disk.
    """

    def __init__(self, reason: str, remedy: str = "", *, exit_code: int = TOOL) -> None:
        super().__init__(reason)
        self.remedy = remedy or "run it again; if that does not help: make clean"
        self.exit_code = exit_code

    @classmethod
    def of(cls, error: OSError) -> "SetupError":
        """Make the error of what the system refused."""
        return cls.told(f"{error.filename or 'writing'}: ", str(error.strerror))

    @classmethod
    def told(cls, doing: str, words: str) -> "SetupError":
        """Make the error of a program from its last words.

        They tell what failed: the disk, the hashes, the network, or the program itself.
        """
        for pattern, name, remedy in _KINDS:
            found = re.search(f".*(?:{pattern}).*", words)
            if found:
                return cls(f"{doing}{found[0].strip()[-400:]}", remedy, exit_code=name)
        return cls(f"{doing}{words.strip()[-800:]}")
