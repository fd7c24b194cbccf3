"""The whole output of okd-gitops check on a bad case of some rules, for the golden file beside the cases."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from frozen import DAY

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OKD_GITOPS_CACHE", ROOT / ".cache")).resolve()
RULES = ROOT / "tests" / "check" / "rules"
# The folder of a rule, and its bad case that is shown: one that breaks no other rule.
CASES = {
    "dangling_reference": "foreign",
    "floating_release": "truncated",
    "forced_update": "force",
    "open_listener": "no-interceptor",
    "placeholder": "in-arguments",
    "secret_in_git": "bmc-password",
    "stream_as_channel": "stream",
    "tekton_wiring": "run",
    "unsupported_feature_set": "capabilities",
    "version_outside_channel": "major",
    "wrong_cluster_identity": "no-uuid",
}


def golden_file(rule: str) -> Path:
    """Return where the output of a rule is kept."""
    return RULES / rule / "output.txt"


def output(rule: str) -> str:
    """Check a folder that deploys the bad case, and return what a terminal would show."""
    case = RULES / rule / "bad" / f"{CASES[rule]}.yaml"

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(case, folder)
        (Path(folder) / "kustomization.yaml").write_text(f"resources: [{case.name}]\n")
        done = subprocess.run(
            [sys.executable, "-I", str(ROOT / "generator"), "--cache", str(CACHE), "check", folder],
            env={**os.environ, **DAY},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return f"$ okd-gitops check FOLDER\n{done.stdout}exit code {done.returncode}\n"


def write() -> None:
    """Rewrite all of them."""
    for rule in CASES:
        golden_file(rule).write_text(output(rule))
