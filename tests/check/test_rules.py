"""Each rule has cases that it must object to and cases that it must leave alone, as plain files.

A case holds rendered objects. Comment lines set the scene: `# purpose: cd`, `# environment: okd`, `#
clusters: a, b` (the fleet), `# declared: Secret/x`, `# expires: 2026-01-31`, `# files: path, path` (that
exist), `# url: none` (a repository of others), `# common: a, b` (words of the catalog), `# gates: a, b` (of
fleet.yaml), `# servers: a=https://…` (of clusters), `# release: path=value path=value` (of x), `# reached:
path, path` (by a kustomization), and in a bad case `# expect: text of the reason`.
A line `# overlay: FOLDER` begins another overlay; before the first it is overlays/x. What follows
`# overlay: planned` is what overlays/x would be without its extras, `# overlay: guards` the tool's own
policy. `# kustomization: {…}` is the content of
every overlay's kustomization.yaml; with `# written: yes` its objects stand in a file as rendered; `# quota:
cpu=4 storage=400Gi` is that of the namespace builds; `# severity: warning` is what a bad case is to weigh.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from okd_gitops.check import rules
from okd_gitops.check.rule import ExpandedSet, Fault, Overlay, Quota, Repository
from okd_gitops.check.rule_set import all_rules
from okd_gitops.check.run_rules import run
from okd_gitops.explanation import Explanation, explanation_of, explanations
from okd_gitops.finding import Finding
from okd_gitops.manifests.application_set import World, expand
from okd_gitops.manifests.argocd import of_kind
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.graph import Graph, Written, read_already
from okd_gitops.manifests.objects import FixedObject, Object, ObjectId
from okd_gitops.manifests.read import Document, read, read_all

CASES = Path(__file__).parent / "rules"
RULES = {name.replace("-", "_"): module for name, module in all_rules().items()}
URL = "https://git.example.org/fleet.git"


def found_in(repository: Repository) -> list[Finding]:
    """Run the rules on overlays whose objects are told apart by their ids."""
    keyed = [replace(each, keys=[str(id(value)) for value in each.objects]) for each in repository.overlays]
    return run(replace(repository, overlays=tuple(keyed)))


def scene(text: str) -> Repository:
    options = dict(re.findall(r"^# ([a-z]+): (.*)$", text, re.MULTILINE))
    names = [name.strip() for name in options.get("clusters", "").split(",") if name.strip()]
    parts = re.split(r"^# overlay: (.*)$", text, flags=re.MULTILINE)
    overlays = [("overlays/x", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    planned = dict(overlays).get("planned")
    guards = dict(overlays).get("guards")
    overlays = [overlay for overlay in overlays if overlay[0] not in ("planned", "guards")]
    reached = {path.strip() for path in options.get("reached", "").split(",") if path.strip()}
    servers = dict(entry.split("=") for entry in options.get("servers", "").split())
    rendered = [
        Overlay(
            name=folder.rpartition("/")[2],
            release=dict(entry.split("=") for entry in options.get("release", "").split()),
            guards=objects(guards) if guards and folder == "overlays/x" else (),
            server=servers.get(folder.rpartition("/")[2], ""),
            folder=folder,
            objects=objects(body),
            planned=objects(planned) if planned and folder == "overlays/x" else None,
            reading=read_already(
                Graph(
                    objects=written(body) if "written" in options else {},
                    files=reached,
                    kustomizations=kustomizations(
                        f"{folder}/kustomization.yaml", options.get("kustomization", "")
                    ),
                )
            ),
            purpose=options.get("purpose", "") if folder != "argocd" else "",
            environment=options.get("environment", ""),
            declared=frozenset(
                name.strip() for name in options.get("declared", "").split(",") if name.strip()
            ),
            expires=date.fromisoformat(options["expires"]) if "expires" in options else None,
        )
        for folder, body in overlays
    ]
    files = {path.strip(): b"" for path in options.get("files", "").split(",")} | dict.fromkeys(reached, b"")
    destinations = {name: "in-cluster" if name == "hub" else name for name in names}
    world = World(files, lambda url: url == URL)
    everything = [value for overlay in rendered for value in overlay.objects]
    return Repository(
        files=files,
        overlays=tuple(rendered),
        sets=tuple(ExpandedSet(one, expand(one, world)) for one in of_kind(everything, "ApplicationSet")),
        today=date(2026, 1, 31),
        destinations=destinations,
        url=URL if options.get("url") != "none" else "",
        common=frozenset(options.get("common", "").split(", ")),
        gates=frozenset(options.get("gates", "").split(", ")),
        quotas=quotas(options.get("quota", "")),
    )


def quotas(text: str) -> tuple[Quota, ...]:
    limits = dict(limit.split("=") for limit in text.split())
    return (Quota(cluster="x", namespace="builds", **limits),) if limits else ()


def objects(text: str) -> tuple[Object, ...]:
    return tuple(value for value in yaml.safe_load_all(text) if value)


def written(text: str) -> dict[ObjectId, Written]:
    documents = read_all("x.yaml", text.encode(), bounds=FOREIGN)
    return {ObjectId.of(document.value): Written(document) for document in documents}


def kustomizations(path: str, text: str) -> dict[str, Document]:
    return {path: read(path, text.encode())} if text else {}


def cases(side: str) -> list[tuple[str, Path]]:
    return [(name, path) for name in RULES for path in sorted((CASES / name / side).glob("*.yaml"))]


@pytest.mark.parametrize(
    ("name", "path"), cases("bad"), ids=lambda value: value.stem if isinstance(value, Path) else value
)
def test_each_bad_case_is_refused(name: str, path: Path) -> None:
    text = path.read_text()
    found = [finding for finding in found_in(scene(text)) if finding.name == name.replace("_", "-")]
    expected = re.findall(r"^# expect: (.*)$", text, re.MULTILINE)
    assert expected, "a bad case says what it expects"
    for reason in expected:
        assert any(reason in finding.reason for finding in found), [finding.reason for finding in found]
    assert all(finding.remedy for finding in found)
    for remedy in re.findall(r"^# fix: (.*)$", text, re.MULTILINE):
        assert remedy in {finding.remedy for finding in found}
    for severity in re.findall(r"^# severity: (.*)$", text, re.MULTILINE):
        assert {finding.severity for finding in found} == {severity}


@pytest.mark.parametrize(
    ("name", "path"), cases("good"), ids=lambda value: value.stem if isinstance(value, Path) else value
)
def test_each_good_case_is_accepted(name: str, path: Path) -> None:
    assert [
        finding.reason
        for finding in found_in(scene(path.read_text()))
        if finding.name == name.replace("_", "-")
    ] == []


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_has_both_sides_and_an_entry_that_explains_it(name: str) -> None:
    assert {side for side in ("good", "bad") if list((CASES / name / side).glob("*.yaml"))} == {"good", "bad"}
    assert explanation_of(name.replace("_", "-")).area == "rule"


def test_each_module_each_entry_and_each_folder_of_cases_is_a_rule() -> None:
    modules = [path.stem for path in Path(rules.__path__[0]).glob("[a-z]*.py")]
    assert sorted(modules) == sorted(RULES)
    assert {path.name for path in CASES.iterdir()} == set(RULES)
    assert {name for name, explanation in explanations().items() if explanation.area == "rule"} == set(
        all_rules()
    )


def test_a_file_and_its_entry_are_all_that_a_rule_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["from okd_gitops.check.rule import Fault", "def check_object(value):"]
    lines += [
        '    if value["metadata"]["name"] == "bob":',
        '        yield Fault(reason="bob", remedy="rename it")',
    ]
    (tmp_path / "no_bob.py").write_text("\n".join(lines))
    entry = Explanation(
        name="no-bob", area="rule", title="Nothing must be called Bob.", why="", remedy="", severity="warning"
    )
    monkeypatch.setattr("okd_gitops.finding.explanation_of", {"no-bob": entry}.__getitem__)
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(tmp_path)])
    all_rules.cache_clear()
    try:
        found = found_in(scene("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bob, namespace: x}\n"))
        assert [(finding.name, finding.severity) for finding in found] == [("no-bob", "warning")]
    finally:
        monkeypatch.undo()
        all_rules.cache_clear()


def test_an_object_that_many_clusters_share_is_one_finding() -> None:
    value: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "namespace": "x"},
        "data": {"a": "c2VjcmV0"},
    }
    overlays = tuple(Overlay(name=name, folder=f"overlays/{name}", objects=(value,)) for name in ("a", "b"))
    (finding,) = [
        found
        for found in found_in(Repository(files={}, overlays=overlays, today=date(2026, 1, 1)))
        if found.name == "secret-in-git"
    ]
    assert finding.clusters == ("a", "b")
    assert "c2VjcmV0" not in str(finding)


def test_what_was_found_of_an_overlay_is_forgotten_when_it_was_looked_at() -> None:
    def pod(name: str) -> FixedObject:
        image = "example.org/a:latest"
        spec = {"containers": [{"name": "a", "image": image}]}
        return FixedObject({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})

    shared, own = pod("shared"), [pod("own"), pod("own")]
    overlays = tuple(
        Overlay(name=name, folder=f"overlays/{name}", objects=(shared, value), keys=["shared", name])
        for name, value in zip("ab", own, strict=True)
    )

    found = run(Repository(files={}, overlays=overlays, today=date(2026, 1, 1)))
    floating = [each for each in found if each.name == "floating-image"]
    assert [each.clusters for each in floating] == [("a", "b"), ("a",), ("b",)]
    assert shared.found, "the next overlay has it too"
    assert not any(value.found for value in own)
    assert not any(overlay._by_kind for overlay in overlays)


def spoiled(value: object) -> Iterator[object]:
    """Yield a value once for each place in it and each type that does not belong there."""
    yield from (None, True, 7, "", "x", [], [None], [[]], {}, {"x": [{}]})
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: other} for other in spoiled(item))
    elif isinstance(value, list):
        # The entries of a list are alike; the first ones stand for a long one.
        for index, item in enumerate(value[:4]):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in spoiled(item))


@pytest.mark.parametrize("name", sorted(RULES))
def test_no_rule_crashes_on_a_wrong_type(name: str) -> None:
    # Random objects seldom reach the last line of a rule; its own cases do, one wrong type at a time.
    for path in sorted((CASES / name).glob("*/*.yaml")):
        whole = scene(path.read_text())
        for position, overlay in enumerate(whole.overlays):
            for index, value in enumerate(overlay.objects):
                for other in spoiled(value):
                    if isinstance(other, dict):
                        objects = (*overlay.objects[:index], other, *overlay.objects[index + 1 :])
                        overlays = (
                            *whole.overlays[:position],
                            replace(overlay, objects=objects),
                            *whole.overlays[position + 1 :],
                        )
                        for finding in judge(name, replace(whole, overlays=overlays)):
                            assert isinstance(finding, Fault)


def judge(name: str, repository: Repository) -> list[Fault]:
    module = RULES[name]
    found: list[Fault] = []
    for overlay in repository.overlays:
        found += [
            fault
            for value in overlay.objects
            if hasattr(module, "check_object")
            for fault in module.check_object(value)
        ]
        found += module.check_cluster(overlay, repository) if hasattr(module, "check_cluster") else []
    return found + list(module.check_repository(repository) if hasattr(module, "check_repository") else [])


KEYS = st.one_of(
    st.sampled_from(
        [
            "apiVersion",
            "kind",
            "metadata",
            "name",
            "namespace",
            "labels",
            "annotations",
            "spec",
            "data",
            "image",
            "containers",
            "steps",
        ]
    ),
    st.sampled_from(
        [
            "desiredUpdate",
            "version",
            "channel",
            "clusterID",
            "source",
            "path",
            "project",
            "destination",
            "triggers",
            "interceptors",
        ]
    ),
    st.sampled_from(
        [
            "params",
            "tasks",
            "taskRef",
            "workspaces",
            "syncPolicy",
            "automated",
            "prune",
            "template",
            "resourcetemplates",
            "finalizers",
        ]
    ),
)
KINDS = [
    "ClusterVersion",
    "Application",
    "AppProject",
    "Secret",
    "Pipeline",
    "Task",
    "EventListener",
    "TriggerTemplate",
    "CronJob",
    "Namespace",
]
KINDS += ["CustomResourceDefinition"]
APIS = [
    "v1",
    "config.openshift.io/v1",
    "argoproj.io/v1alpha1",
    "tekton.dev/v1",
    "triggers.tekton.dev/v1beta1",
    "batch/v1",
]
WORDS = st.sampled_from([*KINDS, *APIS, "version", "x", "", "$(params.x)", "a:latest", "*"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(APIS) | JSON,
        "kind": st.sampled_from(KINDS) | JSON,
        "metadata": JSON,
        "spec": JSON,
    }
)


@settings(max_examples=300)
@given(st.lists(OBJECTS, max_size=4), st.sampled_from(["", "cd"]))
def test_no_rule_crashes_on_any_shape(objects: list[Object], purpose: str) -> None:
    graph = Graph()
    overlays = (
        Overlay(
            name="x",
            folder="overlays/x",
            objects=tuple(objects),
            reading=read_already(graph),
            purpose=purpose,
            environment="okd",
        ),
        Overlay(name="argocd", folder="x", objects=tuple(objects), reading=read_already(graph)),
    )
    found = found_in(
        Repository(
            files={"bases/x.yaml": b""},
            overlays=overlays,
            today=date(2026, 1, 1),
            destinations={"x": "x", "y": "y"},
            url=URL,
        )
    )
    assert all(finding.name in all_rules() for finding in found)


@pytest.mark.parametrize("form", ["noted", "outlines"])
def test_applications_of_one_overlay_do_not_make_others_be_read_again(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = getattr(Overlay, form).fget
    reads: list[str] = []

    def counted(overlay: Overlay) -> object:
        reads.append(overlay.name)
        return read(overlay)

    monkeypatch.setattr(Overlay, form, property(counted))
    # No Application has a destination, and each ignores a kind that is not here.
    application = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a%d}\n"
        f"spec: {{project: p, source: {{repoURL: '{URL}', path: overlays/x}}, "
        "ignoreDifferences: [{kind: Nothing}]}\n---\n"
    )
    other = "# overlay: overlays/y\napiVersion: v1\nkind: Namespace\nmetadata: {name: y}\n"

    def reads_with(applications: int) -> int:
        reads.clear()
        found = found_in(scene("".join(application % number for number in range(applications)) + other))
        names = {finding.name for finding in found}
        assert {"refused-by-argocd", "fruitless-ignore"} <= names
        return reads.count("y")

    assert reads_with(9) == reads_with(3)
