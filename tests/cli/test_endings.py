"""Every ending that a person or a machine can cause has its exit code and a sentence, and never a
traceback.
"""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from conftest import CACHE, ROOT, git
from okd_gitops.__main__ import _run
from okd_gitops.cli.endings import EndedError
from okd_gitops.cli.main import cli

# Sends itself a signal when a module is imported or a file is opened, which stands for any moment of a run.
PROGRAM = """
import os, signal, sys
moment, number = sys.argv[1], int(sys.argv[2])
del sys.argv[1:3]
sys.path.insert(0, {generator!r})
def hook(event, arguments):
    global moment
    if moment and event in ("import", "open", "subprocess.Popen") and moment in str(arguments[0]):
        moment = ""
        os.kill(os.getpid(), number)
from okd_gitops.__main__ import main
sys.addaudithook(hook)
main()
"""
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
MOMENTS = [
    "click",
    "okd_gitops.cli.main",
    "okd_gitops.cli.output",
    "pydantic",
    "yaml",
    "lock",
    "clusters/",
    "written.sha256",
    "journal.json.new",
    "git",
]


def run(
    repo: Path, *arguments: str, redirect: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    command = [
        "sh",
        "-c",
        f'exec "$@" {redirect}',
        "sh",
        sys.executable,
        "-I",
        str(ROOT / "generator"),
        "--cache",
        str(CACHE),
        *arguments,
    ]
    return subprocess.run(
        command, cwd=repo, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_at_any_moment_is_one_line_and_its_exit_code(
    repo: Path, tmp_path: Path, moment: str
) -> None:
    number = SIGNALS[MOMENTS.index(moment) % 3]
    git(repo, "init", "-q")
    command = ["commit"] if moment == "git" else ["generate"]
    if moment != "git":
        (repo / "overlays/moc-test/kustomization.yaml").unlink()
    folder = tmp_path / "temporary"
    folder.mkdir()
    program = textwrap.dedent(PROGRAM).format(generator=str(ROOT / "generator"))
    result = subprocess.run(
        [sys.executable, "-c", program, moment, str(int(number)), *command],
        cwd=repo,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (128 + number, "interrupted; nothing is half-written\n")
    assert list(folder.iterdir()) == []
    assert list((repo / ".git").glob("*.lock")) == []


def test_a_signal_while_a_class_is_made_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named:
        def __set_name__(self, owner: type, name: str) -> None:
            raise EndedError(signal.SIGINT)

    def interrupted(**_options: object) -> None:
        type("Owner", (), {"field": Named()})

    monkeypatch.setattr(cli, "main", interrupted)
    try:
        code = _run()
    except EndedError as ending:
        code = ending.exit_code

    assert code == 130


OUTPUTS = {
    "stdout full": (">/dev/full", 7, "standard output cannot be written"),
    "stdout closed": (">&-", 7, "standard output is closed"),
    "stderr full": ("2>/dev/full", 0, ""),
    "stderr closed": ("2>&-", 0, ""),
    "stdin closed": ("<&-", 0, ""),
}


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_output_that_cannot_be_written_is_a_plain_error(repo: Path, kind: str, output: str) -> None:
    redirect, code, sentence = OUTPUTS[kind]
    result = run(repo, "generate", f"--output={output}", redirect=redirect)
    assert result.returncode == code, result.stderr
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_reader_that_goes_away_ends_the_run_like_sigpipe(repo: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-I", str(ROOT / "generator"), "schema", "cluster"]
    result = subprocess.run(command, cwd=repo, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (result.returncode, result.stderr) == (141, "")


MACHINES = {
    "no home": (("-u", "HOME"), 0),
    "home that is not there": (("HOME=/nonexistent",), 0),
    "temporary folder that is not there": (("TMPDIR=/nonexistent",), 0),
    "ascii": (("LC_ALL=C", "PYTHONIOENCODING=ascii"), 0),
    "latin 1": (("PYTHONIOENCODING=latin-1",), 0),
}


@pytest.mark.parametrize("kind", MACHINES)
def test_an_unusual_environment_works(repo: Path, kind: str) -> None:
    words, code = MACHINES[kind]
    # Not isolated: else Python would not look at its own variables.
    command = ["env", *words, sys.executable, str(ROOT / "generator"), "explain"]
    result = subprocess.run(command, cwd=repo, capture_output=True, check=False)
    assert (result.returncode, result.stderr) == (code, b"")


def test_few_open_files_or_a_deleted_folder_are_a_plain_error(repo: Path) -> None:
    script = f'ulimit -n 64; exec "{sys.executable}" -I "{ROOT / "generator"}" generate'
    assert subprocess.run(["sh", "-c", script], cwd=repo, capture_output=True, check=False).returncode == 0
    script = (
        f'mkdir gone && cd gone && rmdir ../gone && exec "{sys.executable}" -I "{ROOT / "generator"}" '
        "generate"
    )
    result = subprocess.run(["sh", "-c", script], cwd=repo, capture_output=True, text=True, check=False)
    assert result.returncode in (2, 4)
    assert "fix: " in result.stderr
    assert "bug" not in result.stderr
