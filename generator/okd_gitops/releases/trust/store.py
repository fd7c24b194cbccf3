"""A signature store: the signatures of an image, by its digest, and the keys that come with the package.

The cluster asks for signature-1, signature-2, … until one is not there, at most ten (openshift/library-go,
pkg/verify/store/sigstore).
"""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops.finding import Finding
from okd_gitops.releases.sources.answer import AWAY
from okd_gitops.releases.sources.ask import refused
from okd_gitops.releases.trust import signature
from okd_gitops.system.http import Http, NetworkError

_KEYS = Path(__file__).parent / "keys"


def fetch(http: Http, stores: Iterable[str], digest: str) -> tuple[list[bytes], list[Finding]]:
    """Return the signatures of an image at all stores, and a finding (source-away) for each store that did
    not answer.

    Raises ValueError when `digest` is none.
    """
    signed: list[bytes] = []
    findings: list[Finding] = []
    for store in stores:
        for url in signature.urls(store, digest):
            try:
                signed.append(http.get(url))
            except NetworkError as error:
                if error.status != 404:
                    findings += refused(AWAY, url, error.reason, error.remedy).findings
                break
    return signed, findings


def default_keys() -> list[bytes]:
    """Return the key files that come with the package; which keys count is said by fingerprint
    (signature.FINGERPRINTS).
    """
    return [path.read_bytes() for path in sorted(_KEYS.glob("*.asc"))]
