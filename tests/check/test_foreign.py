"""Repositories that others wrote, broken and mended: roots, the ledger, and how foreign YAML is read.

Forms of Applications, ApplicationSets and Kustomizations: argo-cd v3.3 (pkg/apis/application/v1alpha1) and
fluxcd/kustomize-controller v1.6 (api/v1).
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from conftest import CACHE
from kustomizations import write
from okd_gitops.check.foreign import check_foreign
from okd_gitops.check.rule_set import all_rules
from theirs import (
    BINDING,
    CONFIG,
    DEPLOYMENT,
    NAMESPACE,
    PART,
    ROUTE,
    SEALED,
    SOURCE,
    application,
    application_set,
    flux,
    judged,
)

POD = b"""apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: registry.example.org/web:1, %s}]}
"""
ROLE = b"""apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reads, namespace: shop}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get]}
- {apiGroups: [""], resources: [services], verbs: [get]}
"""
# Files, the roots that are found, and the files that are not judged.
SOUND: dict[str, tuple[dict[str, bytes], set[str], set[str]]] = {
    "a plain folder of an Application": (
        {"argocd/web.yaml": application("web"), "web/a.yaml": CONFIG, "web/below/b.yaml": CONFIG},
        {"argocd/web.yaml", "web"},
        {"web/below/b.yaml"},
    ),
    "folders below it, and one that is left out": (
        {
            "argocd/web.yaml": application("web", ", directory: {recurse: true, exclude: '{x/*,y.yaml}'}"),
            "web/below/b.yaml": CONFIG,
            "web/x/b.yaml": CONFIG,
        },
        {"argocd/web.yaml", "web"},
        {"web/x/b.yaml"},
    ),
    "folders of an ApplicationSet": (
        {
            "all.yaml": application_set("apps/*"),
            "apps/a/kustomization.yaml": b"resources: [a.yaml]\n",
            "apps/a/a.yaml": CONFIG,
            "apps/b/b.yaml": CONFIG.replace(b"name: web", b"name: db"),
        },
        {"all.yaml", "apps/a", "apps/b"},
        set(),
    ),
    "a namespace that a chart makes": (
        {
            "argocd/web.yaml": application("web"),
            "argocd/db.yaml": application("db")
            .replace(b"name: web", b"name: db")
            .replace(b"namespace: shop", b"namespace: db"),
            "web/a.yaml": CONFIG,
            "web/b.yaml": NAMESPACE,
            "db/a.yaml": CONFIG.replace(b", namespace: shop", b""),
            "chart/templates/db.yaml": NAMESPACE.replace(b"shop", b"db"),
        },
        {"argocd/web.yaml", "argocd/db.yaml", "web", "db"},
        {"chart/templates/db.yaml"},
    ),
    "an Application inside an Application": (
        {"root.yaml": application("apps"), "apps/web.yaml": application("web"), "web/a.yaml": CONFIG},
        {"root.yaml", "apps", "web"},
        set(),
    ),
    "a folder of Flux without a kustomization": (
        {"flux/a.yaml": flux("a", "./web") + SOURCE, "web/x/a.yaml": CONFIG},
        {"flux/a.yaml", "web"},
        set(),
    ),
    "variables that Flux fills": (
        {
            "flux/a.yaml": flux("a", "./web", ", postBuild: {substitute: {host: a}}") + SOURCE,
            "web/a.yaml": CONFIG.replace(b"a: b", b"a: 'x.${host}'"),
        },
        {"flux/a.yaml", "web"},
        set(),
    ),
    "a Secret that SOPS encrypted": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\n",
            "a.yaml": SEALED,
            ".sops.yaml": b"creation_rules: []\n",
        },
        {"."},
        {".sops.yaml"},
    ),
    "Secrets that say what is to be filled in": (
        {
            # "changeme", which kustomize encodes once more.
            "kustomization.yaml": b"""resources: [a.yaml]
