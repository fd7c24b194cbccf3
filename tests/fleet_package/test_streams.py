"""A stream that the release controller does not have is found without records, with the nearest one."""

from pathlib import Path

import pytest

from okd_gitops.finding import Finding, Severity
from okd_gitops.fleet.load import load
from okd_gitops.fleet.streams import misspelled_streams, unbuilt_streams

OKD = "https://amd64.origin.releases.ci.openshift.org"
FLEET = f"""\
repository: https://git.example.org/fleet.git
hub: hub
owners: [ops]
upstream: {OKD}/graph
"""
RELEASE = f"""\
release:
  channel: stable-scos-4
  version: 4.22.0-okd-scos.5
  image: registry.example.org/origin/release-scos@sha256:{"5" * 64}
"""


def found(root: Path, stream: str, releases: str = "") -> list[Finding]:
    (root / "clusters").mkdir()
    (root / "fleet.yaml").write_text(FLEET + releases)
    (root / "clusters/hub.yaml").write_text('purpose: hub\nenvironment: kind\nkubernetes: "1.35"\n')
    (root / "clusters/a.yaml").write_text(f"purpose: test\n{RELEASE}{stream}")
    fleet = load(root)
    return list(misspelled_streams(fleet.clusters, fleet.spec))


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("4-scos-stabel", "4-scos-stable"),
        ("4-scos-nxt", "4-scos-next"),
        ("40-scos-stable", "4-scos-stable"),
        ("4.22.0-0.okd-scos-nigthly", "4.22.0-0.okd-scos-nightly"),
    ],
)
@pytest.mark.parametrize(
    "releases", ["", f"releases: {{controller: {OKD}}}\n"], ids=["upstream", "controller"]
)
def test_a_misspelled_stream_is_an_error_at_its_place(
    wrong: str, nearest: str, releases: str, tmp_path: Path
) -> None:
    (finding,) = found(tmp_path, f"  stream: {wrong}\n", releases)

    assert (finding.name, str(finding.location)) == ("misspelled-stream", "clusters/a.yaml:6:11")
    assert finding.remedy == f'did you mean "{nearest}"?'
    assert finding.severity == Severity.ERROR


def test_another_release_controller_may_have_other_streams(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "  stream: 4-lab\n", "releases: {controller: https://releases.lab.org}\n")

    assert finding.severity == Severity.WARNING


@pytest.mark.parametrize(
    "right", ["4-scos-stable", "5-scos-next", "4-stable", "4.22.0-0.okd-scos-nightly", "4.15.0-0.okd"]
)
def test_a_stream_of_okd_passes(right: str, tmp_path: Path) -> None:
    assert found(tmp_path, f"  stream: {right}\n") == []


def test_a_stream_that_the_fleet_publishes_itself_passes(tmp_path: Path) -> None:
    own = "features:\n  okd-stream:\n    streams:\n    - {name: next, line: '4.22'}\n"

    assert found(tmp_path, f"  stream: next\n{own}") == []


def test_a_cluster_that_follows_no_stream_passes(tmp_path: Path) -> None:
    assert found(tmp_path, "") == []


BUILDS = """\
features:
  scos-pipeline:
    hand-on: true
    releases:
    - {minor: "4.22", stream: next, schedule: 30 0 * * *}
  okd-stream:
    streams:
    - {name: next, line: "4.22", os-stream: next}
    - {name: hpc, line: "4.22", os-stream: next}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ('hpc, line: "4.22"', 'hpc, line: "4.23"', "4.23 next is not built here"),
        ('hpc, line: "4.22", os-stream: next', 'hpc, line: "4.22", os-stream: stable', "4.22 stable"),
        ("hand-on: true", "hand-on: false", "hands nothing on"),
        (
            "  scos-pipeline:\n    hand-on: true\n    releases:\n",
            "  other:\n    releases:\n",
            "hands nothing on",
        ),
    ],
)
def test_a_stream_must_have_a_build(old: str, new: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    hub = 'purpose: hub\nenvironment: kubernetes\nkubernetes: "1.35"\n'
    text = hub + BUILDS.replace(old, new)
    # On kind people start the builds and the chains themselves.
    laptop = text.replace("hub", "ephemeral").replace("kubernetes\n", "kind\n")
    (tmp_path / "clusters/hub.yaml").write_text(text)
    (tmp_path / "clusters/laptop.yaml").write_text(f"{laptop}expires: 2030-01-01\n")
    findings = list(unbuilt_streams(load(tmp_path).clusters))

    assert bool(findings) == bool(said)
    assert all(finding.name == "unbuilt-stream" and finding.location.line >= 10 for finding in findings)
    assert said in (findings[-1].reason if findings else "")
