"""What the check of an image's signature concludes, and what can be wrong with a signature."""

from dataclasses import dataclass
from typing import Any

from okd_gitops.explanation import explanation_of
from okd_gitops.finding import Finding, finding_of

NONE, BROKEN, UNKNOWN, UNPINNED, REVOKED, BAD, EXPIRED = (
    "signature-missing",
    "malformed-signature",
    "unknown-signing-key",
    "unpinned-signing-key",
    "revoked-signing-key",
    "bad-signature",
    "expired-signing-key",
)
NOT_JSON, TYPE, DIGEST, REPOSITORY, FUTURE = (
    "signed-text-not-json",
    "not-an-image-signature",
    "signed-other-image",
    "signed-other-repository",
    "signature-from-future",
)
EXPIRES, KEY, NOT_CONFIGURED = (
    "signing-key-expires-soon",
    "unusable-signing-key",
    "signatures-not-configured",
)
# In the order in which they are tested. Of several bad signatures, the one that passed most tests explains
# most.
_ORDER = (NONE, BROKEN, UNKNOWN, UNPINNED, REVOKED, BAD, EXPIRED, NOT_JSON, TYPE, DIGEST, REPOSITORY, FUTURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whether the signature of an image is good, by which key, and what is wrong or will be soon."""

    verified: bool
    fingerprint: str = ""
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        findings = [finding.as_json() for finding in self.findings]
        return {"verified": self.verified, "fingerprint": self.fingerprint, "findings": findings}


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
