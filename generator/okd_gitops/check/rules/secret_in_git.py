"""The rule secret-in-git: findings.yaml states and explains it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from okd_gitops.check.overlay import as_map, per_overlay
from okd_gitops.check.rule import Fault, Overlay, Repository
from okd_gitops.finding import FindingsError, Location
from okd_gitops.manifests.bounds import PASSED_ON
from okd_gitops.manifests.objects import Object, ObjectId
from okd_gitops.manifests.read import Document, read_all
from okd_gitops.manifests.secrets import Path, SecretValue, may_have_secrets, secret_kind, secret_values
from okd_gitops.redaction import masked_line

_REMEDY = "remove it, and revoke what it holds"
_LARGEST = 1 << 20


def check_object(value: Object) -> Iterator[Fault]:
    """Look at Secrets, also inside other objects, and for keys and passwords in any text."""
    yield from _in_object(value, may_be_settings=False)


def check_others_object(value: Object) -> Iterator[Fault]:
    """Look only for what seems to be a secret: others keep settings in Secrets too."""
    yield from _in_object(value, may_be_settings=True)


def _in_object(value: Object, *, may_be_settings: bool) -> Iterator[Fault]:
    found = secret_values(value, may_be_settings=may_be_settings) if may_have_secrets(value) else ()

    for kind, values in _by_kind(found).items():
        yield Fault(
            reason=_reason(kind, values),
            remedy=_REMEDY,
            object=ObjectId.of(value),
            path=values[0].path,
            is_secret=True,
        )


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at the cluster files of a fleet, and at files in clusters/ that nothing renders."""
    if not repository.destinations:
        return

    reached: set[str] = set()
    for overlay in repository.overlays:
        reached |= overlay.reached

    own_files = {overlay.own_file: overlay for overlay in repository.overlays if overlay.purpose}
    for path in sorted(set(repository.files) - reached):
        if path in own_files:
            for reason, place in _in_own_file(own_files[path], repository.files):
                yield Fault(reason=reason, remedy=_REMEDY, location=Location(**place), is_secret=True)
        elif path.startswith("clusters/"):
            yield from _in_file(path, repository.files[path])


@per_overlay
def _in_own_file(overlay: Overlay, files: Mapping[str, bytes]) -> list[tuple[str, object]]:
    found = [
        (fault.reason, fault.location)
        for fault in _in_file(overlay.own_file, files[overlay.own_file])
        if fault.location
    ]
    # What is kept has no secret in it either.
    return [
        (reason, as_map(replace(place, text=masked_line(place.text), length=1))) for reason, place in found
    ]


def _in_file(path: str, data: bytes) -> Iterator[Fault]:
    if len(data) > _LARGEST:
        return

    documents = _documents(path, data)
    for document in documents:
        for kind, values in _by_kind(secret_values(document.value)).items():
            yield _fault_in_file(kind, values, document.at(values[0].path))

    # A file that is no YAML, such as a key.
    kind = "" if documents else secret_kind(data.decode("utf-8", "replace"))
    if kind:
        yield _fault_in_file(kind, [], Location(file=path))


def _documents(path: str, data: bytes) -> list[Document]:
    """Return the documents of a file that has maps or lists in it; none of another one."""
    try:
        documents = read_all(path, data, bounds=PASSED_ON)
    except FindingsError:
        return []
    return documents if all(isinstance(document.value, dict | list) for document in documents) else []


def _fault_in_file(kind: str, values: list[SecretValue], location: Location) -> Fault:
    return Fault(reason=_reason(kind, values), remedy=_REMEDY, location=location, is_secret=True)


def _by_kind(values: Iterable[SecretValue]) -> dict[str, list[SecretValue]]:
    groups: dict[str, list[SecretValue]] = {}
    for value in values:
        groups.setdefault(value.kind, []).append(value)
    return groups


def _reason(kind: str, values: list[SecretValue]) -> str:
    places = ", ".join(_dotted(value.path) for value in values[:3])
    more = f" and {len(values) - 3} more" if len(values) > 3 else ""
    return f"{kind} is in Git: {places}{more}" if places else f"{kind} is in Git"


def _dotted(path: Path) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")
