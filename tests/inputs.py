"""Inputs for readers: good ones by reader, what is hostile to all, and what once broke one of them."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

from release_controller import Controller, image

ROOT = Path(__file__).resolve().parent.parent
VERSION, NEXT = "4.22.0-okd-scos.0", "4.22.0-okd-scos.1"
_CATALOG = "generator/okd_gitops/catalog/features"
_TIME = "2026-11-21T12:00:00Z"
_EVIDENCE = f"""\
cluster: x
version: {VERSION}
image: {image(VERSION)}
finished: {_TIME}
passed: true
operators: healthy
"""
_RELEASE = f"""\
version: {VERSION}
images:
- image: {image(VERSION)}
  signatures: [{{message: owGbwMvMwMW4QbGq, seen: {_TIME}}}]
streams: {{4-scos-stable: Accepted}}
edges: [{{from: {VERSION}, risks: [{{name: A, rules: [Always]}}]}}]
seen: {_TIME}
"""
_CLUSTERVERSION = f"""\
apiVersion: config.openshift.io/v1
kind: ClusterVersion
spec: {{channel: stable-4, desiredUpdate: {{version: {VERSION}}}}}
"""
_PATCH = "patches:\n- patch: |-\n    kind: ClusterVersion\n    spec: {channel: a}\n"
_TAG = {"name": VERSION, "phase": "Accepted", "pullSpec": image(VERSION), "downloadURL": ""}
_QUAY = {"name": VERSION, "manifest_digest": f"sha256:{'0' * 64}", "start_ts": 1}
_GITHUB = {
    "tag_name": VERSION,
    "body": f"Pull From: {image(VERSION)}",
    "prerelease": False,
    "published_at": _TIME,
}
_PULL = {"number": 1, "html_url": "https://a/1", "title": "t", "body": "b"}
_HEAD, _BASE = {"ref": "a", "repo": {"id": 1}}, {"ref": "main", "repo": {"id": 1}}
_MERGE = {"iid": 1, "web_url": "https://a/1", "source_branch": "a", "target_branch": "main"}
_PROJECT = {"source_project_id": 1, "target_project_id": 1}
_NODES = [{"version": VERSION, "payload": image(VERSION)}, {"version": NEXT, "payload": image(NEXT)}]
_GRAPH = {"nodes": _NODES, "edges": [[0, 1]]}
_RISK = {"name": "A", "url": "https://a", "message": "m", "matchingRules": [{"type": "Always"}]}
_CONDITIONAL = {"edges": [{"from": VERSION, "to": NEXT}], "risks": [_RISK]}
_REPORT = {
    "key": f"4.20-a-{'0' * 40}",
    "version": "4.20",
    "release-stream": "a",
    "source-commit": "0" * 40,
    "arch": "amd64",
    "image": "quay.io/a/b",
    "digest": f"sha256:{'0' * 64}",
    "pipelineRun": "a",
}
_SET = {"key": "a", "version": "1.0", "stream": "a", "commit": "0", "image": "a/b", "arches": ["amd64"]}
_BODY = b"a: 1\n"
_RECORD = {"url": "https://a.example.org/x", "etag": "", "sha256": sha256(_BODY).hexdigest()}
_STEP = {"path": "overlays/a/b", "old": "0" * 64, "new": "1" * 64, "staged": 0}
_OPERATORS = {
    "kind": "ClusterOperatorList",
    "items": [{"metadata": {"name": "a"}, "status": {"conditions": []}}],
}
OBSERVED = {
    "kind": "ClusterVersion",
    "metadata": {"generation": 1},
    "status": {
        "observedGeneration": 1,
        "history": [
            {"state": "Completed", "version": VERSION, "image": image(VERSION), "completionTime": _TIME}
        ],
        "conditions": [
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "False"},
            {"type": "Failing", "status": "False"},
        ],
    },
}


@cache
def controller() -> Controller:
    """Return a release controller that has signed a release."""
    made = Controller()
    made.publish(VERSION)
    return made


def good(name: str) -> list[bytes]:
    """Return inputs that a reader accepts, if there are any here; of many, the short ones."""
    if name in _FILES:
        found = [path.read_bytes() for pattern in _FILES[name] for path in ROOT.glob(pattern)]
        return sorted(found, key=len)[:60]
    if name in ("signature", "OpenPGP message"):
        return list(controller().signatures.values())
    if name == "public key":
        return [controller().public_key()]
    return [_bytes(value) for value in _GOOD.get(name, ())]


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


_FILES = {
    "yaml of people": ("tests/fleet/clusters/*.yaml", f"{_CATALOG}/*/*/*.yaml"),
    "cluster file": ("tests/fleet/clusters/*.yaml",),
    "edit in place": ("tests/fleet/clusters/*.yaml",),
    "fleet.yaml": ("tests/fleet/fleet.yaml",),
    "yaml from elsewhere": (f"{_CATALOG}/*/*/*.yaml",),
    "kustomization": ("tests/cases/**/kustomization.yaml",),
}
_GOOD: dict[str, tuple[object, ...]] = {
    "feature.yaml": ("summary: a\nenvironments: {okd: [base]}\n",),
    "changes of the catalog": ("changes: []\n", "changes:\n- image: {feature: tekton, from: a, to: b}\n"),
    "evidence": (_EVIDENCE,),
    "record of a release": (_RELEASE,),
    "ClusterVersion": (_CLUSTERVERSION, _PATCH),
    "update graph": (_GRAPH, {**_GRAPH, "conditionalEdges": [_CONDITIONAL]}),
    "release controller": ({"name": "4-scos-stable", "tags": [_TAG]},),
    "Quay": ({"tags": [_QUAY], "has_additional": False},),
    "GitHub": ([_GITHUB],),
    "file of releases": (
        f"releases:\n- version: {VERSION}\n  published: 2026-11-21\n  images: ['{image(VERSION)}']\n",
    ),
    "list of pull requests": ([{**_PULL, "head": _HEAD, "base": _BASE}], [{**_MERGE, **_PROJECT}], []),
    "what a cluster says": (OBSERVED, _OPERATORS),
    "request to the gate": ({"body": json.dumps(_REPORT), "context": {"event_id": "a"}},),
    "report of a build": (_REPORT,),
    "version": (VERSION, "4.20.0-0.okd-2026-01-01-000000"),
    "set of the gate": ({**_SET, "opened": _TIME, "deadline": _TIME},),
    "list of what is owned": (f"{'0' * 64}  a.yaml\n",),
    "journal": ({"format": 2, "steps": []}, {"format": 2, "steps": [_STEP]}),
    "recorded answer": (json.dumps(_RECORD).encode() + b"\n" + _BODY,),
    "history": ("a subject\nclusters/a.yaml", ":100644 x\n:a"),
    "what is typed": (
        _TIME,
        "4h",
        "a=https://a/b",
        VERSION,
        image(VERSION),
        "stable-scos-4",
        "git@a.org:a/b.git",
    ),
    "regular expression": ("^[a-z]+(b|c){2}$\nabb", "4[.]2.*\n4.21"),
    "path in an object": ("a.b[name=c].d",),
    "redirect": ("https://b.example.org/y", "/y?z", "//b.example.org:8443"),
}


_LONG = "9" * 5000
_IMAGE = f"registry.example.org/okd/release@sha256:{'0' * 64}"
_DEEP = b"[" * 100_000
# Every reader gets each of these.
HOSTILE = (
    b"",
    b"\0",
    b"\xff\xfe\xfd",
    b"\xef\xbb\xbf{}",
    b"null",
    b"[]",
    b"~",
    b"\x85",
    "a: \u2028b\n  c: {\n".encode(),
    b"{",
    b"- - - -",
    _DEEP,
    b'{"a":' * 50_000,
    f"a: {_LONG}\nb: -{_LONG}.{_LONG}e{_LONG}\n".encode(),
    f'{{"nodes": [{_LONG}], "tags": [{_LONG}], "a": {_LONG}}}'.encode(),
    f"{_LONG}.{_LONG}.{_LONG}-okd-scos.{_LONG}".encode(),
    b'{"a": "\\ud800", "nodes": [{"version": "\\ud800"}]}',
    b"a: &a [*a, *a]\n",
    b"a: !!python/object/apply:os.system [id]\n",
    b"? {a: b}\n: c\n",
    b"%YAML 9.9\n---\na: b\n",
    b"--- |\n a\n--- >\n b\n...\n",
    b'"\\x00\\u202e\\U0010ffff": "\\x1b[31m"\n',
    b"apiVersion: v1\nkind: [a]\nmetadata: 5\n",
    (
        b"kind: Kustomization\n"
        b"resources: {a: b}\n"
        b"patches: [5, [], {path: [1]}, {patch: '['}, {patch: 'a: &a 1'}]\n"
    ),
    b"kind: Kustomization\nresources: [5, ~, '', '..', /etc, x.yaml, './x.yaml', '\\0']\ncomponents: x\n",
    b"kind: ClusterVersion\napiVersion: config.openshift.io/v1\nmetadata: ~\nspec: [5]\n",
    (
        b"kind: ClusterVersion\n"
        b"apiVersion: config.openshift.io/v1\n"
        b"metadata: {name: version}\n"
        b"spec: {channel: 5, desiredUpdate: [5]}\n"
    ),
    b"- op: replace\n  path: 5\n- 7\n- {op: add, path: /spec/channel}\n",
    f"{'0' * 64}  \n{'0' * 64}  ../x\n".encode(),
    b"\xa8\xff" * 20_000,
    b"\x90" * 60_000,
    (
        b"releases: [{version: 4.22.0-okd-scos.0, published: 9999-12-31}, {version: 4.22.0-okd-scos.1, "
        b"published: '0001-01-01T00:00:00+14:00'}]\n"
    ),
    (
        f"cluster: x\nversion: {VERSION}\nimage: {_IMAGE}\nfinished: 9999-12-31T23:59:59Z\npassed: true\n"
    ).encode(),
    (
        f"cluster: x\nversion: {VERSION}\nimage: {_IMAGE}\nfinished: 0000-12-31T23:59:59Z\npassed: true\n"
    ).encode(),
    (
        b"changes:\n"
        b"- replace: {feature: tekton, object: Namespace/x, with: ../x.yaml}\n"
        b"- insert: {feature: tekton, pipeline: x, task: {name: [x]}}\n"
    ),
    (
        b"summary: x\n"
        b"environments: {okd: [a]}\n"
        b"parameters: {p: {summary: x, default: [~], sets: [{object: ConfigMap/x, path: '[['}]}}\n"
    ),
    (
        f'purpose: test\nenvironment: kind\nkubernetes: "1.{_LONG}"\nwave: {_LONG}\nexpires: 0000-00-00\n'
    ).encode(),
    json.dumps(
        {
            "key": "k" * 300,
            "image": "x",
            "arch": "y",
            "digest": "z",
            "composed": "9999-12-31T23:59:59Z",
            "run": "r",
        }
    ).encode(),
    json.dumps(
        {
            "kind": "ClusterVersion",
            "metadata": {"generation": 1},
            "status": {"observedGeneration": 1, "history": [7, {}]},
        }
    ).encode(),
    json.dumps(
        {
            "name": "4-scos-stable",
            "tags": [{"name": VERSION, "start_ts": 1e400}, 5, None],
            "has_additional": False,
        }
    ).encode(),
    json.dumps(
        [{"tag_name": VERSION, "published_at": "0001-01-01T00:00:00+23:59", "body": 5}, 7, None]
    ).encode(),
    b"- " * 5_000,
    b"a0: &a0 {x: y}\n"
    + b"".join(b"a%d: &a%d {<<: [*a%d, *a%d]}\n" % (n, n, n - 1, n - 1) for n in range(1, 30)),
    b'[{"head": [], "base": 1}]',
    b'{"format": 2, "steps": [{"path": "../x", "old": null, "new": null, "staged": 0}]}',
    b'{"format": 2, "steps": {}}',
)


def corpus(name: str) -> list[bytes]:
    """Return the inputs that once broke a reader."""
    return [path.read_bytes() for path in sorted((ROOT / "tests/hostile" / name.replace(" ", "-")).glob("*"))]
