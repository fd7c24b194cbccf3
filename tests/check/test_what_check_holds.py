"""What a check has in memory of a large fleet while its overlays are judged."""

import gc
from datetime import date
from pathlib import Path
from typing import NoReturn
from weakref import ReferenceType, ref

import pytest

from conftest import CACHE
from frozen import FLEET
from okd_gitops.check import check
from okd_gitops.fleet.cluster import ClusterSpec
from okd_gitops.fleet.feature import Feature
from okd_gitops.fleet.load import Fleet, load
from okd_gitops.system.kept import Kept

CLUSTER = "purpose: hub\nenvironment: kind\nkubernetes: '1.35'\nfeatures:\n  kvm-device-plugin:\n"


class JudgedError(Exception):
    """What came before has ended."""


def test_the_cluster_files_and_the_catalog_are_gone_while_their_overlays_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text((FLEET / "fleet.yaml").read_text().replace("moc-hub", "hub"))
    (tmp_path / "clusters/hub.yaml").write_text(CLUSTER)
    loaded: list[ReferenceType[ClusterSpec]] = []
    catalogs: list[ReferenceType[Feature]] = []

    def loading(root: Path, *_: object) -> Fleet:
        fleet = load(root)
        loaded.extend(ref(cluster.spec) for cluster in fleet.clusters)
        catalogs.append(ref(fleet.catalog.features["kvm-device-plugin"]))
        return fleet

    def judging(*_: object, **__: object) -> NoReturn:
        gc.collect()
        assert [spec() for spec in loaded] == [None]
        assert [features() for features in catalogs] == [None]
        raise JudgedError

    monkeypatch.setattr(check, "load", loading)
    monkeypatch.setattr(check, "judge", judging)
    kept = Kept(tmp_path / "kept", "here")
    with pytest.raises(JudgedError):
        check.check(tmp_path, CACHE, today=date(2029, 12, 1), say=lambda _: None, kept=kept)
