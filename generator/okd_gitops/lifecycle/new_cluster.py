"""cluster new: the file of one more cluster, from what a person asks and what another cluster has."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from okd_gitops.check.kubeconform import DEFAULT_KUBERNETES
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.evidence.report import CONFORMANCE
from okd_gitops.finding import Findings, nearest, refused
from okd_gitops.fleet.cluster import Cluster, Environment
from okd_gitops.fleet.collisions import report_collisions
from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.names import name_fault
from okd_gitops.fleet.providers import ProviderName
from okd_gitops.generate.generate import Edit
from okd_gitops.generate.plan import plan
from okd_gitops.lifecycle.cluster_text import FILL_IN, ClusterValues, cluster_text
from okd_gitops.lifecycle.committed import Committed
from okd_gitops.lifecycle.quotas import Use, judge_quota, present_uses
from okd_gitops.releases.sources.answer import ACCEPTED
from okd_gitops.times import end_of_day, parse_duration
from okd_gitops.upgrade.recorded import release_of

_LONGEST = timedelta(days=366)
# A cluster like another one has its own acknowledgements, and is forced to nothing.
_COPIED_OF_RELEASE = ("stream", "channel", "version", "image", "upstream")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCluster:
    """What a person asks for; an empty value is one that the other cluster, or a default, gives.

    `like` is the name of that other cluster, `lifetime` a duration such as 3d or 36h, `installs` the version
    that a provider installs before the cluster upgrades to `version`, `conformance` a suite to pass. `image`,
    `installs_image` and `signature` are of a candidate, of which nothing is recorded.
    """

    name: str
    purpose: str = ""
    environment: str = ""
    like: str = ""
    version: str = ""
    server: str = ""
    cluster_id: str = ""
    lifetime: str = ""
    provider: str = ""
    installs: str = ""
    channel: str = ""
    image: str = ""
    installs_image: str = ""
    signature: str = ""
    conformance: str = ""


def new_cluster(
    fleet: Fleet,
    request: NewCluster,
    records: Records,
    committed: Committed,
    *,
    past: Iterable[Use] = (),
    now: datetime,
) -> Edit:
    """Return the edit that adds a cluster; it has no fleet where the file has values to fill in.

    `past` are ephemeral clusters that were removed lately. Raises UsageError for a name, a lifetime or
    another cluster that cannot be, FindingsError (exit 1 for a quota) for all that is wrong in the new file.
    """
    _refuse_name(fleet, request.name)
    values = _values(fleet, request, records, now)
    new_fleet = _judged(fleet, request.name, values)

    if values.expires:
        use = Use(request.name, now, end_of_day(values.expires))
        findings = judge_quota(fleet, use, present_uses(fleet, committed.added, now), past)
        findings.raise_errors(exit_code=1)

    text = cluster_text(values)
    put = {f"clusters/{request.name}.yaml": text.encode()}

    return Edit(fleet=None if FILL_IN in text else new_fleet, put=put)


def last_day_of(lifetime: str, now: datetime) -> date:
    """Return the last day (UTC) of a cluster that lives so long from now; raises UsageError."""
    try:
        duration = parse_duration(lifetime)
    except ValueError:
        duration = timedelta()

    if not timedelta() < duration <= _LONGEST or lifetime.endswith("m"):
        reason = f'"{lifetime}" is not a lifetime of at least an hour and at most {_LONGEST.days} days'
        raise UsageError(reason, "write it in days or hours, like 3d or 36h")

    # One that ends at midnight does not have the day that begins then.
    return (now + duration - timedelta(seconds=1)).date()


def _refuse_name(fleet: Fleet, name: str) -> None:
    fault = name_fault(name)
    if fault:
        raise UsageError(fault, "use lower-case letters, digits and dashes, beginning with a letter")

    if fleet.cluster(name):
        raise UsageError(f"clusters/{name}.yaml exists already", "edit it, or choose another name")


def _values(fleet: Fleet, request: NewCluster, records: Records, now: datetime) -> ClusterValues:
    like = _other_cluster(fleet, request.like)
    purpose = _purpose(request, like)
    expires = _expires(fleet, purpose, request.lifetime, now)
    environment = _environment(request, like)
    provider = _provider(fleet, request, like)
    _refuse_longer_life(fleet, provider, request.lifetime)
    is_okd = environment == Environment.OKD
    # Of a cluster of another kind, neither release nor version of Kubernetes can be copied.
    same_kind = like if like and (like.spec.environment == Environment.OKD) == is_okd else None

    return ClusterValues(
        purpose=purpose,
        environment=environment,
        provider=provider,
        server=request.server,
        cluster_id=request.cluster_id,
        kubernetes="" if is_okd else _kubernetes(same_kind),
        expires=expires,
        installs=_installed(request, records) if request.installs else {},
        release=_release(same_kind, request, records, follows=expires is None) if is_okd else {},
        features={**(like.spec.features if like else {}), **_conformance(request.conformance)},
    )


def _conformance(suite: str) -> dict[str, Any]:
    return {CONFORMANCE: {"suite": suite}} if suite else {}


def _purpose(request: NewCluster, like: Cluster | None) -> str:
    if request.purpose or like is None:
        purpose = request.purpose
    else:
        purpose = str(like.spec.purpose)

    if not purpose:
        raise UsageError("nobody says what the cluster is for", "add --purpose or --like")

    return purpose


def _expires(fleet: Fleet, purpose: str, lifetime: str, now: datetime) -> date | None:
    if lifetime:
        return last_day_of(lifetime, now)

    if fleet.catalog.purposes[purpose].expires == "required":
        raise UsageError(f"a cluster of purpose {purpose} must have an end", "add --expires 3d")

    return None


def _provider(fleet: Fleet, request: NewCluster, like: Cluster | None) -> str:
    copied = like.spec.provider if like and not request.server else None
    provider = request.provider or str(copied or "")

    if provider and fleet.spec.providers.of(ProviderName(provider)) is None:
        reason = f"fleet.yaml has no settings of {provider}"
        raise UsageError(reason, f"add providers: with {provider}: (docs/ephemeral.md has an example)")

    return provider


def _refuse_longer_life(fleet: Fleet, provider: str, lifetime: str) -> None:
    """Raise UsageError for a lifetime that is longer than the provider's settings allow."""
    settings = fleet.spec.providers.of(ProviderName(provider)) if provider else None

    if settings and lifetime and parse_duration(lifetime) > parse_duration(settings.longest):
        reason = f"fleet.yaml lets no cluster of {provider} live longer than {settings.longest}"
        remedy = f"ask for {settings.longest}, or let an owner raise longest: in fleet.yaml"
        raise UsageError(reason, remedy)


