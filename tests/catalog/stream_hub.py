"""A hub that builds a stream, with real skopeo, buildah, gpg, git, docker-registry and okd-gitops;
its Tekton, its test cluster, `oc` and openshift-tests are stand-ins in this process.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

import stand_in_oc
import tls_registry
from conftest import ROOT, git
from gpg_home import GpgHome
from programs import program
from stand_in_oc import OcError
from tekton import Object, Tekton, plain_variables
from upgraded_cluster import Cluster

# Everything is answered by the test; with OKD_STREAM_OC a real oc does what needs a registry alone. It
# compares the packages of two systems only where both have an RPM database, and these have none.
OC = """\
#!/bin/bash
case "$1 $2 $*" in
  *--rpmdb-diff*) ;;
  "adm release "* | "image append "*)
    if [[ -n "${OKD_STREAM_OC:-}" ]]; then exec "${OKD_STREAM_OC}" "$@"; fi
    ;;
esac
answer="$(mktemp)"
ask=(curl --silent --data-binary @- --output "${answer}" --write-out '%{http_code}')
status="$(printf '%s\\0' "$@" | "${ask[@]}" \\
  --header "Kubeconfig: $(cat "${KUBECONFIG:-/dev/null}")" --header "Pod: ${POD}" "${OC_SERVER}")"
if [[ "${status}" == 200 ]]; then cat "${answer}"; else cat "${answer}" >&2; exit 1; fi
"""
# Where the stream runs.
NAMESPACE = "okd-stream-next"
# As openshift/origin writes it, pkg/test/ginkgo/junit.go and junitapi/types.go at 0e46d8ab3244: a test that
# failed and passed when it was tried again is there twice, and the exit code is 0.
JUNIT = """\
<testsuite name="openshift-tests" tests="4" skipped="1" failures="1" time="61">
    <properties><property name="TestVersion" value="v4.1.0-11005-g0e46d8a"></property></properties>
    <testcase name="[sig-node] Pods should run" time="2"></testcase>
    <testcase name="[sig-apps] It should roll over" time="9"><failure message="">no</failure></testcase>
    <testcase name="[sig-apps] It should roll over" time="8"></testcase>
    <testcase name="[sig-network] IPv6" time="0"><skipped message="no IPv6"></skipped></testcase>
