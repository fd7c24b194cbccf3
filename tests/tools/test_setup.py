"""Set-up leaves alone what is verified, repairs what is not, and says what to do: it is the first thing
that a person meets.
"""

import base64
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import debian
import environment
import judges
import schemas
from aside import aside, only_one
from binaries import JUDGES, OF_TESTS, Binaries
from conftest import CACHE, ROOT
from failure import SetupError
from golang import Go, find_go
from modules import download
from okd_gitops.errors import ToolError
from okd_gitops.system.tools import tool
from programs import built, program

BIG = 5_000_000


def wheel(folder: Path, name: str, text: str) -> str:
    """Write a wheel with one module, and return the line of a lock file that names it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    path.unlink(missing_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},sha256={_record(value)},{len(value)}\n" for file, value in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for file, value in {**files, f"{info}/RECORD": record + f"{info}/RECORD,,\n"}.items():
            archive.writestr(file, value)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def link(source: str, target: str) -> None:
    os.link(source, target, follow_symlinks=False)


def _record(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Place:
    """A cache, lock files and wheels in a folder, without a network."""

    def __init__(self, folder: Path) -> None:
        self.cache, self.locks, self.wheels = folder / "cache", folder / "requirements", folder / "wheels"

    def command(self, level: str) -> list[str]:
        return [
            sys.executable,
            "-I",
            str(ROOT / "tools"),
            level,
            "--cache",
            str(self.cache),
            "--requirements",
            str(self.locks),
        ]

    def start(self, level: str, **variables: str) -> subprocess.Popen[str]:
        given = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), **variables}
        return subprocess.Popen(
            self.command(level),
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, level: str, **variables: str) -> tuple[int, str, str]:
        process = self.start(level, **variables)
        out, err = process.communicate()
        return process.returncode, out, err

    def has(self, module: str) -> bool:
        python = self.cache / "venv/bin/python"
        return (
            subprocess.run(
                [python, "-I", "-c", f"import {module}"], capture_output=True, check=False
            ).returncode
            == 0
        )

    def left(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir() if path.name not in ("venv", "lock"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment for `generate`, with one package; `check` has a second one, which is big."""
    place = Place(tmp_path_factory.mktemp("place"))
    place.wheels.mkdir()
    place.locks.mkdir()
    one = wheel(place.wheels, "one", "")
    two = one + wheel(place.wheels, "two", "#" * BIG)
    for level, text in zip(environment.LEVELS, (one, two, two, two), strict=True):
        (place.locks / f"{level}.txt").write_text(text)
    code, out, err = place.run("generate")
    assert (code, err) == (0, "")
    assert "setting up Python packages for generate" in out
    return place


@pytest.fixture
def place(made: Place, tmp_path: Path) -> Place:
    """A copy of it in another folder, as after a checkout was moved."""
    folder = tmp_path / "place"
    shutil.copytree(made.cache.parent, folder, symlinks=True, copy_function=link)
    return Place(folder)


def test_packages_are_added_once_and_what_a_moved_checkout_has_still_works(place: Place) -> None:
    assert place.run("generate") == (0, "", "")
    assert (place.has("one"), place.has("two")) == (True, False)
    assert place.run("check")[0] == 0
    assert (place.has("one"), place.has("two")) == (True, True)
    for level in ("check", "generate"):
        assert place.run(level) == (0, "", "")
    assert place.left() == []


def test_a_package_that_is_not_what_the_lock_file_says_is_refused_whatever_the_environment_asks_for(
    place: Place,
) -> None:
    wheel(place.wheels, "two", "import os\n")
    weaker = {
        "PIP_REQUIRE_HASHES": "0",
        "PIP_NO_BINARY": ":all:",
        "PIP_ISOLATED": "1",
        "PIP_TARGET": str(place.cache / "elsewhere"),
    }
    code, _, err = place.run("check", **weaker)
    assert code == 4
    assert "DO NOT MATCH THE HASHES" in err
    assert "fix: do not go on" in err
    assert (place.has("one"), place.has("two"), place.left()) == (True, False, [])
    assert place.run("generate", **weaker) == (0, "", "")


