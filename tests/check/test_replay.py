"""Replaying the history of repositories that were made here with the real git; the faults are those of
public histories.
"""

import json
import os
import subprocess
from itertools import count
from pathlib import Path

import pytest

from conftest import Run, git
from okd_gitops.check.history import JudgedPastChange
from okd_gitops.check.replay import Replay, replay
from okd_gitops.errors import UsageError
from okd_gitops.explanation import explanations

DAY = 86_400
START = 1_758_000_000
DIGESTS = {name: f"quay.io/okd/scos-release@sha256:{name * 64}" for name in "abc"}


class History:
    """A repository in the making: each commit is a day after the one before, unless it says otherwise."""

    def __init__(self, root: Path) -> None:
        self.root, self.days = root, count()
        root.mkdir()
        git(root, "init", "--quiet", "--initial-branch=main")

    def commit(self, subject: str, files: dict[str, str | None], *, seconds: int | None = None) -> str:
        for path, text in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        git(self.root, "add", "--all")
        at = f"{START + (next(self.days) * DAY if seconds is None else seconds)} +0000"
        environment = {**os.environ, "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at}
        command = ["git", "commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message", subject]
        subprocess.run(command, cwd=self.root, env=environment, check=True)
        return git(self.root, "rev-parse", "HEAD").strip()


@pytest.fixture
def past(tmp_path: Path) -> History:
    return History(tmp_path / "other")


def cv(version: str, channel: str = "stable-4", image: str = "", **more: str) -> str:
    extra = "".join(
        f"    {name}: {value}\n" for name, value in {**({"image": image} if image else {}), **more}.items()
    )
    head = "apiVersion: config.openshift.io/v1\nkind: ClusterVersion\nmetadata:\n  name: version\nspec:\n"
    return f"{head}  channel: {channel}\n  desiredUpdate:\n    version: {version}\n{extra}"


def overlay(name: str) -> str:
    return f"cluster-scope/overlays/{name}/clusterversion.yaml"


def judged(past: History) -> list[JudgedPastChange]:
    return list(replay(past.root, 1000).changes)


def kinds(result: list[JudgedPastChange]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.cluster, one.kind, one.fault_names) for one in result]


ACKS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: admin-acks, namespace: openshift-config}\ndata:\n"


def test_kinds_of_changes(past: History) -> None:
    image = DIGESTS["a"]
    steps = [
        ("4.18.1", "stable-4"),
        ("4.18.2", "stable-4"),
        ("4.19.0", "stable-4"),
        ("4.18.9", "stable-4"),
        ("4.18.9", "fast-4"),
        ("5.0.0", "stable-5"),
        ("latest", "stable-5"),
    ]
    for number, (version, channel) in enumerate(steps):
        past.commit(f"step {number}", {overlay("a"): cv(version, channel, image)}, seconds=number * 5 * DAY)
    past.commit("gone", {overlay("a"): None}, seconds=40 * DAY)
    assert [kind for _, kind, _ in kinds(judged(past))] == [
        "added",
        "z",
        "minor",
        "downgrade",
        "channel only",
        "major",
        "not a version",
        "removed",
    ]


def test_okds_own_order_is_used(past: History) -> None:
    for version in ("4.20.0-okd-scos.ec.14", "4.20.0-okd-scos.0", "4.20.0-okd-scos.11", "4.20.0-okd-scos.9"):
        past.commit(version, {overlay("a"): cv(version, "next-scos-4", DIGESTS["a"])})
    assert [kind for _, kind, _ in kinds(judged(past))] == ["added", "z", "z", "downgrade"]


def test_an_upgrade_as_it_should_be(past: History) -> None:
    first, second = cv("4.18.1", "stable-4.18", DIGESTS["a"]), cv("4.19.2", "stable-4.19", DIGESTS["b"])
    past.commit("start", {overlay("test"): first, overlay("prod"): first})
    acks = "cluster-scope/overlays/test/admin-acks.yaml"
    past.commit(
        "test: 4.19.2",
        {overlay("test"): second, acks: f"{ACKS}  ack-4.18-kube-1.32-api-removals-in-4.19: 'true'\n"},
    )
    generated = (
        "resources: []\n"
        "configMapGenerator:\n"
        "- name: admin-acks\n"
        "  literals: [ack-4.18-kube-1.32-api-removals-in-4.19=true]\n"
    )
    past.commit(
        "prod: 4.19.2", {overlay("prod"): second, "cluster-scope/overlays/prod/kustomization.yaml": generated}
    )
    result = judged(past)
    assert kinds(result) == [
        ("prod", "added", ()),
        ("test", "added", ()),
        ("test", "minor", ()),
        ("prod", "minor", ()),
    ]
    assert [one.elsewhere for one in result[2:]] == [False, True]
    assert (result[3].start, result[3].target, result[3].old_channel, result[3].new_channel) == (
        "4.18.1",
        "4.19.2",
        "stable-4.18",
        "stable-4.19",
    )
    assert result[3].path == overlay("prod")


