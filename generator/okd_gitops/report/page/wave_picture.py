"""Waves and soak: who runs a stream's newest release already, and how long the wave has yet to run it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from okd_gitops.evidence.report import Evidence
from okd_gitops.releases.version import Version
from okd_gitops.report.fleet_status import ClusterStatus, FleetStatus
from okd_gitops.report.markdown import plural
from okd_gitops.report.page.fleet_table import shown_verdict
from okd_gitops.times import parse_duration


@dataclass(frozen=True, slots=True)
class Chip:
    """A cluster of a wave: its name, how it is coloured, and that in words."""

    name: str
    tone: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A wave: its clusters, the newest release that one of them runs, and how far its soak is.

    `soaked` is in percent, None where no soak has begun.
    """

    number: int
    chips: tuple[Chip, ...]
    release: str
    words: str
    soaked: int | None


@dataclass(frozen=True, slots=True)
class Stream:
    """The waves of a stream, in order."""

    name: str
    waves: tuple[Wave, ...]


def wave_picture(status: FleetStatus, refused: Collection[str] = ()) -> list[Stream]:
    """Return the waves of each stream that a cluster follows, and last those of no stream.

    `refused` are the clusters for which the change that is shown must not be merged.
    """
    by_stream: dict[str, list[ClusterStatus]] = {}

    for cluster in status.clusters:
        release = cluster.cluster.spec.release
        by_stream.setdefault((release and release.stream) or "", []).append(cluster)

    in_order = sorted(by_stream, key=lambda name: (not name, name))

    return [
        Stream(name, tuple(_waves(by_stream[name], status, refused, is_followed=bool(name))))
        for name in in_order
    ]


def _waves(
    clusters: Sequence[ClusterStatus], status: FleetStatus, refused: Collection[str], *, is_followed: bool
) -> Iterator[Wave]:
    for number in sorted({cluster.cluster.wave for cluster in clusters}):
        members = [cluster for cluster in clusters if cluster.cluster.wave == number]
        chips = tuple(
            Chip(cluster.name, shown_verdict(cluster, refused)[1], _chip_words(cluster, refused))
            for cluster in members
        )

        if is_followed:
            release, words, soaked = _soak(members, status.now)
            yield Wave(number=number, chips=chips, release=release, words=words, soaked=soaked)
        else:
            words = f"{len(members)} {plural('cluster', members)} that no release moves"
            yield Wave(number=number, chips=chips, release="", words=words, soaked=None)


def _chip_words(cluster: ClusterStatus, refused: Collection[str]) -> str:
    return shown_verdict(cluster, refused)[0] if cluster.decision else cluster.runs


def _soak(members: Sequence[ClusterStatus], now: datetime) -> tuple[str, str, int | None]:
    """Return the newest release of a wave, how far the wave is with it, and how far its soak is."""
    versions = [Version.parse(member.runs) for member in members]
    newest = max(versions)
    on_it = [member for member, version in zip(members, versions, strict=True) if version == newest]
    reports = [report for member in on_it if (report := member.evidence)]
    failed = [report.cluster for report in reports if not report.passed]
    words = [f"{len(on_it)} of {len(members)} are told to run it"]

    if failed:
        return newest.text, f"{words[0]}; it failed on {', '.join(failed[:3])}", None

    passed = [report for report in reports if report.passed]
    words.append(f"{len(passed)} reported success")

    if len(passed) < len(members):
        return newest.text, ", ".join(words), None

    soak = max(parse_duration(member.cluster.purpose.soak) for member in members)
    told, soaked = _soaked(passed, soak, now)

    return newest.text, f"{', '.join(words)}; {told}", soaked


def _soaked(passed: Sequence[Evidence], soak: timedelta, now: datetime) -> tuple[str, int]:
    """Return how far a soak is, in words and in percent."""
    begun = max(report.counted_from for report in passed)
    end = begun + soak

    if end <= now:
        return f"soaked since {end:%Y-%m-%d %H:%M} UTC", 100

    # A clock that is ahead may have written the report.
    percent = int(100 * max(now - begun, timedelta(0)) / (end - min(begun, now)))

    return f"soaks until {end:%Y-%m-%d %H:%M} UTC ({percent} %)", percent
