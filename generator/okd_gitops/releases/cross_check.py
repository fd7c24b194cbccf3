"""What is published: what each source says of a release, and what is left when they are compared.

No source is believed alone. One registry has one digest for a version; a name says whether it is a preview;
what a stream does not accept is not accepted, whoever else lists it. Two registries may differ: stable
streams build the tagged image anew, and only the digest of the signed registry has a signature.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from okd_gitops.finding import Finding, Location, ordered
from okd_gitops.releases.graph import Graph
from okd_gitops.releases.sources.answer import (
    ACCEPTED,
    NO_DIGEST,
    NOT_ACCEPTED,
    PHASES,
    PREVIEW,
    TWO_DIGESTS,
    WITHDRAWN,
    Answer,
    Claim,
    dated,
    folded,
)
from okd_gitops.releases.version import IMAGE, Version

# Where the digests are that the CI key signs; facts of openshift/cluster-update-keys and the release streams
# of openshift/release.
SIGNED = "registry.ci.openshift.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version as all sources together say it. `signed` and `mirror` are two images of it, with different
    digests as a rule.

    `streams` accept it; `listed` are the streams that name it, in whatever phase.
    """

    version: Version
    signed: str = ""
    mirror: str = ""
    streams: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    withdrawn: bool = False
    prerelease: bool = False
    published: datetime | None = None
    sources: tuple[str, ...] = ()
    url: str = ""
    images: tuple[str, ...] = field(default=(), repr=False)

    @property
    def accepted(self) -> bool:
        """Whether a stream accepts it and none withdrew it."""
        return bool(self.streams) and not self.withdrawn

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
class Release:
    """A release of a stream, as the sources agree on it.

    `image` is the signed image by digest (empty: nobody knows it), `accepted` whether the stream still
    accepts the release.
    """

    version: Version
    stream: str
    image: str
    published: datetime
    accepted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the sources said of releases, of edges between them, and of the digest of each version at each
    registry, and where they disagree.
    """

    releases: Sequence[Release]
    graph: Graph
    images: Mapping[Version, tuple[str, ...]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()

    def release(self, stream: str, version: Version) -> Release | None:
        """Return a release of a stream."""
        of_stream = (release for release in self.releases if release.stream == stream)

        return next((release for release in of_stream if release.version == version), None)


def cross_check(answers: Sequence[Answer], *, signed: str = SIGNED) -> tuple[list[Published], list[Finding]]:
    """Return each version once, in order, and all findings: those of the answers and those of comparing them.

    `signed` is the host of the registry whose digests are signed.
    """
    said: defaultdict[Version, list[Claim]] = defaultdict(list)
    for answer in answers:
        for release in answer.releases:
            said[release.version].append(release)
    found = [finding for answer in answers for finding in answer.findings]
    published = [_published(version, said[version], signed) for version in sorted(said)]
    for version in sorted(said):
        found += _two_digests(version, said[version])
    found += folded(
        NOT_ACCEPTED,
        _unaccepted(published, answers),
        "its stream does not accept",
        "wait for the stream, or do not use it",
    )
    previews = [
        version.text for version in sorted(said) if any(_hidden(release) for release in said[version])
    ]
    found += folded(
        PREVIEW, previews, "the name says preview, the source says release:", "nothing to do: the name counts"
    )
    torn = [
        item.version.text
        for item in published
        if item.streams and any(release.phase in WITHDRAWN[:2] for release in said[item.version])
    ]
    found += folded(PHASES, torn, "accepted here and rejected there:", "ask why it was rejected")
    bare = [
        item.version.text
        for item in published
        if item.accepted and not item.images and not _disputed(said[item.version])
    ]
    found += folded(
        NO_DIGEST, bare, "only tags are known of", "add the update graph or the mirror to the sources"
    )
    return published, ordered(found)


def learned(
    published: Sequence[Published], graph: Graph, findings: Sequence[Finding], *, unknown: datetime
) -> Learned:
    """Return what is known of releases; `unknown` as for `releases_of_streams`."""
    images = {item.version: item.images for item in published}
    releases = releases_of_streams(published, unknown=unknown)

    return Learned(releases=releases, graph=graph, images=images, findings=findings)


def releases_of_streams(published: Iterable[Published], *, unknown: datetime) -> list[Release]:
    """Return each release once for each stream that lists it, with its signed image.

    `unknown` is when a release counts as published whose age no source tells: pass the time of the question,
    so that it is as young as can be.
    """
    return [
        Release(
            version=item.version,
            stream=stream,
            image=item.signed,
            published=item.published or unknown,
            accepted=stream in item.streams and not item.withdrawn,
        )
        for item in published
        for stream in item.listed
    ]


def _published(version: Version, said: Sequence[Claim], signed: str) -> Published:
    images = _images(said)
    usable = {registry: min(of) for registry, of in images.items() if len(of) == 1}
    ours = sorted(image for registry, image in usable.items() if registry.partition("/")[0] == signed)
    others = sorted(image for registry, image in usable.items() if registry.partition("/")[0] != signed)
    times = [release.published for release in said if release.published]
    return Published(
        version=version,
        signed=ours[0] if ours else "",
        mirror=others[0] if others else "",
        streams=tuple(
            sorted({release.stream or release.source for release in said if release.phase == ACCEPTED})
        ),
        listed=tuple(sorted({release.stream for release in said if release.stream})),
        withdrawn=any(release.phase in WITHDRAWN for release in said),
        prerelease=any(release.prerelease for release in said) or not _final(version, said),
        # The latest of all: a tag that was pushed again is as young as the push.
        published=dated(version) or max(times, default=None),
        sources=tuple(sorted({release.source for release in said})),
        url=min((release.url for release in said if release.url), default=""),
        images=tuple(sorted(usable.values())),
    )


def _images(said: Iterable[Claim]) -> Mapping[str, set[str]]:
    images: defaultdict[str, set[str]] = defaultdict(set)
    for release in said:
        if match := IMAGE.fullmatch(release.image):
            images[match["repository"]].add(release.image)
    return images


def _disputed(said: Iterable[Claim]) -> bool:
    return any(len(of) > 1 for of in _images(said).values())


def _two_digests(version: Version, said: Sequence[Claim]) -> list[Finding]:
    findings = []
    for registry, images in sorted(_images(said).items()):
        if len(images) > 1:
            who = {
                image: ", ".join(sorted({release.source for release in said if release.image == image}))
                for image in images
            }
            told = "; ".join(f"{image.partition('@')[2]} ({who[image]})" for image in sorted(images))
            reason = f"{version.text} has {len(images)} digests at {registry}: {told}"
            remedy = "use neither; ask the publisher which one is the release"
            findings.append(
                Finding(name=TWO_DIGESTS, location=Location(file=registry), reason=reason, remedy=remedy)
            )
    return findings


def _unaccepted(published: Sequence[Published], answers: Sequence[Answer]) -> list[str]:
    """Return what a tagged release page lists, whose stream was read to its end and does not accept it."""
    known = {answer.stream for answer in answers if answer.stream and answer.complete}
    shown = {
        release.version for answer in answers for release in answer.releases if release.prerelease is not None
    }
    return [
        item.version.text
        for item in published
        if item.version in shown and _stream(item.version) in known and not item.accepted
    ]


def _stream(version: Version) -> str:
    """Return the stream that has to accept a version; nothing for dated builds, which were releases in one
    era and none in another.
    """
    if version.rank in ("dated", "nightly"):
        return ""
    return f"{version.major}-scos-{'stable' if version.rank == 'release' else 'next'}"


def _final(version: Version, said: Iterable[Claim]) -> bool:
    """Whether it is a release by its name; dated builds were the releases of stable streams before 4.16."""
    stable = any(release.stream.endswith("-stable") and release.phase == ACCEPTED for release in said)
    return version.rank == "release" or (version.rank == "dated" and stable)


def _hidden(release: Claim) -> bool:
    """Whether a preview is called a release by a flag or a stream."""
    preview = release.version.rank in ("ec", "fc", "rc", "nightly")
    return preview and (
        release.prerelease is False or (release.stream.endswith("-stable") and release.phase == ACCEPTED)
    )
