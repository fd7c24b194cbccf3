"""The record of a release: what the sources tell now, added to what was recorded before."""

import base64
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.graph import Graph, Risk
from okd_gitops.releases.json_answer import FORM, UNREADABLE
from okd_gitops.releases.record import (
    GONE,
    MOST_SIGNATURES,
    RecordedEdge,
    RecordedImage,
    RecordedRisk,
    RecordedSignature,
    ReleaseRecord,
)
from okd_gitops.releases.sources.answer import ACCEPTED, AWAY, PAGES
from okd_gitops.releases.trust.signature import LONGEST_MESSAGE, Message

# Of a source that did not answer wholly, nothing is concluded from what it did not name.
_INCOMPLETE = frozenset({AWAY, FORM, UNREADABLE, PAGES})


def recorded(
    release: Release,
    before: ReleaseRecord | None,
    learned: Learned,
    signatures: Mapping[str, list[Message]],
    asked: Collection[str],
    now: datetime,
) -> ReleaseRecord:
    """Return the record of a release that a source names; `signatures` are those of its images today, `asked`
    are the streams that were read.
    """
    version = release.version.text
    graph = learned.graph
    phases = dict(release.phases)
    was_listed = before is not None and bool(before.streams) and not phases and _is_asked(before, asked)
    times = {
        "published": _published(release, before, learned),
        "missing": _missing_since(before, now) if was_listed else None,
    }

    return ReleaseRecord(
        version=version,
        images=_images(release, before, signatures),
        streams=phases | _earlier(before, phases, asked),
        edges=_edges(graph, version),
        node=version in graph.nodes,
        leftOut=graph.kept_out.get(version, ""),
        prerelease=release.prerelease,
        withdrawn=release.withdrawn,
        sources=_sources(release, before, learned),
        url=release.url or (before.url if before else ""),
        seen=before.seen if before else now,
        **{name: time for name, time in times.items() if time},
    )


def forgotten(before: ReleaseRecord, asked: Collection[str], now: datetime) -> ReleaseRecord:
    """Return the record of a release that no source names any more: what is a fact stays."""
    if before.streams and not _is_asked(before, asked):
        return before

    return before.model_copy(
        update={
            "streams": _earlier(before, {}, asked),
            "edges": (),
            "node": False,
            "left_out": "",
            "sources": (),
            "missing": _missing_since(before, now),
        }
    )


def _missing_since(before: ReleaseRecord | None, now: datetime) -> datetime:
    return (before.missing if before else None) or now


def _earlier(
    before: ReleaseRecord | None, phases: Mapping[str, str], asked: Collection[str]
) -> dict[str, str]:
    """Return the streams that accepted the release and do not list it any more, and those not asked today."""
    earlier = before.streams if before else {}
    left = {stream: phase for stream, phase in earlier.items() if stream not in phases}

    return {
        stream: GONE if stream in asked else phase
        for stream, phase in left.items()
        if stream not in asked or phase in (ACCEPTED, GONE)
    }


def _is_asked(before: ReleaseRecord, asked: Collection[str]) -> bool:
    return any(stream in asked for stream in before.streams)


def _images(
    release: Release, before: ReleaseRecord | None, signatures: Mapping[str, list[Message]]
) -> tuple[RecordedImage, ...]:
    """Return the images that were ever seen: a contradiction of two at one registry must not be lost."""
    earlier = {item.image: item.signatures for item in before.images} if before else {}

    return tuple(
        RecordedImage(image=image, signatures=_added(earlier.get(image, ()), signatures.get(image, [])))
        for image in sorted({*earlier, *release.images})
    )


def _added(
    earlier: tuple[RecordedSignature, ...], messages: Iterable[Message]
) -> tuple[RecordedSignature, ...]:
    """Return the signatures of an image with the new ones; what is too large is none."""
    known = {item.message for item in earlier}
    texts = {
        base64.b64encode(item.data).decode(): item.seen
        for item in messages
        if len(item.data) <= LONGEST_MESSAGE
    }
    new = [RecordedSignature(message=text, seen=seen) for text, seen in texts.items() if text not in known]

    return (*earlier, *new)[:MOST_SIGNATURES]


def _published(release: Release, before: ReleaseRecord | None, learned: Learned) -> datetime | None:
    earlier = before.published if before else None

    if earlier and _is_incomplete(learned):
        return earlier

    return release.published.replace(microsecond=0) if release.published else earlier


def _sources(release: Release, before: ReleaseRecord | None, learned: Learned) -> tuple[str, ...]:
    earlier = before.sources if before and _is_incomplete(learned) else ()

    return tuple(sorted({*release.sources, *earlier}))


def _is_incomplete(learned: Learned) -> bool:
    return any(finding.name in _INCOMPLETE for finding in learned.findings)


def _edges(graph: Graph, version: str) -> tuple[RecordedEdge, ...]:
    """Return the edges that lead to a version, by their starts."""
    free = [RecordedEdge.model_validate({"from": start}) for start, end in graph.edges if end == version]
    conditional = [
        RecordedEdge.model_validate({"from": start, "risks": tuple(map(_risk, risks))})
        for (start, end), risks in graph.conditional.items()
        if end == version
    ]
    dropped = [
        RecordedEdge.model_validate({"from": start, "dropped": reason})
        for (start, end), reason in graph.dropped.items()
        if end == version
    ]

    return tuple(sorted((*free, *conditional, *dropped), key=lambda edge: edge.source))


def _risk(risk: Risk) -> RecordedRisk:
    return RecordedRisk(name=risk.name, message=risk.message, url=risk.url, rules=risk.rules)
