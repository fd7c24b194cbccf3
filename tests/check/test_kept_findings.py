"""What is kept of overlays never changes a report: after any edit, a check that uses it finds what a check
without it finds, and judges only what has changed.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from weakref import ref

import pytest

from bench import CHANGE, own_cache
from conftest import git
from okd_gitops.check import judge, kept_overlays
from okd_gitops.check.build import _Earlier
from okd_gitops.check.check import check
from okd_gitops.check.diff import FOLDERS, Difference, diff
from okd_gitops.check.kept_file import KeptFile, NewKeptFile
from okd_gitops.check.kept_overlay import KeptForms, KeptObjects, KeptOverlay, NotLoadedError
from okd_gitops.check.kept_overlays import KeptOverlays
from okd_gitops.check.newly_kept import NewlyKept
from okd_gitops.check.noted_objects import has_cluster_version, is_noted, outline
from okd_gitops.check.outcome import Report
from okd_gitops.check.overlay import FORMS, Overlay, as_list, per_overlay
from okd_gitops.check.rule import Repository
from okd_gitops.check.seen import EVERYTHING, Hashes, Seen
from okd_gitops.finding import Finding, FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.manifests.graph import Graph, Leaves, Reading
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.objects import FixedObject, Object
from okd_gitops.render.kustomize import Document
from okd_gitops.system.commit_files import files_at
from okd_gitops.system.disk import read_catalog
from okd_gitops.system.kept import EXACT, Kept
from okd_gitops.system.unchanged import Earlier
from okd_gitops.tree import digest
from rendered import FLEET, own_cluster

TODAY = date(2026, 11, 28)
DIGEST = f"sha256:{'1' * 64}"
# Each has a fault, alone or beside another one in the same overlay, in another one or in the fleet.
EXTRAS = {
    "floating": "kind: Pod\nmetadata: {name: a, namespace: default}\n"
    "spec: {containers: [{name: a, image: 'example.org/a:latest'}]}\n",
    "moving": "kind: Pod\nmetadata: {name: b, namespace: default}\n"
    f"spec: {{containers: [{{name: a, image: 'example.org/b:main@{DIGEST}'}}]}}\n",
    "older": "kind: Pod\nmetadata: {name: c, namespace: default}\n"
    f"spec: {{containers: [{{name: a, image: 'example.org/c:1.0.0@{DIGEST}'}}]}}\n",
    "newer": "kind: Pod\nmetadata: {name: d, namespace: default}\n"
    f"spec: {{containers: [{{name: a, image: 'example.org/c:2.0.0@{DIGEST}'}}]}}\n",
    "names-a-cluster": "kind: ConfigMap\nmetadata: {name: e, namespace: default}\ndata: {of: moon}\n",
    "names-another": "kind: ConfigMap\nmetadata: {name: f, namespace: default}\ndata: {of: comet}\n",
    "password": "kind: Secret\nmetadata: {name: g, namespace: default}\n"
    "stringData: {password: hunter2-is-long}\n",
    "dangling": "kind: Pod\nmetadata: {name: h, namespace: default}\n"
    f"spec: {{serviceAccountName: nobody, containers: [{{name: a, image: 'example.org/a@{DIGEST}'}}]}}\n",
    "bound": "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: i}\n"
    "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n"
    "subjects: [{kind: ServiceAccount, name: ears, namespace: default}]\n",
    "account": "kind: ServiceAccount\nmetadata: {name: ears, namespace: default}\n",
    "listener": "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\n"
    "metadata: {name: j, namespace: default}\nspec: {serviceAccountName: ears, triggers: []}\n",
    "definition": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
    "metadata: {name: toys.example.org}\nspec: {group: example.org, scope: Cluster, "
    "names: {kind: Toy, plural: toys}, versions: [{name: v1, served: true, storage: true, schema: "
    "{openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {parts: {type: array, "
    "x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: {type: object}}}}}}}}]}\n",
    "toy": "apiVersion: example.org/v1\nkind: Toy\nmetadata: {name: k}\n"
    "spec: {parts: [{name: a}, {name: a}]}\n",
    "application": "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
    "metadata: {name: l, namespace: argocd}\n"
    "spec: {project: moon, source: {repoURL: 'https://git.example.org/x.git', path: x}, "
    "destination: {name: moon, namespace: default}}\n",
    "project": "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: m, namespace: argocd}\n"
    "spec: {sourceRepos: ['*'], namespaceResourceWhitelist: [{group: example.org, kind: Toy}]}\n",
    "excluding": "kind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\n"
    "data: {resource.exclusions: '[{apiGroups: [\"\"], kinds: [ServiceAccount]}]'}\n",
    "pipeline": "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: n, namespace: default}\n"
    "spec: {tasks: [{name: a, taskRef: {name: o}}]}\n",
    "task": "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: o, namespace: default}\n"
    f"spec: {{params: [{{name: p}}], steps: [{{name: a, image: 'example.org/a@{DIGEST}'}}]}}\n",
    "version": "apiVersion: template.openshift.io/v1\nkind: Template\n"
    "metadata: {name: p, namespace: default}\n"
    "objects: [{apiVersion: config.openshift.io/v1, kind: ClusterVersion, metadata: {name: version}, "
    "spec: {clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a70009}}]\n",
}


class Trial:
    """A small fleet that is edited at random."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.root, self.random, self.today = folder / "fleet", Random(seed), TODAY
        self.cache = own_cache(folder)
        self.looked: list[tuple[int, int]] = []
        (self.root / "clusters").mkdir(parents=True)
        (self.root / "fleet.yaml").write_text(FLEET)
        self.cluster("hub", "purpose: hub\n")
        self.cluster("moon", "purpose: test\n")
        self.cluster("star", "purpose: cd\n")
        self.cluster("sun", f"purpose: ephemeral\nexpires: {TODAY + timedelta(days=30)}\n")

    def cluster(self, name: str, text: str) -> None:
        (self.root / f"clusters/{name}.yaml").write_text(f"{text}{own_cluster(name, 'okd')}")

    def names(self) -> list[str]:
        return sorted(path.stem for path in (self.root / "clusters").glob("*.yaml"))

    def say(self, line: str) -> None:
        if found := re.fullmatch(r"building (\d+) overlays .*", line):
            self.built = int(found[1])

        found = re.fullmatch(r"running the rules(?: on (\d+) of (\d+) overlays)?", line)
        if found and self.keeps:
            self.looked.append((int(found[1] or self.built), int(found[2] or self.built)))

    def report(self, *, keeps: bool) -> Report | tuple[object, ...]:
        self.keeps = keeps
        try:
            # As the command does: where something is kept, files are read when somebody asks for them.
            files = Earlier(self.root, self.cache, "check").files if keeps else None
            kept = Kept.of(self.root, self.cache) if keeps else None
            found = check(self.root, self.cache, today=self.today, say=self.say, kept=kept, files=files)
        except FindingsError as error:
            return error.findings
        return replace(found, seconds={})

    def commit(self) -> None:
        """Commit the fleet, from which `difference` starts."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message=edited")

    def difference(self, *, keeps: bool) -> Difference | tuple[object, ...]:
        """Return what changed since the last commit."""
        files = Earlier(self.root, self.cache, "diff").files if keeps else None
        old = files_at(self.root, "HEAD", FOLDERS, files, self.cache)
        try:
            kept = Kept.of(self.root, self.cache) if keeps else None
            return diff(self.root, self.cache, old, say=lambda _: None, files=files, kept=kept)
        except FindingsError as error:
            return error.findings

    def toggle_extra(self) -> None:
        self.toggle(self.random.choice(self.names()), self.random.choice(list(EXTRAS)))

    def toggle(self, cluster: str, name: str) -> None:
        """Give a cluster an object, or take it away."""
        folder = self.root / "clusters" / cluster
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.yaml"
        text = EXTRAS[name] if EXTRAS[name].startswith("apiVersion") else f"apiVersion: v1\n{EXTRAS[name]}"
        if file.exists():
            file.unlink()
        else:
            file.write_text(text)
        listed = sorted(path.name for path in folder.iterdir() if path.name != "kustomization.yaml")
        if listed:
            (folder / "kustomization.yaml").write_text(f"resources: [{', '.join(listed)}]\n")
        else:
            shutil.rmtree(folder)

    def toggle_feature(self) -> None:
        """Give a cluster a feature, or take it away."""
        file = self.root / f"clusters/{self.random.choice(self.names())}.yaml"
        text, _, had = file.read_text().partition("features:")
        file.write_text(text if had else f"{text}features:\n  kvm-device-plugin:\n")

    def new_image(self) -> None:
        """Give a cluster an image, which no rule of all overlays asks for."""
        file = self.root / f"clusters/{self.random.choice(self.names())}.yaml"
        digest = f"{self.random.randrange(16**64):064x}"
        image = f"  kvm-device-plugin:\n    image: example.org/plugin@sha256:{digest}\n"
        file.write_text(f"{file.read_text().partition('features:')[0]}features:\n{image}")

    def move_end(self) -> None:
        """Let a cluster end soon, or later than it may."""
        file = self.root / "clusters/sun.yaml"
        day = self.today + timedelta(days=self.random.choice([2, 30, 600]))
        file.write_text(re.sub(r"(?m)^expires: .*", f"expires: {day}", file.read_text()))

    def toggle_quota(self) -> None:
        """Edit fleet.yaml."""
        file = self.root / "fleet.yaml"
        text, _, had = file.read_text().partition("quotas:")
        quota = "quotas:\n- {cluster: star, namespace: default, cpu: '1'}\n"
        file.write_text(text if had else f"{text}{quota}")

    def toggle_cluster(self) -> None:
        """Make a cluster, remove it, or give it another name."""
        file = self.root / "clusters/comet.yaml"
        if not file.exists():
            self.cluster("comet", "purpose: test\n")
        elif self.random.random() < 0.5:
            self.remove("comet")
        else:
            file.rename(self.root / "clusters/meteor.yaml")
            self.remove("comet")

    def remove(self, name: str) -> None:
        (self.root / f"clusters/{name}.yaml").unlink(missing_ok=True)
        shutil.rmtree(self.root / "clusters" / name, ignore_errors=True)

    def toggle_catalog(self) -> None:
        """Change a base that clusters may share."""
        catalog = self.root / "catalog"
        if catalog.exists():
            shutil.rmtree(catalog)
            return
        for folder in ("changes", "objects"):
            (catalog / folder).mkdir(parents=True)
        text = read_catalog()["features/kvm-device-plugin/upstream/daemonset-generic-device-plugin.yaml"]
        (catalog / "objects/daemonset.yaml").write_bytes(
            text.replace(b"metadata:\n", b"metadata:\n  labels: {a: b}\n", 1)
        )
        (catalog / "changes/x.yaml").write_text(CHANGE)

    def edit_by_hand(self) -> None:
        """Edit a generated file, which stays until the next run of generate overwrites it."""
        files = [
            path for top in ("argocd", "bases", "overlays") for path in (self.root / top).rglob("*.yaml")
        ]
        if files:
            file = self.random.choice(sorted(files))
            file.write_text(f"{file.read_text()}# by hand\n")

    def next_day(self) -> None:
        self.today += timedelta(days=1)

    def damage(self) -> None:
        """Cut what is kept."""
        for file in (self.cache / "kept/overlays").glob("*"):
            file.write_bytes(file.read_bytes()[: self.random.randrange(200)])

    def edits(self) -> Iterator[Callable[[], None]]:
        often = [self.toggle_extra] * 8 + [self.toggle_feature, self.move_end] * 2
        seldom = [self.toggle_quota, self.toggle_cluster, self.toggle_catalog, self.edit_by_hand]
        while True:
            for _ in range(3):
                yield self.random.choice([*often, *seldom, self.next_day, self.damage])
            yield self.new_image

    def generate(self) -> None:
        """Generate with what is kept; a run without it then has nothing to change."""
        try:
            result = generate(self.root, cache=self.cache)
            if result.drift.refused:
                forced = [each.location.file for each in result.drift.refused]
                result = generate(self.root, forced=forced, cache=self.cache)
        except FindingsError as error:
            with pytest.raises(FindingsError) as exact:
                generate(self.root, write=False)
            assert exact.value.findings == error.findings  # noqa: PT017
            return

        if not result.drift.refused:
            exact_result = generate(self.root, write=False)
            assert (exact_result.drift.changes, exact_result.wanted) == (0, result.wanted)


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv(EXACT, raising=False)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether rules of all overlays had nothing to look at, in each run that uses what is kept."""
    known: list[bool] = []
    of_all = KeptOverlays.of_all

    def noted(kept: KeptOverlays, repository: Repository) -> list[Finding] | None:
        found = of_all(kept, repository)
        known.append(found is not None)
        return found

    monkeypatch.setattr(KeptOverlays, "of_all", noted)
    return known