def test_variables_of_pip_do_not_move_what_is_installed(place: Place) -> None:
    moved = {
        "PIP_TARGET": str(place.cache / "elsewhere"),
        "PIP_USER": "1",
        "PIP_PREFIX": str(place.cache / "prefix"),
        "PIP_DRY_RUN": "1",
    }
    assert place.run("check", **moved)[0] == 0
    assert (place.has("two"), place.left()) == (True, [])


def test_without_a_network_one_line_says_so_and_the_next_run_works(place: Place) -> None:
    away = {
        "PIP_NO_INDEX": "0",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:1/simple",
        "PIP_RETRIES": "0",
    }
    code, _, err = place.run("check", **away)
    assert code == 6, err
    assert len(err.strip().splitlines()) == 2
    assert "fix: look at the network" in err
    assert place.left() == []
    assert place.run("check")[0] == 0


def test_a_full_disk_changes_nothing_and_the_next_run_works(place: Place) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BIG // 2, before[1]))
    try:
        code, _, err = place.run("check")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 7, err
    assert "fix: free some disk space" in err
    assert (place.has("one"), place.has("two"), place.left()) == (True, False, [])
    assert place.run("check")[0] == 0


def test_set_up_that_is_stopped_at_any_moment_goes_on_the_next_time(place: Place) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for moment in (0.2, 0.6):
            process = place.start("check")
            time.sleep(moment)
            os.killpg(process.pid, number)
            _, err = process.communicate()
            assert "Traceback" not in err
            assert place.has("one")
    code, _, err = place.run("check")
    assert (code, err) == (0, "")
    assert (place.has("two"), place.left()) == (True, [])


def test_two_at_once_wait_for_each_other(place: Place) -> None:
    both = [place.start("check"), place.start("check")]
    told = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sum("setting up" in out for out, _ in told) == 1
    assert place.has("two")


def test_an_environment_of_other_packages_or_of_another_python_is_not_taken_for_whole(place: Place) -> None:
    venv = place.cache / "venv"
    locks = {
        level: hashlib.sha256((place.locks / f"{level}.txt").read_bytes()).hexdigest()
        for level in environment.LEVELS
    }
    assert environment.installed(venv, locks) == "generate"
    assert environment.installed(venv, {**locks, "generate": "another"}) is None
    python = venv / "bin/python"
    python.unlink()
    python.write_text("#!/bin/sh\necho '(3, 10, 0)'\n")
    python.chmod(0o755)
    assert environment.installed(venv, locks) is None
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert environment.installed(venv, locks) is None


def test_a_python_without_the_modules_for_environments_is_told_what_to_install(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As Debian leaves it out. None in sys.modules is how an import is made to fail.
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SetupError, match="ensurepip") as error:
        environment.set_up(place.cache, place.locks, "check")
    assert "apt-get install python3-venv" in error.value.remedy
    assert place.left() == []


def test_a_cache_that_cannot_be_made_is_told_in_one_line(place: Place) -> None:
    place.cache = place.wheels / "one-1.0-py3-none-any.whl"
    code, _, err = place.run("generate")
    assert code in (4, 7)
    assert "Traceback" not in err
    assert "fix: " in err


