"""No secret in clusters/ passes, and no output shows one. S02 is a row of the table of failures."""

import json
from pathlib import Path

from conftest import Run

SECRET = "s3cret-s3cret-s3cret"
AUTH = "c29tZWJvZHk6czNjcmV0LXMzY3JldA=="
KUBECONFIG = f"apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: {SECRET}\n"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{'b3BlbnNzaC1rZXk' * 4}\n-----END OPENSSH PRIVATE KEY-----\n"
SECRET_OBJECT = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: openshift-config}\n"


def named(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: openshift-config}}\n"


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


# Each hiding place below clusters/moc-test, with what is said of it and where.
EXTRAS = {
    "secret.yaml": (f"{SECRET_OBJECT}stringData: {{token: {SECRET}}}\n", "data of a Secret", ":4:21"),
    "kubeconfig.yaml": (
        f"{named('kubeconfig')}data:\n  config: |\n{indented(KUBECONFIG)}",
        "a kubeconfig",
        ":5:11",
    ),
    "pull.yaml": (
        f'{named("pull")}data:\n  pull: \'{{"auths":{{"quay.io":{{"auth":"{AUTH}"}}}}}}\'\n',
        "a pull secret",
        ":5:9",
    ),
    "password.yaml": (f"{named('password')}data:\n  bmc-password: {SECRET}\n", "a password", ":5:17"),
    "id_ed25519": (KEY, "a private key", ""),
    "notes.yaml": (f"bmc:\n  password: {SECRET}\n", "a password", ":2:13"),
}
UNLISTED = ("id_ed25519", "notes.yaml")


def test_s02_a_secret_in_extras_is_found_and_not_shown(repo: Path, okd_gitops: Run) -> None:
    folder = repo / "clusters/moc-test"
    folder.mkdir()
    listed = [name for name in EXTRAS if name not in UNLISTED]
    (folder / "kustomization.yaml").write_text(f"resources: {json.dumps(listed)}\n")
    for name, (text, _kind, _place) in EXTRAS.items():
        (folder / name).write_text(text)
    assert okd_gitops("generate").returncode == 0

    shown, answer = okd_gitops("check"), okd_gitops("check", "--output=json")
    for result in (shown, answer):
        output = result.stdout + result.stderr
        assert result.returncode == 1
        assert SECRET not in output
        assert AUTH not in output
        assert KEY.splitlines()[1] not in output

    findings = json.loads(answer.stdout)["findings"]
    for name, (_text, kind, place) in EXTRAS.items():
        path = f"clusters/moc-test/{name}"
        reasons = [found["reason"] for found in findings if found["location"]["file"] == path]
        assert any(reason.startswith(f"{kind} is in Git") for reason in reasons), name
        assert f"{kind} is in Git" in shown.stderr
        assert f"  {path}{place}" in shown.stderr


def test_s02_a_secret_in_a_cluster_file_is_found_where_it_is_written(repo: Path, okd_gitops: Run) -> None:
    file = repo / "clusters/moc-hub.yaml"
    file.write_text(f"{file.read_text()}upgrades:\n  hold: until glpat-{SECRET} is renewed\n")
    result = okd_gitops("check")

    assert "error secret-in-git: a token of GitLab is in Git: upgrades.hold" in result.stderr
    assert "  hold: ***\n" in result.stderr
    assert SECRET not in result.stdout + result.stderr
