"""A run of which nothing changed since an earlier one says the same; all that decides it counts."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from bench import own_cache
from conftest import CACHE, ROOT
from okd_gitops.check.check import check
from okd_gitops.generate.generate import generate
from okd_gitops.system import disk, file_status, unchanged
from okd_gitops.system.files_on_disk import OnDisk, lend
from okd_gitops.system.state import JOURNAL, STATE
from okd_gitops.system.unchanged import Earlier, Result, tools_in

AT = "2026-11-28T12:00:00Z"
Call = Callable[..., subprocess.CompletedProcess[str]]
CLUSTER = """\
purpose: hub
environment: kind
kubernetes: "1.35"
features:
  kvm-device-plugin:
"""
FLEET = """\
repository: https://github.com/okd-project/fleet.git
revision: main
hub: hub
owners: [team]
upstream: https://amd64.origin.releases.ci.openshift.org/graph
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A sound fleet of one cluster: a check finds nothing, so its result is kept."""
    root = tmp_path / "repo"
    (root / "clusters").mkdir(parents=True)
    (root / "fleet.yaml").write_text(FLEET)
    (root / "clusters/hub.yaml").write_text(CLUSTER)
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with the tools and schemas of this checkout, in which nothing is kept yet."""
    return own_cache(tmp_path)


@pytest.fixture
def call(repo: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Call:

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(ROOT / "generator"), "--cache", str(cache), *arguments]
        return subprocess.run(command, cwd=repo, capture_output=True, text=True, check=False)

    return run


