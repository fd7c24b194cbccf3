"""Files that people write, in every form that goes wrong: refused with all findings at once, and nothing
is written.
"""

import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conftest import Run, files
from okd_gitops.finding import Finding, FindingsError, Location
from okd_gitops.fleet import load as fleet_load
from okd_gitops.fleet.load import load
from okd_gitops.generate.generate import generate
from okd_gitops.redaction import printable
from okd_gitops.report.finding_text import as_text
from okd_gitops.report.markdown import code, prose
from readers import catalog

CLUSTER = """\
purpose: test
environment: kind
kubernetes: "1.35"
"""


@pytest.fixture(autouse=True)
def _catalog_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog that comes with the tool is the same for all of them."""
    monkeypatch.setattr(fleet_load, "load_catalog", lambda *_: catalog())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository of one hub and one cluster."""
    fleet = (
        "repository: https://github.com/x/y.git\n"
        "hub: hub\n"
        "owners: [a]\n"
        "upstream: https://graph.example.org/graph\n"
    )
    (tmp_path / "fleet.yaml").write_text(fleet)
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters/hub.yaml").write_text(CLUSTER.replace("test", "hub"))
    (tmp_path / "clusters/x.yaml").write_text(CLUSTER)
    return tmp_path


def refused(root: Path) -> list[Finding]:
    with pytest.raises(FindingsError) as error:
        generate(root)
    assert error.value.exit_code == 2
    assert files(root) == {}
    return [finding for finding in error.value.findings if finding.severity == "error"]


def told(finding: Finding) -> str:
    return f"{finding.location} {finding.reason}: {finding.remedy}"


def test_the_small_repository_is_fine(small: Path) -> None:
    assert generate(small).written
    assert load(small).notes == ()


def _socket(path: Path) -> None:
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)


@pytest.mark.parametrize("name", ["dir.yaml", "x.yaml", "dir.yml", "fleet.yaml"])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, _socket, lambda path: path.symlink_to("/dev/zero")])
def test_anything_but_a_file_is_refused_without_waiting(
    small: Path, monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(small)
    path = small / name if name == "fleet.yaml" else small / "clusters" / name
    path.unlink(missing_ok=True)
    make(path)
    assert name in "".join(map(told, refused(small)))


@pytest.mark.parametrize(
    "name",
    [
        "X.YAML",
        "x.YML",
        "z.yml",
        "z.json",
        "z.Yaml",
        "Z.yaml",
        "-z.yaml",
        ".z.yaml",
        "in-cluster.yaml",
        "z\n.yaml",
        "z\udcff.yaml",
    ],
)
def test_a_file_that_might_be_meant_as_a_cluster_is_refused(small: Path, name: str) -> None:
    (small / "clusters" / name).write_text(CLUSTER)
    found = refused(small)
    assert {finding.location.file for finding in found} == {f"clusters/{name}"}
    assert "\n" not in as_text(found[0]).splitlines()[1]


@pytest.mark.parametrize(
    "name",
    [
        "x.yaml~",
        ".x.yaml.swp",
        ".x.yaml.swo",
        ".#x.yaml",
        "x.yaml.orig",
        "x.yaml.bak",
        "#x.yaml#",
        "x.yaml.rej",
        "x.yml~",
    ],
)
def test_a_leftover_of_an_editor_is_skipped_with_a_warning(small: Path, name: str) -> None:
    path = small / "clusters" / name
    if name.startswith(".#"):
        path.symlink_to("user@host.1234")
    else:
        path.write_bytes(b"\0" if "sw" in name else b"purpose: [")
    (note,) = generate(small).fleet.notes
    assert (note.severity, note.location.file) == ("warning", f"clusters/{name}")


def test_a_leftover_alone_is_no_cluster(small: Path) -> None:
    for path in (small / "clusters").iterdir():
        path.rename(f"{path}~")
    assert [finding.name for finding in refused(small)] == ["empty-fleet"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        *(
            (key, value, "in quotes")
            for key in ("kubernetes", "upgrades.hold")
            for value in ("4.20", "on", "0755", "08", "1:20", "1_0", "1e3", "2026-11-21")
        ),
        *(
            (key, value, "is missing")
            for key in ("kubernetes", "upgrades.hold", "server", "owners", "wave", "release")
            for value in ("~", "null", "", "Null")
        ),
    ],
)
def test_text_that_yaml_reads_as_something_else_is_never_guessed(
    small: Path, key: str, value: str, said: str
) -> None:
    head, _, inner = key.partition(".")
    line = f"{head}: {{{inner}: {value}}}\n" if inner else f"{head}: {value}\n"
    (small / "clusters/x.yaml").write_text(
        CLUSTER.replace('kubernetes: "1.35"\n', "" if key == "kubernetes" else 'kubernetes: "1.35"\n') + line
    )
    assert [said in told(finding) for finding in refused(small)] == [True]


