"""Every reader of bytes that others wrote, and the exceptions that are its own: whatever the bytes are,
nothing else leaves it.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from okd_gitops.cli.options import clock
from okd_gitops.errors import OkdGitopsError
from okd_gitops.evidence.acceptance import Wanted, refusal_of, refused_since, why_no_evidence
from okd_gitops.evidence.answers import Seen
from okd_gitops.evidence.describe_state import Verdicts, difference, state_of
from okd_gitops.evidence.health import health_of, judge
from okd_gitops.evidence.observe import addresses, bound
from okd_gitops.evidence.records import parse_records
from okd_gitops.evidence.state import ClusterState
from okd_gitops.finding import Findings, FindingsError
from okd_gitops.fleet.apply_changes import apply_changes
from okd_gitops.fleet.cluster import parse_cluster
from okd_gitops.fleet.extras import read_extras
from okd_gitops.fleet.feature import Catalog, FeatureSpec, load_catalog
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.purpose import PurposeSpec
from okd_gitops.gate.decide import BuildSet
from okd_gitops.gate.report import read_report
from okd_gitops.gate.server import InterceptorRequest
from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.edit_nodes import EditError, replace_scalars
from okd_gitops.manifests.json_patch import PathError, operations, segments
from okd_gitops.manifests.kustomization import walk
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.pattern import matches, pattern_fault
from okd_gitops.manifests.read import read, read_all
from okd_gitops.manifests.set_values import assign
from okd_gitops.manifests.write import dump
from okd_gitops.releases.cross_check import cross_check
from okd_gitops.releases.graph import read_graph
from okd_gitops.releases.read_cluster_version import acks, built, read_state, state_findings
from okd_gitops.releases.sources import file, github, quay, release_controller
from okd_gitops.releases.sources.update_graph import of_graph
from okd_gitops.releases.trust.keyring import FINGERPRINTS, KeyUse
from okd_gitops.releases.trust.openpgp import plain
from okd_gitops.releases.trust.signature import Message, verify
from okd_gitops.releases.trust.store import default_keys
from okd_gitops.releases.version import Version, channel_fault, image_fault, outside_channel
from okd_gitops.report.finding_text import as_text
from okd_gitops.system import history
from okd_gitops.system.address import NetworkError, redirected
from okd_gitops.system.disk import read_catalog
from okd_gitops.system.forge import Forge, Kind, locate
from okd_gitops.system.http import MAX_BYTES, Http
from okd_gitops.system.journal import saving
from okd_gitops.system.pull_requests import Proposal, propose
from okd_gitops.system.remembered_answers import recall
from okd_gitops.tree import Tree, manifest_hashes

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIGEST = f"sha256:{'0' * 64}"
IMAGE = f"registry.example.org/okd/release@{DIGEST}"
ID = "8c5e1d37-02bb-4f6a-8e49-51f0c3a7d926"
Reader = Callable[[bytes], object]


class Answers(Http):
    """A network in which every address answers with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def get(self, url: str) -> bytes:  # noqa: ARG002 - every address is the same
        """Return the answer."""
        return self.answer

    def send(self, method: str, url: str, body: object = None) -> Any:  # noqa: ARG002 - every address is the same
        """Return the answer to GET as plain data; what changes something is taken."""
        try:
            return json.loads(self.answer) if method == "GET" else None
        except (ValueError, RecursionError):
            raise NetworkError("this is not JSON") from None


@cache
def catalog() -> Catalog:
    """Return the catalog that comes with the tool."""
    return load_catalog(read_catalog())


def _people(data: bytes) -> object:
    try:
        return read("x.yaml", data).value
    except FindingsError as error:
        for finding in error.findings:
            as_text(finding).encode()
        raise


def _foreign(data: bytes) -> object:
    return [dump(document.value) for document in read_all("x.yaml", data, bounds=FOREIGN)]


def _cluster_version(data: bytes) -> object:
    return state_findings(read_state("x.yaml", data)), acks(read_all("x.yaml", data, bounds=FOREIGN))


def _kustomization(data: bytes) -> object:
    tree = {"kustomization.yaml": data, "x.yaml": data}
    return built(tree, walk(tree, ""))


