"""Which tags move, and the catalog's images by the digest of such a tag: `moving_tags.yaml` beside it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import Field

from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.model import FileModel, parse
from okd_gitops.manifests.read import read

_FILE = "moving_tags.yaml"
# A name of a branch or of a channel, or a version with fewer than three numbers; what follows a dash names a
# variant. Whole versions, dates and hashes of commits stay.
_MOVES = re.compile(
    r"(latest|stable|main|master|edge|nightly|rolling|next|testing|unstable|devel?|nanoserver"
    r"|((release|rhcos)-)?v?[0-9]{1,3}(\.[0-9]{1,3})?)(-[a-z]+[0-9]{0,2})?"
)
_PINNED = re.compile(r"""[^\s"'`=,;()\[\]{}<>@]+@sha256:[0-9a-f]{64}""")


class MovingImage(FileModel):
    """An image by digest, and the tag that it had."""

    image: str
    tag: str


class MovingImages(FileModel):
    """The whole table."""

    images: tuple[MovingImage, ...] = Field(strict=False)


@dataclass(frozen=True, slots=True)
class Pinned:
    """An image that is pinned by digest: without its tag, and the tag; empty where the image names none."""

    image: str
    tag: str = ""


@cache
def moving_images() -> Mapping[str, str]:
    """Return the table: image by digest to tag."""
    data = Path(__file__).with_name(_FILE).read_bytes()
    table = parse(MovingImages, read(_FILE, data, bounds=FOREIGN))

    return {entry.image: entry.tag for entry in table.images}


def moves(tag: str) -> bool:
    """Whether a tag is one that its owner moves to newer images."""
    return _MOVES.fullmatch(tag) is not None


def pinned_images(text: str) -> Iterator[Pinned]:
    """Yield the images in a text that are pinned by digest."""
    for found in _PINNED.findall(text):
        name, _, digest = found.rpartition("://")[2].partition("@")
        # A colon before the last slash is that of a port.
        folder, slash, last = name.rpartition("/")
        base, _, tag = last.partition(":")
        yield Pinned(f"{folder}{slash}{base}@{digest}", tag)


def tag_in_comment(line: str, image: str) -> str:
    """Return the first word of the comment after an image on a line; empty where there is none."""
    found = re.search(re.escape(image) + r"""["']?\s+#\s*(\S+)""", line)
    return found[1] if found else ""
