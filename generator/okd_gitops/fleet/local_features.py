"""Features of a repository's own, in `catalog/features/NAME/`: in form like the built-in ones, and judged
before anything is planned with them.

The suite builds and validates the built-in features; these come from anybody, so whatever a plan relies on is
checked here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from okd_gitops.finding import Finding, FindingsError, Location, nearest
from okd_gitops.fleet.feature import Feature, FeatureSpec
from okd_gitops.manifests.model import NAME_PATTERN, parse
from okd_gitops.manifests.objects import Object, at
from okd_gitops.manifests.read import FOREIGN, Document, read
from okd_gitops.tree import Tree

# Kind and name become a file name, which has an end at 255 bytes.
_FIELDS = {
    "apiVersion": re.compile(r"([a-z0-9.-]+/)?v[0-9a-z]+"),
    "kind": re.compile(r"[A-Z][A-Za-z0-9]{0,62}"),
    "metadata.name": re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,170}[A-Za-z0-9])?"),
}


def own_features(
    local: Tree, builtin: Mapping[str, Feature]
) -> tuple[dict[str, Feature], set[str], list[Finding]]:
    """Return the sound features below `features/` by name, the paths of all files that belong to one, and
    what is wrong.
    """
    found: dict[str, Feature] = {}
    documents: dict[str, Document] = {}
    used: set[str] = set()
    findings: list[Finding] = []
    folders = local.below("features")
    for name in sorted({path.split("/")[0] for path in folders if "/" in path}):
        file = f"features/{name}/feature.yaml"
        place = Location(file=f"catalog/{file}")
        files = folders.below(name)
        used.add(file)
        if not re.fullmatch(NAME_PATTERN, name):
            remedy = "name it like my-scanner: lower-case letters, digits and dashes"
            findings.append(
                Finding(
                    name="invalid-name",
                    location=place,
                    reason=f'"{name}" is not a name for a feature',
                    remedy=remedy,
                )
            )
        elif name in builtin:
            remedy = "choose another name; catalog/changes/NAME.yaml changes a built-in feature"
            findings.append(
                Finding(
                    name="already-in-catalog",
                    location=place,
                    reason=f'there is a built-in feature "{name}"',
                    remedy=remedy,
                )
            )
        elif "feature.yaml" not in files:
            findings.append(
                Finding(
                    name="missing-value",
                    location=place,
                    reason=f"the feature {name} has no feature.yaml",
                    remedy="add it",
                )
            )
        else:
            try:
                document = read(place.file, files["feature.yaml"])
                spec = parse(FeatureSpec, document)
            except FindingsError as error:
                findings += error.findings
                continue
            parts = {part for environment in spec.environments.values() for part in environment}
            held = {
                path: files[path]
                for path in files
                if path.count("/") == 1 and path.split("/")[0] in parts and path.endswith(".yaml")
            }
            used |= {f"features/{name}/{path}" for path in held}
            faults: list[Finding] = []
            objects = {
                path: value
                for path, data in held.items()
                if (value := own_object(f"features/{name}/{path}", data, faults, named=True))
            }
            faults += _faults(document, spec, objects)
            findings += faults
            if not faults:
                found[name], documents[name] = Feature(name, spec, Tree(held)), document
    known = {**builtin, **found}
    for name, feature in found.items():
        for index, needed in enumerate(feature.spec.requires):
            if needed not in known:
                place = documents[name].at(["requires", index])
                findings.append(
                    Finding(
                        name="not-in-catalog",
                        location=place,
                        reason=f'there is no feature "{needed}"',
                        remedy=nearest(needed, known),
                    )
                )
        findings += _aimless(
            documents[name], feature, [known[needed] for needed in feature.spec.requires if needed in known]
        )
    return found, used, findings


def own_object(path: str, data: bytes, findings: list[Finding], *, named: bool = False) -> Object | None:
    """Return the Kubernetes object in a file below `catalog/`, or add what is wrong with it; `named`: also
    when the file's name is.
    """
    try:
        document = read(f"catalog/{path}", data, bounds=FOREIGN)
    except FindingsError as error:
        findings += error.findings
        return None
    value = document.value
    for field, pattern in _FIELDS.items():
        text = at(value, *field.split("."))
        if not isinstance(text, str) or not pattern.fullmatch(text):
            reason, place = (
                f"this is not a Kubernetes object: {field} is missing or no name",
                document.at(field.split(".")),
            )
            findings.append(
                Finding(
                    name="unusable-catalog-file",
                    location=place,
                    reason=reason,
                    remedy="write one complete object in each file",
                )
            )
            return None
    object_: Object = value
    if named and path.rpartition("/")[2] != file_name(object_):
        reason = f"the file of {value['kind']} {value['metadata']['name']} has another name"
        remedy = f"name it {file_name(object_)}, so that people find it"
        findings.append(
            Finding(
                name="unusable-catalog-file",
                location=document.at(["metadata", "name"]),
                reason=reason,
                remedy=remedy,
            )
        )
    return object_


def file_name(value: Object) -> str:
    """Return the name of an object's file in a part."""
    return f"{value['kind'].lower()}-{value['metadata']['name'].replace(':', '-')}.yaml"


