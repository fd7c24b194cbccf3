"""A release as the hub has recorded it: `releases/VERSION.yaml` on the branch `records`.

The watch on the hub writes it; everything that judges a change without a network reads it. A record holds
what a judgment needs: the digest at each registry with its signatures, which streams accept it, when it was
published, and the edges that lead to it.
"""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from okd_gitops.manifests.model import FileModel
from okd_gitops.manifests.write import dump
from okd_gitops.releases.fields import ReleaseImage, Time, VersionText, fault
from okd_gitops.releases.trust.signature import Message
from okd_gitops.times import time_text

FOLDER = "releases"
# The phase in a stream that accepted the release and does not list it any more.
GONE = "Gone"
# The source of a release that a stream of the fleet's own hub has published (feature okd-stream).
OWN = "stream"
MOST_SIGNATURES = 20
# A real one has under 1 kB; openpgp.py refuses more than this before it is unpacked.
_LONGEST_SIGNATURE = 22_000


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise fault("a signature is base64 text", "let the hub write it: okd-gitops release record") from None

    return value


class RecordedSignature(FileModel):
    """An OpenPGP message as the signature store gives it, in base64, and when the hub saw it first.

    A signature tells its own time, and whoever has the key can write any time there. `seen` is by the hub's
    clock: the signature is not younger.
    """

    message: Annotated[str, Field(max_length=_LONGEST_SIGNATURE), AfterValidator(_base64)]
    seen: Time


class RecordedImage(FileModel):
    """An image of the release at one registry, by digest, with the signatures of exactly this digest."""

    image: ReleaseImage
    signatures: tuple[RecordedSignature, ...] = Field((), strict=False, max_length=MOST_SIGNATURES)

    @property
    def messages(self) -> list[Message]:
        """The signatures as the store gave them."""
        return [Message(base64.b64decode(item.message), item.seen) for item in self.signatures]


class RecordedRisk(FileModel):
    """A risk of a conditional edge, as the graph names it."""

    name: str
    message: str = ""
    url: str = ""
    rules: tuple[str, ...] = Field((), strict=False)


class RecordedEdge(FileModel):
    """An edge that leads to the release; one with risks is conditional.

    `dropped` is why the cluster version operator ignores it, where it does.
    """

    source: VersionText = Field(alias="from")
    risks: tuple[RecordedRisk, ...] = Field((), strict=False)
    dropped: str = ""


class ReleaseRecord(FileModel):
    """What all sources together told about a release when the watch asked last.

    `streams` has the phase in each stream that lists it or did so, `withdrawn` the reason why it must not be
    used, `node` whether the update graph has it, `left_out` why the graph's entry cannot be used, `missing`
    since when no stream lists it any more.
    """

    version: VersionText
    images: tuple[RecordedImage, ...] = Field((), strict=False)
    published: Time | None = None
    streams: dict[str, str] = {}
    edges: tuple[RecordedEdge, ...] = Field((), strict=False)
    node: bool = True
    left_out: str = Field("", alias="leftOut")
    prerelease: bool = False
    withdrawn: str = ""
    sources: tuple[str, ...] = Field((), strict=False)
    url: str = ""
    # When the hub saw the release for the first time, and since when no source lists it.
    seen: Time
    missing: Time | None = None

    @property
    def path(self) -> str:
        """Where it is on the branch."""
        return f"{FOLDER}/{self.version}.yaml"

    @property
    def is_own(self) -> bool:
        """Whether a stream of the fleet's own hub has published it: no source outside knows of it."""
        return OWN in self.sources

    @property
    def own_signature(self) -> str:
        """The signature, in base64, of a release of one's own; empty for any other."""
        signatures = [signature.message for image in self.images for signature in image.signatures]
        return signatures[0] if self.is_own and signatures else ""

    def text(self) -> str:
        """Return the file."""
        return dump(_with_written_times(self.model_dump(by_alias=True, exclude_defaults=True)))


def _with_written_times(value: Any) -> Any:
    """Return a value in which each time is text."""
    match value:
        case datetime():
            return time_text(value)
        case dict():
            return {key: _with_written_times(item) for key, item in value.items()}
        case list() | tuple():
            return [_with_written_times(item) for item in value]

    return value
