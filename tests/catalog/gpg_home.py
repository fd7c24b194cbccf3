"""The real gpg with a home of its own."""

import subprocess
from pathlib import Path
from tempfile import mkdtemp

from programs import program

END = "-----END PGP PUBLIC KEY BLOCK-----"


class GpgHome:
    """A keyring; `short` is a folder whose path the socket of gpg's agent fits in."""

    def __init__(self, short: Path) -> None:
        self.path = mkdtemp(dir=short)

    def run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run gpg, whatever comes of it."""
        command = [
            program("gpg"),
            "--homedir",
            self.path,
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        ]
        return subprocess.run([*command, *arguments], input=given, capture_output=True, check=False)

    def make(self, name: str) -> str:
        """Make a key without a passphrase, and return its fingerprint."""
        options = ("--passphrase", "", "--quick-generate-key")
        assert self.run(*options, f"{name} <{name}@example.org>", "ed25519", "sign", "2y").returncode == 0
        return self.fingerprints()[0]

    def take(self, *keys: bytes) -> None:
        """Import public keys."""
        for key in keys:
            assert self.run("--import", given=key).returncode == 0

    def take_first_block(self, text: str) -> None:
        """Import what a cluster reads of an entry of its keyring: the first block."""
        self.take((text.partition(END)[0] + END).encode())

    def public(self) -> str:
        """Return all public keys, in one block."""
        return self.run("--armor", "--export").stdout.decode()

    def private(self) -> str:
        """Return all private keys."""
        return self.run("--armor", "--export-secret-keys").stdout.decode()

    def fingerprints(self) -> list[str]:
        """Return the fingerprints of all keys and subkeys."""
        lines = self.run("--with-colons", "--list-keys").stdout.decode().splitlines()
        return [line.split(":")[9] for line in lines if line.startswith("fpr")]
