"""Fields that several file formats have: a version, an image by digest, a time, and a regular expression."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from okd_gitops.manifests.pattern import pattern_fault
from okd_gitops.releases.cluster_version import FieldFault, field_faults
from okd_gitops.releases.version import image_fault
from okd_gitops.times import parse_time


def fault(
    reason: str, remedy: str = "", *, name: str = "invalid-value", field: str | tuple[str, ...] = ()
) -> PydanticCustomError:
    """Return the error that a validator raises.

    It becomes a finding with this name, at `field` of the value, or a field in that, or the value itself.
    """
    return PydanticCustomError(name, "{reason}", {"reason": reason, "remedy": remedy, "field": field})


def by_digest(remedy: str, *, name: str = "floating-release") -> AfterValidator:
    """Return the validator of an image by digest; `remedy` tells where the digest is found."""

    def image(value: str) -> str:
        if reason := image_fault(value):
            raise fault(reason, remedy, name=name)
        return value

    return AfterValidator(image)


def cluster_version_field(field: str) -> AfterValidator:
    """Return the validator of a field of an OKD cluster's ClusterVersion, by its name in FIELDS there."""

    # Clusters have most of these values in common.
    @lru_cache(maxsize=256)
    def faults(value: str) -> list[FieldFault]:
        return field_faults({field: value}, okd=True)

    def validated(value: str) -> str:
        for field_fault in faults(value):
            raise fault(field_fault.reason, field_fault.remedy, name=field_fault.name)
        return value

    return AfterValidator(validated)


def _time(value: object) -> object:
    if isinstance(value, datetime):
        return value

    try:
        return parse_time(str(value))
    except ValueError:
        raise fault("a time is in UTC", "write it like 2026-11-21T12:00:00Z") from None


def _pattern(value: str) -> str:
    if reason := pattern_fault(value):
        raise fault(
            f"this is not a regular expression: {reason}",
            r"write it like [a-z]+\.example\.org, without look-around and back-references",
        )
    return value


Channel = Annotated[str, cluster_version_field("channel")]
ClusterId = Annotated[str, cluster_version_field("clusterID")]
ReleaseImage = Annotated[str, cluster_version_field("image")]
VersionText = Annotated[str, cluster_version_field("version")]
Time = Annotated[datetime, BeforeValidator(_time)]
Pattern = Annotated[str, AfterValidator(_pattern)]
