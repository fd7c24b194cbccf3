"""No secret in clusters/ passes, and no output shows one. S02 is a row of the table of failures."""

import json
from pathlib import Path

import pytest

from conftest import Run

SECRET = "s3cret-s3cret-s3cret"
AUTH = "c29tZWJvZHk6czNjcmV0LXMzY3JldA=="
KUBECONFIG = f"apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: {SECRET}\n"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{'b3BlbnNzaC1rZXk' * 4}\n-----END OPENSSH PRIVATE KEY-----\n"
SECRET_OBJECT = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: openshift-config}\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: openshift-config}\n"


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("files", "place", "kind"),
    [
        (
            {"a.yaml": f"{SECRET_OBJECT}stringData: {{token: {SECRET}}}\n"},
            "a.yaml:4:21",
            "data of a Secret",
        ),
        (
            {"a.yaml": f"{CONFIG_MAP}data:\n  config: |\n{indented(KUBECONFIG)}"},
            "a.yaml:5:11",
            "a kubeconfig",
        ),
        (
            {"a.yaml": f'{CONFIG_MAP}data:\n  pull: \'{{"auths":{{"quay.io":{{"auth":"{AUTH}"}}}}}}\'\n'},
            "a.yaml:5:9",
            "a pull secret",
        ),
        ({"a.yaml": f"{CONFIG_MAP}data:\n  bmc-password: {SECRET}\n"}, "a.yaml:5:17", "a password"),
        ({"id_ed25519": KEY}, "id_ed25519", "a private key"),
        ({"notes.yaml": f"bmc:\n  password: {SECRET}\n"}, "notes.yaml:2:13", "a password"),
    ],
    ids=["secret", "kubeconfig", "pull-secret", "password", "key-file", "unlisted-file"],
)
def test_s02_a_secret_in_extras_is_found_and_not_shown(
    repo: Path, okd_gitops: Run, files: dict[str, str], place: str, kind: str
) -> None:
    folder = repo / "clusters/moc-test"
    folder.mkdir()
    listed = [name for name in files if name == "a.yaml"]
    (folder / "kustomization.yaml").write_text(f"resources: {json.dumps(listed)}\n")
    for name, text in files.items():
        (folder / name).write_text(text)
    assert okd_gitops("generate").returncode == 0

    for arguments in (["check"], ["check", "--output=json"]):
        result = okd_gitops(*arguments)
        output = result.stdout + result.stderr
        assert result.returncode == 1
        assert f"{kind} is in Git" in output
        assert SECRET not in output
        assert AUTH not in output
        assert KEY.splitlines()[1] not in output
    assert f"  clusters/moc-test/{place}" in okd_gitops("check").stderr


def test_s02_a_secret_in_a_cluster_file_is_found_where_it_is_written(repo: Path, okd_gitops: Run) -> None:
    file = repo / "clusters/moc-hub.yaml"
    file.write_text(f"{file.read_text()}upgrades:\n  hold: until glpat-{SECRET} is renewed\n")
    result = okd_gitops("check")

    assert "error secret-in-git: a token of GitLab is in Git: upgrades.hold" in result.stderr
    assert "  hold: ***\n" in result.stderr
    assert SECRET not in result.stdout + result.stderr
