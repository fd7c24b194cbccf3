"""Whatever bytes a reader is given, it answers or refuses them in its own way."""

import json

import pytest

from readers import READERS

LONG = "9" * 5000
VERSION = "4.22.0-okd-scos.0"
IMAGE = f"registry.example.org/okd/release@sha256:{'0' * 64}"
DEEP = b"[" * 100_000
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
    DEEP,
    b'{"a":' * 50_000,
    f"a: {LONG}\nb: -{LONG}.{LONG}e{LONG}\n".encode(),
    f'{{"nodes": [{LONG}], "tags": [{LONG}], "a": {LONG}}}'.encode(),
    f"{LONG}.{LONG}.{LONG}-okd-scos.{LONG}".encode(),
    b'{"a": "\\ud800", "nodes": [{"version": "\\ud800"}]}',
    b"a: &a [*a, *a]\n",
    b"a: !!python/object/apply:os.system [id]\n",
    b"? {a: b}\n: c\n",
    b"%YAML 9.9\n---\na: b\n",
    b"--- |\n a\n--- >\n b\n...\n",
    b'"\\x00\\u202e\\U0010ffff": "\\x1b[31m"\n',
    b"apiVersion: v1\nkind: [a]\nmetadata: 5\n",
    b"kind: Kustomization\nresources: {a: b}\npatches: [5, [], {path: [1]}, {patch: '['}, {patch: 'a: &a 1'}]\n",
    b"kind: Kustomization\nresources: [5, ~, '', '..', /etc, x.yaml, './x.yaml', '\\0']\ncomponents: x\n",
    b"kind: ClusterVersion\napiVersion: config.openshift.io/v1\nmetadata: ~\nspec: [5]\n",
    b"kind: ClusterVersion\napiVersion: config.openshift.io/v1\nmetadata: {name: version}\nspec: {channel: 5, desiredUpdate: [5]}\n",
    b"- op: replace\n  path: 5\n- 7\n- {op: add, path: /spec/channel}\n",
    f"{'0' * 64}  \n{'0' * 64}  ../x\n".encode(),
    b"\xa8\xff" * 20_000,
    b"\x90" * 60_000,
    b"releases: [{version: 4.22.0-okd-scos.0, published: 9999-12-31}, {version: 4.22.0-okd-scos.1, published: '0001-01-01T00:00:00+14:00'}]\n",
    f"cluster: x\nversion: {VERSION}\nimage: {IMAGE}\nfinished: 9999-12-31T23:59:59Z\npassed: true\n".encode(),
    f"cluster: x\nversion: {VERSION}\nimage: {IMAGE}\nfinished: 0000-12-31T23:59:59Z\npassed: true\n".encode(),
    b"changes:\n- replace: {feature: tekton, object: Namespace/x, with: ../x.yaml}\n- insert: {feature: tekton, pipeline: x, task: {name: [x]}}\n",
    b"summary: x\nenvironments: {okd: [a]}\nparameters: {p: {summary: x, default: [~], sets: [{object: ConfigMap/x, path: '[['}]}}\n",
    f'purpose: test\nenvironment: kind\nkubernetes: "1.{LONG}"\nwave: {LONG}\nexpires: 0000-00-00\n'.encode(),
    json.dumps({"key": "k" * 300, "image": "x", "arch": "y", "digest": "z", "composed": "9999-12-31T23:59:59Z", "run": "r"}).encode(),
    json.dumps({"kind": "ClusterVersion", "metadata": {"generation": 1}, "status": {"observedGeneration": 1, "history": [7, {}]}}).encode(),
    json.dumps({"name": "4-scos-stable", "tags": [{"name": VERSION, "start_ts": 1e400}, 5, None], "has_additional": False}).encode(),
    json.dumps([{"tag_name": VERSION, "published_at": "0001-01-01T00:00:00+23:59", "body": 5}, 7, None]).encode(),
)


@pytest.mark.parametrize("name", READERS)
def test_no_bytes_break_a_reader(name: str) -> None:
    reader, own = READERS[name]
    for data in HOSTILE:
        try:
            reader(data)
        except own:
            pass
        except Exception as error:
            raise AssertionError(f"{name} lets {error!r} out for {data[:200]!r}") from error
