"""okd-stream, run: from a build of the operating system to a recorded release, with real programs."""

import base64
import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import stream_world
from conftest import CACHE, git
from gpg_home import GpgHome
from okd_gitops.evidence.records import read_records
from okd_gitops.fleet.load import load
from okd_gitops.render import kustomize
from okd_gitops.rollout.commit_upgrade import commit_upgrade
from okd_gitops.system.draft import drafted
from okd_gitops.system.tools import tool
from okd_gitops.upgrade.plan import outlook
from okd_gitops.upgrade.recorded import Recorded
from rendered import objects, of_kind
from stream_hub import NAMESPACE, Hub
from stream_world import BASE, CLUSTER, INSTALLED
from tekton import Object, Stop, in_namespace
from tls_registry import digest_of
from upgraded_cluster import Cluster

# What the first build uses up, and what the second publishes.
USED_UP, RELEASE = "4.22.0-okd-scos.ec.2", "4.22.0-okd-scos.ec.3"
CANDIDATE = "4.22.0-okd-scos.ec.2.lab.0"
RESULT = "RESULT_"
# A step, and the command before which it is killed: all that it does is done by then, and not told.
STEPS = {
    "stream-pick/pick": RESULT,
    "stream-verify/verify": RESULT,
    "stream-name/name": RESULT,
    "stream-keys/keys": RESULT,
    "payload-check/check": RESULT,
    "payload-rebuild/source": 'echo "stream-coreos',
    "payload-rebuild/build": RESULT,
    "payload-assemble/assemble": RESULT,
    "payload-smoke/smoke": RESULT,
    "stream-run/run": RESULT,
    "okd-sign/check": "jq -e",
    "okd-sign/sign": RESULT,
    "stream-test/test": RESULT,
    "stream-conformance/conformance": "openshift-tests",
    "stream-conformance/keep": RESULT,
    "stream-promote/promote": RESULT,
    "stream-publish/notes": 'cat "${WORKSPACE}',
    "stream-publish/publish": 'echo "published',
    "stream-publish/record": "okd-gitops",
}


def test_every_step_that_does_something_is_stopped_below() -> None:
    steps = {
        f"{value['metadata']['name']}/{step['name']}"
        for value in objects("okd", CLUSTER)
        if value["kind"] == "Task"
        and value["metadata"].get("namespace") in ("okd-stream", "okd-signing", "okd-payload")
        for step in value["spec"]["steps"]
    }
    # No cluster of the payload is installed in this chain, and none is made for the candidate.
    others = {"payload-install/wait", "stream-test/before", "stream-test/ask"}
    assert steps - others == STEPS.keys()


def test_a_chain_that_is_stopped_publishes_nothing_and_the_next_build_becomes_a_release(
    tmp_path: Path, short: Path
) -> None:
    rendered = copy.deepcopy(objects("okd", CLUSTER))
    with stream_world.serving(tmp_path / "hub", short, rendered) as hub:
        _stop_at_each_step(hub)

        assert hub.build("2") == ""
        assert hub.tekton.told[1:] == [f"The stream next has published {RELEASE}"]
        assert set(hub.published()) == {INSTALLED, RELEASE}

        _has_the_images_of_the_build(hub)
        _was_taken_by_the_test_cluster(hub)
        _is_signed_for_gpg_and_for_the_fleet(hub)
        _is_seen_by_the_planner_and_taken_by_a_cluster(hub)
        _has_notes_and_reports(hub)
        _changes_nothing_when_it_is_published_again(hub)


def _stop_at_each_step(hub: Hub) -> None:
    """Let each step of a first build fail, then kill it, then try it again; but not the last, which writes
    the record: what is left then is the most that a chain can leave.
    """
    places = [(*step.split("/"), text) for step, text in STEPS.items()]
    stops = [Stop(task, step, before) for task, step, text in places for before in ("", text)]
    reached: list[Stop] = []

    def stopped(stop: Stop) -> None:
        reached.append(stop)
        assert set(hub.published()) == {INSTALLED}
        if stop.task != "stream-publish":
            assert hub.registry.tags(_releases(hub)) == [INSTALLED]

    hub.tekton.stops, hub.tekton.stopped, hub.tekton.last = stops, stopped, stops[-1]
    assert "stream-publish/record (-9)" in hub.build("1")
    hub.tekton.stops = []

    assert set(reached) == set(stops)
    (told,) = hub.tekton.told
    assert "published nothing" in told
    assert "sign-release Succeeded, publish Failed" in told
    # The name is used up, and no cluster learns of it.
    assert USED_UP in hub.registry.tags(_releases(hub))
    assert set(hub.published()) == {INSTALLED}


def _has_the_images_of_the_build(hub: Hub) -> None:
    release, base = (
        hub.info(f"{_releases(hub)}:{RELEASE}"),
        hub.info(f"{hub.registry.address}/okd/release:{BASE}"),
    )
    images, of_base = _images(release), _images(base)
    changed = {name for name, image in images.items() if of_base[name] != image}

    assert images.keys() == of_base.keys()
    assert changed == {"stream-coreos", "stream-coreos-extensions", "cluster-update-keys"}
    assert b"BUILD=2" in hub.registry.files(images["stream-coreos"])["etc/os-release"]
    assert hub.registry.config(images["stream-coreos"])["config"]["Labels"]["layered"] == "yes"
    assert b"NAME=extensions" in hub.registry.files(images["stream-coreos-extensions"])["etc/os-release"]
    assert release["metadata"] == {
        "kind": "cincinnati-metadata-v0",
        "version": RELEASE,
        "previous": [INSTALLED],
    }
    assert [edge["from"] for edge in hub.published()[RELEASE]["edges"]] == [INSTALLED]


