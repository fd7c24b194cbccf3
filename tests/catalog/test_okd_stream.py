"""okd-stream, rendered: one chain from a build of the operating system to a recorded release."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import git
from okd_gitops.finding import FindingsError
from okd_gitops.releases.version import Version
from rendered import invalid, objects, of_kind
from stream_world import FINGERPRINT, stream
from taskbench import FEATURES, Bench, digest, shellcheck
from tekton import called_name

STREAM = f"{stream('-----BEGIN PGP PUBLIC KEY BLOCK-----')}      every-weeks: 3\n"
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
TASKS = [
    *sorted((FEATURES / "okd-stream/pipeline").glob("task-*.yaml")),
    FEATURES / "scos-pipeline/pipeline/task-hand-on.yaml",
]


@pytest.fixture(scope="module")
def okd() -> Objects:
    return objects("okd", GIVEN)


def chain(values: Objects) -> dict[str, Any]:
    spec = of_kind(values, "Pipeline")["okd-stream"]["spec"]
    assert isinstance(spec, dict)
    return spec


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_scripts_pass_shellcheck(path: Path) -> None:
    for step in yaml.safe_load(path.read_bytes())["spec"]["steps"]:
        assert shellcheck(step) == ""


def test_objects_fit_their_schemas(okd: Objects) -> None:
    own = tuple(
        value
        for value in okd
        if {"okd-stream", "okd-signing"} & {value["metadata"].get("namespace"), value["metadata"]["name"]}
    )
    assert invalid(own) == []


def test_each_step_takes_its_digest_from_the_one_before(okd: Objects) -> None:
    needs = {
        task["name"]: set(re.findall(r"\$\(tasks\.([a-z-]+)\.results", str(task)))
        for task in chain(okd)["tasks"]
    }
    assert needs["stream-payload"] >= {"stream-pick", "stream-name", "stream-keys"}
    assert "stream-payload" in needs["stream-sign"]
    assert needs["stream-test"] >= {"stream-payload", "stream-sign"}
    assert "stream-test" in needs["stream-conformance"]
    assert "stream-conformance" in needs["stream-promote"]
    assert "stream-promote" in needs["stream-sign-release"]
    assert needs["stream-publish"] >= {"stream-promote", "stream-sign-release", "stream-conformance"}
    # A task that may fail and be passed over would let what follows go on.
    assert "onError" not in str(chain(okd))


def test_a_chain_that_stops_says_where(okd: Objects) -> None:
    told = next(task for task in chain(okd)["finally"] if task["name"] == "tell-failure")
    (message,) = [param["value"] for param in told["params"]]
    for task in chain(okd)["tasks"]:
        assert f"$(tasks.{task['name']}.status)" in message


def test_params_of_tasks_are_declared(okd: Objects) -> None:
    tasks = of_kind(okd, "Task")
    for called in chain(okd)["tasks"]:
        declared = {item["name"]: item for item in tasks[called_name(called["taskRef"])]["spec"]["params"]}
        given = {item["name"] for item in called["params"]}
        assert given <= declared.keys()
        assert {name for name, item in declared.items() if "default" not in item} <= given


def test_the_signer_of_a_stream_is_fixed_and_alone_in_its_namespace(okd: Objects) -> None:
    (signer,) = [value for value in okd if value["metadata"]["name"] == "okd-sign-next"]
    (called,) = signer["spec"]["tasks"]
    given = {item["name"]: item["value"] for item in called["params"]}
    assert (given["stream"], given["fingerprint"]) == ("next", FINGERPRINT)
    assert (given["candidates"], given["releases"]) == ("quay.io/lab/candidates", "quay.io/lab/releases")
    inside = {
        value["metadata"]["name"]
        for value in okd
        if value["metadata"].get("namespace") == "okd-signing" and value["kind"] in ("Task", "Pipeline")
    }
    assert inside == {"okd-sign", "okd-sign-next"}
    sees = str(of_kind(okd, "Task")["okd-sign"]["spec"]["volumes"])
    assert "'items': [{'key': '$(params.stream).asc', 'path': 'private-key.asc'}]" in sees


def test_a_build_starts_the_streams_of_its_line(okd: Objects) -> None:
    labels = of_kind(okd, "Pipeline")["okd-stream"]["metadata"]["labels"]
    assert (labels["okd-gitops.io/line"], labels["okd-gitops.io/os-stream"]) == ("4.22", "next")
    for name in ("okd-coreos", "okd-coreos-layered"):
        defaults = {
            item["name"]: item.get("default")
            for item in of_kind(okd, "TriggerTemplate")[name]["spec"]["params"]
        }
        assert defaults["hand-on"] == "true"
        handed = next(
            item for item in of_kind(okd, "Pipeline")[name]["spec"]["finally"] if item["name"] == "hand-on"
        )
        assert "$(tasks.cosa-upload-baseos.results.image)" in str(handed["params"])


def test_a_stream_may_have_clusters_of_its_own_for_each_candidate() -> None:
    of_one_cluster = "      cluster: lab-next\n      test: upgrade\n"
    assert of_one_cluster in GIVEN
    features = GIVEN.replace(of_one_cluster, "      fresh: true\n")
    values = objects("okd", features)
    given = {item["name"]: item.get("default") for item in chain(values)["params"]}
    assert (given["fresh"], given["cluster"]) == ("true", "")
    params = of_kind(values, "Task")["stream-test"]["spec"]["params"]
    defaults = {item["name"]: item.get("default") for item in params}
    repository = "https://git.example.org/trials.git"
    assert (defaults["trials"], defaults["trials-revision"]) == (repository, "main")
    assert defaults["tool-image"].startswith("registry.example.org/okd-gitops@")


CONTRIBUTED = """\
    - name: rt
      line: "4.22"
      os-stream: next
      names: own
      source-stream: 4.22.0-0.okd-scos-nightly
      candidates: quay.io/rt-lab/candidates
      cluster: rt-lab
      group: rt-lab
      memory: 24Gi
      os-layer: |
        FROM a-system
        RUN rpm-ostree install tuned && ostree container commit
