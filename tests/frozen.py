"""The example fleet in tests/fleet: what documents, demonstrations and tests rest on, so that an edit of
clusters/ concerns none of them.
"""

import os
import shutil
from pathlib import Path

from okd_gitops.generate.generate import generate
from okd_gitops.system.disk import ROOTS

FLEET = Path(__file__).resolve().parent / "fleet"
# The day on which it is looked at: one of its clusters expires some weeks later.
DAY = dict.fromkeys(("OKD_GITOPS_CHECK_AT", "OKD_GITOPS_REPORT_AT"), "2026-11-28T12:00:00Z")
# What gives the programs that a test starts the same clock as the test; test_any_day.py says how.
CLOCK = {name: value for name, value in os.environ.items() if name == "LD_PRELOAD" or "FAKE" in name}


def lay_out(root: Path) -> None:
    """Make `root` the repository of the example fleet: its files in place of those of any other fleet, and
    what is generated from them.
    """
    for name in ("clusters", *ROOTS):
        shutil.rmtree(root / name, ignore_errors=True)
    shutil.copytree(FLEET, root, dirs_exist_ok=True)
    generate(root)