def _environment(request: NewCluster, like: Cluster | None) -> Environment:
    default = like.spec.environment if like else Environment.OKD
    environment = Environment(request.environment or default)

    if request.version and environment != Environment.OKD:
        raise UsageError(f"a cluster of environment {environment} has no release", "leave out --release")

    return environment


def _other_cluster(fleet: Fleet, name: str) -> Cluster | None:
    other = fleet.cluster(name)

    if name and not other:
        names = [cluster.name for cluster in fleet.clusters]
        raise UsageError(f'there is no cluster "{name}" to be like', nearest(name, names))

    return other


def _kubernetes(like: Cluster | None) -> str:
    return like.kubernetes if like else DEFAULT_KUBERNETES


def _installed(request: NewCluster, records: Records) -> dict[str, str]:
    """Return `installs:` of the new file."""
    if not request.version:
        raise UsageError("nothing says to which release the cluster upgrades", "add --release VERSION")

    image = request.installs_image or _recorded_image(request.installs, records)

    return {"version": request.installs, "image": image}


def _release(like: Cluster | None, request: NewCluster, records: Records, *, follows: bool) -> dict[str, str]:
    """Return `release:` of the new file, with empty values where a person has to fill in.

    A cluster that `follows` releases, and is not like another one, gets the stream of the release.
    """
    version = request.version
    release = {"channel": "stable-scos-4", "version": "", "image": ""}

    if like and like.spec.release:
        old = like.spec.release.model_dump(mode="json")
        release = {key: old[key] for key in _COPIED_OF_RELEASE if old[key]}

    if not version:
        return release

    image = request.image or _recorded_image(version, records)
    signature = {"signature": request.signature} if request.signature else {}
    default = release["channel"] if like else f"stable-scos-{version.partition('.')[0]}"
    channel = request.channel or default
    stream = _stream_of(version, records) if follows and not like else {}

    return {**stream, **release, "channel": channel, "version": version, "image": image, **signature}


def _stream_of(version: str, records: Records) -> dict[str, str]:
    """Return `stream:` where one stream alone has accepted a release."""
    record = records.release(version)
    streams = [name for name, phase in record.streams.items() if phase == ACCEPTED] if record else []

    return {"stream": streams[0]} if len(streams) == 1 else {}


def _recorded_image(version: str, records: Records) -> str:
    record = records.release(version)
    image = release_of(record).signed if record else ""

    if not image:
        known = nearest(version, (record.version for record in records.releases))
        place = f"releases/{version}.yaml"
        raise refused(
            "release-not-recorded", place, f"the records have no image of {version} {known}".strip()
        )

    return image


def _judged(fleet: Fleet, name: str, values: ClusterValues) -> Fleet:
    """Return the fleet with the new cluster, judged without the values that are still to be filled in.

    Raises FindingsError with everything that generation would refuse.
    """
    known = values

    if not values.has_release:
        # Nothing of OKD can be judged then; the rest can, as of a cluster that has no release.
        known = replace(
            values,
            environment=Environment.KUBERNETES,
            provider="",
            kubernetes=_kubernetes(None),
            release={},
        )

    lines = cluster_text(known).splitlines(keepends=True)
    text = "".join(line for line in lines if FILL_IN not in line)
    new_fleet = fleet.with_cluster_files({name: text.encode()})

    findings = Findings(fleet.document)
    report_collisions(new_fleet.clusters, fleet.spec, findings, {name})
    findings.raise_errors()
    plan(new_fleet)

    return new_fleet
