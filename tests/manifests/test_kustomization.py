"""The scan of kustomizations: what kustomize would fetch, run or lose is found in every field, before
kustomize starts.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from conftest import CACHE, Run
from kustomizations import CONFIGMAP, write
from okd_gitops.manifests.graph import Graph, Leaves, Reading
from okd_gitops.manifests.kustomization import tops, walk
from okd_gitops.render import kustomize
from okd_gitops.system.tools import tool

# Every field of a kustomization that takes a path; PATH stands for it.
FIELDS = [
    *(
        {key: ["PATH"]}
        for key in (
            "resources",
            "bases",
            "components",
            "crds",
            "configurations",
            "transformers",
            "generators",
            "validators",
        )
    ),
    *({key: ["PATH"]} for key in ("RESOURCES", "Bases", "reſources", "Transformers")),
    *(
        {key: [{"path": "PATH", "target": {"kind": "ConfigMap", "name": "x"}}]}
        for key in ("patches", "patchesJson6902", "PATCHES")
    ),
    {"patches": [{"Path": "PATH", "target": {"kind": "ConfigMap"}}]},
    {"patchesStrategicMerge": ["PATH"]},
    {"replacements": [{"path": "PATH"}]},
    {"openapi": {"path": "PATH"}},
    *(
        {key: [{"name": "g", field: ["PATH"]}]}
        for key in ("configMapGenerator", "secretGenerator")
        for field in ("files", "envs", "FILES")
    ),
    *({key: [{"name": "g", "files": ["key=PATH"]}]} for key in ("configMapGenerator", "secretGenerator")),
    *(
        {key: [{"name": "g", "env": "PATH"}]}
        for key in ("configMapGenerator", "secretGenerator", "CONFIGMAPGENERATOR")
    ),
    {"helmCharts": [{"name": "x", "repo": "PATH"}]},
    {"helmChartInflationGenerator": [{"chartName": "x", "chartRepoUrl": "PATH"}]},
    {"HelmCharts": [{"name": "x", "repo": "PATH"}]},
]
# And of the plug-ins that are part of kustomize.
PLUGINS = [
    ("transformers", "PatchTransformer", {"path": "PATH"}),
    ("transformers", "PatchTransformer", {"PATH_KEY": "PATH"}),
    (
        "transformers",
        "PatchJson6902Transformer",
        {"path": "PATH", "target": {"kind": "ConfigMap", "name": "x"}},
    ),
    ("transformers", "PatchStrategicMergeTransformer", {"paths": ["PATH"]}),
    ("validators", "ReplacementTransformer", {"replacements": [{"path": "PATH"}]}),
    ("transformers", "ValueAddTransformer", {"targetFilePath": "PATH"}),
    ("generators", "ConfigMapGenerator", {"files": ["PATH"]}),
    ("generators", "ConfigMapGenerator", {"env": "PATH"}),
    ("generators", "SecretGenerator", {"envs": ["PATH"]}),
    ("generators", "HelmChartInflationGenerator", {"repo": "PATH"}),
]
# Forms that some version of kustomize takes for an address.
FORMS = [
    *(
        "http://HOST/x.yaml",
        "HTTP://HOST/x.yaml",
        "hTTps://HOST/o/r",
        "git::http://HOST/o/r",
        "GIT::FILE:///tmp/r",
        "ssh://git@HOST/o/r",
    ),
    *(
        "git@HOST/o/r",
        "git@HOST:o/r",
        "github.com/o/r",
        "GitHub.com/o/r",
        "gİthub.com/o/r",
        "gitlab.com/o/r",
        "host/o/r?ref=main",
        "host/r.git/x",
    ),
    *(
        "file:///tmp/r",
        "FILE://tmp/r?a=b&ref=c",
        "oci://HOST/x",
        "s3::http://HOST/x",
        "hg::http://HOST/x",
        "dev.azure.com/o/p/_git/r",
        "git::x",
    ),
]


def put(text: Any, form: str) -> Any:
    return json.loads(json.dumps(text).replace("PATH_KEY", "Path").replace("PATH", json.dumps(form)[1:-1]))


def repository(form: str) -> dict[str, bytes]:
    """A folder for each field, with `form` as its value, in the kustomization, in a plug-in's file and as
    text inside.
    """
    files = {}
    for number, value in enumerate(FIELDS):
        files[f"field{number}/kustomization.yaml"] = {"resources": ["cm.yaml"], **put(value, form)}
    for number, (field, kind, value) in enumerate(PLUGINS):
        plugin = {"apiVersion": "builtin", "kind": kind, "metadata": {"name": "p"}, **put(value, form)}
        files[f"plugin{number}/kustomization.yaml"] = {"resources": ["cm.yaml"], field: ["plugin"]}
        files[f"plugin{number}/plugin"] = plugin
        files[f"inline{number}/kustomization.yaml"] = {"resources": ["cm.yaml"], field: [json.dumps(plugin)]}
    written = {path: json.dumps(value).encode() for path, value in files.items()}
    return {
        **written,
        **{
            path.replace("kustomization.yaml", "cm.yaml"): CONFIGMAP.encode()
            for path in files
            if "/k" in path
        },
    }


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback, and what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(CONFIGMAP.encode())

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_address[1]}", asked
        running.shutdown()


@pytest.mark.parametrize("form", FORMS)
def test_an_address_is_refused_in_every_field_that_takes_a_path(form: str) -> None:
    tree = repository(form.replace("HOST", "127.0.0.1:8080"))
    # A file or a folder of that name changes nothing.
    folders = {path.rpartition("/")[0] for path in tree}
    tree |= {
        f"{folder}/{form}{end}": CONFIGMAP.encode()
        for folder in folders
        for end in ("", "/kustomization.yaml")
    }
    for folder in folders:
        codes = {finding.name for finding in walk(tree, folder).findings}
        assert codes & {"outside-repository", "kustomize-plugin"}, (
            folder,
            tree[f"{folder}/kustomization.yaml"],
        )


def test_no_request_leaves_a_check(tmp_path: Path, okd_gitops: Run, server: tuple[str, list[str]]) -> None:
    address, asked = server
    theirs = write(tmp_path / "theirs", repository(f"http://{address}/x.yaml"))
    result = okd_gitops("check", str(theirs), "--output=json")
    assert result.returncode == 4, result.stdout + result.stderr
    assert json.loads(result.stdout)["overlays"] == 0
    assert json.loads(result.stdout)["ledger"]["blocked"]
    assert asked == []


# What Argo CD (v3.3, pkg/apis/application/v1alpha1) and Flux (kustomize-controller v1.6, api/v1) fetch.
DEPLOYING = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: one, namespace: argocd}
spec:
  project: default
  destination: {server: ADDRESS, namespace: x}
  source: {repoURL: ADDRESS/r.git, path: ADDRESS/x, helm: {valueFiles: [ADDRESS/values.yaml]}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: several, namespace: argocd}
spec:
  project: default
  destination: {name: in-cluster, namespace: x}
  sources:
    - {repoURL: ADDRESS/r.git, ref: values}
    - {repoURL: ADDRESS/charts, chart: c, helm: {valueFiles: [$values/a.yaml]}}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: sets, namespace: argocd}
spec:
  generators:
    - git: {repoURL: ADDRESS/r.git, revision: HEAD, files: [{path: ADDRESS/x.yaml}]}
    - plugin: {configMapRef: {name: p}, input: {parameters: {url: ADDRESS}}}
    - scmProvider: {gitea: {owner: o, api: ADDRESS}}
  template:
    metadata: {name: a}
    spec:
      project: default
      destination: {server: ADDRESS, namespace: x}
      source: {repoURL: ADDRESS/r.git, path: x}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: r, namespace: flux-system}
spec: {interval: 1m, url: ADDRESS/r.git}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: k, namespace: flux-system}
spec: {interval: 1m, prune: true, path: ADDRESS/x, sourceRef: {kind: GitRepository, name: r}}
"""