def is_short(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a check looked at nothing."""
    return "nothing changed since a check of today" in done.stderr


def checked(call: Call) -> subprocess.CompletedProcess[str]:
    """Generate and check, so that the next check has nothing to do."""
    call("generate")
    done = call("check", "--at", AT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_a_second_check_prints_the_same_and_builds_nothing(call: Call, cache: Path) -> None:
    first = checked(call)
    assert not is_short(first)
    shutil.rmtree(cache / "kept" / "rendered")
    second = call("check", "--at", AT)
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert is_short(second)
    assert not (cache / "kept" / "rendered").exists()


def test_its_json_is_the_same_but_for_the_seconds(call: Call) -> None:
    call("generate")
    first, second = (json.loads(call("check", "--at", AT, "-o", "json").stdout) for _ in range(2))
    assert first.pop("seconds")
    assert second.pop("seconds") == {}
    assert first == second


def test_an_exact_check_and_one_of_another_day_look_at_everything(call: Call) -> None:
    checked(call)
    assert not is_short(call("--exact", "check", "--at", AT))
    assert not is_short(call("check", "--at", "2026-11-29T12:00:00Z"))
    assert is_short(call("check", "--at", "2026-11-28T23:00:00Z"))


@pytest.mark.parametrize(
    "path",
    ["clusters/hub.yaml", "fleet.yaml", "argocd/fleet/application.yaml", "overlays/hub/kustomization.yaml"],
)
def test_an_edit_of_any_file_is_seen(path: str, call: Call, repo: Path) -> None:
    checked(call)
    with (repo / path).open("a") as file:
        file.write("# edited\n")
    assert not is_short(call("check", "--at", AT))


def test_a_new_file_is_seen_and_so_is_one_that_is_gone(call: Call, repo: Path) -> None:
    checked(call)
    (repo / "bases/new.yaml").write_text("a: b\n")
    assert not is_short(call("check", "--at", AT))
    (repo / "bases/new.yaml").unlink()
    assert is_short(call("check", "--at", AT))
    (repo / "overlays/hub/kustomization.yaml").unlink()
    assert not is_short(call("check", "--at", AT))


def test_a_file_that_became_a_link_is_seen(call: Call, repo: Path, tmp_path: Path) -> None:
    checked(call)
    file = repo / "overlays/hub/kustomization.yaml"
    file.rename(tmp_path / "elsewhere.yaml")
    file.symlink_to(tmp_path / "elsewhere.yaml")
    done = call("check", "--at", AT)
    assert not is_short(done)
    assert done.returncode == 2


def test_warnings_are_said_again(call: Call, repo: Path) -> None:
    (repo / "clusters/hub.yaml").write_text(CLUSTER + "server: https://api.example.org\n")
    call("generate")
    first, second = (call("check", "--at", AT) for _ in range(2))
    assert "example-value" in first.stderr
    assert second.stdout == first.stdout
    assert first.stderr.partition("clusters/hub.yaml")[1:] == second.stderr.partition("clusters/hub.yaml")[1:]
    assert is_short(second)


def test_a_check_with_an_error_is_made_again(call: Call, repo: Path) -> None:
    call("generate")
    (repo / "overlays/hub/kustomization.yaml").unlink()
    first, second = (call("check", "--at", AT) for _ in range(2))
    assert first.returncode == second.returncode != 0
    assert not is_short(second)


def test_a_wheel_that_is_no_longer_the_named_one_is_seen(call: Call, repo: Path) -> None:
    wheel = repo / "tool/okd_gitops-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(b"wheel")
    named = sha256(b"wheel").hexdigest()
    (repo / "requirements.txt").write_text(f"./tool/{wheel.name} --hash=sha256:{named}\n")
    checked(call)
    assert is_short(call("check", "--at", AT))

    wheel.write_bytes(b"other")
    done = call("check", "--at", AT)
    assert (done.returncode, "named-wheel" in done.stderr) == (1, True)


def test_a_wheel_is_looked_at_once_so_that_a_result_is_that_of_what_was_seen(repo: Path, cache: Path) -> None:
    generate(repo)
    (repo / "requirements.txt").write_text(f"./tool/gone.whl --hash=sha256:{'0' * 64}\n")
    today = date(2026, 11, 28)

    itself = check(repo, cache, today=today, say=lambda _: None)
    told = check(repo, cache, today=today, say=lambda _: None, of_wheels=())
    assert "named-wheel" in {finding.name for finding in itself.findings}
    assert "named-wheel" not in {finding.name for finding in told.findings}


def test_generate_says_the_same_when_nothing_changed(call: Call) -> None:
    call("generate")
    first, second, third = (call("generate") for _ in range(3))
    assert first.stdout == second.stdout == third.stdout
    assert first.stdout.endswith(" files, 0 changed\n")
    assert call("generate", "--check").stdout == first.stdout.replace("0 changed", "0 would change")


def test_a_generate_of_nothing_new_imports_no_models(
    call: Call, repo: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pydantic and the models take longer than everything else in such a run."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    command = [sys.executable, str(ROOT / "generator"), "--cache", str(cache), "generate"]

    def imported() -> bool:
        done = subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True)
        return "pydantic" in done.stderr

    call("generate")
    assert [imported(), imported()] == [True, False]


def test_generate_writes_again_what_was_edited(call: Call, repo: Path) -> None:
    for _ in range(3):
        call("generate")
    (repo / "overlays/hub/kustomization.yaml").unlink()
    assert "write  overlays/hub/kustomization.yaml" in call("generate").stdout


def test_a_generate_of_one_cluster_tells_nothing_of_the_others(call: Call, repo: Path) -> None:
    call("generate")
    (repo / "clusters/other.yaml").write_text(CLUSTER.replace("hub", "test"))
    for _ in range(2):
        call("generate", "--cluster", "hub")
    assert "write  overlays/other/kustomization.yaml" in call("generate").stdout


def earlier(root: Path, cache: Path, *more: bytes) -> Earlier:
    return Earlier(root, cache, "check", *more)


@pytest.fixture
def kept(repo: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    earlier(repo, cache, b"tools").keep({"clusters": 1}, [])
    assert earlier(repo, cache, b"tools").result() == Result({"clusters": 1})
    return cache


def test_other_tools_or_schemas_check_again(repo: Path, kept: Path) -> None:
    assert earlier(repo, kept, b"other tools").result() is None
    assert tools_in(CACHE) != tools_in(kept / "none") == b""


def test_another_command_is_another_run(repo: Path, kept: Path) -> None:
    assert Earlier(repo, kept, "generate", b"tools").result() is None


def test_another_version_of_the_tool_runs_again(
    repo: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = shutil.copytree(disk.PACKAGE, tmp_path / "okd_gitops")
    monkeypatch.setattr(unchanged, "PACKAGE", code)
    unchanged.hash_of_code.cache_clear()
    earlier(repo, kept, b"tools").keep({"clusters": 1}, [])
    assert earlier(repo, kept, b"tools").result() == Result({"clusters": 1})
    with (code / "catalog/purposes/cd.yaml").open("a") as file:
        file.write("# another\n")
    unchanged.hash_of_code.cache_clear()
    assert earlier(repo, kept, b"tools").result() is None
    monkeypatch.undo()
    unchanged.hash_of_code.cache_clear()


def test_a_fleet_with_an_emergency_is_looked_at_each_time(repo: Path, kept: Path) -> None:
    (repo / "clusters/hub.yaml").write_text(f"{CLUSTER}# emergency: none\n")
    run = earlier(repo, kept, b"tools")
    run.keep({"clusters": 1}, [])
    assert run.result() is None


def test_a_word_that_an_escape_hides_is_looked_for_each_time(repo: Path, kept: Path) -> None:
    (repo / "clusters/hub.yaml").write_text(f'{CLUSTER}"emer\\u0067ency": {{}}\n')
    run = earlier(repo, kept, b"tools")
    run.keep({"clusters": 1}, [])
    assert run.result() is None


def test_a_folder_with_the_name_of_a_cluster_file_is_seen(repo: Path, kept: Path) -> None:
    (repo / "clusters/new.yaml").mkdir()
    assert earlier(repo, kept, b"tools").result() is None
    (repo / "clusters/new.yaml").rmdir()
    assert earlier(repo, kept, b"tools").result()


def test_other_libraries_run_again(repo: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unchanged, "_libraries", lambda: b"pyyaml-7.0.dist-info")
    unchanged.hash_of_code.cache_clear()
    assert earlier(repo, kept, b"tools").result() is None
    unchanged.hash_of_code.cache_clear()


def test_an_interrupted_change_is_finished_first(repo: Path, kept: Path) -> None:
    (repo / STATE).mkdir()
    (repo / STATE / JOURNAL).write_text("{}")
    assert earlier(repo, kept, b"tools").result() is None


def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file count as settled as soon as it is written, so that a test need not wait."""
    monkeypatch.setattr(file_status, "_SETTLED", -60.0)


def test_what_the_file_system_calls_unchanged_is_not_read_again(
    repo: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(monkeypatch)
    assert earlier(repo, kept, b"tools").result() == Result({"clusters": 1})
    monkeypatch.setattr(OnDisk, "read", None)
    assert earlier(repo, kept, b"tools").result() == Result({"clusters": 1})


@pytest.mark.parametrize("how", ["in place", "by another file", "with its mtime set back"])
def test_an_edit_that_keeps_the_size_is_seen(
    how: str, repo: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(monkeypatch)
    assert earlier(repo, kept, b"tools").result()
    file = repo / "clusters/hub.yaml"
    before, edited = file.stat(), CLUSTER.replace("kind", "kinD")

    if how == "by another file":
        (repo / "new").write_text(edited)
        (repo / "new").rename(file)
    else:
        file.write_text(edited)
    if how != "in place":
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert file.stat().st_size == before.st_size
    assert earlier(repo, kept, b"tools").result() is None


def test_files_of_the_last_seconds_and_of_the_future_are_read(
    repo: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit within one tick of the clock may look like none, and so does one after the clock went back."""
    now = (repo / "clusters/hub.yaml").stat().st_ctime
    read, files = OnDisk.read, list[str]()

    def noted(file: OnDisk) -> bytes:
        files.append(file.path)
        return read(file)

    monkeypatch.setattr(OnDisk, "read", noted)
    for clock, is_read in ((now, True), (now - 3600, True), (now + 60, False)):
        monkeypatch.setattr("time.time", lambda clock=clock: clock)
        for _ in range(2):
            files.clear()
            earlier(repo, kept)
        assert ("clusters/hub.yaml" in files) is is_read


def test_what_a_program_read_for_itself_must_not_have_changed_meanwhile(repo: Path, cache: Path) -> None:
    """What the run itself reads is that of which its key was made, or the run ends."""
    for is_lent in (True, False):
        run = earlier(repo, cache)
        assert run.files is not None
        if is_lent:
            lend(run.files, "clusters/hub.yaml")
        (repo / "clusters/hub.yaml").write_text(f"{CLUSTER}# edited\n")
        run.keep({"clusters": 1}, [])
        assert earlier(repo, cache).result() is None
        (repo / "clusters/hub.yaml").write_text(CLUSTER)
        assert (earlier(repo, cache).result() is None) is is_lent


@pytest.mark.parametrize("change", [Path.mkdir, Path.touch])
def test_nothing_is_kept_when_clusters_has_another_entry_meanwhile(
    change: Callable[[Path], None], repo: Path, cache: Path
) -> None:
    run = earlier(repo, cache)
    change(repo / "clusters/new.yaml")
    run.keep({"clusters": 1}, [])
    shutil.rmtree(repo / "clusters/new.yaml", ignore_errors=True)
    (repo / "clusters/new.yaml").unlink(missing_ok=True)
    assert earlier(repo, cache).result() is None


def test_a_damaged_note_of_what_was_seen_is_made_again(
    repo: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(monkeypatch)
    assert earlier(repo, kept, b"tools").result()
    for note in (kept / "kept/files").iterdir():
        note.write_bytes(note.read_bytes()[:-1])
    assert earlier(repo, kept, b"tools").result()


def test_the_tool_is_another_one_when_one_of_its_modules_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = shutil.copytree(disk.PACKAGE, tmp_path / "okd_gitops")
    module = code / "tree.py"
    settled(monkeypatch)
    monkeypatch.setattr(unchanged, "PACKAGE", code)

    def hash_now() -> str:
        unchanged.hash_of_code.cache_clear()
        return unchanged.hash_of_code()

    first, before = hash_now(), module.stat()
    with monkeypatch.context() as patch:
        patch.setattr(unchanged, "scan_tree", None)
        (code / "__pycache__").mkdir(exist_ok=True)
        (code / "cli/__pycache__/new").mkdir(parents=True, exist_ok=True)
        assert hash_now() == first, "nothing is read while the status is the same"

    module.write_bytes(module.read_bytes()[:-1] + b" ")
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hash_now() != first
    monkeypatch.undo()
    unchanged.hash_of_code.cache_clear()


def test_a_few_files_that_changed_are_read_again_until_there_are_more(
    repo: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To record thousands of files anew takes longer than to read a few."""
    settled(monkeypatch)
    for number in range(300):
        (repo / f"bases/{number}").mkdir(parents=True)
        (repo / f"bases/{number}/one.yaml").write_text("a: b\n")
    earlier(repo, cache)
    (record,) = (cache / "kept/files").iterdir()
    before = record.read_bytes()

    def edit(count: int) -> None:
        for number in range(count):
            (repo / f"bases/{number}/one.yaml").write_text(f"edited: {count}\n")

    edit(1)
    first = earlier(repo, cache)
    first.keep({"clusters": 1}, [])
    assert record.read_bytes() == before
    assert earlier(repo, cache).result()
    (repo / "bases/0/one.yaml").unlink()
    assert earlier(repo, cache).result() is None
    edit(10)
    earlier(repo, cache)
    assert record.read_bytes() != before
