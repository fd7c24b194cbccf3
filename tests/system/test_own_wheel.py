"""Which wheel this okd-gitops was installed from, by what installers write down (PEP 610)."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from okd_gitops.system.own_wheel import own_wheel

NAME = "okd_gitops-0.1.0-py3-none-any.whl"
URL = f"https://wheels.massopen.cloud/{NAME}"
HASH = "a" * 64
# What pip 24 and uv 0.9 write, and older versions of pip.
NOTES: dict[str, tuple[Any, str]] = {
    "a file, by pip": ({"archive_info": {"hashes": {"sha256": HASH}}, "url": "FILE"}, "FILE"),
    "a file, by uv": ({"archive_info": {}, "url": "FILE"}, "FILE"),
    "a file that is gone": ({"archive_info": {}, "url": f"file:///nonexistent/{NAME}"}, ""),
    "an address": ({"archive_info": {"hashes": {"sha256": HASH}}, "url": URL}, f"{URL}#sha256={HASH}"),
    "an address, by an old pip": (
        {"archive_info": {"hash": f"sha256={HASH}"}, "url": URL},
        f"{URL}#sha256={HASH}",
    ),
    "an address without a hash": ({"archive_info": {}, "url": URL}, ""),
    "a folder": ({"dir_info": {"editable": True}, "url": "file:///home/me/okd-gitops"}, ""),
    "git": ({"vcs_info": {"vcs": "git", "commit_id": "c"}, "url": "https://github.com/x/y.git"}, ""),
    "an index": (None, ""),
    "a broken note": ("{", ""),
}


@pytest.mark.parametrize("kind", NOTES)
def test_the_wheel_is_the_one_that_the_installer_noted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, expected = NOTES[kind]
    (file := tmp_path / "a b" / NAME).parent.mkdir()
    file.write_bytes(b"")
    (folder := tmp_path / "okd_gitops-0.1.0.dist-info").mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: okd-gitops\nVersion: 0.1.0\n")

    if note is not None:
        text = note if isinstance(note, str) else json.dumps(note)
        (folder / "direct_url.json").write_text(text.replace('"FILE"', f'"{file.as_uri()}"'))

    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert own_wheel() == (str(file) if expected == "FILE" else expected)


def test_a_checkout_has_none() -> None:
    assert own_wheel() == ""