"""


@pytest.mark.parametrize("environment", ["okd", "kubernetes", "kind"])
def test_a_contributors_stream_is_an_entry_with_a_namespace_quota_and_rights_of_its_own(
    environment: str,
) -> None:
    given = f"{GIVEN}{CONTRIBUTED}"
    if environment == "kind":
        # It has no schedules, and nothing hands on.
        given = given.replace(BELOW[BELOW.index("    hand-on") :], "")
    both = objects(environment, given)
    inside = {
        f"{value['kind']}/{value['metadata']['name']}": value
        for value in both
        if value["metadata"].get("namespace") == "okd-stream-rt"
    }
    assert "okd-stream-rt" in of_kind(both, "Namespace")
    assert inside["ResourceQuota/okd-stream"]["spec"]["hard"]["requests.memory"] == "24Gi"
    assert inside["RoleBinding/okd-stream-people"]["subjects"][0]["name"] == "rt-lab"
    for binding in ("okd-stream-runs", "okd-stream-pods", "okd-stream-builds"):
        (subject,) = inside[f"RoleBinding/{binding}"]["subjects"]
        assert subject["namespace"] == "okd-stream-rt"
    assert {name for name in inside if name.startswith("Pipeline/")} == {"Pipeline/okd-stream"}

    # Nothing of the signer knows of it.
    signing = [value for value in both if value["metadata"].get("namespace") == "okd-signing"]
    assert "okd-stream-rt" not in str(signing)
    (signs,) = [value for value in signing if value["metadata"]["name"].startswith("okd-stream-signs-")]
    assert signs["subjects"] == [
        {"kind": "ServiceAccount", "name": "okd-stream", "namespace": "okd-stream-next"}
    ]
    # Nor do its people read a Secret, or start more than the chain.
    rules = inside["Role/okd-stream-people"]["rules"]
    verbs = {verb for rule in rules if "secrets" in rule["resources"] for verb in rule["verbs"]}
    assert verbs == {"create", "delete", "patch", "update"}


def test_streams_differ_only_in_their_entries() -> None:
    both = objects("okd", f"{GIVEN}{CONTRIBUTED}")
    chains = {
        value["metadata"]["namespace"]: value
        for value in both
        if (value["kind"], value["metadata"]["name"]) == ("Pipeline", "okd-stream")
    }
    assert chains.keys() == {"okd-stream-next", "okd-stream-rt"}
    one, other = (json.dumps(value["spec"]["tasks"], sort_keys=True) for value in chains.values())
    assert one == other


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("group: rt-lab", "group: system:authenticated"),
        ("group: rt-lab", "architectures: [amd65]"),
        ("cluster: rt-lab", "cluster: lab-next"),
    ],
)
def test_an_entry_that_could_not_end_well_is_refused(old: str, new: str) -> None:
    with pytest.raises(FindingsError) as refused:
        objects("okd", GIVEN + CONTRIBUTED.replace(old, new))
    assert [finding.name for finding in refused.value.findings] == ["invalid-value"]


def test_an_empty_list_of_streams_is_refused() -> None:
    with pytest.raises(FindingsError) as refused:
        objects("okd", f"{GIVEN[: GIVEN.index('    streams:')]}    streams: []\n")
    (finding,) = refused.value.findings
    assert "at least one entry" in finding.reason


@pytest.mark.parametrize(
    "line", ["test: upgrade", "publish: true", "fingerprint: A1B2C3D4E5F60718293A4B5C6D7E8F9001234567"]
)
def test_what_needs_a_key_is_refused_without_one(line: str) -> None:
    with pytest.raises(FindingsError) as refused:
        objects("okd", f"{GIVEN}{CONTRIBUTED}      {line}\n")
    assert "missing-parameter" in str({finding.name for finding in refused.value.findings})


def test_no_two_streams_have_one_repository_of_candidates() -> None:
    with pytest.raises(FindingsError) as refused:
        objects("okd", GIVEN + CONTRIBUTED.replace("rt-lab/candidates", "lab/candidates"))
    (finding,) = refused.value.findings
    assert (finding.name, finding.location.text.strip()) == (
        "invalid-value",
        "candidates: quay.io/lab/candidates",
    )


def test_who_may_start_a_chain_by_hand_gets_nothing_signed() -> None:
    with pytest.raises(FindingsError) as refused:
        objects("okd", f"{GIVEN}      group: okd-wg\n")
    (finding,) = refused.value.findings
    assert (finding.name, finding.remedy) == ("invalid-value", "remove group")


@pytest.mark.parametrize("step", ["pick", "verify"])
def test_the_base_is_picked_and_verified_as_by_release_pipeline(step: str) -> None:
    ours, theirs = (
        yaml.safe_load((FEATURES / path).read_bytes())["spec"]["steps"][0]["script"]
        for path in (
            f"okd-stream/pipeline/task-stream-{step}.yaml",
            f"release-pipeline/pipeline/task-release-{step}.yaml",
        )
    )
    assert ours == theirs


# --- the scripts


@pytest.fixture
def bench(tmp_path: Path, short: Path) -> Bench:
    bench = Bench(tmp_path, "okd-stream", short)
    bench.secret("okd-stream-registry", **{".dockerconfigjson": "{}"})
    git(tmp_path, "init", "--quiet", "--initial-branch=main", f"{tmp_path}/fleet.git")
    return bench


def record(bench: Bench, **published: str) -> None:
    """Write the branch records of the fleet's repository: a release of the stream by name, and its time."""
    root = bench.root / "fleet.git"
    git(root, "checkout", "--quiet", "--orphan", "records")
    (root / "releases").mkdir(exist_ok=True)
    for name, time in published.items():
        streams, sources = ("{rt: Accepted}", "[stream]") if time else ("{4-scos-next: Accepted}", "[quay]")
        text = f"version: {name}\nstreams: {streams}\nsources: {sources}\npublished: '{time}'\n"
        (root / f"releases/{name}.yaml").write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=records")


