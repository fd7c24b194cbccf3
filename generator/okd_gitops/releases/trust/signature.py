"""The OpenPGP signature of a release: who signed which image, and whether both are what we pinned.

The cluster checks less: any key of its ring, whatever the repository. Here the fingerprint, the time, the
digest, the repository and the version must all be right. Sequoia does the cryptography, and judges a key as
of when the signature was made. That time is written by the signer, so after the end of a key a signature
counts only if it was seen before, or if people state that the key was retired in good order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from okd_gitops.finding import Finding
from okd_gitops.releases.trust.keyring import SEQUOIA_ERRORS, Key, Keyring, KeyUse, read_keyring
from okd_gitops.releases.trust.openpgp import plain, signed_text
from okd_gitops.releases.trust.signed_text import signed_image, without_tag
from okd_gitops.releases.trust.verdict import (
    BAD,
    BROKEN,
    COMPROMISED,
    DIGEST,
    ENDED,
    EXPIRED,
    EXPIRES,
    FUTURE,
    KEY,
    NONE,
    OTHER_KEY,
    REPOSITORY,
    RETIRED,
    REVOKED,
    UNKNOWN,
    UNPINNED,
    VERSION,
    SignatureError,
    Trust,
    finding_about,
)

if TYPE_CHECKING:
    from pysequoia import Decrypted
    from pysequoia.packet import Packet

SOON = timedelta(days=90)
# A real one has under 1 kB. The limit comes before anything is unpacked.
LONGEST_MESSAGE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A signature as a store gives it, and when it was seen first."""

    data: bytes
    seen: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """A good signature: the signed text, the key that made it, what that is for, and when it ends."""

    text: bytes
    ends: datetime
    fingerprint: str
    use: KeyUse


def verify(
    messages: Sequence[Message],
    key_files: Sequence[bytes],
    pinned: Iterable[KeyUse],
    *,
    image: str,
    version: str,
    now: datetime,
) -> Trust:
    """Check the signatures of a version's image (repository@digest); one good one by a pinned key is enough.

    `pinned` are the keys that count, with what they are for.
    """
    keyring = read_keyring(key_files, pinned)
    findings = [finding_about(image, KEY, detail) for detail in keyring.unusable]
    good: list[Signature] = []
    faults: list[SignatureError] = []

    for message in messages:
        try:
            signature = _signature(message, keyring, now)
            _must_be_for(image, version, signature, now)
        except SignatureError as fault:
            faults.append(fault)
        else:
            good.append(signature)

    if not good:
        furthest = max(faults, key=lambda fault: fault.passed_tests, default=SignatureError(NONE))
        reason = finding_about(image, furthest.name, furthest.detail)
        return Trust(verified=False, findings=(reason, *findings))

    longest = max(good, key=lambda signature: (signature.ends, signature.fingerprint))
    findings += _warnings(image, longest, now)
    uses = tuple(dict.fromkeys(signature.use for signature in good))

    return Trust(verified=True, fingerprint=longest.fingerprint, findings=tuple(findings), uses=uses)


def signed_digest(message: bytes) -> str:
    """Return the digest that a message is about, whoever signed it; raises SignatureError for any other."""
    try:
        text = signed_text(plain(message, LONGEST_MESSAGE))
    except ValueError:
        raise SignatureError(BROKEN) from None

    return signed_image(text).digest


def _warnings(image: str, signature: Signature, now: datetime) -> list[Finding]:
    """Return what people must know about the key of a good signature: it ended, or it ends soon."""
    if signature.ends <= now:
        return [finding_about(image, ENDED, _on(signature))]

    if signature.ends - now <= SOON:
        return [finding_about(image, EXPIRES, _on(signature))]

    return []


