"""The policy that says which runs start in the namespaces of streams, evaluated by CEL's own runtime.

PipelineRuns have the fields of tektoncd/pipeline, pkg/apis/pipeline/v1/pipelinerun_types.go of v1.6.0.
"""

import copy
from typing import Any

import pytest
import yaml

import admission
from taskbench import FEATURES
from tekton import in_namespace

SECRETS = yaml.safe_load(
    (FEATURES / "okd-stream/pipeline/validatingadmissionpolicy-okd-stream-secrets.yaml").read_bytes()
)["spec"]
POLICY = yaml.safe_load(
    (FEATURES / "okd-stream/pipeline/validatingadmissionpolicy-okd-stream-runs.yaml").read_bytes()
)["spec"]
ACCOUNT = "system:serviceaccount"
BUILD, CHAIN = f"{ACCOUNT}:okd-coreos:okd-coreos-build", f"{ACCOUNT}:okd-stream-next:okd-stream"
PERSON = "somebody@example.org"


def run(pipeline: dict[str, Any], account: str, **params: str) -> dict[str, Any]:
    given = [{"name": name.replace("_", "-"), "value": value} for name, value in params.items()]
    spec = {"pipelineRef": pipeline, "taskRunTemplate": {"serviceAccountName": account}, "params": given}
    return {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "x"}, "spec": spec}


STREAM = run({"name": "okd-stream"}, "okd-stream", baseos_image="a", extensions_image="b", os_run="c")
STREAM["spec"]["workspaces"] = [
    {"name": "notify-credentials", "secret": {"secretName": "okd-stream-notify", "optional": True}}
]
PAYLOAD = run(
    in_namespace("pipeline", "okd-payload", "okd-payload"), "okd-payload", base="a", name="b", os_layer="c"
)
SIGN = run({"name": "okd-sign-next"}, "okd-sign", image="a", repository="b", name="c")


def refusal(made: dict[str, Any], namespace: str, user: str, policy: dict[str, Any] = POLICY) -> str:
    """Return with which words the API server refuses an object that a user creates; empty when allowed."""
    request = {"namespace": namespace, "userInfo": {"username": user}}
    return admission.refusal(policy, object=made, request=request)


@pytest.mark.parametrize(
    ("made", "namespace", "user"),
    [
        (STREAM, "okd-stream-next", BUILD),
        (STREAM, "okd-stream-next", PERSON),
        (PAYLOAD, "okd-stream-next", CHAIN),
        (SIGN, "okd-signing", CHAIN),
        # Other namespaces are not its business.
        (run({"name": "x"}, "default"), "okd-payload", PERSON),
    ],
)
def test_the_runs_of_a_chain_are_allowed(made: dict[str, Any], namespace: str, user: str) -> None:
    assert refusal(made, namespace, user) == ""


@pytest.mark.parametrize(
    ("made", "namespace", "user"),
    [
        # What people of a stream may not start in its namespace: the payload, and with it the Secret to push.
        (PAYLOAD, "okd-stream-next", PERSON),
        # The chain of one stream in the namespace of another, and the signer of another.
        (PAYLOAD, "okd-stream-hpc", CHAIN),
        (SIGN, "okd-signing", f"{ACCOUNT}:okd-stream-hpc:okd-stream"),
        (SIGN, "okd-signing", f"{ACCOUNT}:okd-stream-next:okd-payload"),
        (SIGN, "okd-signing", PERSON),
        (run({"name": "okd-sign-hpc"}, "okd-sign", image="a"), "okd-signing", f"{ACCOUNT}:okd-stream-hpc:x"),
        # Another pipeline of the place, or one from elsewhere.
        (run({"name": "okd-stream-2"}, "okd-stream"), "okd-stream-next", BUILD),
        (
            run(in_namespace("pipeline", "okd-stream-next", "okd-stream"), "okd-stream"),
            "okd-stream-next",
            BUILD,
        ),
        (run(in_namespace("pipeline", "lab", "okd-payload"), "okd-payload"), "okd-stream-next", CHAIN),
        (run(in_namespace("task", "okd-payload", "okd-payload"), "okd-payload"), "okd-stream-next", CHAIN),
        (run({"name": "okd-payload"}, "okd-payload"), "okd-stream-next", CHAIN),
        (run({"resolver": "git", "params": []}, "okd-payload"), "okd-stream-next", CHAIN),
    ],
)
def test_another_pipeline_is_refused(made: dict[str, Any], namespace: str, user: str) -> None:
    assert "must name the pipeline" in refusal(made, namespace, user)


CHANGES: dict[str, dict[str, Any]] = {
    "account": {"taskRunTemplate": {"serviceAccountName": "okd-payload"}},
    "no-account": {"taskRunTemplate": {}},
    "pod": {"taskRunTemplate": {"serviceAccountName": "okd-stream", "podTemplate": {"volumes": []}}},
    "task-runs": {"taskRunSpecs": [{"pipelineTaskName": "a", "serviceAccountName": "x"}]},
    "inline": {"pipelineSpec": {"tasks": []}},
    "secret": {"workspaces": [{"name": "notify-credentials", "secret": {"secretName": "okd-stream-git"}}]},
    "workspace": {"workspaces": [{"name": "other", "secret": {"secretName": "okd-stream-notify"}}]},
    "claim": {"workspaces": [{"name": "notify-credentials", "persistentVolumeClaim": {"claimName": "x"}}]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_more_than_the_pipeline_and_its_parameters_is_refused(change: dict[str, Any]) -> None:
    made = copy.deepcopy(STREAM)
    made["spec"] |= change
    assert "must have the account okd-stream" in refusal(made, "okd-stream-next", BUILD)


@pytest.mark.parametrize(
    ("made", "namespace", "user"),
    [(STREAM, "okd-stream-next", PERSON), (PAYLOAD, "okd-stream-next", CHAIN), (SIGN, "okd-signing", CHAIN)],
)
def test_a_parameter_of_the_entry_is_not_given_by_a_run(
    made: dict[str, Any], namespace: str, user: str
) -> None:
    changed = copy.deepcopy(made)
    changed["spec"]["params"].append({"name": "publish", "value": "true"})
    assert "may have only parameters" in refusal(changed, namespace, user)


@pytest.mark.parametrize(
    ("kind", "namespace", "refused"),
    [
        ("kubernetes.io/service-account-token", "okd-stream-next", True),
        ("kubernetes.io/service-account-token", "okd-signing", True),
        ("kubernetes.io/service-account-token", "default", False),
        ("kubernetes.io/dockerconfigjson", "okd-stream-next", False),
        (None, "okd-stream-next", False),
    ],
)
def test_no_secret_of_a_stream_gets_the_token_of_an_account(
    kind: str | None, namespace: str, refused: bool
) -> None:
    secret: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}
    secret |= {"type": kind} if kind else {}
    assert ("the token of an account" in refusal(secret, namespace, PERSON, SECRETS)) == refused
