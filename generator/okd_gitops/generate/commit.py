"""commit: record the cluster files and what was generated from them, and nothing else, in one commit with
a readable message.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from okd_gitops import __version__
from okd_gitops.generate.generate import Generated, drift_error, generate
from okd_gitops.generate.plan import Plan
from okd_gitops.system.commit import GENERATED_BY
from okd_gitops.system.commit import commit as git_commit
from okd_gitops.system.disk import CATALOG, FLEET, ROOTS
from okd_gitops.system.draft import Draft
from okd_gitops.system.git import status
from okd_gitops.tree import Tree, digest

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


def commit(
    root: Path,
    *,
    subject: str = "",
    dry_run: bool = False,
    cache: Path | None = None,
    files: Tree | None = None,
) -> Committed:
    """Commit the inputs and the generated folders of `root`, as its user: with hooks and signing.

    `cache` and `files` are as for `generate`.

    Raises FindingsError (exit 3) when the generated folders do not match the cluster files, UsageError when
    git cannot commit.
    """
    generated = _current(root, cache, files)
    changed = status(root, FOLDERS, ignored=True).paths
    paths = tuple(sorted(path for path, state in changed.items() if state != "!!" or path.endswith(_OURS)))

    if not paths:
        return Committed((), "", "")

    text = _described(generated, paths, subject)

    return Committed(paths, text, "" if dry_run else git_commit(root, paths, text))


def commit_draft(
    draft: Draft, generated: Generated, edited: Iterable[str], *, subject: str, trailers: Sequence[str]
) -> Committed:
    """Commit the edited files of a draft together with the files that were generated from them."""
    drift = generated.drift
    paths = tuple(sorted({*edited, *drift.put, *drift.delete}))
    text = _described(generated, paths, subject, trailers)

    return Committed(paths, text, draft.commit(paths, text))


def _current(root: Path, cache: Path | None, files: Tree | None) -> Generated:
    generated = generate(root, write=False, cache=cache, files=files)

    if generated.drift.refused or generated.drift.changes:
        raise drift_error(generated.drift)

    return generated


def _described(
    generated: Generated, paths: Sequence[str], subject: str = "", trailers: Sequence[str] = ()
) -> str:
    names = _touched(paths, generated.plan)
    return message(subject, names, paths, generated.wanted, trailers)


def message(
    subject: str, clusters: Sequence[str], paths: Sequence[str], wanted: Tree, extra: Sequence[str] = ()
) -> str:
    """Return a commit message that depends on the change alone: no time, no host.

    The trailers are for machines (git-interpret-trailers(1)): which clusters, which tool, and a digest of all
    that was generated.
    """
    named = ", ".join(clusters[:3]) + (f" and {len(clusters) - 3} more" if len(clusters) > 3 else "")
    first_line = subject or f"Update {named or 'the fleet'}"

    counts = Counter(_counted_folder(path) for path in paths)
    counted = [
        f"- {folder}: {count} file{'s' if count > 1 else ''}" for folder, count in sorted(counts.items())[:40]
    ]

    hashes = [f"{wanted.digest(path)}  {path}\n" for path in wanted]
    trailers = [
        *(f"Cluster: {name}" for name in clusters[:60]),
        *extra,
        f"{GENERATED_BY}: okd-gitops {__version__}",
        f"Output-Digest: sha256:{digest(''.join(hashes).encode())}",
    ]

    return "\n".join([first_line, "", *counted, "", *trailers, ""])


def _counted_folder(path: str) -> str:
    top, *below = path.split("/")
    return f"{top}/{below[0]}" if top in ("bases", "overlays") else top


def _touched(paths: Sequence[str], plan: Plan) -> list[str]:
    """Return the clusters whose file, extras or overlay are among `paths`, or a base that they use."""
    own_paths = [path for path in paths if path.startswith(("overlays/", "clusters/"))]
    touched = {path.split("/")[1].removesuffix(".yaml") for path in own_paths}
    parts = {tuple(path.split("/")[1:3]) for path in paths if path.startswith("bases/")}

    touched |= {brief.cluster.name for brief in plan.briefs if not parts.isdisjoint(brief.parts)}

    return sorted(touched)
