"""What could not be judged in a repository that others wrote, and what is judged all the same."""

from pathlib import Path

import pytest
import yaml

from okd_gitops.check.ledger import Ledger
from okd_gitops.check.outcome import Report
from okd_gitops.manifests.application_set import World, expand
from okd_gitops.manifests.git_generator import matching_files
from okd_gitops.manifests.objects import Object
from okd_gitops.system import foreign_files
from theirs import CONFIG, URL, application, judged

WRONG = CONFIG.replace(b"\ndata:", b"\ndat:")
BASE = {"base/kustomization.yaml": b"resources: [a.yaml]\n", "base/a.yaml": WRONG}
UNKNOWN_FIELD = "/: additional properties 'dat' not allowed"


def ledger_of(report: Report) -> Ledger:
    assert report.ledger is not None
    return report.ledger


def application_set(generators: str, path: str, name: str = "all") -> bytes:
    return f"""apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: {name}, namespace: argocd}}
spec:
  generators: {generators}
  template:
    metadata: {{name: '{{{{name}}}}-{{{{path.basename}}}}'}}
    spec:
      project: default
      source: {{repoURL: {URL}, targetRevision: HEAD, path: '{path}'}}
      destination: {{name: in-cluster, namespace: shop}}
""".encode()


def git(pattern: str) -> str:
    return f"{{git: {{repoURL: {URL}, revision: HEAD, directories: [{{path: '{pattern}'}}]}}}}"


def matrix(first: str, second: str) -> str:
    return f"[{{matrix: {{generators: [{first}, {second}]}}}}]"


# An ApplicationSet, the roots that are found beside its own file, and the files that are blocked.
SETS = {
    "clusters and folders": (
        application_set(matrix("{clusters: {}}", git("apps/*")), "{{path}}"),
        {"apps/a", "apps/b"},
        set(),
    ),
    "folders and clusters": (
        application_set(matrix(git("apps/*"), "{clusters: {}}"), "{{path}}"),
        {"apps/a", "apps/b"},
        set(),
    ),
    "folders of what a list has": (
        application_set(matrix("{list: {elements: [{of: apps}]}}", git("{{of}}/a")), "{{path}}"),
        {"apps/a"},
        set(),
    ),
    "folders of clusters that no file registers": (
        application_set(matrix("{clusters: {}}", git("{{name}}/a")), "{{path}}"),
        {"apps/a"},
        set(),
    ),
    "a list from which a selector chooses": (
        application_set(
            "[{list: {elements: [{path: apps/a, of: x}, {path: apps/b, of: y}]}, "
            "selector: {matchExpressions: [{key: of, operator: NotIn, values: [y]}]}}]",
            "{{path}}",
        ),
        {"apps/a"},
        set(),
    ),
    "folders that merge with clusters": (
        application_set(
            f"[{{merge: {{mergeKeys: [x], generators: [{git('apps/*')}, {{clusters: {{}}}}]}}}}]", "{{path}}"
        ),
        {"apps/a", "apps/b"},
        set(),
    ),
    "files below a star": (
        application_set(f"[{{git: {{repoURL: {URL}, files: [{{path: 'apps/*.yaml'}}]}}}}]", "{{path}}"),
        {"apps/a", "apps/b"},
        set(),
    ),
    "clusters alone": (
        application_set("[{clusters: {}}]", "apps/{{name}}"),
        set(),
        {"apps/a/a.yaml", "apps/b/a.yaml"},
    ),
    "a plug-in": (
        application_set("[{plugin: {configMapRef: {name: a}}}]", "apps/{{name}}"),
        set(),
        {"apps/a/a.yaml", "apps/b/a.yaml"},
    ),
    "clusters that say nothing of a path": (application_set("[{clusters: {}}]", "{{name}}"), set(), set()),
}


@pytest.mark.parametrize(
    ("selected", "count", "reason"),
    [
        ("", 2_000, "it makes more than 2,000 Applications, of which these are judged"),
        (", selector: {matchLabels: {x: none}}", 0, "its generators make more than 50,000 rows"),
    ],
)
def test_a_large_product_is_cut_before_it_is_made(selected: str, count: int, reason: str) -> None:
    lists = [{"list": {"elements": [{name: f"{name}{n}"} for n in range(2_000)]}} for name in "xy"]
    generator = {"matrix": {"generators": lists}} | yaml.safe_load(f"{{a: b{selected}}}")
    made: Object = yaml.safe_load(application_set("[]", "apps/{{x}}-{{y}}"))
    made["spec"]["generators"] = [generator, generator]
    expansion = expand(made, World({}, lambda _: True))

    assert len(expansion.applications) == count
    assert expansion.unknown == reason
    assert expansion.rows <= 50_002


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("tenants/*.json", {"tenants/b.json", "tenants/a/c.json"}),
        ("[r-t]enants/?.json", {"tenants/b.json"}),
        ("[^a-c]enants/[!b].json", set()),
        ("tenants/{a/c,b}.json", {"tenants/b.json", "tenants/a/c.json"}),
        ("tenants/**/b.json", {"tenants/b.json"}),
        ("tenants/a", {"tenants/a/c.json"}),
        ("*.yml", set()),
        ("{a,b}" * 30, set()),
    ],
)
def test_a_glob_finds_files_in_either_reading_of_argo_cd(pattern: str, found: set[str]) -> None:
    files = dict.fromkeys(("tenants/b.json", "tenants/a/c.json", "all.yaml"), b"")
    assert set(matching_files(pattern, files)) == found


