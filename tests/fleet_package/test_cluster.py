"""Cluster files: every fault has a place, a reason and the nearest valid name; all are reported at once."""

import pytest

from okd_gitops.finding import Finding, FindingsError
from okd_gitops.fleet.cluster import ClusterFile, ClusterSpec, parse_cluster
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.report.finding_text import as_text
from okd_gitops.tree import Tree

_IMAGE = "registry.example.org/origin/release-scos"
_DIGEST = "sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
GOOD = f"""\
purpose: test
server: https://api.demo.example.org:6443
clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926
release:
  channel: stable-scos-4
  version: 4.22.0-okd-scos.0
  image: {_IMAGE}@{_DIGEST}
"""


def cluster(text: str) -> ClusterFile:
    return parse_cluster("demo", read("clusters/demo.yaml", text.encode()), Tree())


def faults(text: str) -> list[Finding]:
    with pytest.raises(FindingsError) as error:
        cluster(text)
    assert error.value.exit_code == 2
    return list(error.value.findings)


def test_seven_lines_are_a_cluster() -> None:
    demo = cluster(GOOD)
    assert (demo.spec.environment, demo.kubernetes, demo.spec.features) == ("okd", "1.35", {})


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "column", "said"),
    [
        ("purpose: test", "purpose: tset", "invalid-value", 1, 10, 'did you mean "test"?'),
        ("server:", "sever:", "unknown-key", 2, 1, 'did you mean "server"?'),
        ("channel:", "chanel:", "unknown-key", 5, 3, 'did you mean "channel"?'),
        ("purpose: test\n", "", "missing-value", 1, 1, '"purpose" is missing'),
        ("stable-scos-4", "4-scos-stable", "stream-as-channel", 5, 12, 'did you mean "stable-scos-4"?'),
        ("stable-scos-4", "fast-4.22", "unknown-channel", 5, 12, "write stable-scos-4.22"),
        (
            "stable-scos-4\n",
            "stable-scos-4\n  upstream: https://api.openshift.com/api/upgrades_info/v1/graph\n",
            "wrong-upstream",
            6,
            13,
            "only releases of OpenShift",
        ),
        ("stable-scos-4", "stable-scos-4.21", "version-outside-channel", 6, 12, "is not in channel"),
        ("4.22.0-okd-scos.0", "4.22", "invalid-value", 6, 12, "in quotes"),
        ("4.22.0-okd-scos.0", "4.22.0", "invalid-value", 6, 12, "not an OKD version"),
        (
            "4.22.0-okd-scos.0",
            "4.99.0-okd-scos.0",
            "missing-value",
            6,
            12,
            "Kubernetes version of OKD 4.99 is unknown",
        ),
        ("  channel:", "  force: true\n  channel:", "forced-update", 5, 10, "force"),
        ("@sha256:018b65c9bd7f", ":latest # ", "floating-release", 7, 10, "a tag can move"),
        ("sha256:018b65c9bd7f", "sha256:", "floating-release", 7, 10, "this one has 52"),
        ("8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926", "infra", "wrong-cluster-identity", 3, 12, "UUID"),
        ("https://api", "https://user:secret@api", "invalid-value", 2, 9, "credentials"),
        ("https://api", "http://api", "invalid-value", 2, 9, "not an https:// URL"),
        ("purpose: test", "purpose: test\nwave: '1'", "invalid-value", 2, 7, "wave"),
        ("purpose: test", "purpose: test\nfeatures: [tekton]", "invalid-value", 2, 11, "must be a map"),
        ("purpose: test", "purpose: test\nfeatures: {../x: }", "invalid-name", 2, 12, "not a valid name"),
        ("purpose: test", "purpose: test\nowners: [Ops]", "invalid-value", 2, 10, "owners"),
        ("purpose: test", "purpose: test\nexpires: tomorrow", "invalid-value", 2, 10, "a day"),
        ("purpose: test", "purpose: test\nexpires: 2026-02-31", "invalid-value", 2, 10, "expires"),
        (
            "purpose: test",
            "purpose: test\nenvironment: kind",
            "missing-value",
            2,
            14,
            "kind cluster needs the version of its Kubernetes",
        ),
    ],
)
def test_a_fault_has_place_reason_and_remedy(
    old: str, new: str, code: str, line: int, column: int, said: str
) -> None:
    found = faults(GOOD.replace(old, new, 1))
    assert [(finding.name, finding.location.line, finding.location.column) for finding in found] == [
        (code, line, column)
    ]
    assert said in f"{found[0].reason} {found[0].remedy}"


