"""Runs a Task's steps as Tekton would: real bash, curl, jq and gpg; `oc` and `skopeo` answer from files,
for they need a registry and a cluster.
"""

import hashlib
import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from frozen import CLOCK
from programs import program
from script_checks import shellchecked

FEATURES = Path(__file__).resolve().parents[2] / "generator/okd_gitops/catalog/features"
# What an image is: FOLDER/raw/NAME its manifest, FOLDER/info/NAME what `oc adm release info` says; NAME with
# _ for / : and @. Without a manifest skopeo fails with FOLDER/away, else as skopeo 1.9.3 does when a registry
# (docker-registry 2.8.2) does not know the name.
SKOPEO = """\
refuse() {
  image="${1#docker://}"
  place="reading manifest ${image##*:} in ${image%:*}"
  said="$(cat "$FOLDER/away" 2>/dev/null || printf 'manifest unknown: manifest unknown')"
  printf 'level=fatal msg="Error parsing image name \\"%s\\": %s: %s"\\n' "$1" "$place" "$said" >&2
  exit 1
}
name=$(printf '%s' "${@: -1}" | sed 's,^docker://,,' | tr '/:@' '___')
case "$1" in
  inspect) cat "$FOLDER/raw/$name" 2>/dev/null || refuse "${@: -1}" ;;
  list-tags) cat "$FOLDER/tags" ;;
esac
"""
OC = """\
case "$*" in
  "adm release info"*) cat "$FOLDER/info/$(printf '%s' "${@: -1}" | tr '/:@' '___')" ;;
  "adm release new"*) . "$FOLDER/new" ;;
  "adm release extract"*) . "$FOLDER/extract" ;;
  "get clusterversion"*) cat "$FOLDER/version" ;;
  "get clusteroperators"*) cat "$FOLDER/operators" ;;
  "get imagestreamtag"*) cat "$FOLDER/imagestreamtag" ;;
  tag*) . "$FOLDER/tag" ;;
esac
"""


# What skopeo 1.9.3 says of answers that do not tell whether a name is free: an overloaded registry, one that
# fails, the page of a proxy, a refusal, and Quay's words for a tag that was used and deleted.
NOT_TOLD = (
    "received unexpected HTTP status: 503 Service Unavailable",
    "received unexpected HTTP status: 500 Internal Server Error",
    "StatusCode: 404, <html>manifest unknown</html>",
    "unauthorized: authentication required",
    "unknown: Tag x was deleted or has expired. To pull, revive via time machine",
)


@cache
def task(feature: str, name: str) -> dict[str, Any]:
    """Return the spec of a Task of the catalog."""
    spec = yaml.safe_load((FEATURES / feature / "pipeline" / f"task-{name}.yaml").read_bytes())["spec"]
    assert isinstance(spec, dict)
    return spec


