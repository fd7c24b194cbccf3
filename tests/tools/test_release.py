"""make release: what is not the same bytes twice, or does not start a fleet, is no release."""

from pathlib import Path

import pytest

import release
from failure import SetupError


def test_two_builds_that_differ_are_no_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = iter(({"a.whl": "1", "a.tar.gz": "2"}, {"a.whl": "1", "a.tar.gz": "3"}))
    monkeypatch.setattr(release, "_built", lambda _folder: next(builds))

    with pytest.raises(SetupError, match=r"differ: a\.tar\.gz$"):
        release.release(tmp_path)


def test_a_wheel_that_does_not_work_reaches_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_folder: Path, _wheel: Path) -> None:
        raise SetupError("okd-gitops init failed")

    (tmp_path / "once").mkdir()
    (tmp_path / "once/a.whl").write_text("")
    monkeypatch.setattr(release, "ROOT", tmp_path / "root")
    monkeypatch.setattr(release, "_built", lambda _folder: {"a.whl": "1"})
    monkeypatch.setattr(release, "_try", refuse)

    with pytest.raises(SetupError, match="init failed"):
        release.release(tmp_path)
    assert not (tmp_path / "root").exists()
