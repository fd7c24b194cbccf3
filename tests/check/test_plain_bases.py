"""A base that only lists files is built from an overlay that lists them: the bytes of kustomize, whatever the
overlay does; and no other base is.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import CACHE
from kustomizations import write
from okd_gitops.check.build import _IN_TURN
from okd_gitops.system.asked import Asked
from okd_gitops.system.tools import tool

LIST = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: example.org/web, envFrom: [{configMapRef: {name: settings}}]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
"""
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: '1', b: $(WEB)}\n"
BROKEN = "kind: ConfigMap\n  is: no YAML\n"
PART = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -part\n"
FILES = {
    "bases/web/kustomization.yaml": f"# Generated.\n{LIST}- web.yaml\n",
    "bases/web/web.yaml": WEB,
    "bases/settings/kustomization.yaml": f"{LIST}- settings.yaml\n",
    "bases/settings/settings.yaml": SETTINGS,
    "bases/named/kustomization.yaml": f"{LIST}- named.yaml\nnamePrefix: my-\n",
    "bases/named/named.yaml": SETTINGS.replace("settings", "named"),
    "overlays/part/kustomization.yaml": PART,
}
HEAD = f"# An overlay.\n{LIST}- ../../bases/settings\n- own.yaml\n- ../../bases/web\n- ../../bases/named\n"
OWN = "apiVersion: v1\nkind: Namespace\nmetadata: {name: own}\n"
# What overlays do with what they list.
ENDS = {
    "nothing": "",
    "names": "namePrefix: a-\nnameSuffix: -b\nnamespace: own\n",
    "labels": "labels: [{pairs: {team: a}, includeSelectors: true}]\ncommonAnnotations: {a: '1'}\n",
    "images": "images: [{name: example.org/web, newTag: '2'}]\nreplicas: [{name: web, count: 3}]\n",
    "merges": "configMapGenerator: [{name: settings, behavior: merge, literals: [c=d]}]\nnamePrefix: a-\n",
    "patches": 'patches: [{patch: \'[{"op": "remove", "path": "/data/a"}]\', target: {kind: ConfigMap}}]\n',
    "vars": "vars: [{name: WEB, objref: {apiVersion: apps/v1, kind: Deployment, name: web}}]\n",
    "components": "components: [../part]\nsortOptions: {order: fifo}\n",
    "replacements": "replacements: [{source: {kind: Deployment, fieldPath: metadata.name}, targets: "
    "[{select: {kind: ServiceAccount}, fieldPaths: [metadata.name]}]}]\n",
    # Its own kustomization as data, which must be what stands in the file.
    "itself": "configMapGenerator: [{name: itself, files: [kustomization.yaml]}]\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    overlays = {
        f"overlays/{name}/{path}": text
        for name, end in ENDS.items()
        for path, text in (("kustomization.yaml", HEAD + end), ("own.yaml", OWN))
    }
    return write(tmp_path / "repo", {path: text.encode() for path, text in {**FILES, **overlays}.items()})


@pytest.fixture
def in_turn(root: Path) -> Iterator[Asked]:
    program = Asked([str(tool(CACHE, "kustomize-in-turn"))], cwd=root, environment={})
    yield program
    program.end()


def asked(program: Asked, folder: str) -> tuple[str, str]:
    answer = program.ask(f"./{folder}".encode(), timeout=300)
    assert answer
    return answer[0], answer[1].decode()


def by_kustomize(root: Path, folder: str) -> str:
    """Return what kustomize writes; nothing where it refuses."""
    command = [str(tool(CACHE, "kustomize")), "build", f"./{folder}"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True).stdout


def test_the_bytes_are_those_of_kustomize_whatever_an_overlay_does(root: Path, in_turn: Asked) -> None:
    for name in ENDS:
        expected = by_kustomize(root, f"overlays/{name}")
        assert expected
        assert asked(in_turn, f"overlays/{name}") == ("built", expected)


def is_plain(root: Path, program: Asked, overlay: str = f"{LIST}- ../../bases/plain\n") -> bool:
    """Whether an overlay is read with the files of bases/plain, of which broken.yaml says so."""
    write(
        root, {"overlays/x/kustomization.yaml": overlay.encode(), "bases/plain/broken.yaml": BROKEN.encode()}
    )
    word, text = asked(program, "overlays/x")
    assert word == "failed"
    return "of-plain-base-0.yaml" in text


