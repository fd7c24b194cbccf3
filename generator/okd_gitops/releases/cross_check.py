"""What is published: the claims of all sources about each release, compared.

No source is believed alone. One registry has one digest for a version; a name says whether it is a preview;
what a stream does not accept is not accepted, whoever else lists it. Two registries may differ: stable
streams build the tagged image anew, and only the digest of the signed registry has a signature.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from okd_gitops.finding import Finding, finding_of, ordered
from okd_gitops.releases.graph import Graph
from okd_gitops.releases.json_answer import listed
from okd_gitops.releases.sources.answer import (
    ACCEPTED,
    FAILED,
    REJECTED,
    WITHDRAWN,
    Answer,
    Claim,
    dated,
)
from okd_gitops.releases.version import IMAGE, Version

NO_DIGEST, TWO_DIGESTS, NOT_ACCEPTED, PREVIEW, PHASES = (
    "digest-unknown",
    "two-digests",
    "not-accepted",
    "preview-as-release",
    "phases-differ",
)
_PLACE = "releases"
# Where the digests are that the CI key signs; facts of openshift/cluster-update-keys and the release streams
# of openshift/release.
SIGNED = "registry.ci.openshift.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A version as all sources together describe it.

    `signed` and `mirror` are two images of it by digest (empty: unknown), as a rule with different digests.
    `streams` accept it; `listed` are the streams that name it, in whatever phase; `phases` has that of each.
    `withdrawn` is why it must not be used (empty: it may be). `signature`, in base64, is that of a release of
    one's own: no store on the network has it.
    """

    version: Version
    signed: str = ""
    mirror: str = ""
    streams: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    withdrawn: str = ""
    prerelease: bool = False
    published: datetime | None = None
    sources: tuple[str, ...] = ()
    url: str = ""
    notes: str = field(default="", repr=False)
    images: tuple[str, ...] = field(default=(), repr=False)
    phases: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    signature: str = field(default="", repr=False)

    @property
    def accepted(self) -> bool:
        """Whether a stream accepts it and none withdrew it."""
        return bool(self.streams) and not self.withdrawn

    @property
    def offered_in(self) -> tuple[str, ...]:
        """The streams that list it and accept it; none when any source withdrew it."""
        if self.withdrawn:
            return ()

        return tuple(stream for stream in self.listed if stream in self.streams)

    def as_json(self) -> dict[str, Any]:
        """Return the form that `--output json` prints."""
        return {
            "version": self.version.text,
            "accepted": self.accepted,
            "streams": list(self.streams),
            "withdrawn": self.withdrawn,
            "published": self.published.isoformat() if self.published else None,
            "signedImage": self.signed,
            "mirrorImage": self.mirror,
            "sources": list(self.sources),
            "url": self.url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the sources answered: releases, edges between them, and disagreements.

    `newer` is the command that gets newer answers, where these are recorded ones.
    """

    releases: Sequence[Release]
    graph: Graph
    findings: Sequence[Finding] = ()
    newer: str = ""

    def release(self, stream: str, version: Version) -> Release | None:
        """Return a release that a stream lists."""
        of_stream = (release for release in self.releases if stream in release.listed)

        return next((release for release in of_stream if release.version == version), None)

    def known(self, version: Version) -> Release | None:
        """Return a release that any source names, also when no stream lists it."""
        return next((release for release in self.releases if release.version == version), None)


def cross_check(answers: Sequence[Answer], *, signed: str = SIGNED) -> tuple[list[Release], list[Finding]]:
    """Return each version once, in order, and all findings: those of the answers and those of comparing them.

    `signed` is the host of the registry whose digests are signed.
    """
    claims_of = _claims_by_version(answers)
    versions = sorted(claims_of)
    published = [_published(version, claims_of[version], signed) for version in versions]

    findings: list[Finding] = []
    for answer in answers:
        findings += answer.findings
    for version in versions:
        findings += _two_digests(version, claims_of[version])

    not_accepted = _not_accepted(published, answers)
    hidden_previews = [version.text for version in versions if any(map(_hides_preview, claims_of[version]))]
    disputed = [item.version.text for item in published if _phases_differ(item, claims_of[item.version])]
    without_digest = [item.version.text for item in published if _lacks_digest(item, claims_of[item.version])]

    findings += listed(NOT_ACCEPTED, _PLACE, not_accepted, "its stream does not accept")
    findings += listed(PREVIEW, _PLACE, hidden_previews, "the name says preview, the source says release:")
    findings += listed(PHASES, _PLACE, disputed, "accepted here and rejected there:")
    findings += listed(NO_DIGEST, _PLACE, without_digest, "only tags are known of")

    return published, ordered(findings)


def _claims_by_version(answers: Iterable[Answer]) -> Mapping[Version, list[Claim]]:
    claims_of: defaultdict[Version, list[Claim]] = defaultdict(list)
    for answer in answers:
        for claim in answer.releases:
            claims_of[claim.version].append(claim)
    return claims_of


def _published(version: Version, claims: Sequence[Claim], signed: str) -> Release:
    images = _usable_images(claims)
    signed_image, mirrored_image = signed_and_mirrored(images, signed)
    streams = {claim.stream for claim in claims} - {""}

    return Release(
        version=version,
        signed=signed_image,
        mirror=mirrored_image,
        streams=_accepting_streams(claims),
        listed=tuple(sorted(streams)),
        withdrawn=_why_withdrawn(claims),
        prerelease=not _is_final(version, claims),
        published=dated(version) or _latest(claims),
        sources=tuple(sorted({claim.source for claim in claims})),
        url=_first_url(claims),
        notes=max((claim.notes for claim in claims), key=len, default=""),
        images=images,
        phases=tuple(sorted((claim.stream, claim.phase) for claim in claims if claim.stream)),
    )


def signed_and_mirrored(images: Iterable[str], signed: str = SIGNED) -> tuple[str, str]:
    """Return the image at the registry whose digests are signed, and one at another; empty: unknown."""
    by_host = sorted(images)
    signed_images = [image for image in by_host if _host_of(image) == signed]
    mirrored_images = [image for image in by_host if _host_of(image) != signed]

    return next(iter(signed_images), ""), next(iter(mirrored_images), "")


def _why_withdrawn(claims: Iterable[Claim]) -> str:
    """Return why a release must not be used: the reason that people gave, else which source says so."""
    against = [claim for claim in claims if claim.phase in (REJECTED, FAILED, WITHDRAWN)]
    reasons = sorted({claim.reason for claim in against if claim.reason})
    phases = sorted({f"{claim.phase} in {claim.stream or claim.source}" for claim in against})

    return "; ".join(reasons or phases)


def _first_url(claims: Iterable[Claim]) -> str:
    return min((claim.url for claim in claims if claim.url), default="")


def _latest(claims: Iterable[Claim]) -> datetime | None:
    """Return the latest time of all: a tag that was pushed again is as young as the push."""
    times = [claim.published for claim in claims if claim.published]
    return max(times, default=None)


def _accepting_streams(claims: Iterable[Claim]) -> tuple[str, ...]:
    """Return the streams that accept a version; a source without streams counts as one."""
    return tuple(sorted({claim.stream or claim.source for claim in claims if claim.phase == ACCEPTED}))


def _host_of(image: str) -> str:
    return image.partition("/")[0]


def _images_by_repository(claims: Iterable[Claim]) -> Mapping[str, set[str]]:
    images: defaultdict[str, set[str]] = defaultdict(set)
    for claim in claims:
        if match := IMAGE.fullmatch(claim.image):
            images[match["repository"]].add(claim.image)
    return images


def _usable_images(claims: Iterable[Claim]) -> tuple[str, ...]:
    """Return the image of each repository for which the sources name a single one."""
    images = _images_by_repository(claims).values()
    return tuple(sorted(min(same_repository) for same_repository in images if len(same_repository) == 1))


def _has_two_digests(claims: Iterable[Claim]) -> bool:
    return any(len(images) > 1 for images in _images_by_repository(claims).values())


def _two_digests(version: Version, claims: Sequence[Claim]) -> list[Finding]:
    findings = []

    for repository, images in sorted(_images_by_repository(claims).items()):
        if len(images) > 1:
            digests = "; ".join(_digest_and_sources(image, claims) for image in sorted(images))
            reason = f"{version.text} has {len(images)} digests at {repository}: {digests}"
            findings.append(finding_of(TWO_DIGESTS, repository, reason))

    return findings


def _digest_and_sources(image: str, claims: Iterable[Claim]) -> str:
    _, _, digest = image.partition("@")
    sources = sorted({claim.source for claim in claims if claim.image == image})
    return f"{digest} ({', '.join(sources)})"


def _not_accepted(published: Sequence[Release], answers: Sequence[Answer]) -> list[str]:
    """Return the versions of a release page whose stream was read to its end and does not accept them."""
    complete_streams = {answer.stream for answer in answers if answer.complete}
    on_release_page = _on_release_page(answers)
    unaccepted = [item.version for item in published if not item.accepted]

    return [
        version.text
        for version in unaccepted
        if version in on_release_page and _stream(version) in complete_streams
    ]


def _on_release_page(answers: Iterable[Answer]) -> set[Version]:
    """Return the versions of a release page: only claims of one have the flag of previews."""
    claims = [claim for answer in answers for claim in answer.releases]
    return {claim.version for claim in claims if claim.prerelease is not None}


def _stream(version: Version) -> str | None:
    """Return the stream that has to accept a version.

    None for dated builds, which were releases in one era and none in another.
    """
    if version.rank in ("dated", "nightly"):
        return None
    return f"{version.major}-scos-{'stable' if version.rank == 'release' else 'next'}"


def _is_final(version: Version, claims: Sequence[Claim]) -> bool:
    """Whether it is a release by its name, and no source flags it as a preview.

    Dated builds were the releases of stable streams before 4.16.
    """
    if any(claim.prerelease for claim in claims):
        return False
    if version.rank == "dated":
        return any(map(_accepts_in_stable_stream, claims))
    return version.rank == "release"


def _hides_preview(claim: Claim) -> bool:
    """Whether a preview is called a release by a flag or a stream."""
    is_preview = claim.version.rank in ("ec", "fc", "rc", "nightly")
    return is_preview and (claim.prerelease is False or _accepts_in_stable_stream(claim))


def _accepts_in_stable_stream(claim: Claim) -> bool:
    return claim.phase == ACCEPTED and claim.stream.endswith("-stable")


def _phases_differ(item: Release, claims: Iterable[Claim]) -> bool:
    is_rejected = any(claim.phase in (REJECTED, FAILED) for claim in claims)
    return is_rejected and bool(item.streams)


def _lacks_digest(item: Release, claims: Iterable[Claim]) -> bool:
    """Whether only tags are known of an accepted release; two digests are a finding of their own."""
    return item.accepted and not item.images and not _has_two_digests(claims)
