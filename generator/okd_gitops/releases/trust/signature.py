"""The OpenPGP signature of a release: who signed which image, and whether that is the image and the key
that we pinned.

The cluster checks less: any key of its ring, whatever the repository. Here the fingerprint, the expiry, the
digest and the repository must all be right. Sequoia does the cryptography, and judges a key as of when the
signature was made; expiry at `now` is compared here.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, Location, Severity
from okd_gitops.releases.trust.openpgp import plain
from okd_gitops.releases.version import SHA256

if TYPE_CHECKING:
    from pysequoia import Cert

NONE, BROKEN, UNKNOWN, UNPINNED, REVOKED, BAD, EXPIRED = (
    "signature-missing",
    "malformed-signature",
    "unknown-signing-key",
    "unpinned-signing-key",
    "revoked-signing-key",
    "bad-signature",
    "expired-signing-key",
)
NOT_JSON, TYPE, DIGEST, REPOSITORY, FUTURE, EXPIRES, KEY = (
    "signed-text-not-json",
    "not-an-image-signature",
    "signed-other-image",
    "signed-other-repository",
    "signature-from-future",
    "signing-key-expires-soon",
    "unusable-signing-key",
)
NOT_CONFIGURED = "signatures-not-configured"
# In the order in which they are tested: of several signatures that fail, the one that came furthest says the
# most.
_ORDER = (NONE, BROKEN, UNKNOWN, UNPINNED, REVOKED, BAD, EXPIRED, NOT_JSON, TYPE, DIGEST, REPOSITORY, FUTURE)
# openshift-ci-release-key, the fourth; it signs OKD. Read in openshift/cluster-update-keys,
# keys/verifier-public-key-openshift-ci-4.
FINGERPRINTS = frozenset({"6A9588F07F2D3AE7973AD2A9193E53CCD2E2F7A4"})
# Where its signatures are; read in openshift/cluster-update-keys, stores/store-openshift-ci-release.
STORE = "https://storage.googleapis.com/openshift-ci-release/releases/signatures/openshift/release"
SOON = timedelta(days=90)
_NEVER = datetime.max.replace(tzinfo=UTC)
# A real one has under 1 kB. The limit comes before anything is unpacked.
_LIMIT = 16 * 1024
# What Sequoia raises; its text carries a stack trace, so it is not shown.
_ERRORS = (RuntimeError, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the n-th signature (0: with none in particular)."""

    number: int
    name: str
    detail: str = ""

    @property
    def reason(self) -> str:
        """What it is, in words."""
        return f"{explanation_of(self.name).title} {self.detail}".strip()

    def finding(self, image: str) -> Finding:
        """Return it as a finding about the image that was to be verified."""
        explanation = explanation_of(self.name)
        severity = Severity(explanation.severity)
        return Finding(
            name=self.name,
            location=Location(file=image),
            reason=self.reason,
            remedy=explanation.remedy,
            severity=severity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a release is verified, by which key, else why not; `faults` are of the single signatures,
    and stay when another is good.
    """

    verified: bool
    fingerprint: str = ""
    expires: datetime | None = None
    worst: Fault | None = None
    warnings: tuple[Fault, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def told(self) -> tuple[Fault, ...]:
        """What a person is to know: why it is not verified, and what will be wrong soon."""
        return (self.worst, *self.warnings) if self.worst else self.warnings


@dataclass(frozen=True, slots=True)
class _Key:
    cert: "Cert"
    fingerprint: str
    revoked: bool
    # By fingerprint, of the key itself and each subkey: the end of its validity.
    ends: Mapping[str, datetime]


def urls(store: str, digest: str) -> list[str]:
    """Return where the signatures of an image are, in the order to ask; the first that is not there ends
    the list.
    """
    if not SHA256.fullmatch(digest):
        raise ValueError(f'"{digest}" is not a sha256 digest')
    return [f"{store.rstrip('/')}/{digest.replace(':', '=')}/signature-{number}" for number in range(1, 11)]


def verify(
    signed: Sequence[bytes],
    keys: Sequence[bytes],
    fingerprints: frozenset[str],
    *,
    digest: str,
    repository: str,
    now: datetime,
) -> Verdict:
    """Verify a release: one good signature by a pinned key suffices. A key file may hold several keys, as
    the one of OKD does.
    """
    pinned = frozenset("".join(fingerprint.split()).lower() for fingerprint in fingerprints)
    ring, warnings = _ring(keys)
    faults: list[Fault] = []
    good: list[tuple[datetime, str]] = []
    for number, message in enumerate(signed, 1):
        made = _made(message, ring, pinned, now)
        if not isinstance(made, tuple):
            text, end, fingerprint = made.text, made.end, made.fingerprint
            made = _meant(text, digest, repository, now)
            if not made[0]:
                good.append((end, fingerprint))
                continue
        faults.append(Fault(number, *made))
    if not good:
        worst = max(faults, key=lambda fault: _ORDER.index(fault.name), default=Fault(0, NONE))
        return Verdict(verified=False, worst=worst, warnings=tuple(warnings), faults=tuple(faults))
    end, fingerprint = max(good)
    if end - now <= SOON:
        warnings.append(Fault(0, EXPIRES, f"{fingerprint.upper()} on {end:%Y-%m-%d}."))
    expires = None if end == _NEVER else end
    return Verdict(
        verified=True,
        fingerprint=fingerprint,
        expires=expires,
        warnings=tuple(warnings),
        faults=tuple(faults),
    )


def _ring(files: Sequence[bytes]) -> tuple[list[_Key], list[Fault]]:
    """Read the keys; one that cannot be used hides no other."""
    from pysequoia import Cert

    ring, faults = [], []
    for number, data in enumerate(files, 1):
        try:
            certs = Cert.split_bytes(data)
            if not certs:
                raise ValueError
        except _ERRORS:
            faults.append(Fault(0, KEY, f"Key file {number}."))
            continue
        for cert in certs:
            try:
                ring.append(_Key(cert, cert.fingerprint, cert.is_revoked, dict(_ends(cert))))
            except _ERRORS:
                faults.append(Fault(0, KEY, f"Key file {number}, {cert.fingerprint.upper()}."))
    return ring, faults


def _ends(cert: "Cert") -> Iterator[tuple[str, datetime]]:
    """Say when the key and its subkeys expire. The library tells it of the key alone; of a subkey its last
    binding does.
    """
    from pysequoia.packet import PacketPile, SignatureType, Tag

    whole = cert.expiration or _NEVER
    yield cert.fingerprint, whole
    subkey, created, bound = "", _NEVER, None
    for packet in PacketPile.from_bytes(bytes(cert)):
        if packet.tag == Tag.PublicSubkey:
            subkey, created, bound = packet.fingerprint, packet.key_created, None
            yield subkey, whole
            continue
        binds = (
            subkey and packet.tag == Tag.Signature and packet.signature_type == SignatureType.SubkeyBinding
        )
        if binds and (bound is None or packet.signature_created >= bound):
            bound, period = packet.signature_created, packet.key_validity_period
            yield subkey, min(whole, created + period) if period else whole


@dataclass(frozen=True, slots=True)
class _Made:
    text: bytes
    end: datetime
    fingerprint: str


def _made(
    message: bytes, ring: Sequence[_Key], pinned: frozenset[str], now: datetime
) -> _Made | tuple[str, str]:
    """Return the text of a message, if a pinned key that is valid now signed it, else the name and details
    of what is wrong.
    """
    import pysequoia
    from pysequoia.packet import PacketPile, Tag

    try:
        # Sequoia checks while it reads; reading all of it first tells a message that is cut off from one that
        # was changed.
        message = plain(message, _LIMIT)
        packets = [packet for packet in PacketPile.from_bytes(message) if packet.tag == Tag.Signature]
    except _ERRORS:
        return BROKEN, ""
    issuers = {(packet.issuer_fingerprint or packet.issuer_key_id or "?").lower() for packet in packets}
    mine = [key for key in ring if any(name.endswith(issuer) for name in key.ends for issuer in issuers)]
    names = (
        ", ".join(sorted({key.fingerprint.upper() for key in mine} or {issuer.upper() for issuer in issuers}))
        + "."
    )
    if not mine:
        return UNKNOWN, names
    mine = [key for key in mine if key.fingerprint in pinned]
    if not mine:
        return UNPINNED, names
    if all(key.revoked for key in mine):
        return REVOKED, names
    try:
        result = pysequoia.verify(message, store=lambda _: [key.cert for key in mine if not key.revoked])
    except _ERRORS:
        return BAD, names
    ends = {name: end for key in mine for name, end in key.ends.items()}
    end, fingerprint = max((ends[one.signing_key], one.certificate) for one in result.valid_sigs)
    if end <= now:
        return EXPIRED, f"{fingerprint.upper()} on {end:%Y-%m-%d}."
    if any(packet.signature_created and packet.signature_created > now for packet in packets):
        return FUTURE, ""
    return _Made(result.bytes or b"", end, fingerprint)


def _meant(text: bytes, digest: str, repository: str, now: datetime) -> tuple[str, str]:
    """Return the name and details of what is wrong with what was signed; two empty strings when it is this
    image.
    """
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        return NOT_JSON, ""
    match data:
        case {
            "critical": {
                "type": "atomic container signature",
                "image": {"docker-manifest-digest": str(of)},
                "identity": {"docker-reference": str(name)},
            }
        }:
            pass
        case _:
            return TYPE, ""
    named, _, at = name.partition("@")
    if of != digest or at not in ("", digest):
        return DIGEST, f"It is for {of if of != digest else at!r:.120}."
    if re.sub(r":[^/:]*$", "", named) != repository:
        return REPOSITORY, f"It is for {name!r:.120}."
    optional = data.get("optional") or {}
    stamp = optional.get("timestamp", 0) if isinstance(optional, dict) else ""
    if isinstance(stamp, bool) or not isinstance(stamp, (int, float)):
        return TYPE, "Its timestamp is not a number."
    return (FUTURE, "") if not stamp <= now.timestamp() else ("", "")
