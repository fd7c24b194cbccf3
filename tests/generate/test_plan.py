"""From cluster files and a small catalog to overlays: what lands where, and what is refused."""

import pytest
import yaml

from okd_gitops.errors import UsageError
from okd_gitops.finding import Finding, FindingsError
from okd_gitops.fleet.feature import load_catalog
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.load import fleet_of
from okd_gitops.generate.overlays import render
from okd_gitops.generate.plan import Plan, plan, plan_of
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.tree import Tree
from small_catalog import CATALOG
from small_plan import BUILD, FLEET, RELEASE, cluster, fleet, planned, rendered


def faults(text: str, extras: dict[str, bytes] | None = None) -> list[Finding]:
    with pytest.raises(FindingsError) as error:
        planned(cluster("hub", f"purpose: hub\n{RELEASE}"), cluster("x", text, extras))
    return list(error.value.findings)


def test_a_feature_becomes_bases_and_an_overlay() -> None:
    tree = rendered(BUILD + '"5.1"\n    - {minor: "4.18", branch: mine}\n    mode: fast\n')
    assert [path for path in tree if path.startswith(("bases/build", "overlays/x"))] == [
        "bases/build/common/configmap-build.yaml",
        "bases/build/common/generated.sha256",
        "bases/build/common/kustomization.yaml",
        "bases/build/line/cronjob-build.yaml",
        "bases/build/line/generated.sha256",
        "bases/build/line/kustomization.yaml",
        "overlays/x/build-4.18/kustomization.yaml",
        "overlays/x/build-5.1/kustomization.yaml",
        "overlays/x/generated.sha256",
        "overlays/x/kustomization.yaml",
        "overlays/x/namespace-build.yaml",
    ]
    assert (
        tree["bases/build/common/configmap-build.yaml"].decode()
        == CATALOG["features/build/common/configmap-build.yaml"]
    )
    overlay = yaml.safe_load(tree["overlays/x/kustomization.yaml"])
    assert overlay["resources"] == [
        "namespace-build.yaml",
        "../../bases/build/common",
        "build-5.1",
        "build-4.18",
        "../../bases/tools/p",
    ]
    assert yaml.safe_load(overlay["patches"][0]["patch"]) == [
        {"op": "replace", "path": "/data/mode", "value": "fast"},
        {"op": "add", "path": "/data/channel", "value": "stable-scos-4"},
    ]
    copy = yaml.safe_load(tree["overlays/x/build-5.1/kustomization.yaml"])
    assert copy["patches"][0]["target"] == {
        "group": "batch",
        "version": "v1",
        "kind": "CronJob",
        "name": "build",
        "namespace": "build",
    }
    assert [(step["op"], step["value"]) for step in yaml.safe_load(copy["patches"][0]["patch"])] == [
        ("replace", "build-5.1"),
        ("test", "MINOR"),
        ("replace", "5.1"),
        ("test", "BRANCH"),
        ("replace", "release-5.1"),
    ]
    assert "mine" in tree["overlays/x/build-4.18/kustomization.yaml"].decode()


def test_one_more_line_is_one_more_copy_and_nothing_else() -> None:
    one, two = rendered(BUILD + '"4.20"\n'), rendered(BUILD + '"4.20"\n    - minor: "5.1"\n')
    changed = {path for path in {*one, *two} if one.get(path) != two.get(path)}
    assert changed == {
        "overlays/x/build-5.1/kustomization.yaml",
        "overlays/x/kustomization.yaml",
        "overlays/x/generated.sha256",
    }


