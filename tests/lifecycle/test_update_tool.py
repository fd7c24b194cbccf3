"""tool-update: what a newer okd-gitops would change, by a wheel that is this one with another version."""

import shutil
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import click
import pytest
from click.testing import CliRunner

from conftest import CACHE, ROOT, files
from okd_gitops.check.diff import Difference
from okd_gitops.check.named_wheel import named_wheel_findings
from okd_gitops.cli.tools import print_update
from okd_gitops.errors import ToolError, UsageError
from okd_gitops.finding import FindingsError
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.init import init
from okd_gitops.lifecycle.update_tool import ToolUpdate, pin_tool, update_tool
from okd_gitops.system.newer_tool import other_tool
from small_wheel import LOCK, small_wheel

# What the next version has changed in its catalog.
CHANGED = "argocd/upstream/configmap-argocd-cm.yaml"


def people_write(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "fleet.yaml", root / "clusters/hub.yaml")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of version 0.2.0, in which one file of the catalog is another."""
    folder = tmp_path_factory.mktemp("newer")
    package = shutil.copytree(
        ROOT / "generator/okd_gitops", folder / "okd_gitops", ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "__init__.py").write_text('__version__ = "0.2.0"\n')
    changed = package / "catalog/features" / CHANGED
    changed.write_text(changed.read_text().replace("\ndata:\n", "\ndata:\n  newer: 'true'\n"))

    with ZipFile(folder / "okd_gitops-0.2.0-py3-none-any.whl", "w") as archive:
        for path in sorted(package.rglob("*")):
            archive.write(path, path.relative_to(folder))

        archive.write(ROOT / "requirements/generate.txt", LOCK)

    return folder / "okd_gitops-0.2.0-py3-none-any.whl"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    (root := tmp_path / "fleet").mkdir()
    init(root, "github", "https://git.massopen.cloud/okd/fleet.git", str(small_wheel(tmp_path)))

    return root


def test_a_wheel_must_be_the_one_that_the_requirements_name(fleet: Path) -> None:
    assert list(named_wheel_findings(fleet)) == []
    (wheel,) = (fleet / "tool").iterdir()
    wheel.write_bytes(wheel.read_bytes() + b"x")
    (other,) = named_wheel_findings(fleet)
    wheel.unlink()
    (missing,) = named_wheel_findings(fleet)

    assert "and requirements.txt names" in other.reason
    assert other.location.file == f"tool/{wheel.name}"
    assert missing.reason == f"tool/{wheel.name} is not there, or cannot be read"


def test_a_fleet_moves_to_the_next_version_with_the_same_cluster_files(fleet: Path, wheel: Path) -> None:
    before, written = files(fleet), people_write(fleet)
    shown = update_tool(fleet, CACHE, wheel, say=lambda _text: None)

    assert shown.version == "0.2.0"
    # Folders that it leaves alone do not get its name.
    assert shown.files == (f"bases/{CHANGED}", "bases/argocd/upstream/generated.sha256")
    assert [(cluster, dict(counts)) for cluster, counts in shown.difference.counts()] == [
        ("hub", {"changed": 1})
    ]
    assert files(fleet) == before

    with other_tool(wheel) as tool:
        tool.generate(fleet)

    after = files(fleet)
    assert tuple(path for path in after if after[path] != before.get(path)) == shown.files
    assert people_write(fleet) == written
    # From now on the older one refuses what it would write otherwise.
    with pytest.raises(FindingsError) as caught:
        generate(fleet)
    assert [finding.name for finding in caught.value.findings] == ["tool-too-old"]


def test_the_fleet_names_the_next_version_and_its_hash_and_no_other(fleet: Path, wheel: Path) -> None:
    before = files(fleet)

    assert pin_tool(fleet, wheel) == ["requirements.txt", f"tool/{wheel.name}"]
    assert [path.name for path in (fleet / "tool").iterdir()] == [wheel.name]
    text = (fleet / "requirements.txt").read_text()
    assert f"./tool/{wheel.name} \\\n    --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n" in text
    assert "okd_gitops-0.1.0" not in text
    assert files(fleet) == before


def test_requirements_that_people_wrote_and_programs_are_not_replaced(fleet: Path, wheel: Path) -> None:
    (fleet / "requirements.txt").write_text("okd-gitops==0.1.0\n")

    with pytest.raises(UsageError, match="not the one that okd-gitops init writes"):
        pin_tool(fleet, wheel)
    with pytest.raises(UsageError, match="cannot be pinned"):
        pin_tool(fleet, Path("/usr/bin/okd-gitops"))
    assert (fleet / "requirements.txt").read_text() == "okd-gitops==0.1.0\n"


def test_a_version_that_changes_nothing_gives_no_advice_to_generate(fleet: Path) -> None:
    nothing = Difference(changes=(), untouched=("overlays/hub",))
    told = CliRunner().invoke(
        click.Command("x", callback=lambda: print_update(ToolUpdate("0.2.0", (), nothing), []))
    )

    assert "would change no file" in told.output
    assert "generate" not in told.output


def test_a_fleet_that_is_not_generated_is_not_compared(fleet: Path, wheel: Path) -> None:
    (fleet / "argocd/fleet/application.yaml").unlink()

    with pytest.raises(FindingsError) as caught:
        update_tool(fleet, CACHE, wheel, say=lambda _text: None)

    assert (caught.value.exit_code, {finding.name for finding in caught.value.findings}) == (
        3,
        {"out-of-date"},
    )


def test_what_the_other_one_refuses_is_told_with_its_words(tmp_path: Path) -> None:
    program = tmp_path / "okd-gitops"
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "okd-gitops, version 9.0" && exit\necho no >&2; exit 2\n'
    )
    program.chmod(0o755)

    with other_tool(program) as tool, pytest.raises(ToolError, match=r"(?s)ended with 2 at generate.*no"):
        tool.generate(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_wheel_of_it_is_refused(content: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "x.whl").write_bytes(content)

    with pytest.raises(UsageError), other_tool(path):
        pass


def test_a_wheel_must_be_of_the_version_in_its_name(tmp_path: Path, wheel: Path) -> None:
    renamed = tmp_path / "okd_gitops-0.3.0-py3-none-any.whl"
    shutil.copy(wheel, renamed)

    named = r"named otherwise than what is in it: okd-gitops 0\.2\.0"
    with pytest.raises(UsageError, match=named), other_tool(renamed):
        pass


def test_a_program_that_tells_no_version_is_no_okd_gitops() -> None:
    with pytest.raises(UsageError, match="is no okd-gitops"), other_tool(Path("/bin/true")):
        pass
