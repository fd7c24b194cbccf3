"""A cluster may be called as people like; what would be taken for something else is refused with the
reason.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from conftest import CACHE
from everything import features
from okd_gitops.check.check import check
from okd_gitops.errors import UsageError
from okd_gitops.evidence.records import Records
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.names import RESERVED, RESERVED_BEGINNINGS
from okd_gitops.generate.generate import generate
from okd_gitops.lifecycle.edit_clusters import Saving, add_cluster
from okd_gitops.lifecycle.new_cluster import NewCluster
from rendered import FLEET, faults, own_cluster

# Folders of the repository, and words that many objects hold.
ORDINARY = [
    *(
        "base",
        "bases",
        "catalog",
        "clusters",
        "docs",
        "overlays",
        "schemas",
        "generated",
        "kustomization",
        "cluster",
    ),
    *(
        "master",
        "worker",
        "test",
        "cd",
        "ephemeral",
        "stable",
        "next",
        "version",
        "okd",
        "console",
        "tekton",
        "kubernetes",
        "main",
        "null",
        "true",
    ),
]
TAKEN = [*RESERVED, *(f"{beginning}system" for beginning in RESERVED_BEGINNINGS)]


def fleet(root: Path, *names: str) -> None:
    (root / "clusters").mkdir()
    (root / "fleet.yaml").write_text(FLEET)
    (root / "clusters/hub.yaml").write_text(f"purpose: hub\n{own_cluster('hub', 'okd')}")
    for name in names:
        (root / f"clusters/{name}.yaml").write_text(f"purpose: test\n{own_cluster(name, 'okd')}")


def test_clusters_may_be_called_like_folders_and_like_words_of_the_catalog(tmp_path: Path) -> None:
    fleet(tmp_path, *ORDINARY)
    (tmp_path / "clusters/everything.yaml").write_text(
        f"purpose: test\n{own_cluster('everything', 'okd')}features:\n{features('okd')}"
    )
    generate(tmp_path)
    report = check(tmp_path, CACHE, today=date(2026, 11, 28), say=lambda _: None)
    assert [f"{finding.name} {finding.reason}" for finding in faults(report.findings)] == []


def test_reserved_cluster_names_are_all_refused_at_once(tmp_path: Path) -> None:
    fleet(tmp_path, *TAKEN)
    with pytest.raises(FindingsError) as error:
        generate(tmp_path)
    findings = {finding.location.file: finding for finding in error.value.findings}
    assert set(findings) == {f"clusters/{name}.yaml" for name in TAKEN}
    assert all(
        finding.name == "invalid-name" and "is reserved: " in finding.reason for finding in findings.values()
    )
    assert not (tmp_path / "overlays").exists()


@pytest.mark.parametrize("name", TAKEN)
def test_a_new_cluster_has_no_reserved_name(tmp_path: Path, name: str) -> None:
    fleet(tmp_path)
    with pytest.raises(UsageError, match="is reserved"):
        add_cluster(
            tmp_path,
            NewCluster(name=name, purpose="test"),
            Records(),
            Saving(),
            now=datetime(2026, 11, 28, tzinfo=UTC),
        )
    assert sorted(path.name for path in (tmp_path / "clusters").iterdir()) == ["hub.yaml"]
