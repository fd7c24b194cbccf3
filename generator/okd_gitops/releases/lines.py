"""The facts of each OKD line that its releases do not tell, with their sources: `lines.yaml` beside it."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field

from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.model import FileModel, parse
from okd_gitops.manifests.read import read

_FILE = "lines.yaml"


class Source(FileModel):
    """Where a fact was read, and on which day: a file of a branch, or an issue."""

    repository: str
    day: date = Field(strict=False)
    branch: str = ""
    path: str = ""
    issue: int = 0


class Names(FileModel):
    """Names with one source."""

    names: tuple[str, ...] = Field(strict=False)
    source: str


class Channels(FileModel):
    """The names of channels, without the number at their end: those that OKD has, and OpenShift's."""

    okd: Names
    openshift: Names


class UpdateGraph(FileModel):
    """The host of an update graph, as a pattern, and what a cluster that asks it is offered.

    `okd` offers OKD's releases, `gone` was switched off, `openshift` has no release of OKD.
    """

    host: str
    state: Literal["okd", "gone", "openshift"]
    source: str


class Gate(FileModel):
    """An acknowledgement that leaving a line needs: on every cluster, or on those of which `when` is true."""

    name: str
    source: str
    when: str = ""


class ManualStep(FileModel):
    """What a person must do when a cluster enters a line.

    `reason` is the operator's word in Upgradeable=False, where one holds the cluster back until then.
    """

    name: str
    message: str
    source: str
    url: str = ""
    reason: str = ""


class Line(FileModel):
    """The facts of one line, in the words of `lines.yaml`."""

    kubernetes: str
    overrides: Literal["every-update", "minor-update"]
    feature_sets: tuple[str, ...] = Field(strict=False, alias="featureSets")
    after: str = ""
    acks: tuple[Gate, ...] = Field((), strict=False)
    barriers: tuple[ManualStep, ...] = Field((), strict=False)


class Facts(FileModel):
    """The whole table; lines are in their order."""

    sources: dict[str, Source]
    channels: Channels
    graphs: tuple[UpdateGraph, ...] = Field(strict=False)
    images: Names
    lines: dict[str, Line]


@cache
def facts() -> Facts:
    """Return the table."""
    data = files(__package__).joinpath(_FILE).read_bytes()
    return parse(Facts, read(_FILE, data, bounds=FOREIGN))


def kubernetes_of(line: str) -> str:
    """Return the minor of Kubernetes inside an OKD line; empty for a line that the table does not have."""
    known = facts().lines.get(line)
    return known.kubernetes if known else ""


def line_after(line: str) -> str:
    """Return the line that a cluster enters from this one; empty where none is known."""
    entered = [name for name, known in facts().lines.items() if known.after == line]
    return entered[0] if entered else ""


def required_acks() -> Mapping[str, tuple[str, ...]]:
    """Return the acknowledgements without which no cluster leaves a line, by line."""
    return {
        name: tuple(gate.name for gate in line.acks if not gate.when) for name, line in facts().lines.items()
    }


def overrides_hold_patches(line: str) -> bool:
    """Whether overrides keep a cluster of this line from patch updates too.

    A line that the table does not have is a later one, or older than OKD's present operator: the newest
    entry is the better guess.
    """
    lines = facts().lines
    known = lines.get(line) or list(lines.values())[-1]
    return known.overrides == "every-update"


def allows_updates(feature_set: object) -> bool:
    """Whether a cluster of some line can be updated with this value of a FeatureGate's `featureSet`."""
    sets = {name for line in facts().lines.values() for name in line.feature_sets}
    return feature_set is None or (isinstance(feature_set, str) and feature_set in sets)
