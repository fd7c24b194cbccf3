"""Make a commit of files that are values: no work tree, no index, no checkout."""

from collections.abc import Iterator, Mapping

from okd_gitops.errors import UsageError
from okd_gitops.redaction import plain
from okd_gitops.system.git import Clone
from okd_gitops.system.git_program import failure, must_run, run
from okd_gitops.system.store import bare

_FILE = "100644"


def make_commit(
    clone: Clone,
    parent: str,
    files: Mapping[str, bytes | None],
    message: str,
    *,
    modes: Mapping[str, str] | None = None,
) -> str:
    """Make a commit upon `parent` ("": the first of a branch) in which `files` changed, and return its hash.

    A path without content is removed; `modes` are those of files that are not ordinary. The identity is that
    of the clone's user. Raises UsageError when git knows none.
    """
    with bare(clone) as store:
        stream = b"".join(_stream(clone, parent, files, message.encode(), modes or {}))
        result = must_run(
            "fast-import",
            "--quiet",
            "--done",
            cwd=store.folder,
            data=stream,
            environment=store.environment,
        )

    return result.text.strip()


def _stream(
    clone: Clone, parent: str, files: Mapping[str, bytes | None], message: bytes, modes: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield the words of git-fast-import(1)."""
    yield b"commit refs/heads/draft\nmark :1\n"
    yield f"author {_identity(clone, 'AUTHOR')}\n".encode()
    yield f"committer {_identity(clone, 'COMMITTER')}\n".encode()
    yield b"data %d\n%s\n" % (len(message), message)

    if parent:
        yield f"from {parent}\n".encode()

    for path in sorted(files):
        data = files[path]
        name = _quoted(f"{clone.prefix}{path}")

        if data is None:
            yield b"D %s\n" % name
        else:
            mode = modes.get(path, _FILE).encode()
            yield b"M %s inline %s\ndata %d\n%s\n" % (mode, name, len(data), data)

    yield b"\nget-mark :1\ndone\n"


def _identity(clone: Clone, whose: str) -> str:
    result = run("var", f"GIT_{whose}_IDENT", cwd=clone.root)
    if result.code < 0:
        raise failure(result, "var")
    if result.code:
        raise UsageError(
            f"git does not know who commits: {plain(result.err, 200)}",
            "git config user.name NAME and git config user.email MAIL",
        )
    return result.text


def _quoted(path: str) -> bytes:
    """Return a path as git-fast-import(1) reads it, whatever characters it has."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode("utf-8", "surrogateescape")
