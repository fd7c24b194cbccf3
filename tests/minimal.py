"""The least that a cluster file must give for each feature, taken from the catalog's own objects."""

from typing import Any

from okd_gitops.fleet.feature import Feature, load_catalog
from okd_gitops.fleet.parameter import Each, Parameter
from okd_gitops.manifests.json_patch import segments
from okd_gitops.manifests.objects import Object
from okd_gitops.system.disk import read_catalog

IMAGE = f"registry.example.org/image@sha256:{'2' * 64}"
CATALOG = load_catalog(read_catalog())
# A feature, an environment, and one of the lists that may be left out: they can exclude each other, so each
# is tried by itself.
PLACES = [
    (name, str(environment), option)
    for name, feature in sorted(CATALOG.features.items())
    for environment, parts in feature.spec.environments.items()
    for option in [key for key, each in feature.spec.each.items() if each.optional and each.part in parts]
    or [""]
]


def at(value: Any, path: str) -> Any:
    for step in segments(path):
        value = (
            value.get(step)
            if isinstance(step, str)
            else next((item for item in value if item.get(step[0]) == step[1]), {})
        )
    return value


def example(parameter: Parameter, objects: dict[str, Object]) -> Any:
    """Return the value that the catalog's own object has where the parameter goes, in the parameter's
    type; one of that type where it has none.
    """
    found = [
        each.text or at(objects[each.object], each.path) for each in parameter.sets if each.object in objects
    ]
    value = next(
        (value for value in found if value not in (None, "")),
        {"minor": "4.22", "image": IMAGE}.get(parameter.type, "x"),
    )
    if parameter.type == "boolean":
        return str(value) == "true"
    return int(value) if parameter.type == "integer" else value


def parameters(feature: Feature, environment: str, option: str) -> dict[str, Any]:
    """Return the least that a cluster file must give: required parameters, and one entry in every list
    that is required or is the option.
    """
    parts = feature.spec.environments[
        next(each for each in feature.spec.environments if str(each) == environment)
    ]
    objects = {
        f"{value['kind']}/{value['metadata']['name']}": value
        for part in parts
        for value in feature.objects(part)
    }
    elsewhere = {
        f"{value['kind']}/{value['metadata']['name']}"
        for part in _parts(feature)
        for value in feature.objects(part)
    } - objects.keys()
    given = {
        key: example(each, objects)
        for key, each in feature.spec.parameters.items()
        # What goes only into parts that this environment does not have is refused there.
        if each.default is None
        and not each.optional
        and not each.source
        and not (each.sets and {one.object for one in each.sets} <= elsewhere)
    }
    lists = {key: each for key, each in feature.spec.each.items() if not each.optional or key == option}
    return given | {key: [entry(each, objects)] for key, each in lists.items() if each.part in parts}


def _parts(feature: Feature) -> set[str]:
    return {part for parts in feature.spec.environments.values() for part in parts}


def entry(each: Each, objects: dict[str, Object]) -> dict[str, Any]:
    key = example(each.fields[each.key], objects)
    derived = each.entry({each.key: key})
    wanted = {
        field: value
        for field, value in each.fields.items()
        if value.default is None and not value.optional and field not in derived
    }
    return {each.key: key} | {field: example(value, objects) for field, value in wanted.items()}


def features(name: str, environment: str, option: str = "") -> dict[str, Any]:
    """Return what stands below `features:` for one feature and those that it requires."""
    found: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        feature = CATALOG.features[waiting.pop()]
        found[feature.name] = parameters(feature, environment, option if feature.name == name else "")
        for lists in found[feature.name].values():
            for each in (item for item in lists if isinstance(item, dict)) if isinstance(lists, list) else ():
                # It names an entry of the list of another feature.
                each.update({"component": "example"} if "component" in each else {})
        waiting += [each for each in feature.spec.requires if each not in found]
    return found
