"""A container image is a digest.

A tag can move: what runs tomorrow would not be what was reviewed, and a pipeline can break without a commit.

Write name@sha256:… and keep the tag in a comment behind it.
"""

from collections.abc import Iterator

from okd_gitops.finding import Severity
from okd_gitops.objects import Object, ObjectId, at, containers
from okd_gitops.release import IMAGE
from okd_gitops.rule import Fault

CODE = "GR002"
SEVERITY = Severity.ERROR

# OpenShift's image trigger controller puts the digest of an ImageStreamTag in place of what stands there.
_TRIGGERS = "image.openshift.io/triggers"


def check_object(value: Object) -> Iterator[Fault]:
    """Look at every container and Tekton step; $(…) is a parameter of Tekton, whose value is judged where it is written."""
    identity = ObjectId.of(value)
    if at(value, "metadata", "annotations", _TRIGGERS):
        return
    for container in containers(value):
        image = str(container["image"])
        if not IMAGE.fullmatch(image) and "$(" not in image:
            reason = f'image "{image}" of {container.get("name") or "a step"} is not a digest'
            yield Fault(reason=reason, remedy="write name@sha256:…", object=identity)
