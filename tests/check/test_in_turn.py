"""Many folders in one process of kustomize's packages: the bytes and the findings of one kustomize for each,
whatever the folders do to that process.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CACHE, ROOT
from kustomizations import CONFIGMAP, write
from okd_gitops.check.build import build
from okd_gitops.manifests.bounds import OTHERS
from okd_gitops.manifests.kustomization import tops
from okd_gitops.render import kustomize
from okd_gitops.render.in_turn import InTurn
from okd_gitops.system import process
from okd_gitops.system.asked import Asked
from okd_gitops.system.process import isolation
from okd_gitops.system.tools import tool

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}  # a comment
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: first, image: "example.org/first:1"}
      - name: web
        image: example.org/web:1
        envFrom: [{configMapRef: {name: settings}}]
        command: ["yes", "0644", '1e3', ~, "a\\tb"]
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, env: [{name: A, value: "1"}]}]}}}
"""
SCRIPT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: script}
data:
  run: |
    #!/bin/sh
    ---
    echo é
  folded: >-
    one
    line
"""
SHARED = """\
x: &labels {app: shared, on: "on"}
apiVersion: v1
kind: Service
metadata: {name: shared, labels: *labels}
spec: {selector: *labels, ports: [{port: 80}]}
"""
OF_KIND = "apiVersion: example.org/v1\nkind: Own\nmetadata: {name: own}\nspec:\n  parts: [{id: a, x: 1}]\n"
OWN_PATCH = OF_KIND.replace("x: 1", "y: 2")
OPENAPI = """\
{"definitions": {"org.example.v1.Own": {
  "properties": {"spec": {"properties": {"parts": {"type": "array",
    "items": {"type": "object"},
    "x-kubernetes-patch-merge-key": "id", "x-kubernetes-patch-strategy": "merge"}}}},
  "x-kubernetes-group-version-kind": [{"group": "example.org", "kind": "Own", "version": "v1"}]}}}
