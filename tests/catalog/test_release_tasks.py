"""The Tasks of release-pipeline run against answers in the form of the real ones."""

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from taskbench import FEATURES, NOT_TOLD, Bench, digest, shellcheck

NAME = "4.22.0-0.okd-scos-nightly-2026-09-22-052225"
ORIGIN = "registry.ci.openshift.org/origin/release-scos"
QUAY = "quay.io/okd/scos-release"
SHA = "sha256:018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"


@pytest.fixture
def bench(tmp_path: Path, short: Path) -> Bench:
    bench = Bench(tmp_path, "release-pipeline", short)
    bench.secret("okd-quay-pull-secret", **{".dockerconfigjson": "{}"})
    return bench


def loopback(server: HTTPServer) -> str:
    """The server without a name: Tasks that send a token take plain HTTP to 127.0.0.1 only."""
    return f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "path", sorted((FEATURES / "release-pipeline/pipeline").glob("task-*.yaml")), ids=lambda path: path.stem
)
def test_scripts_pass_shellcheck_and_use_what_they_are_given(path: Path) -> None:
    for step in yaml.safe_load(path.read_bytes())["spec"]["steps"]:
        assert shellcheck(step) == ""
        for item in step["env"]:
            assert (
                item["name"] in step["script"].replace(f'"{item["name"]}', "") or item["name"] == "KUBECONFIG"
            ), item["name"]


# --- pick


def latest(httpserver: HTTPServer, bench: Bench, **changes: Any) -> None:
    """The release controller's answer for a stream's newest accepted release, and the image behind its
    tag.
    """
    answer = {
        "name": NAME,
        "phase": "Accepted",
        "pullSpec": f"{ORIGIN}:{NAME}",
        "downloadURL": f"https://x/releasetag/{NAME}",
        **changes,
    }
    answer = {key: value for key, value in answer.items() if value is not ...}
    httpserver.expect_request("/api/v1/releasestream/4.22.0-0.okd-scos-nightly/latest").respond_with_json(
        answer
    )
    bench.image(f"{ORIGIN}:{NAME}", "manifest of the nightly", {"metadata": {"version": NAME}})


def pick(httpserver: HTTPServer, bench: Bench, **given: str) -> subprocess.CompletedProcess[str]:
    return bench.run(
        "release-pick",
        release_controller=loopback(httpserver),
        source_stream="4.22.0-0.okd-scos-nightly",
        **given,
    )


def test_pick_gives_the_digest_of_the_newest_accepted_release(httpserver: HTTPServer, bench: Bench) -> None:
    latest(httpserver, bench)
    done = pick(httpserver, bench)
    assert done.returncode == 0, done.stderr
    assert bench.result("name") == NAME
    assert bench.result("image") == f"{ORIGIN}@{digest('manifest of the nightly')}"
    assert bench.result("digest") == digest("manifest of the nightly")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"phase": "Rejected"}, "its phase is Rejected"),
        ({"phase": ...}, "its phase is missing"),
        ({"phase": None}, "its phase is missing"),
        ({"name": None}, "names no release"),
        ({"name": "latest build"}, "is no version"),
        ({"pullSpec": None}, "no image that can be pulled: none"),
        ({"pullSpec": ORIGIN}, "no image that can be pulled"),
        ({"pullSpec": f"{ORIGIN}:gone"}, "not in its registry any more"),
    ],
)
def test_an_incomplete_answer_is_a_failure_and_never_a_release_called_null(
    httpserver: HTTPServer, bench: Bench, changes: dict[str, Any], reason: str
) -> None:
    latest(httpserver, bench, **changes)
    done = pick(httpserver, bench)
    assert done.returncode == 1
    assert reason in done.stderr
    assert (bench.result("name"), bench.result("image")) == ("", "")


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response("not found", 404), "no such stream, or it has no accepted release"),
        (Response("slow down", 429, {"Retry-After": "60"}), "429): try again after 60 seconds"),
        (Response("oops", 503), "answers 503"),
        (Response("null", 200), "names no release"),
        (Response("<html>", 200), "does not answer with the JSON of a release"),
    ],
    ids=["404", "429", "503", "null", "html"],
)
def test_the_message_contains_the_answer_of_the_controller(
    httpserver: HTTPServer, bench: Bench, response: Response, reason: str
) -> None:
    httpserver.expect_request("/api/v1/releasestream/4.22.0-0.okd-scos-nightly/latest").respond_with_response(
        response
    )
    done = pick(httpserver, bench)
    assert done.returncode == 1
    assert reason in done.stderr
    assert bench.result("name") == ""