def test_an_environment_gets_only_its_parts() -> None:
    tree = rendered('purpose: test\nenvironment: kind\nkubernetes: "1.35"\nfeatures: {build: {}}\n')
    assert yaml.safe_load(tree["overlays/x/kustomization.yaml"])["resources"] == [
        "namespace-build.yaml",
        "../../bases/build/common",
        "../../bases/tools/p",
    ]
    assert not [path for path in tree if path.startswith("argocd/x/")]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (BUILD + '"4.19"\n', "missing-parameter", '"branch" is missing'),
        (BUILD + '"4.15"\n', "missing-parameter", '"branch" is missing'),
        (BUILD + "4.20\n", "invalid-value", "write it in quotes"),
        (BUILD + '"../x"\n', "invalid-name", "cannot be part of a name"),
        (BUILD + '"4.20"\n    - minor: "4.20"\n', "duplicate-key", "occurs twice"),
        (BUILD + '"4.20"\n      brunch: x\n', "not-in-catalog", 'did you mean "branch"?'),
        (BUILD + '"4.20"\n    mode: quick\n', "invalid-value", "one of slow, fast"),
        (BUILD + '"4.20"\n    mood: slow\n', "not-in-catalog", 'did you mean "mode"?'),
        (BUILD + '"4.20"\n    channel: x\n', "not-in-catalog", 'has no parameter "channel"'),
        (f"purpose: test\n{RELEASE}features: {{buld: }}\n", "not-in-catalog", 'did you mean "build"?'),
        (f"purpose: test\n{RELEASE}features: {{build: }}\n", "invalid-value", "list with at least one entry"),
        (f"purpose: test\n{RELEASE}expires: 2026-12-18\n", "invalid-value", "must not expire"),
        (f"purpose: ephemeral\n{RELEASE}", "missing-value", "expires and needs"),
        (
            'purpose: test\nenvironment: kubernetes\nkubernetes: "1.35"\nfeatures: {build: }\n',
            "unsuitable-feature",
            "it is for: okd, kind",
        ),
        (
            (
                "purpose: test\n"
                "environment: kind\n"
                'kubernetes: "1.35"\n'
                'features: {build: {lines: [{minor: "4.20"}]}}\n'
            ),
            "unsuitable-feature",
            "no effect on a kind cluster",
        ),
        (
            'purpose: test\nenvironment: kind\nkubernetes: "1.35"\nfeatures: {build: {region: eu}}\n',
            "unsuitable-feature",
            "no effect on a kind cluster",
        ),
    ],
)
def test_refusals(text: str, code: str, said: str) -> None:
    found = [finding for finding in faults(text) if finding.location.file == "clusters/x.yaml"]
    assert [finding.name for finding in found] == [code]
    assert said in f"{found[0].reason} {found[0].remedy}"
    assert found[0].location.line > 0


def test_a_required_feature_is_named() -> None:
    without = {path: text.replace("features: [tools]", "features: []") for path, text in CATALOG.items()}
    document = read("fleet.yaml", FLEET)
    catalog = load_catalog(Tree({path: text.encode() for path, text in without.items()}))
    clusters = [cluster("hub", f"purpose: hub\n{RELEASE}"), cluster("x", BUILD + '"4.20"\n')]
    with pytest.raises(FindingsError) as error:
        plan(fleet_of(parse(FleetSpec, document), document, clusters, catalog))
    assert [(finding.name, finding.reason) for finding in error.value.findings] == [
        ("unsuitable-feature", '"build" needs the feature "tools"')
    ]


def test_the_hub_must_exist_and_be_one() -> None:
    with pytest.raises(FindingsError) as error:
        planned(cluster("hub", f"purpose: cd\n{RELEASE}"), cluster("hubb", f"purpose: hub\n{RELEASE}"))
    assert [(finding.name, finding.location.file, finding.remedy) for finding in error.value.findings] == [
        ("empty-fleet", "fleet.yaml", 'did you mean "hubb"?')
    ]


def test_a_path_that_the_catalog_object_lacks_is_the_catalogs_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        CATALOG,
        "features/build/feature.yaml",
        CATALOG["features/build/feature.yaml"].replace("name=BRANCH", "name=BRUNCH"),
    )
    assert [finding.name for finding in faults(BUILD + '"4.20"\n')] == ["broken-feature"]