def name_refusal(bench: Bench, **given: str | list[str]) -> str:
    """Run the choice of names; return what it refuses."""
    values: dict[str, str | list[str]] = {
        "stream": "rt",
        "names": "own",
        "base": NIGHTLY,
        "images": [],
        "architectures": ["amd64"],
        "fingerprint": FINGERPRINT,
        "test": "upgrade",
        "cluster": "moc-test",
        "tool_image": IMAGE,
        "candidates": "quay.io/lab/candidates",
        "releases": "quay.io/lab/releases",
        "repository": f"file://{bench.root}/fleet.git",
        "publish": "false",
        "every_weeks": "1",
        "week": "0",
    }
    done = bench.run("stream-name", **(values | given))
    return done.stderr if done.returncode else ""


def named(bench: Bench, base: str, names: str, tags: list[str], **given: str) -> tuple[str, str]:
    """Run the choice of names; return the names of the candidate and of the release."""
    (bench.root / "tags").write_text(json.dumps({"Tags": tags}))
    values = {"names": names, "base": base, "publish": "false", "every_weeks": "1", "week": "0"}
    refused = name_refusal(bench, **(values | given))
    assert refused == ""
    return bench.result("candidate"), bench.result("release")


TRIALS = "https://git.example.org/trials.git"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"fresh": "true", "trials": TRIALS, "fingerprint": ""}, "has no key"),
        ({"fresh": "true", "trials": TRIALS, "fingerprint": "", "test": "install"}, "needs a key"),
        ({"fresh": "true"}, "needs unattendedRepository"),
        ({"fresh": "true", "trials": TRIALS, "tool_image": ""}, "needs image:"),
        ({"cluster": ""}, "has no test cluster: it needs cluster:, or fresh: true"),
    ],
)
def test_a_stream_without_what_its_test_needs_is_refused_before_anything_is_built(
    bench: Bench, given: dict[str, str], reason: str
) -> None:
    assert reason in name_refusal(bench, **given)


