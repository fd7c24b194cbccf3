"""Every reader of bytes that others wrote, and the exceptions that are its own: whatever the bytes are, nothing else leaves it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from pydantic import ValidationError

from okd_gitops.cluster import Fleet, parse_cluster
from okd_gitops.clusterversion import acks, built, faults, read_state
from okd_gitops.disk import read_catalog
from okd_gitops.evidence import read_evidence
from okd_gitops.exchange import exchange
from okd_gitops.extras import read_extras
from okd_gitops.feature import Catalog, FeatureSpec, load_catalog
from okd_gitops.filemodel import parse
from okd_gitops.finding import FindingsError, as_text
from okd_gitops.gate import BuildSet, read_report
from okd_gitops.graph import read_graph
from okd_gitops.http import Http
from okd_gitops.inplace import assign
from okd_gitops.interceptor import InterceptorRequest
from okd_gitops.kustomization import walk
from okd_gitops.observation import Seen, judge
from okd_gitops.openpgp import plain
from okd_gitops.patch import PathError, segments
from okd_gitops.pattern import pattern_fault
from okd_gitops.purpose import PurposeSpec
from okd_gitops.release import Version
from okd_gitops.signature import FINGERPRINTS, verify
from okd_gitops.sources import file, github, quay, release_controller
from okd_gitops.sources.signature_store import default_keys
from okd_gitops.splice import SpliceError, swapped
from okd_gitops.tree import Tree, manifest_hashes
from okd_gitops.yamltext import FOREIGN, dump, read, read_all

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DIGEST = f"sha256:{'0' * 64}"
IMAGE = f"registry.example.org/okd/release@{DIGEST}"
Reader = Callable[[bytes], object]


class Answers(Http):
    """A network in which every address answers with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    def get(self, url: str) -> bytes:  # noqa: ARG002 - every address is the same
        """Return the answer."""
        return self.answer


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
    return faults(read_state("x.yaml", data)), acks(read_all("x.yaml", data, bounds=FOREIGN))


def _kustomization(data: bytes) -> object:
    tree = {"kustomization.yaml": data, "x.yaml": data}
    return built(tree, walk(tree, ""))


def _patched(data: bytes) -> object:
    tree = {"kustomization.yaml": b"resources: [x.yaml]\npatches:\n- path: p.yaml\n", "x.yaml": data, "p.yaml": data}
    return built(tree, walk(tree, ""))


def _edited(data: bytes) -> object:
    document = read("x.yaml", data)
    swapped(data.decode(), lambda _: None)
    paths = [path for path in document.marks if path and all(isinstance(step, str) for step in path)]
    return assign(document, dict.fromkeys(paths[:2], "4.22.0"))


def _observed(data: bytes) -> object:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    seen = Seen(version=value, operators=value, tests={"smoke": True})
    return judge(seen, cluster="x", version="4.22.0-okd-scos.0", image=IMAGE, now=NOW, patience=timedelta(hours=1))


# By name: the reader, and the exceptions that are its own.
READERS: dict[str, tuple[Reader, tuple[type[Exception], ...]]] = {
    "yaml of people": (_people, (FindingsError,)),
    "yaml from elsewhere": (_foreign, (FindingsError,)),
    "fleet.yaml": (lambda data: parse(Fleet, read("fleet.yaml", data)), (FindingsError,)),
    "cluster file": (lambda data: parse_cluster("x", read("clusters/x.yaml", data), Tree()), (FindingsError,)),
    "feature.yaml": (lambda data: parse(FeatureSpec, read("feature.yaml", data)), (FindingsError,)),
    "purpose": (lambda data: parse(PurposeSpec, read("purpose.yaml", data)), (FindingsError,)),
    "changes of the catalog": (lambda data: exchange(catalog(), Tree({"changes/x.yaml": data})), (FindingsError,)),
    "feature of one's own": (
        lambda data: exchange(catalog(), Tree({"features/mine/feature.yaml": data, "features/mine/a/configmap-x.yaml": data})),
        (FindingsError,),
    ),
    "evidence": (lambda data: read_evidence(Tree({"evidence/x/4.22.0-okd-scos.0.yaml": data})), (FindingsError,)),
    "file of releases": (lambda data: parse(file.ReleaseFile, read("releases.yaml", data)), (FindingsError,)),
    "extras": (lambda data: read_extras("x", Tree({"kustomization.yaml": data, "x.yaml": data})), (FindingsError,)),
    "kustomization": (_kustomization, (FindingsError,)),
    "patch": (_patched, (FindingsError,)),
    "ClusterVersion": (_cluster_version, (FindingsError,)),
    "list of what is owned": (manifest_hashes, ()),
    "edit in place": (_edited, (FindingsError, SpliceError, ValueError)),
    "update graph": (read_graph, (FindingsError,)),
    "release controller": (lambda data: release_controller.releases(Answers(data), "https://example.org", "4-scos-stable"), ()),
    "GitHub": (lambda data: github.releases(Answers(data), "okd-project/okd", max_pages=2), ()),
    "Quay": (lambda data: quay.releases(Answers(data), "quay.io/okd/scos-release", max_pages=2), ()),
    "OpenPGP message": (lambda data: plain(data, 1 << 16), (ValueError,)),
    "signature": (
        lambda data: verify([data], default_keys(), FINGERPRINTS, digest=DIGEST, repository="registry.example.org/okd/release", now=NOW),
        (),
    ),
    "public key": (
        lambda data: verify([data], [data], FINGERPRINTS, digest=DIGEST, repository="registry.example.org/okd/release", now=NOW),
        (),
    ),
    "request to the gate": (lambda data: InterceptorRequest.model_validate_json(data), (ValidationError,)),
    "report of a build": (lambda data: read_report(data.decode("utf-8", "replace")), ()),
    "set of the gate": (lambda data: BuildSet.model_validate_json(data), (ValidationError,)),
    "what a cluster says": (_observed, ()),
    "version": (lambda data: Version.parse(data.decode("utf-8", "replace")), (ValueError,)),
    "regular expression": (lambda data: pattern_fault(data.decode("utf-8", "replace")), ()),
    "path in an object": (lambda data: segments(data.decode("utf-8", "replace")), (PathError,)),
}
