"""A folder that Argo CD applies as it is: which files count, and what cannot be read."""

from okd_gitops.manifests.directory import directory_files, read_directory
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.tree import Tree

APPLICATION = b"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n"
FILES = Tree(
    {
        "argocd/x/application.yaml": APPLICATION,
        "argocd/x/deeper/project.yml": APPLICATION.replace(b"Application", b"AppProject"),
        "argocd/x/generated.sha256": b"not: [yaml\n",
        "argocdx/other.yaml": APPLICATION,
        "overlays/x/kustomization.yaml": b"resources: []\n",
    }
)


def test_the_files_are_those_that_argo_cd_reads_with_recurse() -> None:
    assert sorted(directory_files(FILES, "argocd")) == [
        "argocd/x/application.yaml",
        "argocd/x/deeper/project.yml",
    ]


def test_objects_are_known_with_their_places() -> None:
    graph = read_directory(FILES, "argocd")
    assert sorted(identity.kind for identity in graph.objects) == ["AppProject", "Application"]
    written = graph.objects[ObjectId("argoproj.io", "v1alpha1", "Application", "", "x")]
    assert written.at(("metadata", "name")).file == "argocd/x/application.yaml"
    assert not list(graph.findings)


def test_a_file_that_cannot_be_read_hides_no_other() -> None:
    graph = read_directory(Tree({**FILES, "argocd/a/application.yaml": b"a: 1\na: 2\n"}), "argocd")
    assert [finding.location.file for finding in graph.findings] == ["argocd/a/application.yaml"]
    assert len(graph.objects) == 2
