"""The sources that fleet.yaml names, asked over the network."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from okd_gitops.finding import Finding, FindingsError
from okd_gitops.fleet.fleet_file import FleetSpec, releases_of
from okd_gitops.fleet.upgrades import Releases
from okd_gitops.releases.cross_check import Learned, cross_check
from okd_gitops.releases.sources.all import Sources, collect
from okd_gitops.releases.trust import store as signature_store
from okd_gitops.releases.trust.signature import Message
from okd_gitops.releases.trust.verdict import Trust
from okd_gitops.system.http import Http
from okd_gitops.upgrade.signatures import verify_messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Asks by `http`.

    Key files and files of releases are read below the `root` of each question: the base of a branch.
    """

    http: Http
    now: datetime

    def learn(self, root: Path, fleet: FleetSpec, streams: Collection[str]) -> Learned:
        """Return every release that any source names, compared, and the edges between them.

        Raises FindingsError (exit 6) when the graph or a stream cannot be read: an unread stream is never
        taken for an empty one.
        """
        asked = of_fleet(releases_of(fleet), fleet.upstream, streams)
        answers, graph = collect(self.http, asked, root)
        releases, findings = cross_check(answers)

        if graph is None or not all(answer.complete for answer in answers if answer.stream):
            raise FindingsError(findings, exit_code=6)

        return Learned(releases=releases, graph=graph, findings=findings)

    def verify(self, root: Path, fleet: FleetSpec, image: str, version: str) -> Trust:
        """Check the signature of a version's image by digest, with the keys that the fleet pins."""
        messages, store_findings = self.signatures(fleet, image)
        trust = verify_messages(messages, root, fleet, image=image, version=version, now=self.now)

        return replace(trust, findings=(*store_findings, *trust.findings))

    def signatures(self, fleet: FleetSpec, image: str) -> tuple[list[Message], list[Finding]]:
        """Return the signatures of an image at the fleet's store, seen now, and a finding if that is away."""
        signatures = releases_of(fleet).signatures

        if signatures is None:
            return [], []

        _, _, digest = image.partition("@")
        texts, findings = signature_store.fetch(self.http, [signatures.store], digest)

        return [Message(text, self.now) for text in texts], findings


def of_fleet(releases: Releases, upstream: str, streams: Iterable[str]) -> Sources:
    """Return what fleet.yaml names: `upstream` is the graph unless `releases` names another, `streams` are
    those that clusters follow.
    """
    return Sources(
        release_controller=releases.controller,
        streams=tuple(sorted(set(streams))),
        graph=releases.graph or upstream,
        channel=releases.channel,
        quay=releases.quay,
        github=releases.github,
        file=releases.file,
    )
