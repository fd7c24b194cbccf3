"""The cluster files that `make lab` tries: they fit the catalog of today, also where there is no cluster
to try them on.
"""

from pathlib import Path

import yaml

from examples import LESS, PARAMETERS, example
from minimal import CATALOG, PLACES
from okd_gitops.generate.generate import generate
from rendered import FLEET, OKD, own_cluster


def test_every_example_generates(tmp_path: Path) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "clusters/hub.yaml").write_text(f"purpose: hub\n{OKD}")
    places = {(name, environment) for name, environment, _ in PLACES}
    for name, environment in places:
        own = own_cluster(f"{name}-{environment}", environment)
        text = f"purpose: test\n{own}{yaml.safe_dump({'features': example(name, environment)})}"
        (tmp_path / f"clusters/{name}-{environment}.yaml").write_text(text)
    assert len(generate(tmp_path).fleet.clusters) == len(places) + 1


def test_every_example_is_of_an_existing_feature() -> None:
    assert PARAMETERS.keys() | {name for _, name in LESS} <= CATALOG.features.keys()
