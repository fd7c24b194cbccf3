"""The rows of the table of faults that need a real cluster, for `make lab`: forged calls, calls that come
again, large and many calls, pods that are taken away, and what the accounts of bots may do.

Each row returns lines; a line begins with REFUSED where the cluster did not do what it must, and says what
was not tried.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import urllib3

from calls import event, listener, runs, waited
from examples import CALLS, TOKEN, Call
from kubectl import MADE, OURS, Kubectl, Object
from trial import PREFIX, condition, run_of

# What each row is about. T08 has a part that needs no cluster, in bot_rights.py.
ROWS = {
    "T01": "forged calls start nothing: no signature, sha1 alone, a wrong key, an empty Secret, a form",
    "T02": "one delivery that comes five times has one effect",
    "T04": "a body of 1 GiB, and 1,000 calls in a minute, leave the listener alive",
    "T07": "a pod that is taken away ends its run, and the next one starts; schedules do not overlap",
    "T08": "the accounts of bots list no Secrets and make no pods elsewhere",
}
GIB = 1 << 30
_BLOCK = bytes(1 << 20)


def not_run(reason: str) -> list[str]:
    """Return a line for each row that says that it was not run, and why."""
    return [f"{row} NOT RUN, {reason}: {about}" for row, about in ROWS.items()]


def run(cluster: Kubectl, crons: Iterable[Object]) -> list[str]:
    """Run every row in the namespaces of the trial; `crons` are CronJobs as they are rendered."""
    rows: dict[str, Callable[[], list[str]]] = {
        "T01": lambda: forged_calls(cluster),
        "T02": lambda: repeated_calls(cluster),
        "T04": lambda: heavy_calls(cluster),
        "T07": lambda: [*taken_away(cluster), *overlapping(cluster, crons)],
        "T08": lambda: rights(cluster),
    }
    return [f"{said[0]}{row} {said[1]}" for row, tried in rows.items() for said in map(_parted, tried())]


def _parted(line: str) -> tuple[str, str]:
    """Return the word that marks a fault, and the rest of a line."""
    marked = line.startswith("REFUSED ")
    return ("REFUSED " if marked else "", line.removeprefix("REFUSED "))


def verdict(fine: bool, text: str) -> str:
    """Return a line, marked where it is not as it must be."""
    return text if fine else f"REFUSED {text}"


def forged_calls(cluster: Kubectl) -> list[str]:
    """Call each listener in each forged way; then empty the Secrets, and call with proofs by an empty key."""
    lines = []
    for call in CALLS:
        with listener(cluster, PREFIX + call.namespace, call.listener) as url:
            events = {name: event(url, body, headers) for name, (body, headers) in call.forged().items()}
            # By then a call that was accepted would have its run too.
            good = event(url, call.body, {**call.plain, **call.proof})
            accepted = waited(cluster, PREFIX + call.namespace, good)
        lines.append(_forged(cluster, call, events, bool(accepted)))

    with emptied(cluster):
        for call in CALLS:
            with listener(cluster, PREFIX + call.namespace, call.listener) as url:
                found = waited(
                    cluster, PREFIX + call.namespace, event(url, call.body, call.by_empty_key()), 15
                )
            lines.append(verdict(not found, f"{call.name}: the Secret is empty: {len(found)} runs"))
    return lines


def _forged(cluster: Kubectl, call: Call, events: dict[str, str], accepted: bool) -> str:
    counts = {
        name: len(runs(cluster, PREFIX + call.namespace, identifier)) if identifier else 0
        for name, identifier in events.items()
    }
    told = ", ".join(f"{name}: {count}" for name, count in counts.items())
    return verdict(accepted and not any(counts.values()), f"{call.name}: runs by {told}")


@contextmanager
def emptied(cluster: Kubectl) -> Iterator[None]:
    """Empty every key of the trial's Secrets that holds the token, and put it back."""
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {name: one["metadata"][name] for name in ("name", "namespace")},
            "stringData": dict.fromkeys(one["data"], ""),
        }
        for one in cluster.get("secrets", *OURS)
        if one["type"] == "Opaque" and one.get("data")
    ]
    cluster.make(secrets)
    try:
        yield
    finally:
        cluster.make([{**one, "stringData": dict.fromkeys(one["stringData"], TOKEN)} for one in secrets])


def repeated_calls(cluster: Kubectl) -> list[str]:
    """Send what a forge sends five times, as it does when somebody asks for it again."""
    lines = []
    for call in CALLS:
        if not call.plain:
            continue
        with listener(cluster, PREFIX + call.namespace, call.listener) as url:
            delivery = {**call.plain, **call.proof, "X-GitHub-Delivery": "lab", "X-Gitlab-Event-UUID": "lab"}
            events = [event(url, call.body, delivery) for _ in range(5)]
        found = [waited(cluster, PREFIX + call.namespace, one) for one in events]
        count = sum(map(len, found))
        lines.append(verdict(count == 1, f"{call.name}: five times the same delivery: {count} runs"))
    return lines


def heavy_calls(cluster: Kubectl) -> list[str]:
    """Send a body of 1 GiB and 1,000 unproved calls to one listener, and after each a call with proof."""
    call = CALLS[0]
    lines = []
    for name, send in (("a body of 1 GiB", _send_large), ("1,000 calls", _send_many)):
        with listener(cluster, PREFIX + call.namespace, call.listener) as url:
            said = send(url, call)
        # A listener that was stopped for its memory is started again; the port is forwarded anew.
        with listener(cluster, PREFIX + call.namespace, call.listener) as url:
            good = event(url, call.body, {**call.plain, **call.proof})
            found = waited(cluster, PREFIX + call.namespace, good)
        lines.append(
            verdict(
                len(found) == 1, f"{call.name}: {name} ({said}), then a call with proof: {len(found)} runs"
            )
        )
    return lines