def test_an_unreachable_controller_is_a_failure(bench: Bench) -> None:
    done = bench.run("release-pick", release_controller="http://127.0.0.1:1", source_stream="4-scos-next")
    assert done.returncode == 1
    assert "answers 000" in done.stderr


@pytest.mark.parametrize(
    ("tags", "code"),
    [(None, 1), ([], 1), ([{"name": NAME, "phase": "Accepted", "pullSpec": f"{ORIGIN}:{NAME}"}], 0)],
)
def test_a_named_release_is_found_also_where_the_list_is_null(
    httpserver: HTTPServer, bench: Bench, tags: Any, code: int
) -> None:
    latest(httpserver, bench)
    httpserver.expect_request("/api/v1/releasestream/4.22.0-0.okd-scos-nightly/tags").respond_with_json(
        {"name": "x", "tags": tags}
    )
    done = pick(httpserver, bench, release=NAME)
    assert done.returncode == code
    assert bench.result("name") == ("" if code else NAME)


def test_pick_refuses_an_image_that_is_another_release(httpserver: HTTPServer, bench: Bench) -> None:
    latest(httpserver, bench)
    bench.image(f"{ORIGIN}:{NAME}", "manifest of the nightly", {"metadata": {"version": "4.22.0-okd-scos.0"}})
    done = pick(httpserver, bench)
    assert done.returncode == 1
    assert "the image itself 4.22.0-okd-scos.0" in done.stderr


# --- name

PUBLISHED = [
    "4.19.0-okd-scos.19",
    "4.20.0-okd-scos.9",
    "4.20.0-okd-scos.17",
    "4.20.0-okd-scos.ec.14",
    "4.21.0-okd-scos.0",
    "4.21.0-okd-scos.11",
    "4.21.0-okd-scos.2",
    "4.22.0-okd-scos.7",
    "4.22.0-okd-scos.ec.2",
    "4.22.0-okd-scos.ec.16",
    "5.0.0-okd-scos.ec.9",
    "4.22.0-okd-scos.8.lab.3",
    "4.22.0-0.okd-scos-nightly-2026-09-22-052225",
    "v4-latest",
]

ALL_OF_4_21 = "4.21.0-okd-scos.0,4.21.0-okd-scos.2,4.21.0-okd-scos.11"


def name(
    httpserver: HTTPServer,
    bench: Bench,
    release: str,
    *,
    prerelease: str = "false",
    tags: Any = ...,
    registry: Any = None,
) -> str:
    """Run the Task and return the name that it gives, or what it says when it fails."""
    names = [{"name": each, "phase": "Accepted"} for each in PUBLISHED] if tags is ... else tags
    httpserver.expect_request("/api/v1/releasestream/4-scos-stable/tags").respond_with_json(
        {"name": "4-scos-stable", "tags": names}
    )
    (bench.root / "tags").write_text(json.dumps({"Repository": QUAY, "Tags": registry}))
    done = bench.run(
        "release-name",
        release_controller=loopback(httpserver),
        target_stream="4-scos-stable",
        release=release,
        prerelease=prerelease,
        repository=QUAY,
        major_hops="5.0=4.22",
    )
    return bench.result("name") if done.returncode == 0 else done.stderr


@pytest.mark.parametrize(
    ("minor", "prerelease", "wanted", "previous"),
    [
        # A release of an older minor: the next number of that minor, though newer minors exist.
        ("4.20.0", "false", "4.20.0-okd-scos.18", "4.20.0-okd-scos.9,4.20.0-okd-scos.17,4.19.0-okd-scos.19"),
        ("4.21.0", "false", "4.21.0-okd-scos.12", f"{ALL_OF_4_21},4.20.0-okd-scos.17"),
        (
            "4.22.0",
            "true",
            "4.22.0-okd-scos.ec.17",
            "4.22.0-okd-scos.ec.2,4.22.0-okd-scos.ec.16,4.21.0-okd-scos.11",
        ),
        # The major's first release: from the last minor before it, and never from a preview of its own minor.
        ("5.0.0", "false", "5.0.0-okd-scos.0", "4.22.0-okd-scos.7"),
        ("4.21.1", "false", "4.21.1-okd-scos.0", f"{ALL_OF_4_21},4.20.0-okd-scos.17"),
        ("4.18.0", "false", "4.18.0-okd-scos.0", ""),
    ],
)
def test_the_next_name_is_new_and_lists_the_releases_it_updates_from(
    httpserver: HTTPServer, bench: Bench, minor: str, prerelease: str, wanted: str, previous: str
) -> None:
    assert (
        name(httpserver, bench, f"{minor}-0.okd-scos-nightly-2026-09-01-000000", prerelease=prerelease)
        == wanted
    )
    assert bench.result("previous") == previous


