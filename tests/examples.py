"""Cluster files for the trial that say more than they must, and who calls which listener."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import yaml

from minimal import IMAGE, features

RELEASE = (
    "registry.example.org/release@sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
)
TOKEN = "a text that nobody guesses"
_SIGNATURE = "X-Hub-Signature-256"

# The lines below the feature's name; a feature without any is tried with the least that it needs.
PARAMETERS: dict[str, str] = {
    "bare-metal": (
        "local-storage-class: local-scos\n"
        "pools:\n"
        '- {pool: worker, kernel-arguments: ["console=ttyS1,115200n8", rd.multipath=default]}\n'
    ),
    "edge": "capabilities: [Ingress, OperatorLifecycleManager, marketplace]\n",
    "feature-set": "feature-set: TechPreviewNoUpgrade\n",
    "hpc": "kernel: realtime\nkernel-arguments: [hugepagesz=1G, hugepages=64]\nreserved-cpus: 0-1\n",
    "multi-arch": (
        f"image: {IMAGE}\n"
        "architectures: amd64,arm64\n"
        "builds:\n"
        '- {minor: "4.22", stream: next, schedule: 30 2 * * *}\n'
    ),
    "notify": (
        "matrix-endpoint: https://matrix.example.org\n"
        'matrix-room: "!okd:example.org"\n'
        "webhook-url: https://chat.example.org/hooks/okd\n"
    ),
    "openstack": "volumes:\n- {name: fast, type: nvme}\n- {name: archive, type: hdd, reclaim: Retain}\n",
    "operator-pipeline": f"""\
version: "4.22"
tools-image: {IMAGE}
components:
- {{name: rook, kind: operand, repository: "https://github.com/example/rook.git", ref: release-4.22}}
- {{name: odf, kind: operator, repository: "https://github.com/example/odf.git", ref: main,
   needs: [rook], channel: beta, patches: okd}}
""",
    "operator-triggers": """\
sources:
- {name: odf, component: odf, kind: operator, repository: example/odf, branch: main, schedule: 20 * * * *}
- {name: rook, component: rook, kind: operand, repository: group/sub/rook, branch: okd,
   forge: gitlab, schedule: 50 * * * *, suspend: true}
""",
    "os-layer": f"""\
images:
- {{pool: worker, image: "{IMAGE}", built-on: "{RELEASE}"}}
builds:
- pool: infra
  push-to: registry.example.org/layered:infra
  containerfile: |
    FROM configs AS final
    RUN rpm-ostree install usbutils && ostree container commit
extensions:
- {{pool: master, extensions: [usbguard, kerberos]}}
""",
    "os-layer-build": "push: true\ncontainerfile: |\n  FROM base\n  RUN ostree container commit\n",
    "payload": (
        f"base: {RELEASE}\n"
        "name: 4.22.0-okd-scos.1.lab.1\n"
        "repository: registry.example.org/lab/release\n"
        f"replace: [console={IMAGE}]\n"
    ),
    "pruning": "namespaces:\n- {namespace: okd-layer, keep: 5, schedule: 15 3 * * *}\n",
    "release-pipeline": """\
instances:
- {name: next, source-stream: 4.22.0-0.okd-scos-nightly, target-stream: 4-scos-next, schedule: 0 5 * * 1}
- {name: stable, source-stream: 4-scos-next, target-stream: 4-scos-stable,
   schedule: 0 9 * * 1, imagestream: origin/scos-4}
""",
    "release-watch": f"image: {IMAGE}\nschedule: 27 * * * *\nforge: github\nnotify: true\n",
    "scos-pipeline": """\
hand-on: true
storage-class: fast
upload-container-images: true
s3-bucket: okd-scos
notify-matrix: true
releases:
- {minor: "4.16", stream: stable, schedule: 30 2 * * *}
- {minor: "4.18", stream: stable, schedule: 30 6 * * *}
- {minor: "4.22", stream: next, schedule: 30 14 * * *}
""",
    "scos-triggers": (
        "sources:\n"
        '- {minor: "4.18", stream: stable, schedule: 30 10 * * *}\n'
        '- {minor: "4.22", stream: next, schedule: 30 18 * * *}\n'
    ),
    "cluster-expire": f"image: {IMAGE}\nforge: github\nschedule: 7 * * * *\n",
    "cluster-register": f"image: {IMAGE}\nschedule: 7 * * * *\n",
    "conformance": "suite: openshift/conformance/parallel\nhours: 4\n",
    "cluster-trials": f"image: {IMAGE}\nschedule: 7 * * * *\n",
    "upgrade-observer": f"image: {IMAGE}\npatience: 2h\nwatch-age: 3h\n",
    "secrets": """\
