"""The steps of okd-stream, each run by itself against a real registry: what stops a chain."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import yaml

import stand_in_oc
import stream_world
from gpg_home import GpgHome
from rendered import objects
from stream_hub import JUNIT, NAMESPACE, Hub
from stream_world import BASE, CLUSTER, INSTALLED
from tekton import in_namespace
from tls_registry import Registry
from upgraded_cluster import KEYS_FILE, Cluster


class Run(Protocol):
    """Runs a Task with the parameters that the chain would give, `_` for `-`, but for some."""

    def __call__(self, task: str, **changes: str) -> tuple[dict[str, str], str]: ...


CANDIDATE, RELEASE = "4.22.0-okd-scos.ec.1.lab.0", "4.22.0-okd-scos.ec.2"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, short: Path) -> Iterator[Hub]:
    """A hub whose stream has a candidate, signed, and the release that is made of it."""
    folder = tmp_path_factory.mktemp("stream") / "hub"
    with stream_world.serving(folder, short, copy.deepcopy(objects("okd", CLUSTER))) as hub:
        yield hub


@pytest.fixture(scope="module")
def images(hub: Hub) -> dict[str, str]:
    """The candidate and the release, by digest, and their signatures."""
    candidates = f"{hub.registry.address}/okd/candidates"
    made = {}
    for name, signed_for in ((CANDIDATE, "candidates"), (RELEASE, "releases")):
        target = f"{candidates}:{name}"
        said = stand_in_oc.new(
            hub.registry, hub.cluster.history[0]["image"], target, name=name, previous=INSTALLED, changes={}
        )
        made[name] = f"{candidates}@{said.split()[0]}"
        given = {"image": made[name], "repository": f"{hub.registry.address}/okd/{signed_for}", "name": name}
        signed = hub.tekton.run("okd-signing", {"name": "okd-sign-next"}, "x", given)
        made[f"{name} signed"] = signed.results["signature"]
    return made


@pytest.fixture
def run(hub: Hub, images: dict[str, str]) -> Run:
    candidates, releases = (f"{hub.registry.address}/okd/{name}" for name in ("candidates", "releases"))
    candidate = {"image": images[CANDIDATE], "name": CANDIDATE}
    release = {"image": images[RELEASE], "name": RELEASE, "previous": INSTALLED}
    given: dict[str, dict[str, Any]] = {
        "stream-keys": {
            "base": f"{hub.registry.address}/okd/release:{BASE}",
            "candidates": candidates,
            "name": CANDIDATE,
            "public-key": hub.key.public(),
            "fingerprint": hub.fingerprint,
        },
        "stream-test": {
            **candidate,
            "cluster": "lab-next",
            "kind": "upgrade",
            "signature": images[f"{CANDIDATE} signed"],
            "minutes": "0",
        },
        "stream-conformance": {
            **candidate,
            "cluster": "lab-next",
            "tests": "x",
            "suite": "kubernetes/conformance",
            "candidates": candidates,
        },
        "stream-promote": {**candidate, "name": RELEASE, "previous": INSTALLED, "candidates": candidates},
        "stream-publish": {
            **release,
            **dict.fromkeys(("before", "os-image", "os-run", "tested", "conformance", "junit"), ""),
            "stream": "next",
            "signature": images[f"{RELEASE} signed"],
            "releases": releases,
        },
        "stream-run": {
            "chain": "by-hand",
            "step": "payload",
            "namespace": NAMESPACE,
            "from": "okd-payload",
            "pipeline": "okd-payload",
            "account": "okd-payload",
            "values": [f"base={images[CANDIDATE]}", f"name={RELEASE}", f"repository={candidates}"],
            "result": "image",
            "hours": "1",
        },
    }

    def run(task: str, **changes: str) -> tuple[dict[str, str], str]:
        changed = {name.replace("_", "-"): value for name, value in changes.items()}
        reference = in_namespace("task", "okd-stream", task)
        return hub.tekton.run_task(NAMESPACE, reference, given[task] | changed)

    return run


@pytest.fixture
def cluster(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A test cluster of this test alone."""
    other = Cluster(hub.registry, hub.short, history=[*hub.cluster.history])
    monkeypatch.setattr(hub, "cluster", other)
    return other


@pytest.mark.usefixtures("cluster")
def test_a_cluster_takes_a_candidate_by_its_signature(hub: Hub, run: Run) -> None:
    results, failed = run("stream-test")
    assert (failed, results["evidence"]) == ("", f"updated from {INSTALLED}")
    assert hub.cluster.history[0]["version"] == CANDIDATE


def test_a_cluster_whose_payload_has_not_the_key_refuses_the_candidate(
    hub: Hub, run: Run, cluster: Cluster
) -> None:
    base = f"{hub.registry.address}/okd/release:{BASE}"
    cluster.history = [{"state": "Completed", "version": BASE, "image": base}]
    results, failed = run("stream-test")
    assert "it refuses the release: unable to verify sha256:" in failed
    assert results == {}


