"""The catalog while the changes of a repository are made in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from okd_gitops.finding import Findings, FindingsError, Location, nearest
from okd_gitops.fleet.changes import Swap, Target
from okd_gitops.fleet.feature import Feature
from okd_gitops.fleet.local_features import parts_of, read_object
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.edit_nodes import EditError
from okd_gitops.manifests.objects import Object, kind_and_name
from okd_gitops.manifests.read import Path, read
from okd_gitops.tree import Tree


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """An object, and the path of its file."""

    path: str
    value: Object


class ChangedCatalog:
    """The features so far, which line has changed what, and the findings.

    `findings` belongs to the document whose changes are being made.
    """

    def __init__(self, features: Mapping[str, Feature], local: Tree, findings: Findings) -> None:
        self.features, self.local, self.findings = dict(features), local, findings
        self.used_files: set[str] = set()
        # By feature and path, by feature and image, and by feature, path and task.
        self.changed_files: dict[tuple[str, str], Location] = {}
        self.swapped_images: dict[tuple[str, str], Location] = {}
        self.changed_tasks: dict[tuple[str, str, str], Location] = {}

    def parts(self, feature: str) -> list[str]:
        """Return the parts of a feature."""
        return parts_of(self.features[feature].spec)

    def objects(self, feature: str) -> Mapping[str, Object]:
        """Return the objects of a feature by the paths of their files."""
        return self.features[feature].objects_by_path

    def find_object(self, target: Target, name: str, where: Path) -> ObjectFile | None:
        """Return the object that a change calls `Kind/name`, or add a finding."""
        candidates = [
            ObjectFile(path, value)
            for path, value in self.objects(target.feature).items()
            if target.part in (None, path.split("/")[0])
        ]
        matching = [file for file in candidates if kind_and_name(file.value) == name]

        if len(matching) == 1:
            return matching[0]

        if matching:
            reason = f"several parts of {target.feature} have a {name.replace('/', ' ', 1)}"
            remedy = f"add part: {' or '.join(file.path.split('/')[0] for file in matching)}"
            self.findings.add("change-without-target", where, reason, remedy)
        else:
            self._add_unknown_object(target, name, where, [kind_and_name(file.value) for file in candidates])

        return None

    def _add_unknown_object(self, target: Target, name: str, where: Path, known: list[str]) -> None:
        kind, _, short_name = name.partition("/")
        same_kind = [other for other in known if other.startswith(f"{kind}/")]

        # A change names a Pipeline without its kind.
        if where[-1] == "pipeline":
            remedy = nearest(short_name, [other.partition("/")[2] for other in same_kind])
        else:
            remedy = nearest(name, same_kind or known)

        reason = f'the feature {target.feature} has no {kind} "{short_name}"'
        self.findings.add("change-without-target", where, reason, remedy)

    def local_object(self, path: str, where: Path) -> ObjectFile | None:
        """Return the object in a file below `catalog/` that a change names, or add a finding."""
        self.used_files.add(path)

        if path not in self.local:
            known = [file for file in self.local if not file.startswith(("features/", "changes/"))]
            reason = f"there is no file catalog/{path}"
            self.findings.add("change-without-target", where, reason, nearest(path, known))
            return None

        with self.findings.collecting():
            return ObjectFile(path, read_object(path, self.local[path]).value)

        return None

    def put(self, target: Target | Swap, path: str, data: bytes, value: Object, where: Path) -> None:
        """Put a file into a feature, at a path that may be there already; `value` is the object in it."""
        self.features[target.feature] = self.features[target.feature].with_file(path, data, value)
        self.changed_files[target.feature, path] = self.findings.at(where)

    def put_edited(
        self, target: Target | Swap, edited: ObjectFile, edit: Callable[[str], str], where: Path
    ) -> None:
        """Put edited text in the place of a file when it reads as the object of `edited`, and refuse it
        otherwise.
        """
        reason = ""
        data = b""

        try:
            data = edit(self.features[target.feature].files[edited.path].decode()).encode()
            if read(edited.path, data, bounds=FOREIGN).value != edited.value:
                reason = "the result would differ from the change"
        except EditError as error:
            reason = str(error)
        except FindingsError as error:
            reason = error.findings[0].reason

        if reason:
            reason = f"{kind_and_name(edited.value)} cannot be edited as text: {reason}"
            remedy = "replace it by a file of your own, in block style"
            self.findings.add("unusable-catalog-file", where, reason, remedy)
        else:
            self.put(target, edited.path, data, edited.value, where)
