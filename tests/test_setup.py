"""Set-up leaves alone what is verified, repairs what is not, and says which of the two failed: a tool or the network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import binaries
import schemas
from conftest import CACHE, ROOT
from failure import SetupError
from golang import find_go
from modules import download
from okd_gitops.errors import ToolError
from okd_gitops.pinned import tool


def setup(cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "setup.py"), "--cache", str(cache)]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A copy of the cache's binaries and schemas; Go's own caches are shared by a link."""
    for name in ("bin", "schemas"):
        shutil.copytree(CACHE / name, tmp_path / name)
    for name in ("go", "go-venv"):
        if (CACHE / name).exists():
            (tmp_path / name).symlink_to(CACHE / name)
    return tmp_path


def test_what_is_there_is_left_alone_without_go_or_network(cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")}
    done = setup(cache, PATH="/usr/bin:/bin", GOPROXY="off", PIP_NO_INDEX="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.json")} == before


def test_a_changed_schema_is_noticed_and_built_again(cache: Path) -> None:
    victim = cache / "schemas/crds/tekton.dev/task_v1.json"
    good = victim.read_bytes()
    victim.write_bytes(b"{}")
    assert not schemas.verified(cache / "schemas")
    done = setup(cache, GOPROXY="off")
    assert done.returncode == 0, done.stderr
    assert victim.read_bytes() == good
    assert schemas.verified(cache / "schemas")


def test_a_truncated_index_is_noticed(cache: Path) -> None:
    index = cache / "schemas/index.json"
    index.write_bytes(index.read_bytes()[:1000])
    assert not schemas.verified(cache / "schemas")


def test_a_replaced_binary_judges_nothing(cache: Path) -> None:
    fake = cache / "bin/kubeconform"
    fake.unlink()
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    assert not binaries.verified(cache / "bin")
    with pytest.raises(ToolError, match="not the binary that was built"):
        tool(cache, "kubeconform")


def test_a_missing_binary_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="not there") as error:
        tool(tmp_path, "kustomize")
    assert "make check" in error.value.remedy


def test_a_module_that_is_not_what_go_sum_says_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "tools"
    shutil.copytree(ROOT / "tools", copy, ignore=shutil.ignore_patterns("__pycache__"))
    sums = copy / "crds/go.sum"
    sums.write_text(sums.read_text().replace("pipeline v1.6.0 h1:A", "pipeline v1.6.0 h1:B"))
    monkeypatch.setattr("modules.HERE", copy)
    with pytest.raises(SetupError, match=r"pipeline|checksum"):
        download(find_go(CACHE))


def test_without_a_network_the_exit_code_says_so(tmp_path: Path) -> None:
    done = setup(tmp_path, GOPROXY="http://127.0.0.1:1", GOFLAGS="-modcacherw", GONOSUMDB="*")
    assert done.returncode == 6, done.stderr
    assert "look at the network" in done.stderr
    assert not (tmp_path / "bin").exists()
