"""A release moves a fleet: from the release controller to branches on a real remote, wave by wave, and
every refusal on the way.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import CACHE, ROOT, git
from okd_gitops.cli.upgrades import print_upgrades
from okd_gitops.errors import OkdGitopsError, UsageError
from okd_gitops.evidence.record import record
from okd_gitops.evidence.report import Evidence
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.releases.sources import github
from okd_gitops.rollout import waves as rollout_module
from okd_gitops.rollout.waves import Rollout
from okd_gitops.system import branches
from okd_gitops.upgrade.plan import BlockedError
from okd_gitops.upgrade.refusals import Verdict
from release_controller import image
from release_fleet import NEW, NEWER, NEXT_LINE, OLD, PUSH, PUSH_ON, UPDATE, Fleet, cluster, offered_new, wave


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with offered_new(tmp_path) as fleet:
        yield fleet


def test_a_release_reaches_every_cluster_wave_by_wave(fleet: Fleet) -> None:
    done = fleet.run(PUSH)
    (branch,) = done.branches
    assert (branch.name, branch.state) == (wave(NEW, 1), "pushed")
    assert fleet.on_remote(branch.name) == [f"okd(canary): {OLD} → {NEW}", f"okd(probe): {OLD} → {NEW}"]
    assert "ROUTINE" in branch.body
    assert git(fleet.root, "status", "--porcelain") == ""
    assert git(fleet.root, "rev-parse", "HEAD") == git(fleet.root, "rev-parse", "origin/main")
    changed = git(fleet.root, "diff", "main", f"{branch.sha}", "--", "clusters/canary.yaml")
    assert [line for line in changed.splitlines()[4:] if line[0] in "+-"] == [
        f"-  version: {OLD}  # agreed",
        f"-  image: {image(OLD)}",
        f"+  version: {NEW}  # agreed",
        f"+  image: {image(NEW)}",
    ]
    message = git(fleet.root, "log", "-1", "--format=%(trailers:only,unfold)", branch.sha)
    assert f"Okd-Release: {NEW}\nOkd-From: {OLD}\nOkd-Digest: {image(NEW)}\nWave: 1\n" in message

    fleet.merge(branch.name)
    assert fleet.codes() == {"canary": "nothing-newer", "probe": "nothing-newer", "prod": "evidence-missing"}
    fleet.passed("canary")
    assert fleet.codes()["prod"] == "soak-not-over"
    fleet.now += timedelta(days=3)
    assert fleet.codes()["prod"] == "evidence-missing"
    fleet.passed("probe")
    assert fleet.codes()["prod"] == "soak-not-over"
    assert not fleet.run(PUSH_ON).branches
    fleet.now += timedelta(days=3)
    (second,) = fleet.run(PUSH_ON).branches
    assert fleet.on_remote(second.name) == [f"okd(prod): {OLD} → {NEW}"]
    assert "Evidence of the waves before" in second.body
    fleet.merge(second.name)
    assert set(fleet.codes().values()) == {"nothing-newer"}


def test_a_second_run_changes_nothing_and_a_moved_base_starts_anew(fleet: Fleet) -> None:
    first = fleet.run(PUSH).branches[0]
    again = fleet.run(PUSH).branches[0]
    assert (again.sha, again.state) == (first.sha, "unchanged")
    fleet.write("notes.md", "people work here\n")
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "notes")
    git(fleet.root, "push", "-q", "origin", "main")
    moved = fleet.run(PUSH).branches[0]
    assert moved.state == "pushed"
    assert len(fleet.on_remote(moved.name)) == 2


def test_without_push_the_branch_is_local_and_without_write_there_is_none(fleet: Fleet) -> None:
    assert fleet.run(UPDATE).branches[0].state == "planned"
    assert git(fleet.root, "branch", "--list", "okd/*") == ""
    made = fleet.run(replace(UPDATE, write=True)).branches[0]
    assert git(fleet.root, "rev-parse", made.name).strip() == made.sha
    assert "okd/" not in git(fleet.root, "ls-remote", "origin")
    assert git(fleet.root, "worktree", "list").count("\n") == 1


def test_a_branch_that_a_person_added_to_is_left_alone(fleet: Fleet, tmp_path: Path) -> None:
    branch = fleet.run(PUSH).branches[0]
    git(tmp_path, "clone", "-q", "--branch", branch.name, str(fleet.remote), "other")
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "I looked at it")
    git(tmp_path / "other", "push", "-q", "origin", branch.name)
    with pytest.raises(BlockedError, match="did not make"):
        fleet.run(PUSH)
    assert fleet.on_remote(branch.name)[-1] == "I looked at it"


def test_uncommitted_files_stay_out_of_the_branch(fleet: Fleet) -> None:
    fleet.write(
        "clusters/canary.yaml", (fleet.root / "clusters/canary.yaml").read_text() + "# not yet committed\n"
    )
    branch = fleet.run(replace(UPDATE, write=True)).branches[0]
    assert "not yet committed" not in git(fleet.root, "show", f"{branch.sha}:clusters/canary.yaml")
    assert "not yet committed" in (fleet.root / "clusters/canary.yaml").read_text()


def test_two_runs_at_once_push_the_same_branch(fleet: Fleet, tmp_path: Path) -> None:
    """Both decide on the same base; who pushes second finds the branch there, whole, and agrees."""
    git(tmp_path, "clone", "-q", str(fleet.remote), "other")
    results: list[Rollout] = []
    barrier = threading.Barrier(2)
    real = branches.push

    waited = set[int]()

    def together(*arguments: Any) -> None:
        if threading.get_ident() not in waited:
            waited.add(threading.get_ident())
            barrier.wait(300)
        real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branches, "push", together)
        threads = [
            threading.Thread(target=lambda root=root: results.append(fleet.run(PUSH, root)))
            for root in (fleet.root, tmp_path / "other")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(400)
    assert sorted(done.branches[0].state for done in results) in (
        ["pushed", "unchanged"],
        ["pushed", "pushed"],
    )
    assert fleet.on_remote(wave(NEW, 1)) == [f"okd(canary): {OLD} → {NEW}", f"okd(probe): {OLD} → {NEW}"]


def test_reports_of_two_clusters_at_once_are_both_kept(fleet: Fleet, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(fleet.remote), "other")

    def report(root: Path, name: str) -> None:
        record(
            root,
            Evidence(cluster=name, version=OLD, image=image(OLD), finished=fleet.now, passed=True),
            remote="origin",
        )

    threads = [
        threading.Thread(target=report, args=pair)
        for pair in ((fleet.root, "canary"), (tmp_path / "other", "probe"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    names = git(
        fleet.root, "--git-dir", str(fleet.remote), "ls-tree", "-r", "--name-only", "records", "evidence"
    ).split()
    assert names == [f"evidence/canary/{OLD}.yaml", f"evidence/probe/{OLD}.yaml"]


@pytest.mark.parametrize("step", ["check", "diff", "commit_upgrade", "push"])
def test_a_kill_at_any_step_leaves_the_repository_usable(fleet: Fleet, step: str) -> None:
    target = branches if step == "push" else rollout_module

    def killed(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, step, killed)
        with pytest.raises(KeyboardInterrupt):
            fleet.run(PUSH)
    assert git(fleet.root, "status", "--porcelain") == ""
    assert "okd/" not in git(fleet.root, "ls-remote", "origin")
    assert fleet.run(PUSH).branches[0].state == "pushed"
    assert len(fleet.on_remote(wave(NEW, 1))) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/fleet.git",
        "ssh://git@git.example.org/fleet.git",
        "git@git.example.org:fleet.git",
    ],
)
def test_a_rehearsal_is_not_pushed(fleet: Fleet, url: str) -> None:
    assert fleet.run(replace(PUSH, rehearsal="2030-01-01T00:00:00Z")).branches[0].state == "pushed"
    git(fleet.root, "remote", "set-url", "origin", url)
    with pytest.raises(UsageError, match="rehearsal"):
        fleet.run(replace(PUSH, rehearsal="2030-01-01T00:00:00Z"))


@pytest.mark.clock
def test_leftovers_of_a_killed_run_are_removed_by_the_next_run(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, killed, answer = threading.Event(), threading.Event(), fleet.controller.answer

    def held(path: str) -> bytes | int:
        asked.set()
        killed.wait()
        return answer(path)

    # The run asks while it has its folder, and has no answer until it is killed.
    monkeypatch.setattr(fleet.controller, "answer", held)
    command = [
        sys.executable,
        "-m",
        "okd_gitops",
        "--quiet",
        "--cache",
        str(CACHE),
        "release",
        "update",
        "--push",
    ]
    folder = fleet.root.parent / "temporary"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "generator"), "TMPDIR": str(folder)}
    run = subprocess.Popen(
        command, cwd=fleet.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert asked.wait(300)
    run.kill()
    run.wait()
    killed.set()
    assert list(folder.glob("okd-gitops-draft-*"))
    assert git(fleet.root, "status", "--porcelain") == ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        assert fleet.run(PUSH).branches[0].state == "pushed"
    assert not list(folder.glob("okd-gitops-draft-*"))


def test_a_newer_release_supersedes_an_open_wave_and_a_rejected_one_closes_it(fleet: Fleet) -> None:
    fleet.run(PUSH)
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    done = fleet.run(PUSH)
    assert (done.branches[0].name, done.superseded) == (wave(NEWER, 1), (wave(NEW, 1),))
    assert wave(NEW, 1) not in git(fleet.root, "ls-remote", "origin")
    for tag in fleet.controller.tags["4-scos-stable"][:2]:
        tag["phase"] = "Rejected"
    done = fleet.run(PUSH)
    assert (done.branches, done.superseded) == ((), (wave(NEWER, 1),))
    assert "okd/" not in git(fleet.root, "ls-remote", "origin")


def test_an_open_branch_that_must_wait_is_reported(fleet: Fleet) -> None:
    branch = fleet.run(PUSH).branches[0]
    fleet.write("fleet.yaml", (fleet.root / "fleet.yaml").read_text() + "  freeze: holidays\n")
    git(fleet.root, "commit", "-qam", "freeze")
    git(fleet.root, "push", "-q", "origin", "main")
    (halted,) = fleet.run(PUSH).branches
    assert (halted.name, halted.state, halted.sha) == (branch.name, "blocked", branch.sha)
    assert "🔴 BLOCKED" in halted.body
    assert "holidays" in halted.body
    assert git(fleet.root, "ls-remote", "origin", f"refs/heads/{branch.name}").startswith(branch.sha)


def test_a_source_that_is_away_is_told_and_never_routine(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Port 9 of this machine refuses.
    monkeypatch.setattr(github, "API", "http://127.0.0.1:9")
    fleet.write("fleet.yaml", (fleet.root / "fleet.yaml").read_text() + "  github: okd-project/okd\n")
    git(fleet.root, "commit", "-qam", "ask GitHub too")
    body = fleet.run(UPDATE).branches[0].body

    assert "🟡 LOOK" in body.splitlines()[1]
    assert "- a source did not answer: `http://127.0.0.1:9/repos/okd-project/okd/releases`" in body
    assert "No risk is known" not in body
    assert "**Unknown risks:**" in body


def test_a_merged_branch_is_ignored(fleet: Fleet) -> None:
    fleet.merge(fleet.run(PUSH).branches[0].name)
    done = fleet.run(PUSH)
    assert (done.branches, done.superseded) == ((), ())


def test_a_minor_moves_channel_and_acknowledgements_in_one_change(fleet: Fleet) -> None:
    fleet.write(
        "clusters/canary.yaml", cluster("canary", "test").replace("stable-scos-4\n", "stable-scos-4.21\n")
    )
    fleet.write(
        "fleet.yaml", (fleet.root / "fleet.yaml").read_text() + '  acks: {"4.21": [ack-4.21-api-removals]}\n'
    )
    generate(fleet.root)
    git(fleet.root, "commit", "-qam", "narrow")
    git(fleet.root, "push", "-q", "origin", "main")
    fleet.controller.publish(NEXT_LINE, before=(OLD, NEW))
    # A narrow channel says that the cluster stays in its line.
    assert fleet.codes() == {
        "canary": "upgrade",
        "probe": "acknowledgement-missing",
        "prod": "acknowledgement-missing",
    }
    assert fleet.codes(target=NEXT_LINE)["canary"] == "acknowledgement-missing"
    request = replace(PUSH, target=NEXT_LINE, clusters=("canary",), acks=("ack-4.21-api-removals",))
    branch = fleet.run(request).branches[0]
    text = git(fleet.root, "show", f"{branch.sha}:clusters/canary.yaml")
    assert "  channel: stable-scos-4.22\n" in text
    assert "  acks: [ack-4.21-api-removals]\n" in text
    assert "LOOK" in branch.body


def test_conditional_edges_need_their_risks_accepted_by_name(fleet: Fleet) -> None:
    fleet.controller.edges.clear()
    risk = {
        "name": "SlowDisks",
        "url": "https://example.org/slow",
        "message": "Slow disks.",
        "matchingRules": [{"type": "Always"}],
    }
    fleet.controller.conditional = [{"edges": [{"from": OLD, "to": NEW}], "risks": [risk]}]
    assert set(fleet.codes(target=NEW).values()) == {"risk-not-accepted"}
    fleet.write(
        "clusters/canary.yaml", cluster("canary", "test", more="upgrades:\n  acceptRisks: [SlowDisks]\n")
    )
    assert fleet.codes(target=NEW)["canary"] == "upgrade"


def test_manual_work_is_in_the_plan_and_in_the_pull_request(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    own = (
        "{from: '4.21', to: '4.22', name: old-disks, message: Remove the label disks=old., url: "
        "https://example.org/disks}"
    )
    fleet.write("fleet.yaml", (fleet.root / "fleet.yaml").read_text() + f"  barriers: [{own}]\n")
    git(fleet.root, "commit", "-qam", "a barrier")
    assert "no barrier" in fleet.run(UPDATE).branches[0].body
    fleet.controller.publish(NEXT_LINE, before=(OLD, NEW))
    done = fleet.run(replace(UPDATE, target=NEXT_LINE))
    body = done.branches[0].body
    assert "LOOK" in body.splitlines()[1]
    assert re.search(r"^- work by hand on canary: .*old-disks", body, re.MULTILINE)
    assert (
        "**barrier** `old-disks` on `canary`, `probe`: Remove the label disks=old. [read "
        "more](<https://example.org/disks>)\n"
    ) in body
    print_upgrades(done.outlook, done.upgrades)
    assert (
        f"canary: by hand for {NEXT_LINE}, old-disks: Remove the label disks=old. https://example.org/disks\n"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "change", [{"from": "4.21.0"}, {"message": "two\\nlines"}, {"url": "http://example.org"}], ids=str
)
def test_a_barrier_in_a_wrong_form_is_refused(fleet: Fleet, change: dict[str, str]) -> None:
    own = {"from": "4.21", "to": "4.22", "name": "old-disks", "message": "Remove it."} | change
    text = ", ".join(f'{key}: "{value}"' for key, value in own.items())
    fleet.write("fleet.yaml", (fleet.root / "fleet.yaml").read_text() + f"  barriers: [{{{text}}}]\n")
    with pytest.raises(FindingsError) as error:
        fleet.seen()
    assert [finding.name for finding in error.value.findings] == ["invalid-value"]


# The long-term cluster takes the release first, and its owners accept that.
FIRST = f"upgrades:\n  accept:\n  - {{name: release-untried, to: {NEW}, reason: it is alone}}\n"
REFUSALS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "downgrade": (
        "downgrade",
        lambda f: {"target": f.controller.publish("4.20.0-okd-scos.9") and "4.20.0-okd-scos.9"},
    ),
    "skipped minor": (
        "minor-skipped",
        lambda f: {
            "target": f.controller.publish("4.23.0-okd-scos.0", before=(OLD,)) and "4.23.0-okd-scos.0"
        },
    ),
    "no edge": ("no-path", lambda f: {"target": f.controller.publish(NEWER) and NEWER}),
    "unknown to the graph": (
        "target-unknown",
        lambda f: {"target": f.controller.publish(NEWER) and f.controller.images.pop(NEWER) and NEWER},
    ),
    "not signed": ("signature-not-verified", lambda f: f.controller.signatures.clear()),
    "signed another digest": (
        "signature-not-verified",
        lambda f: f.controller.sign(image(NEW), digest="sha256:" + "0" * 64),
    ),
    "signed another name": (
        "signature-not-verified",
        lambda f: f.controller.sign(image(NEW), reference="quay.io/okd/scos-release"),
    ),
    "held": (
        "cluster-held",
        lambda f: f.write(
            "clusters/prod.yaml", cluster("prod", "cd", more=f"{FIRST}  hold: disks are full\n")
        ),
    ),
    "frozen": (
        "fleet-frozen",
        lambda f: f.write("fleet.yaml", (f.root / "fleet.yaml").read_text() + "  freeze: holidays\n"),
    ),
    "of an age that nobody knows": (
        "release-age-unknown",
        lambda f: f.write(
            "fleet.yaml", (f.root / "fleet.yaml").read_text().replace("minimumAge: 0d", "minimumAge: 7d")
        ),
    ),
    "a tag instead of a digest": (
        "signed-digest-unknown",
        lambda f: f.controller.images.update({NEW: "registry.ci.openshift.org/origin/release-scos:x"}),
    ),
    "a truncated digest": (
        "signed-digest-unknown",
        lambda f: f.controller.images.update({NEW: image(NEW)[:-4]}),
    ),
    "blocked by the fleet": (
        "edge-blocked",
        lambda f: (
            f.write(
                "fleet.yaml",
                (f.root / "fleet.yaml").read_text()
                + f"  blocked: [{{from: '4[.]21', to: {NEW}, name: issue-2340}}]\n",
            )
            or {"target": NEW}
        ),
    ),
    "rejected": (
        "not-accepted",
        lambda f: f.controller.tags["4-scos-stable"][0].update(phase="Rejected") or {"target": NEW},
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_long_term_cluster_refuses_unsafe_updates(fleet: Fleet, name: str) -> None:
    for first in ("canary", "probe"):
        (fleet.root / f"clusters/{first}.yaml").unlink()
    fleet.write("clusters/prod.yaml", cluster("prod", "cd", more=FIRST))
    code, change = REFUSALS[name]
    wanted = change(fleet)
    assert fleet.codes(**(wanted if isinstance(wanted, dict) else {})) == {"prod": code}


def test_an_unsigned_release_reaches_test_clusters_with_a_warning(fleet: Fleet) -> None:
    fleet.controller.signatures.clear()
    done = fleet.run(UPDATE)
    assert done.outlook.trust[NEW].findings[0].name == "signature-missing"
    assert "LOOK" in done.branches[0].body
    assert "signature NOT verified" in done.branches[0].body


def test_previews_stay_off_long_term_clusters(fleet: Fleet) -> None:
    for first in ("canary", "probe"):
        (fleet.root / f"clusters/{first}.yaml").unlink()
    preview = "4.22.0-okd-scos.ec.1"
    fleet.controller.publish(preview, before=(OLD,))
    assert fleet.codes(target=preview) == {"prod": "kind-not-taken"}


def test_overrides_and_feature_sets_hold_minor_updates(fleet: Fleet) -> None:
    fleet.controller.publish(NEXT_LINE, before=(OLD,))
    gate = (
        "apiVersion: config.openshift.io/v1\n"
        "kind: FeatureGate\n"
        "metadata: {name: cluster}\n"
        "spec: {featureSet: TechPreviewNoUpgrade}\n"
    )
    fleet.write("clusters/canary/featuregate.yaml", gate)
    fleet.write("clusters/canary/kustomization.yaml", "resources: [featuregate.yaml]\n")
    assert fleet.codes(target=NEXT_LINE)["canary"] == "updates-held"
    assert fleet.codes(target=NEW)["canary"] == "upgrade"


@pytest.mark.parametrize(
    ("ok", "of", "code"),
    [(False, "", "earlier-wave-failed"), (True, image(NEWER), "evidence-of-other-image")],
    ids=["failed evidence", "evidence of another digest"],
)
def test_bad_evidence_stops_the_next_wave(fleet: Fleet, ok: bool, of: str, code: str) -> None:
    fleet.merge(fleet.run(PUSH).branches[0].name)
    fleet.passed("canary", ok=ok, of=of)
    fleet.passed("probe")
    fleet.now += timedelta(days=9)
    assert fleet.codes()["prod"] == code


def test_a_clock_that_goes_backwards_counts_no_soak(fleet: Fleet) -> None:
    fleet.merge(fleet.run(PUSH).branches[0].name)
    fleet.passed("canary")
    fleet.passed("probe")
    fleet.now -= timedelta(seconds=30)
    assert fleet.codes()["prod"] == "evidence-from-future"


def test_a_release_is_tried_once(fleet: Fleet) -> None:
    fleet.passed("canary", ok=False)
    assert fleet.codes()["canary"] == "already-tried"


def test_a_version_with_two_digests_upgrades_no_cluster(fleet: Fleet) -> None:
    fleet.write(
        "clusters/canary.yaml", cluster("canary", "test", version=NEW).replace(image(NEW), image("another"))
    )
    assert fleet.codes(target=NEW)["canary"] == "digest-differs"
    fleet.controller.publish(NEWER, before=(OLD, NEW))
    (canary,) = (upgrade for upgrade in fleet.seen().upgrades if upgrade.cluster.name == "canary")
    assert (canary.decision.name, canary.decision.verdict) == ("digest-differs", Verdict.REFUSE)
    assert image(NEW) in canary.decision.reason
    # A mirror of the release builds it anew, so its digest is another one by right.
    mirrored = image("another").replace(
        "registry.ci.openshift.org/origin/release-scos", "quay.io/okd/scos-release"
    )
    fleet.write("clusters/canary.yaml", cluster("canary", "test", version=NEW).replace(image(NEW), mirrored))
    assert fleet.codes()["canary"] == "upgrade"
    fleet.controller.paths["/graph"] = json.dumps(
        {
            "nodes": [
                {"version": NEW, "payload": image(NEW)},
                {"version": NEW, "payload": image("x")},
                {"version": OLD, "payload": image(OLD)},
            ]
        }
    ).encode()
    assert fleet.codes(target=NEW)["prod"] == "version-left-out"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/v1/releasestream/4-scos-stable/tags", 404),
        ("/api/v1/releasestream/4-scos-stable/tags", b'{"name": "4-scos-next", "tags": []}'),
        ("/api/v1/releasestream/4-scos-stable/tags", b'{"name": "4-scos-stable", "ta'),
        ("/graph", 503),
        ("/graph", b'{"nodes": [{"version": "4.21.0-okd-scos.0", "payload": ""}], "edges": [[0, 7]]}'),
        ("/graph", b'{"kind": "not_found", "value": "no such channel"}'),
    ],
    ids=["no stream", "another stream", "cut off", "away", "an edge to nowhere", "an error as a graph"],
)
def test_unreachable_or_contradicting_sources_upgrade_no_cluster(
    fleet: Fleet, path: str, answer: bytes | int
) -> None:
    fleet.controller.paths[path] = answer
    with pytest.raises(FindingsError) as error:
        fleet.run(PUSH)
    assert error.value.exit_code == 6
    assert "okd/" not in git(fleet.root, "ls-remote", "origin")


def test_a_line_without_schemas_is_refused_before_anything_is_edited(fleet: Fleet) -> None:
    for name in ("canary", "probe", "prod"):
        fleet.write(f"clusters/{name}.yaml", cluster(name, "test", version="4.22.0-okd-scos.0"))
    fleet.controller.publish("4.22.0-okd-scos.0")
    fleet.controller.publish("4.23.0-okd-scos.0", before=("4.22.0-okd-scos.0",))
    assert set(fleet.codes().values()) == {"kubernetes-unknown"}
    fleet.write(
        "clusters/probe.yaml",
        cluster("probe", "test", version="4.22.0-okd-scos.0", more='kubernetes: "1.35"\n'),
    )
    assert fleet.codes()["probe"] == "upgrade"


def test_only_ephemeral_clusters_may_be_forced_and_it_is_shown(fleet: Fleet) -> None:
    fleet.write("clusters/scratch.yaml", cluster("scratch", "ephemeral", more="features:\n  okd-version:\n"))
    generate(fleet.root)
    git(fleet.root, "add", "-A")
    git(fleet.root, "commit", "-qm", "scratch")
    fleet.controller.publish(NEWER, signed=False)
    with pytest.raises(BlockedError, match="force-not-allowed"):
        fleet.run(replace(UPDATE, target=NEWER, forced=("canary",), clusters=("canary",)))
    branch = fleet.run(
        replace(UPDATE, target=NEWER, forced=("scratch",), clusters=("scratch",), write=True)
    ).branches[0]
    assert "🔴 **FORCED**" in branch.body
    assert "force: true" in git(fleet.root, "show", f"{branch.sha}:clusters/scratch.yaml")
    assert "Okd-Forced: true" in git(fleet.root, "log", "-1", "--format=%B", branch.sha)
    with pytest.raises(UsageError, match="one release"):
        fleet.seen(forced=("scratch",))
    # The others do not hide behind it: they come later, and are told so.
    with pytest.raises(UsageError, match="earlier waves"):
        fleet.run(replace(UPDATE, clusters=("canary",)))


def test_a_force_in_the_file_of_another_cluster_is_refused(fleet: Fleet) -> None:
    fleet.write("clusters/prod.yaml", cluster("prod", "cd", release="  force: true\n"))
    with pytest.raises(FindingsError) as error:
        fleet.seen()
    assert [finding.name for finding in error.value.findings] == ["forced-update"]


def test_a_report_is_written_once_and_never_changed(fleet: Fleet) -> None:
    said = Evidence(cluster="canary", version=NEW, image=image(NEW), finished=fleet.now, passed=True)
    assert record(fleet.root, said).new
    assert not record(fleet.root, said).new
    with pytest.raises(UsageError, match="something else"):
        record(
            fleet.root,
            Evidence(
                cluster="canary",
                version=NEW,
                image=image(NEW),
                finished=fleet.now,
                passed=False,
                operators="degraded",
            ),
        )
    with pytest.raises(UsageError, match="canari"):
        record(
            fleet.root,
            Evidence(cluster="canari", version=NEW, image=image(NEW), finished=fleet.now, passed=True),
        )


def test_evidence_in_a_wrong_place_or_against_itself_is_refused(fleet: Fleet) -> None:
    text = Evidence(cluster="canary", version=NEW, image=image(NEW), finished=fleet.now, passed=True).text()
    contradictory = text.replace("healthy", "degraded")
    files = {f"evidence/prod/{NEW}.yaml": text, f"evidence/canary/{NEW}.yaml": contradictory}
    fleet.write_on_records({path: content.encode() for path, content in files.items()})
    with pytest.raises(FindingsError) as error:
        fleet.seen()
    assert sorted(finding.name for finding in error.value.findings) == [
        "contradictory-report",
        "misplaced-report",
    ]


def test_a_file_that_cannot_be_edited_is_reported_with_its_place(fleet: Fleet) -> None:
    flow = cluster("canary", "test").partition("release:")[0]
    release = f"{{stream: 4-scos-stable, channel: stable-scos-4.21, version: {OLD}, image: '{image(OLD)}'}}"
    fleet.write("clusters/canary.yaml", f"{flow}release: {release}\n")
    generate(fleet.root)
    git(fleet.root, "commit", "-qam", "flow")
    fleet.write(
        "fleet.yaml", (fleet.root / "fleet.yaml").read_text() + '  acks: {"4.21": [ack-4.21-api-removals]}\n'
    )
    git(fleet.root, "commit", "-qam", "acks")
    fleet.controller.publish(NEXT_LINE, before=(OLD,))
    with pytest.raises(FindingsError) as error:
        fleet.run(replace(UPDATE, target=NEXT_LINE, clusters=("canary",), acks=("ack-4.21-api-removals",)))
    (finding,) = error.value.findings
    assert (finding.name, str(finding.location)) == ("release-not-editable", "clusters/canary.yaml:5:1")


def test_the_cause_of_an_unreachable_remote_is_reported(fleet: Fleet) -> None:
    git(fleet.root, "remote", "set-url", "origin", str(fleet.root / "nothing.git"))
    with pytest.raises(OkdGitopsError, match="git ls-remote failed") as error:
        fleet.run(PUSH)
    assert error.value.exit_code == 6


def test_clusters_without_a_stream_are_never_touched(fleet: Fleet) -> None:
    assert "hub" not in fleet.codes()
    assert {upgrade.decision.verdict for upgrade in fleet.seen().upgrades} == {Verdict.UPGRADE, Verdict.WAIT}


def test_a_hook_of_the_clone_does_not_run(fleet: Fleet) -> None:
    hook = fleet.root / ".git/hooks/commit-msg"
    hook.write_text("#!/bin/sh\ntouch ran\nexit 1\n")
    hook.chmod(0o755)
    assert fleet.run(replace(UPDATE, write=True)).branches[0].state == "made"
    assert not (fleet.root / "ran").exists()
    assert (
        subprocess.run(
            ["git", "fsck", "--strict"], cwd=fleet.root, capture_output=True, check=False
        ).returncode
        == 0
    )
