"""What is around a hub that builds a stream: a base release that its owner signed, a test cluster that was
installed with the stream's first release, and the fleet's repository with the branch `records`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

import git_server
import release_controller
import stand_in_oc
import stream_hub
import tls_registry
from conftest import git
from gpg_home import GpgHome
from okd_gitops.evidence.write_records import write_records
from okd_gitops.generate.generate import generate
from stream_hub import NAMESPACE, Hub
from tekton import Object
from upgraded_cluster import KEYS_FILE

BASE = "4.22.0-0.okd-scos-nightly-2026-11-28-010203"
# The first release of the stream: installed, and recorded.
INSTALLED = "4.22.0-okd-scos.ec.1"
TOKEN = "s3cret-of-the-stream"
STORE = "https://signatures.example.org"
COMPONENTS = ("cli", "cluster-version-operator", "stream-coreos", "stream-coreos-extensions", "tests")
FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"


def stream(public_key: str) -> str:
    """Return the entry of a stream in a cluster file, to which more lines may be added."""
    return f"""\
    - name: next
      line: "4.22"
      os-stream: next
      names: preview
      source-stream: 4.22.0-0.okd-scos-nightly
      candidates: quay.io/lab/candidates
      releases: quay.io/lab/releases
      public-key: "{public_key}"
      fingerprint: {FINGERPRINT}
      cluster: lab-next
      test: upgrade
      publish: true
"""


# What the cluster file of the hub has; _set_params() gives what it cannot name.
CLUSTER = f"""\
  tekton:
  kvm-device-plugin:
  notify:
  payload:
  scos-pipeline:
    hand-on: true
    releases:
    - {{minor: "4.22", stream: next, schedule: 30 20 * * *}}
  okd-stream:
    image: registry.example.org/okd-gitops@sha256:{"c" * 64}
    streams:
{stream("-----BEGIN PGP PUBLIC KEY BLOCK-----")}\
      notify: true
      every-weeks: 1
      os-layer: |
        FROM a-system
        LABEL layered=yes
        # In place of a command, which the empty system cannot run: ostree container commit
"""
FLEET = """\
repository: https://git.example.org/okd/fleet.git
hub: hub
owners: [ops]
upstream: https://graph.example.org/graph
releases:
  controller: https://controller.example.org
  graph: https://graph.example.org/graph
  signatures:
    store: https://signatures.example.org
    keys: [keys/next.asc]
    fingerprints: [{fingerprint}]
    uses:
      {fingerprint}: {{repositories: [{releases}], streams: [next]}}
"""
HUB = """\
purpose: hub
server: https://api.hub.example.org:6443
environment: kind
kubernetes: "1.35"
"""
FOLLOWER = """\
purpose: test
server: https://api.follower.example.org:6443
clusterID: 8c5e1d37-02bb-4f6a-8e49-51f0c3a70001
release:
  stream: next
  channel: next-scos-4
  version: {version}
  image: {image}
"""
# Of the three weeks before.
FIRST_RECORD = """\
version: {version}
images: [{{image: '{image}'}}]
streams: {{next: Accepted}}
sources: [stream]
published: "2026-11-01T12:00:00Z"
seen: "2026-11-01T12:00:00Z"
prerelease: true
"""


@contextmanager
def serving(folder: Path, short: Path, objects: tuple[Object, ...]) -> Iterator[Hub]:
    """Serve a hub with a base release, a test cluster that has the stream's key, and a fleet."""
    with ExitStack() as stack:
        registry = stack.enter_context(tls_registry.serving(folder / "registry"))
        controller = stack.enter_context(release_controller.serving())
        hub = Hub(folder, objects, registry, short)
        stack.enter_context(stream_hub.answering(hub))
        theirs = controller.public_key()
        hub.base_fingerprint = controller.fingerprint
        _put_releases(hub, controller)
        _put_fleet(hub)
        served = stack.enter_context(git_server.serving(hub.remote, TOKEN))
        _give_secrets(hub, theirs)
        _set_params(hub, controller, served.url)
        yield hub


def _put_releases(hub: Hub, controller: release_controller.Controller) -> None:
    """Publish and sign the base, and install the test cluster with the stream's first release."""
    theirs, own = controller.public_key(), hub.key.public().encode()
    for name, repository, keys in ((BASE, "release", (theirs,)), (INSTALLED, "releases", (theirs, own))):
        components = _components(hub, _keys_image(hub, name, *keys))
        target = f"{hub.registry.address}/okd/{repository}:{name}"
        image = stand_in_oc.first_release(
            hub.registry, target, name=name, previous="4.22.0-okd-scos.7", components=components
        )
        hub.cluster.history = [{"state": "Completed", "version": name, "image": image}]
        if name == BASE:
            controller.sign(image)
            answer = {"name": BASE, "phase": "Accepted", "pullSpec": target}
            path = "/api/v1/releasestream/4.22.0-0.okd-scos-nightly/latest"
            controller.paths[path] = json.dumps(answer).encode()