def _send_large(url: str, call: Call) -> str:
    body = (_BLOCK for _ in range(GIB // len(_BLOCK)))
    headers = {"Content-Type": "application/json", "Content-Length": str(GIB), **call.plain}
    try:
        answer = urllib3.request("POST", url, body=body, headers=headers, timeout=600, retries=False)
    except urllib3.exceptions.HTTPError as error:
        return f"the connection ended: {type(error).__name__}"
    return f"answer {answer.status}"


def _send_many(url: str, call: Call) -> str:
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: event(url, call.body, call.plain), range(1000)))
    return f"{sum(map(bool, answers))} answered in {time.monotonic() - started:.0f} s"


def taken_away(cluster: Kubectl) -> list[str]:
    """Evict the pod of a run of a Task, and start the Task again."""
    candidates = [one for one in cluster.get("taskruns.tekton.dev", *OURS) if _waits_in_a_pod(one)]
    if not candidates:
        return ["a pod is evicted: NOT RUN, no run of a Task has a pod that still waits"]

    victim = candidates[0]
    namespace, pod = victim["metadata"]["namespace"], victim["status"]["podName"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
    }
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    cluster.run("create", "--raw", path, "--filename=-", given=eviction)
    ended = _eventually(
        lambda: condition(_again(cluster, victim))[0] not in ("", "Started", "Pending", "Running")
    )

    task = cluster.run(
        "get", "task", "--namespace", namespace, victim["spec"]["taskRef"]["name"], "--output=json"
    )
    following = run_of(json.loads(task.stdout))
    following["metadata"]["name"] += "-next"
    cluster.run("create", "--filename=-", given=following)
    started = _eventually(lambda: bool(_again(cluster, following).get("status", {}).get("podName")))
    return [
        verdict(ended, f"a pod is evicted: its run {'has ended' if ended else 'goes on without it'}"),
        verdict(started, f"a pod is evicted: the next run {'has' if started else 'has no'} pod"),
        "the controller is down over a slot: NOT RUN, that would stop what others use on the cluster",
    ]


def _waits_in_a_pod(run: Object) -> bool:
    is_of_task = run["metadata"].get("labels", {}).get("tekton.dev/pipelineRun") is None
    return is_of_task and condition(run)[0] in ("Pending", "Running") and "podName" in run.get("status", {})


def _again(cluster: Kubectl, value: Object) -> Object:
    metadata = value["metadata"]
    done = cluster.run(
        "get", "taskrun", "--namespace", metadata["namespace"], metadata["name"], "--output=json"
    )
    found: Object = json.loads(done.stdout)
    return found


def _eventually(true: Callable[[], bool], seconds: float = 90) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(1)
    return True


def overlapping(cluster: Kubectl, crons: Iterable[Object], seconds: float = 150) -> list[str]:
    """Let a copy of each CronJob, whose image nobody has, run every minute: one Job at a time."""
    copies = {cron["metadata"]["name"]: every_minute(cron) for cron in crons}
    cluster.make(list(copies.values()))
    most = dict.fromkeys(copies, 0)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for one in cluster.get("cronjobs", *OURS):
            name = one["metadata"]["name"]
            active = len(one.get("status", {}).get("active", []))
            most[name] = max(most.get(name, 0), active)
        time.sleep(5)
    cluster.run("delete", "cronjobs", *OURS, check=False)
    return [
        verdict(most[name] == 1, f"{name}, every minute with a Job that does not end: {most[name]} at a time")
        for name in copies
    ]


def every_minute(cron: Object) -> Object:
    """Return a CronJob in the trial that starts every minute, with a Job that waits for an image."""
    copy: Object = json.loads(json.dumps(cron))
    copy["metadata"]["namespace"] = PREFIX + cron["metadata"]["namespace"]
    copy["metadata"]["labels"] = {**cron["metadata"].get("labels", {}), MADE: "true"}
    copy["spec"]["schedule"] = "* * * * *"
    copy["spec"]["suspend"] = False
    for container in copy["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]:
        container["image"] = f"registry.invalid/nowhere@sha256:{'0' * 64}"
    return copy


def rights(cluster: Kubectl) -> list[str]:
    """Ask the API server what the accounts of the trial may do, in their namespace and elsewhere."""
    accounts = [
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in cluster.get("serviceaccounts", *OURS)
    ]
    faults = []
    for namespace, name in accounts:
        questions = (
            ("list", "secrets", namespace),
            ("list", "secrets", "default"),
            ("create", "pods", "default"),
        )
        for verb, kind, where in questions:
            account = f"--as=system:serviceaccount:{namespace}:{name}"
            answer = cluster.run("auth", "can-i", verb, kind, "--namespace", where, account, check=False)
            if answer.stdout.strip() != "no":
                faults.append(f"REFUSED {namespace}/{name} may {verb} {kind} in {where}")
    # Approving is a right of people at the forge; a cluster knows nothing of it.
    return faults or [f"{len(accounts)} accounts: none lists Secrets, none makes pods in another namespace"]
