"""`emergency:` of a cluster file: one digest that must not wait, named by a person, for a few days at most.

It passes what makes a release wait (soak, waves, window, freeze, hold, age) and nothing else: signature,
digest, edge and direction hold as always. No program writes it.
"""

from datetime import timedelta

from pydantic import Field

from okd_gitops.manifests.model import FileModel
from okd_gitops.releases.fields import ReleaseImage, Time, VersionText

# How far ahead `until` may be when the emergency is merged.
LONGEST = timedelta(hours=72)


class Emergency(FileModel):
    """The one release that passes the waiting, why, and until when."""

    version: VersionText = Field(description="The release; `release.version` must be the same.")
    image: ReleaseImage = Field(description="Its image by digest; `release.image` must be the same.")
    reason: str = Field(
        pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", max_length=300, description="Why it cannot wait, in a sentence."
    )
    until: Time = Field(
        description="When the emergency ends, UTC, e.g. 2026-11-21T12:00:00Z; at most 72 hours ahead."
    )
    force: bool = Field(
        default=False,
        description="The cluster's own keys are too old for a signature that okd-gitops finds good.",
    )

    def widened(self, old: "Emergency") -> list[str]:
        """Return the fields in which this lets more pass than an emergency that stood before it."""
        wider = {
            "version": self.version != old.version,
            "image": self.image != old.image,
            "until": self.until > old.until,
            "force": self.force and not old.force,
        }

        return [field for field, is_wider in wider.items() if is_wider]
