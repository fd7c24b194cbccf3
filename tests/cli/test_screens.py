"""The whole output of commands is that of the golden files: a change of a text is seen in review."""

from pathlib import Path

import pytest

import screens


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the example fleet, generated and committed."""
    root = tmp_path_factory.mktemp("screens") / "fleet"
    screens.committed_fleet(root)

    return root


def golden_text(name: str) -> str:
    """Return a screen as `make golden` wrote it."""
    return (screens.FOLDER / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", screens.SCREENS)
def test_a_command_shows_its_golden_screen(name: str, fleet: Path, tmp_path: Path) -> None:
    assert screens.screen(name, fleet, tmp_path) == golden_text(name), "make golden writes it anew"


def test_release_commands_show_their_golden_screens(tmp_path: Path) -> None:
    for name, text in screens.release_screens(tmp_path).items():
        assert text == golden_text(name), "make golden writes it anew"


def test_every_golden_screen_has_its_command() -> None:
    names = {path.stem for path in screens.FOLDER.iterdir()}
    assert names == screens.SCREENS.keys() | screens.RELEASE_SCREENS.keys()