"""
OWN = "resources: [own.yaml]\npatches: [{path: patch.yaml}]\n"
# What most folders use, and the folders that are built, in their order.
FILES = {
    "base/kustomization.yaml": "resources: [web.yaml, script.yaml, shared.yaml]\n"
    "configMapGenerator: [{name: settings, literals: [a=b]}]\n",
    "base/web.yaml": DEPLOYMENT,
    "base/script.yaml": SCRIPT,
    "base/shared.yaml": SHARED,
    "a-plain/kustomization.yaml": "resources: [../base]\n",
    "b-patched/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\nnamePrefix: my-\n",
    "b-patched/p.yaml": PATCH,
    "c-own/kustomization.yaml": OWN,
    "c-own/own.yaml": OF_KIND,
    "c-own/patch.yaml": OWN_PATCH,
    "d-openapi/kustomization.yaml": f"{OWN}openapi: {{path: schema.json}}\n",
    "d-openapi/own.yaml": OF_KIND,
    "d-openapi/patch.yaml": OWN_PATCH,
    "d-openapi/schema.json": OPENAPI,
    "e-own-again/kustomization.yaml": OWN,
    "e-own-again/own.yaml": OF_KIND,
    "e-own-again/patch.yaml": OWN_PATCH,
    "f-part/kustomization.yaml": "resources: [../base]\ncomponents: [../part]\nnamespace: other\n"
    "images: [{name: example.org/web, newTag: '2'}]\nreplicas: [{name: web, count: 3}]\n"
    "labels: [{pairs: {team: a}, includeTemplates: true}]\nsortOptions: {order: fifo}\n",
    "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    "replacements: [{source: {kind: Deployment, fieldPath: metadata.name}, "
    "targets: [{select: {kind: Service}, fieldPaths: [spec.selector.app]}]}]\n",
    "e-panic/kustomization.yaml": f"{OWN}openapi: {{path: schema.json}}\n",
    "e-panic/own.yaml": OF_KIND,
    "e-panic/patch.yaml": OWN_PATCH,
    "e-panic/schema.json": "{",
    "g-version/kustomization.yaml": "resources: [../base]\nbuildMetadata: [managedByLabel]\n",
    "h-broken/kustomization.yaml": "resources: [../base]\npatches: [{patch: '[{op: remove, path: /x}]', "
    "target: {kind: Service}}]\n",
    "h-merged/kustomization.yaml": "configMapGenerator: [{name: g, behavior: merge, literals: [a=b]}]\n",
    "i-data/kustomization.yaml": "configMapGenerator: [{name: d, files: [a b/é.txt, bytes]}]\n"
    "patchesStrategicMerge: []\nvars: []\n",
    "i-data/a b/é.txt": "text\r\n",
    "i-data/bytes": "\0\x01",
    "j with spaces, ünd more/kustomization.yaml": "resources: [../base]\nnameSuffix: -ü\n",
    "k-last/kustomization.yaml": "resources: [../base]\ncommonAnnotations: {a: '1'}\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write(tmp_path / "repo", {path: text.encode() for path, text in FILES.items()})
    (root / "l-linked").mkdir()
    (root / "l-linked/kustomization.yaml").symlink_to("../base/kustomization.yaml")
    for name in ("web", "script", "shared"):
        (root / f"l-linked/{name}.yaml").symlink_to(f"../base/{name}.yaml")
    (root / "m-linked").symlink_to("k-last")
    return root


def compared(root: Path, folders: list[str], program: Path | None = None) -> kustomize.Rendering:
    """Build folders both ways with one process; return what both give."""
    names, binary = dict.fromkeys(folders, "x"), tool(CACHE, "kustomize")
    in_turn = InTurn(program or tool(CACHE, "kustomize-in-turn"), frozenset(folders))
    alone = kustomize.render(root, names, binary, workers=2)
    together = kustomize.render(root, names, binary, workers=1, in_turn=in_turn)
    assert alone == together
    return alone


def roots(folder: Path) -> list[str]:
    return sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob("kustomization.yaml"))


def test_bytes_and_findings_are_those_of_one_kustomize_for_each_folder(root: Path) -> None:
    # The version that is written in g-version is that of a program: kustomize-in-turn is never asked for it.
    others = {"base", "part", "g-version"}
    folders = [folder for folder in (*roots(root), "m-linked") if folder not in others]
    rendering = compared(root, folders)
    # It refuses files that are links out of its folder.
    assert [finding.reason.partition(":")[0] for finding in rendering.findings] == [
        f"kustomize cannot build {folder}" for folder in ("e-panic", "h-broken", "h-merged", "l-linked")
    ]
    # A pointer is another one in each run.
    assert "&{0x… <nil>}" in rendering.findings[2].reason
    assert "panic: " in rendering.findings[0].reason
    own = {folder: rendering.documents[folder] for folder in ("c-own", "d-openapi", "e-own-again")}
    assert own["c-own"] == own["e-own-again"] != own["d-openapi"], "openapi: is a trap here"


def test_this_repositorys_overlays_are_the_same_bytes() -> None:
    folders = [f"overlays/{path.name}" for path in (ROOT / "overlays").iterdir() if path.is_dir()]
    assert not compared(ROOT, folders).findings


def test_folders_with_a_trap_are_not_asked_of_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[str] = []
    ask = Asked.ask

    def noted(program: Asked, question: bytes, *, timeout: float) -> tuple[str, bytes] | None:
        questions.append(question.decode().removeprefix("./"))
        return ask(program, question, timeout=timeout)

    monkeypatch.setattr(Asked, "ask", noted)
    monkeypatch.setenv("CI", "1")
    files = {path: text.encode() for path, text in FILES.items()}
    graphs = {folder: graph for folder, graph in tops(files, OTHERS).items() if not graph.findings}
    build(root, CACHE, graphs, dict.fromkeys(graphs, "x"), {})
    assert graphs.keys() - set(questions) == {"d-openapi", "e-panic", "g-version"}
    questions.clear()

    monkeypatch.setenv("OKD_GITOPS_EXACT", "1")
    build(root, CACHE, graphs, dict.fromkeys(graphs, "x"), {})
    assert questions == []


# A program that builds every folder but "./bad" to the same document.
FAKE = f"""\
#!{sys.executable} -I
import os, sys
out = sys.stdout.buffer
with open(__file__ + ".log", "a") as log:
    while line := sys.stdin.buffer.readline():
        folder = sys.stdin.buffer.read(int(line))
        print(os.getpid(), folder.decode(), file=log, flush=True)
        text = b"apiVersion: v1\\nkind: ConfigMap\\nmetadata: {{name: in-turn}}\\n"
        answer = b"built %d\\n%b" % (len(text), text)
        if folder == b"./bad":
            FAULT
        out.write(answer)
        out.flush()
