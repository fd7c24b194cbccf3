"""Evidence: what a cluster reported after it took a release, one file in `evidence/CLUSTER/VERSION.yaml`,
written once.

The observer on the hub writes it (`observe`, feature `upgrade-observer`); promotion reads it. Nothing of it
is ever assumed.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from okd_gitops.manifests.model import FileModel, Name
from okd_gitops.manifests.write import dump
from okd_gitops.releases.fields import ClusterId, Time, VersionText, by_digest, fault
from okd_gitops.times import time_text

FOLDER = "evidence"
# The feature whose Job runs a suite of openshift-tests, and the test in a report.
CONFORMANCE = "conformance"


class Evidence(FileModel):
    """A report: which image the cluster completed, when, and whether all was well.

    `finished` is the cluster's own time, `seen` when the hub read it: a soak begins at the later one.
    """

    cluster: Name
    cluster_id: ClusterId | None = Field(None, alias="clusterID")
    version: VersionText
    image: Annotated[str, by_digest("status.history[0].image of the ClusterVersion has it")]
    finished: Time
    seen: Time | None = None
    passed: bool
    # What `passed` is made of; a report that contradicts itself is refused.
    operators: Literal["healthy", "degraded", "unknown"] = "healthy"
    tests: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")], Literal["passed", "failed"]
    ] = {}
    reason: str = Field("", max_length=500)
    # What an emergency of the cluster's file went past; such a report is none for other clusters.
    emergency: str = Field("", max_length=500)

    @model_validator(mode="after")
    def _consistent(self) -> "Evidence":
        well = self.operators == "healthy" and "failed" not in self.tests.values()
        if self.passed and not well:
            reason = "it says passed, but its operators or tests say otherwise"
            raise fault(
                reason,
                "a report is written by the cluster, not by hand",
                name="contradictory-report",
                field="passed",
            )
        return self

    def shows(self, *, suite: bool) -> bool:
        """Whether others may rest on it: on none of an emergency, and where a suite must pass, on none
        without one.
        """
        return not self.emergency and (not suite or self.tests.get(CONFORMANCE) == "passed")

    @property
    def counted_from(self) -> datetime:
        """When the soak begins: no clock of a cluster makes it earlier than the hub saw the report."""
        return max(self.finished, self.seen) if self.seen else self.finished

    @property
    def path(self) -> str:
        """Where it is in the repository."""
        return f"{FOLDER}/{self.cluster}/{self.version}.yaml"

    def text(self) -> str:
        """Return the file."""
        value: dict[str, Any] = {"cluster": self.cluster}
        value |= {"clusterID": self.cluster_id} if self.cluster_id else {}
        value |= {"version": self.version, "image": self.image, "finished": time_text(self.finished)}
        value |= {"seen": time_text(self.seen)} if self.seen else {}
        value |= {"passed": self.passed, "operators": self.operators}
        value |= {"tests": dict(sorted(self.tests.items()))} if self.tests else {}
        value |= {"reason": self.reason} if self.reason else {}
        value |= {"emergency": self.emergency} if self.emergency else {}
        return dump(value)
