"""How facts about operators are read from upstream's trees."""

from dataclasses import dataclass

import pytest

import upstream_operators
from clones import ChangedError

COMMON = """\
BASE_REGISTRY=${BASE_REGISTRY:-"quay.io/okderators"}
OKD_VERSION=${OKD_VERSION:-"4.22.0-okd-scos.2"}
main() {
  if declare -f init > /dev/null; then init; fi
  if declare -f build_bundle > /dev/null; then build_bundle; fi
}
"""
BUILD = """\
export IMG_BUNDLE="${REGISTRY}/operator-bundle:${OCP_DATE}"
init() {
    submodule_initialize operator release-${OCP_SHORT}
}
build_containers() {
    podman build -t $IMG_OPERATOR -f operator.Containerfile .
    podman push "${IMG_OPERATOR}"
}
"""
MAKE = """\
spec:
  stepTemplate: {env: [{name: VERSION, value: x}, {name: IMG, value: x}]}
  steps:
  - {name: lint, script: make okd-lint $@}
  - {name: bundle, script: make okd-bundle $@}
"""
TASK = "base/tekton.dev/tasks/make-operator.yaml"


@dataclass(frozen=True)
class Tree:
    """Files by path."""

    files: dict[str, str]

    def names(self) -> list[str]:
        return list(self.files)

    def text(self, path: str) -> str:
        return self.files[path]


def test_a_branch_with_scripts_tells_what_they_call() -> None:
    tree = Tree({"common.sh": COMMON, "lvms/build.sh": BUILD, "lvms/operator.Containerfile": ""})
    assert upstream_operators.builds(tree) == {
        "release": "4.22.0-okd-scos.2",
        "settings": ["BASE_REGISTRY", "OKD_VERSION"],
        "steps": ["init", "build_bundle"],
        "podman": ["build", "push"],
        "folders": {"lvms": {"sources": ["operator"], "bundles": ["operator-bundle"]}},
    }


def test_a_branch_with_make_targets_tells_them_in_their_order() -> None:
    patch = "base/tekton.dev/repositories/lvms/operator/0001-OKDify.patch"
    tree = Tree({TASK: MAKE, patch: "+okd-lint: lint\n+\n+okd-bundle:\n okd-other:\n"})
    assert upstream_operators.builds(tree) == {
        "targets": ["okd-lint", "okd-bundle"],
        "environment": ["VERSION", "IMG"],
        "patches": {"lvms/operator": ["okd-bundle", "okd-lint"]},
    }


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"README.md": ""}, f"neither common.sh nor {TASK}"),
        ({"common.sh": "OKD_RELEASE=x\n"}, "common.sh names no OKD_VERSION"),
    ],
)
def test_a_branch_that_changed_is_an_error(files: dict[str, str], said: str) -> None:
    with pytest.raises(ChangedError, match=said):
        upstream_operators.builds(Tree(files))


def test_packages_are_the_folders_with_a_file_of_their_name() -> None:
    files = {"catalog/lvms/lvms.yaml": "", "catalog/lvms/lvms.v1.yaml": "", "catalog/other/x.yaml": ""}
    assert upstream_operators.packages(Tree(files)) == {"packages": ["lvms"]}
    with pytest.raises(ChangedError, match="PACKAGE"):
        upstream_operators.packages(Tree({"catalog/other/x.yaml": ""}))


def test_a_plug_in_is_a_module_when_it_has_the_file() -> None:
    tree = Tree({"cmd/kvm/kvm.go": "", "pkg/kvm/kvm.go": ""})
    assert upstream_operators.plugin(tree) == {"programs": ["cmd/kvm/kvm.go"], "module": False}
    assert upstream_operators.plugin(Tree({"go.mod": ""}))["module"] is True