def test_a_stream_with_fresh_clusters_needs_no_test_cluster(bench: Bench) -> None:
    given = {"fresh": "true", "trials": TRIALS, "cluster": ""}
    assert named(bench, NIGHTLY, "preview", [], **given)[0].startswith("4.22.0-okd-scos.ec.")


def semver(text: str) -> list[Any]:
    """Return the key by which SemVer, and so the cluster version operator, orders versions."""
    numbers, _, rest = text.partition("-")
    identifiers = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in rest.split(".")]
    return [*map(int, numbers.split(".")), identifiers]


NIGHTLY = "4.22.0-0.okd-scos-nightly-2026-11-28-010203"


@pytest.mark.parametrize(
    ("names", "tags", "expected"),
    [
        ("release", ["4.22.0-okd-scos.8"], ("4.22.0-okd-scos.8.lab.0", "4.22.0-okd-scos.9")),
        ("release", [], ("4.22.0-okd-scos.0.lab.0", "4.22.0-okd-scos.1")),
        (
            "preview",
            ["4.22.0-okd-scos.ec.3", "4.22.0-okd-scos.ec.3.lab.6", "4.22.0-okd-scos.ec.3.lab.6-junit"],
            ("4.22.0-okd-scos.ec.3.lab.7", "4.22.0-okd-scos.ec.4"),
        ),
        (
            "own",
            ["4.22.0-okd-scos.8", "4.22.0-okd-scos.8.rt.3"],
            ("4.22.0-okd-scos.8.rt.4", "4.22.0-okd-scos.8.rt.5"),
        ),
    ],
)
def test_a_nightly_gets_names_that_sort_above_the_last_release(
    bench: Bench, names: str, tags: list[str], expected: tuple[str, str]
) -> None:
    candidate, release = named(bench, NIGHTLY, names, tags)
    assert (candidate, release) == expected
    for last in (tag for tag in tags if not tag.endswith("-junit")):
        assert semver(NIGHTLY) < semver(last) < semver(candidate) < semver(release)
        assert Version.parse(last) < Version.parse(candidate) < Version.parse(release)


