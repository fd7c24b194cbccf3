"""Kinds that a repository defines itself, or that a folder of CustomResourceDefinitions does.

The form of a CRD: apiextensions-apiserver v0.35, pkg/apis/apiextensions/v1.
"""

from datetime import date
from pathlib import Path

import pytest
import yaml

from conftest import CACHE
from kustomizations import write
from okd_gitops.check.foreign import check_foreign


def crd(kind: str, *versions: str, group: str = "shop.example.org", field: str = "size") -> bytes:
    size = {"type": "integer", "maximum": 9}
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {field: size}, "required": [field]}},
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}s.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": f"{kind.lower()}s"},
            "versions": [
                {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
                for name in versions
            ],
        },
    }
    return yaml.safe_dump(definition).encode()


def shelf(version: str = "v1", spec: str = "{size: 3}", api: str = "shop.example.org") -> bytes:
    head = f"apiVersion: {api}/{version}\nkind: Shelf\n"
    return f"{head}metadata: {{name: a, namespace: shop}}\nspec: {spec}\n".encode()


PROJECT = b"""apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: a, namespace: argocd}
spec: {sourceRepos: ['*']}
"""
DEFINED = crd("Shelf", "v1")
# What kustomize renders, the other files, the files of --crds, and what is found.
CASES: dict[str, tuple[bytes, dict[str, bytes], dict[str, bytes], list[str]]] = {
    "a sound object": (shelf(), {"crds/shelf.yaml": DEFINED}, {}, []),
    "a field that is unknown": (
        shelf(spec="{size: 3, sizes: 3}"),
        {"crds/shelf.yaml": DEFINED},
        {},
        ["schema-violation error /spec: additional properties 'sizes' not allowed"],
    ),
    "a value that is too large": (
        shelf(spec="{size: 10}"),
        {},
        {"deep/below/shelf.yaml": DEFINED},
        ["schema-violation error /spec/size: maximum: got 10, want 9"],
    ),
    "sound by --crds": (shelf(), {}, {"shelf.yaml": DEFINED}, []),
    "a version that is not served": (
        shelf("v1alpha1"),
        {"crds/shelf.yaml": DEFINED},
        {},
        ["version-not-served error shop.example.org/v1alpha1 Shelf: its definition serves v1"],
    ),
    "a version of a kind that the bundle has otherwise": (
        shelf("v9", "{}", "tekton.dev").replace(b"Shelf", b"Pipeline"),
        {},
        {},
        ["version-not-served warning tekton.dev/v9 Pipeline: the release of it that is known here serves v1"],
    ),
    "no definition at all": (shelf(spec="{sizes: 3}"), {}, {}, []),
    "two definitions that differ": (
        shelf(spec="{size: 10}"),
        {"a/shelf.yaml": DEFINED, "b/shelf.yaml": crd("Shelf", "v1", field="width")},
        {},
        [],
    ),
    "the repository before the folder": (
        shelf(),
        {"crds/shelf.yaml": DEFINED},
        {"shelf.yaml": crd("Shelf", "v1", field="width")},
        [],
    ),
    "the bundle before the folder": (
        PROJECT,
        {},
        {"project.yaml": crd("AppProject", "v1alpha1", group="argoproj.io")},
        [],
    ),
    "a definition that is none, beside one that is": (
        shelf(spec="{size: 10}"),
        {"a.yaml": DEFINED, "b.yaml": crd("Box", "v1").replace(b"maximum: 9", b"properties: [1]")},
        {},
        ["schema-violation error /spec/size: maximum: got 10, want 9"],
    ),
    "names that lead elsewhere": (
        shelf(),
        {"a.yaml": DEFINED, "b.yaml": crd("Box", "v1", group="../../../x")},
        {},
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_own_definitions_are_what_their_objects_are_judged_by(case: str, tmp_path: Path) -> None:
    rendered, files, folder, expected = CASES[case]
    write(
        tmp_path / "repository", {"kustomization.yaml": b"resources: [a.yml]\n", "a.yml": rendered, **files}
    )
    write(tmp_path / "crds", {"README.md": b"", **folder})

    report = check_foreign(
        tmp_path / "repository",
        CACHE,
        kubernetes="1.33",
        today=date(2026, 1, 1),
        say=lambda _: None,
        crds=tmp_path / "crds",
    )
    found = [f"{each.name} {each.severity} {each.reason}" for each in report.findings]
    assert len(found) == len(expected)
    assert all(text.startswith(start) for text, start in zip(found, expected, strict=True))