secretGenerator: [{name: b, namespace: shop, literals: [token=Y2hhbmdlbWU=]}]
""",
            "a.yaml": SEALED.partition(b"stringData")[0] + b"stringData: {password: MAKESEALEDSECRET}\n",
        },
        {"."},
        set(),
    ),
    "Secrets that ksops makes": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\ngenerators: [gen.yaml]\n",
            "a.yaml": CONFIG,
            "gen.yaml": b"apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: a}\nfiles: [./s.yaml]\n",
            "s.yaml": SEALED,
        },
        {"."},
        set(),
    ),
    "anchors, merge keys and an octal mode": (
        {
            "kustomization.yaml": b"resources: [a.yaml, b.yaml]\n",
            "a.yaml": CONFIG.replace(b"{a: b}", b"{a: &x b, c: *x}"),
            "b.yaml": DEPLOYMENT,
        },
        {"."},
        set(),
    ),
    "a component whose patch fits in one of its users": (
        {
            "a/kustomization.yaml": b"resources: [a.yaml]\ncomponents: [../part]\n",
            "a/a.yaml": CONFIG,
            "b/kustomization.yaml": b"resources: [b.yaml]\ncomponents: [../part]\n",
            "b/b.yaml": DEPLOYMENT.replace(b"name: web, namespace: shop", b"name: db, namespace: shop"),
            "part/kustomization.yaml": PART,
        },
        {"a", "b"},
        set(),
    ),
    "a binding that moves with its Role": (
        {
            "kustomization.yaml": b"namespace: prod\nresources: [a.yaml, b.yaml]\n",
            "a.yaml": BINDING,
            "b.yaml": BINDING.partition(b"roleRef")[0].replace(b"RoleBinding", b"Role") + b"rules: []\n",
        },
        {"."},
        set(),
    ),
    "a list of a custom resource that a patch repeats": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": ROUTE % b"[{name: http, port: 80}, {name: tls, port: 443}]",
            "p.yaml": ROUTE % b"[{name: http, port: 8080}, {name: tls, port: 443}]",
        },
        {"."},
        set(),
    ),
    "lists of a pod that a patch merges, and one that it sets anew": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": POD % b"args: [a], env: [{name: A, value: a}, {name: B, value: b}]",
            "p.yaml": POD % b"args: [b], env: [{name: C, value: c}]",
        },
        {"."},
        set(),
    ),
    "a list that a patch says to replace": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": POD % b"env: [{name: A, value: a}, {name: B, value: b}]",
            "p.yaml": POD % b"env: [{$patch: replace}, {name: C, value: c}]",
        },
        {"."},
        set(),
    ),
    "a chart, values and settings of CI": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\n",
            "a.yaml": CONFIG,
            "chart/Chart.yaml": b"name: a\n",
            "chart/templates/a.yaml": b"{{ if .Values.a }}\n",
            ".github/ci.yaml": b"on: push\n",
        },
        {"."},
        {"chart/Chart.yaml", "chart/templates/a.yaml", ".github/ci.yaml"},
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_repository_has_no_finding_and_its_ledger_adds_up(tmp_path: Path, name: str) -> None:
    files, roots, unjudged = SOUND[name]
    report = judged(tmp_path, files)

    assert report.findings == ()
    assert report.exit_code == 0
    assert report.ledger is not None
    assert set(report.ledger.roots) == roots
    assert set(report.ledger.unjudged) == unjudged
    assert {*report.ledger.judged, *report.ledger.unjudged} == set(files)


BROKEN = {
    "every path of an Application is stale": (
        {
            "root.yaml": application("argocd"),
            "argocd/web.yaml": application("apps/web").replace(b"{name: web,", b"{name: shop,"),
            "web/a.yaml": CONFIG,
        },
        "its path apps/web does not exist",
    ),
    "a generator finds nothing": (
        {
            "root.yaml": application("argocd"),
            "argocd/all.yaml": application_set("apps/*"),
            "web/a.yaml": CONFIG,
        },
        'its generator looks for "apps/*"',
    ),
    "the address for ssh is that of the one for https": (
        {
            "argocd/web.yaml": application("web"),
            "argocd/shop.yaml": application("shop")
            .replace(b"{name: web,", b"{name: shop,")
            .replace(b"https://git.example.org/", b"git@git.example.org:"),
            "web/a.yaml": CONFIG,
        },
        "its path shop does not exist",
    ),
    "Flux waits for nothing": (
        {
            "flux/a.yaml": flux("a", "./web", ", dependsOn: [{name: b}]") + SOURCE,
            "web/a.yaml": CONFIG,
        },
        "it waits for the Kustomization b",
    ),
    "a key twice in a patch": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": CONFIG,
            "p.yaml": CONFIG.replace(b"{a: b}", b"{a: b, a: c}"),
        },
        'the key "a" occurs twice',
    ),
    "a key twice in a patch that stands in the kustomization": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches:\n- patch: |\n"
            + b"".join(b"    " + line for line in CONFIG.replace(b"a: b", b"a: b, a: c").splitlines(True)),
            "a.yaml": CONFIG,
        },
        'the key "a" occurs twice',
    ),
    "a component whose patch fits in none of its users": (
        {
            "a/kustomization.yaml": b"resources: [a.yaml]\ncomponents: [../part]\n",
            "a/a.yaml": CONFIG,
            "b/kustomization.yaml": b"resources: [b.yaml]\ncomponents: [../part]\n",
            "b/b.yaml": CONFIG.replace(b"name: web", b"name: db"),
            "part/kustomization.yaml": PART.replace(b"name: web", b"name: website"),
        },
        "the patch for ConfigMap website fits nothing",
    ),
    "a replacement in a file of its own fits nothing": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\nreplacements: [{path: r.yaml}]\n",
            "a.yaml": CONFIG,
            "r.yaml": b"""source: {kind: ConfigMap, name: web, fieldPath: data.a}
