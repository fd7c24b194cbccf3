"""The wheel from which this okd-gitops was installed, as the installer noted it (PEP 610)."""

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

_NOTE = "direct_url.json"


def own_wheel() -> str:
    """Return the wheel's file, or its address with `#sha256=…`; empty where nobody noted one.

    An installation from an index, from git or from a folder has none.
    """
    try:
        note = json.loads(distribution("okd-gitops").read_text(_NOTE) or "{}")
    except (PackageNotFoundError, ValueError):
        return ""

    url, archive = str(note.get("url", "")), note.get("archive_info")

    if not url.endswith(".whl") or archive is None:
        return ""

    if url.startswith("file://"):
        file = Path(unquote(urlsplit(url).path))
        return str(file) if file.is_file() else ""

    sha256 = (archive.get("hashes") or {}).get("sha256") or str(archive.get("hash", "")).partition("=")[2]

    return f"{url}#sha256={sha256}" if sha256 else ""