def _signature(message: Message, keyring: Keyring, now: datetime) -> Signature:
    """Return the good signature of a message; raises SignatureError when no pinned, valid key made one."""
    unpacked, packets = _unpacked(message.data)
    keys = _signing_keys(packets, keyring)
    result = _verified(unpacked, keys)

    signature = max(
        (_made_by(made, keys, keyring, result.bytes or b"") for made in result.valid_sigs),
        key=lambda signature: (signature.ends, signature.fingerprint),
    )

    created = [packet.signature_created for packet in packets if packet.signature_created]
    _must_be_in_time(signature, created, message.seen, now)

    return signature


def _made_by(made: Any, keys: Sequence[Key], keyring: Keyring, text: bytes) -> Signature:
    """Return a signature that Sequoia found valid, with the end of its key: it expires or was retired."""
    use = keyring.pinned[made.certificate]
    expires = next(key.ends[made.signing_key] for key in keys if made.signing_key in key.ends)

    return Signature(text, min(expires, use.retired or expires), made.certificate, use)


def _must_be_in_time(
    signature: Signature, created: Sequence[datetime], seen: datetime, now: datetime
) -> None:
    """Raise SignatureError unless a signature was made before its key ended, as far as anybody can tell.

    Whoever has an ended key can date a signature back. What the hub saw before the end is not made up, and
    a key that people call retired is one that nobody else has.
    """
    if any(time > now for time in created):
        raise SignatureError(FUTURE)

    if signature.ends > now:
        return

    if signature.use.retired is None and seen > signature.ends:
        raise SignatureError(EXPIRED, f"{_on(signature)} The signature was first seen on {seen:%Y-%m-%d}.")

    if any(time > signature.ends for time in created):
        raise SignatureError(RETIRED, _on(signature))


def _unpacked(message: bytes) -> tuple[bytes, list["Packet"]]:
    """Return a message without its compression, and the packets of its signatures."""
    from pysequoia.packet import PacketPile, Tag

    # Sequoia verifies while it reads; reading all of it first tells a message that is cut off from one that
    # was changed.
    try:
        unpacked = plain(message, LONGEST_MESSAGE)
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

    not_revoked = [key for key in pinned if not key.revoked]
    if not not_revoked:
        raise SignatureError(REVOKED, _names_of(pinned))

    usable = [key for key in not_revoked if not keyring.pinned[key.fingerprint].compromised]
    if not usable:
        reasons = sorted({keyring.pinned[key.fingerprint].compromised for key in not_revoked})
        raise SignatureError(COMPROMISED, f"{_names_of(not_revoked)} {'; '.join(reasons)}")

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


def _must_be_for(image: str, version: str, signature: Signature, now: datetime) -> None:
    """Raise SignatureError unless a signed text is about this image of this version, and not from the future.

    Its name may have a tag, which must be the version then.
    """
    repository, _, digest = image.partition("@")
    signed = signed_image(signature.text)
    name, _, digest_in_name = signed.reference.partition("@")

    for signed_digest in (signed.digest, digest_in_name or digest):
        if signed_digest != digest:
            raise SignatureError(DIGEST, f"It is for {signed_digest!r:.120}.")

    signed_repository, tag = without_tag(name)

    if signed_repository != repository:
        raise SignatureError(REPOSITORY, f"It is for {signed.reference!r:.120}.")

    if tag not in ("", version):
        raise SignatureError(VERSION, f"It is for {signed.reference!r:.120}, not for {version}.")

    if repository not in (signature.use.repositories or {repository}):
        raise SignatureError(OTHER_KEY, f"{signature.fingerprint.upper()} is not for {repository}.")

    # NaN is not later than anything, so the comparison must hold for a good timestamp.
    if not signed.timestamp <= now.timestamp():
        raise SignatureError(FUTURE)


def _on(signature: Signature) -> str:
    return f"{signature.fingerprint.upper()} on {signature.ends:%Y-%m-%d}."


def _names_of(keys: Iterable[Key]) -> str:
    return _listed(key.fingerprint for key in keys)


def _listed(fingerprints: Iterable[str]) -> str:
    return ", ".join(sorted({fingerprint.upper() for fingerprint in fingerprints})) + "."