targets: [{select: {kind: Deployment, name: web}, fieldPaths: [metadata.labels.a]}]
""",
        },
        "the replacement for Deployment web fits nothing",
    ),
    "a name of a generated ConfigMap in a field that kustomize does not know": (
        {
            "kustomization.yaml": b"""configMapGenerator:
- {name: ca, namespace: openshift-config, literals: [a=b]}
resources: [a.yaml]
""",
            "a.yaml": b"""apiVersion: config.openshift.io/v1
kind: Proxy
metadata: {name: cluster}
spec: {trustedCA: {name: ca}}
""",
        },
        "spec.trustedCA.name names ca, which kustomize has renamed",
    ),
    "a binding that moves without its Role": (
        {"kustomization.yaml": b"namespace: prod\nresources: [a.yaml]\n", "a.yaml": BINDING},
        "it is written for shop and rendered into prod, where there is no Role reads",
    ),
    "a settings object of the platform that moves": (
        {
            "kustomization.yaml": b"namespace: prod\nresources: [a.yaml]\n",
            "a.yaml": CONFIG.replace(b"namespace: shop", b"namespace: openshift-config"),
        },
        "it is written for openshift-config and rendered into prod",
    ),
    "a list of a custom resource that a patch replaces": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": ROUTE % b"[{name: http, port: 80}, {name: tls, port: 443}]",
            "p.yaml": ROUTE % b"[{name: http, port: 8080}]",
        },
        "the patch replaces the whole list spec.listeners",
    ),
    "subjects of a binding that a patch replaces": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": BINDING.replace(b"Role, name: reads", b"ClusterRole, name: view").replace(
                b"name: a}]", b"name: a}, {kind: Group, apiGroup: rbac.authorization.k8s.io, name: b}]"
            ),
            "p.yaml": BINDING.replace(b"Role, name: reads", b"ClusterRole, name: view"),
        },
        "the patch replaces the whole list subjects",
    ),
    "flags of a container that a patch replaces": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": POD % b"args: [--port=80, --verbose]",
            "p.yaml": POD % b"args: [--quiet]",
        },
        "the patch replaces the whole list spec.containers[web].args of Pod shop/web: --port, --verbose of",
    ),
    "rules of a Role that a patch with a target replaces": (
        {
            "kustomization.yaml": b"""resources: [a.yaml]
patches:
- target: {kind: Role, name: re.*}
  patch: |
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: any}
    rules: [{apiGroups: [apps], resources: [deployments], verbs: [get]}]
""",
            "a.yaml": ROLE,
        },
        "the patch replaces the whole list rules of Role shop/reads",
    ),
    "a field that is unknown, deep inside": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\n",
            "a.yaml": DEPLOYMENT.replace(b"configMap", b"configmap"),
        },
        "/spec/template/spec/volumes/0: additional properties 'configmap' not allowed",
    ),
    "a run inside a template has a field that is unknown": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\n",
            "a.yaml": b"""apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerTemplate
