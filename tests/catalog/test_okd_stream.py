"""okd-stream, rendered: one chain from a build of the operating system to a recorded release."""

import re
from typing import Any

import pytest
import yaml

from rendered import invalid, objects, of_kind
from taskbench import FEATURES, shellcheck

FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
STREAM = f"""\
    - name: next
      line: "4.22"
      os-stream: next
      names: preview
      source-stream: 4.22.0-0.okd-scos-nightly
      candidates: quay.io/lab/candidates
      releases: quay.io/lab/releases
      public-key: "-----BEGIN PGP PUBLIC KEY BLOCK-----"
      fingerprint: {FINGERPRINT}
      cluster: lab-next
      publish: true
      every-weeks: 3
"""
IMAGE = f"registry.example.org/okd-gitops@sha256:{'c' * 64}"
BELOW = """\
  tekton:
  kvm-device-plugin:
  notify:
  payload:
  scos-pipeline:
    hand-on: true
    releases:
    - {minor: "4.22", stream: next, schedule: 30 20 * * *}
"""
GIVEN = f"{BELOW}  okd-stream:\n    image: {IMAGE}\n    streams:\n{STREAM}"
Objects = tuple[dict[str, Any], ...]
TASKS = sorted((FEATURES / "okd-stream/pipeline").glob("task-*.yaml"))


@pytest.fixture(scope="module")
def okd() -> Objects:
    return objects("okd", GIVEN)


def chain(values: Objects) -> dict[str, Any]:
    spec = of_kind(values, "Pipeline")["okd-stream-next"]["spec"]
    assert isinstance(spec, dict)
    return spec


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_scripts_pass_shellcheck(path: Any) -> None:
    for step in yaml.safe_load(path.read_bytes())["spec"]["steps"]:
        assert shellcheck(step) == ""
