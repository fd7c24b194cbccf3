"""Types of values that several files of a fleet have: addresses, references, versions, names."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from okd_gitops.releases.fields import cluster_version_field, fault

_HOST = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"
_URL = re.compile(rf"https://{_HOST}(/[A-Za-z0-9._~/-]*)?")
_SERVICE = r"[a-z0-9.-]+\.svc(\.cluster\.local)?(:[0-9]{1,5})?"
# What Argo CD can clone: https, ssh, and plain http for a git server inside the hub itself.
_REPOSITORY = re.compile(
    rf"(https://{_HOST}|ssh://git@{_HOST}|http://{_SERVICE})(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+"
)


def _url(value: str) -> str:
    if "@" in value:
        reason = "credentials in a URL would be published with the repository"
        raise fault(reason, "keep them in a Secret of the hub")
    if not _URL.fullmatch(value):
        raise fault("this is not an https:// URL", "write it like https://api.example.org:6443")
    return value


def _repository(value: str) -> str:
    if not _REPOSITORY.fullmatch(value):
        reason = "this is not the URL of a repository without credentials"
        raise fault(reason, "write it like https://… or ssh://git@…")
    return value


def _ref(value: str) -> str:
    if value.endswith(".lock"):
        raise fault("git has no branch whose name ends with .lock", "write it like main")
    return value


Url = Annotated[str, AfterValidator(_url)]
Repository = Annotated[str, AfterValidator(_repository)]
Graph = Annotated[Url, cluster_version_field("upstream")]
Minor = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}\.(0|[1-9][0-9]{0,3})$")]
# What git takes for a branch: no `..`, and no part that begins or ends with a dot.
Ref = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*([./][A-Za-z0-9_-]+)*$", max_length=100),
    AfterValidator(_ref),
]
StreamName = Annotated[str, Field(pattern=r"^[0-9a-z][0-9a-z.-]*$")]