def _was_taken_by_the_test_cluster(hub: Hub) -> None:
    """The first candidate was tried once, though the Task that does it was stopped twice."""
    history = [each["version"] for each in hub.cluster.history]
    assert history == [CANDIDATE, "4.22.0-okd-scos.ec.1.lab.0", INSTALLED]


def _is_signed_for_gpg_and_for_the_fleet(hub: Hub) -> None:
    (recorded,) = hub.published()[RELEASE]["images"]
    image, message = recorded["image"], base64.b64decode(recorded["signatures"][0]["message"])
    assert (
        image == f"{_releases(hub)}@{digest_of(hub.registry.manifest(f'{_releases(hub)}:{RELEASE}') or b'')}"
    )

    home = GpgHome(hub.short)
    home.take(hub.key.public().encode())
    read = home.run("--status-fd", "2", "--decrypt", given=message)
    assert f"VALIDSIG {hub.fingerprint}" in read.stderr.decode()
    critical = json.loads(read.stdout)["critical"]
    assert critical["identity"]["docker-reference"] == f"{_releases(hub)}:{RELEASE}"

    git(hub.fleet, "fetch", "--quiet", "origin", "+records:records")
    recorded_releases = Recorded(read_records(hub.fleet), _soon())
    fleet = load(hub.fleet).spec
    trust = recorded_releases.verify(hub.fleet, fleet, image, RELEASE)
    assert (trust.verified, trust.fingerprint.upper()) == (True, hub.fingerprint)
    assert not recorded_releases.verify(hub.fleet, fleet, image, USED_UP).verified


def _is_seen_by_the_planner_and_taken_by_a_cluster(hub: Hub) -> None:
    """What a wave commits brings a cluster to the release: the pin, and the signature in the overlay."""
    now = _soon()
    records = read_records(hub.fleet)
    seen = outlook(hub.fleet, Recorded(records, now), records, now=now)
    (upgrade,) = seen.upgrades
    assert upgrade.release
    assert (str(upgrade.decision.verdict), upgrade.release.version.text) == ("upgrade", RELEASE)
    assert upgrade.release.signed == hub.published()[RELEASE]["images"][0]["image"]

    with drafted(hub.fleet, git(hub.fleet, "rev-parse", "main").strip()) as draft:
        commit_upgrade(draft, seen.fleet, upgrade)
        folders = {"overlays/follower": "follower"}
        rendering = kustomize.render(draft.folder, folders, tool(CACHE, "kustomize"), workers=1)
        overlay = tuple(each.value for each in rendering.documents["overlays/follower"])

    follower = Cluster(hub.registry, hub.short, history=hub.cluster.history[-1:])
    wanted = of_kind(overlay, "ClusterVersion")["version"]["spec"]["desiredUpdate"]
    follower.update(wanted)
    assert "unable to verify" in follower.refused
    follower.apply(of_kind(overlay, "ConfigMap")["okd-gitops-release-signature"])
    follower.update(wanted)
    assert (follower.refused, follower.history[0]["version"]) == ("", RELEASE)


def _has_notes_and_reports(hub: Hub) -> None:
    candidates = f"{hub.registry.address}/okd/candidates"
    reports = hub.registry.files(f"{candidates}:{CANDIDATE}-junit")
    assert b"roll over" in reports["junit_e2e__20261128-120000.xml"]

    manifest = json.loads(hub.registry.manifest(f"{_releases(hub)}:{RELEASE}-notes") or b"")
    notes = hub.registry.blob(_releases(hub), manifest["layers"][0]["digest"]).decode()
    assert f"Updates from: {INSTALLED}\n" in notes
    # A test that passed when it was tried again counts once, one that was skipped not at all.
    assert "kubernetes/conformance: 2 cases. Reports: " in notes
    assert "- stream-coreos: built anew, sha256:" in notes
    assert "kernel 5.14.0-700" in notes


def _changes_nothing_when_it_is_published_again(hub: Hub) -> None:
    """As Tekton does it when the pod is lost after the record was pushed."""
    before = git(hub.remote, "rev-parse", "records")
    results, failed = hub.tekton.run_task(
        NAMESPACE, in_namespace("task", "okd-stream", "stream-publish"), hub.tekton.ran["stream-publish"]
    )
    assert (results, failed) == ({"name": RELEASE}, "")
    assert git(hub.remote, "rev-parse", "records") == before


def _images(release: Object) -> dict[str, str]:
    return {tag["name"]: tag["from"]["name"] for tag in release["references"]["spec"]["tags"]}


def _releases(hub: Hub) -> str:
    return f"{hub.registry.address}/okd/releases"


def _soon() -> datetime:
    """Return a time after every signature that a test makes, on whatever day it runs."""
    return datetime(2099, 1, 1, tzinfo=UTC)
