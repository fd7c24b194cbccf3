"""The meaning of each finding, refusal and decision, as `findings.yaml` has it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("findings.yaml")
_AREA = re.compile(r"^([a-z-]+):$", re.MULTILINE)
# The lines of an entry: all that are further in than its name.
_ENTRY = r"^  {name}:\n((?:    .*\n|\n)+)"
# Words of a remedy in whose place a reader writes a value.
_VALUE = re.compile(r"\b(VERSION|NAME|CLUSTER)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One entry of the file.

    `severity` is empty for a decision about an upgrade, which is neither error nor warning.
    """

    name: str
    area: str
    title: str
    why: str
    remedy: str
    severity: str = ""
    # The remedy in a repository that okd-gitops did not write, where that of a fleet does not fit.
    elsewhere: str = ""
    # With which a check ends that finds it; whatever cannot be read ends every command with 2.
    exit_code: int = 1

    @property
    def statement(self) -> str:
        """The title without its full stop, for a line that goes on."""
        return self.title.removesuffix(".")

    def remedy_with(self, values: Mapping[str, str]) -> str:
        """Return the remedy with values in place of words such as VERSION; a word without one stays."""
        return _VALUE.sub(lambda match: values.get(match[0]) or match[0], self.remedy)


@cache
def explanations() -> Mapping[str, Explanation]:
    """Return every explanation by its name, in the order of the file."""
    areas: dict[str, dict[str, dict[str, Any]]] = _value(_text())
    return {
        name: Explanation(name=name, area=area, **entry)
        for area, entries in areas.items()
        for name, entry in entries.items()
    }


@cache
def explanation_of(name: str) -> Explanation:
    """Return the explanation of a name; raises KeyError for a name that the file does not have.

    Only its lines are parsed: most runs have findings of a few names, and the whole file takes 20 ms.
    """
    text = _text()
    entry = re.search(_ENTRY.format(name=re.escape(name)), text, re.MULTILINE)
    if not entry:
        raise KeyError(name)

    area = _AREA.findall(text, 0, entry.start())[-1]
    return Explanation(name=name, area=area, **_value(entry[1]))


@cache
def _text() -> str:
    return _FILE.read_text(encoding="utf-8")


def _value(text: str) -> Any:
    # A run of which nothing changed needs no YAML.
    import yaml

    return yaml.load(text, Loader=yaml.CSafeLoader)
