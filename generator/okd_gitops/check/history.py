"""What okd-gitops would have found in each change of a release that a repository's history holds. Pure.

Beside the rules for every ClusterVersion, these are the faults that the histories of real fleets have:
versions that no other cluster ran first, acknowledgements that came a day later, upgrades that were undone.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from okd_gitops.releases.cluster_version import field_faults, missing_image
from okd_gitops.releases.lines import facts, required_acks
from okd_gitops.releases.version import Version

# OpenShift's own versions, which have the order of SemVer.
_OPENSHIFT = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?:-(ec|fc|rc)\.(\d{1,6}))?")
_VERSION_IN_TITLE = re.compile(r"\b\d{1,3}\.\d{1,4}\.\d{1,6}(?:-[a-z0-9.-]*[a-z0-9])?\b")
# Kinds of change that bring a cluster to another version.
MOVES = ("z", "minor", "major", "downgrade")
# A field is judged when it or a field that belongs to it has changed.
_JUDGED_WITH = {
    "version": {"version", "channel"},
    "channel": {"version", "channel"},
    "image": {"version", "image"},
    "force": {"force"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChange:
    """A file of a cluster before and after a commit: values by the names of fields of a ClusterVersion.

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
class JudgedPastChange:
    """A change with its kind and its faults, each as `name` or `name: reason`.

    `elsewhere`: another cluster of the repository ran this version before.
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

    @property
    def fault_names(self) -> tuple[str, ...]:
        """The names of the faults without their reasons."""
        return tuple(fault.partition(":")[0] for fault in self.faults)


@dataclass(slots=True)
class _Past:
    """What the history has shown so far: the first commit of each cluster at a version, the image of each
    version by registry, and the version of each image.
    """

    commits: dict[str, dict[str, str]] = field(default_factory=dict)
    images: dict[tuple[str, str], str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def remember(self, change: PastChange) -> None:
        version, image = _text(change.after, "version"), _text(change.after, "image")
        if not version:
            return

        self.commits.setdefault(version, {}).setdefault(change.cluster, change.commit)

        # An image that came with another version first says nothing about this one.
        if image and self.versions.setdefault(image, version) == version:
            self.images.setdefault((version, _registry(image)), image)

    def elsewhere(self, change: PastChange) -> bool:
        """Whether another cluster ran the version of a change before."""
        # Clusters that one commit moves have not tried anything for each other.
        return any(
            cluster != change.cluster and commit != change.commit
            for cluster, commit in self.commits.get(_text(change.after, "version"), {}).items()
        )


def judge_history(changes: Sequence[PastChange]) -> list[JudgedPastChange]:
    """Judge each change; `changes` are in the order of the history, oldest first."""
    past = _Past()
    judged_changes: list[JudgedPastChange] = []
    last_moves: dict[str, int] = {}

    for change in changes:
        judged = _judge(change, past)

        if judged.kind in MOVES:
            last_move = last_moves.get(judged.cluster)
            if last_move is not None and _undoes(judged, judged_changes[last_move]):
                undone = judged_changes[last_move]
                judged_changes[last_move] = replace(undone, faults=(*undone.faults, "undone-within-a-day"))
            last_moves[judged.cluster] = len(judged_changes)

        judged_changes.append(judged)
        past.remember(change)

    return judged_changes


def summary(changes: Sequence[JudgedPastChange]) -> dict[str, int]:
    """Return counts: changes, kinds, faults, and moves to a version that another cluster ran first."""
    kinds = Counter(change.kind for change in changes)
    faults = Counter(name for change in changes for name in change.fault_names)

    return {
        "changes": len(changes),
        "clusters": len({change.cluster for change in changes}),
        **dict(sorted(kinds.items())),
        **_move_counts([change for change in changes if change.kind in MOVES]),
        "changes with a fault": sum(bool(change.faults) for change in changes),
        **dict(sorted(faults.items())),
    }


def _move_counts(moves: Sequence[JudgedPastChange]) -> dict[str, int]:
    moves_of_a_day = Counter((move.cluster, move.day) for move in moves)
    chains = [count for count in moves_of_a_day.values() if count > 1]

    return {
        "version changes": len(moves),
        "version changes that another cluster had made before": sum(move.elsewhere for move in moves),
        "version changes in a chain of one day": sum(chains),
    }


def _judge(change: PastChange, past: _Past) -> JudgedPastChange:
    kind = _kind(change.before, change.after)
    return JudgedPastChange(
        commit=change.commit,
        day=datetime.fromtimestamp(change.seconds, UTC).date().isoformat(),
        path=change.path,
        cluster=change.cluster,
        kind=kind,
        start=_text(change.before, "version"),
        target=_text(change.after, "version"),
        old_channel=_text(change.before, "channel"),
        new_channel=_text(change.after, "channel"),
        elsewhere=past.elsewhere(change),
        faults=tuple(_faults(change, kind, past)) if change.after else (),
    )


def _undoes(downgrade: JudgedPastChange, move: JudgedPastChange) -> bool:
    days = (date.fromisoformat(downgrade.day) - date.fromisoformat(move.day)).days
    return downgrade.kind == "downgrade" and downgrade.target == move.start and days <= 1


def _kind(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if not before:
        return "added"
    if not after:
        return "removed"

    start, target = _text(before, "version"), _text(after, "version")
    if start != target:
        return _kind_of_move(start, target)
    if before.get("image") != after.get("image"):
        return "image only"
    return "channel only" if before.get("channel") != after.get("channel") else "other"


def _kind_of_move(start: str, target: str) -> str:
    if not start:
        return "version added"
    if not target:
        return "version removed"

    old, new = _parse(start), _parse(target)
    if old is None or new is None:
        return "not a version"
    if new < old:
        return "downgrade"
    if old.line == new.line:
        return "z"
    return "minor" if old.major == new.major else "major"


def _faults(change: PastChange, kind: str, past: _Past) -> Iterator[str]:
    before, after = change.before, change.after
    changed = {name for name in after.keys() | before.keys() if after.get(name) != before.get(name)}

    yield from _field_faults(after, changed)
    if changed & {"version", "channel"}:
        yield from _preview_faults(after)
    if changed & {"version", "image"}:
        yield from _digest_faults(after, past)
    if "version" in changed:
        yield from _move_faults(change, kind)


def _field_faults(after: Mapping[str, Any], changed: set[str]) -> Iterator[str]:
    """Yield what is wrong by the rules for every ClusterVersion."""
    judged = {
        name: after[name] for name, causes in _JUDGED_WITH.items() if changed & causes and after.get(name)
    }
    for fault in field_faults(judged):
        # The versions of OpenShift are invalid to OKD, and are read here too.
        if fault.name != "invalid-value":
            yield f"{fault.name}: {fault.reason}"


def _preview_faults(after: Mapping[str, Any]) -> Iterator[str]:
    version = _parse(_text(after, "version"))
    if version and version.rank != "release" and _text(after, "channel").startswith("stable"):
        yield f"preview-in-stable-channel: {version.text} is not a release"


def _digest_faults(after: Mapping[str, Any], past: _Past) -> Iterator[str]:
    version, image = _text(after, "version"), _text(after, "image")
    if version and not image:
        fault = missing_image("image")
        yield f"{fault.name}: {fault.reason}"
        return

    known_version = past.versions.get(image, version)
    known_image = past.images.get((version, _registry(image)), image)

    if image and known_version != version:
        yield f"mismatched-release: the digest is that of {known_version}, the version is {version}"
    elif image and known_image != image:
        yield f"two-digests: {version} had another one before"


def _move_faults(change: PastChange, kind: str) -> Iterator[str]:
    start, target = _text(change.before, "version"), _text(change.after, "version")
    old, new = _parse(start), _parse(target)

    if kind == "downgrade":
        yield f"downgrade: {start} to {target}"
    if kind == "not a version":
        yield f"not-a-version: {target if new is None else start}"

    if old and new and kind in ("minor", "major"):
        yield from _line_faults(old, new)
        if required_acks().get(old.line, ()) and not change.acked:
            yield "acknowledgement-missing"

    yield from _title_faults(change.subject, start, target)


def _line_faults(old: Version, new: Version) -> Iterator[str]:
    if old.major == new.major and new.minor - old.minor > 1:
        yield f"minor-skipped: {old.line} to {new.line}"
    if old.major != new.major and not _is_next_major(old, new):
        yield f"wrong-major-step: {old.line} to {new.line}"


def _title_faults(subject: str, start: str, target: str) -> Iterator[str]:
    named = [version for version in _VERSION_IN_TITLE.findall(subject) if version != start]
    matching = [version for version in named if target.startswith(version)]
    if target and named and not matching:
        yield f"other-version-in-title: {named[0]}"


def _is_next_major(old: Version, new: Version) -> bool:
    """Whether a cluster enters the line of the new version from that of the old one."""
    known = facts().lines.get(new.line)
    return known is not None and known.after == old.line


def _parse(text: str) -> Version | None:
    """Read a version of OKD or of OpenShift."""
    try:
        return Version.parse(text)
    except ValueError:
        parts = _OPENSHIFT.fullmatch(text)
    if not parts:
        return None

    major, minor, patch = int(parts[1]), int(parts[2]), int(parts[3])
    return Version(text, major, minor, patch, parts[4] or "release", int(parts[5] or 0))


def _registry(image: str) -> str:
    return image.partition("@")[0]


def _text(state: Mapping[str, Any], name: str) -> str:
    value = state.get(name)
    return "" if value is None else str(value)
