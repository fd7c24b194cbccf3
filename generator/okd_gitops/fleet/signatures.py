"""Which keys may sign release images, and where their signatures are: `releases.signatures` in fleet.yaml."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from okd_gitops.manifests.model import FileModel
from okd_gitops.releases.fields import fault

if TYPE_CHECKING:
    from okd_gitops.releases.trust.keyring import KeyUse

_REPOSITORY = r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$"
# Plain http is for a server on this machine, as tests have one.
_SERVICE = re.compile(
    r"(https://[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?|http://127\.0\.0\.1:[0-9]{1,5})(/[A-Za-z0-9._~/-]*)?"
)


def _service(value: str) -> str:
    if not _SERVICE.fullmatch(value):
        reason = "this is not the https:// address of a service, without credentials and query"
        raise fault(reason, "write it like https://amd64.origin.releases.ci.openshift.org")
    return value.rstrip("/")


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise fault(f'"{value}" is not a day', "write it like 2026-12-31") from None


Service = Annotated[str, AfterValidator(_service)]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9A-F]{40}$")]


class SigningKey(FileModel):
    """What a pinned key is for, and whether it still signs; what is left out is not limited."""

    repositories: tuple[Annotated[str, Field(pattern=_REPOSITORY)], ...] = Field(
        (), strict=False, description="Repositories whose images it may sign."
    )
    streams: tuple[str, ...] = Field(
        (), strict=False, description="Streams whose releases long-term clusters take with its signature."
    )
    purposes: tuple[str, ...] = Field(
        (), strict=False, description="Purposes of the clusters that it may sign for."
    )
    retired: Annotated[date, BeforeValidator(_day)] | None = Field(
        None, description="Its last day, if its owner retired it in good order: what it signed stays good."
    )
    compromised: str = Field(
        "", description="Why somebody else may have it: then none of its signatures is good."
    )

    def use(self, fingerprint: str) -> "KeyUse":
        """Return this as the check of signatures takes it; a retired key is good until its last day ends."""
        from okd_gitops.releases.trust.keyring import KeyUse

        last_day = datetime.combine(self.retired, time(), UTC) if self.retired else None

        return KeyUse(
            fingerprint=fingerprint,
            repositories=frozenset(self.repositories),
            streams=frozenset(self.streams),
            purposes=frozenset(self.purposes),
            retired=last_day + timedelta(days=1) if last_day else None,
            compromised=self.compromised,
        )


class Signatures(FileModel):
    """Where signatures of release images are, and which keys count."""

    store: Service = Field(
        examples=[
            "https://storage.googleapis.com/openshift-ci-release/releases/signatures/openshift/release"
        ],
        description="Signatures are at STORE/sha256=<hex>/signature-<n>.",
    )
    keys: tuple[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$")], ...
    ] = Field(
        (),
        strict=False,
        description="Files of public keys in this repository; without any, the key of OpenShift's CI counts.",
    )
    fingerprints: tuple[Fingerprint, ...] = Field(
        (),
        strict=False,
        description="Accepted fingerprints; a key with another fingerprint is ignored.",
    )
    uses: dict[Fingerprint, SigningKey] = Field(
        {}, description="What an accepted key is for, by its fingerprint; the default is everything."
    )

    @property
    def pinned(self) -> "list[KeyUse]":
        """The accepted keys, with what they are for."""
        from okd_gitops.releases.trust.keyring import FINGERPRINTS

        anything = SigningKey()

        return [
            self.uses.get(fingerprint, anything).use(fingerprint)
            for fingerprint in self.fingerprints or sorted(FINGERPRINTS)
        ]

    @model_validator(mode="after")
    def _uses_are_of_accepted_keys(self) -> "Signatures":
        from okd_gitops.releases.trust.keyring import FINGERPRINTS

        accepted = set(self.fingerprints) or FINGERPRINTS

        for fingerprint in self.uses.keys() - accepted:
            reason = f"{fingerprint} is no accepted fingerprint, so nothing is signed with it"
            raise fault(reason, "correct it, or add it to fingerprints", field="uses")

        return self