"""
FAULTS = {
    "dies": "os._exit(2)",
    "is killed": "os.kill(os.getpid(), 9)",
    "hangs": "while True: pass",
    "does not build": "answer = b'failed 4\\nbad\\n'",
    "writes no answer": "answer = b'not an answer' * 10",
    "writes a line that is no answer": "answer = b'built it\\n'",
    "is cut": "out.write(b'built 100\\nkind'); out.flush(); os._exit(0)",
    "writes too much": "answer = b'built %d\\n' % (1 << 40)",
    "says more than was asked": "answer += answer",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_it_costs_one_folder_which_kustomize_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    # Only what never ends meets the limit: the others are given the time that a slow machine needs.
    monkeypatch.setattr(kustomize, "TIMEOUT", 5.0 if fault == "hangs" else 300.0)
    if fault == "is killed":
        # The first process of a namespace cannot kill itself.
        monkeypatch.setattr(process, "isolation", lambda: ())
    program = tmp_path / "fake"
    program.write_text(FAKE.replace("FAULT", FAULTS[fault]))
    program.chmod(0o755)
    folder = {"kustomization.yaml": b"resources: [cm.yaml]\n", "cm.yaml": CONFIGMAP.encode()}
    folders = ("one", "bad", "two")
    root = write(
        tmp_path / "r", {f"{name}/{path}": data for name in folders for path, data in folder.items()}
    )
    rendering = kustomize.render(
        root,
        dict.fromkeys(folders, "x"),
        tool(CACHE, "kustomize"),
        workers=1,
        in_turn=InTurn(program, frozenset(folders)),
    )
    assert not rendering.findings
    names = [documents[0].value["metadata"]["name"] for documents in rendering.documents.values()]
    assert names == ["in-turn", "x", "in-turn"]

    asked_for = [line.split() for line in Path(f"{program}.log").read_text().splitlines()]
    assert [folder for _, folder in asked_for] == ["./one", "./bad", "./two"]
    is_another_process = asked_for[2][0] != asked_for[1][0] or bool(isolation())
    assert is_another_process or fault == "does not build"


def test_a_program_that_cannot_be_started_leaves_all_to_kustomize(root: Path) -> None:
    assert compared(root, ["a-plain", "k-last"], root / "nothing").documents.keys() == {"a-plain", "k-last"}


def test_it_ends_when_nobody_asks_any_more_also_in_the_middle_of_a_build(tmp_path: Path) -> None:
    write(tmp_path, {"kustomization.yaml": b"resources: [cm.yaml]\n"})
    os.mkfifo(tmp_path / "cm.yaml")
    program = [str(tool(CACHE, "kustomize-in-turn"))]
    with subprocess.Popen(program, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin
        running.stdin.write(b"2\n./")
        running.stdin.flush()
        with (tmp_path / "cm.yaml").open("wb"):
            # Now it reads what nobody writes.
            running.stdin.close()
            assert running.wait(timeout=300) == 0


def test_one_that_goes_on_when_nobody_asks_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_GRACE", 0.1)
    program = ["/bin/sh", "-c", "read a; echo built 0; while :; do read b; done"]
    asked = Asked(program, cwd=tmp_path, environment={})
    assert asked.ask(b"", timeout=300) == ("built", b"")
    started = asked._started
    assert started
    asked.end()
    assert started.process.returncode == -9