def test_a_stream_without_a_key_is_installed_and_not_published(bench: Bench) -> None:
    (bench.root / "tags").write_text('{"Tags": []}')
    for given in ({"test": "upgrade"}, {"test": "install", "publish": "true"}):
        assert "has no key" in name_refusal(bench, fingerprint="", **given)
    assert name_refusal(bench, fingerprint="", test="install", releases="", tool_image="") == ""
    assert bench.result("candidate") == "4.22.0-okd-scos.0.rt.0"
    assert "has no architectures" in name_refusal(bench, architectures=[])
    for missing in ("releases", "tool_image"):
        assert "to publish, the stream rt needs" in name_refusal(bench, **{"publish": "true", missing: ""})


def test_each_image_must_have_each_architecture(bench: Bench) -> None:
    (bench.root / "tags").write_text('{"Tags": []}')
    platforms = [{"platform": {"architecture": name}} for name in ("amd64", "arm64")]
    both = bench.image("quay.io/lab/os:both", json.dumps({"manifests": platforms}))
    # A single image: its configuration is what the stub answers for every question.
    one = bench.image("quay.io/lab/os:one", json.dumps({"architecture": "amd64"}))
    images = [f"quay.io/lab/os@{both}", f"quay.io/lab/os@{one}"]
    assert name_refusal(bench, images=images) == ""
    assert name_refusal(bench, images=images[:1], architectures=["amd64", "arm64"], built=[""]) == ""
    refused = name_refusal(bench, images=images, architectures=["amd64", "arm64"])
    assert f"{images[1]} is not for arm64, but for amd64" in refused
    refused = name_refusal(bench, architectures=["amd64", "arm64"], built=["", "etcd=https://x#main"])
    assert "what is built here is for one architecture" in refused


def test_a_registry_that_fails_is_not_taken_for_an_empty_one(bench: Bench) -> None:
    bench.stub("skopeo", "echo 'fetching tags list: invalid status code 503' >&2; exit 1")
    with pytest.raises(AssertionError, match="cannot be listed"):
        named(bench, NIGHTLY, "release", [])


def test_a_repository_that_is_not_there_has_no_names(bench: Bench) -> None:
    # skopeo 1.9.3 with docker-registry 2.8.2.
    answer = "fetching tags list: invalid status code from registry 404 (Not Found)"
    bench.stub("skopeo", f"echo 'Error listing repository tags: {answer}' >&2; exit 1")
    assert named(bench, NIGHTLY, "preview", []) == ("4.22.0-okd-scos.ec.0.lab.0", "4.22.0-okd-scos.ec.1")


@pytest.mark.parametrize(
    ("created", "due"),
    # CLOCK stands in the third of three weeks that began on 2026-11-09.
    [("2026-11-08T23:00:00Z", "true"), ("2026-11-10T01:00:00Z", "false")],
)
def test_a_preview_is_due_once_in_three_weeks(bench: Bench, created: str, due: str) -> None:
    bench.stub("date", "echo 1795824000")
    last = "4.22.0-okd-scos.ec.3"
    record(bench, **{last: created})
    named(bench, NIGHTLY, "preview", [last], publish="true", every_weeks="3", week="2")
    assert (bench.result("due"), bench.result("previous")) == (due, last)
    assert bench.result("before") == f"quay.io/lab/releases:{last}"


def test_what_was_pushed_and_not_recorded_has_used_up_its_name_and_is_not_published(bench: Bench) -> None:
    bench.stub("date", "echo 1795824000")
    record(bench, **{"4.22.0-okd-scos.ec.3": "2026-11-08T23:00:00Z", "4.22.0-okd-scos.ec.9": ""})
    tags = ["4.22.0-okd-scos.ec.3", "4.22.0-okd-scos.ec.4"]
    names = named(bench, NIGHTLY, "preview", tags, publish="true", every_weeks="3", week="2")
    assert names == ("4.22.0-okd-scos.ec.4.lab.0", "4.22.0-okd-scos.ec.5")
    # Nor is a release of another stream.
    assert (bench.result("due"), bench.result("previous")) == ("true", "4.22.0-okd-scos.ec.3")