GRAPH = {
    "features/graph/feature.yaml": """\
summary: Things that need each other.
environments: {okd: [thing]}
each:
  things:
    summary: Things.
    part: thing
    key: name
    fields:
      name: {summary: Name., sets: [{object: ConfigMap/thing, path: data.what, text: NAME}]}
      place: {summary: Place., default: here, sets: [{object: ConfigMap/thing, path: data.what, text: PLACE}]}
      needs:
        {summary: Needs., type: entries, optional: true, sets: [{object: ConfigMap/thing, path: data.needs}]}
""",
    "features/graph/thing/configmap-thing.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: thing, namespace: default}
data: {what: NAME at PLACE, needs: ""}
""",
}
THINGS = f"purpose: test\n{RELEASE}features:\n  graph:\n    things:\n"


def test_values_meet_in_one_string_and_none_is_found_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, text in GRAPH.items():
        monkeypatch.setitem(CATALOG, path, text)
    tree = rendered(
        THINGS + "    - {name: a, place: NAME}\n    - {name: b, needs: [c, a]}\n    - {name: c}\n"
    )

    def steps(key: str) -> list[tuple[str, str]]:
        copy = yaml.safe_load(tree[f"overlays/x/graph-{key}/kustomization.yaml"])
        return [(step["path"], step["value"]) for step in yaml.safe_load(copy["patches"][0]["patch"])]

    assert steps("a") == [("/metadata/name", "thing-a"), ("/data/what", "a at NAME")]
    assert steps("b") == [("/metadata/name", "thing-b"), ("/data/needs", "c a"), ("/data/what", "b at here")]


@pytest.mark.parametrize(
    ("things", "code", "said", "line"),
    [
        (
            "- {name: a, needs: [beta]}\n    - {name: bet}",
            "not-in-catalog",
            'no entry of things is called "beta" did you mean "bet"?',
            11,
        ),
        ("- {name: a, needs: [a]}", "invalid-value", "form a circle: a needs a", 11),
        (
            "- {name: a}\n    - {name: b, needs: [c]}\n    - {name: c, needs: [b]}",
            "invalid-value",
            "form a circle: b needs c needs b",
            12,
        ),
        ("- {name: a, needs: b}", "invalid-value", "a list of strings is expected", 11),
    ],
)
def test_unknown_needs_and_circles_are_refused(
    monkeypatch: pytest.MonkeyPatch, things: str, code: str, said: str, line: int
) -> None:
    for path, text in GRAPH.items():
        monkeypatch.setitem(CATALOG, path, text)
    (found,) = faults(f"{THINGS}    {things}\n")
    assert (found.name, found.location.line) == (code, line)
    assert said in f"{found.reason} {found.remedy}"


def test_a_text_that_is_not_there_once_is_the_catalogs_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    for path, text in GRAPH.items():
        monkeypatch.setitem(CATALOG, path, text.replace("NAME at PLACE", "NAME at NAME"))
    assert {finding.name for finding in faults(THINGS + "    - {name: a}\n")} == {"broken-feature"}


EXTRAS = {
    "kustomization.yaml": b"resources: [vlan.yaml]\nnamespace: net\n",
    "vlan.yaml": b"apiVersion: v1\nkind: Service\nmetadata: {name: vlan}\n",
}


def test_extras_are_a_resource_and_widen_the_project() -> None:
    tree = rendered(f"purpose: test\n{RELEASE}", EXTRAS)
    assert "../../clusters/x" in yaml.safe_load(tree["overlays/x/kustomization.yaml"])["resources"]
    spec = yaml.safe_load(tree["argocd/x/appproject.yaml"])["spec"]
    assert {"group": "", "kind": "Service"} in spec["namespaceResourceWhitelist"]
    assert {"name": "x", "namespace": "net"} in spec["destinations"]


CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ks.example.org}
spec:
  group: example.org
  scope: Cluster
  names: {kind: K}
"""


def listed(tree: Tree, group: str) -> dict[str, list[str]]:
    """Return the kinds of a group that a project permits, by the list that permits them."""
    spec = yaml.safe_load(tree["argocd/x/appproject.yaml"])["spec"]
    lists = ("clusterResourceWhitelist", "namespaceResourceWhitelist")
    return {key: [entry["kind"] for entry in spec[key] if entry["group"] == group] for key in lists}


@pytest.mark.parametrize(
    ("group", "kind", "definition", "cluster_kinds", "namespaced_kinds"),
    [
        ("console.openshift.io", "ConsoleNotification", "", ["ConsoleNotification"], []),
        ("example.org", "K", CRD, ["K"], []),
        ("example.org", "K", CRD.replace("Cluster", "Namespaced"), [], ["K"]),
        # Nothing tells the scope, so Argo CD may look in either list.
        ("example.org", "K", "", ["K"], ["K"]),
    ],
)
def test_a_project_lists_a_kind_by_the_scope_that_its_api_serves(
    group: str, kind: str, definition: str, cluster_kinds: list[str], namespaced_kinds: list[str]
) -> None:
    value = f"apiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: lab}}\n"
    extras = {
        "kustomization.yaml": b"resources: [all.yaml]\n",
        "all.yaml": f"{value}---\n{definition}".encode(),
    }
    tree = rendered(f"purpose: test\n{RELEASE}", extras)
    assert listed(tree, group) == {
        "clusterResourceWhitelist": cluster_kinds,
        "namespaceResourceWhitelist": namespaced_kinds,
    }


def test_a_component_among_the_extras_can_patch() -> None:
    extras = {
        "kustomization.yaml": b"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: []\n"
    }
    overlay = yaml.safe_load(rendered(f"purpose: test\n{RELEASE}", extras)["overlays/x/kustomization.yaml"])
    assert overlay["components"] == ["../../clusters/x"]
    assert "../../clusters/x" not in overlay["resources"]


@pytest.mark.parametrize(
    ("extras", "code"),
    [
        ({"vlan.yaml": b"a: 1\n"}, "broken-kustomization"),
        ({"kustomization.yaml": b"resources: [gone.yaml]\n"}, "broken-kustomization"),
        ({"kustomization.yaml": b"resources: [https://github.com/x/y]\n"}, "outside-repository"),
        ({"kustomization.yaml": b"resources: ['github.com/x/y?ref=v1']\n"}, "outside-repository"),
        ({"kustomization.yaml": b"resources: ['git@example.org:x/y.git']\n"}, "outside-repository"),
        ({"kustomization.yaml": b"resources: [../../../../etc]\n"}, "outside-repository"),
        ({"kustomization.yaml": b"helmCharts: [{name: x}]\n"}, "kustomize-plugin"),
        ({"kustomization.yaml": b"generators: ['apiVersion: v1\n\nkind: X']\n"}, "kustomize-plugin"),
        ({"kustomization.yaml": b"a: 1\na: 2\n"}, "duplicate-key"),
    ],
)
def test_extras_that_reach_out_or_are_incomplete_are_refused(extras: dict[str, bytes], code: str) -> None:
    assert [finding.name for finding in faults(f"purpose: test\n{RELEASE}", extras)] == [code]


def test_a_project_permits_what_its_clusters_hold_and_nothing_else() -> None:
    tree = rendered(BUILD + '"4.20"\n')
    spec = yaml.safe_load(tree["argocd/x/appproject.yaml"])["spec"]
    assert spec["sourceRepos"] == ["https://git.example.org/fleet.git"]
    assert spec["destinations"] == [{"name": "x", "namespace": "argocd"}, {"name": "x", "namespace": "build"}]
    assert spec["clusterResourceWhitelist"] == [
        {"group": "", "kind": "Namespace"},
        {"group": "rbac.authorization.k8s.io", "kind": "ClusterRole"},
    ]
    assert spec["namespaceResourceWhitelist"] == [
        {"group": "", "kind": "ConfigMap"},
        {"group": "batch", "kind": "CronJob"},
    ]
    assert b"*" not in b"".join(tree[path] for path in tree if path.startswith("argocd/"))


def test_applications_follow_the_purpose() -> None:
    tree = rendered(f"purpose: ephemeral\nexpires: 2026-12-18\n{RELEASE}")
    gone, stays = (yaml.safe_load(tree[f"argocd/{name}/application.yaml"]) for name in ("x", "hub"))
    assert gone["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]
    assert gone["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "finalizers" not in stays["metadata"]
    options = "argocd.argoproj.io/sync-options"
    assert stays["metadata"]["annotations"][options] == "Delete=false,Prune=false"
    assert options not in gone["metadata"]["annotations"]
    assert stays["spec"]["syncPolicy"]["automated"] == {"prune": False, "selfHeal": True}
    assert (gone["spec"]["destination"]["name"], stays["spec"]["destination"]["name"]) == ("x", "in-cluster")


def test_the_order_of_clusters_does_not_matter() -> None:
    members = [
        cluster("hub", f"purpose: hub\n{RELEASE}"),
        cluster("x", BUILD + '"4.20"\n'),
        cluster("a", f"purpose: cd\n{RELEASE}"),
    ]
    assert render(planned(*members)) == render(planned(*reversed(members)))


def planned_with(feature: str, text: str) -> Plan:
    """Plan one test cluster, of whose purpose `new` is a default, and whose API came with 1.31."""
    files = {
        **CATALOG,
        "features/new/feature.yaml": (
            'summary: New.\nminimumKubernetes: "1.31"\nenvironments: {okd: [policy]}\n'
        ),
        "features/new/policy/configmap-new.yaml": (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new, namespace: default}\n"
        ),
        "purposes/test.yaml": CATALOG["purposes/test.yaml"].replace("features: [", f"features: [{feature}"),
    }
    document = read("fleet.yaml", FLEET)
    catalog = load_catalog(Tree({path: content.encode() for path, content in files.items()}))
    clusters = [cluster("hub", f"purpose: hub\n{RELEASE}"), cluster("x", f"purpose: test\n{RELEASE}{text}")]
    return plan(fleet_of(parse(FleetSpec, document), document, clusters, catalog))


@pytest.mark.parametrize(("kubernetes", "has_it"), [("1.30", False), ("1.31", True), ("1.100", True)])
def test_a_default_feature_is_left_out_where_its_api_is_not_served(kubernetes: str, has_it: bool) -> None:
    result = planned_with("new, ", f'kubernetes: "{kubernetes}"\n')
    placed = {
        placement.feature
        for one in result.clusters
        if one.cluster.name == "x"
        for placement in one.placements
    }
    assert ("new" in placed) == has_it


def test_a_feature_that_is_asked_for_must_have_its_api() -> None:
    with pytest.raises(FindingsError) as raised:
        planned_with("", 'kubernetes: "1.30"\nfeatures: {new: {}}\n')

    (finding,) = raised.value.findings
    assert finding.name == "unsuitable-feature"
    assert finding.reason == 'a cluster with Kubernetes 1.30 cannot have "new"'
    assert "1.31 and later" in finding.remedy


@pytest.mark.parametrize(
    "other",
    [
        BUILD + '"5.1"\n    mode: fast\n',
        BUILD + '"5.1"\n    mode: slow\n',
        BUILD + '"4.18"\n    mode: fast\n',
        BUILD.replace("stable-scos-4", "next-scos-4") + '"5.1"\n    mode: fast\n',
    ],
    ids=["the same values", "another value", "another entry", "another fact of the cluster"],
)
def test_a_cluster_gets_the_same_beside_others_as_alone(other: str) -> None:
    hub, first = cluster("hub", f"purpose: hub\n{RELEASE}"), cluster("x", BUILD + '"5.1"\n    mode: fast\n')
    second = cluster("y", other.replace("8c5e1d37", "9c5e1d37").replace("api.", "y."))
    alone, beside = (render(planned(hub, *clusters)) for clusters in ((second,), (first, second)))
    assert alone.below("overlays/y") == beside.below("overlays/y")


def test_clusters_with_the_same_values_share_their_placements_and_each_is_told_its_faults() -> None:
    hub, text = cluster("hub", f"purpose: hub\n{RELEASE}"), BUILD + '"5.1"\n    mode: fast\n'
    _, first, second = planned(hub, cluster("x", text), cluster("y", text)).clusters
    assert all(one is other for one, other in zip(first.placements, second.placements, strict=True))

    wrong = text.replace("fast", "[]")
    with pytest.raises(FindingsError) as error:
        planned(hub, cluster("x", wrong), cluster("y", wrong))
    assert [finding.location.file for finding in error.value.findings] == [
        "clusters/x.yaml",
        "clusters/y.yaml",
    ]


def test_a_cluster_is_planned_alone_as_with_all_others() -> None:
    of_x, of_y = BUILD.replace("minor: ", 'minor: "5.1"'), f"purpose: test\n{RELEASE}"
    hub = cluster("hub", f"purpose: hub\n{RELEASE}")
    whole = fleet(hub, cluster("x", of_x), cluster("y", of_y))
    by_name = {each.cluster.name: each for each in plan(whole).clusters}

    for name, beside in (("x", {"hub", "x"}), ("hub", {"hub"})):
        alone = plan_of(whole, name).clusters
        assert {each.cluster.name for each in alone} == beside
        assert all(each == by_name[each.cluster.name] for each in alone)

    faulty = fleet(hub, cluster("x", of_x), cluster("y", f"{of_y}features: {{nothing: }}\n"))
    assert [each.cluster.name for each in plan_of(faulty, "x").clusters] == ["hub", "x"]
    with pytest.raises(FindingsError):
        plan_of(faulty, "y")
    with pytest.raises(UsageError):
        plan_of(whole, "z")
