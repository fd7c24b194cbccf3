"""Every feature in every environment that it is for: it generates, builds, fits its schemas and breaks no rule, on the catalog's own values."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import CACHE
from okd_gitops.commands.check import Report, check
from okd_gitops.commands.generate import generate
from okd_gitops.disk import read_catalog
from okd_gitops.feature import Each, Feature, Parameter, load_catalog
from okd_gitops.objects import Object
from okd_gitops.patch import segments
from rendered import ENVIRONMENTS, FLEET, OKD

CATALOG = load_catalog(read_catalog())
IMAGE = f"quay.io/example/tools@sha256:{'ab' * 32}"
# A feature, an environment, and one of the lists that may be left out: they can exclude each other, so each is tried by itself.
PLACES = [
    (name, str(environment), option)
    for name, feature in sorted(CATALOG.features.items())
    for environment, parts in feature.spec.environments.items()
    for option in [key for key, each in feature.spec.each.items() if each.optional and each.part in parts] or [""]
]


def at(value: Any, path: str) -> Any:
    for step in segments(path):
        value = value.get(step) if isinstance(step, str) else next((item for item in value if item.get(step[0]) == step[1]), {})
    return value


def example(parameter: Parameter, objects: dict[str, Object]) -> Any:
    """The value that the catalog's own object has where the parameter goes, in the parameter's type; any name where it goes into no object."""
    found = [each.text or at(objects[each.object], each.path) for each in parameter.sets if each.object in objects]
    # Where the catalog has nothing, the cluster file must say it.
    value = (found[0] if found else "x") or {"image": IMAGE, "minor": "4.22"}[parameter.type]
    if parameter.type == "boolean":
        return str(value) == "true"
    return int(value) if parameter.type == "integer" else value


def parameters(feature: Feature, environment: str, option: str) -> dict[str, Any]:
    """The least that a cluster file must give: required parameters, and one entry in every list that is required or is the option."""
    parts = feature.spec.environments[next(each for each in feature.spec.environments if str(each) == environment)]
    objects = {f"{value['kind']}/{value['metadata']['name']}": value for part in parts for value in feature.objects(part)}
    needed = {key: each for key, each in feature.spec.parameters.items() if each.default is None and not each.optional and not each.source}
    # What goes into no object of this environment may not be given there.
    here = {key: each for key, each in needed.items() if not each.sets or any(target.object in objects for target in each.sets)}
    given = {key: example(each, objects) for key, each in here.items()}
    lists = {key: each for key, each in feature.spec.each.items() if not each.optional or key == option}
    return given | {key: [entry(each, objects)] for key, each in lists.items() if each.part in parts}


def entry(each: Each, objects: dict[str, Object]) -> dict[str, Any]:
    key = example(each.fields[each.key], objects)
    derived = each.entry({each.key: key})
    wanted = {field: value for field, value in each.fields.items() if value.default is None and not value.optional and field not in derived}
    return {each.key: key} | {field: example(value, objects) for field, value in wanted.items()}


def cluster(name: str, environment: str, option: str) -> str:
    """A cluster file with one feature and those that it requires, by way of ephemeral, which brings none of its own."""
    features: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        feature = CATALOG.features[waiting.pop()]
        features[feature.name] = parameters(feature, environment, option if feature.name == name else "")
        for lists in features[feature.name].values():
            for each in (item for item in lists if isinstance(item, dict)) if isinstance(lists, list) else ():
                # It names an entry of the list of another feature.
                each.update({"component": "example"} if "component" in each else {})
        waiting += [each for each in feature.spec.requires if each not in features]
    return f"purpose: ephemeral\nexpires: 2030-01-31\n{ENVIRONMENTS[environment]}{yaml.safe_dump({'features': features})}"


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
    assert [f"{finding.severity} {finding.code} {finding.object}: {finding.reason}" for finding in found if finding.severity == "error"] == []


def test_every_place_was_built_and_nothing_was_left_unchecked(report: Report) -> None:
    assert report.overlays == len(PLACES) + 2
    assert report.without_schema == 0
    assert [finding for finding in report.findings if finding.severity == "error"] == []
