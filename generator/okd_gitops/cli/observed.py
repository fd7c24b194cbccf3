"""Whom `release observe` asks, and by which account."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from okd_gitops.cli.options import tools_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from okd_gitops.evidence.ask_cluster import Target
    from okd_gitops.finding import Finding
    from okd_gitops.fleet.cluster import Cluster
    from okd_gitops.fleet.load import Fleet
    from okd_gitops.system.accounts import Account
    from okd_gitops.system.http import Http
    from okd_gitops.system.hub import Hub


def hub_of(context: click.Context, account: Path, api: str) -> "Hub":
    """Return the hub, asked with an account there."""
    from okd_gitops.system.accounts import service_account
    from okd_gitops.system.hub import Hub

    address = api.rstrip("/")

    return Hub(api=address, http=_http(context, address, service_account(account)))


def targets_through_hive(
    fleet: "Fleet", names: "Sequence[str]", hub: "Hub", now: "datetime"
) -> "list[Target]":
    """Return the clusters of providers, or those of them that are named: the hub is asked about them."""
    from okd_gitops.evidence.ask_cluster import Target
    from okd_gitops.evidence.observe import installed_clusters

    clusters = [cluster for cluster in installed_clusters(fleet, now) if not names or cluster.name in names]

    return [Target(cluster=cluster, api=hub.api, http=hub.http, through_hive=True) for cluster in clusters]


def targets_of(
    context: click.Context,
    fleet: "Fleet",
    names: "Sequence[str]",
    accounts: Path | None,
    api: str,
    account: Path | None,
    tests: "Sequence[str]",
    now: "datetime",
) -> "tuple[list[Target], list[Finding]]":
    """Return whom to ask by which account, and a finding for each cluster without one."""
    from okd_gitops.errors import UsageError
    from okd_gitops.evidence.observe import addresses, observed_clusters
    from okd_gitops.evidence.record import cluster_of
    from okd_gitops.explanation import explanation_of
    from okd_gitops.finding import finding_of
    from okd_gitops.system.accounts import account_of_cluster, service_account

    of_fleet = observed_clusters(fleet, now)
    clusters = [cluster_of(fleet, name) for name in names] or of_fleet

    for cluster in clusters:
        if cluster.spec.release is None:
            raise UsageError(f'the cluster "{cluster.name}" has no release', "only okd clusters report")

    if account:
        if len(names) != 1:
            raise UsageError("--account is the account of one cluster", "name that cluster")

        checks = addresses(tests)
        return [_target(context, clusters[0], api, service_account(account), checks)], []

    if accounts is None or api or tests:
        remedy = "give --accounts FOLDER, or one CLUSTER with --account FOLDER (and --api, --test)"
        raise UsageError("the observer needs an account on each cluster", remedy)

    targets, findings = [], []

    for cluster in clusters:
        own_account = account_of_cluster(accounts, cluster.name)

        if own_account:
            targets.append(_target(context, cluster, "", own_account, {}))
        else:
            reason = f"there is no {cluster.name}.token and {cluster.name}.ca.crt in {accounts}"
            place = cluster.document.file
            remedy = explanation_of("account-missing").remedy_with({"CLUSTER": cluster.name})
            findings.append(finding_of("account-missing", place, reason, remedy, clusters=[cluster.name]))

    return targets, findings


def _target(
    context: click.Context, cluster: "Cluster", api: str, account: "Account", tests: dict[str, str]
) -> "Target":
    """Return how a cluster is asked: its token goes to its own API server alone."""
    from okd_gitops.errors import UsageError
    from okd_gitops.evidence.ask_cluster import Target

    address = (api or cluster.spec.server or "").rstrip("/")

    if not address:
        raise UsageError(f'the cluster "{cluster.name}" has no server', "give its address with --api")

    return Target(cluster=cluster, api=address, http=_http(context, address, account), tests=tests)


def _http(context: click.Context, address: str, account: "Account") -> "Http":
    """Return what asks an API server; the token of its account goes to no other one."""
    from okd_gitops.system.http import Http

    answers = tools_of(context) / "answers"
    tokens = {urlsplit(address).hostname or "": account.token}

    return Http(answers, timeout=30, retries=1, tokens=tokens, authorities=account.authorities)