prefix: okd/x
vault:
- {name: vault, server: "https://vault.example.org:8200", mount: kv, auth-mount: okd-x, role: okd-x}
""",
}
# What an environment without a feature's other parts is tried with: kind has no clock and nobody who calls.
LESS: dict[tuple[str, str], str] = {
    ("kubernetes", "bare-metal"): "local-storage-class: local-scos\n",
    ("kind", "scos-pipeline"): "",
    ("kind", "operator-pipeline"): "",
    ("kind", "release-pipeline"): "",
    ("kind", "multi-arch"): "",
}
# A feature that has something to say only beside another.
BESIDE = {"pruning": ["os-layer-build"], "secrets": ["scos-pipeline", "os-layer-build"]}


def example(name: str, environment: str) -> dict[str, Any]:
    """Return what stands below `features:` of a cluster file that tries one feature, with all that it
    requires.
    """
    wanted: dict[str, Any] = {}
    for one in (name, *BESIDE.get(name, [])):
        wanted |= features(one, environment)
    texts = {one: LESS.get((environment, one), PARAMETERS.get(one)) for one in wanted}
    return {
        one: given if texts[one] is None else yaml.safe_load(texts[one] or "")
        for one, given in wanted.items()
    }


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an EventListener: who proves itself with the headers starts a run, who does not starts
    none.
    """

    feature: str
    namespace: str
    listener: str
    body: bytes
    proof: dict[str, str]
    plain: dict[str, str]

    @property
    def wrong(self) -> dict[str, str]:
        """The proof with another text or signature of the same form."""
        return {
            name: value[:-4] + ("0000" if value[-4:] != "0000" else "1111")
            for name, value in self.proof.items()
        }

    @property
    def name(self) -> str:
        """The feature and the listener."""
        return f"{self.feature} {self.listener}"

    @property
    def is_signed(self) -> bool:
        """Whether the proof is a signature of the body, as GitHub's, and not a token."""
        return _SIGNATURE in self.proof

    def forged(self) -> dict[str, tuple[bytes, dict[str, str]]]:
        """Return bodies and headers of calls that must start nothing, by what is wrong with them."""
        form = urlencode({"payload": self.body.decode()}).encode()
        as_form = {**self.plain, **self.proof, "Content-Type": "application/x-www-form-urlencoded"}
        calls = {
            "no proof": (self.body, self.plain),
            "a wrong key": (self.body, {**self.plain, **self.wrong}),
            "an empty key": (self.body, self.by_empty_key()),
            "a form": (form, {**as_form, **({_SIGNATURE: _signed(form, TOKEN)} if self.is_signed else {})}),
        }
        if self.is_signed:
            sha1 = "sha1=" + hmac.new(TOKEN.encode(), self.body, hashlib.sha1).hexdigest()
            calls["sha1 alone"] = (self.body, {**self.plain, "X-Hub-Signature": sha1})
        return calls

    def by_empty_key(self) -> dict[str, str]:
        """Return the headers of a call that is right if the Secret is empty."""
        proof = {_SIGNATURE: _signed(self.body, "")} if self.is_signed else dict.fromkeys(self.proof, "")
        return {**self.plain, **proof}


def _signed(body: bytes, key: str) -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def token(feature: str, namespace: str, listener: str, params: dict[str, str]) -> Call:
    """Return a call that shows the token of the listener's Secret."""
    return Call(
        feature, namespace, listener, json.dumps({"params": params}).encode(), {"X-Okd-Token": TOKEN}, {}
    )


def push(feature: str, namespace: str, listener: str, repository: str, branch: str) -> Call:
    """Return GitHub's call after a push, signed as GitHub signs: HMAC-SHA256 of the body."""
    commit = {"added": [], "modified": ["README.md"], "removed": []}
    body = json.dumps(
        {"ref": f"refs/heads/{branch}", "repository": {"full_name": repository}, "commits": [commit]}
    ).encode()
    return Call(
        feature, namespace, listener, body, {_SIGNATURE: _signed(body, TOKEN)}, {"X-GitHub-Event": "push"}
    )


def push_gitlab(feature: str, namespace: str, listener: str, repository: str, branch: str) -> Call:
    """Return GitLab's call after a push: it shows the token and signs nothing."""
    commit = {"added": ["a"], "modified": [], "removed": []}
    body = {
        "ref": f"refs/heads/{branch}",
        "project": {"path_with_namespace": repository},
        "commits": [commit],
        "total_commits_count": 1,
    }
    return Call(
        feature,
        namespace,
        listener,
        json.dumps(body).encode(),
        {"X-Gitlab-Token": TOKEN},
        {"X-Gitlab-Event": "Push Hook"},
    )


BUILD = {
    "version": "4.22",
    "branch": "release-4.22",
    "variant": "c10s",
    "release-stream": "next",
    "baseos-image-name": "stream-coreos",
    "extensions-image-name": "stream-coreos-extensions",
}
CALLS = (
    token("scos-pipeline", "okd-coreos", "okd-coreos", {"pipeline": "okd-coreos-layered", **BUILD}),
    token("scos-pipeline", "okd-coreos", "okd-coreos", {"pipeline": "okd-coreos", **BUILD}),
    push("scos-triggers", "okd-coreos", "okd-coreos-sources", "openshift/os", "release-4.22"),
    token("operator-pipeline", "okd-team", "okd-team", {"component": "odf"}),
    push("operator-triggers", "okd-team", "okd-team-sources", "example/odf", "main"),
    push_gitlab("operator-triggers", "okd-team", "okd-team-sources", "group/sub/rook", "okd"),
    token("release-watch", "okd-gitops", "release-watch", {}),
    token(
        "release-pipeline",
        "okd-coreos",
        "okd-release",
        {
            "instance": "next",
            "source-stream": "4.22.0-0.okd-scos-nightly",
            "target-stream": "4-scos-next",
            "imagestream": "",
            "prerelease": "true",
        },
    ),
    token(
        "multi-arch",
        "okd-coreos",
        "okd-coreos-multi-arch",
        {"architecture": "amd64", "build-date": "20261121", **BUILD},
    ),
)
