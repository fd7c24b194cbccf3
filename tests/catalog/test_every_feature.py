"""Every feature in every environment that it is for: it generates, builds, fits its schemas and breaks no
rule, on the catalog's own values.
"""

from datetime import date
from pathlib import Path

import pytest
import yaml

from conftest import CACHE, ROOT
from minimal import PLACES, features
from okd_gitops.check.check import check
from okd_gitops.check.outcome import Report
from okd_gitops.generate.generate import generate
from okd_gitops.manifests.objects import mappings
from rendered import FLEET, OKD, own_cluster

CATALOG = ROOT / "generator/okd_gitops/catalog/features"


def cluster(name: str, environment: str, option: str) -> str:
    """A cluster file with one feature and those that it requires, by way of ephemeral, which brings none
    of its own.
    """
    own = own_cluster(title(name, environment, option), environment)
    with_features = yaml.safe_dump({"features": features(name, environment, option)})
    return f"purpose: ephemeral\nexpires: 2026-12-31\n{own}{with_features}"


def title(name: str, environment: str, option: str) -> str:
    return "-".join((name, environment, *([option] if option else [])))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    root: Path = tmp_path_factory.mktemp("catalog")
    (root / "clusters").mkdir()
    (root / "fleet.yaml").write_text(FLEET)
    (root / "clusters/hub.yaml").write_text(f"purpose: hub\n{OKD}")
    for place in PLACES:
        (root / f"clusters/{title(*place)}.yaml").write_text(cluster(*place))
    generate(root)
    return check(root, CACHE, today=date(2029, 12, 1), say=lambda _: None)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: title(*place))
def test_a_feature_alone_is_complete(place: tuple[str, str, str], report: Report) -> None:
    found = [finding for finding in report.findings if title(*place) in finding.clusters]
    assert [
        f"{finding.severity} {finding.name} {finding.object}: {finding.reason}"
        for finding in found
        if finding.severity == "error"
    ] == []


def test_every_feature_was_built_and_nothing_was_left_unchecked(report: Report) -> None:
    assert report.overlays == len(PLACES) + 2
    assert report.without_schema == 0
    assert [finding for finding in report.findings if finding.severity == "error"] == []


def test_no_pod_of_the_catalog_changes_the_group_of_every_file_before_it_starts() -> None:
    contexts = [
        (path.name, mapping)
        for path in sorted(CATALOG.rglob("*.yaml"))
        for mapping in mappings(yaml.load(path.read_bytes(), yaml.CSafeLoader))
        if isinstance(mapping.get("fsGroup"), int)
    ]
    slow = [name for name, mapping in contexts if mapping.get("fsGroupChangePolicy") != "OnRootMismatch"]
    assert contexts
    assert slow == []