def test_a_name_that_only_the_registry_has_is_not_used_again(httpserver: HTTPServer, bench: Bench) -> None:
    assert (
        name(httpserver, bench, "4.21.0-0.x-1", registry=["4.21.0-okd-scos.12", "4.21.0-okd-scos.9"])
        == "4.21.0-okd-scos.13"
    )


@pytest.mark.parametrize(
    ("tags", "registry", "wanted"),
    [(None, None, "4.21.0-okd-scos.0"), (None, ["4.21.0-okd-scos.3"], "4.21.0-okd-scos.4")],
)
def test_a_null_list_counts_as_empty(
    httpserver: HTTPServer, bench: Bench, tags: Any, registry: Any, wanted: str
) -> None:
    assert name(httpserver, bench, "4.21.0-0.x-1", tags=tags, registry=registry) == wanted


def test_without_the_published_names_no_name_is_chosen(httpserver: HTTPServer, bench: Bench) -> None:
    given = {
        "target_stream": "gone",
        "release": NAME,
        "prerelease": "false",
        "repository": QUAY,
        "major_hops": "5.0=4.22",
    }
    done = bench.run("release-name", release_controller=loopback(httpserver), **given)
    assert done.returncode == 1
    assert "without the published names there is no next one" in done.stderr
    assert bench.result("name") == ""


def test_a_major_without_a_hop_in_the_table_is_an_error(httpserver: HTTPServer, bench: Bench) -> None:
    assert "which minor is before 6.0" in name(httpserver, bench, "6.0.0-0.x-1")


# --- verify