def test_a_cluster_verifies_only_a_signature_of_this_candidate(
    run: Run, images: dict[str, str], cluster: Cluster
) -> None:
    _, failed = run("stream-test", signature=images[f"{RELEASE} signed"])
    assert "it refuses the release" in failed
    assert cluster.history[0]["version"] == INSTALLED


def test_a_candidate_below_what_the_cluster_runs_is_not_tried(run: Run, cluster: Cluster) -> None:
    cluster.history[0] = {**cluster.history[0], "version": f"{CANDIDATE[:-1]}1"}
    _, failed = run("stream-test")
    assert "does not sort above it: test it on a cluster that is installed for it" in failed
    assert cluster.signatures == {}


def test_a_cluster_that_is_installed_with_the_candidate_is_waited_for(
    run: Run, images: dict[str, str], cluster: Cluster
) -> None:
    _, failed = run("stream-test", kind="install")
    assert f"it runs or installs {INSTALLED}" in failed

    cluster.history = [{"state": "Completed", "version": CANDIDATE, "image": images[CANDIDATE]}]
    results, failed = run("stream-test", kind="install")
    assert (failed, results["evidence"]) == ("", "installed")
    assert cluster.signatures == {}


def test_without_a_kubeconfig_nothing_is_tested(run: Run) -> None:
    _, failed = run("stream-test", cluster="gone")
    assert "has no kubeconfig gone: nothing is published untested" in failed


REPORT = "cat >\"$4/junit_e2e.xml\" <<'EOF'\n{0}EOF\n"
FAILING = JUNIT.replace('roll over" time="8"', 'roll back" time="8"')
SKIPPED = '<testsuite><testcase name="x"><skipped message="no"></skipped></testcase></testsuite>\n'


@pytest.mark.parametrize(
    ("suite", "reason"),
    [
        (REPORT.format(FAILING), "fails kubernetes/conformance: 1 of 3 cases"),
        ("exit 1\n", "no test ran: that is no pass"),
        (f"{REPORT.format(JUNIT)}exit 1\n", "fails kubernetes/conformance: 0 of 2 cases"),
        (REPORT.format(SKIPPED), "no test ran: that is no pass"),
    ],
    ids=["a case fails", "none ran", "the suite itself fails", "all are skipped"],
)
def test_a_suite_that_does_not_pass_stops_the_chain(hub: Hub, run: Run, suite: str, reason: str) -> None:
    program = hub.programs / "openshift-tests"
    before = program.read_text()
    program.write_text(f"#!/bin/sh\n{suite}")
    try:
        results, failed = run("stream-conformance")
    finally:
        program.write_text(before)
    assert reason in failed
    # The reports are kept in any case.
    assert results.keys() == {"junit"}


def test_the_component_has_the_keys_of_the_base_and_that_of_the_stream(hub: Hub, run: Run) -> None:
    results, failed = run("stream-keys")
    assert failed == ""
    config = yaml.safe_load(hub.registry.files(results["image"])[f"manifests/{KEYS_FILE}"])
    # One block in one entry: a cluster asks for a good signature of each entry, and reads its first block.
    assert config["data"].keys() == {"store-openshift-ci-release", "verifier-public-key-ci"}
    block = config["data"]["verifier-public-key-ci"]
    assert block.count("BEGIN PGP PUBLIC KEY BLOCK") == 1
    home = GpgHome(hub.short)
    home.take_first_block(block)
    assert {hub.fingerprint, hub.base_fingerprint} <= {*home.fingerprints()}

    _, failed = run("stream-keys", fingerprint="0" * 40)
    assert f"public-key is not the one key {'0' * 40}" in failed


def test_a_release_of_other_images_than_those_tested_is_not_promoted(
    hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, new = f"{hub.registry.address}/okd/release:{BASE}", stand_in_oc.new

    def of_the_base(registry: Registry, _: str, target: str, **given: Any) -> str:
        return new(registry, base, target, **given)

    monkeypatch.setattr(stand_in_oc, "new", of_the_base)
    monkeypatch.setitem(hub.tekton.variables, "OKD_STREAM_OC", "")
    _, failed = run("stream-promote", name=f"{RELEASE}.x.1")
    assert "does not hold exactly the images that were tested" in failed


def test_a_release_is_recorded_under_its_name_alone(hub: Hub, run: Run, images: dict[str, str]) -> None:
    published = set(hub.published())
    _, failed = run("stream-publish", name=f"{RELEASE}.x.2")
    assert "signed-other-version" in failed
    assert set(hub.published()) == published

    _, failed = run("stream-publish", name=INSTALLED)
    assert "a published name is never used again" in failed
    assert set(hub.published()) == published


def test_a_run_that_fails_says_why(run: Run) -> None:
    _, failed = run("stream-run")
    assert "PipelineRun by-hand-payload in okd-stream-next: " in failed
    assert "is not of the form X.Y.Z-okd-scos.N.lab.M" in failed


def test_a_stream_without_a_key_signs_nothing_and_keeps_the_keys_of_the_base(run: Run) -> None:
    assert run("stream-run", only_with="") == ({"value": ""}, "")
    assert run("stream-keys", fingerprint="", public_key="") == ({"image": ""}, "")
