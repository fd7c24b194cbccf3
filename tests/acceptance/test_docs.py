"""What the docs show is what happens: outputs, files, tables, links."""

import re
import tomllib
from pathlib import Path

import pytest

import golden
from frozen import FLEET
from golden import CASES, ROOT
from okd_gitops.cli.main import cli
from okd_gitops.cli.release import release

README = (ROOT / "README.md").read_text()
SECTIONS = {
    part.partition("\n")[0].replace(" ", "_").lower(): part for part in README.split("\n## ") if "```" in part
}


@pytest.mark.parametrize("title", SECTIONS)
def test_the_readme_shows_what_its_commands_print(title: str, tmp_path: Path) -> None:
    golden.clone(tmp_path)
    assert golden.readme(SECTIONS[title], tmp_path) == SECTIONS[title], "make golden writes it anew"


def test_the_reference_matches_the_code() -> None:
    assert (ROOT / "docs/reference.md").read_text() == golden.reference(), "make golden writes it anew"


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_golden_folders_match_in_both_directions(case: Path, tmp_path: Path) -> None:
    folder = case / "expected"
    kept = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    made = golden.expected(case, tmp_path)
    assert sorted(made) == sorted(kept)
    assert made == kept


def test_links_and_named_files_exist() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for name in re.findall(
            r"`((?:docs|tests|tools|generator|clusters|schemas)/[A-Za-z0-9_./-]+)`", document.read_text()
        ):
            # Capitals stand for a name that the reader chooses; clusters are those of the example fleet.
            there = (ROOT / name).exists() or (FLEET / name).exists()
            assert "NAME" in name or there, f"{document.name} names {name}"


def test_architecture_stays_two_pages() -> None:
    assert len((ROOT / "docs/architecture.md").read_text().splitlines()) <= 110


def test_the_architecture_draws_the_order_of_packages_that_lint_keeps() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    drawn = text[text.index("## The order of packages") : text.index("`catalog/` is complete")]
    order = [re.split(r"\s{2,}", line.strip())[0] for line in drawn.splitlines() if line.startswith("    ")]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert order == contracts[0]["layers"]


def test_decisions_have_consecutive_numbers() -> None:
    files = sorted((ROOT / "docs/decisions").iterdir())
    assert [file.name[:4] for file in files] == [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [file.read_text()[:8] for file in files] == [f"# {file.name[:4]}: " for file in files]


def test_the_changelog_names_every_command_and_feature() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    features = [folder.name for folder in (ROOT / "generator/okd_gitops/catalog/features").iterdir()]
    assert [name for name in [*cli.commands, *release.commands, *features] if name not in text] == []


def test_the_first_cluster_of_the_readme_is_generated_checked_and_committed(tmp_path: Path) -> None:
    block = SECTIONS["your_first_cluster"].partition("```sh\n")[2].partition("```")[0]
    clone, setup, *lines = [line.partition("#")[0].strip() for line in block.splitlines()]
    assert clone.startswith("git clone ")
    assert setup.startswith("make -C okd-gitops ")

    example = (FLEET / "clusters/moc-test.yaml").read_text()
    script = ["set -e", "export GIT_CONFIG_GLOBAL=/dev/null"]
    for line in lines:
        if line.startswith("$EDITOR "):
            for key in ("server", "clusterID", "version", "image"):
                value = re.search(rf"^ *{key}: (\S+)", example, re.MULTILINE)
                assert value, f"the example fleet has no {key}"
                script.append(f"sed -i 's|{key}: FILL-IN.*|{key}: {value[1]}|' clusters/moc-lab.yaml")
        else:
            script.append(line.replace("../okd-gitops/okd-gitops", str(ROOT / "okd-gitops")))
    script[4:4] = ["git config user.name A", "git config user.email a@example.org"]

    output = golden.shown("\n".join(script), tmp_path)
    assert " 0 errors, " in output
    assert "\nUpdate moc-lab\n" in output


def test_the_index_names_every_document() -> None:
    index = (ROOT / "docs/README.md").read_text()
    names = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert [name for name in sorted(names) if f"]({name})" not in index] == []


@pytest.mark.parametrize(
    "document",
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")],
    ids=lambda path: path.name,
)
def test_every_link_of_a_document_leads_to_a_file(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        assert target.startswith("https://") or (document.parent / target).exists(), target
