"""Git holds no Secret with data.

What was committed once stays in every clone. An empty Secret that a controller fills is fine.

Use an ExternalSecret, or create the Secret on the cluster; `okd-gitops explain FEATURE` lists the Secrets that a feature expects.
"""

from collections.abc import Iterator

from okd_gitops.finding import Severity
from okd_gitops.objects import Object, ObjectId, at
from okd_gitops.rule import Fault

CODE = "GR011"
SEVERITY = Severity.ERROR


def check_object(value: Object) -> Iterator[Fault]:
    """Look at Secrets; their values never reach a message."""
    identity = ObjectId.of(value)
    if identity.group_kind == "Secret." and (at(value, "data") or at(value, "stringData")):
        yield Fault(reason="a Secret with data is in git", remedy="remove it, and change what it held", object=identity)