def test_records_that_cannot_be_read_are_not_taken_for_none(bench: Bench) -> None:
    shutil.rmtree(bench.root / "fleet.git")
    with pytest.raises(AssertionError, match=r"the branch records of .* cannot be read"):
        named(bench, NIGHTLY, "preview", [])


def test_a_stream_that_cannot_be_started_holds_back_no_other(tmp_path: Path, short: Path) -> None:
    bench = Bench(tmp_path, "scos-pipeline", short)
    names = [("okd-stream", f"okd-stream-{name}") for name in ("broken", "next", "gone")]
    # Somebody labels a Pipeline of their own like that of a stream.
    names += [("okd-stream", "default"), ("mine", "okd-stream-next")]
    items = [{"metadata": {"name": name, "namespace": namespace}} for name, namespace in names]
    (tmp_path / "streams").write_text(json.dumps({"items": items}))
    bench.stub(
        "oc",
        """case "$1 $2 $*" in
          "get pipelines.tekton.dev "*) cat "$FOLDER/streams" ;;
          "create --filename "*) [[ "$(jq -r .metadata.namespace "$3")" == okd-stream-next ]] ;;
        esac""",
    )
    images = {f"{name}_image": f"quay.io/lab/os@{digest(name)}" for name in ("baseos", "extensions")}
    given = {"version": "4.22", "release_stream": "next", "run": "okd-coreos-7", "cosa_image": "x", **images}
    done = bench.run("hand-on", **given)
    assert done.returncode == 1
    assert bench.result("runs") == "okd-stream-next-7"
    assert "not started: okd-stream-broken-7 okd-stream-gone-7" in done.stderr


def test_the_signer_signs_with_the_key_of_the_stream_alone(bench: Bench, short: Path) -> None:
    home = short / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
    make = [*gpg, "--passphrase", "", "--quick-generate-key", "rt <rt@example.org>", "ed25519", "sign", "1d"]
    subprocess.run(make, check=True, capture_output=True)
    shown = subprocess.run([*gpg, "--with-colons", "--list-keys"], check=True, capture_output=True, text=True)
    fingerprint = next(line.split(":")[9] for line in shown.stdout.splitlines() if line.startswith("fpr"))
    key = subprocess.run(
        [*gpg, "--armor", "--export-secret-keys"], check=True, capture_output=True, text=True
    )
    bench.secret("okd-signing-keys", **{"private-key.asc": key.stdout})
    name, candidates = "4.22.0-okd-scos.8.rt.4", "quay.io/lab/candidates"
    checksum = digest("release")
    bench.image(f"{candidates}:{name}", "release", {"metadata": {"version": name}, "digest": checksum})
    given = {
        "stream": "rt",
        "candidates": candidates,
        "releases": "quay.io/lab/releases",
        "image": f"{candidates}@{checksum}",
        "repository": candidates,
        "name": name,
    }
    done = bench.run("okd-sign", fingerprint=fingerprint, **given)
    assert done.returncode == 0, done.stderr
    message = base64.b64decode(bench.result("signature"))
    read = subprocess.run([*gpg, "--decrypt"], input=message, capture_output=True, check=True)
    critical = json.loads(read.stdout)["critical"]
    assert critical["identity"]["docker-reference"] == f"{candidates}:{name}"
    assert critical["image"]["docker-manifest-digest"] == checksum

    for wrong, reason in (
        ({"fingerprint": FINGERPRINT}, "is not the one key"),
        ({"image": f"quay.io/other/candidates@{checksum}"}, "is not of this stream"),
        ({"repository": "quay.io/other/releases"}, "has no repository"),
        ({"name": "4.22.0-okd-scos.9"}, "is not 4.22.0-okd-scos.9"),
    ):
        refused = bench.run("okd-sign", **({"fingerprint": fingerprint} | given | wrong))
        assert refused.returncode == 1
        assert reason in refused.stderr
