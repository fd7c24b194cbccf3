"""cluster try: which clusters a release needs to be tried on, and which of them are still to be made."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from okd_gitops.errors import UsageError
from okd_gitops.evidence.noted_guest import asked_suite
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.trial_names import fresh_cluster, trial_clusters, upgrading_cluster
from okd_gitops.finding import nearest
from okd_gitops.fleet.cluster import Purpose
from okd_gitops.fleet.fleet_file import FleetSpec, Trials
from okd_gitops.fleet.load import Fleet
from okd_gitops.lifecycle.new_cluster import NewCluster
from okd_gitops.releases.cross_check import Learned, Release
from okd_gitops.releases.version import digest_of
from okd_gitops.upgrade.recorded import learned_of
from okd_gitops.upgrade.trials import release_before


@dataclass(frozen=True, slots=True)
class _Choice:
    """A release, and the entry of `trials:` by which it is tried."""

    trials: Trials
    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A release that a stream has built and not published: nothing of it is recorded.

    `before` are version and image of the release from which a cluster upgrades to it, `signature` is that of
    the candidate in base64, `suite` must pass in place of what the entry of `trials:` names.
    """

    stream: str
    version: str
    image: str
    signature: str = ""
    before: tuple[str, str] | None = None
    suite: str = ""

    @property
    def clusters(self) -> tuple[str, ...]:
        """The names of the clusters that try it."""
        fresh, upgrading = trial_clusters(self.version)

        return (fresh, upgrading) if self.before else (fresh,)


def clusters_for(fleet: Fleet, candidate: Candidate) -> list[NewCluster]:
    """Return the clusters that are still to be made for a candidate.

    Raises UsageError where fleet.yaml does not say on which clusters its stream is tried, and where a cluster
    of such a name tries another image.
    """
    _refuse_no_trials(fleet.spec)
    streams = {trials.stream: trials for trials in fleet.spec.trials}

    if candidate.stream not in streams:
        known = nearest(candidate.stream, streams)
        raise UsageError(f"fleet.yaml has no trials of the stream {candidate.stream}", known)

    if candidate.before and digest_of(candidate.before[1]) == digest_of(candidate.image):
        raise UsageError("the release before has the image of the candidate", "name another with --before")

    wanted = [_for_candidate(streams[candidate.stream], candidate, name) for name in candidate.clusters]

    for request in wanted:
        _refuse_other(fleet, request)

    return [request for request in wanted if not fleet.cluster(request.name)]


def _refuse_other(fleet: Fleet, request: NewCluster) -> None:
    """Raise UsageError where a cluster of that name is there, and is not what is asked for."""
    cluster = fleet.cluster(request.name)

    if cluster is None:
        return

    spec = cluster.spec
    release, installs = spec.release, spec.installs
    there = {
        "image": release.image if release else "",
        "signature": release.signature if release else "",
        "release before": installs.image if installs else "",
        "suite": asked_suite(cluster) or "",
    }
    asked = (request.image, request.signature, request.installs_image, request.conformance)
    other = [name for (name, value), wanted in zip(there.items(), asked, strict=True) if value != wanted]

    if other:
        reason = f"the cluster {request.name} is there already, with another {' and '.join(other)}"
        raise UsageError(reason, f"wait for its end, or run okd-gitops cluster remove {request.name}")


def _for_candidate(trials: Trials, candidate: Candidate, name: str) -> NewCluster:
    request = replace(
        _request(trials, candidate.version, name),
        image=candidate.image,
        conformance=candidate.suite or trials.conformance,
    )

    if candidate.before is None or name != upgrading_cluster(candidate.version):
        return request

    installs, image = candidate.before

    # What is installed is not verified by the cluster; what it upgrades to is.
    return replace(request, installs=installs, installs_image=image, signature=candidate.signature)


def clusters_to_try(
    fleet: Fleet, records: Records, version: str = "", *, ever: Collection[str] = ()
) -> list[NewCluster]:
    """Return the clusters that are still to be made for a version, or for the newest of each stream.

    One is installed with the release, and one with the release before, from which it upgrades. What is there,
    or has reported already, is not made again; nor, unless somebody names the version, what was there `ever`.
    Raises UsageError for a version that no stream of `trials` has accepted.
    """
    if version:
        _refuse_no_trials(fleet.spec)

    learned = learned_of(records)
    choices = _named(fleet.spec, learned, version) if version else _newest(fleet.spec, learned)
    wanted = [request for choice in choices for request in _requests(choice, learned)]
    reported = {(report.cluster, report.version) for report in records.evidence}
    past = () if version else ever

    return [
        request
        for request in wanted
        if not fleet.cluster(request.name)
        and request.name not in past
        and (request.name, request.version) not in reported
    ]


def _refuse_no_trials(fleet: FleetSpec) -> None:
    if not fleet.trials:
        remedy = "add trials: with stream, channel and provider (docs/ephemeral.md has an example)"
        raise UsageError("fleet.yaml does not say which streams are tried", remedy)


def _accepted(trials: Trials, learned: Learned) -> list[Release]:
    """Return the releases that a stream has accepted and nobody has withdrawn, the oldest first."""
    return [
        release
        for release in learned.releases
        if trials.stream in release.streams and release.signed and not release.withdrawn
    ]


def _newest(fleet: FleetSpec, learned: Learned) -> Iterator[_Choice]:
    for trials in fleet.trials:
        releases = _accepted(trials, learned)

        if releases:
            yield _Choice(trials, releases[-1])


def _named(fleet: FleetSpec, learned: Learned, version: str) -> list[_Choice]:
    accepted = [_Choice(trials, release) for trials in fleet.trials for release in _accepted(trials, learned)]
    found = [choice for choice in accepted if choice.release.version.text == version]

    if not found:
        known = nearest(version, {choice.release.version.text for choice in accepted})
        streams = ", ".join(trials.stream for trials in fleet.trials)
        raise UsageError(f"no record says that {streams} has accepted {version}", known)

    return found[:1]


def _requests(choice: _Choice, learned: Learned) -> Iterable[NewCluster]:
    trials, version = choice.trials, choice.release.version
    yield _request(trials, version.text, fresh_cluster(version.text))

    before = release_before(version, learned)

    if before:
        request = _request(trials, version.text, upgrading_cluster(version.text))
        yield replace(request, installs=before.text)


def _request(trials: Trials, version: str, name: str) -> NewCluster:
    """Return the cluster that is installed with a version, as the entry of `trials:` has it."""
    return NewCluster(
        name=name,
        purpose=Purpose.EPHEMERAL,
        version=version,
        provider=trials.provider,
        lifetime=trials.expires,
        channel=trials.channel,
        conformance=trials.conformance,
    )
