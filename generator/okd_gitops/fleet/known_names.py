"""The names that a fleet uses already, for whoever types the next one; a file that is no YAML has none."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.objects import at, items
from okd_gitops.manifests.read import read
from okd_gitops.releases.version import okd_streams
from okd_gitops.system.disk import FLEET, scan_tree

# The lists of a cluster file, or of fleet.yaml, whose entries have names of streams and channels.
_LISTS = (("trials",), ("features", "okd-stream", "streams"))


@dataclass(frozen=True, slots=True)
class KnownNames:
    """The clusters of a fleet, and the channels and streams that its files name, with OKD's own streams."""

    clusters: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()


def known_names(root: Path) -> KnownNames:
    """Return the names of the fleet at `root`."""
    files, _ = scan_tree(root, FLEET, "clusters", names=(".yaml",))
    values = [value for path, data in files.items() if (value := _value(path, data))]
    entries = [entry for value in values for entry in _entries(value)]

    return KnownNames(
        tuple(sorted(PurePosixPath(path).stem for path in files if path.count("/") == 1)),
        _texts(entry.get("channel") for entry in entries),
        _texts((*(entry.get("stream") or entry.get("name") for entry in entries), *okd_streams())),
    )


def _value(path: str, data: bytes) -> object:
    try:
        return read(path, data).value
    except FindingsError:
        return None


def _entries(value: object) -> Iterator[dict[str, object]]:
    """Yield the parts of a file that name a channel or a stream."""
    for entry in (at(value, "release"), *(entry for path in _LISTS for entry in items(value, *path))):
        if isinstance(entry, dict):
            yield entry


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if isinstance(value, str)}))
