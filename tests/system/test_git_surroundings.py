"""Whatever stands around git (a clone's configuration, variables of the environment, files that lie
there), the bot runs none of it.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import git
from okd_gitops.errors import ToolError, UsageError
from okd_gitops.system import branches
from okd_gitops.system import git as reading
from okd_gitops.system.commit import commit
from okd_gitops.system.draft import drafted
from okd_gitops.system.git_objects import tree_at
from okd_gitops.system.git_program import find, run

FLEET = "https://git.example.org/fleet.git"
HOOKS = (
    *(
        "pre-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "pre-push",
        "reference-transaction",
        "post-checkout",
    ),
    *("post-index-change", "post-rewrite", "pre-auto-gc", "sendemail-validate", "fsmonitor-watchman"),
)
KEYS = (
    "core.sshCommand",
    "core.askPass",
    "core.pager",
    "core.editor",
    "core.gitProxy",
    "gpg.program",
    "diff.external",
    "credential.helper",
)


@pytest.fixture(params=["sha1", "sha256"])
def clone(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    root = tmp_path / "clone"
    git(tmp_path, "init", "-q", f"--object-format={request.param}", "--initial-branch=main", "clone")
    git(
        tmp_path,
        "init",
        "-q",
        "--bare",
        f"--object-format={request.param}",
        "--initial-branch=main",
        "remote.git",
    )
    (root / "clusters").mkdir()
    (root / "clusters/a.yaml").write_bytes(b"a: 1\r\n$Id$\n")
    git(root, "add", "--all")
    git(root, "commit", "-qm", "start")
    git(root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(root, "push", "-q", "origin", "main")
    return root


def bot(root: Path) -> bytes:
    """Do all that the bot does with git, and return what is on the remote then."""
    url = branches.address(root, "origin", FLEET)
    base = branches.fetch(root, url, "main")
    tree_at(root, base, ["clusters"])
    with drafted(root, base) as draft:
        (draft.folder / "clusters/a.yaml").write_bytes(b"a: 2\r\n$Id$\n")
        (draft.folder / "clusters/b.yaml").write_bytes(b"b: 1\r\n")
        sha = draft.commit(["clusters/a.yaml", "clusters/b.yaml"], "a commit\n")
    branches.commits(root, branches.merge_base(root, base, sha), sha)
    branches.push(root, url, sha, "okd/x", "")
    branches.push(root, url, sha, "main", None)
    branches.set_branch(root, "okd/x", sha, "")
    assert branches.heads(root, url, "*") == {"main": sha, "okd/x": sha}
    assert branches.local_heads(root, "okd/*") == {"okd/x": sha}
    remote = root.parent / "remote.git"
    return b"".join(run("cat-file", "blob", f"main:clusters/{name}.yaml", cwd=remote).out for name in "ab")


def hostile(root: Path, mark: Path) -> Iterator[tuple[str, str]]:
    """Yield keys of configuration, each of which lets git run a program that leaves a mark."""
    program = root.parent / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >>"{mark}"\nexit 1\n')
    program.chmod(0o755)
    for name in HOOKS:
        (root.parent / "hooks").mkdir(exist_ok=True)
        for hook in (root.parent / "hooks" / name, root / ".git/hooks" / name):
            hook.write_text(program.read_text())
            hook.chmod(0o755)
    yield "core.hooksPath", str(root.parent / "hooks")
    for key in KEYS:
        yield key, str(program)
    yield "core.fsmonitor", str(program)
    for key in ("remote.origin.uploadpack", "remote.origin.receivepack"):
        yield key, str(program)
    for name in ("push", "fetch", "log", "commit", "remote"):
        yield f"alias.{name}", f"!{program}"
    for key in (
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "diff.x.textconv",
        "diff.x.command",
        "merge.x.driver",
    ):
        yield key, str(program)
    for key in (
        "commit.gpgSign",
        "tag.gpgSign",
        "log.showSignature",
        "filter.x.required",
        "maintenance.auto",
        "push.gpgSign",
    ):
        yield key, "true"
    yield "core.autocrlf", "true"
    yield "gc.auto", "1"
    yield "core.ignoreCase", "true"
    (root / ".git/info/attributes").write_text("* filter=x diff=x merge=x ident text eol=crlf\n")
    (root / ".git/info/grafts").write_text("")


def test_the_bot_runs_nothing_of_a_clones_configuration(clone: Path) -> None:
    mark = clone.parent / "mark"
    for key, value in hostile(clone, mark):
        git(clone, "config", key, value)
    index = (clone / ".git/index").read_bytes()
    assert bot(clone) == b"a: 2\r\n$Id$\nb: 1\r\n"
    assert not mark.exists(), mark.read_text()
    assert (clone / ".git/index").read_bytes() == index


def test_foreign_variables_change_nothing(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, other = clone.parent / "mark", clone.parent / "other"
    git(clone.parent, "init", "-q", "other")
    before = sorted(path.relative_to(other) for path in other.rglob("*"))
    program = f"echo x >>{mark}; false"
    foreign = {
        "GIT_DIR": f"{other}/.git",
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": f"{other}/.git/index",
        "GIT_OBJECT_DIRECTORY": f"{other}/.git/objects",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere",
        "GIT_COMMON_DIR": f"{other}/.git",
        "GIT_NAMESPACE": "x",
        "GIT_CONFIG_PARAMETERS": f"'core.sshCommand={program}'",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "remote.origin.url",
        "GIT_CONFIG_VALUE_0": str(other),
        "GIT_CONFIG_KEY_1": "core.fsmonitor",
        "GIT_CONFIG_VALUE_1": program,
        "GIT_SSH_COMMAND": program,
        "GIT_EXTERNAL_DIFF": program,
        "GIT_ASKPASS": program,
        "GIT_PAGER": program,
        "GIT_EXEC_PATH": str(other),
        "GIT_TEMPLATE_DIR": str(other),
        "GIT_TRACE": f"{other}/trace",
        "GIT_TRACE2_EVENT": f"{other}/trace2",
        "GIT_PYTHON_GIT_EXECUTABLE": "/nowhere/git",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    assert bot(clone) == b"a: 2\r\n$Id$\nb: 1\r\n"
    (clone / "clusters/a.yaml").write_text("a: 3\n")
    assert reading.status(clone, ["clusters"]).paths == {"clusters/a.yaml": " M"}
    assert commit(clone, ["clusters/a.yaml"], "by a person\n") == reading.resolve(clone, "HEAD")
    assert not mark.exists()
    assert sorted(path.relative_to(other) for path in other.rglob("*")) == before


def test_git_is_never_a_file_of_the_repository(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find(clone)
    for name in ("git", "clusters/git"):
        (clone / name).write_text("#!/bin/sh\nexit 9\n")
        (clone / name).chmod(0o755)
    monkeypatch.chdir(clone)
    monkeypatch.setenv(
        "PATH",
        os.pathsep.join([".", "", "clusters", str(clone), str(clone / "clusters"), os.environ["PATH"]]),
    )
    assert find(clone) == find(clone / "clusters") == found
    (clone / "programs").mkdir()
    (clone / "programs/git").symlink_to(shutil.which("true") or "/bin/true")
    monkeypatch.setenv("PATH", f".:{clone}:{clone / 'programs'}")
    with pytest.raises(ToolError, match="not on PATH"):
        find(clone)


def test_a_draft_stays_in_its_folder(clone: Path) -> None:
    """A link to outside is a link there, and nothing is written through it; a path with .. is refused."""
    outside = clone.parent / "outside"
    outside.mkdir()
    (clone / "notes").symlink_to(outside)
    git(clone, "add", "notes")
    git(clone, "commit", "-qm", "a link")
    with drafted(clone, reading.resolve(clone, "HEAD")) as draft:
        assert (draft.folder / "notes").is_symlink()
    blob = git(clone, "rev-parse", "HEAD:clusters/a.yaml").strip()
    length = len(blob) // 2
    bad = run(
        "hash-object",
        "-w",
        "-t",
        "tree",
        "--literally",
        "--stdin",
        cwd=clone,
        data=b"100644 ..\0" + bytes.fromhex(blob),
    ).text
    assert len(bad) == 2 * length
    sha = run("commit-tree", "-m", "bad", bad, cwd=clone).text
    with pytest.raises(UsageError, match="leads elsewhere"), drafted(clone, sha):
        pass
    assert list(outside.iterdir()) == []
