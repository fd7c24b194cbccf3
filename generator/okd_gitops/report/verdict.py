"""The verdict of a pull request: what a reviewer is asked for."""

from enum import StrEnum


class Attention(StrEnum):
    """What a reviewer is asked for: a glance, a careful look, or to leave it alone."""

    ROUTINE = "ROUTINE"
    LOOK = "LOOK"
    BLOCKED = "BLOCKED"

    @property
    def heading(self) -> str:
        """It with its mark, as the first line of a text."""
        return f"{_MARKS[self]} {self}"


_MARKS = {Attention.ROUTINE: "🟢", Attention.LOOK: "🟡", Attention.BLOCKED: "🔴"}