class Keys:
    """A keyring with secret keys, and what it signs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)
        # Half a day more than whole days: how long the tests take until they look must not decide which
        # number they see.
        self.good, self.other, self.soon = (
            self.make("good"),
            self.make("other"),
            self.make("soon", expires=f"seconds={29 * 86400 + 43200}"),
        )
        self.expired = self.make("expired", "--faked-system-time", "20200101T000000", expires="1y")

    def gpg(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = [
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--quiet",
            "--no-tty",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            *arguments,
        ]
        return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout

    def make(self, name: str, *arguments: str, expires: str = "never") -> str:
        self.gpg(*arguments, "--quick-generate-key", f"{name}@example.org", "ed25519", "sign", expires)
        lines = self.gpg("--with-colons", "--list-keys", f"{name}@example.org").decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr"))

    def sign(self, key: str, claim: object, *arguments: str) -> bytes:
        return self.gpg(
            *arguments, "--local-user", f"{key}!", "--output", "-", "--sign", stdin=json.dumps(claim).encode()
        )

    def public(self) -> str:
        return self.gpg("--armor", "--export").decode()

    def secret(self, key: str) -> str:
        return self.gpg("--armor", "--export-secret-keys", key).decode()


@pytest.fixture(scope="module")
def keys(short: Path) -> Keys:
    return Keys(short / "keys")


def claim(
    image: str = SHA, reference: str = f"{ORIGIN}:{NAME}", kind: str = "atomic container signature"
) -> dict[str, Any]:
    """What is signed, as openshift/release-controller pkg/signer/signer.go writes it."""
    critical = {
        "type": kind,
        "image": {"docker-manifest-digest": image},
        "identity": {"docker-reference": reference},
    }
    return {
        "critical": critical,
        "optional": {"creator": "openshift release-controller", "timestamp": 1790000000},
    }


def verify(
    httpserver: HTTPServer, bench: Bench, keys: Keys, *signatures: bytes, trusted: str = ""
) -> subprocess.CompletedProcess[str]:
    bench.secret("okd-release-keys", **{"a.asc": keys.public()})
    for number, signature in enumerate(signatures, 1):
        httpserver.expect_request(f"/release/{SHA.replace(':', '=')}/signature-{number}").respond_with_data(
            signature
        )
    answered = f"/release/{SHA.replace(':', '=')}/signature-{len(signatures) + 1}"
    httpserver.expect_request(answered).respond_with_data("NoSuchKey", 404)
    store = f"{loopback(httpserver)}/release"
    return bench.run(
        "release-verify",
        image=f"{ORIGIN}@{SHA}",
        signature_store=store,
        signature_keys=trusted or f"{keys.good} {keys.expired}",
    )


def test_one_trusted_signature_of_the_image_is_enough(
    httpserver: HTTPServer, bench: Bench, keys: Keys
) -> None:
    done = verify(httpserver, bench, keys, keys.sign(keys.good, claim()))
    assert done.returncode == 0, done.stderr
    assert (bench.result("digest"), bench.result("key")) == (SHA, keys.good)


@pytest.mark.parametrize("reference", [f"{ORIGIN}@{SHA}", ORIGIN])
def test_the_signed_reference_may_end_with_a_digest_or_the_repository(
    httpserver: HTTPServer, bench: Bench, keys: Keys, reference: str
) -> None:
    assert verify(httpserver, bench, keys, keys.sign(keys.good, claim(reference=reference))).returncode == 0


def bad_signatures(keys: Keys) -> dict[str, tuple[bytes, str]]:
    old = ("--faked-system-time", "20200201T000000")
    return {
        "other key": (keys.sign(keys.other, claim()), "which is not trusted"),
        "expired key": (keys.sign(keys.expired, claim(), *old), "gpg says EXPKEYSIG"),
        "other digest": (keys.sign(keys.good, claim(image=digest("other"))), "it is for sha256:"),
        "other repository": (
            keys.sign(keys.good, claim(reference=f"quay.io/somebody/release:{NAME}")),
            "it is for an image in quay.io/somebody/release",
        ),
        "other type": (keys.sign(keys.good, claim(kind="cosign")), "its type is cosign"),
        "no claim": (keys.sign(keys.good, "hello"), "not a claim about an image"),
        "no signature": (json.dumps(claim()).encode(), "gpg says nothing"),
    }


@pytest.mark.parametrize(
    "which",
    [
        "other key",
        "expired key",
        "other digest",
        "other repository",
        "other type",
        "no claim",
        "no signature",
    ],
)
def test_a_signature_of_something_else_does_not_count(
    httpserver: HTTPServer, bench: Bench, keys: Keys, which: str
) -> None:
    signature, reason = bad_signatures(keys)[which]
    done = verify(httpserver, bench, keys, signature)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "looked at signature-1 to signature-2" in done.stderr
    assert bench.result("digest") == ""


def test_every_signature_is_tried(httpserver: HTTPServer, bench: Bench, keys: Keys) -> None:
    bad = [signature for signature, _ in bad_signatures(keys).values()]
    done = verify(httpserver, bench, keys, *bad, keys.sign(keys.good, claim()))
    assert done.returncode == 0, done.stderr
    assert "signature-8" in done.stdout
    assert bench.result("digest") == SHA


@pytest.mark.clock
def test_a_key_that_expires_soon_is_a_warning(httpserver: HTTPServer, bench: Bench, keys: Keys) -> None:
    done = verify(httpserver, bench, keys, keys.sign(keys.soon, claim()), trusted=keys.soon)
    assert done.returncode == 0
    assert "warning: the key expires in 29 days" in done.stderr


def test_a_missing_signature_or_an_unreachable_store_is_a_failure(
    httpserver: HTTPServer, bench: Bench, keys: Keys
) -> None:
    assert "has no signature that counts" in verify(httpserver, bench, keys).stderr
    done = bench.run(
        "release-verify",
        image=f"{ORIGIN}@{SHA}",
        signature_store="http://127.0.0.1:1",
        signature_keys=keys.good,
    )
    assert "answers 000" in done.stderr
    assert bench.result("digest") == ""


# --- test


def cluster(
    bench: Bench,
    *,
    image: str = f"{ORIGIN}@{SHA}",
    state: str = "Completed",
    history: Any = ...,
    operators: Any = ...,
    **conditions: str,
) -> None:
    """What the test cluster answers, in the form of config.openshift.io/v1 ClusterVersion and
    ClusterOperator.
    """

    def status(**changes: str) -> list[dict[str, str]]:
        return [{"type": kind, "status": value} for kind, value in changes.items()]

    healthy = {"Available": "True", "Progressing": "False"}
    past = [
        {"state": state, "version": NAME, "image": image},
        {"state": "Completed", "version": "4.21.0-okd-scos.11", "image": "x@sha256:0"},
    ]
    version = {
        "status": {
            "history": past if history is ... else history,
            "conditions": status(**{**healthy, "Failing": "False", **conditions}),
        }
    }
    ready = [{"metadata": {"name": "etcd"}, "status": {"conditions": status(**healthy, Degraded="False")}}]
    bad = [{"metadata": {"name": "console"}, "status": {"conditions": status(**healthy, Degraded="True")}}]
    (bench.root / "version").write_text(json.dumps(version))
    (bench.root / "operators").write_text(
        json.dumps({"items": ready if operators is ... else bad if operators == "bad" else operators})
    )


def wait(bench: Bench) -> subprocess.CompletedProcess[str]:
    bench.secret("okd-release-test-kubeconfig", kubeconfig="{}")
    return bench.run("release-test", image=f"{ORIGIN}@{SHA}", name=NAME, minutes="0", interval="0")


def test_a_healthy_cluster_with_the_digest_is_evidence(bench: Bench) -> None:
    cluster(bench)
    assert wait(bench).returncode == 0
    assert (bench.result("digest"), bench.result("evidence")) == (SHA, "updated from 4.21.0-okd-scos.11")
    assert not [call for call in bench.calls("oc") if not call.startswith("oc get ")], "the test only looks"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"image": f"{ORIGIN}@{digest('other')}"}, "it runs or installs"),
        ({"image": f"{ORIGIN}:{NAME}"}, "it runs or installs"),
        ({"state": "Partial"}, "the update is Partial"),
        ({"Available": "False"}, "not content"),
        ({"Failing": "True"}, "not content"),
        ({"Progressing": "True"}, "not content"),
        ({"operators": "bad"}, "not healthy: console"),
        ({"operators": []}, "lists no cluster operators"),
        ({"operators": None}, "lists no cluster operators"),
        ({"history": None}, "has no history"),
    ],
)
def test_a_cluster_in_any_other_state_is_no_evidence(
    bench: Bench, state: dict[str, Any], reason: str
) -> None:
    cluster(bench, **state)
    done = wait(bench)
    assert done.returncode == 1
    assert reason in done.stderr
    assert bench.result("digest") == ""


def test_the_test_waits_while_the_cluster_updates_or_its_api_is_silent(bench: Bench) -> None:
    cluster(bench, state="Partial", history=None)
    later = [{"state": "Completed", "version": NAME, "image": f"quay.io/mirror/x@{SHA}"}]
    answer = json.dumps(
        {"status": {"history": later, "conditions": [{"type": "Available", "status": "True"}]}}
    )
    # The first sleep ends with an API that is away, the second one with a cluster that is there.
    (bench.root / "later").write_text(answer)
    bench.stub(
        "sleep",
        (
            'if [[ -f "$FOLDER/version" ]]; then rm "$FOLDER/version"; else cp "$FOLDER/later" '
            '"$FOLDER/version"; fi'
        ),
    )
    bench.secret("okd-release-test-kubeconfig", kubeconfig="{}")
    done = bench.run("release-test", image=f"{ORIGIN}@{SHA}", name=NAME, minutes="5", interval="60")
    assert done.returncode == 0, done.stderr
    assert "does not answer" in done.stdout
    assert bench.result("evidence") == "installed"


def test_without_a_test_cluster_nothing_is_tested(bench: Bench) -> None:
    done = bench.run("release-test", image=f"{ORIGIN}@{SHA}", name=NAME, minutes="1")
    assert done.returncode == 1
    assert "nothing is published untested" in done.stderr


# --- mirror

TARGET = "4.22.0-okd-scos.9"
PREVIOUS = "4.22.0-okd-scos.8,4.21.0-okd-scos.11"
NEW = f"""
cp "$FOLDER/made" "$FOLDER/raw/quay.io_okd_scos-release_{TARGET}"
"""


def components(repository: str, **changed: str) -> dict[str, Any]:
    """The images in a release, as `oc adm release info --output json` has them."""
    images = {"cli": digest("cli"), "etcd": digest("etcd"), **changed}
    return {
        "spec": {
            "tags": [
                {"name": name, "from": {"kind": "DockerImage", "name": f"{repository}@{image}"}}
                for name, image in images.items()
            ]
        }
    }


def mirror(
    bench: Bench, version: str = TARGET, previous: str = PREVIOUS, **changed: str
) -> subprocess.CompletedProcess[str]:
    (bench.root / "made").write_text("manifest of the mirror")
    made = {
        "metadata": {"version": version, "previous": previous.split(",")},
        "references": components("quay.io/okd/scos-content", **changed),
    }
    bench.image(f"{QUAY}:made", "manifest of the mirror", made)
    bench.image(f"{ORIGIN}:picked", "picked", {"references": components(ORIGIN)})
    (bench.root / "new").write_text(NEW)
    given = {"content_repository": "quay.io/okd/scos-content", "release_repository": QUAY}
    return bench.run(
        "release-mirror", image=f"{ORIGIN}@{digest('picked')}", name=TARGET, previous=PREVIOUS, **given
    )


def test_the_mirrored_digest_is_recorded_with_the_published_names(
    bench: Bench,
) -> None:
    done = mirror(bench)
    assert done.returncode == 0, done.stderr
    assert bench.result("image") == f"{QUAY}@{digest('manifest of the mirror')}"
    assert bench.result("digest") == digest("manifest of the mirror")
    (call,) = [call for call in bench.calls("oc") if "release new" in call]
    assert f"--from-release {ORIGIN}@{digest('picked')}" in call
    assert (
        f"--mirror quay.io/okd/scos-content --to-image {QUAY}:{TARGET} --name {TARGET} "
        f"--keep-manifest-list --previous {PREVIOUS}"
    ) in call


def test_a_published_name_is_not_pushed_again(bench: Bench) -> None:
    bench.image(f"{QUAY}:{TARGET}", "published before", {})
    done = mirror(bench)
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert not [call for call in bench.calls("oc") if "release new" in call]


@pytest.mark.parametrize("answer", NOT_TOLD)
def test_nothing_is_pushed_unless_the_registry_does_not_know_the_name(bench: Bench, answer: str) -> None:
    (bench.root / "away").write_text(answer)
    done = mirror(bench)
    assert done.returncode == 1
    assert "is not known, so nothing is pushed" in done.stderr
    assert answer in done.stderr
    assert not [call for call in bench.calls("oc") if "release new" in call]


@pytest.mark.parametrize(
    "wrong",
    [{"version": "4.22.0-okd-scos.8"}, {"previous": "4.22.0-okd-scos.8"}, {"etcd": SHA}, {"more": SHA}],
)
def test_a_mirror_that_differs_from_the_request_is_a_failure(bench: Bench, wrong: dict[str, str]) -> None:
    assert mirror(bench, **wrong).returncode == 1
    assert bench.result("image") == ""


# --- binaries, notes, GitHub

PUBLISHED_IMAGE = f"{QUAY}@{digest('manifest of the mirror')}"
EXTRACT = """
while [[ "$1" != --to ]]; do shift; done
cd "$2"
echo tool >openshift-client-linux.tar.gz
echo info >release.txt
sha256sum openshift-client-linux.tar.gz release.txt >sha256sum.txt
"""


def binaries(bench: Bench, keys: Keys, key: str) -> subprocess.CompletedProcess[str]:
    (bench.root / "extract").write_text(EXTRACT)
    bench.secret("okd-release-signing-key", **{"private-key.asc": keys.secret(key), "passphrase": ""})
    return bench.run("release-binaries", image=PUBLISHED_IMAGE, name=TARGET)


def test_the_tools_and_the_image_are_signed(bench: Bench, keys: Keys) -> None:
    done = binaries(bench, keys, keys.good)
    assert done.returncode == 0, done.stderr
    assets = bench.workspace / "assets"
    keys.gpg("--verify", str(assets / "sha256sum.txt.asc"), str(assets / "sha256sum.txt"))
    assert bench.result("checksums") == hashlib.sha256((assets / "sha256sum.txt").read_bytes()).hexdigest()
    signed = json.loads(
        keys.gpg("--decrypt", str(assets / f"{digest('manifest of the mirror').replace(':', '-')}-1"))
    )["critical"]
    assert signed["image"]["docker-manifest-digest"] == digest("manifest of the mirror")
    assert signed["identity"]["docker-reference"] == f"{QUAY}:{TARGET}"


def test_an_expired_key_signs_nothing(bench: Bench, keys: Keys) -> None:
    done = binaries(bench, keys, keys.expired)
    assert done.returncode == 1
    assert "expired" in done.stderr
    assert bench.result("checksums") == ""


def notes(bench: Bench, **changes: str) -> subprocess.CompletedProcess[str]:
    given = {
        "image": PUBLISHED_IMAGE,
        "name": TARGET,
        "previous": PREVIOUS,
        "picked": NAME,
        "evidence": "updated from 4.21.0-okd-scos.11",
        "signed_by": "6A95",
    }
    return bench.run(
        "release-notes",
        release_controller="https://rc.example.org",
        source_stream="s",
        prerelease="false",
        **{**given, **changes},
    )


def test_the_notes_name_the_digest_and_are_not_uploaded_as_a_file(bench: Bench) -> None:
    assert notes(bench).returncode == 0
    text = (bench.workspace / "notes.md").read_text()
    assert f"\nPull From: {PUBLISHED_IMAGE}\n" in text
    assert "Updates from: 4.22.0-okd-scos.8, 4.21.0-okd-scos.11\n" in text
    assert not (bench.workspace / "assets").exists()
    assert bench.result("checksum") == hashlib.sha256(text.encode()).hexdigest()


def test_release_notes_that_name_a_tag_are_refused(bench: Bench) -> None:
    assert notes(bench, image=f"{QUAY}:{TARGET}").returncode == 1


class GitHub:
    """The part of GitHub's REST API that a release needs (docs.github.com/rest/releases)."""

    def __init__(self, server: HTTPServer, *, there: bool = False, fail: str = "") -> None:
        self.calls: list[str] = []
        self.assets: dict[str, bytes] = {}
        self.bodies: dict[str, Any] = {}
        self.there, self.fail, self.server = there, fail, server
        server.expect_request(re.compile("/.*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer s3cret"
        call = f"{request.method} {request.path}"
        self.calls.append(call)
        if self.fail and self.fail in call:
            return Response('{"message": "Validation Failed"}', 422)
        if request.path.startswith("/repos/okd-project/okd/releases/tags/"):
            return Response("{}", 200 if self.there else 404)
        if request.method == "DELETE":
            return Response("", 204)
        if request.path.startswith("/upload/"):
            self.assets[request.args["name"]] = request.get_data()
            return Response('{"state": "uploaded"}', 201)
        self.bodies[request.method] = request.get_json()
        upload = f"{loopback(self.server)}/upload/7/assets{{?name,label}}"
        return Response(
            json.dumps(
                {
                    "id": 7,
                    "upload_url": upload,
                    "html_url": "https://github.com/okd-project/okd/releases/tag/x",
                }
            ),
            201,
        )


def publish(
    httpserver: HTTPServer, bench: Bench, keys: Keys, *, prerelease: str = "false"
) -> subprocess.CompletedProcess[str]:
    assert binaries(bench, keys, keys.good).returncode == 0
    assert notes(bench).returncode == 0
    bench.secret("okd-release-github", token="s3cret")
    return bench.run(
        "release-publish",
        image=PUBLISHED_IMAGE,
        name=TARGET,
        prerelease=prerelease,
        github_repository="okd-project/okd",
        github_api=loopback(httpserver),
        checksums=bench.result("checksums"),
        notes=bench.result("checksum"),
    )


@pytest.mark.parametrize(("prerelease", "latest"), [("true", "false"), ("false", "true")])
def test_a_draft_gets_all_files_before_it_is_published(
    httpserver: HTTPServer, bench: Bench, keys: Keys, prerelease: str, latest: str
) -> None:
    github = GitHub(httpserver)
    done = publish(httpserver, bench, keys, prerelease=prerelease)
    assert done.returncode == 0, done.stderr
    assert github.bodies["POST"] == {
        "tag_name": TARGET,
        "name": TARGET,
        "body": (bench.workspace / "notes.md").read_text(),
        "draft": True,
        "prerelease": prerelease == "true",
    }
    assert github.bodies["PATCH"] == {"draft": False, "make_latest": latest}
    assert github.assets == {path.name: path.read_bytes() for path in (bench.workspace / "assets").iterdir()}
    assert github.calls[-1] == "PATCH /repos/okd-project/okd/releases/7"
    assert bench.result("url") == "https://github.com/okd-project/okd/releases/tag/x"


def test_the_token_is_in_no_argument_output_or_result(
    httpserver: HTTPServer, bench: Bench, keys: Keys
) -> None:
    GitHub(httpserver)
    done = publish(httpserver, bench, keys)
    assert bench.calls("curl")
    written = "".join(path.read_text() for path in (bench.root / "results").iterdir())
    assert "s3cret" not in f"{done.stdout}{done.stderr}{written}{bench.calls('curl')}"


@pytest.mark.parametrize("failure", ["POST /upload", "PATCH"])
def test_half_a_release_is_taken_back(httpserver: HTTPServer, bench: Bench, keys: Keys, failure: str) -> None:
    github = GitHub(httpserver, fail=failure)
    assert publish(httpserver, bench, keys).returncode == 1
    assert github.calls[-1] == "DELETE /repos/okd-project/okd/releases/7"
    assert bench.result("url") == ""


def test_an_existing_release_is_not_changed(httpserver: HTTPServer, bench: Bench, keys: Keys) -> None:
    github = GitHub(httpserver, there=True)
    assert "has a release 4.22.0-okd-scos.9 already" in publish(httpserver, bench, keys).stderr
    assert github.calls == [f"GET /repos/okd-project/okd/releases/tags/{TARGET}"]


def test_a_file_that_changed_after_it_was_signed_is_not_published(
    httpserver: HTTPServer, bench: Bench, keys: Keys
) -> None:
    github = GitHub(httpserver)
    assert publish(httpserver, bench, keys).returncode == 0
    (bench.workspace / "assets/release.txt").write_text("changed")
    calls = len(github.calls)
    done = bench.run(
        "release-publish",
        image=PUBLISHED_IMAGE,
        name=TARGET,
        prerelease="false",
        github_repository="okd-project/okd",
        github_api=loopback(httpserver),
        checksums=bench.result("checksums"),
        notes=bench.result("checksum"),
    )
    assert done.returncode == 1
    assert len(github.calls) == calls


@pytest.mark.parametrize("task", ["release-publish", "release-notify"])
def test_no_token_is_sent_over_plain_http(bench: Bench, task: str) -> None:
    bench.secret("okd-release-github", token="s3cret")
    bench.secret("okd-matrix-bot-auth", token="s3cret")
    given = (
        {"github_api": "http://api.github.com"}
        if task == "release-publish"
        else {"matrix_endpoint": "http://matrix.org"}
    )
    missing = dict.fromkeys(
        ("image", "name", "prerelease", "github_repository", "checksums", "notes"), "true"
    )
    if task == "release-notify":
        missing = dict.fromkeys(("matrix_room", "run", "status", "instance", "source_stream", "publish"), "x")
    done = bench.run(task, **missing, **given)
    assert done.returncode == 1
    assert "sent to https only" in done.stderr
    assert bench.calls("curl") == []


# --- stream, notification


def stream(bench: Bench, there: str, then: str) -> subprocess.CompletedProcess[str]:
    bench.secret("okd-release-stream-kubeconfig", kubeconfig="{}")
    (bench.root / "imagestreamtag").write_text(there)
    (bench.root / "tag").write_text(f"printf '%s' '{then}' >\"$FOLDER/imagestreamtag\"\n")
    return bench.run(
        "release-stream",
        image=PUBLISHED_IMAGE,
        name=TARGET,
        imagestream="origin/release-scos",
        published="https://x",
    )


def test_the_stream_gets_the_digest_and_is_read_back(bench: Bench) -> None:
    assert stream(bench, "", PUBLISHED_IMAGE.split("@")[1]).returncode == 0
    (call,) = [call for call in bench.calls("oc") if call.startswith("oc tag")]
    assert call == (
        "oc tag --source=docker --import-mode=PreserveOriginal --namespace origin "
        f"{PUBLISHED_IMAGE} release-scos:{TARGET}"
    )


@pytest.mark.parametrize(
    ("there", "then", "reason"),
    [(SHA, "", "already: a name is never used again"), ("", SHA, "and not sha256:")],
)
def test_a_tag_of_another_image_is_a_failure(bench: Bench, there: str, then: str, reason: str) -> None:
    done = stream(bench, there, then)
    assert done.returncode == 1
    assert reason in done.stderr
    assert bool([call for call in bench.calls("oc") if call.startswith("oc tag")]) == (there == "")


def test_matrix_gets_json_and_the_token_in_a_header(httpserver: HTTPServer, bench: Bench) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        assert (
            request.get_json()["body"] == 'okd-release-next-"x": Failed (OKD next from s, publishing is off)'
        )
        return Response("{}")

    httpserver.expect_request(re.compile("/_matrix/.*"), method="PUT").respond_with_handler(answer)
    bench.secret("okd-matrix-bot-auth", token="s3cret")
    done = bench.run(
        "release-notify",
        matrix_endpoint=f"{loopback(httpserver)}/",
        matrix_room="!room:example.org",
        run='okd-release-next-"x"',
        status="Failed",
        instance="next",
        source_stream="s",
        publish="false",
    )
    assert done.returncode == 0, done.stderr
    (request,) = seen
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.path.startswith("/_matrix/client/v3/rooms/!room:example.org/send/m.room.message/")
    assert "s3cret" not in f"{bench.calls('curl')}{done.stdout}{request.url}"
