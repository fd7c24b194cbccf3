"""What okd-gitops would have said of each change that a repository's history made to the releases of its
clusters. Pure.

The words are those that people looked for in the histories of real fleets: versions whose channel does not
have them, digests that are missing, versions that no other cluster ran first, acknowledgements that came a
day later.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from datetime import UTC, datetime
from typing import Any

from okd_gitops.releases.version import KUBERNETES, Version, channel_fault, image_fault, outside_channel

# OpenShift's own versions, which have the order of SemVer.
_OPENSHIFT = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?:-(ec|fc|rc)\.(\d{1,6}))?")
_IN_TITLE = re.compile(r"\b\d{1,3}\.\d{1,4}\.\d{1,6}(?:-[a-z0-9.-]*[a-z0-9])?\b")
# Kinds of change that bring a cluster to another version.
MOVES = ("z", "minor", "major", "downgrade")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A file of a cluster before and after a commit: field to value, as `clusterversion` names them.
    `acked`: the commit adds acknowledgements.
    """

    commit: str
    seconds: int
    subject: str
    path: str
    cluster: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    acked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of one change. `elsewhere`: another cluster of the repository was at this version
    before.
    """

    commit: str
    day: str
    path: str
    cluster: str
    kind: str
    start: str
    target: str
    old_channel: str
    new_channel: str
    elsewhere: bool
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class _Past:
    """What the history said so far: who had a version since which commit, images by version, and the last
    move of each cluster.
    """

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    moves: dict[str, tuple[int, int]] = field(default_factory=dict)


def replay(changes: Sequence[Change]) -> list[Said]:
    """Return what is said of each change; `changes` are in the order of the history, oldest first."""
    past = _Past()
    said: list[Said] = []
    for change in _without_moved_files(changes):
        one = _say(change, past)
        if one.kind in MOVES:
            index, seconds = past.moves.get(change.cluster, (-1, 0))
            if (
                one.kind == "downgrade"
                and index >= 0
                and _days(seconds, change.seconds) <= 1
                and said[index].start == one.target
            ):
                said[index] = replaced(said[index], faults=(*said[index].faults, "undone within a day"))
            past.moves[change.cluster] = len(said), change.seconds
        said.append(one)
        version, image = _text(change.after, "version"), _text(change.after, "image")
        if version:
            past.versions.setdefault(version, {}).setdefault(change.cluster, change.commit)
            if image:
                past.images.setdefault(version, image)
    return said


def summary(said: Sequence[Said]) -> dict[str, int]:
    """Return counts: changes, kinds, faults, and moves to a version that another cluster had run first."""
    moves = [one for one in said if one.kind in MOVES]
    kinds, faults = (
        Counter(one.kind for one in said),
        Counter(fault.partition(":")[0] for one in said for fault in one.faults),
    )
    same_day = Counter((one.cluster, one.day) for one in moves)
    return {
        "changes": len(said),
        "clusters": len({one.cluster for one in said}),
        **dict(sorted(kinds.items())),
        "version changes": len(moves),
        "version changes that another cluster had made before": sum(one.elsewhere for one in moves),
        "version changes in a chain of one day": sum(count for count in same_day.values() if count > 1),
        "changes with a fault": sum(bool(one.faults) for one in said),
        **dict(sorted(faults.items())),
    }


def _say(change: Change, past: _Past) -> Said:
    before, after = change.before, change.after
    start, target = _text(before, "version"), _text(after, "version")
    kind = _kind(before, after)
    return Said(
        commit=change.commit,
        day=datetime.fromtimestamp(change.seconds, UTC).date().isoformat(),
        path=change.path,
        cluster=change.cluster,
        kind=kind,
        start=start,
        target=target,
        old_channel=_text(before, "channel"),
        new_channel=_text(after, "channel"),
        # Clusters that are moved by one commit have not tried anything for each other.
        elsewhere=any(
            cluster != change.cluster and commit != change.commit
            for cluster, commit in past.versions.get(target, {}).items()
        ),
        faults=tuple(_faults(change, kind, past)) if after else (),
    )


def _kind(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    start, target = _text(before, "version"), _text(after, "version")
    if not before or not after:
        return "added" if after else "removed"
    if start != target:
        if not start or not target:
            return "version added" if target else "version removed"
        old, new = _parse(start), _parse(target)
        if old is None or new is None:
            return "not a version"
        if new < old:
            return "downgrade"
        return "z" if old.line == new.line else "minor" if old.major == new.major else "major"
    if before.get("image") != after.get("image"):
        return "image only"
    return "channel only" if before.get("channel") != after.get("channel") else "other"


def _faults(change: Change, kind: str, past: _Past) -> Iterable[str]:
    """Yield what is wrong; what comes after a colon tells more and is not counted apart."""
    before, after = change.before, change.after
    version, channel, image = (_text(after, name) for name in ("version", "channel", "image"))
    changed = {name for name in after.keys() | before.keys() if after.get(name) != before.get(name)}
    if changed & {"version", "channel"}:
        if version and outside_channel(version, channel):
            yield f"channel mismatch: {version} is not in {channel}"
        if channel and channel_fault(channel)[0]:
            yield f"not a channel: {channel}"
        parsed = _parse(version)
        if parsed and parsed.rank != "release" and channel.startswith("stable"):
            yield f"candidate in a stable channel: {version}"
    if changed & {"version", "image"}:
        yield from _image_faults(version, image, past)
    if "force" in changed and after.get("force"):
        yield "forced"
    if "version" in changed:
        yield from _path_faults(change, kind)


def _image_faults(version: str, image: str, past: _Past) -> Iterable[str]:
    if not image:
        if version:
            yield "digest missing"
    elif image_fault(image):
        yield f"digest not valid: {image_fault(image)}"
    elif past.images.get(version, image) != image:
        yield f"two digests: {version} had another one before"


def _path_faults(change: Change, kind: str) -> Iterable[str]:
    start, target = _text(change.before, "version"), _text(change.after, "version")
    if kind == "downgrade":
        yield f"downgrade: {start} to {target}"
    if kind == "not a version":
        yield f"not a version: {target if _parse(target) is None else start}"
    old, new = _parse(start), _parse(target)
    if old and new and kind in ("minor", "major"):
        if _skips(old, new):
            yield f"skipped minor: {old.line} to {new.line}"
        if not change.acked:
            yield "ack not seen"
    titled = _IN_TITLE.findall(change.subject)
    if (
        target
        and titled
        and not {target, start} & set(titled)
        and not any(target.startswith(text) for text in titled)
    ):
        yield f"title names another version: {titled[0]}"


def _skips(old: Version, new: Version) -> bool:
    if old.major == new.major:
        return new.minor - old.minor > 1
    # From one major to the next the way leads from its last minor to the first one.
    last = max(
        (int(line.split(".")[1]) for line in KUBERNETES if line.startswith(f"{old.major}.")),
        default=old.minor,
    )
    return new.major - old.major > 1 or new.minor > 0 or old.minor < last


def _parse(text: str) -> Version | None:
    """Read a version of OKD or of OpenShift."""
    try:
        return Version.parse(text)
    except ValueError:
        match = _OPENSHIFT.fullmatch(text)
    if not match:
        return None
    return Version(
        text, int(match[1]), int(match[2]), int(match[3]), match[4] or "release", int(match[5] or 0)
    )


def _without_moved_files(changes: Sequence[Change]) -> Iterable[Change]:
    """Leave out files that a commit only moved: what one file loses, another one gets."""
    lost = Counter((change.commit, _values(change.before)) for change in changes if not change.after)
    got = Counter((change.commit, _values(change.after)) for change in changes if not change.before)
    moved = {False: lost & got, True: lost & got}
    for change in changes:
        if change.before and change.after:
            yield change
            continue
        gone = not change.after
        key = change.commit, _values(change.before if gone else change.after)
        if moved[gone][key]:
            moved[gone][key] -= 1
        else:
            yield change


def _values(state: Mapping[str, Any]) -> str:
    return repr(sorted((name, str(value)) for name, value in state.items()))


def _days(start: int, end: int) -> int:
    return (datetime.fromtimestamp(end, UTC).date() - datetime.fromtimestamp(start, UTC).date()).days


def _text(state: Mapping[str, Any], name: str) -> str:
    value = state.get(name)
    return value if isinstance(value, str) else "" if value is None else str(value)
