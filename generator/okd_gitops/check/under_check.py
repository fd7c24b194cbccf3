"""What the rules are to know of a fleet's repository before anything of it is rendered."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from math import ceil
from typing import NamedTuple

from okd_gitops.check import rule
from okd_gitops.check.kubeconform import DEFAULT_KUBERNETES
from okd_gitops.fleet.cluster import Cluster
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import load_catalog
from okd_gitops.generate.applications import destination
from okd_gitops.generate.plan import Brief, Plan
from okd_gitops.manifests.objects import Object
from okd_gitops.system.disk import read_catalog
from okd_gitops.system.kept import Kept
from okd_gitops.system.unchanged import hash_of_code
from okd_gitops.times import parse_duration
from okd_gitops.tree import PROVIDER, Tree

_GUARD = "no-way-back"
# How far ahead a cluster may end of which no provider knows.
_LONGEST_DAYS = 366


def under_check(
    plan: Plan,
    files: Tree,
    today: date,
    planned: Mapping[str, tuple[Object, ...]],
    kept: Kept | None = None,
) -> rule.Repository:
    """Return what the rules are to know of a fleet's repository; nothing of it is rendered yet.

    `planned`: the objects of clusters without their extras.
    """
    kubernetes = {brief.cluster.name: brief.cluster.kubernetes for brief in plan.briefs}
    # The hub of unattended clusters belongs to another repository.
    of_hub = kubernetes.get(plan.fleet.hub, DEFAULT_KUBERNETES)

    argocd = rule.Overlay(name=rule.ARGOCD, folder=rule.ARGOCD, kubernetes=of_hub, is_directory=True)
    overlays = [] if plan.fleet.unattended else [argocd]
    # Most clusters have the same parts of features.
    of_parts = {parts: _of_parts(parts, plan) for parts in {brief.parts for brief in plan.briefs}}
    overlays += [
        _overlay(brief, plan.fleet, of_parts[brief.parts], planned.get(brief.cluster.name))
        for brief in plan.briefs
    ]
    overlays += [_provider_overlay(brief.cluster, of_hub) for brief in plan.briefs if brief.is_provided]

    return rule.Repository(
        files=files,
        overlays=tuple(overlays),
        today=today,
        destinations={brief.cluster.name: destination(plan, brief) for brief in plan.briefs},
        url=plan.fleet.repository,
        common=_words_of_catalog(kept),
        gates=_own_gates(plan.fleet),
        quotas=tuple(rule.Quota(**quota.model_dump()) for quota in plan.fleet.quotas),
    )


def _release_of(cluster: Cluster, fleet: FleetSpec) -> dict[str, str]:
    """Return what the ClusterVersion of a cluster must have, by dotted path below `spec`."""
    release = cluster.spec.release

    if release is None:
        return {}

    values = {
        "clusterID": cluster.spec.cluster_id,
        "channel": release.channel,
        "upstream": release.upstream or fleet.upstream,
        "desiredUpdate.version": release.version,
        "desiredUpdate.image": release.image,
    }

    return {path: str(value) for path, value in values.items() if value}


class _OfParts(NamedTuple):
    """What follows from the parts of features that a cluster gets: the objects that keep it from going back,
    as the tool has them, and what others create for it.
    """

    guards: tuple[Object, ...]
    declared: frozenset[str]


def _of_parts(parts: Iterable[tuple[str, str]], plan: Plan) -> _OfParts:
    declared: set[str] = set()
    guards: list[Object] = []

    for feature, part in parts:
        spec = plan.parts[feature, part].spec
        declared |= {*spec.external, *(f"Secret/{secret}" for secret in spec.secrets)}
        if feature == _GUARD:
            guards += load_catalog(None).features[_GUARD].objects(part)

    return _OfParts(tuple(guards), frozenset(declared))


def _overlay(
    brief: Brief, fleet: FleetSpec, of_parts: _OfParts, planned: tuple[Object, ...] | None
) -> rule.Overlay:
    cluster = brief.cluster

    return rule.Overlay(
        name=cluster.name,
        folder=f"overlays/{cluster.name}",
        kubernetes=cluster.kubernetes,
        purpose=str(cluster.spec.purpose),
        environment=str(cluster.spec.environment),
        server=cluster.spec.server or "",
        release=_release_of(cluster, fleet),
        guards=of_parts.guards,
        declared=of_parts.declared,
        expires=cluster.spec.expires,
        longest_days=_longest_days(cluster, fleet),
        forced=bool(cluster.spec.emergency and cluster.spec.emergency.force),
        planned=planned,
    )


def _longest_days(cluster: Cluster, fleet: FleetSpec) -> int:
    """Return how many days ahead a cluster may end; a part of a day reaches into the next."""
    provider = cluster.spec.provider
    settings = fleet.providers.of(provider) if provider else None

    return ceil(parse_duration(settings.longest) / timedelta(days=1)) if settings else _LONGEST_DAYS


def _provider_overlay(cluster: Cluster, kubernetes: str) -> rule.Overlay:
    """Return what the hub gets for the sake of a cluster; the credentials' store is the hub's."""
    name = cluster.name

    return rule.Overlay(name=name, folder=f"overlays/{name}/{PROVIDER}", kubernetes=kubernetes)


def _own_gates(fleet: FleetSpec) -> frozenset[str]:
    """Return the acknowledgements that fleet.yaml requires of its clusters."""
    required = fleet.releases.acks.values() if fleet.releases else ()
    return frozenset(name for names in required for name in names)


def _words_of_catalog(kept: Kept | None) -> frozenset[str]:
    """Return the words of the tool's own catalog, which are kept by the tool's own code."""
    known = kept.read("words", hash_of_code()) if kept else None
    if known is not None:
        return frozenset(json.loads(known))

    words = frozenset(word for data in read_catalog().values() for word in rule.WORD.findall(data.decode()))
    if kept:
        kept.keep("words", hash_of_code(), json.dumps(sorted(words)).encode())
    return words
