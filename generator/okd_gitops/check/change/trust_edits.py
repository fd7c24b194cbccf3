"""Edits of what decides whom the fleet trusts: never together with a release, and always shown.

They are judged by what the base says: whoever changes a key does not choose in the same change what it signs.
"""

from collections.abc import Iterator, Mapping, Sequence

from okd_gitops.check.change.change import ClusterChange, Status, TrustEdit
from okd_gitops.finding import Finding, Location, finding_of
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import Fleet
from okd_gitops.fleet.release import Release
from okd_gitops.fleet.upgrades import Releases
from okd_gitops.manifests.model import FileModel

# Where forges look for what runs before a merge, and what that installs.
CI_FILES = (
    "requirements.txt",
    ".github/workflows",
    ".github/actions",
    ".github/CODEOWNERS",
    ".gitlab-ci.yml",
    ".gitlab",
    ".forgejo",
    ".gitea",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".woodpecker",
    ".circleci",
    ".tekton",
    ".ci",
    "azure-pipelines.yml",
    "Jenkinsfile",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".drone.yml",
    ".travis.yml",
    ".buildkite",
    "bitbucket-pipelines.yml",
    ".gitattributes",
)
# The tool itself, in a repository that contains it: an edited tool must not judge its own edit.
TOOL_FILES = ("okd-gitops", "Makefile", "generator", "image", "pyproject.toml", "requirements", "tools")
# What CI of a fleet installs or runs, though no file of CI has another text.
JUDGE_FOLDERS = {
    "tool": "tool/, from which CI installs okd-gitops",
    ".cache": ".cache/, from which CI runs tools",
}
_FLEET_FIELDS = (
    "requires",
    "repository",
    "revision",
    "hub",
    "owners",
    "upstream",
    "announced",
    "unattended",
    "unattended_repository",
)
_SOURCES = ("controller", "graph", "channel", "github", "quay", "file", "forge", "signatures")
# Their objects say what a cluster runs, and what asks for it.
_TRUSTED_FEATURES = (
    "okd-version",
    "no-way-back",
    "cluster-register",
    "cluster-trials",
    "release-watch",
    "upgrade-observer",
    "upgrade-reader",
    "argocd",
    "secrets",
)
_LONGEST = 200
_TOOL = "okd-gitops itself, which judges changes here"
_SHOWN_FILES = 3


def trust_edits(
    base: Fleet,
    now: Fleet,
    changes: Sequence[ClusterChange],
    old_files: Mapping[str, bytes],
    new_files: Mapping[str, bytes],
    tool_files: Sequence[str] = (),
    edited: Sequence[str] = (),
) -> list[TrustEdit]:
    """Return the edits of trust, in fleet.yaml, cluster files, the catalog and other files.

    The files are those of `trusted_paths` on each side; `tool_files` are edited files of the tool itself,
    and `edited` all files that git has otherwise.
    """
    return [
        *_fleet_edits(base, now),
        *_cluster_edits(changes),
        *_catalog_edits(base, now),
        *_file_edits(old_files, new_files),
        *_edits_of_many(_TOOL, tool_files),
        *_judge_edits(edited),
    ]


def trusted_paths(*fleets: FleetSpec) -> list[str]:
    """Return the files and folders whose content decides whom a fleet trusts, beside fleet.yaml."""
    paths = set(CI_FILES)

    for fleet in fleets:
        releases = fleet.releases
        paths |= set(releases.signatures.keys) if releases and releases.signatures else set()
        paths |= {releases.file} if releases and releases.file else set()

    return sorted(paths)


def trust_findings(edits: Sequence[TrustEdit], changes: Sequence[ClusterChange]) -> list[Finding]:
    """Return a warning for each edit of trust, and a refusal of each beside a release."""
    moved = [change.name for change in changes if change.release_changed]
    findings = []

    for edit in edits:
        reason = f"{edit.field}: {_shown(edit.old)} becomes {_shown(edit.new)}"
        findings.append(finding_of("trust-edit", edit.place, reason))

        if moved:
            reason = f"{edit.field} is edited together with the release of {', '.join(moved)}"
            findings.append(finding_of("trust-edit-with-release", edit.place, reason, clusters=moved))

    return findings


