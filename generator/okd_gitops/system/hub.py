"""The API server of the hub, as the jobs there ask it with their accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import NOT_FOUND, Http

_CHANGED = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The API server of the hub, and what asks it with the job's account."""

    api: str
    http: Http

    def ask(self, path: str) -> Any:
        """Return what a path of the API answers; raises NetworkError."""
        return self.http.send("GET", f"{self.api}{path}")

    def ask_if_there(self, path: str) -> Any:
        """Return what a path answers, and nothing where there is none; raises NetworkError."""
        return self.http.ask_if_there(f"{self.api}{path}")

    def change(self, method: str, path: str, body: Mapping[str, Any]) -> None:
        """Make a change; one that somebody else made first is looked at again in the next run."""
        try:
            self.http.send(method, f"{self.api}{path}", body)
        except NetworkError as error:
            if error.status not in (NOT_FOUND, _CHANGED):
                raise
