"""The log of the gate: a line of JSON for each event, on standard error."""

import json
import sys
from datetime import UTC, datetime


def log(event: str, /, **fields: str) -> None:
    """Write a line of JSON. Control characters are escaped in it, so that a line is one event."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"time": time, "gate": event, **fields})
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
