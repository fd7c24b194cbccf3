"""OKD releases: the grammar and order of versions, channels and streams, and the two digests.

SemVer puts `4.20.0-okd-scos.ec.14` above `4.20.0-okd-scos.0`; OKD means the reverse. The grammar and the
ranks were read in openshift/release-controller (release names) and in the release streams of
openshift/release.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache, total_ordering

from okd_gitops.releases.lines import facts

SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
IMAGE = re.compile(
    rf"(?P<repository>[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+)@{SHA256.pattern}"
)
_NUMBER = r"(0|[1-9][0-9]*)"
_VERSION = re.compile(
    rf"(?P<major>{_NUMBER})\.(?P<minor>{_NUMBER})\.(?P<patch>{_NUMBER})-"
    rf"(?:0\.okd(?P<flavour>-scos)?(?P<nightly>-nightly)?-(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}-[0-9]{{6}})(-[a-z0-9]+)?"
    rf"|okd-scos\.(?:(?P<pre>ec|fc|rc)\.(?P<preview>{_NUMBER})|(?P<number>{_NUMBER}))"
    rf"(?:\.(?P<build>[a-z][a-z0-9-]*)\.(?P<count>{_NUMBER}))?)"
)
_STREAM = re.compile(
    r"(?P<major>[1-9][0-9]*)(?P<scos>-scos)?-(?P<name>stable|next)|[1-9][0-9]*\.[0-9]+\.0-0\.okd(-scos)?(-nightly)?"
)


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version of OKD in any of its grammars; orders by OKD's meaning."""

    text: str
    major: int
    minor: int
    patch: int
    rank: str
    number: int
    # What a laboratory or a stream of one's own made, such as X-okd-scos.8.lab.3, comes after the release 8
    # that it was made from and before 9, also by SemVer.
    build: str = ""
    count: int = -1

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version; raises ValueError for any other text."""
        return _parsed(text)

    @property
    def line(self) -> str:
        """The release line, `major.minor`."""
        return f"{self.major}.{self.minor}"

    def _key(self) -> tuple[int, int, int, int, int, str, int, str]:
        ranks = {"dated": 0, "nightly": 1, "ec": 2, "fc": 3, "rc": 4, "release": 5, "lab": 5}
        line_and_patch = self.major, self.minor, self.patch

        return *line_and_patch, ranks[self.rank], self.number, self.build, self.count, self.text

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()


# Clusters have few versions, each of which is asked for several times.
@lru_cache(maxsize=1024)
def _parsed(text: str) -> Version:
    match = _VERSION.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is not an OKD version')

    if match["date"]:
        rank = "nightly" if match["nightly"] else "dated"
        number = int(match["date"].replace("-", ""))
    elif match["pre"]:
        rank, number = match["pre"], int(match["preview"])
    else:
        rank, number = "lab" if match["build"] == "lab" else "release", int(match["number"])

    build, count = match["build"] or "", int(match["count"] or -1)
    numbers = int(match["major"]), int(match["minor"]), int(match["patch"])

    return Version(text, *numbers, rank, number, build, count)


def digest_of(image: str) -> str:
    """Return the digest of an image, sha256:HEX; empty for one without."""
    return image.partition("@")[2]


def image_fault(image: str) -> str:
    """Return why an image reference is not a digest, or nothing."""
    if IMAGE.fullmatch(image):
        return ""

    _, separator, digest = image.partition("@")
    if not separator:
        return "an image is a digest (name@sha256:…), because a tag can move after review"
    if not digest.startswith("sha256:"):
        return "a digest starts with sha256:"
    if not re.fullmatch(r"[0-9a-f]{64}", digest[7:]):
        return f"a sha256 digest has 64 hexadecimal digits, this one has {len(digest) - 7}"

    return "the name of the image is not valid"


def is_okd_stream(stream: str) -> bool:
    """Whether OKD's release controller has streams of such a name: of a known major, or of a line."""
    match = _STREAM.fullmatch(stream)

    return match is not None and (match["major"] is None or match["major"] in _majors())


def okd_streams() -> list[str]:
    """Return the names of OKD's release streams: those of the known majors, and of each known line."""
    of_majors = [f"{major}-scos-{name}" for major in sorted(_majors()) for name in ("stable", "next")]
    of_lines = [f"{line}.0-0.okd-scos{kind}" for line in facts().lines for kind in ("", "-nightly")]

    return of_majors + of_lines


def _majors() -> set[str]:
    return {line.partition(".")[0] for line in facts().lines}


def channel_fault(channel: str) -> tuple[str, str]:
    """Return why a name is not an update channel, and the remedy; two empty strings when it is one."""
    if _channels().fullmatch(channel):
        return "", ""

    stream = _STREAM.fullmatch(channel)
    if not stream:
        return f'"{channel}" is not an update channel', "a channel looks like stable-scos-4 or next-scos-4"

    reason = f'"{channel}" is a release stream, not an update channel: the cluster would be offered nothing'
    if not stream["major"]:
        return reason, "use stable-scos-… of the major"

    return reason, f'did you mean "{stream["name"]}{stream["scos"] or ""}-{stream["major"]}"?'


def outside_channel(version: str, channel: str) -> bool:
    """Whether a version's number does not start with the number that the channel ends with."""
    match = _channels().fullmatch(channel)
    if not match:
        return False

    return not version.startswith(f"{match['prefix']}.")


@cache
def _channels() -> re.Pattern[str]:
    """Return what a channel looks like: a known name, and a major or a line."""
    channels = facts().channels
    names = {name.removesuffix("-scos") for name in (*channels.okd.names, *channels.openshift.names)}
    return re.compile(rf"({'|'.join(sorted(names))})(-scos)?-(?P<prefix>[1-9][0-9]*(?:\.(?:0|[1-9][0-9]*))?)")
