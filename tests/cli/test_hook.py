"""The hook of .pre-commit-hooks.yaml, run by pre-commit itself at a commit, as a repository runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CACHE, ROOT, commit, git
from kustomizations import write

CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: shop}\n%s: {a: b}\n"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A repository in git that uses the hook, which it gets from another one."""
    hooks, root = tmp_path / "hooks", tmp_path / "theirs"
    for folder in (hooks, root):
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=main")

    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    commit(hooks)
    uses = f"repos: [{{repo: {hooks}, rev: {git(hooks, 'rev-parse', 'HEAD').strip()}, "
    write(root, {".pre-commit-config.yaml": f"{uses}hooks: [{{id: okd-gitops-check}}]}}]\n".encode()})
    write(root, {"kustomization.yaml": b"resources: [a.yaml]\n", "a.yaml": CONFIG % b"data"})
    commit(root)
    return root


def test_pre_commit_lets_a_commit_pass_only_where_the_check_passes(theirs: Path, tmp_path: Path) -> None:
    environment = {
        "PATH": f"{ROOT}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CACHE": str(CACHE),
        "PRE_COMMIT_HOME": str(tmp_path / "pre-commit"),
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=theirs, env=environment, capture_output=True, text=True, check=False
        )

    installed = run(sys.executable, "-m", "pre_commit", "install")
    assert installed.returncode == 0, installed.stdout
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    before = git(theirs, "rev-parse", "HEAD")

    write(theirs, {"a.yaml": CONFIG % b"dat"})
    refused = run("git", *author, "commit", "--all", "--message", "Break it")
    assert refused.returncode != 0
    assert "a.yaml:1:1" in refused.stderr
    assert "schema-violation" in refused.stderr
    assert git(theirs, "rev-parse", "HEAD") == before

    write(theirs, {"a.yaml": CONFIG.replace(b"a: b", b"a: c") % b"data"})
    passed = run("git", *author, "commit", "--all", "--message", "Change it")
    assert passed.returncode == 0, passed.stderr
    assert git(theirs, "rev-parse", "HEAD") != before

    write(theirs, {"README.md": b"# Shop\n"})
    git(theirs, "add", "README.md")
    skipped = run("git", *author, "commit", "--message", "Say what it is")
    assert skipped.returncode == 0
    assert "no files to check" in skipped.stderr
