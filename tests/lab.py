"""make lab: everything that the catalog renders, tried on a real cluster with Tekton.

Every object of every feature in every environment is sent to the API server as a dry run, so that its
schemas, its admission and Tekton's webhooks judge it. CRDs of OpenShift kinds are put there for that time.
Then the pipelines and listeners are made for real, in namespaces that begin with `lab-`: a run of each
Pipeline and Task is started, and each listener is called with and without proof. Nothing that was there is
changed; all that was made is labeled and removed at the end. Then the rows of rows.py: forged, repeated and
heavy calls, evicted pods, schedules that overlap, and rights. It starts only where the context is named
(--context) or confirmed (OKD_GITOPS_LAB=1). Without a cluster it runs what needs none, what the bot's token
may push, and names each row that did not run.
"""

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

import bot_rights
import calls
import gated
import minimal
import modules
import rows
from conftest import CACHE, ROOT
from examples import example
from golang import find_go
from kubectl import Kubectl
from minimal import CATALOG, PLACES
from okd_gitops.finding import FindingsError
from okd_gitops.manifests.directory import read_directory
from okd_gitops.render import kustomize
from okd_gitops.system.disk import read_tree
from okd_gitops.system.tools import tool
from rendered import objects
from trial import Trial

Objects = list[dict[str, Any]]


@dataclass(slots=True)
class Verdicts:
    """What became of the objects of one environment."""

    tried: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    absent: Counter[str] = field(default_factory=Counter)


# What must be refused, or the trial shows nothing: a field that does not exist, by the API server; a task
# that waits for itself, by Tekton's webhook; a parameter that nobody declares, by that of Triggers.
FAULTY: Objects = [
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "faulty", "namespace": "default"},
        "date": {},
    },
    {
        "apiVersion": "tekton.dev/v1",
        "kind": "Pipeline",
        "metadata": {"name": "faulty", "namespace": "default"},
        "spec": {"tasks": [{"name": "one", "taskRef": {"name": "one"}, "runAfter": ["one"]}]},
    },
    {
        "apiVersion": "triggers.tekton.dev/v1beta1",
        "kind": "TriggerTemplate",
        "metadata": {"name": "faulty", "namespace": "default"},
        "spec": {
            "params": [],
            "resourcetemplates": [
                {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "spec": {"x": "$(tt.params.y)"}}
            ],
        },
    },
]


def rendered() -> Iterator[tuple[str, Objects]]:
    """Yield (environment, objects) for each feature in each environment, with the least and with more, and
    for this repository's own fleet.
    """
    for name, environment, option in PLACES:
        for given in (minimal.features(name, environment, option), example(name, environment)):
            yield environment, list(objects(environment, textwrap.indent(yaml.safe_dump(given), "  ")))
    folders = {
        path.parent.relative_to(ROOT).as_posix(): "" for path in ROOT.glob("overlays/*/kustomization.yaml")
    }
    rendering = kustomize.render(ROOT, folders, tool(CACHE, "kustomize"), workers=2)
    if rendering.findings:
        raise FindingsError(rendering.findings)
    for documents in rendering.documents.values():
        yield "fleet", [document.value for document in documents]

    argocd = read_directory(read_tree(ROOT, "argocd"), "argocd")
    yield "fleet", [written.value for written in argocd.objects.values()]


