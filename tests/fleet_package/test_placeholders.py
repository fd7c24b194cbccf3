"""A value that stands for another one is found where it is written, and a real value never is."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from okd_gitops.finding import Finding
from okd_gitops.fleet import kept_placeholders as kept
from okd_gitops.fleet.placeholders import placeholders
from okd_gitops.manifests.read import Document, read
from okd_gitops.system.kept import EXACT, Kept


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


def test_what_an_earlier_run_found_is_found_by_the_bytes_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv(EXACT, raising=False)
    looked: list[str] = []

    def noted(documents: Iterable[Document]) -> list[Finding]:
        given = list(documents)
        looked.extend(each.file for each in given)
        return placeholders(given)

    monkeypatch.setattr(kept, "placeholders", noted)

    def found(*texts: str) -> list[Finding]:
        looked.clear()
        documents = [read(f"{number}.yaml", text.encode()) for number, text in enumerate(texts)]
        findings = kept.kept_placeholders([*documents, *documents], Kept.of(tmp_path, tmp_path))
        assert findings == placeholders([*documents, *documents])
        return findings

    assert len(found("a: TODO", "b: c", "a: TODO")) == 4
    assert looked == ["0.yaml", "1.yaml", "2.yaml"]
    found("a: TODO", "b: c", "a: TODO")
    assert looked == []
    found("x: 1\na: TODO", "b: TODO", "a: TODO")
    assert looked == ["0.yaml", "1.yaml"]
    # What was there before an edit is not kept.
    found("a: TODO")
    assert looked == ["0.yaml"]

    (file,) = (tmp_path / "kept/placeholders").iterdir()
    for damaged in (file.read_bytes()[:-1], b"", file.read_bytes().replace(b"TODO", b"TODE")):
        file.write_bytes(damaged)
        found("a: TODO")
        assert looked == ["0.yaml"]

    monkeypatch.setattr(kept, "hash_of_code", lambda: "other")
    found("a: TODO")
    assert looked == ["0.yaml"]
    monkeypatch.setenv(EXACT, "1")
    found("a: TODO")
    assert looked == ["0.yaml", "0.yaml"]