@pytest.mark.parametrize("seed", range(2))
def test_after_each_of_many_edits_both_find_the_same(tmp_path: Path, seed: int, known: list[bool]) -> None:
    trial = Trial(tmp_path, seed)
    git(trial.root, "init", "--quiet")
    names: set[str] = set()
    for edit, number in zip(trial.edits(), range(24), strict=False):
        if number % 4 == 0:
            trial.commit()

        edit()
        if edit.__name__ != "edit_by_hand":
            trial.generate()

        assert trial.difference(keeps=True) == trial.difference(keeps=False), edit.__name__
        exact = trial.report(keeps=False)
        assert trial.report(keeps=True) == exact, edit.__name__
        if isinstance(exact, Report):
            names |= {finding.name for finding in exact.findings}

    assert len(names) >= 5
    # Most edits are of one cluster.
    assert sum(few < whole for few, whole in trial.looked) > len(trial.looked) / 2
    assert any(known)
    assert not all(known)


# A cluster and the object that it gets, and a finding that is there afterwards, or not, of which cluster.
OF_OTHERS = [
    ("moon", "account", "listener-rights", "", 3),
    ("moon", "listener", "listener-rights", "moon", 3),
    ("star", "bound", "listener-rights", "", 3),
    ("moon", "older", "stale-digest", "", 3),
    ("star", "newer", "stale-digest", "star", 5),
    ("star", "newer", "stale-digest", "", 5),
    ("moon", "floating", "floating-image", "moon", 3),
    ("star", "floating", "floating-image", "moon star", 3),
    ("moon", "floating", "floating-image", "star", 3),
    ("hub", "application", "second-application", "hub", 3),
    ("hub", "excluding", "excluded-kind", "moon", 5),
]