def _fleet_edits(base: Fleet, now: Fleet) -> Iterator[TrustEdit]:
    yield from _edits(base.spec, now.spec, _FLEET_FIELDS, (), now)

    old, new = base.spec.releases, now.spec.releases
    yield from _edits(old, new, _SOURCES, ("releases",), now)


def _edits(
    old: FileModel | Releases | None,
    new: FileModel | Releases | None,
    fields: Sequence[str],
    parents: tuple[str, ...],
    now: Fleet,
) -> Iterator[TrustEdit]:
    for field in fields:
        old_text, new_text = _text(old, field), _text(new, field)

        if old_text != new_text:
            path = (*parents, _key(new or old, field))
            place = now.document.at(path, key=True)
            yield TrustEdit(field=".".join(path), place=place, old=old_text, new=new_text)


def _cluster_edits(changes: Sequence[ClusterChange]) -> Iterator[TrustEdit]:
    for change in changes:
        if change.status != Status.CHANGED or change.old is None or change.new is None:
            continue

        if change.old.spec.owners != change.new.spec.owners:
            owners = ", ".join(change.old.owners), ", ".join(change.new.owners)
            place = change.new.document.at(("owners",), key=True)
            yield TrustEdit(field=f"{change.name}: owners", place=place, old=owners[0], new=owners[1])

        old, new = _upstream(change.old_release), _upstream(change.new_release)
        if old != new:
            place = change.new.document.at(("release", "upstream"), key=True)
            yield TrustEdit(field=f"{change.name}: release.upstream", place=place, old=old, new=new)


def _catalog_edits(base: Fleet, now: Fleet) -> Iterator[TrustEdit]:
    for name in _TRUSTED_FEATURES:
        old, new = base.catalog.features.get(name), now.catalog.features.get(name)
        same = old is not None and new is not None and (old.spec, old.files) == (new.spec, new.files)

        if old is not new and not same:
            place = Location(file="catalog")
            yield TrustEdit(
                field=f"catalog: feature {name}", place=place, old="as the base has it", new="with edits"
            )


def _file_edits(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[TrustEdit]:
    for path in sorted({*old, *new}):
        if old.get(path) != new.get(path):
            states = tuple("a file" if path in files else "no file" for files in (old, new))
            shown = ("as the base has it", "with edits") if states[0] == states[1] else states
            yield TrustEdit(field=path, place=Location(file=path), old=shown[0], new=shown[1])


def _judge_edits(edited: Sequence[str]) -> Iterator[TrustEdit]:
    for folder, what in JUDGE_FOLDERS.items():
        # A link in the folder's place leads anywhere.
        yield from _edits_of_many(what, [path for path in edited if path.partition("/")[0] == folder])


def _edits_of_many(what: str, paths: Sequence[str]) -> Iterator[TrustEdit]:
    """Yield one edit for all files of a program: it is read as a whole or not at all."""
    if paths:
        more = f" and {len(paths) - _SHOWN_FILES} more" if len(paths) > _SHOWN_FILES else ""
        edited = f"with edits in {', '.join(paths[:_SHOWN_FILES])}{more}"
        yield TrustEdit(field=what, place=Location(file=paths[0]), old="as the base has it", new=edited)


def _upstream(release: Release | None) -> str:
    return str(release.upstream or "") if release else ""


def _key(model: FileModel | None, field: str) -> str:
    """Return how a field is written in its file."""
    return type(model).model_fields[field].alias or field if model else field


def _text(model: FileModel | None, field: str) -> str:
    """Return a field as text that compares; empty where it is not set."""
    value = getattr(model, field, None)

    if not value:
        return ""

    if isinstance(value, FileModel):
        written = value.model_dump(by_alias=True, mode="json", exclude_defaults=True)
        return ", ".join(f"{key}: {item}" for key, item in written.items())

    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _shown(text: str) -> str:
    return f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text or "nothing"
