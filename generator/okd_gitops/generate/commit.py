"""commit: record the cluster files and what was generated from them, and nothing else, in one commit with
a readable message.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import Generated, generate, stale
from okd_gitops.generate.plan import Plan
from okd_gitops.system.disk import CATALOG, FLEET, ROOTS
from okd_gitops.system.draft import Draft
from okd_gitops.system.git import commit as git_commit
from okd_gitops.system.git import status
from okd_gitops.tree import Tree, digest, owned_folder

GENERATED_BY = "Generated-By"
# A commit that had the output without its cause would fail its own check.
FOLDERS = (*ROOTS, CATALOG, "clusters", FLEET)
# What people and the tool write there; an exclude pattern of a person does not keep these out, but does keep
# out what an editor leaves.
_OURS = (".yaml", ".sha256")


@dataclass(frozen=True, slots=True)
class Committed:
    """The paths, the message, and the commit's hash (empty for a dry run or when there is nothing to
    commit).
    """

    paths: tuple[str, ...]
    message: str
    sha: str


def commit(root: Path, *, subject: str = "", dry_run: bool = False) -> Committed:
    """Commit the inputs and the generated folders of `root`, as its user: with hooks and signing.

    Raises FindingsError (exit 3) when the generated folders do not match the cluster files, UsageError when
    git cannot commit.
    """
    generated = _current(root)
    listed = status(root, FOLDERS, ignored=True).paths.items()
    paths = tuple(sorted(path for path, letters in listed if letters != "!!" or path.endswith(_OURS)))
    if not paths:
        return Committed((), "", "")
    text = _described(generated, paths, subject)
    return Committed(paths, text, "" if dry_run else git_commit(root, paths, text))


def commit_draft(draft: Draft, *, subject: str, trailers: Sequence[str]) -> Committed:
    """Commit the inputs and the generated folders of a draft; raises FindingsError like `commit`."""
    generated = _current(draft.folder)
    paths = draft.changed(FOLDERS)
    text = _described(generated, paths, subject, trailers)
    return Committed(paths, text, draft.commit(paths, text))


def _current(root: Path) -> Generated:
    generated = generate(root, write=False)
    if generated.drift.refused or generated.drift.changes:
        raise FindingsError([*generated.drift.refused, *stale(generated.drift)], exit_code=3)
    return generated


def _described(
    generated: Generated, paths: tuple[str, ...], subject: str = "", trailers: Sequence[str] = ()
) -> str:
    names = _touched(paths, generated.repository.plan)
    return message(subject, names, paths, generated.repository.wanted, trailers)


def message(
    subject: str, names: list[str], paths: tuple[str, ...], wanted: Tree, extra: Sequence[str] = ()
) -> str:
    """Return a commit message that depends on the change alone: no time, no host.

    The trailers are for machines (git-interpret-trailers(1)): which clusters, which tool, and a digest of all
    that was generated.
    """
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    first = subject or f"Update {shown or 'the fleet'}"
    counts = Counter(
        owned_folder(path) if path.startswith(("bases/", "overlays/")) else path.split("/")[0]
        for path in paths
    )
    body = "\n".join(
        f"- {folder}: {count} file{'s' if count > 1 else ''}" for folder, count in sorted(counts.items())[:40]
    )
    inputs = digest(b"".join(f"{digest(data)}  {path}\n".encode() for path, data in wanted.items()))
    named = [f"Cluster: {name}" for name in names[:60]]
    trailers = [
        *named,
        *extra,
        f"{GENERATED_BY}: okd-gitops {__version__}",
        f"Output-Digest: sha256:{inputs}",
    ]
    return f"{first}\n\n{body}\n\n" + "\n".join(trailers) + "\n"


def _touched(paths: tuple[str, ...], plan: Plan) -> list[str]:
    """Return the clusters whose file, extras or overlay are among `paths`, or a base that they use."""
    named = {
        path.split("/")[1].removesuffix(".yaml")
        for path in paths
        if path.startswith(("overlays/", "clusters/"))
    }
    bases = {tuple(path.split("/")[1:3]) for path in paths if path.startswith("bases/")}
    using = {
        each.cluster.name
        for each in plan.clusters
        if bases & {(placement.feature, placement.part) for placement in each.placements}
    }
    return sorted(named | using)
