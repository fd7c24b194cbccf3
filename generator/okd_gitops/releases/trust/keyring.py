"""The public keys that may sign releases, as OpenPGP key files hold them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pysequoia import Cert
    from pysequoia.packet import Packet

# openshift-ci-release-key, the fourth; it signs OKD. Read in openshift/cluster-update-keys,
# keys/verifier-public-key-openshift-ci-4.
FINGERPRINTS = frozenset({"6A9588F07F2D3AE7973AD2A9193E53CCD2E2F7A4"})
NEVER = datetime.max.replace(tzinfo=UTC)
# What Sequoia raises; its text carries a stack trace, so it is not shown.
SEQUOIA_ERRORS = (RuntimeError, ValueError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """What a pinned key is for, as people state it; an empty set permits everything.

    `retired` is when it ended in good order: signatures of the time before stay good. `compromised` is why
    somebody else may have it: then none is good.
    """

    fingerprint: str = ""
    repositories: frozenset[str] = frozenset()
    streams: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    retired: datetime | None = None
    compromised: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key. `ends` has the end of validity of the key itself and of each subkey, by fingerprint."""

    cert: "Cert"
    fingerprint: str
    revoked: bool
    ends: Mapping[str, datetime]

    def is_named_by(self, issuer: str) -> bool:
        """Whether a signature's issuer, a fingerprint or a key id, is this key or one of its subkeys."""
        return any(fingerprint.endswith(issuer) for fingerprint in self.ends)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All usable keys, those that are pinned by fingerprint, and a sentence about each that is not usable."""

    keys: tuple[Key, ...]
    pinned: Mapping[str, KeyUse]
    unusable: tuple[str, ...] = ()


def read_keyring(files: Sequence[bytes], uses: Iterable[KeyUse]) -> Keyring:
    """Read key files, each of which may hold several keys; an unusable one hides no other.

    `uses` are the pinned keys.
    """
    pinned = {"".join(use.fingerprint.split()).lower(): use for use in uses}
    keys: list[Key] = []
    unusable: list[str] = []

    for number, data in enumerate(files, start=1):
        certs = _certs(data)
        if not certs:
            unusable.append(f"Key file {number}.")

        for cert in certs:
            try:
                keys.append(Key(cert, cert.fingerprint, cert.is_revoked, dict(_ends(cert))))
            except SEQUOIA_ERRORS:
                unusable.append(f"Key file {number}, {cert.fingerprint.upper()}.")

    return Keyring(tuple(keys), pinned, tuple(unusable))


def _certs(data: bytes) -> Sequence["Cert"]:
    from pysequoia import Cert

    try:
        return Cert.split_bytes(data)
    except SEQUOIA_ERRORS:
        return ()


def _ends(cert: "Cert") -> Iterator[tuple[str, datetime]]:
    """Yield when the key and each subkey expire; a later pair of the same subkey replaces the earlier one."""
    from pysequoia.packet import PacketPile, Tag

    end_of_key = cert.expiration or NEVER
    yield cert.fingerprint, end_of_key

    subkey: Packet | None = None
    bound_at: datetime | None = None

    # The library knows the expiry of the whole key alone; that of a subkey is in its newest binding.
    for packet in PacketPile.from_bytes(bytes(cert)):
        if packet.tag == Tag.PublicSubkey:
            subkey, bound_at = packet, None
            yield packet.fingerprint or "", end_of_key
            continue

        if subkey is None or not _is_binding(packet):
            continue

        if bound_at is None or packet.signature_created >= bound_at:
            bound_at = packet.signature_created
            yield subkey.fingerprint or "", _end_of_subkey(subkey, packet, end_of_key)


def _is_binding(packet: "Packet") -> bool:
    from pysequoia.packet import SignatureType, Tag

    return packet.tag == Tag.Signature and packet.signature_type == SignatureType.SubkeyBinding


def _end_of_subkey(subkey: "Packet", binding: "Packet", end_of_key: datetime) -> datetime:
    created, period = subkey.key_created, binding.key_validity_period
    if created is None or not period:
        return end_of_key

    return min(end_of_key, created + period)