metadata: {name: build, namespace: builds}
spec:
  params: [{name: time, default: 2h}]
  resourcetemplates:
    - apiVersion: tekton.dev/v1
      kind: PipelineRun
      metadata: {generateName: build-}
      spec: {pipelineSpec: {tasks: []}, timeout: $(tt.params.time)}
""",
        },
        "/spec: additional properties 'timeout' not allowed",
    ),
    "a file that is no YAML stops no other root": (
        {
            "a/kustomization.yaml": b"resources: [a.yaml]\n",
            "a/a.yaml": b"a: [\n",
            "b/kustomization.yaml": b"resources: [a.yaml]\n",
            "b/a.yaml": CONFIG,
        },
        "not YAML",
    ),
    "aliases that grow without end": (
        {
            "kustomization.yaml": b"resources: [a.yaml]\n",
            "a.yaml": b"a: &a [x, x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 9)) for n in b"bcdefgh"),
        },
        "its aliases expand to too much",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_repository_has_one_finding_that_says_so(tmp_path: Path, name: str) -> None:
    files, reason = BROKEN[name]
    report = judged(tmp_path, files)

    assert [finding.reason for finding in report.findings if reason not in finding.reason] == []
    assert len(report.findings) == 1
    assert report.exit_code in ((1, 2, 4) if report.errors else (0,))


def test_the_files_of_a_root_that_could_not_be_judged_are_blocked_with_the_cause(tmp_path: Path) -> None:
    report = judged(tmp_path, BROKEN["a file that is no YAML stops no other root"][0])

    assert report.ledger is not None
    assert [each.folder for each in report.ledger.blocked] == ["a"]
    assert report.ledger.unjudged["a/a.yaml"] == "blocked: a could not be judged"
    assert report.ledger.roots == ("b",)
    assert not report.ledger.is_complete


def test_what_had_to_be_complete_and_is_not_ends_with_4(tmp_path: Path) -> None:
    files = {"kustomization.yaml": b"resources: [a.yaml]\n", "a.yaml": CONFIG, "b.yaml": CONFIG}
    report = judged(tmp_path, files)

    assert report.exit_code == 0
    assert replace(report, must_be_complete=True).exit_code == 4


def test_a_symlink_is_followed_inside_the_repository_and_never_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_bytes(CONFIG.replace(b"web", b"outside"))
    root = tmp_path / "theirs"
    write(
        root,
        {
            "a/kustomization.yaml": b"resources: [../alias]\n",
            "real/kustomization.yaml": b"resources: [a.yaml]\n",
        },
    )
    write(root, {"real/a.yaml": CONFIG, "b/kustomization.yaml": b"resources: [out.yaml]\n"})
    (root / "alias").symlink_to("real")
    (root / "b/out.yaml").symlink_to(tmp_path / "secret.yaml")
    report = judged(root, {})

    assert report.ledger is not None
    assert set(report.ledger.roots) == {"a"}
    assert set(report.ledger.judged) == {"a/kustomization.yaml", "real/kustomization.yaml", "real/a.yaml"}
    assert report.ledger.unjudged["b/out.yaml"] == "it is a symlink that leads out of the repository"
    remedies = [finding.remedy for finding in report.findings if "symlink" in finding.reason]
    assert remedies == ["put the file itself into the repository, in the place of the symlink"]


def test_house_rules_are_asked_of_others_only_where_they_want_it(tmp_path: Path) -> None:
    write(tmp_path, {"kustomization.yaml": b"resources: [a.yaml]\n", "a.yaml": DEPLOYMENT})
    names = {
        is_fleet: {
            finding.name
            for finding in check_foreign(
                tmp_path,
                CACHE,
                kubernetes="1.35",
                today=date(2026, 1, 31),
                say=lambda _: None,
                is_fleet=is_fleet,
            ).findings
        }
        for is_fleet in (False, True)
    }
    assert names == {False: set(), True: {"floating-image"}}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (b"stringData:\n  pin: 73519284\n", "schema-violation"),
        (b"stringData:\n  pin: [hunter2-in-a-list]\n", "schema-violation"),
        (b"stringData:\n  pin: hunter2\n  pin: hunter3-is-longer\n", "duplicate-key"),
    ],
)
def test_no_value_of_a_secret_is_shown_where_it_is_wrong(tmp_path: Path, text: bytes, finding: str) -> None:
    secret = b"apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n" + text
    files = {
        "app.yaml": application("k"),
        "k/kustomization.yaml": b"resources: [s.yaml]\n",
        "k/s.yaml": secret,
    }
    found = [item for item in judged(tmp_path, files).findings if item.name == finding]
    assert found
    for item in found:
        assert item.location.text.strip() == "pin: ***"
        assert not {"73519284", "hunter"} & set(str(item).split())


def test_keys_that_are_no_text_stop_nothing(tmp_path: Path) -> None:
    data = CONFIG.replace(b"{a: b}", b'{2024: "x", on: "y"}')
    report = judged(
        tmp_path, {"app.yaml": application("plain"), "plain/a.yaml": data, "plain/ns.yaml": NAMESPACE}
    )
    assert not report.findings


RUN = """apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {{name: run, namespace: shop}}
spec:
  taskRef:
    resolver: cluster
    params:
    - {{name: kind, value: task}}
    - {{name: name, value: git-clone}}
    - {{name: namespace, value: {namespace}}}
