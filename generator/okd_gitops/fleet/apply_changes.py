"""Apply the `catalog/` of a repository to the catalog that comes with the tool.

A feature of the repository's own is a folder like the built-in ones; `catalog/changes/` changes the built-in
ones. The result is a Catalog like any other, so plan, check and rules need not know where an object came
from. All faults are collected before anything is refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from okd_gitops.finding import Findings, nearest
from okd_gitops.fleet.change_tasks import find_missing_tasks, insert_task, move_task, remove_task
from okd_gitops.fleet.changed_catalog import ChangedCatalog
from okd_gitops.fleet.changes import Add, Change, Changes, Replace, Swap
from okd_gitops.fleet.feature import Catalog
from okd_gitops.fleet.local_features import file_name, local_features
from okd_gitops.fleet.swap_images import swap_image
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.objects import ObjectId, kind_and_name
from okd_gitops.manifests.read import Path, read
from okd_gitops.tree import Tree

_CHANGES = re.compile(r"changes/[^/]+\.yaml")


def apply_changes(builtin: Catalog, local: Tree) -> Catalog:
    """Return the catalog with the features of `local` (the files below `catalog/`) and with its changes made,
    in the order of their files.

    Raises FindingsError with everything that is wrong in these files.
    """
    findings = Findings()
    features, used = local_features(local, builtin.features, findings)
    catalog = ChangedCatalog({**builtin.features, **features}, local, findings)

    for path in local:
        if _CHANGES.fullmatch(path):
            used.add(path)
            with findings.collecting():
                _apply_file(catalog, path)

    find_missing_tasks(catalog)
    _find_unused_files({*local} - used - catalog.used_files, findings)

    findings.raise_errors()
    return Catalog(catalog.features, builtin.purposes)


def _apply_file(catalog: ChangedCatalog, path: str) -> None:
    """Make the changes of one file; a fault in one change does not stop the next."""
    document = read(f"catalog/{path}", catalog.local[path])
    catalog.findings = catalog.findings.of(document)

    for index, change in enumerate(parse(Changes, document).changes):
        _apply(catalog, index, change)


def _apply(catalog: ChangedCatalog, index: int, change: Change) -> None:
    verb, target = next((verb, target) for verb, target in change if target is not None)
    where: Path = ("changes", index, verb)
    part = None if isinstance(target, Swap) else target.part

    if target.feature not in catalog.features:
        reason = f'there is no feature "{target.feature}"'
        remedy = nearest(target.feature, catalog.features)
        catalog.findings.add("change-without-target", (*where, "feature"), reason, remedy)
    elif part and part not in catalog.parts(target.feature):
        reason = f'the feature {target.feature} has no part "{part}"'
        remedy = nearest(part, catalog.parts(target.feature))
        catalog.findings.add("change-without-target", (*where, "part"), reason, remedy)
    else:
        VERBS[verb](catalog, target, where)


def replace_object(catalog: ChangedCatalog, change: Replace, where: Path) -> None:
    """Put a file of the repository in the place of an object, or add a finding."""
    old = catalog.find_object(change, change.object, (*where, "object"))
    new = catalog.local_object(change.file, (*where, "with"))
    if not old or not new:
        return

    old_id, new_id = ObjectId.of(old.value), ObjectId.of(new.value)
    earlier = catalog.changed_files.get((change.feature, old.path))

    if not old_id.same_object(new_id):
        new_name = f"{new_id.group_kind} {new_id.namespace}/{new_id.name}"
        reason = f"catalog/{change.file} contains {new_name}, which cannot replace {old_id}"
        remedy = "give it the kind, name and namespace of the object that it replaces"
        catalog.findings.add("unusable-catalog-file", (*where, "with"), reason, remedy)
    elif earlier:
        reason = f"{change.object} was changed before, at {earlier}"
        remedy = "keep one of the two, or replace first"
        catalog.findings.add("already-in-catalog", (*where, "object"), reason, remedy)
    else:
        catalog.put(change, old.path, catalog.local[change.file], new.value, where)


def add_object(catalog: ChangedCatalog, change: Add, where: Path) -> None:
    """Add a file of the repository to a part, or add a finding."""
    new = catalog.local_object(change.file, (*where, "file"))
    parts = catalog.parts(change.feature)

    if change.part is None and len(parts) > 1:
        reason = f"{change.feature} has several parts, and the change does not name one"
        catalog.findings.add("missing-value", where, reason, f"add part: one of {', '.join(parts)}")
        return

    if not new:
        return

    path = f"{change.part or parts[0]}/{file_name(new.value)}"

    if path in catalog.features[change.feature].files:
        reason = f"{change.feature} has {kind_and_name(new.value)} already"
        remedy = "replace it, or give it another name"
        catalog.findings.add("already-in-catalog", (*where, "file"), reason, remedy)
    else:
        catalog.put(change, path, catalog.local[change.file], new.value, where)


def _find_unused_files(unused: Iterable[str], findings: Findings) -> None:
    remedy = (
        "features/NAME/feature.yaml, features/NAME/PART/KIND-NAME.yaml, changes/NAME.yaml, "
        "or a file that a change names"
    )
    for path in sorted(unused):
        if path.endswith((".yaml", ".yml", ".json")):
            findings.add("unusable-catalog-file", f"catalog/{path}", "nothing uses this file", remedy)


# What makes a change, by its key in `catalog/changes/NAME.yaml`.
VERBS: Mapping[str, Callable[[ChangedCatalog, Any, Path], None]] = {
    "replace": replace_object,
    "add": add_object,
    "insert": insert_task,
    "move": move_task,
    "remove": remove_task,
    "image": swap_image,
}