@pytest.mark.parametrize(
    ("before", "after", "faults"),
    [
        (
            cv("4.18.1", "stable-4.18", DIGESTS["a"]),
            cv("4.19.2", "stable-4.18", DIGESTS["b"]),
            {"version-outside-channel", "acknowledgement-missing"},
        ),
        (
            cv("4.18.1", "stable-4", DIGESTS["a"]),
            cv("4.20.2", "stable-4", DIGESTS["b"]),
            {"minor-skipped", "acknowledgement-missing"},
        ),
        (cv("4.18.1", "stable-4", DIGESTS["a"]), cv("4.18.2", "stable-4"), {"floating-release"}),
        (
            cv("4.18.1", "stable-4", DIGESTS["a"]),
            cv("4.18.2", "stable-4", "quay.io/x/y@sha256:abcdef012345"),
            {"floating-release"},
        ),
        (
            cv("4.18.1", "stable-4", DIGESTS["a"]),
            cv("4.18.2", "stable-4", "quay.io/x/y:4.18.2"),
            {"floating-release"},
        ),
        (cv("4.18.1", "stable-4", DIGESTS["a"]), cv("4.18.1", "stable-4", DIGESTS["b"]), {"two-digests"}),
        (
            cv("4.18.1", "stable-4", DIGESTS["a"]),
            cv("4.18.2", "stable-4", DIGESTS["b"], force="true"),
            {"forced-update"},
        ),
        (
            cv("4.18.1", "stable-4", DIGESTS["a"]),
            cv("4.18.1", "4-scos-stable", DIGESTS["a"]),
            {"stream-as-channel"},
        ),
        (
            cv("4.21.0-okd-scos.1", "stable-scos-4", DIGESTS["a"]),
            cv("4.21.0-okd-scos.ec.3", "stable-scos-4", DIGESTS["b"]),
            {"preview-in-stable-channel", "downgrade"},
        ),
        (cv("4.18.1"), cv("4.18.1", "fast-4").partition("  desiredUpdate")[0], set()),
        (
            cv("4.22.0-okd-scos.1", "stable-scos-4", DIGESTS["a"]),
            cv("5.0.0-okd-scos.0", "stable-scos-5", DIGESTS["b"]),
            set(),
        ),
        (
            cv("4.21.0-okd-scos.1", "stable-scos-4", DIGESTS["a"]),
            cv("5.0.0-okd-scos.0", "stable-scos-5", DIGESTS["b"]),
            {"wrong-major-step"},
        ),
    ],
)
def test_faults(past: History, before: str, after: str, faults: set[str]) -> None:
    past.commit("start", {overlay("a"): before})
    past.commit("next", {overlay("a"): after}, seconds=30 * DAY)
    result = judged(past)
    assert set(result[-1].fault_names) == faults
    assert set(result[0].fault_names) <= {"floating-release"}
    assert faults <= explanations().keys()


def test_undone_the_next_day(past: History) -> None:
    for version, seconds in (
        ("4.19.7", 0),
        ("4.19.13", 10 * DAY),
        ("4.19.7", 11 * DAY),
        ("4.19.13", 20 * DAY),
        ("4.19.7", 23 * DAY),
    ):
        past.commit(
            version,
            {overlay("a"): cv(version, "stable-4", DIGESTS["a"] if version == "4.19.7" else DIGESTS["b"])},
            seconds=seconds,
        )
    assert kinds(judged(past)) == [
        ("a", "added", ()),
        ("a", "z", ("undone-within-a-day",)),
        ("a", "downgrade", ("downgrade",)),
        ("a", "z", ()),
        ("a", "downgrade", ("downgrade",)),
    ]


def test_a_title_that_names_another_version(past: History) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1", "stable-4", DIGESTS["a"])})
    past.commit("Upgrade to 4.18.22", {overlay("a"): cv("4.18.2", "stable-4", DIGESTS["b"])})
    past.commit("Upgrade 4.18.2 to 4.18.3 (#1)", {overlay("a"): cv("4.18.3", "stable-4", DIGESTS["c"])})
    assert [one.faults for one in judged(past)] == [(), ("other-version-in-title: 4.18.22",), ()]