def test_an_okd_cluster_needs_a_release() -> None:
    assert ["needs a release" in finding.reason for finding in faults(GOOD.partition("release:")[0])] == [
        True
    ]


def test_all_faults_at_once() -> None:
    text = (
        GOOD.replace("purpose: test", "purpose: tset")
        .replace("server:", "sever:")
        .replace("stable-scos-4", "4-scos-stable")
    )
    assert [finding.name for finding in faults(text)] == ["invalid-value", "unknown-key", "stream-as-channel"]


def test_the_terminal_shows_line_and_caret() -> None:
    (finding,) = faults(GOOD.replace("stable-scos-4", "4-scos-stable"))
    assert as_text(finding).splitlines() == [
        (
            'error stream-as-channel: "4-scos-stable" is a release stream, not an update channel: the '
            "cluster would be offered nothing"
        ),
        "  clusters/demo.yaml:5:12",
        "  5 |   channel: 4-scos-stable",
        "                 ^^^^^^^^^^^^^",
        '  fix: did you mean "stable-scos-4"?',
    ]


def test_control_characters_of_a_file_do_not_reach_the_terminal() -> None:
    (finding,) = faults(GOOD.replace("purpose: test", 'purpose: "te\\u001b[31mst"'))
    assert "\x1b" not in as_text(finding)


def test_the_fleet_is_strict_too() -> None:
    text = b"repository: https://github.com/x/y.git\nhub: Hub\nowner: [a]\n"
    with pytest.raises(FindingsError) as error:
        parse(FleetSpec, read("fleet.yaml", text))
    assert sorted(finding.name for finding in error.value.findings) == [
        "invalid-value",
        "missing-value",
        "unknown-key",
    ]


def test_the_upstream_of_the_fleet_has_releases_of_okd() -> None:
    text = "repository: https://git.example.org/x.git\nhub: hub\nowners: [a]\nupstream: UPSTREAM\n"
    good = text.replace("UPSTREAM", "https://amd64.origin.releases.ci.openshift.org/graph")
    gone = text.replace("UPSTREAM", "https://origin-release.svc.ci.openshift.org/graph")

    assert parse(FleetSpec, read("fleet.yaml", good.encode())).hub == "hub"
    with pytest.raises(FindingsError) as error:
        parse(FleetSpec, read("fleet.yaml", gone.encode()))
    (finding,) = error.value.findings
    assert (finding.name, str(finding.location)) == ("wrong-upstream", "fleet.yaml:4:11")


def test_models_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        cluster(GOOD).spec.__setattr__("wave", 3)
    assert ClusterSpec.model_config["frozen"]


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://github.com/x/y.git", True),
        ("ssh://git@git.example.org:2222/x/y.git", True),
        ("http://git.git.svc/fleet.git", True),
        ("http://git.example.org/x", False),
        ("https://user:token@github.com/x/y.git", False),
        ("file:///srv/x", False),
        ("ext::sh -c id", False),
        ("--upload-pack=x", False),
    ],
)
def test_where_argo_cd_reads_the_repository(url: str, fine: bool) -> None:
    text = f"repository: '{url}'\nhub: hub\nowners: [a]\nupstream: https://graph.example.org/graph\n"
    if fine:
        assert parse(FleetSpec, read("fleet.yaml", text.encode())).repository == url
        return
    with pytest.raises(FindingsError) as error:
        parse(FleetSpec, read("fleet.yaml", text.encode()))
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]
