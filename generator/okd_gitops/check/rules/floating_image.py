"""The rule floating-image: findings.yaml states and explains it."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at, containers, items, maps_within

# OpenShift's image trigger controller replaces the image by the digest of an ImageStreamTag.
_TRIGGERS = "image.openshift.io/triggers"
_VARIABLE = r"\$\([^()]*\)"
_PARAMETER = re.compile(r"""\$\((?:tt\.)?params(?:\.([\w-]+)|\[["']([^"']+)["']\])\)""")
# Tekton's variables may be the whole image or its digest; a tag from a parameter moves like any other tag.
_FIXED = re.compile(rf"{_VARIABLE}|[^@\s]+@(sha256:[0-9a-f]{{64}}|(sha256:)?{_VARIABLE})")
# It holds in our own fleets; others have their own way.
IS_HOUSE_RULE = True


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every container and Tekton step, and at the parameters that become their images."""
    if at(value, "metadata", "annotations", _TRIGGERS):
        return

    for place, image in [*_images(value), *_parameter_values(value)]:
        if not _FIXED.fullmatch(image):
            yield Fault(
                reason=f'image "{image}" of {place} is not pinned by digest',
                remedy="write name@sha256:…",
                object=ObjectId.of(value),
            )


def _images(value: Object) -> Iterator[tuple[str, str]]:
    for container in containers(value):
        yield str(container.get("name") or "a step"), container["image"]

    # The default of every step of a Task, and the only step of a StepAction.
    steps = [(inner, "stepTemplate") for inner in maps_within(value) if "stepTemplate" in inner]
    if ObjectId.of(value).group_kind == "StepAction.tekton.dev":
        steps.append((value, "spec"))

    for holder, key in steps:
        image = at(holder, key, "image")
        if isinstance(image, str):
            yield key, image


def _parameter_values(value: Object) -> Iterator[tuple[str, str]]:
    """Yield the values and defaults of parameters that become an image, also through other parameters."""
    waiting = [name for _, image in _images(value) for name in _parameter_of(image)]
    holders = (each for each in maps_within(value) if "params" in each) if waiting else ()
    entries = [entry for holder in holders for entry in items(holder, "params")]
    seen: set[str] = set()

    while waiting:
        name = waiting.pop()
        if name in seen:
            continue

        seen.add(name)
        for text in _values_of(name, entries):
            waiting += _parameter_of(text)
            yield f"the parameter {name}", text


def _values_of(name: str, entries: list[object]) -> Iterator[str]:
    for entry in entries:
        if at(entry, "name") == name:
            # With an empty default, whoever starts the run must give a value.
            given = (at(entry, "default"), at(entry, "value"))
            yield from (text for text in given if isinstance(text, str) and text)


def _parameter_of(image: str) -> list[str]:
    """Return the name of the parameter that is the whole of an image, if one is."""
    variable = _PARAMETER.fullmatch(image)
    return [variable[1] or variable[2]] if variable else []