def test_no_request_leaves_a_check_of_what_argo_cd_and_flux_fetch(
    tmp_path: Path, okd_gitops: Run, server: tuple[str, list[str]]
) -> None:
    address, asked = server
    text = DEPLOYING.replace("ADDRESS", f"http://{address}").encode()
    theirs = write(tmp_path / "theirs", {"argocd/all.yaml": text})
    said = json.loads(okd_gitops("check", str(theirs), "--output=json").stdout)
    assert said["ledger"]["roots"] == ["argocd/all.yaml"]
    owners = {source["owner"].partition(" ")[0] for source in said["ledger"]["sources"]}
    assert owners == {"Application", "ApplicationSet", "Kustomization"}
    assert not any(source["root"] for source in said["ledger"]["sources"])
    assert asked == []


def test_the_server_notes_a_request(server: tuple[str, list[str]]) -> None:
    address, asked = server
    with urlopen(f"http://{address}/x.yaml") as answer:
        assert answer.read().decode() == CONFIGMAP
    assert asked == ["/x.yaml"]


def test_no_request_leaves_kustomize_when_nothing_was_refused_before(
    tmp_path: Path, server: tuple[str, list[str]]
) -> None:
    address, asked = server
    tree = repository(f"http://{address}/x.yaml")
    theirs = write(tmp_path / "theirs", tree)
    folders = sorted({path.rpartition("/")[0] for path in tree})
    rendering = kustomize.render(theirs, dict.fromkeys(folders, "x"), tool(CACHE, "kustomize"), workers=2)
    assert asked == []
    assert "connection refused" in str(rendering.findings) or "network is unreachable" in str(
        rendering.findings
    )


