"""Lists of a base that a merge patch replaces as a whole, and what of them vanishes by it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from okd_gitops.manifests.objects import at

# Groups in which lists have keys by which kustomize merges, and how those lists are called with their keys:
# x-kubernetes-patch-merge-key in kubernetes v1.35, api/openapi-spec. In every other group, such as that of
# RoleBindings, a patch replaces every list.
_MERGING = ("", "admissionregistration.k8s.io", "apps", "autoscaling", "batch", "policy", "storage.k8s.io")
_KEYS = {
    "conditions": ("type",),
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "ports": ("containerPort", "port"),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
    "webhooks": ("name",),
}
# Merged as sets, and what nobody adds to: a command is written anew.
_LEFT_OUT = ("finalizers", "command")
# How an entry is named, where lists have no keys.
_NAMES = ("name", "key", "id", "host", "hostname")
_DIRECTIVE = "$patch"
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Loss:
    """What vanishes of a list; `is_sure` where the patch names an entry of the base, to change that one."""

    path: str
    lost: tuple[str, ...]
    is_sure: bool


def losses(base: object, patch: object, group: str, path: str = "") -> Iterator[Loss]:
    """Yield what a merge patch takes out of the lists of an object of a group, for whoever meant to add."""
    if not isinstance(base, dict) or not isinstance(patch, dict) or _DIRECTIVE in patch:
        return

    for key, inner in patch.items():
        place, before = f"{path}.{key}".lstrip("."), base.get(key)
        if not isinstance(inner, list) or not isinstance(before, list):
            yield from losses(before, inner, group, place)
        elif key in _LEFT_OUT or any(isinstance(each, dict) and _DIRECTIVE in each for each in inner):
            continue
        elif key in _KEYS and group in _MERGING:
            yield from _inside(before, inner, key, group, place)
        elif inner:
            yield from _replaced(before, inner, place)


def _inside(
    before: Sequence[object], after: Sequence[object], key: str, group: str, path: str
) -> Iterator[Loss]:
    """Yield the losses inside the entries of a list that is merged by its keys."""
    for entry in after:
        for old in before:
            if any(at(entry, name) is not None and at(entry, name) == at(old, name) for name in _KEYS[key]):
                yield from losses(old, entry, group, f"{path}[{at(entry, _KEYS[key][0])}]")


def _replaced(before: Sequence[object], after: Sequence[object], path: str) -> Iterator[Loss]:
    old, new = _called(before, after)
    lost = tuple(dict.fromkeys(name for name in old if name not in new))
    has_common, has_names = bool(set(old) & set(new)), all(isinstance(each, dict) for each in before)

    # One value for one other is a choice; fewer than before are mostly meant as more.
    is_sure = has_common and has_names
    if lost and (is_sure or (not has_common and len(after) < len(before))):
        yield Loss(path, tuple(map(_shown, lost)), is_sure)


def _called(before: Sequence[object], after: Sequence[object]) -> tuple[list[str], list[str]]:
    """Return how the entries of two lists are called: by one name that all have, or else as they are."""
    entries = [*before, *after]
    name = next((key for key in _NAMES if all(isinstance(at(each, key), str) for each in entries)), "")
    called = [str(at(each, name)) if name else _text(each) for each in entries]

    return called[: len(before)], called[len(before) :]


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"


def _text(entry: object) -> str:
    # The same flag with another value is that flag.
    return entry.partition("=")[0] if isinstance(entry, str) and entry.startswith("-") else str(entry)