@pytest.mark.parametrize("name", SETS)
def test_an_application_set_is_expanded_as_far_as_files_say_and_the_rest_is_blocked(
    tmp_path: Path, name: str
) -> None:
    declared, roots, blocked = SETS[name]
    files = {"all.yaml": declared, "apps/a/a.yaml": CONFIG, "apps/b/a.yaml": CONFIG.replace(b"web", b"db")}
    ledger = ledger_of(judged(tmp_path, files))

    assert set(ledger.roots) == {"all.yaml", *roots}
    assert {path for path, reason in ledger.unjudged.items() if reason.startswith("blocked")} == blocked
    assert {*ledger.judged, *ledger.unjudged} == set(files)
    assert ledger.is_complete == (not ledger.unjudged)


def test_what_a_plug_in_of_argo_cd_renders_is_blocked_with_the_application(tmp_path: Path) -> None:
    files = {"argocd/web.yaml": application("web", ", plugin: {name: vault}"), "web/a.yaml": CONFIG}
    ledger = ledger_of(judged(tmp_path, {**files, "alone/a.yaml": CONFIG}))

    assert ledger.unjudged == {
        "alone/a.yaml": "nothing deploys it",
        "web/a.yaml": "blocked: web could not be judged",
    }
    assert [(each.folder, each.cause) for each in ledger.blocked] == [
        ("web", "a plug-in of Argo CD renders it (Application argocd/web)")
    ]


BROKEN_USERS = {
    "an entry names nothing": b"resources: [../base, missing.yaml]\n",
    "it is no YAML": b"resources: [../base\n",
    "kustomize refuses it": b"resources: [../base]\nresuorces: []\n",
    "a chart": b"resources: [../base]\nhelmCharts: [{name: a}]\n",
}


@pytest.mark.parametrize("name", BROKEN_USERS)
def test_a_base_is_judged_although_its_only_user_is_broken(tmp_path: Path, name: str) -> None:
    report = judged(tmp_path, {"overlay/kustomization.yaml": BROKEN_USERS[name], **BASE})
    ledger = ledger_of(report)

    assert UNKNOWN_FIELD in [finding.reason for finding in report.findings]
    assert set(ledger.judged) == set(BASE)
    assert [each.folder for each in ledger.blocked] == ["overlay"]


def test_a_base_alone_is_not_asked_for_what_its_user_may_add(tmp_path: Path) -> None:
    part = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n"
    report = judged(
        tmp_path,
        {
            "overlay/kustomization.yaml": BROKEN_USERS["an entry names nothing"],
            **BASE,
            "base/a.yaml": part,
        },
    )
    assert [finding.reason for finding in report.findings] == ['"missing.yaml" does not exist']


def test_a_base_that_does_not_build_is_told_once(tmp_path: Path) -> None:
    overlay = b"resources: [../base]\n"
    base = {**BASE, "base/kustomization.yaml": b"resources: [a.yaml]\nresuorces: []\n"}
    report = judged(tmp_path, {"overlay/kustomization.yaml": overlay, **base})

    assert [finding.clusters for finding in report.findings] == [("base",)]
    assert {each.folder for each in ledger_of(report).blocked} == {"base", "overlay"}


@pytest.mark.parametrize(
    "files",
    [
        {"kustomization.yaml": b"resources: [a.yaml, large.yaml]\n", "a.yaml": CONFIG},
        {"argocd/a.yaml": application("web"), "web/large.yaml": b""},
        {"argocd/a.yaml": application("web", ", helm: {valueFiles: [large.yaml]}"), "web/Chart.yaml": b""},
    ],
)
def test_a_file_that_is_too_large_is_there_and_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]
) -> None:
    monkeypatch.setattr(foreign_files, "MAX_GENERATED", 1 << 20)
    place = "large.yaml" if "kustomization.yaml" in files else "web/large.yaml"
    report = judged(tmp_path, {**files, place: CONFIG + b"#" * (1 << 20)})
    ledger = ledger_of(report)

    assert report.findings == ()
    assert ledger.unjudged[place].startswith("it is too large (1 MiB)")
    assert not ledger.is_complete
    if "kustomization.yaml" in files:
        assert [each.cause for each in ledger.blocked] == [
            f'"large.yaml" was not read: {ledger.unjudged[place]}'
        ]


def test_an_empty_list_of_charts_blocks_nothing(tmp_path: Path) -> None:
    report = judged(
        tmp_path, {"kustomization.yaml": b"helmCharts: []\nresources: [a.yaml]\n", "a.yaml": CONFIG}
    )
    assert ledger_of(report).is_complete