def _faults(document: Document, spec: FeatureSpec, objects: dict[str, Object]) -> Iterator[Finding]:
    """Yield what feature.yaml says of parts and objects that are not there."""
    filled = {path.split("/")[0] for path in objects}
    for environment, parts in spec.environments.items():
        for index, part in enumerate(parts):
            if part not in filled:
                place = document.at(["environments", environment, index])
                yield Finding(
                    name="broken-feature",
                    location=place,
                    reason=f'there is no object in the part "{part}"',
                    remedy=nearest(part, filled),
                )
    for name, each in spec.each.items():
        if each.part not in filled:
            reason, remedy = f'there is no object in the part "{each.part}"', nearest(each.part, filled)
            yield Finding(
                name="broken-feature",
                location=document.at(["each", name, "part"]),
                reason=reason,
                remedy=remedy,
            )


def _aimless(document: Document, feature: Feature, required: Iterable[Feature]) -> Iterator[Finding]:
    """Yield the places that parameters name and that their values cannot reach: a list's fields are for
    its part, other parameters for the rest.
    """
    spec = feature.spec
    parts = _parts(feature)
    copied = {each.part: name for name, each in spec.each.items()}
    beyond = {
        name
        for other in required
        for name, held in _parts(other).items()
        if held - {each.part for each in other.spec.each.values()}
    }
    lists_of_fields = ((("each", name, "fields"), each.fields, each.part) for name, each in spec.each.items())
    for where, parameters, part in ((("parameters",), spec.parameters, ""), *lists_of_fields):
        for key, parameter in parameters.items():
            for index, target in enumerate(parameter.sets):
                held = parts.get(target.object, set())
                lists = sorted(copied[each] for each in held & copied.keys())
                if not held and not part and target.object in beyond:
                    continue
                if not held:
                    reason, remedy = f"no part has {target.object}", nearest(target.object, parts)
                elif part and part not in held:
                    reason, remedy = (
                        f'{target.object} is not in the part "{part}"',
                        "a field of a list reaches its part alone",
                    )
                elif not part and lists:
                    reason = f"{target.object} is written once for each entry of {lists[0]}"
                    remedy = f"make {key} a field of {lists[0]}: a parameter of the feature does not reach the copies"
                else:
                    continue
                yield Finding(
                    name="broken-feature",
                    location=document.at([*where, key, "sets", index, "object"]),
                    reason=reason,
                    remedy=remedy,
                )


def _parts(feature: Feature) -> dict[str, set[str]]:
    """Return the parts that have each object, by `Kind/name`."""
    found: dict[str, set[str]] = {}
    for part in {part for parts in feature.spec.environments.values() for part in parts}:
        for value in feature.objects(part):
            found.setdefault(f"{value['kind']}/{value['metadata']['name']}", set()).add(part)
    return found
