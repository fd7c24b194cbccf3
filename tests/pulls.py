"""Upgrade pull requests of one, six and sixty clusters, for the golden files; versions, risks and texts
are of OKD's own history.
"""

from okd_gitops.rollout.pull_request_text import (
    Hunk,
    Proof,
    PullRequest,
    Risk,
    RiskKind,
    Row,
    Verdict,
    body,
    title,
)

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


def _hunk(*clusters: str, old: str = _OLD, new: str = _NEW) -> Hunk:
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
    return Hunk(text="\n".join(lines), clusters=clusters)


def one() -> PullRequest:
    """A routine patch of one test cluster."""
    row = Row(
        cluster="moc-test",
        purpose="test",
        wave=1,
        start=_OLD,
        target=_NEW,
        hops=(_NEW,),
        evidence="first wave: nothing is before it",
    )
    return PullRequest(
        verdict=Verdict.ROUTINE,
        target=_NEW,
        rows=(row,),
        reasons=(
            "only version and image change",
            "the edge is in the graph, without a condition",
            "the signature is good for this image",
        ),
        waves=3,
        untouched=4,
        facts=("objects: 0 added, 1 changed, 0 removed", "checks passed: 23 of 23"),
        hunks=(_hunk("moc-test"),),
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def six() -> PullRequest:
    """A minor upgrade of long-term clusters that needs a look: acknowledgement, channel, a conditional
    risk, an evidence table.
    """
    names = [f"moc-cd-{number}" for number in range(1, 7)]
    rows = tuple(
        Row(
            cluster=name,
            purpose="cd",
            wave=2,
            start="4.21.0-okd-scos.11",
            target=_NEW if index < 5 else "4.21.0-okd-scos.13",
            kind="minor" if index < 5 else "patch",
            hops=(_NEW,) if index < 5 else ("4.21.0-okd-scos.13", _NEW),
            old_channel="stable-scos-4.21",
            new_channel="stable-scos-4.22",
            acks=("ack-4.21-api-removals-in-4.22",) if index < 5 else (),
            evidence="wave 1 soaked 4 of 3 days",
        )
        for index, name in enumerate(names)
    )
    conditional = Risk(
        kind=RiskKind.CONDITIONAL,
        name="GenericRegistryFailures",
        message="Clusters with a mirror whose name holds `|` or <b>upper case</b> lose pulls; see https://example.org/kb. Ask @okd-wg, fixes #2340.",
        url="https://github.com/okd-project/okd/issues/2340",
        clusters=tuple(names[:5]),
    )
    barrier = Risk(
        kind=RiskKind.BARRIER,
        name="crio-default-container-runtime",
        message="Clusters installed with 4.18 or before delete MachineConfigs 00-override-{master,worker}-generated-crio-* first.",
        clusters=(names[5],),
    )
    return PullRequest(
        verdict=Verdict.LOOK,
        target=_NEW,
        rows=rows,
        reasons=(
            "a minor upgrade of long-term clusters",
            "an administrator acknowledges removed APIs",
            "one conditional risk matches",
        ),
        waves=3,
        untouched=11,
        facts=("objects: 0 added, 12 changed, 0 removed", "checks passed: 23 of 23"),
        risks=(conditional, barrier),
        evidence=(
            Proof(
                cluster="moc-test", version=_NEW, passed=True, finished="2026-11-02 00:00", soaked="4 d 0 h"
            ),
            Proof(
                cluster="moc-test-2", version=_NEW, passed=True, finished="2026-11-03 00:00", soaked="3 d 0 h"
            ),
        ),
        hunks=(
            _hunk(*names[:5], old="4.21.0-okd-scos.11"),
            _hunk(names[5], old="4.21.0-okd-scos.11", new="4.21.0-okd-scos.13"),
        ),
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def sixty() -> PullRequest:
    """More than a forge takes: sixty clusters with a large difference each, one forced, so blocked."""
    names = [f"edge-{number:02}" for number in range(60)]
    rows = tuple(
        Row(
            cluster=name,
            purpose="cd",
            wave=2 + index % 2,
            start=_OLD,
            target=_NEW,
            hops=(_NEW,),
            evidence="wave 1 has no report yet",
        )
        for index, name in enumerate(names)
    )
    forced = Risk(
        kind=RiskKind.FORCED,
        name="force",
        message="The cluster takes the release whatever its signature and the preconditions say.",
        clusters=("edge-07",),
    )
    large = tuple(
        Hunk(text="\n".join(f"+  line-{line}: {name}" for line in range(120)), clusters=(name,))
        for name in names
    )
    return PullRequest(
        verdict=Verdict.BLOCKED,
        target=_NEW,
        rows=rows,
        reasons=("edge-07 would be forced", "no cluster of wave 1 has reported yet"),
        waves=3,
        untouched=0,
        risks=(forced,),
        hunks=(_hunk(*names), *large),
        links=_LINKS,
        reproduce=_REPRODUCE,
        made_by=_MADE,
    )


def golden() -> dict[str, str]:
    """Return the golden files by name: the title as a comment, then the body."""
    made = {"one": one(), "six": six(), "sixty": sixty()}
    return {f"{name}.md": f"<!-- {title(pull)} -->\n{body(pull)}" for name, pull in made.items()}