def _patched(data: bytes) -> object:
    tree = {
        "kustomization.yaml": b"resources: [x.yaml]\npatches:\n- path: p.yaml\n",
        "x.yaml": data,
        "p.yaml": data,
    }
    return built(tree, walk(tree, ""))


def _edited(data: bytes) -> object:
    document = read("x.yaml", data)
    replace_scalars(data.decode(), lambda _: None)
    paths = [path for path in document.marks if path and all(isinstance(step, str) for step in path)]
    return assign(document, dict.fromkeys(paths[:2], "4.22.0"))


def _observed(data: bytes) -> object:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    seen = Seen(version=value, operators=value, pools=value, tests={"smoke": True})
    wanted = Wanted(cluster="x", version="4.22.0-okd-scos.0", image=IMAGE)
    found = refusal_of(value, wanted) or {}
    refused = refused_since(value, found, wanted, before=None, now=NOW)
    verdicts = Verdicts(refused=refused, no_evidence=why_no_evidence(value, wanted), withdrawn=None)
    state = state_of(seen, health_of(seen), verdicts, cluster="x", cluster_id=ID, now=NOW)
    parse(ClusterState, read(state.path, state.text().encode()))

    return judge(seen, wanted, refused=None, now=NOW, patience=timedelta(hours=1)), difference(
        value, wanted, is_reported=True
    )


def _graph(data: bytes) -> object:
    return cross_check([of_graph(read_graph(data), "graph")])


def _pull_requests(data: bytes) -> None:
    for kind in Kind:
        forge = Forge(
            kind, "git.example.org", "https://git.example.org/api", "https://git.example.org", "a/b"
        )
        with suppress(NetworkError):
            propose(Answers(data), forge, Proposal(head="a", base="main", title="t", body="b"))


def _history(data: bytes) -> None:
    """Read what git prints of a commit: people choose its subject and its paths."""
    subject, _, path = data.decode("utf-8", "surrogateescape").replace("\0", "").partition("\n")
    text = f"{'a' * 40} 1 {subject}\0\n:000000 100644 {'0' * 40} {'b' * 40} A\0{path}\0"
    assert list(history._log(text)) == [("a" * 40, 1, subject, [("0" * 40, "b" * 40, path)])]


