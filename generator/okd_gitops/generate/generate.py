"""generate: write the files that follow from the cluster files, all or nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from okd_gitops.errors import BusyError, UsageError
from okd_gitops.finding import Finding, FindingsError, Severity, finding_of, matching_names, nearest
from okd_gitops.fleet.kept_documents import KeptDocuments
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.generate.applications import unannounced
from okd_gitops.generate.compare import Drift, compare, gathered, only, stale, unmatched
from okd_gitops.generate.kept_plans import EarlierPlans, KeptPlans
from okd_gitops.generate.overlays import in_parts
from okd_gitops.generate.plan import Plan, plan
from okd_gitops.system.disk import CATALOG, FLEET, MAX_GENERATED, ROOTS, read_tree, scan_tree
from okd_gitops.system.file_status import walk
from okd_gitops.system.files_on_disk import different, files_of
from okd_gitops.system.journal import saving
from okd_gitops.system.kept import Kept
from okd_gitops.system.recovery import refuse_pending
from okd_gitops.system.steps import written
from okd_gitops.tree import MANIFEST, Tree, owned_folder, unified_diff

if TYPE_CHECKING:
    from okd_gitops.system.git_objects import BlobIds

# What people write.
_INPUTS = (FLEET, "clusters", CATALOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of what people write: the files that it writes, those that it deletes, and the fleet then.

    There is no fleet where a person has to fill something in first: then nothing is generated.
    """

    fleet: Fleet | None
    put: Mapping[str, bytes] = field(default_factory=dict)
    delete: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The files that it writes or deletes."""
        return sorted({*self.put, *self.delete})


@dataclass(frozen=True, slots=True)
class Generated:
    """What a run found and did: the fleet and its plan, the files that must be there, and what differs."""

    fleet: Fleet
    plan: Plan
    wanted: Tree
    drift: Drift
    written: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """An edit with what follows from it, and the difference of both as one unified diff."""

    edit: Edit
    generated: Generated | None
    diff: str


def generate(
    root: Path,
    *,
    clusters: Collection[str] = (),
    forced: Collection[str] = (),
    write: bool = True,
    cache: Path | None = None,
    files: Tree | None = None,
) -> Generated:
    """Bring the generated folders of `root` in line with the cluster files; with `write=False` only report
    what would change.

    `clusters` are glob patterns that limit which overlays are touched. In `cache` is what earlier runs have
    read, and `files` are those of `root`, if they were found already. Nothing is written when a file is
    refused. Raises FindingsError for bad input and UsageError when another run is writing.
    """
    documents = KeptDocuments.of(root, cache) if cache else None
    # Of a cluster that somebody names, everything is asked.
    kept_in = None if clusters else cache

    def compared(fleet: Fleet, actual: Tree) -> Generated:
        kept = Kept.of(root, kept_in) if kept_in else None
        known = KeptPlans(kept, fleet, actual) if kept else None
        return _compared(root, fleet, actual, clusters, forced, known)

    if not write:
        refuse_pending(root)
        actual = _generated(root, files)
        return compared(load(root, (), documents, files), actual)

    with saving(root) as save:
        inputs, actual = _inputs(root, files), _generated(root, files)
        fleet = load(root, (), documents, files)
        generated = compared(fleet, actual)
        drift = generated.drift
        if documents:
            # Planning has read objects of the catalog.
            documents.keep()

        if drift.refused or not drift.changes:
            return generated

        _refuse_changed(inputs, _inputs(root))
        save(drift.put, drift.delete, before=actual)

        return replace(generated, written=True)


def generate_draft(
    folder: Path, fleet: Fleet, edited: Mapping[str, bytes], before: Generated | None = None
) -> Generated:
    """Write edited cluster files, together with what follows for `fleet`, in which they are changed already.

    `folder` is that of a draft: nobody else writes there, so nothing is read again. Where `before` is what an
    earlier call has left there, only the edited clusters are planned. Raises FindingsError when
    a generated file there was edited by hand (exit 3), or when the fleet cannot be planned.
    """
    with saving(folder) as save:
        actual = _generated(folder)
        known = EarlierPlans(fleet, before.plan, before.wanted, actual) if before else None
        generated = _compared(folder, fleet, actual, known=known)
        drift = generated.drift

        if drift.refused:
            raise drift_error(drift)

        overwritten = {**actual, **read_tree(folder, *edited)}
        save({**edited, **drift.put}, drift.delete, before=overwritten)

        return replace(generated, written=True)


def generate_edit(root: Path, decide: Callable[[Fleet], Edit], *, write: bool = True) -> Edited:
    """Make the edit that `decide` returns for the fleet of `root`, together with all that follows from it.

    Nothing is written when the edit, or what follows from it, is refused. Raises FindingsError (exit 3 for
    generated files that were edited by hand), and UsageError and BusyError like `generate`.
    """
    if not write:
        refuse_pending(root)
        return _edited(root, decide, _inputs(root), _generated(root))

    with saving(root) as save:
        inputs, actual = _inputs(root), _generated(root)
        edited = _edited(root, decide, inputs, actual)
        _refuse_changed(inputs, _inputs(root))

        edit, drift = edited.edit, _drift_of(edited.generated)
        put, delete = {**edit.put, **drift.put}, (*edit.delete, *drift.delete)
        save(put, delete, before={**inputs, **actual})

        return edited


def planning_faults(fleet: Fleet) -> list[Finding]:
    """Return, as warnings, what generation would refuse in cluster files that can be read."""
    try:
        plan(fleet)
    except FindingsError as error:
        return [replace(finding, severity=Severity.WARNING) for finding in error.findings]

    return []


def drift_error(drift: Drift) -> FindingsError:
    """Return the error for generated files that are not as the cluster files make them (exit 3)."""
    return FindingsError([*drift.refused, *stale(drift)], exit_code=3)


def diff_text(root: Path, drift: Drift) -> str:
    """Return what a run would change as one unified diff, without the manifests."""
    return _diff_text(_generated(root), drift)


def _diff_text(actual: Tree, drift: Drift) -> str:
    changed = sorted({*drift.put, *drift.delete})
    paths = [path for path in changed if not path.endswith(f"/{MANIFEST}")]

    return "".join(unified_diff(path, actual.get(path, b""), drift.put.get(path, b"")) for path in paths)


def _edited(root: Path, decide: Callable[[Fleet], Edit], inputs: Tree, actual: Tree) -> Edited:
    edit = decide(load(root))
    generated = _compared(root, edit.fleet, actual) if edit.fleet else None
    drift = _drift_of(generated)

    if drift.refused:
        raise drift_error(drift)

    edited_files = (unified_diff(path, inputs.get(path, b""), edit.put.get(path, b"")) for path in edit.paths)
    diff = "".join(edited_files) + _diff_text(actual, drift)

    return Edited(edit, generated, diff)


def _drift_of(generated: Generated | None) -> Drift:
    return generated.drift if generated else Drift()


def _inputs(root: Path, files: Tree | None = None) -> Tree:
    """Return what people write, `files` being all that is there; `load` reports what cannot be read."""
    if files is not None:
        return files.at_top(_INPUTS)

    found = walk(root, *_INPUTS)
    inputs = files_of(root, found) if found else None
    return scan_tree(root, *_INPUTS)[0] if inputs is None else inputs


def _generated(root: Path, files: Tree | None = None) -> Tree:
    if files is not None:
        return files.at_top(ROOTS)

    return read_tree(root, *ROOTS, max_file=MAX_GENERATED)


def _refuse_changed(before: Tree, now: Tree) -> None:
    """Raise BusyError when somebody saved a file that this run has read: what it decided is already old."""
    changed = sorted(different(before, now))
    if changed:
        raise BusyError(
            f"{', '.join(changed[:3])} changed while running; nothing was written",
            "run the same command again",
        )


def _compared(
    root: Path,
    fleet: Fleet,
    actual: Tree,
    clusters: Collection[str] = (),
    forced: Collection[str] = (),
    known: KeptPlans | EarlierPlans | None = None,
) -> Generated:
    """Plan the fleet but for what is `known`, render it, and compare that with the generated files of `root`.

    Raises UsageError for a forced path that is none of them.
    """
    planned = plan(fleet, known.briefs if known else {})
    as_planned = known.paths() if known else set()
    made = gathered(in_parts(planned), actual)
    wanted = Tree({**made.files, **{path: actual.files[path] for path in as_planned}})

    if names := unmatched(forced, wanted, actual):
        raise UsageError(
            f"{names[0]} is no generated file or folder, so there is nothing to force",
            nearest(names[0], {*wanted, *actual, *map(owned_folder, (*wanted, *actual))})
            or "name a path from the top of the repository, like overlays/NAME",
        )

    in_question = actual.where(lambda path: path not in as_planned)
    drift = compare(made, in_question, forced, known=written(root), committed=_committed(root))
    if known:
        known.keep(planned, made)

    if clusters:
        drift = only(drift, _folders(planned, clusters))

    folders = [_in_the_way(path) for path in drift.put if path not in actual and (root / path).is_dir()]
    refused = (*drift.refused, *folders, *unannounced(actual, drift.delete))

    return Generated(fleet, planned, wanted, replace(drift, refused=refused))


def _committed(root: Path) -> Callable[[str, bytes], bool]:
    """Return a function that tells whether git has these bytes for a path; git is asked once, at first use.

    Where there is neither a commit nor a record of what was written here, the manifest is all there is, and
    is believed.
    """

    @cache
    def blobs() -> "BlobIds":
        from okd_gitops.system.git_objects import committed_blobs

        return committed_blobs(root, ROOTS)

    def committed(path: str, data: bytes) -> bool:
        return blobs().holds(path, data) or (not blobs().pairs and not written(root))

    return committed


def _in_the_way(path: str) -> Finding:
    reason = "a folder has the name of this generated file"
    return finding_of("foreign-file", path, reason, f"rmdir {path}")


def _folders(planned: Plan, patterns: Collection[str]) -> set[str]:
    """Return the owned folders that the clusters matching the patterns use."""
    names = [cluster.cluster.name for cluster in planned.clusters]
    matched = matching_names(patterns, names, kind="cluster")
    folders: set[str] = set()

    for cluster in planned.clusters:
        name = cluster.cluster.name
        if name in matched:
            parts = {f"bases/{placement.feature}/{placement.part}" for placement in cluster.placements}
            folders |= {f"argocd/{name}", f"overlays/{name}", *parts}

    return folders
