"""Features of a repository's own, in `catalog/features/NAME/`: in form like the built-in ones.

The suite builds and validates the built-in features. These come from anybody, so everything that a plan
relies on is checked here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from okd_gitops.finding import Findings, nearest, refused
from okd_gitops.fleet.feature import Feature, FeatureSpec
from okd_gitops.fleet.parameter import Each, Parameter
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.model import NAME_PATTERN, parse
from okd_gitops.manifests.objects import Object, at, kind_and_name
from okd_gitops.manifests.read import Document, Path, read
from okd_gitops.tree import Tree

# Kind and name become a file name, which must not be longer than 255 bytes.
_FIELDS = {
    "apiVersion": re.compile(r"([a-z0-9.-]+/)?v[0-9a-z]+"),
    "kind": re.compile(r"[A-Z][A-Za-z0-9]{0,62}"),
    "metadata.name": re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,170}[A-Za-z0-9])?"),
}


def local_features(
    local: Tree, builtin: Mapping[str, Feature], findings: Findings
) -> tuple[dict[str, Feature], set[str]]:
    """Return the sound features below `features/` by name, and the paths of all files that belong to one.

    What is wrong with the others is added to `findings`.
    """
    sound: dict[str, Feature] = {}
    documents: dict[str, Document] = {}
    used: set[str] = set()
    folders = local.below("features")

    for name in sorted({path.split("/")[0] for path in folders if "/" in path}):
        files = folders.below(name)
        used.add(f"features/{name}/feature.yaml")

        with findings.collecting():
            document, spec = _read_spec(name, files, builtin)
            object_files = _files_of_parts(spec, files)
            used |= {f"features/{name}/{path}" for path in object_files}

            faults = Findings(document)
            objects = _read_objects(name, object_files, faults)
            _check_parts(spec, objects, faults)
            findings.extend(faults)

            if not faults:
                sound[name] = Feature(name, spec, Tree(object_files), known=objects)
                documents[name] = document

    known = {**builtin, **sound}
    for name, feature in sound.items():
        _check_requirements(feature, known, findings.of(documents[name]))

    return sound, used


def read_object(path: str, data: bytes) -> Document:
    """Return the document in a file below `catalog/`; raises FindingsError unless it is one Kubernetes
    object.
    """
    document = read(f"catalog/{path}", data, bounds=FOREIGN)

    for field, pattern in _FIELDS.items():
        keys = field.split(".")
        text = at(document.value, *keys)

        if not isinstance(text, str) or not pattern.fullmatch(text):
            reason = f"this is not a Kubernetes object: {field} is missing or no name"
            remedy = "write one complete object in each file"
            raise refused("unusable-catalog-file", document.at(keys), reason, remedy)

    return document


def file_name(value: Object) -> str:
    """Return the name of an object's file in a part."""
    return f"{value['kind'].lower()}-{value['metadata']['name'].replace(':', '-')}.yaml"


def parts_of(spec: FeatureSpec) -> list[str]:
    """Return the parts of a feature in all its environments, each once."""
    return list(dict.fromkeys(part for parts in spec.environments.values() for part in parts))


def _read_spec(name: str, files: Tree, builtin: Mapping[str, Feature]) -> tuple[Document, FeatureSpec]:
    """Read a feature.yaml; raises FindingsError, also when there is none and for a name that is not free."""
    file = f"catalog/features/{name}/feature.yaml"

    if not re.fullmatch(NAME_PATTERN, name):
        remedy = "name it like my-scanner: lower-case letters, digits and dashes"
        raise refused("invalid-name", file, f'"{name}" is not a name for a feature', remedy)

    if name in builtin:
        remedy = "choose another name; catalog/changes/NAME.yaml changes a built-in feature"
        raise refused("already-in-catalog", file, f'there is a built-in feature "{name}"', remedy)

    if "feature.yaml" not in files:
        raise refused("missing-value", file, f"the feature {name} has no feature.yaml", "add it")

    document = read(file, files["feature.yaml"])
    return document, parse(FeatureSpec, document)


def _files_of_parts(spec: FeatureSpec, files: Tree) -> dict[str, bytes]:
    """Return the files PART/NAME.yaml of the parts that a feature has."""
    parts = parts_of(spec)
    object_files = {}

    for path, data in files.items():
        folder, _, name = path.partition("/")
        if folder in parts and "/" not in name and name.endswith(".yaml"):
            object_files[path] = data

    return object_files


