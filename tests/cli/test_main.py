"""The command line itself: help, exit codes, completion, quiet ends."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from conftest import CACHE, ROOT, Run, git
from okd_gitops.cli.commands import COMMANDS
from okd_gitops.cli.doctor import doctor
from okd_gitops.cli.explain import by_area
from okd_gitops.cli.main import cli
from okd_gitops.errors import EXIT_CODES
from okd_gitops.explanation import explanation_of

FLEET = """\
repository: https://git.example.com/fleet.git
hub: hub
owners: [ops]
upstream: https://graph.example.com/graph
"""
COMMAND_MODULES = {place.partition(":")[0] for place, _ in COMMANDS.values()}


def printed_by(code: str, folder: Path | None = None) -> str:
    """Return what Python prints that runs the code, with our package on its path."""
    command = [sys.executable, "-c", code]
    path = {"PYTHONPATH": str(ROOT / "generator")}
    done = subprocess.run(command, env=path, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_teaches_and_names_every_exit_code(okd_gitops: Run) -> None:
    text = okd_gitops("--help").stdout
    assert "Usage: okd-gitops" in text
    assert all(f"{code} " in text for code in EXIT_CODES)
    assert all(command.help for command in cli.commands.values())


@pytest.mark.parametrize(
    "group",
    [(), ("release",), ("release", "update"), ("serve",), ("serve", "gate"), ("check",)],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(group: tuple[str, ...]) -> None:
    heavy = {"pydantic", "yaml", "git", "urllib3", "kubernetes", "pysequoia", "okd_gitops.generate.plan"}
    if not group:
        heavy |= {
            "json",
            "okd_gitops.cli.options",
            *(f"okd_gitops.cli.{module}" for module in COMMAND_MODULES),
        }
    code = (
        f"import sys; sys.argv = {['okd-gitops', *group, '--help']}\n"
        "from okd_gitops.__main__ import main\n"
        "try: main()\n"
    )
    code += (
        f"except SystemExit as end: assert not end.code\nprint('HEAVY', sorted({heavy} & set(sys.modules)))"
    )
    printed = printed_by(code)
    assert printed.startswith(f"Usage: okd-gitops {' '.join(group)}")
    assert printed.endswith("HEAVY []\n")


def test_an_edit_loads_only_what_it_needs(tmp_path: Path) -> None:
    """No search for plug-ins, no network, no git, and none of what reads releases."""
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text("purpose: hub\nenvironment: kind\nkubernetes: '1.35'\n")
    needless = {
        "email",
        "git",
        "http",
        "importlib.metadata",
        "importlib.resources",
        "jinja2",
        "kubernetes",
        "okd_gitops.generate.providers.provided",
        "okd_gitops.manifests.kustomization",
        "okd_gitops.releases.record",
        "okd_gitops.system.git",
        "okd_gitops.releases.trust.keyring",
        "pysequoia",
        "ssl",
        "urllib3",
    }
    code = (
        "import sys; sys.argv = ['okd-gitops', '--root', '.', 'generate']\n"
        "from okd_gitops.__main__ import main\n"
        "try: main()\n"
        f"except SystemExit as end: print(end.code, sorted({needless} & set(sys.modules)))\n"
        "from pydantic.plugin import _loader, _schema_validator\n"
        "asked = _schema_validator.create_schema_validator.__code__.co_names\n"
        "print(_loader.__name__, 'get_plugins' in asked)"
    )
    printed = printed_by(code, tmp_path)
    assert printed.endswith("0 []\nokd_gitops.cli.no_plugins True\n"), printed


@pytest.mark.parametrize(
    "arguments", [("generat",), ("generate", "--frce"), ("schema", "x"), ("check", "not-there")]
)
def test_a_wrong_command_line_is_exit_2_with_a_hint(okd_gitops: Run, arguments: tuple[str, ...]) -> None:
    result = okd_gitops(*arguments)
    assert result.returncode == 2
    assert "Try 'okd-gitops" in result.stderr or "Error:" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_color_in_a_pipe_and_never_with_no_color(okd_gitops: Run, repo: Path) -> None:
    (repo / "clusters/bad.yaml").write_text("purpose: tset\n")
    assert "\x1b[" not in okd_gitops("generate").stderr
    assert "\x1b[" in okd_gitops("--color", "generate").stderr
    assert "\x1b[" not in okd_gitops("generate", NO_COLOR="1").stderr


def test_a_bug_becomes_a_report(okd_gitops: Run) -> None:
    code = (
        "import sys; sys.argv = ['okd-gitops', 'doctor']\n"
        "import okd_gitops.cli.doctor as d\n"
        "d.doctor = lambda *a: 1 // 0\n"
    )
    code += "from okd_gitops.__main__ import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "generator")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    assert "please report" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_failure() -> None:
    command = f"PYTHONPATH={ROOT}/generator {sys.executable} -m okd_gitops explain | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("features\n", "")


def test_completion_knows_the_clusters(okd_gitops: Run) -> None:
    words = {
        "COMP_WORDS": "okd-gitops generate --cluster moc-t",
        "COMP_CWORD": "3",
        "_OKD_GITOPS_COMPLETE": "bash_complete",
    }
    assert okd_gitops(**words).stdout == "" or "moc-test" in okd_gitops(**words).stdout


@pytest.mark.parametrize(
    "name", ["stream-as-channel", "Soak-Not-Over", "unknown-signing-key", "okd-version", "tekton", "cd"]
)
def test_explain(okd_gitops: Run, name: str) -> None:
    assert okd_gitops("explain", name).stdout.startswith(name.lower())


def test_explain_prints_title_reason_and_remedy(okd_gitops: Run) -> None:
    assert okd_gitops("explain", "floating-image").stdout == (
        "floating-image (rule, error)\n"
        "Every image must be pinned by digest.\n\n"
        "why: A tag can move. The cluster would then run an image that nobody reviewed, and a "
        "pipeline could break "
        "without a commit.\n"
        "fix: Write name@sha256:… and keep the tag in a comment after it.\n"
    )


def test_explain_of_everything_lists_each_name_in_its_area(okd_gitops: Run) -> None:
    text = okd_gitops("explain").stdout
    for area, inside in by_area().items():
        section = text.partition(f"findings: {area}\n")[2].partition("\n\n")[0]
        assert re.findall(r"^  (\S+)", section, re.MULTILINE) == [explanation.name for explanation in inside]


def test_explain_of_nothing_names_the_nearest(okd_gitops: Run) -> None:
    for wrong, right in (
        ("tektn", "tekton"),
        ("floating-images", "floating-image"),
        ("soak-over", "soak-not-over"),
    ):
        result = okd_gitops("explain", wrong)
        assert (result.returncode, f'did you mean "{right}"?' in result.stderr) == (2, True)


def test_init_starts_a_repository_that_is_generated_and_green(okd_gitops: Run, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    start = ("--root", str(new), "init")
    asked = okd_gitops(*start)
    assert (asked.returncode, "--repository https://" in asked.stderr) == (2, True)
    assert list(new.iterdir()) == []

    started = okd_gitops(*start, "--repository", "https://github.com/okd-project/fleet.git")
    assert (started.returncode, "next: okd-gitops tools" in started.stdout) == (0, True)
    assert okd_gitops("generate", cwd=new).stdout.endswith(" 0 changed\n")
    assert okd_gitops("check", cwd=new).returncode == 0

    fleet = new / "fleet.yaml"
    sources = yaml.safe_load(fleet.read_text())["releases"]
    assert sources == yaml.safe_load(explanation_of("sources-missing").remedy.split("`")[1])["releases"]

    again = okd_gitops("--root", str(new), "init")
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


def test_generate_warns_of_placeholders_as_check_refuses_them(okd_gitops: Run, repo: Path) -> None:
    fleet = repo / "fleet.yaml"
    assert "placeholder-value" not in okd_gitops("generate").stderr
    fleet.write_text(
        re.sub(r"repository: \S+", "repository: https://github.com/EXAMPLE/x.git", fleet.read_text())
    )
    done = okd_gitops("generate")
    assert done.returncode == 0
    assert "warning placeholder-value" in done.stderr
    assert "error placeholder-value" in okd_gitops("check").stderr


def test_completion_knows_what_can_be_explained(okd_gitops: Run) -> None:
    def completed(begun: str) -> list[str]:
        words = {"COMP_WORDS": f"okd-gitops explain {begun}", "COMP_CWORD": "2"}
        done = okd_gitops(**words, _OKD_GITOPS_COMPLETE="bash_complete")
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert completed("soak-not") == ["soak-not-over"]
    assert {"tekton", "tekton-wiring"} <= set(completed("tekt"))
    assert not any(completed("nothing-like-this"))


def test_the_wheel_holds_the_catalog_and_its_script_runs(tmp_path: Path) -> None:
    build = "import hatchling.build, sys; print(hatchling.build.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    wheel = tmp_path / done.stdout.split()[-1]
    target = tmp_path / "installed"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "okd_gitops/catalog/features/okd-version/version/clusterversion-version.yaml",
        "okd_gitops/report/page/templates/page.css",
        "okd_gitops/setup/requirements/check.txt",
        "okd_gitops/setup/tools/crds/go.sum",
        "okd_gitops/setup/tools/go.sum",
    } <= set(names)
    script = subprocess.run(
        [str(target / "bin/okd-gitops"), "explain", "cd"],
        env={"PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert script.stdout.startswith("cd: ")

    # Its tools come from the package, into the cache of this user.
    no_network = {"PYTHONPATH": str(target), "HOME": str(tmp_path), "PIP_NO_INDEX": "1"}
    tools = subprocess.run(
        [str(target / "bin/okd-gitops"), "tools"], env=no_network, capture_output=True, text=True, check=False
    )
    assert tools.returncode == 6, tools.stderr
    assert "setting up Python packages for check" in tools.stderr
    assert (tmp_path / ".cache/okd-gitops").is_dir()


def test_tools_that_are_there_need_no_network(okd_gitops: Run) -> None:
    done = okd_gitops("tools", GOPROXY="off", PIP_NO_INDEX="1")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"the tools are in {CACHE}\n"


def test_the_doctor_says_that_there_is_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "a").write_text("")
    (fact,) = [fact for fact in doctor(tmp_path, CACHE) if fact.name == "git"]

    assert (fact.value, fact.remedy) == ("no commit yet, 1 paths to commit", "")


def test_a_cache_that_cannot_be_made_is_told(okd_gitops: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = okd_gitops("--cache", str(tmp_path / "file" / "cache"), "tools")

    assert done.returncode == 7
    assert "fix: name another folder: --cache FOLDER" in done.stderr
