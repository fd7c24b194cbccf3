"""The rule floating-image; findings.yaml says what it demands and why."""

import re
from collections.abc import Iterator

from okd_gitops.check.rule import Fault
from okd_gitops.manifests.objects import Object, ObjectId, at, containers, items, mappings

# OpenShift's image trigger controller puts the digest of an ImageStreamTag in place of what stands there.
_TRIGGERS = "image.openshift.io/triggers"
_VARIABLE = r"\$\([^()]*\)"
_PARAMETER = re.compile(r"""\$\((?:tt\.)?params(?:\.([\w-]+)|\[["']([^"']+)["']\])\)""")
# Tekton's variables are for the whole image or for the digest; a tag from a parameter moves like any other.
_FIXED = re.compile(rf"{_VARIABLE}|[^@\s]+@(sha256:[0-9a-f]{{64}}|(sha256:)?{_VARIABLE})")


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every container and Tekton step, and at the values of the parameters that they take their
    image from.
    """
    identity = ObjectId.of(value)
    if at(value, "metadata", "annotations", _TRIGGERS):
        return
    for where, image in [*_images(value), *_parameters(value)]:
        if not _FIXED.fullmatch(image):
            yield Fault(
                reason=f'image "{image}" of {where} is not a digest',
                remedy="write name@sha256:…",
                object=identity,
            )


def _images(value: Object) -> Iterator[tuple[str, str]]:
    for container in containers(value):
        yield str(container.get("name") or "a step"), container["image"]
    # What every step of a task has unless it says otherwise, and the one step of a StepAction.
    steps = [(each, "stepTemplate") for each in mappings(value)]
    steps += [(value, "spec")] if ObjectId.of(value).group_kind == "StepAction.tekton.dev" else []
    for holder, key in steps:
        if isinstance(image := at(holder, key, "image"), str):
            yield key, image


def _parameters(value: Object) -> Iterator[tuple[str, str]]:
    """Yield the values and defaults of parameters that become an image; a pipeline hands its own on under
    another name.
    """
    entries = [
        entry for holder in mappings(value) for entry in items(holder, "params") if isinstance(entry, dict)
    ]
    waiting, seen = [name for _, image in _images(value) for name in _named(image)], set[str]()
    while waiting:
        name = waiting.pop()
        given = (
            []
            if name in seen
            else [
                entry.get(key)
                for entry in entries
                if entry.get("name") == name
                for key in ("default", "value")
            ]
        )
        seen.add(name)
        for text in given:
            # An empty default asks whoever runs it for one.
            if isinstance(text, str) and text:
                waiting += _named(text)
                yield f"the parameter {name}", text


def _named(image: str) -> list[str]:
    found = _PARAMETER.fullmatch(image)
    return [found[1] or found[2]] if found else []