def test_findings_follow_what_another_cluster_gets(tmp_path: Path) -> None:
    trial = Trial(tmp_path, 0)
    trial.generate()
    trial.report(keeps=True)

    for cluster, extra, name, concerned, most in OF_OTHERS:
        trial.toggle(cluster, extra)
        trial.generate()
        found = trial.report(keeps=True)
        assert isinstance(found, Report)
        assert found == trial.report(keeps=False)
        clusters = " ".join(
            each for finding in found.findings if finding.name == name for each in finding.clusters
        )
        assert clusters == concerned, (cluster, extra, name)
        assert trial.looked[-1][0] <= most, (cluster, extra, trial.looked[-1])


def test_other_code_other_schemas_and_a_damaged_record_are_judged_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Trial(tmp_path, 0)
    trial.generate()

    def loaded() -> int:
        trial.report(keeps=True)
        return trial.looked[-1][0]

    assert loaded() == 5
    assert loaded() == 0
    monkeypatch.setattr(kept_overlays, "hash_of_code", lambda: "other")
    assert (loaded(), loaded()) == (5, 0)
    monkeypatch.setattr(kept_overlays, "tools_in", lambda _: b"other")
    assert (loaded(), loaded()) == (5, 0)

    (file,) = (trial.cache / "kept/overlays").iterdir()
    whole = file.read_bytes()
    middle = len(whole) // 2
    changed = bytes((*whole[:middle], whole[middle] ^ 1, *whole[middle + 1 :]))
    without_some = (whole[: middle - 100] + whole[middle:], whole[64:])
    for damaged in (whole[:-1], *without_some, changed, whole[:64], b""):
        assert damaged != whole
        file.write_bytes(damaged)
        assert (loaded(), loaded()) == (5, 0)

    monkeypatch.setenv(EXACT, "1")
    trial.looked.clear()
    trial.report(keeps=True)
    assert trial.looked == [(5, 5)]