</testsuite>
"""


class Hub:
    """The hub, with its registry, the fleet's repository and the clusters around it."""

    def __init__(
        self, folder: Path, objects: tuple[Object, ...], registry: tls_registry.Registry, short: Path
    ) -> None:
        self.folder, self.registry, self.short = folder, registry, short
        self.fleet, self.remote = folder / "fleet", folder / "fleet.git"
        self.cluster = Cluster(registry, short)
        self.runs: dict[tuple[str, str], Object] = {}
        self.broken, self.programs = folder / "broken", folder / "programs"
        self._put_programs()
        variables = plain_variables(
            PATH=f"{self.programs}:{os.environ['PATH']}",
            TMPDIR=str(short),
            SSL_CERT_FILE=str(registry.authority),
            OKD_STREAM_OC=os.environ.get("OKD_STREAM_OC", ""),
            GIT_CONFIG_GLOBAL="/dev/null",
            GIT_CONFIG_SYSTEM="/dev/null",
        )
        (folder / "pods").mkdir()
        self.tekton = Tekton(objects, folder / "pods", variables, self.broken)
        self.key = GpgHome(short)
        self.fingerprint = self.key.make("next")
        self.base_fingerprint = ""

    def info(self, image: str) -> Object:
        """Return what `oc adm release info` says of a release."""
        return stand_in_oc.release_info(self.registry, image)

    def build(self, run: str) -> str:
        """Build an operating system and its extensions, and hand them on; return how the chain that it starts
        ended: nothing, or what the step that failed printed.
        """
        images = {name: self._os_image(name, run) for name in ("baseos", "extensions")}
        given = {f"{name}-image": image for name, image in images.items()}
        values = {"cosa-image": "x", "version": "4.22", "release-stream": "next", "run": f"okd-coreos-{run}"}
        results, failed = self.tekton.run_task("okd-coreos", {"name": "hand-on"}, given | values)
        assert failed == ""
        assert results["runs"] == f"{NAMESPACE}-{run}"
        ended = self.runs[NAMESPACE, results["runs"]]["status"]["conditions"][0]
        return "" if ended["status"] == "True" else str(ended["message"])

    def published(self) -> dict[str, Any]:
        """Return the records of releases on the branch of the remote, by version."""
        paths = git(self.remote, "ls-tree", "-r", "--name-only", "records", "releases").split()
        records = [yaml.safe_load(git(self.remote, "show", f"records:{path}")) for path in paths]
        return {record["version"]: record for record in records}

    def oc(self, arguments: list[str], kubeconfig: str, pod: str) -> str:
        """Return what `oc` prints; raises OcError."""
        flags = [each for each in arguments if not each.startswith("--request-timeout")]
        match flags:
            case ["adm", "release", "info", *rest] if "--rpmdb-diff" in rest:
                return "Changed:\n  kernel 5.14.0-700 → 5.14.0-701\n"
            case ["adm", "release", "info", *rest, image]:
                with_images = "--include-images" in rest
                return json.dumps(stand_in_oc.release_info(self.registry, image, with_images=with_images))
            case ["adm", "release", "extract", "--file", name, image]:
                return stand_in_oc.extract(self.registry, image, name).decode()
            case ["adm", "release", "new", *rest]:
                return self._new(rest)
            case ["image", "append", "--from", base, "--to", target, "--keep-manifest-list", layer]:
                return stand_in_oc.append(self.registry, base, target, Path(layer))
            case ["get" | "create", "pipelinerun" | "pipelines.tekton.dev" | "--filename", *_]:
                return self._tekton(flags, pod)
            case _:
                # What the test cluster's own kubeconfig permits.
                assert kubeconfig == "the kubeconfig of lab-next", (arguments, kubeconfig)
                return self.cluster.oc(flags)

    def _os_image(self, name: str, run: str) -> str:
        """Build an image with the real buildah, push it with skopeo, and return it by digest."""
        folder = Path(mkdtemp(dir=self.short))
        (folder / "Containerfile").write_text(
            f"FROM scratch\nCOPY os-release /etc/os-release\nLABEL run={run}\n"
        )
        (folder / "os-release").write_text(f"ID=scos\nNAME={name}\nBUILD={run}\n")
        target = f"{self.registry.address}/okd/scos-{name}:{run}"
        storage = ["--root", f"{folder}/root", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        build = ["build", "--quiet", "--isolation", "chroot", "--tag", target, str(folder)]
        push = ["push", "--quiet", target, f"docker://{target}"]
        environment = {**self.tekton.variables, "HOME": str(folder)}
        for command in (build, push):
            subprocess.run(
                [program("buildah"), *storage, *command], env=environment, check=True, capture_output=True
            )
        manifest = self.registry.manifest(target)
        assert manifest
        return f"{target.rpartition(':')[0]}@{tls_registry.digest_of(manifest)}"

    def _new(self, arguments: list[str]) -> str:
        options = dict(pairwise(arguments))
        changes = dict(each.split("=", 1) for each in arguments if "=" in each)
        base, target = options["--from-release"], options["--to-image"]
        given = {"name": options["--name"], "previous": options["--previous"]}
        return stand_in_oc.new(self.registry, base, target, **given, changes=changes)

    def _tekton(self, arguments: list[str], pod: str) -> str:
        # Only these pods mount a token of their account.
        assert pod in ("stream-run/run", "hand-on/hand-on"), pod
        match arguments:
            case ["get", "pipelines.tekton.dev", "--all-namespaces", *_, "--selector", wanted]:
                return json.dumps({"items": self._pipelines(wanted)})
            case ["get", "pipelinerun", name, "--namespace", namespace, "--ignore-not-found", *_]:
                return f"pipelinerun.tekton.dev/{name}\n" if (namespace, name) in self.runs else ""
            case ["get", "pipelinerun", name, "--namespace", namespace, "--output", "json"]:
                return json.dumps(self.runs[namespace, name])
            case ["create", "--filename", path]:
                return self._create(json.loads(Path(path).read_text()))
        raise AssertionError(arguments)

    def _pipelines(self, selector: str) -> list[Object]:
        labels = dict(each.split("=") for each in selector.split(","))
        return [
            value
            for (kind, _, _), value in self.tekton.objects.items()
            if kind == "Pipeline" and labels.items() <= value["metadata"].get("labels", {}).items()
        ]

    def _create(self, made: Object) -> str:
        """Run a PipelineRun to its end: who waits for it sees it as it is then."""
        metadata, spec = made["metadata"], made["spec"]
        key = (metadata["namespace"], metadata["name"])
        assert key not in self.runs
        self.runs[key] = made
        given = {item["name"]: item["value"] for item in spec["params"]}
        run = self.tekton.run(key[0], spec["pipelineRef"], key[1], given)
        condition = {"type": "Succeeded", "status": str(run.succeeded), "reason": "x", "message": run.said}
        results = [{"name": name, "value": value} for name, value in run.results.items()]
        self.runs[key] = {**made, "status": {"conditions": [condition], "results": results}}
        return f"pipelinerun.tekton.dev/{key[1]} created\n"

    def _put_programs(self) -> None:
        self.programs.mkdir()
        self.broken.mkdir()
        tool = f'#!/bin/sh\nPYTHONPATH={ROOT}/generator exec {sys.executable} -m okd_gitops "$@"\n'
        suite = f"#!/bin/sh\ncat >\"$4/junit_e2e__20261128-120000.xml\" <<'EOF'\n{JUNIT}EOF\n"
        stand_ins = {"oc": OC, "okd-gitops": tool, "openshift-tests": suite, "sleep": "#!/bin/sh\n"}
        failing = ("buildah", "oc", "skopeo", "gpg", "curl", "git", "openshift-tests")
        for folder, programs in (
            (self.programs, stand_ins),
            (self.broken, dict.fromkeys(failing, "#!/bin/sh\nexit 1\n")),
        ):
            for name, text in programs.items():
                (folder / name).write_text(text)
                (folder / name).chmod(0o755)


@contextmanager
def answering(hub: Hub) -> Iterator[None]:
    """Serve the `oc` of a hub."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arguments = body.decode().split("\0")[:-1]
            try:
                said, status = hub.oc(arguments, self.headers["Kubeconfig"] or "", self.headers["Pod"]), 200
            except OcError as error:
                said, status = f"{error}\n", 400
            self.send_response(status)
            self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        hub.tekton.variables["OC_SERVER"] = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield
        finally:
            server.shutdown()