def test_a_repository_that_kustomize_would_clone_is_not_asked(tmp_path: Path) -> None:
    script = tmp_path / "ran"
    address = f"FILE://{tmp_path}/r?ref=--upload-pack=touch {script}"
    tree = {"app/kustomization.yaml": f"resources: ['{address}']\n".encode()}
    rendering = kustomize.render(
        write(tmp_path / "theirs", tree), {"app": "x"}, tool(CACHE, "kustomize"), workers=1
    )
    assert "executable file not found" in rendering.findings[0].reason
    assert not script.exists()


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"kustomization.yaml": "resources: [cm.yaml]\nResources: [cm.yaml]\n"}, "duplicate-key"),
        (
            {"kustomization.yaml": "resources: [cm.yaml]\npatches: [{path: cm.yaml, Path: cm.yaml}]\n"},
            "duplicate-key",
        ),
        ({"kustomization.yaml": "resources: [cm.yaml]\nresources: [cm.yaml]\n"}, "duplicate-key"),
        ({"kustomization.yaml": "resources: [cm.yaml]\n---\nresources: [cm.yaml]\n"}, "not-yaml"),
        ({"kustomization.yaml": "a: &a {resources: ['x']}\n<<: *a\n"}, "document-too-complex"),
        ({"kustomization.yaml": 'resources: [!!binary "Y20ueWFtbA=="]\n'}, "ambiguous-yaml"),
        (
            {"kustomization.yaml": "transformers: [t]\n", "t": "a: &a {path: x}\n<<: *a\n"},
            "document-too-complex",
        ),
        (
            {
                "kustomization.yaml": "transformers: [t]\n",
                "t": "apiVersion: v1\nkind: Exec\nmetadata: {name: x}\n",
            },
            "kustomize-plugin",
        ),
        (
            {"kustomization.yaml": "transformers: [t]\n", "t/kustomization.yaml": "resources: []\n"},
            "kustomize-plugin",
        ),
        (
            {
                "kustomization.yaml": "resources: [list.yaml]\n",
                "list.yaml": "apiVersion: v1\nkind: List\nitems: [null]\n",
            },
            "broken-kustomization",
        ),
        ({"kustomization.yaml": "resources: [.]\n"}, "broken-kustomization"),
        (
            {"kustomization.yaml": "resources: [a]\n", "a/kustomization.yaml": "resources: [..]\n"},
            "broken-kustomization",
        ),
        (
            {
                "kustomization.yaml": "resources: [a]\n",
                "a/kustomization.yaml": "resources: [../b]\n",
                "b/kustomization.yaml": "bases: [../a]\n",
            },
            "broken-kustomization",
        ),
    ],
)
def test_lost_resources_and_endless_builds_are_found(files: dict[str, str], code: str) -> None:
    tree = {
        "app/cm.yaml": CONFIGMAP.encode(),
        **{f"app/{path}": text.encode() for path, text in files.items()},
    }
    assert code in {finding.name for finding in walk(tree, "app").findings}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "kustomization",
    [
        *(
            "resources: [bomb]",
            "resources: [bomb.YAML]",
            "patches: [{path: bomb}]",
            "patchesStrategicMerge: [bomb]",
            "crds: [bomb]",
        ),
        *(
            "transformers: [bomb]",
            "generators: [bomb]",
            "replacements: [{path: bomb}]",
            "configurations: [bomb]",
            "openapi: {path: bomb}",
        ),
        yaml.safe_dump({"patches": [{"patch": BOMB}]}),
        yaml.safe_dump({"patchesStrategicMerge": [BOMB]}),
        yaml.safe_dump({"transformers": [BOMB]}),
    ],
)
def test_an_alias_bomb_is_refused_wherever_kustomize_reads_it(kustomization: str) -> None:
    tree = {
        "app/kustomization.yaml": kustomization.encode(),
        "app/bomb": BOMB.encode(),
        "app/bomb.YAML": BOMB.encode(),
    }
    assert "document-too-complex" in {finding.name for finding in walk(tree, "app").findings}