def _read_objects(feature: str, files: Mapping[str, bytes], faults: Findings) -> dict[str, Object]:
    """Return the objects of a feature by the paths of their files."""
    objects = {}

    for path, data in files.items():
        with faults.collecting():
            document = read_object(f"features/{feature}/{path}", data)
            value = objects[path] = document.value

            if path.rpartition("/")[2] != file_name(value):
                reason = f"the file of {value['kind']} {value['metadata']['name']} has another name"
                remedy = f"name it {file_name(value)}, so that people find it"
                place = document.at(["metadata", "name"])
                faults.add("unusable-catalog-file", place, reason, remedy)

    return objects


def _check_parts(spec: FeatureSpec, objects: Iterable[str], faults: Findings) -> None:
    """Find the parts that feature.yaml names and that hold no object; `objects` are the paths of objects."""
    filled = {path.split("/")[0] for path in objects}
    places: list[tuple[Path, str]] = []

    for name, each in spec.each.items():
        places.append((("each", name, "part"), each.part))
        places += [(("each", name, "partsWith", field), part) for field, part in each.parts_with.items()]
    for environment, parts in spec.environments.items():
        places += [(("environments", environment, index), part) for index, part in enumerate(parts)]

    for place, part in places:
        if part not in filled:
            reason = f'there is no object in the part "{part}"'
            faults.add("broken-feature", place, reason, nearest(part, filled))


def _check_requirements(feature: Feature, known: Mapping[str, Feature], findings: Findings) -> None:
    """Find the features that a feature requires and that do not exist, and the objects that its parameters
    do not reach.
    """
    required = []

    for index, name in enumerate(feature.spec.requires):
        if name in known:
            required.append(known[name])
        else:
            reason = f'there is no feature "{name}"'
            findings.add("not-in-catalog", ["requires", index], reason, nearest(name, known))

    reach = _Reach(
        parts=_parts_by_object(feature),
        lists=feature.spec.copied_parts,
        required={name for other in required for name in _objects_outside_lists(other)},
    )

    _check_parameters(feature.spec.parameters, ("parameters",), None, reach, findings)
    for name, each in feature.spec.each.items():
        _check_parameters(each.fields, ("each", name, "fields"), each, reach, findings)


def _check_parameters(
    parameters: Mapping[str, Parameter], where: Path, each: Each | None, reach: "_Reach", findings: Findings
) -> None:
    """Find the targets that parameters do not reach; `each` is the list whose fields they are."""
    for key, parameter in parameters.items():
        for index, target in enumerate(parameter.sets):
            fault = reach.fault(target.object, key, each)

            if fault:
                findings.add("broken-feature", [*where, key, "sets", index, "object"], *fault)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What the parameters of a feature can set.

    `parts`: the parts that have each object, by Kind/name. `lists`: the list for each part that is copied.
    `required`: objects of required features, outside their lists.
    """

    parts: Mapping[str, set[str]]
    lists: Mapping[str, str]
    required: set[str]

    def fault(self, target: str, key: str, each: Each | None) -> tuple[str, str] | None:
        """Return the reason and the remedy when a parameter does not reach an object.

        The fields of a list are for the list's part, other parameters for all other parts.
        """
        parts = self.parts.get(target, set())
        lists = sorted(self.lists[part] for part in parts & self.lists.keys())

        if not parts and (each or target not in self.required):
            return f"no part contains {target}", nearest(target, self.parts)

        if each and not parts & set(each.parts):
            reason = f'{target} is not in the part "{" or ".join(each.parts)}"'
            return reason, "a field of a list can change only objects of its own part"

        if not each and lists:
            reason = f"{target} is written once for each entry of {lists[0]}"
            remedy = f"make {key} a field of {lists[0]}: a parameter of the feature cannot change the copies"
            return reason, remedy

        return None


def _parts_by_object(feature: Feature) -> dict[str, set[str]]:
    """Return the parts that have each object, by Kind/name."""
    parts_by_object: dict[str, set[str]] = {}

    for part in parts_of(feature.spec):
        for value in feature.objects(part):
            parts_by_object.setdefault(kind_and_name(value), set()).add(part)

    return parts_by_object


def _objects_outside_lists(feature: Feature) -> set[str]:
    copied = feature.spec.copied_parts.keys()
    return {name for name, parts in _parts_by_object(feature).items() if parts - copied}
