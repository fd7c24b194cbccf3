"""The update graphs and channels that OKD has, had and never had. Facts, each with its source.

Channels: openshift/release-controller, cmd/release-controller-api/http_upgrade_graph.go at 1dcc49e, which
answers 400 to a channel that it does not know, and filters by the number at the end. Hosts:
openshift/installer, data/manifests/bootkube/cvo-overrides.yaml.template; okd-project/okd #672 and #674.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

OKD_GRAPH = "https://amd64.origin.releases.ci.openshift.org/graph"
# Release controllers of OKD; the graph is at /graph, and other paths are pages for people.
_OKD_HOSTS = (
    "*.origin.releases.ci.openshift.org",
    "origin-release.ci.openshift.org",
    "origin-release.apps.ci.l2s4.p1.openshiftapps.com",
)
# Update services and release controllers that have the releases of OpenShift only.
_OPENSHIFT_HOSTS = (
    "api.openshift.com",
    "api.*.openshift.com",
    "*.ocp.releases.ci.openshift.org",
    "openshift-release.apps.ci.l2s4.p1.openshiftapps.com",
)
# The CI cluster that had these names was switched off on 2021-06-08.
_GONE_HOSTS = ("*.svc.ci.openshift.org",)
_OKD_IMAGES = ("registry.ci.openshift.org/origin/", "quay.io/openshift/okd", "quay.io/okd/")
_OKD_CHANNEL = re.compile(r"(stable|next)(-scos)?-[0-9.]+|prerelease-[0-9.]+")
_NUMBER = re.compile(r"[1-9][0-9]*(\.[0-9]+)?$")


def is_okd_image(image: str) -> bool:
    """Whether an image comes from a repository that has releases of OKD only."""
    return image.startswith(_OKD_IMAGES)


def okd_channel_fault(channel: str) -> tuple[str, str]:
    """Return why OKD's update graph has nothing for a channel, and the remedy; empty if it has."""
    if not channel or _OKD_CHANNEL.fullmatch(channel):
        return "", ""

    number = _NUMBER.search(channel)
    example = f"stable-scos-{number[0]}" if number else "stable-scos-4"
    reason = f'OKD has no channel "{channel}": its update graph refuses the name, or has no edge for it'
    return reason, f"write {example}; OKD has stable-scos-N, next-scos-N, stable-N, next-N and prerelease-N"


def upstream_fault(upstream: str, *, okd: bool) -> tuple[str, str]:
    """Return why an address is not an update graph that answers a cluster, and the remedy.

    `okd`: the cluster runs OKD, so that OpenShift's update service has nothing for it.
    """
    host, path = _host_and_path(upstream)
    remedy = f"set upstream to {OKD_GRAPH}"

    if _is_one_of(host, _GONE_HOSTS):
        return f"upstream: {host} was switched off in June 2021, so the cluster is offered nothing", remedy
    if okd and _is_one_of(host, _OPENSHIFT_HOSTS):
        reason = f"upstream: {host} has only releases of OpenShift, so an OKD cluster is offered nothing"
        return reason, remedy
    if _is_one_of(host, _OKD_HOSTS) and path.rstrip("/") != "/graph":
        reason = f'upstream: the update graph of {host} is at /graph, not at "{path}"'
        return reason, f"set upstream to https://{host}/graph"

    return "", ""


def is_okd_upstream(upstream: str) -> bool:
    """Whether an address is that of an update graph of OKD, which has no other releases."""
    return _is_one_of(_host_and_path(upstream)[0], _OKD_HOSTS)


def _host_and_path(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return (parts.hostname or ""), parts.path
    except ValueError:
        return "", ""


def _is_one_of(host: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(host, pattern) for pattern in patterns)
