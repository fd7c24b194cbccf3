"""Upgrade pull requests of one, six and sixty clusters, for the golden files; versions, risks and texts
are of OKD's own history.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from okd_gitops.check.diff import ObjectChange
from okd_gitops.evidence.report import Evidence
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.releases.barriers import Barrier
from okd_gitops.releases.graph import Risk
from okd_gitops.releases.version import Version
from okd_gitops.report.pull_request_text import Attention, PullRequest, body, title
from okd_gitops.upgrade.decide import Upgrade
from okd_gitops.upgrade.path import Hop, Path
from okd_gitops.upgrade.question import Follower
from okd_gitops.upgrade.refusals import Decision, Verdict

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
_MADE = (("version", "0.1.0"), ("graph", "sha256:" + "ab" * 32))


def upgrade(
    name: str,
    *stops: str,
    start: str = _OLD,
    purpose: str = "cd",
    wave: int = 1,
    kind: str = "patch",
    channels: tuple[str, str] = ("stable-scos-4", "stable-scos-4"),
    acks: tuple[str, ...] = (),
    barriers: tuple[Barrier, ...] = (),
    forced: bool = False,
) -> Upgrade:
    """Return the upgrade of a cluster by some stops; the first hop has the rest of what is given."""
    versions = [Version.parse(version) for version in (start, *stops)]
    follower = Follower(
        name=name,
        purpose=purpose,
        guarded=purpose == "cd",
        wave=wave,
        soak=timedelta(0),
        stream="4-scos-stable",
        version=versions[0],
        image="",
        channel=channels[0],
        takes=frozenset({"release"}),
    )
    pairs = pairwise(versions)
    hops = tuple(Hop(source, to, kind, (), channels[1], acks, barriers) for source, to in pairs)

    return Upgrade(
        cluster=follower, path=Path(hops), release=None, decision=Decision(Verdict.UPGRADE), forced=forced
    )


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
        "--- a/overlays/NAME/kustomization.yaml",
        "+++ b/overlays/NAME/kustomization.yaml",
        "@@ -31,7 +31,7 @@",
        "     - op: replace",
        "       path: /spec/desiredUpdate",
        "       value:",
        f"-        image: {_IMAGE}{'01' * 32}",
        f"-        version: {old}",
        f"+        image: {_IMAGE}{'ef' * 32}",
        f"+        version: {new}",
    ]
    return change("\n".join(lines), *clusters)


def change(diff: str, *clusters: str) -> ObjectChange:
    """Return a difference that some clusters have."""
    overlays = tuple(f"overlays/{cluster}" for cluster in clusters)
    return ObjectChange(
        object=ObjectId("config.openshift.io", "v1", "ClusterVersion", "", "version"),
        verb="changed",
        diff=diff,
        overlays=overlays,
    )


def one() -> PullRequest:
    """A routine patch of one test cluster."""
    return PullRequest(
        attention=Attention.ROUTINE,
        target=_NEW,
        upgrades=(upgrade("moc-test", _NEW, purpose="test"),),
        now=NOW,
        basis={"moc-test": "first wave: nothing is before it"},
        reasons=(
            "only version and image change",
            "the edge is in the graph, without a condition",
            "the signature is good for this image",
        ),
        waves=3,
        untouched=4,
        facts=("objects: 0 added, 1 changed, 0 removed", "checks passed: 23 of 23"),
        changes=(_change("moc-test"),),
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
    upgrades = [
        upgrade(name, _NEW, start=_BEFORE, wave=2, kind="minor", channels=channels, acks=acks)
        for name in names
    ]
    stop = "4.21.0-okd-scos.13"
    upgrades.append(upgrade(last, stop, _NEW, start=_BEFORE, wave=2, channels=channels, barriers=(barrier,)))

    return PullRequest(
        attention=Attention.LOOK,
        target=_NEW,
        upgrades=tuple(upgrades),
        now=NOW,
        basis=dict.fromkeys([*names, last], "wave 1 soaked 4 of 3 days"),
        reasons=(
            "a minor upgrade of long-term clusters",
            "an administrator acknowledges removed APIs",
            "one conditional risk matches",
        ),
        waves=3,
        untouched=11,
        facts=("objects: 0 added, 12 changed, 0 removed", "checks passed: 23 of 23"),
        conditional={(_BEFORE, _NEW): (risk,)},
        evidence=(report("moc-test", 2), report("moc-test-2", 3)),
        changes=(_change(*names, old=_BEFORE), _change(last, old=_BEFORE, new=stop)),
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def sixty() -> PullRequest:
    """More than a forge takes: sixty clusters with a large difference each, one forced, so blocked."""
    names = [f"edge-{number:02}" for number in range(60)]
    upgrades = [
        upgrade(name, _NEW, wave=2 + index % 2, forced=name == "edge-07") for index, name in enumerate(names)
    ]
    large = [change("\n".join(f"+  line-{line}: {name}" for line in range(120)), name) for name in names]

    return PullRequest(
        attention=Attention.BLOCKED,
        target=_NEW,
        upgrades=tuple(upgrades),
        now=NOW,
        basis=dict.fromkeys(names, "wave 1 has no report yet"),
        reasons=("edge-07 would be forced", "no cluster of wave 1 has reported yet"),
        waves=3,
        untouched=0,
        changes=(_change(*names), *large),
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def golden() -> dict[str, str]:
    """Return the golden files by name: the title as a comment, then the body."""
    pulls = {"one": one(), "six": six(), "sixty": sixty()}
    return {f"{name}.md": f"<!-- {title(pull)} -->\n{body(pull)}" for name, pull in pulls.items()}