def test_ordinary_kustomizations_pass_the_scan_and_are_built(tmp_path: Path) -> None:
    plugin = (
        "apiVersion: builtin\n"
        "kind: LabelTransformer\n"
        "metadata: {name: x}\n"
        "labels: {team: a}\n"
        "fieldSpecs: [{path: metadata/labels, create: true}]\n"
    )
    tree = {
        "app/kustomization.yaml": yaml.safe_dump(
            {
                "Resources": ["../base", "./cm list+1@2.txt"],
                "components": ["../part"],
                "transformers": ["labels", plugin.replace("team", "tier").replace("name: x", "name: y")],
                "configMapGenerator": [
                    {"name": "g", "files": ["key=file.txt", "file.txt"], "env": "a.env", "literals": ["x=y"]}
                ],
                "patches": [
                    {"path": "patch.yaml"},
                    {"patch": "- {op: add, path: /data/c, value: d}", "target": {"name": "x"}},
                ],
                "patchesStrategicMerge": [
                    "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {e: f}}"
                ],
                "commonAnnotations": {"a": "b"},
            }
        ),
        "app/labels": plugin,
        "app/file.txt": "&a *a {",
        "app/a.env": "k=v\n",
        "app/patch.yaml": CONFIGMAP.replace("a: b", "a: z"),
        "app/cm list+1@2.txt": CONFIGMAP.replace("name: x", "name: other").replace("a: b", "a: y, b: 0777"),
        "base/kustomization.yml": "resources: [cm.yaml]\n",
        "base/cm.yaml": CONFIGMAP,
        "part/Kustomization": (
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {c: d}\n"
        ),
    }
    files = {path: text.encode() for path, text in tree.items()}
    graphs = tops(files)
    assert list(graphs) == ["app"]
    assert not graphs["app"].findings
    assert graphs["app"].least == 3
    rendering = kustomize.render(
        write(tmp_path, files), {"app": "x"}, tool(CACHE, "kustomize"), workers=1, least={"app": 3}
    )
    assert [finding.reason for finding in rendering.findings] == []
    assert len(rendering.documents["app"]) == 3


def test_a_chain_a_circle_and_a_crowd_end_soon() -> None:
    chain = {f"c{i}/kustomization.yaml": f"resources: [../c{i + 1}]\n".encode() for i in range(500)}
    assert "document-too-complex" in {
        finding.name for graph in tops(chain).values() for finding in graph.findings
    }
    circle = {f"{a}/kustomization.yaml": f"resources: [../{b}]\n".encode() for a, b in ("ab", "bc", "ca")}
    assert [finding.name for graph in tops(circle).values() for finding in graph.findings] == [
        "broken-kustomization"
    ]
    crowd = {f"app/{i}": CONFIGMAP.replace("name: x", f"name: x{i}").encode() for i in range(3001)}
    crowd["app/kustomization.yaml"] = yaml.safe_dump(
        {"resources": sorted(crowd_path[4:] for crowd_path in crowd)}
    ).encode()
    assert "document-too-complex" in {finding.name for finding in walk(crowd, "app").findings}


