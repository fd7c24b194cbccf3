"""The OpenPGP signature of a release: who signed which image, and whether both are what we pinned.

The cluster checks less: any key of its ring, whatever the repository. Here the fingerprint, the expiry, the
digest and the repository must all be right. Sequoia does the cryptography, and judges a key as of when the
signature was made; expiry at `now` is compared here.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from okd_gitops.releases.trust.keyring import SEQUOIA_ERRORS, Key, Keyring, read_keyring
from okd_gitops.releases.trust.openpgp import plain
from okd_gitops.releases.trust.verdict import (
    BAD,
    BROKEN,
    DIGEST,
    EXPIRED,
    EXPIRES,
    FUTURE,
    KEY,
    NONE,
    NOT_JSON,
    REPOSITORY,
    REVOKED,
    TYPE,
    UNKNOWN,
    UNPINNED,
    SignatureError,
    Trust,
    finding_about,
)

if TYPE_CHECKING:
    from pysequoia import Decrypted
    from pysequoia.packet import Packet

SOON = timedelta(days=90)
# A real one has under 1 kB. The limit comes before anything is unpacked.
_LIMIT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Signature:
    """A good signature: the signed text, and the key that made it with the end of its validity."""

    text: bytes
    expires: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _SignedImage:
    digest: str
    reference: str
    timestamp: float


def verify(
    messages: Sequence[bytes],
    key_files: Sequence[bytes],
    fingerprints: frozenset[str],
    *,
    image: str,
    now: datetime,
) -> Trust:
    """Check the signatures of an image (repository@digest); one good one by a pinned key is enough."""
    keyring = read_keyring(key_files, fingerprints)
    findings = [finding_about(image, KEY, detail) for detail in keyring.unusable]
    good: list[Signature] = []
    faults: list[SignatureError] = []

    for message in messages:
        try:
            signature = _signature(message, keyring, now)
            _must_be_for(image, signature.text, now)
        except SignatureError as fault:
            faults.append(fault)
        else:
            good.append(signature)

    if not good:
        furthest = max(faults, key=lambda fault: fault.passed_tests, default=SignatureError(NONE))
        reason = finding_about(image, furthest.name, furthest.detail)
        return Trust(verified=False, findings=(reason, *findings))

    longest = max(good, key=lambda signature: (signature.expires, signature.fingerprint))
    if longest.expires - now <= SOON:
        findings.append(finding_about(image, EXPIRES, _on(longest)))

    return Trust(verified=True, fingerprint=longest.fingerprint, findings=tuple(findings))


def _signature(message: bytes, keyring: Keyring, now: datetime) -> Signature:
    """Return the good signature of a message; raises SignatureError when no pinned, valid key made one."""
    unpacked, packets = _unpacked(message)
    keys = _signing_keys(packets, keyring)
    result = _verified(unpacked, keys)

    ends = {fingerprint: end for key in keys for fingerprint, end in key.ends.items()}
    expires, fingerprint = max((ends[made.signing_key], made.certificate) for made in result.valid_sigs)
    signature = Signature(result.bytes or b"", expires, fingerprint)

    if signature.expires <= now:
        raise SignatureError(EXPIRED, _on(signature))
    if any(packet.signature_created and packet.signature_created > now for packet in packets):
        raise SignatureError(FUTURE)

    return signature


def _unpacked(message: bytes) -> tuple[bytes, list["Packet"]]:
    """Return a message without its compression, and the packets of its signatures."""
    from pysequoia.packet import PacketPile, Tag

    # Sequoia verifies while it reads; reading all of it first tells a message that is cut off from one that
    # was changed.
    try:
        unpacked = plain(message, _LIMIT)
        packets = [packet for packet in PacketPile.from_bytes(unpacked) if packet.tag == Tag.Signature]
    except SEQUOIA_ERRORS:
        raise SignatureError(BROKEN) from None

    return unpacked, packets


def _signing_keys(packets: Sequence["Packet"], keyring: Keyring) -> list[Key]:
    """Return the keys that signatures name and that may be used: known, pinned and not revoked."""
    issuers = set(map(_issuer, packets))

    known = [key for key in keyring.keys if any(map(key.is_named_by, issuers))]
    if not known:
        raise SignatureError(UNKNOWN, _listed(issuers))

    pinned = [key for key in known if key.fingerprint in keyring.pinned]
    if not pinned:
        raise SignatureError(UNPINNED, _names_of(known))

    usable = [key for key in pinned if not key.revoked]
    if not usable:
        raise SignatureError(REVOKED, _names_of(pinned))

    return usable


def _issuer(packet: "Packet") -> str:
    """Return the fingerprint of the key that a signature names, or its shorter id."""
    return (packet.issuer_fingerprint or packet.issuer_key_id or "?").lower()


def _verified(message: bytes, keys: Sequence[Key]) -> "Decrypted":
    import pysequoia

    try:
        return pysequoia.verify(message, store=lambda _: [key.cert for key in keys])
    except SEQUOIA_ERRORS:
        raise SignatureError(BAD, _names_of(keys)) from None


def _must_be_for(image: str, text: bytes, now: datetime) -> None:
    """Raise SignatureError unless a signed text is about this image, and not from the future."""
    repository, _, digest = image.partition("@")
    signed = _signed_image(text)
    name, _, digest_in_name = signed.reference.partition("@")

    for signed_digest in (signed.digest, digest_in_name or digest):
        if signed_digest != digest:
            raise SignatureError(DIGEST, f"It is for {signed_digest!r:.120}.")

    without_tag = re.sub(r":[^/:]*$", "", name)
    if without_tag != repository:
        raise SignatureError(REPOSITORY, f"It is for {signed.reference!r:.120}.")

    # NaN is not later than anything, so the comparison must hold for a good timestamp.
    if not signed.timestamp <= now.timestamp():
        raise SignatureError(FUTURE)


def _signed_image(text: bytes) -> _SignedImage:
    """Read a signed text: openshift/release-controller, pkg/signer/signer.go, writes it."""
    try:
        statement: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise SignatureError(NOT_JSON) from None

    match statement:
        case {
            "critical": {
                "type": "atomic container signature",
                "image": {"docker-manifest-digest": str(digest)},
                "identity": {"docker-reference": str(reference)},
            }
        }:
            return _SignedImage(digest, reference, _timestamp(statement.get("optional")))
        case _:
            raise SignatureError(TYPE)


def _timestamp(optional: object) -> float:
    """Return when a text was signed, in seconds of Unix time; 0 when it does not tell."""
    if not optional:
        return 0

    timestamp = optional.get("timestamp", 0) if isinstance(optional, dict) else None
    # bool is an int in Python.
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        raise SignatureError(TYPE, "Its timestamp is not a number.")

    return timestamp


def _on(signature: Signature) -> str:
    return f"{signature.fingerprint.upper()} on {signature.expires:%Y-%m-%d}."


def _names_of(keys: Iterable[Key]) -> str:
    return _listed(key.fingerprint for key in keys)


def _listed(fingerprints: Iterable[str]) -> str:
    return ", ".join(sorted({fingerprint.upper() for fingerprint in fingerprints})) + "."
