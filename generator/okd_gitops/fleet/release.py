"""`release:` of a cluster file: the OKD release that a cluster must run."""

import base64

from pydantic import Field, model_validator

from okd_gitops.fleet.fields import Graph, StreamName
from okd_gitops.fleet.upgrades import Ack
from okd_gitops.manifests.model import FileModel
from okd_gitops.releases.cluster_version import field_faults
from okd_gitops.releases.fields import Channel, ReleaseImage, VersionText, fault
from okd_gitops.releases.version import digest_of


def _signed_digest(signature: str) -> str:
    # Few fleets have releases of their own.
    from okd_gitops.releases.trust.signature import signed_digest
    from okd_gitops.releases.trust.verdict import SignatureError

    try:
        return signed_digest(base64.b64decode(signature, validate=True))
    except (ValueError, SignatureError):
        reason = "this is not a signature in base64, as a record of the branch records has it"
        remedy = "remove it, and let okd-gitops release update write it"
        raise fault(reason, remedy, name="malformed-signature", field="signature") from None


class Release(FileModel):
    """The OKD release that a cluster is to run."""

    channel: Channel = Field(
        examples=["stable-scos-4"], description="Update channel, e.g. stable-scos-4; never a stream's name."
    )
    version: VersionText = Field(
        examples=["4.22.0-okd-scos.0"], description="Version, e.g. 4.22.0-okd-scos.0."
    )
    image: ReleaseImage = Field(
        examples=[f"registry.ci.openshift.org/origin/release-scos@sha256:{'0' * 64}"],
        description="Release image by digest: name@sha256:….",
    )
    stream: StreamName | None = Field(
        None,
        examples=["4-scos-stable"],
        description="Release stream to follow, e.g. 4-scos-stable, or one of okd-stream.",
    )
    upstream: Graph | None = Field(None, description="Update graph; the default is the fleet's.")
    signature: str = Field(
        "",
        max_length=22_000,
        description="Signature of a release of one's own, in base64; release update writes it.",
    )
    acks: tuple[Ack, ...] = Field(
        (),
        strict=False,
        examples=[["ack-4.21-api-removals"]],
        description="Administrator acknowledgements, by name; write who gave one in a comment.",
    )
    force: bool = Field(
        default=False,
        description="Ephemeral clusters only: skip the checks of the signature and of the preconditions.",
    )

    @model_validator(mode="after")
    def _in_channel(self) -> "Release":
        for found in field_faults({"version": self.version, "channel": self.channel}):
            raise fault(found.reason, found.remedy, name=found.name, field=found.field)
        return self

    @model_validator(mode="after")
    def _signs_the_image(self) -> "Release":
        if self.signature:
            signed = _signed_digest(self.signature)
            if signed != digest_of(self.image):
                reason = f"the signature is for {signed}, and the image is {self.image}"
                raise fault(reason, name="signed-other-image", field="signature")
        return self

    @property
    def signatures(self) -> dict[str, str]:
        """What a cluster reads in a ConfigMap of openshift-config-managed to verify the image.

        The form of the key is that of openshift/library-go, pkg/verify/store/configmap.
        """
        digest = digest_of(self.image).replace(":", "-")
        return {f"{digest}-1": self.signature} if self.signature else {}
