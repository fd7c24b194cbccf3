"""Upgrade pull requests of one, six and sixty clusters, for the golden files; versions, risks and texts
are of OKD's own history.
"""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from okd_gitops.check.diff import ObjectChange
from okd_gitops.evidence.report import Evidence
from okd_gitops.manifests.changed_fields import FieldChange
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.releases.barriers import Barrier
from okd_gitops.releases.graph import Risk
from okd_gitops.releases.version import Version
from okd_gitops.report.clusters import ClusterRow, path_words
from okd_gitops.report.pull_request_text import PullRequest, body, title
from okd_gitops.report.risks import forced_risk, risks_of_hop
from okd_gitops.report.verdict import Attention
from okd_gitops.upgrade.path import Hop, Path

NOW = datetime(2026, 11, 6, tzinfo=UTC)
_BEFORE = "4.21.0-okd-scos.11"
_OLD, _NEW = "4.22.0-okd-scos.7", "4.22.0-okd-scos.9"
_IMAGE = "registry.ci.openshift.org/origin/release-scos@sha256:"
_RELEASE = f"https://amd64.origin.releases.ci.openshift.org/releasestream/4-scos-stable/release/{_NEW}"
_GRAPH = "https://amd64.origin.releases.ci.openshift.org/graph"
_LINKS = (
    ("release", _RELEASE),
    ("changes since the version before", f"{_RELEASE}?from={_OLD}"),
    ("update graph", _GRAPH),
    ("this run", "https://example.org/runs/17"),
)
_REPRODUCE = (
    "git fetch origin okd/4.22.0-okd-scos.9--wave1",
    "git checkout FETCH_HEAD",
    "make generate ARGS=--check",
    "make check",
)
_CLUSTER_VERSION = ObjectId("config.openshift.io", "v1", "ClusterVersion", "", "version")
_MADE = (("version", "0.1.0"), ("graph", "sha256:" + "ab" * 32))


def row(
    name: str,
    *stops: str,
    start: str = _OLD,
    purpose: str = "cd",
    wave: int = 1,
    kind: str = "patch",
    channels: tuple[str, str] = ("stable-scos-4", "stable-scos-4"),
    acks: tuple[str, ...] = (),
    evidence: str = "first wave",
    waits_for: tuple[str, ...] = (),
    followed_by: tuple[str, ...] = (),
    refused: bool = False,
) -> ClusterRow:
    """Return the row of a cluster that goes to a release by some stops, by hops of one kind."""
    path = Path(hops(*stops, start=start, kind=kind, channel=channels[1], acks=acks))

    return ClusterRow(
        name=name,
        purpose=purpose,
        wave=wave,
        old=start,
        new=stops[0],
        how=path_words(path, channels[0]),
        evidence=evidence,
        waits_for=waits_for,
        followed_by=followed_by,
        refused=refused,
    )


def hops(
    *stops: str,
    start: str = _OLD,
    kind: str = "patch",
    channel: str = "stable-scos-4",
    acks: tuple[str, ...] = (),
    barriers: tuple[Barrier, ...] = (),
) -> tuple[Hop, ...]:
    """Return the hops from one version to the last of the stops."""
    versions = [Version.parse(version) for version in (start, *stops)]

    return tuple(Hop(source, to, kind, (), channel, acks, barriers) for source, to in pairwise(versions))


def report(cluster: str, day: int, *, passed: bool = True) -> Evidence:
    """Return what a cluster of the wave before reported, at the beginning of a day."""
    operators = "healthy" if passed else "degraded"
    finished = datetime(2026, 11, day, tzinfo=UTC)
    image = f"{_IMAGE}{'ef' * 32}"

    return Evidence.model_validate(
        {
            "cluster": cluster,
            "version": _NEW,
            "image": image,
            "finished": finished,
            "passed": passed,
            "operators": operators,
        }
    )


def _change(*clusters: str, old: str = _OLD, new: str = _NEW) -> ObjectChange:
    lines = [
        "--- a/ClusterVersion version",
        "+++ b/ClusterVersion version",
        "@@ -8,6 +8,6 @@",
        "   channel: stable-scos-4",
        "   desiredUpdate:",
        f"-    image: {_IMAGE}{'01' * 32}",
        f"-    version: {old}",
        f"+    image: {_IMAGE}{'ef' * 32}",
        f"+    version: {new}",
    ]
    fields = (
        FieldChange(("spec", "desiredUpdate", "image"), f"{_IMAGE}{'01' * 32}", f"{_IMAGE}{'ef' * 32}"),
        FieldChange(("spec", "desiredUpdate", "version"), old, new),
    )
    return replace(change("\n".join(lines), *clusters), fields=fields)


