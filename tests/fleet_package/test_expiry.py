"""An ephemeral cluster has its day: written in one way, near enough, and a warning once it has passed."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from conftest import Run, git
from okd_gitops.cli.main import cli
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import parse_cluster
from okd_gitops.manifests.read import read
from okd_gitops.tree import Tree
from rendered import FLEET, HUB, OKD

SEVEN_LINES = f"purpose: ephemeral\nexpires: 2026-12-18\n{OKD}"
# What people write who mean a day, or a time from now.
NO_DAYS = [
    *(
        "7d",
        "168h",
        "P7D",
        "P1W",
        "0",
        "-1",
        "-7d",
        "0d",
        "tomorrow",
        "never",
        "''",
        "~",
        "true",
        "[2026-12-18]",
        "{day: 2026-12-18}",
    ),
    *(
        "2026-02-31",
        "2025-02-29",
        "0000-01-01",
        "2026-13-01",
        "2026-1-1",
        "26-12-18",
        "20261218",
        "18.12.2026",
        "12/18/2026",
        "2026-W51-5",
        "2026-352",
    ),
    *(
        "2026-12-18T00:00:00Z",
        "2026-12-18 12:00",
        "2026-12-18+01:00",
        "+2026-12-18",
        "12026-12-18",
        "2026-12",
        "2026",
        "1.5",
        "٢٠٢٦-١٢-١٨",
    ),
]


@pytest.mark.parametrize("day", ["2026-12-18", "2028-02-29", '"2026-12-18"'])
def test_a_day_is_a_day(day: str) -> None:
    cluster = parse_cluster(
        "x", read("clusters/x.yaml", SEVEN_LINES.replace("2026-12-18", day).encode()), Tree()
    )
    assert str(cluster.spec.expires) == day.strip('"')


@pytest.mark.parametrize("day", NO_DAYS)
def test_nothing_else_is_taken_for_a_day(day: str) -> None:
    with pytest.raises(FindingsError) as error:
        parse_cluster("x", read("clusters/x.yaml", SEVEN_LINES.replace("2026-12-18", day).encode()), Tree())
    (finding,) = error.value.findings
    assert (str(finding.location), bool(finding.reason), bool(finding.remedy)) == (
        "clusters/x.yaml:2:10",
        True,
        True,
    )


@pytest.mark.clock
def test_a_day_that_has_passed_turns_nothing_red_and_its_remedy_works(repo: Path, okd_gitops: Run) -> None:
    git(repo, "init", "--quiet", "--initial-branch=main")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=start")
    years_later = okd_gitops("check", "--at", "2031-12-31T00:00:00Z")
    assert (years_later.returncode, " 0 errors, " in years_later.stdout) == (0, True), years_later.stderr
    assert (
        "warning cluster-expiry: moc-pr-412 expired on 2026-12-18\n  clusters/moc-pr-412.yaml:6:1"
        in years_later.stderr
    )
    assert "fix: okd-gitops cluster expire removes it; or set a later day" in years_later.stderr

    assert okd_gitops("cluster", "expire", "--at", "2031-12-31T00:00:00Z").returncode == 0
    assert not (repo / "clusters/moc-pr-412.yaml").exists()
    removed = okd_gitops("check", "--at", "2031-12-31T00:00:00Z")
    assert (removed.returncode, " 0 errors, " in removed.stdout) == (0, True)
    assert "cluster-expiry" not in removed.stderr


def test_a_day_more_than_a_year_ahead_is_an_error_until_it_is_nearer(repo: Path, okd_gitops: Run) -> None:
    early = okd_gitops("check", "--at", "2024-02-29T12:00:00Z")
    assert (early.returncode, "more than 366 days ahead" in early.stderr) == (1, True)
    assert okd_gitops("check", "--at", "2025-12-17T12:00:00Z").returncode == 0


def test_an_ephemeral_cluster_of_a_few_lines_passes_the_check_of_what_is_generated(
    tmp_path: Path, okd_gitops: Run
) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text(f"purpose: hub\n{HUB}")
    (tmp_path / "clusters/probe.yaml").write_text(SEVEN_LINES)
    assert okd_gitops("generate", cwd=tmp_path).returncode == 0
    checked = okd_gitops("check", cwd=tmp_path)
    assert (checked.returncode, "cluster-expiry" in checked.stderr) == (0, False), checked.stderr


def commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def test_check_and_every_release_command_decide_as_of_a_given_time() -> None:
    found = {
        name: command for name, command in commands(cli) if name == "check" or name.startswith("release ")
    }
    assert len(found) >= 9
    options = {
        name: [option for option in command.params if "--at" in option.opts]
        for name, command in found.items()
    }
    assert [name for name, given in options.items() if len(given) != 1] == []
    assert len({getattr(each, "help", "") for given in options.values() for each in given}) == 1, (
        "they say the same of it"
    )


@pytest.mark.parametrize("time", ["2026-11-21", "now", "2026-11-21T12:00:00+01:00", "2026-02-30T12:00:00Z"])
def test_a_time_is_written_in_one_way(okd_gitops: Run, time: str) -> None:
    done = okd_gitops("check", "--at", time)
    assert (done.returncode, "write it like 2026-11-21T12:00:00Z" in done.stderr) == (2, True)
