"""Whatever bytes a reader is given, it answers or refuses them in its own way; what fuzzing has found
(`make test-deep`) stays found.
"""

import pytest

from inputs import HOSTILE, corpus, good
from readers import READERS, tried


@pytest.mark.parametrize("name", READERS)
def test_no_bytes_break_a_reader(name: str) -> None:
    accepted = good(name)
    if accepted:
        reader, _ = READERS[name]
        reader(accepted[0])
    # Cut off, doubled, and with each end of line changed: what networks and editors do.
    few = accepted[:3]
    spoilt = [
        part
        for data in few
        for part in (data[: len(data) // 2], data * 2, data.replace(b"\n", b"\r\n"), data[1:], data.upper())
    ]
    for data in (*accepted, *HOSTILE, *spoilt, *corpus(name)):
        try:
            tried(name, data)
        except Exception as error:
            raise AssertionError(f"{name} lets {error!r} out for {data[:200]!r}") from error
