"""Calls to real EventListeners: who proves itself starts one run, who does not starts none."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import urllib3

from examples import CALLS, Call
from kubectl import OURS, Kubectl, Object
from trial import PREFIX, UNDERSTOOD, condition


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that has been made in its three forms, with the ids of the events that came of it."""

    call: Call
    signed: str
    refused: dict[str, str]


def call(cluster: Kubectl) -> list[str]:
    """Call each listener of the trial without proof, with a wrong one and with the right one; return a
    line for each.
    """
    there = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in cluster.get("eventlisteners.triggers.tekton.dev", *OURS)
    }
    asked = []
    for one in CALLS:
        with listener(cluster, PREFIX + one.namespace, one.listener) as url:
            wrong = event(url, one.body, {**one.plain, **one.wrong})
            refused = {"unsigned": event(url, one.body, one.plain), "wrongly signed": wrong}
            asked.append(Asked(one, event(url, one.body, {**one.plain, **one.proof}), refused))
    # Who is refused is looked for when all the others have their runs: by then they would have theirs too.
    good = {one.signed: waited(cluster, PREFIX + one.call.namespace, one.signed) for one in asked}
    silent = sorted(there - {(PREFIX + one.namespace, one.listener) for one in CALLS})
    lines = [
        f"REFUSED {'/'.join(one)}: it is not known who calls it, see tests/examples.py" for one in silent
    ]
    return lines + [line(cluster, one, good[one.signed]) for one in asked]


@contextmanager
def listener(cluster: Kubectl, namespace: str, name: str) -> Iterator[str]:
    """Wait until a listener answers, and forward a port of this machine to it."""
    for _ in range(120):
        done = cluster.run(
            "--namespace",
            namespace,
            "rollout",
            "status",
            f"deployment/el-{name}",
            "--timeout=1s",
            check=False,
        )
        if done.returncode == 0:
            break
        time.sleep(1)
    command = [
        "kubectl",
        "--context",
        cluster.context,
        "--namespace",
        namespace,
        "port-forward",
        f"service/el-{name}",
        ":8080",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        found = re.search(r"127\.0\.0\.1:([0-9]+)", process.stdout.readline())
        if not found:
            raise SystemExit(f"the listener {namespace}/{name} cannot be reached")
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        process.terminate()
        process.wait(10)


def event(url: str, body: bytes, headers: dict[str, str]) -> str:
    """Send a request and return the id that the listener gives it, which its runs carry as a label; nothing
    where it takes the request for none.
    """
    answer = urllib3.request(
        "POST",
        url,
        body=body,
        headers={"Content-Type": "application/json", **headers},
        timeout=15,
        retries=False,
    )
    return str(json.loads(answer.data)["eventID"]) if answer.status < 400 else ""


def runs(cluster: Kubectl, namespace: str, identifier: str) -> list[Object]:
    """Return the runs that an event started."""
    if not identifier:
        return []
    return cluster.get(
        "pipelineruns.tekton.dev",
        "--namespace",
        namespace,
        f"--selector=triggers.tekton.dev/triggers-eventid={identifier}",
    )


def waited(cluster: Kubectl, namespace: str, identifier: str, seconds: float = 30) -> list[Object]:
    """Return the runs that an event started, when there are some and Tekton has looked at them."""
    until = time.monotonic() + seconds
    while True:
        found = runs(cluster, namespace, identifier)
        if time.monotonic() > until or (
            found and all(condition(run)[0] not in ("", "Started") for run in found)
        ):
            return found
        time.sleep(0.5)


def line(cluster: Kubectl, one: Asked, started: list[Object]) -> str:
    """Say what came of a call."""
    others = {
        how: len(runs(cluster, PREFIX + one.call.namespace, identifier))
        for how, identifier in one.refused.items()
    }
    reasons = [condition(run)[0] for run in started]
    fine = len(started) == 1 and set(reasons) <= UNDERSTOOD and not any(others.values())
    made = ", ".join(
        f"{run['spec']['pipelineRef']['name']} {reason}" for run, reason in zip(started, reasons, strict=True)
    )
    counts = ", ".join(f"{how}: {count}" for how, count in others.items())
    return (
        f"{'' if fine else 'REFUSED '}{one.call.feature} {one.call.listener}: signed: {len(started)} "
        f"run ({made}), {counts}"
    )