def test_a_walk_after_others_finds_what_it_finds_alone() -> None:
    """Bases of several folders are walked once: one that uses another one, one with a fault, a diamond."""
    object_ = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
    tree = {
        "leaf/kustomization.yaml": b"resources: [a.yaml]\nconfigMapGenerator: [{name: x, literals: [a=b]}]\n",
        "leaf/a.yaml": object_ % b"a",
        "deletes/kustomization.yaml": b"resources: [b.yaml]\npatches: [{path: p.yaml}]\n",
        "deletes/b.yaml": object_ % b"b",
        "deletes/p.yaml": b"$patch: delete\n" + object_ % b"b",
        "broken/kustomization.yaml": b"resources: [missing.yaml, https://example.org/x.yaml]\n",
        "inner/kustomization.yaml": b"resources: [../leaf, ../deletes]\n",
        "round/kustomization.yaml": b"resources: [../circle]\n",
        "circle/kustomization.yaml": b"resources: [../round]\n",
        "one/kustomization.yaml": b"resources: [../leaf, ../inner, part, ../broken, part]\n",
        "one/part/kustomization.yaml": b"resources: [../../leaf, c.yaml]\n",
        "one/part/c.yaml": object_ % b"c",
        "two/kustomization.yaml": b"resources: [../inner, ../leaf, ../round, ../broken]\n",
        "three/kustomization.yaml": b"resources: [../leaf]\nnamePrefix: x-\n",
    }
    leaves: Leaves = {}

    for folder in [*sorted({path.partition("/")[0] for path in tree}), "one", "two", "three"]:
        alone, after = walk(tree, folder), walk(tree, folder, leaves)
        assert list(alone.findings) == list(after.findings)
        assert (alone.files, alone.generated, alone.deletes) == (after.files, after.generated, after.deletes)
        assert list(alone.kustomizations.items()) == list(after.kustomizations.items())
        assert list(alone.objects.items()) == list(after.objects.items())

    assert {folder for folder, leaf in leaves.items() if leaf} == {"leaf", "deletes"}
    assert "one/part" not in leaves, "what is an overlay's own is kept for no other one"


def test_a_graph_that_was_let_go_is_read_again_when_somebody_asks() -> None:
    tree = {
        "app/kustomization.yaml": b"resources: [a.yaml]\n",
        "app/a.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    }
    read: list[Graph] = []

    def once_more() -> Graph:
        read.append(walk(tree, "app"))
        return read[-1]

    reading = Reading(once_more)
    assert read == []
    first = reading.graph
    assert reading.graph is first
    for _ in range(2):
        reading.let_go()
    assert len(read) == 1
    assert (reading.graph.files, reading.graph.objects) == (first.files, first.objects)
    assert len(read) == 2


def test_files_that_differ_by_the_comment_at_their_head_are_read_once_each_with_its_own_line() -> None:
    text = b"resources: [https://example.org/base]\nnamePrefix: x-\n"
    tree = {f"{name}/kustomization.yaml": b"# of %s\n" % name.encode() + text for name in ("a", "b")} | {
        "c/kustomization.yaml": b"# \xff\n" + text,
        "d/kustomization.yaml": b"# of d\nresources: [\n",
    }

    graphs = {name: walk(tree, name) for name in "abcd"}
    first, second = (graphs[name].kustomizations[f"{name}/kustomization.yaml"] for name in "ab")
    assert first.value is second.value
    assert [document.lines[0] for document in (first, second)] == ["# of a", "# of b"]
    assert second.at(("namePrefix",)).text == "namePrefix: x-"

    faults = {name: [str(finding.location) for finding in graph.findings] for name, graph in graphs.items()}
    assert faults["a"] == ["a/kustomization.yaml:2:13"]
    assert faults["b"] == ["b/kustomization.yaml:2:13"]
    assert faults["c"] == ["c/kustomization.yaml:1:3"]
    assert len(faults["d"]) == 1
    assert faults["d"][0].startswith("d/kustomization.yaml:")