def test_a_title_that_names_the_start_and_another_version(past: History) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1", "stable-4", DIGESTS["a"])})
    past.commit("Upgrade 4.18.1 to 4.18.22", {overlay("a"): cv("4.18.2", "stable-4", DIGESTS["b"])})
    past.commit("Leave 4.18.2", {overlay("a"): cv("4.18.3", "stable-4", DIGESTS["c"])})
    assert [one.faults for one in judged(past)] == [(), ("other-version-in-title: 4.18.22",), ()]


def test_a_version_that_moved_without_its_digest_and_its_correction(past: History) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1", image=DIGESTS["a"])})
    past.commit("version alone", {overlay("a"): cv("4.18.2", image=DIGESTS["a"])})
    past.commit("both", {overlay("a"): cv("4.18.2", image=DIGESTS["b"])})
    past.commit("a mirror", {overlay("a"): cv("4.18.2", image=DIGESTS["c"].replace("quay.io", "mirror.io"))})
    assert [one.fault_names for one in judged(past)] == [(), ("mismatched-release",), (), ()]


def test_lists_patches_and_moves(past: History) -> None:
    listed = (
        "apiVersion: v1\nkind: List\nitems:\n- "
        + cv("4.18.1", image=DIGESTS["a"]).replace("\n", "\n  ").rstrip()
        + "\n"
    )
    block = cv("4.18.1", image=DIGESTS["a"]).replace("\n", "\n    ").rstrip()
    inline = f"resources: [../../base]\npatches:\n- patch: |-\n    {block}\n"
    past.commit("start", {"overlays/list/all.yaml": listed, "overlays/inline/kustomization.yaml": inline})
    past.commit(
        "next",
        {
            "overlays/list/all.yaml": listed.replace("4.18.1", "4.18.2"),
            "overlays/inline/kustomization.yaml": inline.replace("4.18.1", "4.18.3"),
        },
    )
    past.commit(
        "move",
        {
            "overlays/list/all.yaml": None,
            "overlays/list/config.openshift.io/version.yaml": listed.replace("4.18.1", "4.18.2"),
        },
    )
    result = judged(past)
    assert [(one.cluster, one.kind, one.target) for one in result] == [
        ("inline", "added", "4.18.1"),
        ("list", "added", "4.18.1"),
        ("inline", "z", "4.18.3"),
        ("list", "z", "4.18.2"),
    ]


def test_branches_that_were_merged_count_once(past: History) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1", image=DIGESTS["a"])})
    git(past.root, "switch", "--quiet", "--create", "topic")
    past.commit("upgrade", {overlay("a"): cv("4.18.2", image=DIGESTS["b"])})
    git(past.root, "switch", "--quiet", "main")
    past.commit("other", {"README.yaml": "a: 1\n"})
    git(past.root, "merge", "--quiet", "--no-ff", "--message", "merge", "topic")
    assert [kind for _, kind, _ in kinds(judged(past))] == ["added", "z"]


def test_what_cannot_be_read_is_named(past: History) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1"), overlay("b"): cv("4.18.1")})
    bad = past.commit(
        "bad",
        {
            overlay("a"): cv("4.18.2") + "x: &a [*a]\n",
            overlay("b"): cv("4.18.2"),
            "chart/cv.yaml": cv("{{ .Values.v }}"),
        },
    )
    result = replay(past.root, 1000)
    assert [(one.cluster, one.kind) for one in result.changes] == [("a", "added"), ("b", "added"), ("b", "z")]
    assert [line.split(" ")[:2] for line in result.unread] == [
        [bad[:9], "chart/cv.yaml:8:15"],
        [bad[:9], f"{overlay('a')}:9:4"],
    ]


def test_it_is_bounded(past: History) -> None:
    for number in range(1, 7):
        past.commit(f"step {number}", {overlay("a"): cv(f"4.18.{number}", image=DIGESTS["a"])})
    assert [one.target for one in replay(past.root, 2).changes] == ["4.18.5", "4.18.6"]
    past.commit("huge", {overlay("a"): cv("4.18.9") + "#" * (9 << 20)})
    huge = replay(past.root, 1)
    assert (huge.changes, len(huge.unread)) == ((), 1)
    assert "bytes are more than" in huge.unread[0]


