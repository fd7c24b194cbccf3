"""Say what takes long while it is done, and after it how long that took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Print one line around a block: what is done, and the seconds once it is."""
    print(f"{doing} …", end="", flush=True)
    started = time.monotonic()
    yield
    print(f" {time.monotonic() - started:.0f} s", flush=True)
