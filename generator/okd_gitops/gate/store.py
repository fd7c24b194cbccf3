"""What the gate remembers: a ConfigMap for each set.

It is written only over the version that was read, so that replicas decide once between them.
"""

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import ValidationError

from okd_gitops.errors import ToolError
from okd_gitops.gate.decide import BuildSet, Decision, Expectation, decide, overdue, set_name
from okd_gitops.gate.report import Report

LABELS = {"app.kubernetes.io/part-of": "multi-arch", "app.kubernetes.io/component": "gate-set"}
PREFIX = "multi-arch-"
_KEY = "set.json"
_ATTEMPTS = 12
# Connect and read, in seconds. An EventListener waits 10 s for an interceptor's answer (tektoncd/triggers
# v0.35.0, pkg/sink/initialization.go).
_TIMEOUT = (1, 3)
_PATIENCE = 8.0
# Stands for a status where there was none: nobody knows whether the request was heard.
_NO_ANSWER = 0


class LedgerError(ToolError):
    """The cluster's API does not give or take a set."""


class Ledger:
    """Sets in one namespace, by the API that `api` talks to (a kubernetes.client.ApiClient)."""

    def __init__(self, api: Any, namespace: str) -> None:
        from kubernetes import client

        self._core, self._custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
        self._namespace = namespace

    def record(self, report: Report, expected: Expectation, now: datetime) -> Decision:
        """Decide on a report and keep the outcome.

        Raises LedgerError when it could not be kept, and then nothing was decided. A write that meets another
        one is decided again on what the other one left. So is one whose answer got lost: if it was kept after
        all, this report is the winner that is found there.
        """
        name = PREFIX + set_name(report.key, report.image)
        give_up = time.monotonic() + _PATIENCE

        for attempt in range(_ATTEMPTS):
            state, version = self._read(name)
            decision = decide(state, report, expected, now)
            if decision.state is None or decision.state == state:
                return decision
            if self._write(name, decision.state, version):
                return decision

            # Two replicas that meet should not meet again.
            time.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311 - no secret, only a pause
            if time.monotonic() > give_up:
                break

        raise LedgerError(f"{name} changes too often to be written", "the report may be sent again")

    def overdue(self, now: datetime) -> tuple[BuildSet, ...]:
        """Return the sets that expired incomplete and that nobody was told of; raises LedgerError."""
        return overdue([state for state, _ in self._all()], now)

    def notified(self, state: BuildSet, now: datetime) -> None:
        """Mark that somebody was told that a set expired; raises LedgerError.

        A set that changed meanwhile is left to the next sweep.
        """
        stored, version = self._read(PREFIX + state.name)
        if stored == state:
            self._write(PREFIX + state.name, state.model_copy(update={"notified": now}), version)

    def forget(self, now: datetime, retain: timedelta) -> tuple[BuildSet, ...]:
        """Delete the sets that were decided longer than `retain` ago, and return them; raises LedgerError."""
        forgotten = []

        for state, version in self._all():
            decided = state.decided()
            is_old = decided is not None and decided + retain < now
            if is_old and self._delete(PREFIX + state.name, version):
                forgotten.append(state)

        return tuple(forgotten)

    def publish(self, interceptor: str, bundle: str) -> bool:
        """Let EventListeners trust the gate: write a base64 CA bundle into the Interceptor.

        Returns whether it was written: not when it is there already. Raises LedgerError.

        The label and the bundle are written together. An EventListener stops when an Interceptor of its
        namespace has the label and no bundle (tektoncd/triggers v0.35.0, pkg/adapter/adapter.go), which is
        why neither stands in git.
        """
        address = ("triggers.tekton.dev", "v1alpha1", self._namespace, "interceptors", interceptor)
        current = _call(partial(self._custom.get_namespaced_custom_object, *address))
        labels = current["metadata"].get("labels") or {}
        client_config = current["spec"].get("clientConfig") or {}
        if labels.get("server/type") == "https" and client_config.get("caBundle") == bundle:
            return False

        body = {
            "metadata": {"labels": {"server/type": "https"}},
            "spec": {"clientConfig": {"caBundle": bundle}},
        }
        _call(partial(self._custom.patch_namespaced_custom_object, *address, body))
        return True

    def reachable(self) -> None:
        """Raise LedgerError unless the API answers and lets the gate read."""
        list_sets = partial(self._core.list_namespaced_config_map, label_selector=_selector())
        _call(partial(list_sets, self._namespace, limit=1))

    def _read(self, name: str) -> tuple[BuildSet | None, str]:
        read = partial(self._core.read_namespaced_config_map, name, self._namespace)
        config_map = _call(read, passed_over=(404,))
        if config_map is None:
            return None, ""

        return _parsed(config_map)

    def _all(self) -> list[tuple[BuildSet, str]]:
        list_sets = partial(self._core.list_namespaced_config_map, label_selector=_selector())
        config_maps = _call(partial(list_sets, self._namespace))

        return [_parsed(config_map) for config_map in config_maps.items]

    def _write(self, name: str, state: BuildSet, version: str) -> bool:
        """Return whether the state was kept.

        It was not when another one came first, when the set was deleted, or when nobody answered.
        """
        from kubernetes.client import V1ConfigMap, V1ObjectMeta

        metadata = V1ObjectMeta(
            name=name, namespace=self._namespace, labels=LABELS, resource_version=version or None
        )
        body = V1ConfigMap(metadata=metadata, data={_KEY: state.model_dump_json()})
        if version:
            replace = partial(self._core.replace_namespaced_config_map, name, self._namespace, body)
            return _call(replace, passed_over=(404, 409, _NO_ANSWER)) is not None

        create = partial(self._core.create_namespaced_config_map, self._namespace, body)
        return _call(create, passed_over=(409, _NO_ANSWER)) is not None

    def _delete(self, name: str, version: str) -> bool:
        from kubernetes.client import V1DeleteOptions, V1Preconditions

        body = V1DeleteOptions(preconditions=V1Preconditions(resource_version=version))
        delete = partial(self._core.delete_namespaced_config_map, name, self._namespace, body=body)
        return _call(delete, passed_over=(404, 409)) is not None