def test_a_new_image_is_judged_without_what_is_kept_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: list[bool]
) -> None:
    trial = Trial(tmp_path, 0)
    trial.toggle("star", "moving")
    trial.toggle("moon", "floating")
    monkeypatch.setattr(trial, "names", lambda: ["moon"])
    read: list[str] = []
    rest = KeptFile.rest

    def noted(lines: KeptFile, name: str) -> object:
        read.append(name)
        return rest(lines, name)

    def judged() -> list[Finding]:
        monkeypatch.setattr(KeptFile, "rest", noted)
        trial.new_image()
        trial.generate()
        read.clear()
        report = trial.report(keeps=True)
        assert isinstance(report, Report)
        monkeypatch.setattr(KeptFile, "rest", rest)
        assert report == trial.report(keeps=False)
        return list(report.findings)

    judged()
    findings = judged()
    assert (known[-1], trial.looked[-1]) == (True, (1, 5))
    assert {"moving-tag", "floating-image"} <= {finding.name for finding in findings}
    folders = {name for name in read if name.startswith(("overlays/", "argocd"))}
    assert folders == {"overlays/moon"}
    # Its own Application and project, of those of five.
    assert len({name for name in read if name.endswith(" argocd")}) == 2

    # The day is something that rules of all overlays may ask for, and so is each file's name.
    trial.next_day()
    judged()
    assert not known[-1]
    (trial.root / "clusters/notes.txt").write_text("nothing")
    judged()
    assert not known[-1]