def _put_fleet(hub: Hub) -> None:
    """Make the fleet's repository, which pins the stream's key for this stream and its releases alone."""
    (hub.fleet / "clusters").mkdir(parents=True)
    (hub.fleet / "keys").mkdir()
    installed = hub.cluster.history[0]["image"]
    files = {
        "fleet.yaml": FLEET.format(fingerprint=hub.fingerprint, releases=installed.partition("@")[0]),
        "keys/next.asc": hub.key.public(),
        "clusters/hub.yaml": HUB,
        "clusters/follower.yaml": FOLLOWER.format(version=INSTALLED, image=installed),
    }
    for path, text in files.items():
        (hub.fleet / path).write_text(text)
    generate(hub.fleet)
    git(hub.fleet, "init", "--quiet", "--initial-branch=main")
    git(hub.fleet, "add", "--all")
    git(hub.fleet, "commit", "--quiet", "--message=start")
    record = FIRST_RECORD.format(version=INSTALLED, image=installed).encode()
    write_records(
        hub.fleet, "", "records: the first release", lambda _: {f"releases/{INSTALLED}.yaml": record}
    )
    git(hub.folder, "clone", "--quiet", "--bare", str(hub.fleet), str(hub.remote))
    git(hub.fleet, "remote", "add", "origin", str(hub.remote))


def _give_secrets(hub: Hub, theirs: bytes) -> None:
    login = {".dockerconfigjson": "{}"}
    hub.tekton.files |= {
        ("okd-signing", "okd-signing-keys"): {
            "next.asc": hub.key.private(),
            "other.asc": "of another stream",
        },
        (NAMESPACE, "okd-stream-registry"): login,
        (NAMESPACE, "okd-payload-push"): login,
        (NAMESPACE, "okd-stream-git"): {"token": TOKEN},
        (NAMESPACE, "okd-stream-clusters"): {"lab-next": "the kubeconfig of lab-next", "other": "another"},
        (NAMESPACE, "okd-stream-upstream-keys"): {"upstream.asc": theirs.decode()},
    }


def _set_params(hub: Hub, controller: release_controller.Controller, repository: str) -> None:
    """Give the Pipeline of the stream what a cluster file cannot name: servers and a key of this run."""
    values = {
        "release-controller": controller.url,
        "signature-store": f"{controller.url}/signatures",
        "signature-keys": controller.fingerprint,
        "public-key": hub.key.public(),
        "fingerprint": hub.fingerprint,
        "candidates": f"{hub.registry.address}/okd/candidates",
        "releases": f"{hub.registry.address}/okd/releases",
    }
    pipeline = hub.tekton.objects["Pipeline", NAMESPACE, "okd-stream"]
    for param in pipeline["spec"]["params"]:
        param["default"] = values.get(param["name"], param.get("default"))
    (signer,) = hub.tekton.objects["Pipeline", "okd-signing", "okd-sign-next"]["spec"]["tasks"]
    for param in signer["params"]:
        param["value"] = values.get(param["name"], param["value"])
    for name in ("stream-name", "stream-publish"):
        for param in hub.tekton.objects["Task", "okd-stream", name]["spec"]["params"]:
            param["default"] = repository if param["name"] == "repository" else param.get("default")


def _keys_image(hub: Hub, name: str, *keys: bytes) -> str:
    """Push a component cluster-update-keys, with keys in one block, and return it by digest."""
    home = GpgHome(hub.short)
    home.take(*keys)
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "release-verification", "namespace": "openshift-config-managed"},
        "data": {
            "store-openshift-ci-release": STORE,
            "verifier-public-key-ci": home.public(),
        },
    }
    files = {f"manifests/{KEYS_FILE}": yaml.safe_dump(config)}
    return _component(hub, "cluster-update-keys", f"keys-{name}", files, operator=True)


def _components(hub: Hub, keys: str) -> dict[str, str]:
    """Push the other components of a release, and return all by name, by digest."""
    images = {name: _component(hub, name, name, {f"usr/{name}": name}) for name in COMPONENTS}
    tags = [{"name": name, "from": {"kind": "DockerImage", "name": f"example.org/{name}"}} for name in images]
    references = {"kind": "ImageStream", "apiVersion": "image.openshift.io/v1", "spec": {"tags": tags}}
    files = {"manifests/image-references": yaml.safe_dump(references)}
    operator = _component(hub, "cluster-version-operator", "cvo", files, operator=True)
    return {**images, "cluster-version-operator": operator, "cluster-update-keys": keys}


def _component(hub: Hub, name: str, tag: str, files: Mapping[str, str], *, operator: bool = False) -> str:
    labels = {
        "io.openshift.build.commit.id": name.encode().hex().ljust(40, "0")[:40],
        "io.openshift.build.source-location": f"https://github.com/openshift/{name}",
    }
    repository = f"{hub.registry.address}/okd/content"
    digest = hub.registry.push(
        f"{repository}:{tag}",
        labels | ({f"{stand_in_oc.RELEASE}.operator": "true"} if operator else {}),
        files,
    )
    return f"{repository}@{digest}"
