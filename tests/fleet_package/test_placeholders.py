"""A value that stands for another one is found where it is written, and a real value never is."""

import pytest

from okd_gitops.fleet.placeholders import placeholders
from okd_gitops.manifests.read import read


def found(value: str) -> list[tuple[str, str]]:
    document = read("fleet.yaml", f"key:\n  - {value}\n".encode())
    return [(finding.name, str(finding.location)) for finding in placeholders([document])]


@pytest.mark.parametrize(
    "value",
    [
        "https://github.com/EXAMPLE/fleet.git",
        "FILL-IN",
        "https://api.FILL_IN.massopen.cloud:6443",
        "CHANGEME",
        "ReplaceMe REPLACE-ME",
        "TODO",
        "https://git.<your-host>/fleet.git",
    ],
)
def test_a_placeholder_is_an_error_at_its_place(value: str) -> None:
    assert found(value) == [("placeholder-value", "fleet.yaml:2:5")]


@pytest.mark.parametrize(
    "value",
    [
        "https://api.lab.example.org:6443",
        "https://Example.COM/graph",
        "somebody@example.net",
        "registry.test.invalid/a/b",
        "https://git.fleet.test/fleet.git",
        "00000000-0000-4000-8000-000000000000",
        f"registry.massopen.cloud/release@sha256:{'a' * 64}",
    ],
)
def test_an_example_is_a_warning(value: str) -> None:
    assert found(value) == [("example-value", "fleet.yaml:2:5")]


@pytest.mark.parametrize(
    "value",
    [
        "https://github.com/okd-project/okd-gitops.git",
        "https://api.example.massopen.cloud:6443",
        "https://api.moc-test.massopen.cloud:6443",
        "https://myexample.org/fleet.git",
        "moc-test",
        "test",
        "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926",
        "4.22.0-okd-scos.0",
        "examples/fill-in-the-form",
        '"okd-(?P<minor>[0-9]+)"',
        '"FROM scratch\\n# TODO: cut it\\n"',
        '"!nStsazaBvZCZQHPWTY:fedoraproject.org"',
    ],
)
def test_a_real_value_has_no_finding(value: str) -> None:
    assert found(value) == []
