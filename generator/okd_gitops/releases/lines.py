"""The facts of each OKD line that its releases do not tell, with their sources: `lines.yaml` beside it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from okd_gitops.manifests.plain import plain_value

_FILE = Path(__file__).with_name("lines.yaml")


# Tuples and no models: every command that reads a cluster file needs the table, which a test reads with all
# checks, and models of it take longer to build than the table to read.
class Source(NamedTuple):
    """Where a fact was read, and on which day: a file of a branch, or an issue."""

    repository: str
    day: str
    branch: str = ""
    path: str = ""
    issue: int = 0


class Names(NamedTuple):
    """Names with one source."""

    names: tuple[str, ...]
    source: str


class Channels(NamedTuple):
    """The names of channels, without the number at their end: those that OKD has, and OpenShift's."""

    okd: Names
    openshift: Names


class UpdateGraph(NamedTuple):
    """The host of an update graph, as a pattern, and what a cluster that asks it is offered.

    `okd` offers OKD's releases, `gone` was switched off, `openshift` has no release of OKD.
    """

    host: str
    state: Literal["okd", "gone", "openshift"]
    source: str


class Gate(NamedTuple):
    """An acknowledgement that leaving a line needs: on every cluster, or on those of which `when` is true."""

    name: str
    source: str
    when: str = ""


class ManualStep(NamedTuple):
    """What a person must do when a cluster enters a line.

    `reason` is the operator's word in Upgradeable=False, where one holds the cluster back until then.
    """

    name: str
    message: str
    source: str
    url: str = ""
    reason: str = ""


class Line(NamedTuple):
    """The facts of one line, in the words of `lines.yaml`."""

    kubernetes: str
    overrides: Literal["every-update", "minor-update"]
    feature_sets: tuple[str, ...]
    after: str = ""
    acks: tuple[Gate, ...] = ()
    barriers: tuple[ManualStep, ...] = ()


class Facts(NamedTuple):
    """The whole table; lines are in their order."""

    sources: dict[str, Source]
    channels: Channels
    graphs: tuple[UpdateGraph, ...]
    images: Names
    lines: dict[str, Line]


@cache
def facts() -> Facts:
    """Return the table."""
    return table_in(_FILE.read_bytes())


def table_in(data: bytes) -> Facts:
    """Return the table that a text has; raises LookupError and TypeError for keys that are not its own."""
    table: dict[str, Any] = plain_value(data)
    channels = table.pop("channels")

    return Facts(
        sources={name: Source(**source) for name, source in table.pop("sources").items()},
        channels=Channels(**{name: _names(entry) for name, entry in channels.items()}),
        graphs=tuple(UpdateGraph(**graph) for graph in table.pop("graphs")),
        images=_names(table.pop("images")),
        lines={name: _line(**line) for name, line in table.pop("lines").items()},
        **table,
    )


def _names(entry: dict[str, Any]) -> Names:
    return Names(names=tuple(entry.pop("names")), **entry)


def _line(featureSets: list[str], acks: Any = (), barriers: Any = (), **line: Any) -> Line:  # noqa: N803
    return Line(
        feature_sets=tuple(featureSets),
        acks=tuple(Gate(**gate) for gate in acks),
        barriers=tuple(ManualStep(**step) for step in barriers),
        **line,
    )


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
