"""Which update graphs and channels have something for a cluster; `lines.yaml` has the names and sources."""

import re
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from okd_gitops.releases.lines import facts

_NUMBER = re.compile(r"[1-9][0-9]*(\.[0-9]+)?$")


def is_okd_image(image: str) -> bool:
    """Whether an image comes from a repository that has releases of OKD only."""
    return image.startswith(facts().images.names)


def okd_channel_fault(channel: str) -> tuple[str, str]:
    """Return why OKD's update graph has nothing for a channel, and the remedy; empty if it has."""
    names = facts().channels.okd.names
    name, _, _ = channel.rpartition("-")

    if not channel or name in names:
        return "", ""

    number = _NUMBER.search(channel)
    example = f"stable-scos-{number[0]}" if number else "stable-scos-4"
    reason = f'OKD has no channel "{channel}": its update graph refuses the name, or has no edge for it'
    return reason, f"write {example}; OKD has {', '.join(f'{known}-N' for known in names)}"


def upstream_fault(upstream: str, *, okd: bool) -> tuple[str, str]:
    """Return why an address is not an update graph that answers a cluster, and the remedy.

    `okd`: the cluster runs OKD, so that OpenShift's update service has nothing for it.
    """
    host, path = _host_and_path(upstream)
    state = _state(host)
    remedy = f"set upstream to {_okd_graph()}"

    if state == "gone":
        return f"upstream: {host} was switched off, so the cluster is offered nothing", remedy
    if okd and state == "openshift":
        reason = f"upstream: {host} has only releases of OpenShift, so an OKD cluster is offered nothing"
        return reason, remedy
    if state == "okd" and path.rstrip("/") != "/graph":
        reason = f'upstream: the update graph of {host} is at /graph, not at "{path}"'
        return reason, f"set upstream to https://{host}/graph"

    return "", ""


def is_okd_upstream(upstream: str) -> bool:
    """Whether an address is that of an update graph of OKD, which has no other releases."""
    return _state(_host_and_path(upstream)[0]) == "okd"


def _okd_graph() -> str:
    """Return the address of OKD's own update graph: that of the first host."""
    return f"https://{facts().graphs[0].host}/graph"


def _host_and_path(address: str) -> tuple[str, str]:
    try:
        parts = urlsplit(address)
        return (parts.hostname or ""), parts.path
    except ValueError:
        return "", ""


def _state(host: str) -> str:
    """Return what the table says of a host; empty for one that it does not have, such as a fleet's own."""
    states = (graph.state for graph in facts().graphs if fnmatchcase(host, graph.host))
    return next(states, "")