def test_a_failed_build_keeps_the_previous_result(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").write_text("good")
    with pytest.raises(IsADirectoryError), aside(tmp_path, "bin") as folder:
        folder.write_text("a folder takes no text")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["bin", "bin/tool"]
    assert (tmp_path / "bin/tool").read_text() == "good"


# Tools and schemas.


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A copy of the cache's binaries and schemas."""
    for name in ("bin", "schemas"):
        shutil.copytree(CACHE / name, tmp_path / name)
    return tmp_path


def judge(cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(ROOT / "tools"), "judges", "--cache", str(cache)]
    return subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def test_existing_tools_and_schemas_need_no_go_and_no_network(cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")}
    done = judge(cache, PATH="/usr/bin:/bin", GOPROXY="off", PIP_NO_INDEX="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")} == before


def test_only_wrong_parts_are_built_again_and_go_leaves_no_cache(tmp_path: Path) -> None:
    def build(name: str) -> Callable[[Path], None]:
        def built(cache: Path) -> None:
            with aside(cache, name) as folder:
                (folder / "good").touch()
            read_only = cache / "go/mod/module"
            read_only.mkdir(parents=True)
            read_only.chmod(0o500)
            order.append(name)

        return built

    order: list[str] = []
    steps = tuple(
        judges.Step(name, lambda folder: (folder / "good").exists(), build(name))
        for name in ("bin", "schemas")
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/good").touch()
    judges.set_up(tmp_path, steps)
    judges.set_up(tmp_path, steps)
    assert order == ["schemas"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "schemas"]


def test_a_changed_schema_and_a_truncated_index_are_noticed(cache: Path) -> None:
    victim, index = cache / "schemas/crds/tekton.dev/task_v1.json", cache / "schemas/index.json"
    assert schemas.verified(cache / "schemas")
    good = victim.read_bytes()
    victim.write_bytes(b"{}")
    assert not schemas.verified(cache / "schemas")
    victim.write_bytes(good)
    index.write_bytes(index.read_bytes()[:1000])
    assert not schemas.verified(cache / "schemas")


def test_a_replaced_binary_judges_nothing(cache: Path) -> None:
    fake = cache / "bin/kubeconform"
    fake.unlink()
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    assert not JUDGES.verified(cache / "bin")
    with pytest.raises(ToolError, match="not the binary that was built"):
        tool(cache, "kubeconform")


def test_a_program_of_our_own_is_built_anew_when_its_source_is_another_one(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "tools", tmp_path / "of/tools", ignore=shutil.ignore_patterns("__pycache__"))
    copied = replace(JUDGES, module=tmp_path / "of/tools")
    monkeypatch.setattr("okd_gitops.system.tools._CHECKOUT", tmp_path / "of")
    assert copied.verified(cache / "bin")
    assert tool.__wrapped__(cache, "kustomize-in-turn")

    for source in (tmp_path / "of/tools/in_turn").iterdir():
        as_built = source.read_text()
        source.write_text(f"{as_built}\n// edited\n")
        assert not copied.verified(cache / "bin")
        with pytest.raises(ToolError, match=f"was not built from today's tools/in_turn/{source.name}"):
            tool.__wrapped__(cache, "kustomize-in-turn")
        source.write_text(as_built)


def test_a_missing_binary_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not there") as error:
        tool(tmp_path, "kustomize")
    assert "okd-gitops tools" in error.value.remedy


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Go:
    """Go with a mirror in a folder, which has one module; the environment asks for all that would weaken
    go.sum.
    """
    program("go")
    mirror = tmp_path / "mirror/example.org/tiny/@v"
    mirror.mkdir(parents=True)
    (mirror / "v1.0.0.info").write_text(json.dumps({"Version": "v1.0.0", "Time": "2026-01-01T00:00:00Z"}))
    (mirror / "v1.0.0.mod").write_text("module example.org/tiny\n")
    with zipfile.ZipFile(mirror / "v1.0.0.zip", "w") as archive:
        archive.writestr("example.org/tiny@v1.0.0/go.mod", "module example.org/tiny\n")
        archive.writestr("example.org/tiny@v1.0.0/tiny.go", "package tiny\n")
    settings = tmp_path / "go.env"
    settings.write_text("GOFLAGS=-mod=mod -insecure\nGONOSUMDB=*\nGOSUMDB=off\n")
    weaker = {
        "GOFLAGS": "-mod=mod",
        "GONOSUMCHECK": "1",
        "GONOSUMDB": "*",
        "GOSUMDB": "off",
        "GOINSECURE": "*",
        "GOPRIVATE": "*",
    }
    for name, value in {
        **weaker,
        "GOENV": str(settings),
        "GOPROXY": f"file://{tmp_path}/mirror",
        "GOOS": "plan9",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "cache").mkdir()
    return find_go(tmp_path / "cache")


# What `go mod download` says of the module above.
SUM, MOD = (
    "h1:eAVvitLiokVP/JnzhqEfB1S9Xp7Pta5M8llhXJBWfO8=",
    "h1:9y2XPZ0iI1sIWCrwfRZjPgojoV7CB7cKs9c16VPEONk=",
)


@pytest.mark.parametrize("right", [True, False])
def test_a_module_that_is_not_what_go_sum_says_is_refused_whatever_the_environment_asks_for(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, right: bool
) -> None:
    for folder in ("crds", "."):
        (tmp_path / "tools" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "tools" / folder / "go.mod").write_text(
            "module x\n\ngo 1.21\n\nrequire (\n\texample.org/tiny v1.0.0\n)\n"
        )
        total = SUM if right else SUM.replace("h1:e", "h1:f")
        (tmp_path / "tools" / folder / "go.sum").write_text(
            f"example.org/tiny v1.0.0 {total}\nexample.org/tiny v1.0.0/go.mod {MOD}\n"
        )
    monkeypatch.setattr("modules.HERE", tmp_path / "tools")
    if right:
        assert list(download(go)) == ["example.org/tiny"]
        return
    with pytest.raises(SetupError, match="checksum mismatch") as error:
        download(go)
    assert error.value.exit_code == 4
    with pytest.raises(SetupError, match="checksum mismatch"):
        Binaries("bin", tmp_path / "tools", {"tiny": "example.org/tiny"}).build(tmp_path / "cache")
    assert not (tmp_path / "cache/bin").exists()


def test_without_a_network_the_exit_code_says_so(tmp_path: Path) -> None:
    done = judge(tmp_path, GOPROXY="http://127.0.0.1:1", GOFLAGS="-modcacherw", GONOSUMDB="*")
    assert done.returncode == 6, done.stderr
    assert "look at the network" in done.stderr
    assert not (tmp_path / "bin").exists()


def test_a_run_that_was_killed_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    before = tmp_path / "partial-venv-a1b2c3d4" / "before"
    before.mkdir(parents=True)
    (before / "complete.json").write_text("{}")
    with only_one(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "venv"]
    assert (tmp_path / "venv/complete.json").read_text() == "{}"


# What only tests run.


def set_up_for_tests(cache: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(ROOT / "tools"), "test-tools", "--cache", str(cache)]
    return subprocess.run(
        command, env={**os.environ, "PATH": str(folder)}, capture_output=True, text=True, check=False
    )


def programs_but(folder: Path, *left_out: str) -> Path:
    """Make a folder with a link to each program of Debian that the tests run, without those left out."""
    folder.mkdir()
    for name in debian.PACKAGES:
        if name not in left_out:
            (folder / name).symlink_to(program(name))
    return folder


def test_programs_that_are_missing_are_named_with_the_line_that_installs_them(tmp_path: Path) -> None:
    folder = programs_but(tmp_path / "bin", "skopeo", "gpg")
    done = set_up_for_tests(tmp_path / "cache", folder)
    assert done.returncode == 4
    assert "error: not on PATH: gpg, skopeo;" in done.stderr
    assert "fix: apt-get install --yes --no-install-recommends gnupg skopeo\n" in done.stderr
    assert not (tmp_path / "cache").exists(), "it stops before it builds anything"


def test_what_is_there_needs_no_network_and_ci_installs_what_is_not(tmp_path: Path, cache: Path) -> None:
    shutil.copytree(CACHE / OF_TESTS.name, cache / OF_TESTS.name)
    whole = programs_but(tmp_path / "programs")
    done = set_up_for_tests(cache, whole)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    command = [sys.executable, "-I", "-S", str(ROOT / "tools"), "debian"]
    for folder, expected in ((whole, "\n"), (programs_but(tmp_path / "less", "sh", "jq"), "dash\njq\n")):
        done = subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=True)
        assert done.stdout == expected


def test_opm_is_the_version_of_the_image_that_the_task_runs() -> None:
    said = subprocess.run([built("opm"), "version"], capture_output=True, text=True, check=True).stdout
    pinned = re.search(r"operator-registry (v[0-9.]+)", (OF_TESTS.module / "go.mod").read_text())
    task = ROOT / "generator/okd_gitops/catalog/features/operator-pipeline/pipeline"
    image = re.search(r"framework/opm@\S+  # (\S+)", (task / "task-catalog-pull-request.yaml").read_text())
    assert pinned
    assert image
    assert image[1] == pinned[1]
    assert said, "it runs on this machine"
