"""People edit clusters/ every day. No such edit makes a test of the tool red, or a document wrong."""

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import CACHE, Run
from golden import copied
from rendered import OKD

# What showed this repository's own fleet before, and one of each kind that works in the repository.
TOUCHED = [
    *(
        "tests/acceptance/test_docs.py",
        "tests/catalog/test_examples.py",
        "tests/generate/test_generate.py::test_eight_lines_make_a_cluster_and_removing_the_file_removes_it",
    ),
    "tests/acceptance/test_okd_streams.py::test_one_more_okd_minor_is_one_entry_and_a_small_difference",
    "tests/acceptance/test_okd_streams.py::test_the_fleet_requests_releases_in_the_form_that_the_operator_accepts",
    "tests/acceptance/test_okd_streams.py::test_removing_the_file_deletes_an_ephemeral_cluster_and_no_other",
    "tests/catalog/test_scos_triggers.py::test_schedules_of_the_fleet_do_not_overlap",
]


def bumped(text: str) -> str:
    """Return a cluster file with the next release of its line."""
    text = re.sub(r"(?m)^(  version: .*\.)(\d+)$", lambda match: f"{match[1]}{int(match[2]) + 1}", text)
    return re.sub(r"@sha256:[0-9a-f]{4}", "@sha256:0000", text)


def edit(clusters: Path) -> None:
    """Move every cluster to another release, let one go, and add one whose day has passed."""
    files = sorted(clusters.glob("*.yaml"))
    for file in files:
        file.write_text(bumped(file.read_text()))
    passing = [file for file in files if re.search(r"(?m)^purpose: (test|ephemeral)$", file.read_text())]
    for file in passing[:1]:
        file.unlink()
    (clusters / "edited.yaml").write_text(f"purpose: ephemeral\nexpires: 2020-02-29\n{OKD}")


def test_a_bumped_a_new_and_a_removed_cluster_turn_no_test_red(tmp_path: Path, okd_gitops: Run) -> None:
    copied(tmp_path)
    edit(tmp_path / "clusters")
    generated = okd_gitops("generate", cwd=tmp_path)
    assert generated.returncode == 0, generated.stderr
    checked = okd_gitops("check", cwd=tmp_path)
    assert (checked.returncode, "cluster-expiry" in checked.stderr) == (0, True), checked.stderr

    # Of the outputs of the README those that take seconds: all are made in the same way.
    quick = "not release_moves and not two_commands and not come_and_go and not first_cluster"
    selection = ["-k", quick, "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *TOUCHED]
    environment = {**os.environ, "OKD_GITOPS_CACHE": str(CACHE)}
    command = [sys.executable, "-m", "pytest", *selection]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
