"""The sources that fleet.yaml names, asked over the network or replayed from recorded answers."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okd_gitops import signature
from okd_gitops.cluster import Fleet
from okd_gitops.commands.release.outlook import Learned, Trust, releases_of
from okd_gitops.disk import read_file
from okd_gitops.finding import FindingsError
from okd_gitops.http import Http
from okd_gitops.moves import Offer
from okd_gitops.published import Answer, Published, cross_check
from okd_gitops.sources import signature_store
from okd_gitops.sources.collect import Sources, collect


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Asks by `http`; key files and files of releases are below `root`."""

    root: Path
    http: Http
    now: datetime

    def published(self, fleet: Fleet, streams: Collection[str]) -> tuple[list[Published], Learned]:
        """Return every release that any source names, compared, and what is known of the streams.

        Raises FindingsError (exit 6) when the graph or a stream cannot be read: what is not known is never taken for nothing.
        """
        releases = releases_of(fleet)
        asked = Sources(
            release_controller=releases.controller,
            streams=tuple(sorted(streams)),
            graph=releases.graph or fleet.upstream,
            channel=releases.channel,
            quay=releases.quay,
            github=releases.github,
            file=releases.file,
        )
        answers, graph = collect(self.http, asked, self.root)
        published, findings = cross_check(answers)
        if graph is None or not all(answer.complete for answer in answers if answer.stream):
            raise FindingsError(findings, exit_code=6)
        return published, Learned(offers=_offers(answers, published, streams, self.now), graph=graph, findings=findings)

    def learn(self, fleet: Fleet, streams: Collection[str]) -> Learned:
        """Return what is known of the streams' releases; raises FindingsError like `published`."""
        return self.published(fleet, streams)[1]

    def verify(self, fleet: Fleet, image: str) -> Trust:
        """Check the signature of an image by digest, with the keys that the fleet pins."""
        wanted = releases_of(fleet).signatures
        if wanted is None:
            return Trust(verified=False, reasons=("fleet.yaml names no signatures",))
        repository, _, digest = image.partition("@")
        keys = [read_file(self.root, path) for path in wanted.keys] or signature_store.default_keys()
        signed, findings = signature_store.fetch(self.http, [wanted.store], digest)
        pinned = frozenset(wanted.fingerprints) or signature.FINGERPRINTS
        verdict = signature.verify(signed, keys, pinned, digest=digest, repository=repository, now=self.now)
        told = [finding.reason for finding in findings]
        if not verdict.verified:
            told.append(f"{verdict.reason} [{verdict.code}]")
        return Trust(verified=verdict.verified, fingerprint=verdict.fingerprint, reasons=(*told, *(fault.reason for fault in verdict.warnings)))


def _offers(answers: Sequence[Answer], published: Sequence[Published], streams: Collection[str], now: datetime) -> list[Offer]:
    by_version = {item.version: item for item in published}
    listed = {(release.version, release.stream) for answer in answers for release in answer.releases if release.stream in streams}
    offers = []
    for version, stream in sorted(listed):
        item = by_version[version]
        accepted = item.accepted and stream in item.streams
        # A release of unknown age is as young as can be.
        offers.append(Offer(version=version, stream=stream, image=item.signed, published=item.published or now, accepted=accepted))
    return offers
