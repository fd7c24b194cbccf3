"""Another image wherever a feature uses one: in its objects, and as the default of a parameter."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from okd_gitops.finding import nearest
from okd_gitops.fleet.changed_catalog import ChangedCatalog, ObjectFile
from okd_gitops.fleet.changes import Swap
from okd_gitops.fleet.feature import FeatureSpec
from okd_gitops.fleet.parameter import Parameter
from okd_gitops.manifests.edit_nodes import replace_scalars
from okd_gitops.manifests.objects import strings
from okd_gitops.manifests.read import Path
from okd_gitops.releases.version import IMAGE

# Returns the new text for an old one, or None where nothing changes.
Choose = Callable[[str], str | None]


def swap_image(catalog: ChangedCatalog, change: Swap, where: Path) -> None:
    """Use the new image of a change in the place of the old one, or add a finding."""
    used = set(_images(catalog, change.feature))
    earlier = catalog.swapped_images.get((change.feature, change.old))

    if change.old not in used:
        reason = f'the feature {change.feature} uses no image "{change.old}"'
        catalog.findings.add("change-without-target", (*where, "from"), reason, nearest(change.old, used))
    elif earlier:
        reason = f"{change.old} was swapped before, at {earlier}"
        catalog.findings.add("already-in-catalog", (*where, "from"), reason, "keep one of the two")
    else:
        catalog.swapped_images[change.feature, change.old] = catalog.findings.at(where)
        _swap(catalog, change, where)


def _swap(catalog: ChangedCatalog, change: Swap, where: Path) -> None:
    feature = catalog.features[change.feature]
    choose_value = partial(_instead, old=change.old, new=change.new)
    choose_text = partial(_instead, old=change.old, new=_with_comment(catalog, change, where))

    spec = _with_defaults(feature.spec, choose_value)
    catalog.features[change.feature] = feature.with_spec(spec)

    for path, value in catalog.objects(change.feature).items():
        new_value = _mapped(value, choose_value)

        if new_value != value:
            edit = partial(replace_scalars, choose=choose_text)
            catalog.put_edited(change, ObjectFile(path, new_value), edit, where)


def _images(catalog: ChangedCatalog, feature: str) -> Iterator[str]:
    """Yield the names of the images that a feature uses, without tag and digest."""
    spec = catalog.features[feature].spec
    parameters = [*spec.parameters.values()]

    for each in spec.each.values():
        parameters += each.fields.values()

    values = [*(parameter.default for parameter in parameters), *catalog.objects(feature).values()]
    for _, text in strings(values):
        image = IMAGE.fullmatch(text)
        if image:
            yield image["repository"]


def _instead(text: str, *, old: str, new: str) -> str | None:
    image = IMAGE.fullmatch(text)
    return new if image and image["repository"] == old else None


def _with_comment(catalog: ChangedCatalog, change: Swap, where: Path) -> str:
    """Return the new image with the comment behind it, which is its readable tag."""
    place = catalog.findings.at((*where, "to"))
    behind = place.text[place.column - 1 + place.length :].rstrip("\r")
    comment = re.fullmatch(r"\s*#(.*)", behind)

    return f"{change.new}  #{comment[1]}" if comment else change.new


def _mapped(value: Any, choose: Choose) -> Any:
    """Return a value with `choose` applied to each string in it."""
    if isinstance(value, dict):
        return {key: _mapped(item, choose) for key, item in value.items()}

    if isinstance(value, list):
        return [_mapped(item, choose) for item in value]

    return (choose(value) or value) if isinstance(value, str) else value


def _with_defaults(spec: FeatureSpec, choose: Choose) -> FeatureSpec:
    """Return a feature.yaml with `choose` applied to the defaults of its parameters."""
    lists = {
        name: each.model_copy(update={"fields": _with_default(each.fields, choose)})
        for name, each in spec.each.items()
    }
    return spec.model_copy(update={"parameters": _with_default(spec.parameters, choose), "each": lists})


def _with_default(parameters: Mapping[str, Parameter], choose: Choose) -> dict[str, Parameter]:
    return {
        name: parameter.model_copy(update={"default": _mapped(parameter.default, choose)})
        for name, parameter in parameters.items()
    }