def distinct() -> dict[str, Objects]:
    """Return environment to its objects, each different one once."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for environment, values in rendered():
        found[environment] |= {json.dumps(value, sort_keys=True): value for value in values}
    return {environment: list(values.values()) for environment, values in found.items()}


def put_crds(cluster: Kubectl, values: Objects) -> None:
    """Apply the CRDs of kinds that are rendered and not served, as far as the modules of tools/ have them."""
    missing = {
        (value["apiVersion"].partition("/")[0], value["kind"])
        for value in values
        if not cluster.serves(value)
    }
    if not missing:
        return
    go = find_go(CACHE)
    wanted = [
        crd
        for _, crd in modules.crds(modules.download(go))
        if (crd["spec"]["group"], crd["spec"]["names"]["kind"]) in missing
    ]
    # kubectl itself stumbles over `enum: [null]` in Route's schema; the API server does not.
    cluster.make(wanted, "--validate=false")
    cluster.run(
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        *(f"crd/{crd['metadata']['name']}" for crd in wanted),
    )
    cluster.forget_kinds()
    print(f"CRDs applied for this time: {len(wanted)}")


def crons(values: Objects) -> Objects:
    """Return the CronJobs among objects, each name once."""
    by_name = {value["metadata"]["name"]: value for value in values if value["kind"] == "CronJob"}
    return list(by_name.values())


def admit(cluster: Kubectl, values: Objects) -> Verdicts:
    """Send objects to the API server as a dry run."""
    verdicts = Verdicts()
    served = []
    for value in values:
        if cluster.serves(value):
            served.append(value)
        else:
            verdicts.absent[f"{value['kind']}.{value['apiVersion']}"] += 1
    verdicts.tried = len(served)
    verdicts.refused = cluster.dry_run(served)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--context", help="the context of KUBECONFIG to use")
    parser.add_argument("--keep", action="store_true", help="leave what was made, to look at it")
    parser.add_argument(
        "--gate",
        metavar="ADDRESS",
        help="serve the multi-arch gate from this machine, which the cluster reaches at this address",
    )
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        pushed = bot_rights.lines(Path(folder))
    print("\n".join(pushed))
    if not given.context and os.environ.get("OKD_GITOPS_LAB") != "1":
        return without_cluster(
            2,
            "no cluster is named",
            "make lab ARGS='--context NAME', or confirm the current one with OKD_GITOPS_LAB=1",
        )
    if not shutil.which("kubectl"):
        return without_cluster(4, "kubectl is not on PATH", "install kubectl")
    cluster = Kubectl.of(given.context)
    cluster.remove_made()
    try:
        try:
            everything = distinct()
        except FindingsError as error:
            print(
                "\n".join(f"{finding.location}: {finding.reason}" for finding in error.findings),
                file=sys.stderr,
            )
            return 1
        verdicts, trial, lines = judge(cluster, everything, given.gate)
        return report(verdicts, trial, [*pushed, *lines])
    finally:
        if not given.keep:
            cluster.remove_made()


def without_cluster(code: int, reason: str, remedy: str) -> int:
    """Say which rows did not run, and what to do; return the exit code."""
    print("\n".join(rows.not_run(reason)))
    print("No object was sent to an API server, and no pipeline or listener was started.")
    print(f"make lab: {reason}\n  fix: {remedy}", file=sys.stderr)
    return code


def judge(
    cluster: Kubectl, everything: dict[str, Objects], address: str | None
) -> tuple[dict[str, Verdicts], Trial, list[str]]:
    """Return what became of the objects, of the runs, and of the calls."""
    together = [value for values in everything.values() for value in values]
    put_crds(cluster, together)
    cluster.make_namespaces(together)
    verdicts = {}
    for environment, values in everything.items():
        verdicts[environment] = admit(cluster, values)
        print(f"{environment}: {verdicts[environment].tried} objects tried", flush=True)
    if len(cluster.dry_run(FAULTY)) != len(FAULTY):
        raise SystemExit("the cluster takes what is faulty: its webhooks are not there")
    trial = Trial(cluster)
    for environment in ("kubernetes", "kind", "okd"):
        trial.make(everything[environment], CATALOG)
    trial.run()
    lines = calls.call(cluster)
    lines += gated.compose(cluster, address) if address else ["multi-arch gate: NOT RUN, no --gate"]
    lines += rows.run(cluster, crons(everything["kubernetes"]))
    return verdicts, trial, lines


def report(verdicts: dict[str, Verdicts], trial: Trial, lines: list[str]) -> int:
    """Print the summary; return 1 when anything was refused."""
    bad = 0
    for environment, found in verdicts.items():
        admitted = found.tried - len(found.refused)
        print(
            "\n"
            f"{environment}: {admitted} of {found.tried} objects admitted, "
            f"{sum(found.absent.values())} of kinds that are not served here"
        )
        for kind, count in sorted(found.absent.items()):
            print(f"  not applicable here: {count} {kind}")
        for name, message in found.refused.items():
            print(f"  REFUSED {name}: {message}")
        bad += len(found.refused)
    kinds = Counter(name.partition(" ")[0] for name in trial.runs)
    print(f"\nruns: {', '.join(f'{count} of a {kind}' for kind, count in sorted(kinds.items()))}")
    for name, (reason, fault) in sorted(trial.runs.items()):
        print(f"  {'REFUSED ' if fault else ''}{name}: {reason} {fault}")
        bad += bool(fault)
    print("\ncalls:")
    for line in lines:
        print(f"  {line}")
        bad += line.startswith("REFUSED")
    print(f"\n{bad} refused" if bad else "\nnothing was refused")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
