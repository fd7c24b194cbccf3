"""A file of releases that people keep, in YAML or JSON.

It serves fleets without a network, and withdraws a release by hand.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from okd_gitops.finding import FindingsError
from okd_gitops.manifests.model import FileModel, parse
from okd_gitops.manifests.read import read
from okd_gitops.releases.fields import ReleaseImage, VersionText, fault
from okd_gitops.releases.sources.answer import ACCEPTED, WITHDRAWN, Answer, Claim, dated, nothing
from okd_gitops.releases.version import Version
from okd_gitops.system.disk import read_file


def _time(value: object) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None

    if time is None:
        raise fault("published is a day or a time", "write it like 2026-12-31 or 2026-12-31T12:00:00Z")

    return time if time.tzinfo else time.replace(tzinfo=UTC)


class Entry(FileModel):
    """One release. Listing it means that the fleet accepts it, unless `withdrawn` says why not."""

    version: VersionText = Field(description="Version, e.g. 4.22.0-okd-scos.0.")
    images: tuple[ReleaseImage, ...] = Field(
        (), strict=False, description="Its images by digest, one for each registry."
    )
    stream: str = Field("", description="The stream that it counts for; the default is none in particular.")
    published: Annotated[datetime, BeforeValidator(_time)] | None = Field(
        None, description="When it was published."
    )
    prerelease: bool = Field(
        default=False, description="Whether it is a preview although its name does not say so."
    )
    withdrawn: str = Field("", description="Why it must not be used any more.")


class ReleaseFile(FileModel):
    """The file of releases."""

    releases: tuple[Entry, ...] = Field(strict=False, description="The releases.")


def releases(root: Path, path: str) -> Answer:
    """Return the releases of a file below `root`; what is wrong in it is in the findings, with its place."""
    try:
        entries = parse(ReleaseFile, read(path, read_file(root, path))).releases
    except FindingsError as error:
        return Answer(source=path, findings=error.findings, complete=False)

    claims = tuple(claim for entry in entries for claim in _claims(entry, path))
    findings = () if claims else (nothing(path),)

    return Answer(source=path, releases=claims, findings=findings)


def _claims(entry: Entry, path: str) -> list[Claim]:
    version = Version.parse(entry.version)

    return [
        Claim(
            version=version,
            source=path,
            stream=entry.stream,
            phase=WITHDRAWN if entry.withdrawn else ACCEPTED,
            image=image,
            published=dated(version) or entry.published,
            prerelease=entry.prerelease or None,
            reason=entry.withdrawn,
        )
        for image in entry.images or ("",)
    ]