def digest(text: str) -> str:
    """Return the digest of a manifest."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def shellcheck(step: dict[str, Any]) -> str:
    """Return what shellcheck, with every check on, has against a step's script, or which rule of the house
    it breaks.
    """
    script = step["script"]
    if not script.startswith("#!/usr/bin/env bash\nset -euo pipefail\n"):
        return "it does not begin with bash and its options"
    if re.search(r"\$\((params|workspaces|results|tasks|context|steps?)\.", script):
        return "Tekton would substitute into the script"
    shebang, rest = script.split("\n", 1)
    text = "\n".join([shebang, *(f"export {item['name']}=x" for item in step["env"]), rest])
    return shellchecked(text, "--enable=all").stdout


class Bench:
    """A folder with the stubs, the Secrets and the results of a Task."""

    def __init__(self, root: Path, feature: str, temporary: Path) -> None:
        assert all(program(name) for name in ("bash", "jq", "gpg"))
        self.root, self.feature, self.temporary = root, feature, temporary
        self.workspace = root / "srv"
        for folder in ("bin", "srv", "raw", "info", "var", "results", "scratch"):
            (root / folder).mkdir()
        self.stub("oc", OC)
        self.stub("skopeo", SKOPEO)
        self.stub("sleep")
        self.stub("curl", f'exec "{program("curl")}" "$@"')

    def stub(self, name: str, body: str = "") -> None:
        """Replace a program by a script that writes down how it was called."""
        path = self.root / "bin" / name
        path.write_text(f'#!/usr/bin/env bash\nprintf \'%s\\n\' "{name} $*" >>"$FOLDER/log"\n{body}\n')
        path.chmod(0o755)

    def image(self, reference: str, manifest: str, info: dict[str, Any] | None = None) -> str:
        """Put an image into the registry, with what is in it when it is a release; return its digest."""
        by_digest = f"{re.split(r'[@]|:(?=[^/]*$)', reference)[0]}@{digest(manifest)}"
        for name in (reference, by_digest):
            (self.root / "raw" / re.sub("[/:@]", "_", name)).write_text(manifest)
            if info is not None:
                (self.root / "info" / re.sub("[/:@]", "_", name)).write_text(json.dumps(info))
        return digest(manifest)

    def secret(self, name: str, **files: str) -> Path:
        """Mount a Secret or a ConfigMap; `_` in a key is a dot or a dash as the file needs it."""
        folder = self.root / "var" / name
        folder.mkdir(exist_ok=True)
        for key, text in files.items():
            (folder / key).write_text(text)
        return folder

    def run(self, name: str, /, **given: str | list[str]) -> subprocess.CompletedProcess[str]:
        """Run the steps of a Task with parameters, `_` for `-`, up to the first that fails."""
        spec = task(self.feature, name)
        values = {item["name"]: item.get("default") for item in spec.get("params", [])}
        passed = {key.replace("_", "-"): value for key, value in given.items()}
        assert passed.keys() <= values.keys()
        values |= passed
        assert None not in values.values(), f"{values} lacks a value"
        done = subprocess.CompletedProcess[str]([], 0)
        for step in spec["steps"]:
            environment = {item["name"]: self._value(item["value"], values) for item in step["env"]}
            environment |= {
                "PATH": f"{self.root}/bin:{os.environ['PATH']}",
                "FOLDER": str(self.root),
                "TMPDIR": str(self.temporary),
                **CLOCK,
            }
            arguments = [one for text in step.get("args", []) for one in self._arguments(text, values)]
            script = self.root / "script"
            script.write_text(step["script"])
            done = subprocess.run(
                ["bash", script, *arguments],
                env=environment,
                cwd=self.root,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                break
        return done

    def result(self, name: str) -> str:
        """Return a result, or nothing when it was not written."""
        path = self.root / "results" / name
        return path.read_text() if path.exists() else ""

    def calls(self, program: str) -> list[str]:
        """Return how a stub was called."""
        log = self.root / "log"
        return (
            [line for line in log.read_text().splitlines() if line.startswith(f"{program} ")]
            if log.exists()
            else []
        )

    def _value(self, text: str, values: dict[str, Any]) -> str:
        text = re.sub(r"\$\(params\.([a-z0-9-]+)\)", lambda found: str(values[found[1]]), text)
        text = re.sub(
            r"\$\(results\.([a-z0-9-]+)\.path\)", lambda found: str(self.root / "results" / found[1]), text
        )
        text = text.replace("$(workspaces.ws.path)", str(self.workspace))
        return re.sub(
            r"^/var/run/|^/(?=scratch)",
            lambda found: f"{self.root}{'/var/' if 'run' in found[0] else '/'}",
            text,
        )

    def _arguments(self, text: str, values: dict[str, Any]) -> list[str]:
        found = re.fullmatch(r"\$\(params\.([a-z0-9-]+)\[\*\]\)", text)
        return list(values[found[1]]) if found else [self._value(text, values)]
