"""Whether versions and digests that are written in several places can all be true."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from okd_gitops.releases.version import IMAGE, Version, digest_of

_REMEDY = "okd-gitops release show {version} tells which digest that version has; correct the other file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A version with its image: who is to run it, and where that is written."""

    owner: str
    place: str
    version: str
    image: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two claims of which at most one is true.

    Not certain: OpenShift publishes a version for each architecture, with one digest for each.
    """

    first: Claim
    second: Claim
    reason: str
    is_certain: bool = True

    @property
    def remedy(self) -> str:
        """How to find out which of the two is true."""
        return _REMEDY.format(version=self.second.version)


def disagreements(claims: Iterable[Claim]) -> Iterator[Disagreement]:
    """Yield each claim that an earlier one contradicts: one digest with two versions, or one version with two
    digests at one registry. An image that is no digest makes no claim.
    """
    by_digest: dict[str, Claim] = {}
    by_version: dict[tuple[str, str], Claim] = {}

    for claim in claims:
        match = IMAGE.fullmatch(claim.image)
        if not match:
            continue

        digest = digest_of(claim.image)
        same_digest = by_digest.setdefault(digest, claim)
        same_version = by_version.setdefault((claim.version, match["repository"]), claim)

        if same_digest.version != claim.version:
            reason = (
                f"one image cannot be {claim.version} here and {same_digest.version} in {same_digest.owner} "
                f"({same_digest.place}): {digest[:19]}…"
            )
            yield Disagreement(same_digest, claim, reason)
        elif same_version.image != claim.image:
            reason = (
                f"{claim.version} has another digest in {same_version.owner} ({same_version.place}), "
                f"at the same registry: {same_version.image.partition('@')[2][:19]}…"
            )
            yield Disagreement(same_version, claim, reason, is_certain=_is_okd(claim.version))


def _is_okd(version: str) -> bool:
    try:
        Version.parse(version)
    except ValueError:
        return False
    return True