def connect() -> Any:
    """Return a client of the cluster that this runs in, or of the kubeconfig's; raises LedgerError."""
    try:
        from kubernetes import client, config
    except ImportError:
        raise LedgerError("the Kubernetes client is not installed", "pip install okd-gitops[gate]") from None

    configuration = client.Configuration()
    try:
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # the client has no types here
        except config.ConfigException:
            config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call] # nor here
    except config.ConfigException as error:
        raise LedgerError(
            f"there is no cluster to ask: {error}",
            "run it in a pod with a ServiceAccount, or give KUBECONFIG",
        ) from None

    # Every request is bounded and is repeated where it is known what a repetition means.
    configuration.retries = False
    return client.ApiClient(configuration)


def _call(request: Callable[..., Any], *, passed_over: tuple[int, ...] = ()) -> Any:
    """Return the API's answer, or None for a status of `passed_over`; raises LedgerError."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        return request(_request_timeout=_TIMEOUT)
    except ApiException as error:
        status, reason = error.status or _NO_ANSWER, f"the API answers {error.status} {error.reason}"
    except (HTTPError, OSError) as error:
        status, reason = _NO_ANSWER, f"the API does not answer: {type(error).__name__}"

    if status in passed_over:
        return None

    remedy = "look at the Role of the gate" if status in (401, 403) else "the report may be sent again"
    raise LedgerError(reason, remedy)


def _parsed(config_map: Any) -> tuple[BuildSet, str]:
    """Return the set in a ConfigMap, and the version of the ConfigMap; raises LedgerError."""
    text = (config_map.data or {}).get(_KEY, "")
    try:
        build_set = BuildSet.model_validate_json(text)
    except ValidationError:
        reason = f"the ConfigMap {config_map.metadata.name} does not hold a set"
        raise LedgerError(reason, "somebody edited it: delete it, and send the reports again") from None

    return build_set, config_map.metadata.resource_version


def _selector() -> str:
    return ",".join(f"{name}={value}" for name, value in LABELS.items())