def _journal(data: bytes) -> None:
    """Recover from a journal in a repository of its own; what lies beside that is left alone."""
    with TemporaryDirectory(prefix="reader-") as name:
        root, outside = Path(name, "repo"), Path(name, "outside")
        for path, content in (
            (root / ".okd-gitops/journal.json", data),
            (root / "overlays/a/b", b"a"),
            (outside, b"b"),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            with saving(root):
                pass
        finally:
            assert outside.read_bytes() == b"b"
            assert sorted(path.name for path in Path(name).iterdir()) == ["outside", "repo"]


def _recorded(data: bytes) -> object:
    url = "https://a.example.org/x"
    with TemporaryDirectory(prefix="reader-") as name:
        Path(name, sha256(url.encode()).hexdigest()).write_bytes(data)
        return recall(Path(name), url, MAX_BYTES)


def _typed(data: bytes) -> None:
    """Read what is typed: a time, a duration, an address, a test, an image, a channel."""
    text = data.decode("utf-8", "surrogateescape")
    for function in (clock, bound, locate):
        with suppress(OkdGitopsError):
            function(text)
    with suppress(OkdGitopsError):
        addresses([text])
    image_fault(text)
    channel_fault(text)
    outside_channel(text, text)


def _pattern(data: bytes) -> object:
    pattern, _, text = data.decode("utf-8", "replace").partition("\n")
    return pattern_fault(pattern) or matches(pattern, text)


def _path(data: bytes) -> object:
    path = data.decode("utf-8", "replace")
    return segments(path), operations({"a": {"b": [{"name": "c", "d": "e"}]}}, path or "a", 1)


def _redirect(data: bytes) -> object:
    from urllib3.util import parse_url

    return redirected(parse_url("https://a.example.org/x"), data.decode("latin-1"))


# By name: the reader, and the exceptions that are its own.
READERS: dict[str, tuple[Reader, tuple[type[Exception], ...]]] = {
    "yaml of people": (_people, (FindingsError,)),
    "yaml from elsewhere": (_foreign, (FindingsError,)),
    "fleet.yaml": (lambda data: parse(FleetSpec, read("fleet.yaml", data)), (FindingsError,)),
    "cluster file": (
        lambda data: parse_cluster("x", read("clusters/x.yaml", data), Tree()),
        (FindingsError,),
    ),
    "feature.yaml": (lambda data: parse(FeatureSpec, read("feature.yaml", data)), (FindingsError,)),
    "purpose": (lambda data: parse(PurposeSpec, read("purpose.yaml", data)), (FindingsError,)),
    "changes of the catalog": (
        lambda data: apply_changes(catalog(), Tree({"changes/x.yaml": data})),
        (FindingsError,),
    ),
    "feature of one's own": (
        lambda data: apply_changes(
            catalog(), Tree({"features/mine/feature.yaml": data, "features/mine/a/configmap-x.yaml": data})
        ),
        (FindingsError,),
    ),
    "record of a release": (
        lambda data: parse_records(Tree({"releases/4.22.0-okd-scos.0.yaml": data})),
        (FindingsError,),
    ),
    "evidence": (
        lambda data: parse_records(Tree({"evidence/x/4.22.0-okd-scos.0.yaml": data})),
        (FindingsError,),
    ),
    "note of a proposal": (
        lambda data: parse_records(Tree({"proposals/x/4.22.0-okd-scos.0.yaml": data})),
        (FindingsError,),
    ),
    "file of releases": (lambda data: parse(file.ReleaseFile, read("releases.yaml", data)), (FindingsError,)),
    "extras": (
        lambda data: read_extras("x", Tree({"kustomization.yaml": data, "x.yaml": data}), Findings()),
        (FindingsError,),
    ),
    "kustomization": (_kustomization, (FindingsError,)),
    "patch": (_patched, (FindingsError,)),
    "ClusterVersion": (_cluster_version, (FindingsError,)),
    "list of what is owned": (manifest_hashes, ()),
    "edit in place": (_edited, (FindingsError, EditError, ValueError)),
    "update graph": (_graph, (FindingsError,)),
    "release controller": (
        lambda data: release_controller.releases(Answers(data), "https://example.org", "4-scos-stable"),
        (),
    ),
    "GitHub": (lambda data: github.releases(Answers(data), "okd-project/okd", max_pages=2), ()),
    "Quay": (lambda data: quay.releases(Answers(data), "quay.io/okd/scos-release", max_pages=2), ()),
    "OpenPGP message": (lambda data: plain(data, 1 << 16), (ValueError,)),
    "signature": (
        lambda data: verify(
            [Message(data, NOW)],
            default_keys(),
            [KeyUse(fingerprint=fingerprint) for fingerprint in FINGERPRINTS],
            image=f"registry.example.org/okd/release@{DIGEST}",
            version="4.22.0-okd-scos.8",
            now=NOW,
        ),
        (),
    ),
    "public key": (
        lambda data: verify(
            [Message(data, NOW)],
            [data],
            [KeyUse(fingerprint=fingerprint) for fingerprint in FINGERPRINTS],
            image=f"registry.example.org/okd/release@{DIGEST}",
            version="4.22.0-okd-scos.8",
            now=NOW,
        ),
        (),
    ),
    "request to the gate": (lambda data: InterceptorRequest.model_validate_json(data), (ValidationError,)),
    "report of a build": (lambda data: read_report(data.decode("utf-8", "replace")), ()),
    "set of the gate": (lambda data: BuildSet.model_validate_json(data), (ValidationError,)),
    "what a cluster says": (_observed, ()),
    "version": (lambda data: Version.parse(data.decode("utf-8", "replace")), (ValueError,)),
    "regular expression": (_pattern, ()),
    "path in an object": (_path, (PathError,)),
    "list of pull requests": (_pull_requests, ()),
    "history": (_history, ()),
    "journal": (_journal, (OkdGitopsError,)),
    "recorded answer": (_recorded, (NetworkError,)),
    "what is typed": (_typed, ()),
    "redirect": (_redirect, (NetworkError,)),
}


def tried(name: str, data: bytes) -> None:
    """Give a reader an input; raises what must not leave it."""
    reader, own = READERS[name]
    with suppress(*own):
        reader(data)
