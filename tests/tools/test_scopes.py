"""The scope of a kind is read from its CRD, or from client-gen's markers of its Go type."""

from pathlib import Path
from typing import Any

from scopes import TYPES, marked_scopes, scopes

TYPES_GO = """\
package v1

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// Wide has no namespace.
type Wide struct {
}

// +genclient
// +genclient:noStatus

// Narrow has one.
type Narrow struct {
}

// Part is no kind: nothing is generated for it, whatever +genclient:nonNamespaced in a sentence says.
type Part struct {
}
"""


def crd(group: str, kind: str, scope: str) -> dict[str, Any]:
    return {"spec": {"group": group, "scope": scope, "names": {"kind": kind}}}


def modules(root: Path, register: str) -> dict[str, Path]:
    """Make a folder for each module, and Go types in the one whose groups are folders of its root."""
    folders = {module: root / module for module in TYPES}
    types = folders["k8s.io/api"] / "wide" / "v1"
    types.mkdir(parents=True)
    (types / "types.go").write_text(TYPES_GO)
    (types / "register.go").write_text(register)
    return folders


def test_markers_tell_the_scope_of_a_go_type(tmp_path: Path) -> None:
    (tmp_path / "types.go").write_text(TYPES_GO)
    assert marked_scopes(tmp_path) == {"Wide": "Cluster", "Narrow": "Namespaced"}


def test_the_kinds_of_crds_and_of_types_are_listed_by_scope_and_group(tmp_path: Path) -> None:
    folders = modules(tmp_path, 'package v1\n\nconst GroupName = "wide.example.org"\n')
    assert scopes([crd("example.org", "B", "Cluster"), crd("example.org", "A", "Cluster")], folders) == {
        "Cluster": {"example.org": ["A", "B"], "wide.example.org": ["Wide"]},
        "Namespaced": {"wide.example.org": ["Narrow"]},
    }


def test_a_crd_takes_precedence_over_the_type(tmp_path: Path) -> None:
    folders = modules(tmp_path, 'package v1\n\nconst GroupName = "wide.example.org"\n')
    found = scopes([crd("wide.example.org", "Wide", "Namespaced")], folders)
    assert found == {"Cluster": {}, "Namespaced": {"wide.example.org": ["Narrow", "Wide"]}}


def test_a_folder_without_a_group_has_no_kinds(tmp_path: Path) -> None:
    assert scopes([], modules(tmp_path, "package v1\n")) == {"Cluster": {}, "Namespaced": {}}
