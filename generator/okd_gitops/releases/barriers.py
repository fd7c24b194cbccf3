"""Barriers: steps from one line to the next that a person must do by hand, before or during the update."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from okd_gitops.releases.lines import Line, facts, line_after
from okd_gitops.releases.version import Version


@dataclass(frozen=True, slots=True)
class Barrier:
    """What somebody does by hand when a cluster goes from one line (`4.19`) into another."""

    source: str
    to: str
    name: str
    message: str
    url: str = ""


def known_barriers() -> tuple[Barrier, ...]:
    """Return the barriers that the table of lines has, and the gates that it cannot decide: a person looks
    whether the cluster is one of those that need the acknowledgement.
    """
    return tuple(barrier for name, line in facts().lines.items() for barrier in _barriers(name, line))


def barriers_of(start: Version, end: Version, known: Iterable[Barrier]) -> tuple[Barrier, ...]:
    """Return what has to be done by hand on the way from one version to another."""
    return tuple(barrier for barrier in known if (barrier.source, barrier.to) == (start.line, end.line))


def _barriers(name: str, line: Line) -> Iterator[Barrier]:
    for step in line.barriers:
        yield Barrier(line.after, name, step.name, step.message, step.url)

    for gate in line.acks:
        if gate.when:
            message = (
                f"Acknowledge it with --ack if {gate.when}; such a cluster refuses the update otherwise."
            )
            yield Barrier(name, line_after(name), gate.name, message)
