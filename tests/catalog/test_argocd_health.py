"""The health checks that Argo CD gets: the texts themselves run, in a Lua 5.1 with no more than Argo CD's
sandbox has.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

ROOT = Path(__file__).resolve().parents[2]
FEATURE = ROOT / "generator/okd_gitops/catalog/features/argocd"
SAMPLES = Path(__file__).parent / "health"
PREFIX = "resource.customizations.health."
STATUSES = {"Healthy", "Progressing", "Degraded", "Suspended"}
# util/lua/lua.go of argo-cd v3.3.0 opens package, base, table and a harmless part of os; a check must do
# without the rest.
SANDBOX = """
debug.getmetatable("").__index = nil
for _, name in ipairs({"string", "math", "io", "os", "debug", "coroutine", "python"}) do
  _G[name] = nil
end
"""
CASES = sorted(SAMPLES.glob("*/*.yaml"))


def _load(path: Path) -> dict[str, Any]:
    value = yaml.safe_load(path.read_text())
    assert isinstance(value, dict)
    return value


def _operator() -> dict[str, Any]:
    spec: dict[str, Any] = _load(FEATURE / "operator/argocd-argocd.yaml")["spec"]
    return spec


def _upstream() -> dict[str, str]:
    data: dict[str, str] = _load(FEATURE / "upstream/configmap-argocd-cm.yaml")["data"]
    return data


def _checks() -> dict[str, str]:
    return {
        f"{check['group']}_{check['kind']}": check["check"] for check in _operator()["resourceHealthChecks"]
    }


def _key(sample: dict[str, Any]) -> str:
    return f"{sample['apiVersion'].partition('/')[0]}_{sample['kind']}"


def _health(check: str, sample: Any) -> tuple[str, str]:
    """Return status and message as Argo CD would read them."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute(SANDBOX)
    lua.globals().obj = lua.table_from(sample, recursive=True)
    answer = lua.execute(check)
    fields = {str(name): value for name, value in answer.items()}
    assert fields.keys() <= {"status", "message"}
    assert all(isinstance(value, str) for value in fields.values())
    return fields["status"], fields.get("message", "")


def _holes(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of everything inside a sample."""
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield (*path, key)
        yield from _holes(inner, (*path, key))


def _without(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return a copy of `value` that lacks what is at `path`."""
    step, rest = path[0], path[1:]
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    kept = {
        key: _without(inner, rest) if key == step and rest else inner
        for key, inner in pairs
        if key != step or rest
    }
    return kept if isinstance(value, dict) else list(kept.values())


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_gets_the_expected_health(path: Path) -> None:
    case = _load(path)
    assert case["object"]["kind"] == path.parent.name
    status, message = _health(_checks()[_key(case["object"])], case["object"])
    assert status == case["expect"]
    assert case["message"] in message


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_check_survives_every_missing_field(path: Path) -> None:
    sample = _load(path)["object"]
    check = _checks()[_key(sample)]
    statuses = {hole: _health(check, _without(sample, hole))[0] for hole in _holes(sample)}
    assert statuses
    assert {hole: status for hole, status in statuses.items() if status not in STATUSES} == {}


@pytest.mark.parametrize(
    "path",
    # One of an ephemeral cluster is healthy whatever its status says.
    [path for path in CASES if "expect: Healthy\n" in path.read_text() and path.stem != "ephemeral"],
    ids=lambda path: path.parent.name,
)
def test_nothing_is_healthy_without_its_status(path: Path) -> None:
    sample = _without(_load(path)["object"], ("status",))
    assert _health(_checks()[_key(sample)], sample)[0] == "Progressing"


def test_every_check_has_samples_for_each_status_that_it_can_return() -> None:
    shown: dict[str, set[str]] = {}
    for path in CASES:
        case = _load(path)
        shown.setdefault(_key(case["object"]), set()).add(case["expect"])
    # An Application hands on what its own checks said.
    returned = {
        key: {status for status in STATUSES if f'"{status}"' in check} for key, check in _checks().items()
    }
    assert shown.keys() == returned.keys()
    assert {key: statuses - shown[key] for key, statuses in returned.items() if statuses - shown[key]} == {}


def test_both_forms_of_argo_cd_get_the_same_texts() -> None:
    upstream = {key.removeprefix(PREFIX): text for key, text in _upstream().items() if key.startswith(PREFIX)}
    assert upstream == _checks()
    assert _upstream()["resource.exclusions"] == _operator()["resourceExclusions"]
    assert (
        _upstream()["application.resourceTrackingMethod"]
        == _operator()["resourceTrackingMethod"]
        == "annotation"
    )
    assert _upstream()["kustomize.buildOptions"] == _operator()["kustomizeBuildOptions"]
    assert _load(FEATURE / "upstream/configmap-argocd-cmd-params-cm.yaml")["data"] == _operator()["cmdParams"]


def test_runs_are_excluded_and_so_is_what_argo_cd_excludes_by_itself() -> None:
    excluded = {
        (group, kind)
        for entry in yaml.safe_load(_operator()["resourceExclusions"])
        for group in entry["apiGroups"]
        for kind in entry["kinds"]
    }
    assert {("tekton.dev", "PipelineRun"), ("tekton.dev", "TaskRun")} <= excluded
    # manifests/base/config/argocd-cm.yaml of argo-cd v3.3.0: one of each of its entries.
    defaults = {
        ("", "Endpoints"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("coordination.k8s.io", "Lease"),
        ("authorization.k8s.io", "SubjectAccessReview"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("cert-manager.io", "CertificateRequest"),
        ("cilium.io", "CiliumEndpoint"),
        ("kyverno.io", "UpdateRequest"),
    }
    assert defaults <= excluded


def test_what_argo_cd_needs_is_not_pruned_and_no_password_is_shared() -> None:
    objects = [_load(path) for path in sorted(FEATURE.glob("*/*.yaml"))]
    options = {
        f"{value['kind']}/{value['metadata']['name']}": value["metadata"]["annotations"][
            "argocd.argoproj.io/sync-options"
        ]
        for value in objects
    }
    assert len(options) == 5
    assert {name for name, text in options.items() if "Prune=false" not in text.split(",")} == set()
    assert _operator()["disableAdmin"] is True
    assert _operator()["rbac"]["defaultPolicy"] == ""


def test_the_operator_is_installed_only_after_manual_approval() -> None:
    spec = _load(FEATURE / "operator/subscription-argocd-operator.yaml")["spec"]
    assert spec["installPlanApproval"] == "Manual"
    assert spec["startingCSV"].startswith(f"{spec['name']}.v")