def test_each_of_three_files_shows_its_syntax_error_with_a_caret(small: Path) -> None:
    texts = {"a": "purpose: [test\n", "b": "purpose: test\n  wave: 1\n", "c": "# ä\npurpose: 'test\n"}
    for name, text in texts.items():
        (small / f"clusters/{name}.yaml").write_text(text)
    found = refused(small)
    assert [finding.location.file for finding in found] == [f"clusters/{name}.yaml" for name in texts]
    assert ["^" in as_text(finding).splitlines()[3] for finding in found] == [True] * 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("releases.file", "a/../../x.yaml"),
        ("releases.file", "../x.yaml"),
        ("releases.file", "/etc/x.yaml"),
        ("releases.file", "a//x.yaml"),
        ("releases.file", "a/./x.yaml"),
        ("releases.file", ".git/x.yaml"),
        ("releases.signatures.keys", "a/../../x.asc"),
        ("releases.signatures.keys", "/etc/passwd"),
        ("releases.signatures.keys", ".git/config"),
        ("releases.github", "../.."),
        ("releases.github", "./x"),
        ("releases.quay", "quay.io/../x"),
        ("releases.channel", "../x"),
        ("revision", "a/../b"),
        ("revision", "a..b"),
        ("revision", "x.lock"),
        ("revision", "--upload-pack=x"),
        ("hub", "../x"),
        ("repository", "https://github.com/x/../../y"),
    ],
)
def test_a_path_in_the_fleet_must_stay_inside_it(small: Path, key: str, value: str) -> None:
    service = "https://example.org"
    fleet: dict[str, object] = {
        "repository": "https://github.com/x/y.git",
        "hub": "hub",
        "owners": ["a"],
        "upstream": f"{service}/graph",
    }
    *outer, last = key.split(".")
    place = fleet
    for step in outer:
        inner: dict[str, object] = {"controller": service} if step == "releases" else {"store": service}
        place[step] = inner
        place = inner
    place[last] = [value] if last == "keys" else value
    (small / "fleet.yaml").write_text(json.dumps(fleet))
    assert [finding.location.file for finding in refused(small)] == ["fleet.yaml"]


@pytest.mark.parametrize("key", ["purpose", "environment"])
@pytest.mark.parametrize("value", ["../x", "/etc", "test/../cd", "test\n"])
def test_an_unknown_name_in_a_cluster_file_is_refused(small: Path, key: str, value: str) -> None:
    text = CLUSTER.replace(
        "purpose: test", "purpose: test" if key == "environment" else f"purpose: {json.dumps(value)}"
    )
    text = text.replace(
        "environment: kind", "environment: kind" if key == "purpose" else f"environment: {json.dumps(value)}"
    )
    (small / "clusters/x.yaml").write_text(text)
    assert refused(small)


_ATTACK = (
    "x\x1b[31m\r\n"
    "::error::\n"
    " ::set-output\n"
    "##vso[task]\n"
    "##[group]\u202e](http://e.example) @team <img src=x> `id` #1 \u200b"
)


def test_foreign_text_is_inert_on_a_terminal_and_in_a_log() -> None:
    lines = [printable(line) for line in _ATTACK.split("\n")]
    place = Location(file=_ATTACK, line=1, column=1, text=_ATTACK)
    shown = as_text(
        Finding(
            name="invalid-value",
            location=place,
            reason=_ATTACK,
            remedy=_ATTACK,
            object=_ATTACK,
            clusters=(_ATTACK,),
        )
    )
    for line in [*lines, *shown.split("\n")]:
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line


def test_foreign_text_is_inert_in_a_pull_request() -> None:
    for text in (prose(_ATTACK), code(_ATTACK)):
        assert "\n" not in text
        assert not set(text) & {"\x1b", "\r", "\u202e", "\u200b"}
    shown = prose(_ATTACK)
    assert "\\](http:" in shown
    assert "@team" not in shown
    assert "<img" not in shown
    assert "\\`id\\`" in shown
    assert "#1" not in shown.split()


def test_a_free_text_of_a_cluster_file_is_inert_in_what_is_printed(okd_gitops: Run, repo: Path) -> None:
    path = repo / "clusters/moc-test.yaml"
    path.write_text(
        path.read_text()
        + 'upgrades: {hold: 5}  # ::error::x ##vso[task] \u202e\nowners: ["\\x1b[31m\\n::error::x"]\n'
    )
    done = okd_gitops("generate")
    assert done.returncode == 2
    for line in done.stderr.splitlines():
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##vso[" not in line


@pytest.mark.parametrize("broken", ["missing", "empty", "only a folder", "a file", "a symlink"])
def test_a_missing_or_broken_clusters_folder_is_refused(small: Path, broken: str) -> None:
    generate(small)
    before = files(small)
    shutil.move(small / "clusters", small / "elsewhere")
    if broken == "a file":
        (small / "clusters").write_text("")
    elif broken == "a symlink":
        (small / "clusters").symlink_to("elsewhere")
    elif broken != "missing":
        (small / "clusters").mkdir()
    if broken == "only a folder":
        (small / "clusters/x").mkdir()
    with pytest.raises(FindingsError) as error:
        generate(small)
    assert (error.value.exit_code, files(small)) == (2, before)


@contextmanager
def _nobody() -> Iterator[None]:
    """Read as a user without rights, also where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize(
    ("path", "mode"),
    [("clusters/x.yaml", 0), ("clusters", 0), ("clusters", 0o444), ("clusters", 0o111), ("fleet.yaml", 0)],
)
def test_an_unreadable_file_is_refused(small: Path, path: str, mode: int) -> None:
    generate(small)
    before = files(small)
    for parent in (small, *small.parents):
        if parent.stat().st_uid == os.geteuid() and parent.is_relative_to(tempfile.gettempdir()):
            parent.chmod(parent.stat().st_mode | 0o055)
    (small / path).chmod(mode)
    with _nobody(), pytest.raises(FindingsError) as error:
        generate(small, write=False)
    (small / path).chmod(0o755)
    assert (error.value.exit_code, files(small)) == (2, before)
    assert any(
        finding.location.file.startswith(path) and "cannot be read" in finding.reason
        for finding in error.value.findings
    )
