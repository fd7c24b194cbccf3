"""Fields that several of the files have: a version, an image by digest, a regular expression, and how a
validator says what is wrong.
"""

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from okd_gitops.manifests.pattern import pattern_fault
from okd_gitops.releases.version import Version, image_fault


def fault(
    reason: str, remedy: str = "", *, name: str = "invalid-value", field: str = ""
) -> PydanticCustomError:
    """Return what a validator raises: it becomes a finding with this name, at `field` of the value or at
    the value itself.
    """
    return PydanticCustomError(name, "{reason}", {"reason": reason, "remedy": remedy, "field": field})


def by_digest(remedy: str, *, name: str = "floating-release") -> AfterValidator:
    """Return the validator of an image, which is a name and a digest; `remedy` says where the digest is
    found.
    """

    def image(value: str) -> str:
        if reason := image_fault(value):
            raise fault(reason, remedy, name=name)
        return value

    return AfterValidator(image)


def _version(value: str) -> str:
    try:
        return Version.parse(value).text
    except ValueError as error:
        raise fault(str(error), "a version looks like 4.22.0-okd-scos.0") from None


def _pattern(value: str) -> str:
    if reason := pattern_fault(value):
        raise fault(
            f"this is not a regular expression: {reason}",
            r"write it like [a-z]+\.example\.org, without look-around and back-references",
        )
    return value


VersionText = Annotated[str, AfterValidator(_version)]
ReleaseImage = Annotated[str, by_digest("oc adm release info VERSION prints the digest")]
Pattern = Annotated[str, AfterValidator(_pattern)]