def test_two_runs_at_once_leave_what_one_of_them_has_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Trial(tmp_path, 0)
    trial.generate()
    trial.report(keeps=True)
    trial.toggle("moon", "floating")
    trial.generate()
    write = NewlyKept.write
    others: list[object] = []

    def second(*given: object) -> None:
        if not others:
            others.append(None)
            trial.toggle("star", "moving")
            trial.generate()
            others.append(trial.report(keeps=True))
        write(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(NewlyKept, "write", second)
    first = trial.report(keeps=True)
    exact = trial.report(keeps=False)
    assert others[1] == exact != first
    assert trial.report(keeps=True) == exact


@pytest.mark.parametrize("is_put_back", [False, True], ids=["edited", "edited and put back"])
def test_what_is_edited_while_it_is_built_is_not_kept(
    is_put_back: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Trial(tmp_path, 0)
    trial.toggle("moon", "floating")
    trial.generate()
    file = trial.root / "clusters/moon/floating.yaml"
    generated = trial.root / "overlays/moon/kustomization.yaml"
    text = generated.read_bytes()
    keep = _Earlier.keep

    def edited(earlier: _Earlier, folder: str, output: bytes) -> None:
        if folder == "overlays/moon":
            generated.write_bytes(text + b"# by hand\n")
        if folder == "overlays/moon" and is_put_back:
            generated.write_bytes(text)
        keep(earlier, folder, output)

    monkeypatch.setattr(_Earlier, "keep", edited)
    trial.report(keeps=True)
    generated.write_bytes(text)
    monkeypatch.undo()
    monkeypatch.delenv("CI", raising=False)
    trial.report(keeps=True)
    assert file.exists()
    assert trial.looked[-1][0] == 1


def test_what_has_changed_is_let_go_before_and_what_was_looked_at_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = Trial(tmp_path, 0)
    for name in trial.names():
        with (trial.root / f"clusters/{name}.yaml").open("a") as file:
            file.write("features:\n  kvm-device-plugin:\n")
    trial.generate()
    trial.report(keeps=True)
    trial.toggle_catalog()
    trial.generate()

    used: list[KeptOverlays] = []
    held: list[set[str]] = []
    read: dict[str, Graph] = {}
    gone: list[Graph] = []
    let_go = Reading.let_go
    unchanged, build_overlays = KeptOverlays.unchanged, judge.build_overlays

    def asked(it: KeptOverlays, overlays: tuple[Overlay, ...]) -> dict[str, Overlay]:
        used.append(it)
        return unchanged(it, overlays)

    def building(*words: Any, **named: Any) -> judge.Built:
        held.append(set(used[0].file.overlays))
        return build_overlays(*words, **named)

    def walking(files: Mapping[str, bytes], folder: str, leaves: Leaves) -> Graph:
        assert folder not in read, "an overlay is read once"
        read[folder] = walk(files, folder, leaves)
        return read[folder]

    def letting_go(it: Reading) -> None:
        gone.append(it.graph)
        let_go(it)

    monkeypatch.setattr(KeptOverlays, "unchanged", asked)
    monkeypatch.setattr(judge, "build_overlays", building)
    monkeypatch.setattr(judge, "walk", walking)
    monkeypatch.setattr(Reading, "let_go", letting_go)
    found = trial.report(keeps=True)
    monkeypatch.undo()

    assert held == [{"argocd"}]
    assert read.keys() == {f"overlays/{name}" for name in trial.names()}
    assert {id(graph) for graph in gone} == {id(graph) for graph in read.values()}
    monkeypatch.delenv("CI", raising=False)
    assert found == trial.report(keeps=False)
    assert trial.looked[-1] == (4, 5)


def test_what_has_no_hash_is_never_kept() -> None:
    overlay = Overlay(name="x", folder="overlays/x")
    repository = Repository(files={"a": b"", "clusters/x.yaml": b""}, overlays=(overlay,), today=TODAY)

    def asked(ask: Callable[[Seen], object]) -> set[str]:
        seen = Seen(repository, overlay)
        ask(seen)
        return seen.asked

    assert asked(lambda it: it.today) == {"today"}
    assert asked(lambda it: it.synced.get("overlays/x")) == {"synced overlays/x"}
    assert asked(lambda it: it.files.get("clusters/x.yaml")) == set()
    for ask in (
        lambda it: it.files.get("a"),
        lambda it: list(it.files),
        lambda it: list(it.projects),
        lambda it: it.overlays,
        lambda it: list(it.objects),
        lambda it: it.synced_by,
        lambda it: it.applications,
    ):
        assert asked(ask) == {EVERYTHING}

    hashes = Hashes(repository)
    assert hashes.of("today") != Hashes(replace(repository, today=TODAY + timedelta(days=1))).of("today")


def test_a_kept_overlay_has_neither_objects_nor_a_graph() -> None:
    head = {"documents": [], "outlines": ""}
    forms = KeptForms(KeptFile({"overlays/x": head}), "overlays/x", KeptObjects(KeptFile(), {}))
    kept = KeptOverlay(name="x", folder="overlays/x", kept=forms)
    for name in ("objects", "graph"):
        with pytest.raises(NotLoadedError):
            getattr(kept, name)

    @per_overlay
    def reads(overlay: Overlay, files: Mapping[str, bytes]) -> int:
        return len(files["a"]) + len(overlay.reached)

    loaded = Overlay(name="x", folder="overlays/x")
    assert reads(loaded, {"a": b"12"}) == 2
    assert loaded.outside == {"a"}

    @per_overlay
    def names(overlay: Overlay, files: Mapping[str, bytes]) -> list[tuple[str, ...]]:
        return [tuple(files)]

    facts = [names(Overlay(name=each, folder=each), {"a": b""}) for each in "xy"]
    assert facts[0] is facts[1], "equal facts of many overlays take memory once"
    assert facts[0] == [["a"]]


def test_a_kept_overlay_tells_of_its_objects_what_a_loaded_one_tells() -> None:
    version: Object = {
        "apiVersion": "config.openshift.io/v1",
        "kind": "ClusterVersion",
        "metadata": {"name": "v"},
    }
    values = [
        FixedObject(value)
        for value in (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}},
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "b"}},
            version,
            {"apiVersion": "v1", "kind": "List", "metadata": {"name": "c"}, "items": [version]},
            {"apiVersion": "v1", "kind": ["no", "kind"], "metadata": {"name": "d"}},
        )
    ]
    keys = ["a", "b", "v", "c", "d"]
    loaded = Overlay(name="x", folder="overlays/x", objects=tuple(values), keys=keys)
    lines = NewKeptFile(KeptFile())
    for key, value in zip(keys, values, strict=True):
        is_whole = is_noted(value)
        about = {
            "identity": as_list(value.identity),
            "paths": [],
            "is_noted": is_whole,
            "kind": str(value["kind"]),
            "has_release": has_cluster_version(value),
        }
        lines.add_document(key, about, {"outline": outline(value), "noted": value if is_whole else None})
    head = {"documents": keys, "outlines": loaded.outlines_hash, "facts": None}
    lines.add_overlay("overlays/x", head, {"found": {}, "files": [], "facts": []})
    read = KeptFile.of(b"".join(lines.parts(None)))
    kept = KeptOverlay(
        name="x", folder="overlays/x", kept=KeptForms(read, "overlays/x", KeptObjects(read, {}))
    )

    for name in FORMS:
        if not name.endswith(("_of", "_unread")):
            assert list(getattr(kept, name)) == list(getattr(loaded, name)), name
    for kinds in (("Application",), ("Pod",), ("ClusterVersion", "List"), ()):
        assert list(kept.noted_of(*kinds)) == list(loaded.noted_of(*kinds))
        assert list(kept.noted_keys_of(*kinds)) == list(loaded.noted_keys_of(*kinds))
        as_kept, as_loaded = kept.noted_unread(*kinds), loaded.noted_unread(*kinds)
        assert [each.identity for each in as_kept] == [each.identity for each in as_loaded]
        assert [each.read() for each in as_kept] == list(loaded.noted_of(*kinds))

    # Who holds an object holds the one of all others; nobody else does.
    objects = KeptObjects(read, {})
    application = objects.noted("b")
    assert objects.noted_unread("b").read() is application
    held = ref(application)
    del application
    assert held() is None
    assert KeptFile.of(None) == KeptFile()


def test_overlays_that_have_one_document_share_its_key() -> None:
    document = Document(b"kind: Pod\n", FixedObject({"kind": "Pod"}))
    key = kept_overlays.key_of_document(document, "")
    assert key == digest(document.data)
    assert kept_overlays.key_of_document(document, "") is key
    assert kept_overlays.key_of_document(document, "argocd") == f"{key} argocd"