# Kustomizations of a base that is not plain: with each other field, and in another form.
OTHERS = {
    **{
        field: f"{LIST}- broken.yaml\n{field}: {{}}\n"
        for field in (*_IN_TURN, "openapi", "transformers", "generators", "crds", "configurations")
    },
    "a field first": f"namespace: x\n{LIST}- broken.yaml\n",
    "a list of one line": LIST.replace("resources:\n", "resources: [broken.yaml]\n"),
    "a folder": f"{LIST}- broken.yaml\n- folder\n",
    "a base": f"{LIST}- broken.yaml\n- ../web\n",
    "a file of a folder": f"{LIST}- broken.yaml\n- folder/x.yaml\n",
    "an address": f"{LIST}- broken.yaml\n- https://example.org/x.yaml\n",
    "no such file": f"{LIST}- broken.yaml\n- missing.yaml\n",
    "a link": f"{LIST}- broken.yaml\n- link.yaml\n",
    "no text": f"{LIST}- broken.yaml\n- 1.5\n",
    "a comment": f"{LIST}- broken.yaml # x\n",
    "words": f"{LIST}- broken.yaml\n  and more\n",
    "a second document": f"{LIST}- broken.yaml\n---\n{LIST}- broken.yaml\n",
    "a component": LIST.replace("Kustomization", "Component") + "- broken.yaml\n",
    "an older version": LIST.replace("v1beta1", "v1alpha1") + "- broken.yaml\n",
}


def test_no_other_base_is_taken_for_a_list_of_files(root: Path, in_turn: Asked) -> None:
    base = root / "bases/plain"
    write(base, {"kustomization.yaml": f"{LIST}- broken.yaml\n".encode(), "folder/x.yaml": OWN.encode()})
    (base / "link.yaml").symlink_to("../web/web.yaml")
    assert is_plain(root, in_turn)

    for kustomization in OTHERS.values():
        write(base, {"kustomization.yaml": kustomization.encode()})
        assert not is_plain(root, in_turn), kustomization

    write(base, {"kustomization.yaml": f"{LIST}- broken.yaml\n".encode(), "Kustomization": b""})
    assert not is_plain(root, in_turn), "kustomize refuses two kustomizations"
    (base / "Kustomization").unlink()
    (base / "kustomization.yaml").rename(base / "list")
    (base / "kustomization.yaml").symlink_to("list")
    assert not is_plain(root, in_turn), "the kustomization is a link"


def test_an_overlay_whose_list_is_not_certain_is_read_as_it_is(root: Path, in_turn: Asked) -> None:
    entry = "- ../../bases/plain\n"
    write(root / "bases/plain", {"kustomization.yaml": f"{LIST}- broken.yaml\n".encode()})
    assert is_plain(root, in_turn, f"# x\n{LIST}{entry}")
    for overlay in (
        f"namespace: x\n{LIST}{entry}",
        f'namePrefix: "\n{LIST}{entry}"\nresources: [../../bases/plain]\n',
        f"{LIST}{entry}  x\n",
        f"{LIST}{entry}# of-plain-base-0.yaml\n",
        f"{LIST}{entry}configMapGenerator: [{{name: x, files: [of-plain-base-0.yaml]}}]\n",
        f'{LIST}{entry}patches: [{{path: "of\\x2dplain-base-0.yaml"}}]\n',
        f"{LIST}- ./../../bases/plain\n",
        f"{LIST}{entry}---\n",
    ):
        assert not is_plain(root, in_turn, overlay), overlay


def test_what_kustomize_refuses_is_refused(root: Path, in_turn: Asked) -> None:
    above = {"kustomization.yaml": f"{LIST}- own.yaml\n".encode(), "own.yaml": OWN.encode()}
    write(root / "overlays", above)
    refused = {
        "twice": f"{LIST}- ../../bases/web\n- ../../bases/web\n",
        "cycle": f"{LIST}- ..\n",
        "deeper/cycle": f"{LIST}- ../../../overlays\n",
        "file": f"{LIST}- ../../bases/web/web.yaml\n",
        "own": f"{LIST}- ../../bases/web\n- of-plain-base-0.yaml\n",
    }
    for name, text in refused.items():
        write(root, {f"overlays/{name}/kustomization.yaml": text.encode()})
        assert not by_kustomize(root, f"overlays/{name}")
        assert asked(in_turn, f"overlays/{name}")[0] == "failed", name
