"""A signature store: the signatures of an image, by its digest, and the keys that come with the package.

The cluster asks for signature-1, signature-2, … until one does not exist, at most ten (openshift/library-go,
pkg/verify/store/sigstore).
"""

from collections.abc import Iterable
from pathlib import Path

from okd_gitops.finding import Finding
from okd_gitops.releases.sources.ask import away
from okd_gitops.releases.version import SHA256
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http

_KEYS = Path(__file__).parent / "keys"
_MOST_SIGNATURES = 10


def fetch(http: Http, stores: Iterable[str], digest: str) -> tuple[list[bytes], list[Finding]]:
    """Return the signatures of an image at all stores, and a finding for each store that did not answer.

    Raises ValueError when `digest` is not a SHA-256 digest.
    """
    signatures: list[bytes] = []
    findings: list[Finding] = []

    for store in stores:
        for url in urls(store, digest):
            try:
                signatures.append(http.get(url))
            except NetworkError as error:
                if error.status != 404:
                    findings += away(url, error).findings
                break

    return signatures, findings


def urls(store: str, digest: str) -> list[str]:
    """Return where the signatures of an image are, in the order to ask.

    The first that does not exist ends the list. Raises ValueError when `digest` is not a SHA-256 digest.
    """
    if not SHA256.fullmatch(digest):
        raise ValueError(f'"{digest}" is not a sha256 digest')

    folder = f"{store.rstrip('/')}/{digest.replace(':', '=')}"
    return [f"{folder}/signature-{number}" for number in range(1, _MOST_SIGNATURES + 1)]


def default_keys() -> list[bytes]:
    """Return the key files that come with the package; keyring.FINGERPRINTS pins those that count."""
    return [path.read_bytes() for path in sorted(_KEYS.glob("*.asc"))]
