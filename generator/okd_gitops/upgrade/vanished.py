"""Releases that were recorded as the newest of a stream and that no source lists any more.

A source that answers with an older state, or a release that is taken back without a word, looks like any
other answer; only what was recorded tells.
"""

from collections.abc import Iterable

from okd_gitops.evidence.records import Records
from okd_gitops.finding import Finding
from okd_gitops.releases.cross_check import Learned
from okd_gitops.releases.json_answer import listed
from okd_gitops.releases.version import Version

_PLACE = "releases"


def vanished_releases(learned: Learned, records: Records, stream: str) -> tuple[str, ...]:
    """Return the recorded releases of a stream that are newer than all that it lists now, and not withdrawn.

    Old releases are removed from a stream as a matter of course; the newest one is not.
    """
    known = {release.version: release for release in learned.releases}
    of_stream = [version for version, release in known.items() if stream in release.listed]
    withdrawn = {version for version, release in known.items() if release.withdrawn}
    recorded = {
        Version.parse(item.version)
        for item in records.releases
        if stream in item.streams and not item.withdrawn
    }
    gone = recorded - set(of_stream) - withdrawn
    newest = max(of_stream, default=None)

    return tuple(version.text for version in sorted(gone) if newest is None or version > newest)


def vanished_findings(learned: Learned, records: Records, streams: Iterable[str]) -> list[Finding]:
    """Return a warning that names all releases that vanished."""
    vanished = {version for stream in streams for version in vanished_releases(learned, records, stream)}

    return listed("release-vanished", _PLACE, sorted(vanished), "recorded before and not listed now:")
