"""The text of a new cluster file: what a person gave, what another cluster has, and FILL-IN for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from okd_gitops.fleet.cluster import Environment
from okd_gitops.manifests.write import dump, scalar_text

FILL_IN = "FILL-IN"
_SCHEMA = "# yaml-language-server: $schema=../schemas/cluster.schema.json"
# What tells a person the value, where nobody gave it.
_HINTS = {
    "server": "oc whoami --show-server",
    "clusterID": "oc get clusterversion version -o jsonpath='{.spec.clusterID}'",
    "version": "like 4.22.0-okd-scos.0",
    "image": "oc adm release info VERSION: name@sha256:…",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterValues:
    """What a new cluster file says; an empty value is one that nobody gave.

    `release` has the keys of `release:` in a cluster file.
    """

    purpose: str
    environment: str = Environment.OKD
    provider: str = ""
    server: str = ""
    cluster_id: str = ""
    kubernetes: str = ""
    expires: date | None = None
    # Which release is installed first, when the cluster is to upgrade to that of `release`.
    installs: Mapping[str, str] = field(default_factory=dict)
    release: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_okd(self) -> bool:
        """Whether it is a cluster of OKD, which has a release."""
        return self.environment == Environment.OKD

    @property
    def has_release(self) -> bool:
        """Whether the release is known as a whole, where there must be one."""
        return not self.is_okd or bool(self.release["version"] and self.release["image"])


def cluster_text(values: ClusterValues) -> str:
    """Return the file of a new cluster, with FILL-IN and a hint for each value that only a person knows."""
    lines = [_SCHEMA, *_line("purpose", values.purpose)]

    if not values.is_okd:
        lines += _line("environment", values.environment)

    # A provider gives a cluster its address and its ID.
    is_there = values.is_okd and not values.provider
    lines += _line("provider", values.provider)
    lines += _line("server", values.server, is_needed=is_there)
    lines += _line("clusterID", values.cluster_id, is_needed=is_there)

    if values.expires:
        lines.append(f"expires: {values.expires}")

    if values.is_okd:
        lines += _block("installs", values.installs)
        lines += _block("release", values.release)
    else:
        lines += _line("kubernetes", values.kubernetes)

    return "\n".join([*lines, *_feature_lines(values.features), ""])


def _block(key: str, values: Mapping[str, str]) -> list[str]:
    lines = [f"{key}:"] if values else []

    for inner, value in values.items():
        lines += [f"  {line}" for line in _line(inner, value, is_needed=True)]

    return lines


def _line(key: str, value: str, *, is_needed: bool = False) -> list[str]:
    if value:
        return [f"{key}: {scalar_text(str(value))}"]

    return [f"{key}: {FILL_IN}   # {_HINTS[key]}"] if is_needed else []


def _feature_lines(features: Mapping[str, Any]) -> list[str]:
    lines = ["features:"] if features else []

    for name, parameters in features.items():
        lines.append(f"  {name}:")
        text = dump(parameters) if parameters else ""
        lines += [f"    {line}" for line in text.splitlines()]

    return lines
