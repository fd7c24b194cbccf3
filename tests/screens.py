"""The whole output of commands, as a user sees it: what runs before, and what is typed.

`make golden` writes each screen to tests/cli/screens/NAME.txt; tests/cli/test_screens.py compares.
"""

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from demo_release import CACHE, FIRST, NEW, ROOT, SECOND, Demo
from frozen import DAY, lay_out
from okd_gitops.system.kept import EXACT
from release_controller import serving

# The key that signs is made for each run.
_FINGERPRINT = re.compile(r"\b[0-9A-F]{40}\b")
# It changes with every file of the fleet.
_OUTPUT_DIGEST = re.compile(r"(?<=^Output-Digest: sha256:)[0-9a-f]{64}$", re.MULTILINE)
# So does the first commit of the fleet.
_BASE = re.compile(r"(?:(?<=--base )|(?<=base `))[0-9a-f]{12}\b")
FOLDER = ROOT / "tests" / "cli" / "screens"
_CLUSTER = "clusters/moc-test.yaml"
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello, namespace: kvm-device-plugin}
spec:
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec:
      containers:
      - {name: hello, image: "docker.io/library/nginx:latest"}
"""
_COMPONENT = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [deployment.yaml]
"""
_FOREIGN = """\
apiVersion: config.openshift.io/v1
kind: ClusterVersion
metadata: {name: version}
spec:
  clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926
  channel: stable-scos-4
  desiredUpdate: {version: 4.21.0-okd-scos.11}
"""


@dataclass(frozen=True, slots=True)
class Screen:
    """A command that is typed in a repository with the example fleet, after a preparation."""

    arguments: tuple[str, ...]
    prepare: Callable[[Path], None]
    exit_code: int = 0


def _as_it_is(root: Path) -> None:
    """Change nothing."""


def _remove_feature(root: Path) -> None:
    path = root / _CLUSTER
    path.write_text(path.read_text().replace("  kvm-device-plugin:\n", ""))


def _generate_without_feature(root: Path) -> None:
    _remove_feature(root)
    _run(root, ("generate",))


def _edit_generated_file(root: Path) -> None:
    path = root / "overlays/moc-test/kustomization.yaml"
    path.write_text(f"{path.read_text()}# An edit by hand.\n")


def _add_floating_image(root: Path) -> None:
    extras = root / "clusters/moc-test"
    extras.mkdir()
    (extras / "kustomization.yaml").write_text(_COMPONENT)
    (extras / "deployment.yaml").write_text(_DEPLOYMENT)
    _run(root, ("generate",))


def _misspell_key(root: Path) -> None:
    path = root / _CLUSTER
    path.write_text(path.read_text().replace("clusterID:", "clusterId:"))


def _write_foreign_repository(root: Path) -> None:
    folder = root / "other" / "prod-east"
    folder.mkdir(parents=True)
    (folder / "clusterversion.yaml").write_text(_FOREIGN)


_NEW = (
    "cluster",
    "new",
    "moc-new",
    "--purpose",
    "ephemeral",
    "--expires",
    "3d",
    "--at",
    "2026-11-28T12:00:00Z",
)
SCREENS = {
    "generate": Screen(("generate",), _remove_feature),
    "generate-check": Screen(("generate", "--check"), _remove_feature, 3),
    "generate-edited-file": Screen(("generate",), _edit_generated_file, 3),
    "generate-misspelled-key": Screen(("generate",), _misspell_key, 2),
    "check": Screen(("check",), _as_it_is),
    "check-floating-image": Screen(("check",), _add_floating_image, 1),
    "diff": Screen(("diff",), _generate_without_feature),
    "report": Screen(("report", "--base", "HEAD"), _generate_without_feature),
    "commit-dry-run": Screen(("commit", "--dry-run"), _generate_without_feature),
    "explain-finding": Screen(("explain", "soak-not-over"), _as_it_is),
    "explain-feature": Screen(("explain", "pruning"), _as_it_is),
    "explain-unknown": Screen(("explain", "soak-over"), _as_it_is, 2),
    "cluster-new": Screen(_NEW, _as_it_is),
    "cluster-remove": Screen(("cluster", "remove", "moc-test"), _as_it_is),
    "cluster-expire": Screen(("cluster", "expire", "--at", "2026-12-19T00:00:00Z"), _as_it_is),
    "import": Screen(("import", "other"), _write_foreign_repository),
    "help": Screen(("--help",), _as_it_is),
    "help-release": Screen(("release", "--help"), _as_it_is),
}
RELEASE_SCREENS = {
    "release-list": (("release", "list"), 0),
    "release-show": (("release", "show", NEW), 0),
    "release-verify": (("release", "verify", NEW), 0),
    "release-plan": (("release", "plan"), 0),
    "release-plan-downgrade": (("release", "plan", "--cluster", "moc-test", "--to", FIRST), 5),
    "release-plan-offline": (("release", "plan", "--offline"), 2),
    "release-record": (("release", "record", "--dry-run"), 0),
    "status": (("status",), 0),
    "release-update": (("release", "update", "--push"), 0),
}


def screen(name: str, generated: Path, work: Path) -> str:
    """Return what a command shows; `generated` is a committed repository that is copied into `work`."""
    root = Path(shutil.copytree(generated, work / "fleet"))
    case = SCREENS[name]
    case.prepare(root)
    done = _run(root, case.arguments)
    assert done.returncode == case.exit_code, done.stdout
    exit_line = f"[exit {done.returncode}]\n" if done.returncode else ""
    output = _BASE.sub("…", _OUTPUT_DIGEST.sub("…", done.stdout))

    return f"$ okd-gitops {' '.join(case.arguments)}\n{output}{exit_line}"


def release_screens(work: Path) -> dict[str, str]:
    """Return the screens of the commands that ask a release controller; times and hashes are shown as `…`."""
    shown = {}

    with serving() as controller:
        demo = Demo(work, controller)
        controller.publish(NEW, before=(FIRST, SECOND))

        for name, (arguments, exit_code) in RELEASE_SCREENS.items():
            with redirect_stdout(io.StringIO()) as output:
                demo.run(*arguments, expected=exit_code)

            shown[name] = _FINGERPRINT.sub("…", output.getvalue())

    return shown


def committed_fleet(root: Path) -> None:
    """Make `root` a repository with the example fleet, generated and committed."""
    root.mkdir()
    lay_out(root)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")

    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message=start")):
        subprocess.run(("git", *identity, *words), cwd=root, check=True, capture_output=True)


def _run(root: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        **DAY,
        "PYTHONPATH": str(ROOT / "generator"),
        "NO_COLOR": "1",
        "COLUMNS": "110",
        # What an earlier run kept would be told in the first lines.
        EXACT: "1",
    }
    command = [sys.executable, "-m", "okd_gitops", "--cache", str(CACHE), *arguments]

    return subprocess.run(command, cwd=root, env=environment, stdout=-1, stderr=-2, text=True, check=False)