"""
TASK = b"""apiVersion: tekton.dev/v1
kind: Task
metadata: {name: other, namespace: tasks}
spec: {steps: [{name: a, image: registry.example.org/a:1}]}
"""


@pytest.mark.parametrize(
    ("namespace", "missing"), [("openshift-pipelines", False), ("tasks", True), ("shop", False)]
)
def test_a_task_of_a_namespace_of_others_is_nobodys_fault(
    tmp_path: Path, namespace: str, *, missing: bool
) -> None:
    kustomization = b"resources: [run.yaml, task.yaml]\n"
    run = RUN.format(namespace=namespace).encode()
    files = {"k/kustomization.yaml": kustomization, "k/run.yaml": run, "k/task.yaml": TASK}
    names = [finding.name for finding in judged(tmp_path, files).findings]
    assert ("dangling-reference" in names) == missing


def test_a_rule_with_a_bug_is_named_and_the_others_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr(all_rules()["invalid-object-name"], "check_object", fails)
    files = {
        "kustomization.yaml": b"resources: [a.yaml]\n",
        "a.yaml": POD % b"resources: {limits: {cpu: 5GB}}",
    }
    report = judged(tmp_path, files)

    assert {each.name for each in report.findings} == {"not-judged", "malformed-quantity"}
    assert "hunter2" not in str(report.findings)
    assert report.exit_code == 4
    assert report.ledger
    assert not report.ledger.is_complete
    told = [line for line in report.ledger.lines() if "invalid-object-name" in line]
    assert told[0].startswith(
        "not judged: a rule: the rule invalid-object-name judged nothing: ValueError at"
    )


def test_a_comment_at_the_field_hides_what_an_application_gets_wrong(tmp_path: Path) -> None:
    note = b"  # okd-gitops: ignore broken-application-reference until 2026-03-01 because it comes later\n"
    wrong = application("nowhere")
    assert b"\n  source:" in wrong
    found = application("ok").replace(b"name: web", b"name: good")
    files = {"app.yaml": wrong.replace(b"\n  source:", b"\n" + note + b"  source:"), "b.yaml": found}
    report = judged(tmp_path, files | {"ok/a.yaml": CONFIG})
    assert [each.name for each in report.ignored] == ["broken-application-reference"]


def test_what_is_wrong_with_tekton_is_told_at_its_line(tmp_path: Path) -> None:
    pipeline = b"""apiVersion: tekton.dev/v1
kind: Pipeline
metadata: {name: p, namespace: ci}
spec:
  tasks:
  - {name: a, taskRef: {resolver: hub}}
  - {name: b, taskRef: {resolver: hub}, runAfter: [c]}
  - name: d
    taskRef: {resolver: hub}
    params: [{name: x, value: $(params.x)}]
"""
    trigger = b"""apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {name: l, namespace: ci}
spec:
  serviceAccountName: pipeline
  triggers:
  - template: {spec: {params: [{name: url}], resourcetemplates: []}}
"""
    kustomization = b"resources: [p.yaml, t.yaml]\n"
    report = judged(tmp_path, {"kustomization.yaml": kustomization, "p.yaml": pipeline, "t.yaml": trigger})
    places = {(each.name, each.location.line) for each in report.findings}
    assert places >= {("tekton-wiring", 7), ("tekton-wiring", 10), ("trigger-parameters", 7)}
