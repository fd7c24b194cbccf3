"""The sources that fleet.yaml names, asked over the network or replayed from recorded answers."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import FleetSpec
from okd_gitops.fleet.upgrades import Releases
from okd_gitops.releases.cross_check import Learned, cross_check
from okd_gitops.releases.sources.all import Sources, collect
from okd_gitops.releases.trust import store as signature_store
from okd_gitops.releases.trust.keyring import FINGERPRINTS
from okd_gitops.releases.trust.signature import verify
from okd_gitops.releases.trust.verdict import NOT_CONFIGURED, Trust, finding_about
from okd_gitops.system.disk import read_file
from okd_gitops.system.http import Http
from okd_gitops.upgrade.plan import releases_of


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

    def verify(self, root: Path, fleet: FleetSpec, image: str) -> Trust:
        """Check the signature of an image by digest, with the keys that the fleet pins."""
        signatures = releases_of(fleet).signatures
        if signatures is None:
            return Trust(verified=False, findings=(finding_about(image, NOT_CONFIGURED),))

        key_files = [read_file(root, path) for path in signatures.keys] or signature_store.default_keys()
        pinned = frozenset(signatures.fingerprints) or FINGERPRINTS

        _, _, digest = image.partition("@")
        messages, store_findings = signature_store.fetch(self.http, [signatures.store], digest)
        trust = verify(messages, key_files, pinned, image=image, now=self.now)

        return replace(trust, findings=(*store_findings, *trust.findings))


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