def test_links_and_files_with_strange_names(past: History) -> None:
    (past.root / "link.yaml").symlink_to("nowhere")
    past.commit(
        ":100644 100644 a b M\x01 title",
        {"overlays/ä\n:x/cv.yaml": cv("4.18.1"), "overlays/b/cv.yaml": cv("4.18.1")},
    )
    result = judged(past)
    assert [(one.cluster, one.kind) for one in result] == [("b", "added"), ("ä\n:x", "added")]


def test_a_bare_and_a_shallow_repository(past: History, tmp_path: Path) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1")})
    past.commit("next", {overlay("a"): cv("4.18.2")})
    git(tmp_path, "clone", "--quiet", "--bare", str(past.root), "bare.git")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{past.root}", "shallow")
    bare, shallow = replay(tmp_path / "bare.git", 10), replay(tmp_path / "shallow", 10)
    assert ([one.kind for one in bare.changes], bare.shallow) == (["added", "z"], False)
    assert ([one.kind for one in shallow.changes], shallow.shallow) == (["added"], True)


def test_a_clone_without_contents_fetches_none(past: History, tmp_path: Path) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1")})
    past.commit("next", {overlay("a"): cv("4.18.2")})
    git(past.root, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{past.root}", "partial")
    with pytest.raises(UsageError) as caught:
        replay(tmp_path / "partial", 10)
    assert "lacks contents" in caught.value.reason


def test_the_repository_is_only_read_and_runs_nothing(past: History, tmp_path: Path) -> None:
    past.commit("start", {overlay("a"): cv("4.18.1"), ".gitattributes": "*.yaml diff=evil filter=evil\n"})
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    for key in (
        "gpg.program",
        "diff.external",
        "diff.evil.textconv",
        "filter.evil.smudge",
        "core.pager",
        "core.fsmonitor",
        "core.sshCommand",
    ):
        git(past.root, "config", key, str(program))
    git(past.root, "config", "log.showSignature", "true")
    signed = git(past.root, "cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=past.root,
        input=signed,
        text=True,
        capture_output=True,
        check=True,
    )
    git(past.root, "update-ref", "refs/heads/main", made.stdout.strip())
    ran.unlink(missing_ok=True)
    before = sorted(path.as_posix() for path in past.root.rglob("*"))
    assert [one.kind for one in judged(past)] == ["added"]
    assert not ran.exists()
    assert sorted(path.as_posix() for path in past.root.rglob("*")) == before


def test_no_history(tmp_path: Path, past: History) -> None:
    for folder in (tmp_path, past.root):
        with pytest.raises(UsageError) as caught:
            replay(folder, 10)
        assert caught.value.remedy
    past.commit("text", {"README": "x"})
    assert replay(past.root, 10) == Replay(
        (), {**replay(past.root, 10).counts, "changes": 0}, (), 0, shallow=False
    )


def test_the_command(past: History, okd_gitops: Run, tmp_path: Path) -> None:
    past.commit(
        "start",
        {
            overlay("test"): cv("4.18.1", image=DIGESTS["a"]),
            overlay("prod"): cv("4.18.1", image=DIGESTS["a"]),
        },
    )
    past.commit("test", {overlay("test"): cv("4.19.2", image=DIGESTS["b"])})
    past.commit("prod", {overlay("prod"): cv("4.19.2", image=DIGESTS["b"])})
    done = okd_gitops("release", "replay", str(past.root))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.split("\n")
    assert [" ".join(line.split()[2:8]) for line in lines if " minor " in line] == [
        "minor test 4.18.1 → 4.19.2 [stable-4]",
        "minor prod 4.18.1 → 4.19.2 [stable-4]",
    ]
    assert "ran nowhere else before" in lines[2]
    assert "ran elsewhere before" in lines[4]
    assert lines[3] == "    acknowledgement-missing"
    assert {
        "     2 version changes",
        "     1 version changes that another cluster had made before",
        "     2 acknowledgement-missing",
    } <= set(lines)
    answer = json.loads(okd_gitops("release", "replay", str(past.root), "--max", "1", "-o", "json").stdout)
    assert [(one["cluster"], one["kind"], one["elsewhere"]) for one in answer["changes"]] == [
        ("prod", "minor", False)
    ]
    assert (answer["commits"], answer["counts"]["acknowledgement-missing"], answer["shallow"]) == (
        1,
        1,
        False,
    )
    refused = okd_gitops("release", "replay", str(tmp_path))
    assert (refused.returncode, "not a git repository" in refused.stderr) == (2, True)
