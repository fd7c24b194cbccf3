"""A real cluster, by kubectl: what it serves, what it says to objects, and what was made there for a
trial.
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import Any

MADE = "okd-gitops.io/lab"
# What was made, wherever it is.
OURS = ("--all-namespaces", f"--selector={MADE}=true")
Object = dict[str, Any]


def named(value: Object) -> str:
    """Return Kind NAMESPACE/NAME of an object."""
    metadata = value["metadata"]
    return (
        f"{value['kind']} "
        f"{metadata.get('namespace', '')}/{metadata.get('name', metadata.get('generateName', ''))}"
    )


def labeled(value: Object) -> Object:
    """Return an object with the label of what is removed at the end."""
    metadata = value["metadata"]
    return {**value, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), MADE: "true"}}}


@dataclass(slots=True)
class Kubectl:
    """kubectl with one context."""

    context: str
    kinds: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, context: str | None) -> "Kubectl":
        """Return kubectl with a context, or with the current one."""
        found = (
            context
            or subprocess.run(
                ["kubectl", "config", "current-context"], capture_output=True, text=True, check=True
            ).stdout.strip()
        )
        print(f"cluster: context {found} of {os.environ.get('KUBECONFIG', 'the default file')}", flush=True)
        return cls(found)

    def run(
        self, *arguments: str, given: object = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl; with `given`, as JSON on its standard input."""
        command = ["kubectl", "--context", self.context, *arguments]
        text = None if given is None else json.dumps(given)
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=600, check=False)
        if check and done.returncode:
            raise SystemExit(f"kubectl {' '.join(arguments)[:150]} failed: {done.stderr.strip()[:2000]}")
        return done

    def get(self, *arguments: str) -> list[Object]:
        """Return the items that `kubectl get` finds."""
        items = json.loads(self.run("get", *arguments, "--output=json").stdout)["items"]
        assert isinstance(items, list)
        return items

    def serves(self, value: Object) -> bool:
        """Whether the API server has the kind of an object."""
        version = value["apiVersion"]
        if version not in self.kinds:
            path = f"/apis/{version}" if "/" in version else f"/api/{version}"
            done = self.run("get", "--raw", path, check=False)
            self.kinds[version] = (
                {resource["kind"] for resource in json.loads(done.stdout)["resources"]}
                if done.returncode == 0
                else set()
            )
        return value["kind"] in self.kinds[version]

    def forget_kinds(self) -> None:
        """Ask again what is served."""
        self.kinds.clear()

    def apply(self, values: list[Object], *arguments: str) -> subprocess.CompletedProcess[str]:
        """Apply objects server-side; kubectl goes on after one that is refused."""
        # Whoever owns a field of an object that is there already is no matter to a dry run, and what is made
        # for real is nobody else's.
        options = (
            "--server-side",
            "--force-conflicts",
            f"--field-manager={MADE}",
            "--output=name",
            "--filename=-",
        )
        return self.run(
            "apply",
            *options,
            *arguments,
            given={"apiVersion": "v1", "kind": "List", "items": values},
            check=False,
        )

    def dry_run(self, values: list[Object], size: int = 100) -> dict[str, str]:
        """Return what the API server refuses of objects, with its words."""
        refused = {}
        for start in range(0, len(values), size):
            batch = values[start : start + size]
            done = self.apply(batch, "--dry-run=server")
            if done.returncode == 0 and len(done.stdout.splitlines()) == len(batch):
                continue
            for value in batch:
                one = self.apply([value], "--dry-run=server")
                if one.returncode or not one.stdout.strip():
                    refused[named(value)] = re.sub(r"\s+", " ", one.stderr).strip()
        return refused

    def make(self, values: list[Object], *arguments: str) -> None:
        """Apply objects for real, with the label of what is removed at the end; ends the program when one
        is refused.
        """
        done = self.apply([labeled(value) for value in values], *arguments)
        if done.returncode:
            raise SystemExit(f"what is needed for the trial was refused: {done.stderr.strip()[:4000]}")

    def make_namespaces(self, values: list[Object]) -> None:
        """Make the namespaces that objects are in and that are not there, with the labels that are
        rendered for them.
        """
        there = {item["metadata"]["name"] for item in self.get("namespaces")}
        wanted = {
            value["metadata"]["namespace"] for value in values if "namespace" in value["metadata"]
        } - there
        rendered = {value["metadata"]["name"]: value for value in values if value["kind"] == "Namespace"}
        self.make(
            [
                rendered.get(name, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
                for name in sorted(wanted)
            ]
        )

    def remove_made(self) -> None:
        """Remove what carries the label; namespaces take along what is in them."""
        for kind in ("namespaces", "clusterrolebindings", "customresourcedefinitions"):
            self.run("delete", kind, f"--selector={MADE}=true", "--ignore-not-found", "--timeout=300s")