def change(diff: str, *clusters: str, identity: ObjectId = _CLUSTER_VERSION) -> ObjectChange:
    """Return a difference that some clusters have."""
    overlays = tuple(f"overlays/{cluster}" for cluster in clusters)
    return ObjectChange(object=identity, verb="changed", diff=diff, overlays=overlays)


def one() -> PullRequest:
    """A routine patch of one test cluster."""
    return PullRequest(
        attention=Attention.ROUTINE,
        target=_NEW,
        rows=(row("moc-test", _NEW, purpose="test", followed_by=("moc-cd", "moc-hub")),),
        now=NOW,
        waves=3,
        untouched=4,
        facts=(
            "checks passed: 23 documents, 0 errors",
            "signature verified (8C761C5F3A6AF3B3)",
            "9 d 4 h old",
        ),
        changes=(_change("moc-test"),),
        notes="## What is new\n\nFixes <b>#2340</b>; thanks @okd-wg. Pull From: quay.io/okd/scos-release\n",
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def six() -> PullRequest:
    """A minor upgrade of long-term clusters that needs a look: acknowledgement, channel, a conditional
    risk, an evidence table.
    """
    *names, last = [f"moc-cd-{number}" for number in range(1, 7)]
    channels = ("stable-scos-4.21", "stable-scos-4.22")
    acks = ("ack-4.21-api-removals-in-4.22",)
    barrier = Barrier(
        source="4.21",
        to="4.22",
        name="crio-default-container-runtime",
        message=(
            "Clusters installed with 4.18 or before delete MachineConfigs "
            "00-override-{master,worker}-generated-crio-* first."
        ),
    )
    risk = Risk(
        name="GenericRegistryFailures",
        message=(
            "Clusters with a mirror whose name holds `|` or <b>upper case</b> lose pulls; see "
            "https://example.org/kb. Ask @okd-wg, fixes #2340."
        ),
        url="https://github.com/okd-project/okd/issues/2340",
        rules=(),
    )
    before = ("moc-test", "moc-test-2")
    stop = "4.21.0-okd-scos.13"
    rows = [
        row(
            name,
            _NEW,
            start=_BEFORE,
            wave=2,
            kind="minor",
            channels=channels,
            acks=acks,
            evidence="2 passed, 3 d 0 h ago",
            waits_for=before,
            followed_by=("moc-hub",),
        )
        for name in names
    ]
    rows.append(
        row(last, stop, _NEW, start=_BEFORE, wave=2, evidence="2 passed, 3 d 0 h ago", waits_for=before)
    )
    (hop,) = hops(_NEW, start=_BEFORE)
    (first_hop,) = hops(stop, start=_BEFORE, barriers=(barrier,))

    return PullRequest(
        attention=Attention.LOOK,
        target=_NEW,
        rows=tuple(rows),
        now=NOW,
        reasons=(
            "a minor upgrade of long-term clusters",
            "an administrator acknowledges removed APIs",
            "one conditional risk matches",
        ),
        waves=3,
        untouched=11,
        facts=("checks passed: 23 documents, 0 errors", "signature NOT verified"),
        risks=(
            *((name, entry) for name in names for entry in risks_of_hop(hop, [risk])),
            *((last, entry) for entry in risks_of_hop(first_hop, [])),
        ),
        sources_away=("https://api.github.com/repos/okd-project/okd/releases",),
        evidence=(report("moc-test", 2), report("moc-test-2", 3)),
        changes=(_change(*names, old=_BEFORE), _change(last, old=_BEFORE, new=stop)),
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def sixty() -> PullRequest:
    """More than a forge takes: sixty clusters with a large difference each, one forced, so blocked."""
    names = [f"edge-{number:02}" for number in range(60)]
    rows = [
        row(
            name,
            _NEW,
            wave=2 + index % 2,
            evidence="🔴 no report of `moc-test`",
            waits_for=("moc-test",),
            refused=name == "edge-07",
        )
        for index, name in enumerate(names)
    ]
    large = [change("\n".join(f"+  line-{line}: {name}" for line in range(120)), name) for name in names]

    return PullRequest(
        attention=Attention.BLOCKED,
        target=_NEW,
        rows=tuple(rows),
        now=NOW,
        reasons=("edge-07 is FORCED: neither its signature nor its preconditions count",),
        risks=(("edge-07", forced_risk()),),
        waves=3,
        changes=(_change(*names), *large),
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def golden() -> dict[str, str]:
    """Return the golden files by name: the title as a comment, then the body."""
    pulls = {"one": one(), "six": six(), "sixty": sixty()}
    return {f"{name}.md": f"<!-- {title(pull)} -->\n{body(pull)}" for name, pull in pulls.items()}
