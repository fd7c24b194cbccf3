"""What the check of an image's signature concludes, and what can be wrong with a signature."""

from dataclasses import dataclass
from typing import Any

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, finding_of
from okd_gitops.releases.trust.keyring import KeyUse

NONE, BROKEN, UNKNOWN, UNPINNED, REVOKED, COMPROMISED, BAD, EXPIRED, RETIRED = (
    "signature-missing",
    "malformed-signature",
    "unknown-signing-key",
    "unpinned-signing-key",
    "revoked-signing-key",
    "compromised-signing-key",
    "bad-signature",
    "expired-signing-key",
    "signed-after-retirement",
)
NOT_JSON, TYPE, DIGEST, REPOSITORY, VERSION, OTHER_KEY, FUTURE = (
    "signed-text-not-json",
    "not-an-image-signature",
    "signed-other-image",
    "signed-other-repository",
    "signed-other-version",
    "key-for-other-repository",
    "signature-from-future",
)
EXPIRES, ENDED, KEY, NOT_CONFIGURED = (
    "signing-key-expires-soon",
    "signing-key-ended",
    "unusable-signing-key",
    "signatures-not-configured",
)
# In the order in which they are tested. Of several bad signatures, the one that passed most tests explains
# most.
_ORDER = (
    *(NONE, BROKEN, UNKNOWN, UNPINNED, REVOKED, COMPROMISED, BAD, EXPIRED, RETIRED),
    *(NOT_JSON, TYPE, DIGEST, REPOSITORY, VERSION, OTHER_KEY, FUTURE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whether the signature of an image is good, by which key, and what is wrong or will be soon.

    `uses` say what the keys of its good signatures are for.
    """

    verified: bool
    fingerprint: str = ""
    findings: tuple[Finding, ...] = ()
    uses: tuple[KeyUse, ...] = ()

    def fault_for(self, stream: str, purpose: str) -> str:
        """Return why no key that signed is meant for clusters of this purpose that follow this stream."""
        faults = [_fault_for(use, stream, purpose) for use in self.uses]

        return "" if "" in faults else "; ".join(faults)

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        findings = [finding.as_json() for finding in self.findings]
        return {"verified": self.verified, "fingerprint": self.fingerprint, "findings": findings}


def _fault_for(use: KeyUse, stream: str, purpose: str) -> str:
    if use.streams and stream not in use.streams:
        return f"{use.fingerprint[-16:]} is for {', '.join(sorted(use.streams))}, not for {stream}"

    if use.purposes and purpose not in use.purposes:
        return f"{use.fingerprint[-16:]} is for {', '.join(sorted(use.purposes))}, not for {purpose}"

    return ""


class SignatureError(Exception):
    """One signature is not good; `name` is that of its finding, `detail` is a sentence that adds to it."""

    def __init__(self, name: str, detail: str = "") -> None:
        super().__init__(name, detail)
        self.name, self.detail = name, detail

    @property
    def passed_tests(self) -> int:
        """How many tests the signature passed before this one."""
        return _ORDER.index(self.name)


def finding_about(image: str, name: str, detail: str = "") -> Finding:
    """Return a finding about the image whose signature is checked."""
    title = explanation_of(name).title
    return finding_of(name, image, f"{title} {detail}".strip())
