"""A finding about a parameter or a field has a line to copy, and that line passes."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
import yaml
from pydantic import Field, TypeAdapter
from pydantic.fields import FieldInfo

from minimal import CATALOG
from okd_gitops.finding import FindingsError
from okd_gitops.fleet.cluster import ClusterSpec
from okd_gitops.fleet.example_lines import list_line, parameter_line
from okd_gitops.fleet.fleet_file import FleetSpec
from okd_gitops.fleet.parameter import Each, Parameter
from okd_gitops.manifests.model import FileModel, parse
from okd_gitops.manifests.one_line import in_yaml
from okd_gitops.manifests.read import read
from rendered import objects

PARAMETERS = {
    (feature.name, where, name): parameter
    for feature in CATALOG.features.values()
    for where, parameters in (
        ("", feature.spec.parameters),
        *((name, each.fields) for name, each in feature.spec.each.items()),
    )
    for name, parameter in parameters.items()
    if not parameter.source
}
LISTS = {
    (feature.name, name): each
    for feature in CATALOG.features.values()
    for name, each in feature.spec.each.items()
}


def written(line: str) -> Any:
    """Return the one value of a line of YAML, read as cluster files are."""
    (value,) = read("line.yaml", line.encode()).value.values()
    return value


@pytest.mark.parametrize("place", PARAMETERS, ids=" ".join)
def test_the_line_of_a_parameter_has_a_value_that_it_takes(place: tuple[str, str, str]) -> None:
    parameter = PARAMETERS[place]
    assert parameter.fault(written(parameter_line(place[2], parameter))) == ""


@pytest.mark.parametrize("place", LISTS, ids=" ".join)
def test_the_line_of_a_list_has_an_entry_that_it_takes(place: tuple[str, str]) -> None:
    each: Each = LISTS[place]
    (entry,) = written(list_line(place[1], each))

    assert each.key in entry
    assert {key: each.fields[key].fault(value) for key, value in entry.items()} == dict.fromkeys(entry, "")


def test_of_several_values_the_nearest_is_shown() -> None:
    parameter = Parameter(summary="Channel.", enum=("candidate", "stable"))
    assert parameter_line("channel", parameter, "stabel") == "channel: stable"


@pytest.mark.parametrize(
    ("feature", "given", "place"),
    [
        ("hpc", "    kernel-arguments: [hugepages=2]\n    reserved-cpus: first\n", "reserved-cpus"),
        ("hpc", "    kernel-arguments: [hugepages=2]\n", "reserved-cpus"),
        ("openstack", "", "volumes"),
        ("openstack", "    volumes: yes please\n", "volumes"),
    ],
    ids=["wrong", "missing", "a list is missing", "no list"],
)
def test_the_line_of_a_finding_mends_the_file(feature: str, given: str, place: str) -> None:
    with pytest.raises(FindingsError) as error:
        objects("okd", f"  {feature}:\n{given}")

    remedy = next(finding.remedy for finding in error.value.findings if place in finding.reason)
    line = remedy.split("`")[1]
    others = [old for old in given.splitlines(keepends=True) if place not in old]
    assert objects("okd", f"  {feature}:\n{''.join(others)}    {line}\n")


def models(model: type[FileModel]) -> Iterator[type[FileModel]]:
    """Yield a model and the models inside it."""
    yield model

    for field in model.model_fields.values():
        for inner in inner_types(field.annotation):
            yield from models(inner)


def inner_types(annotation: Any) -> Iterator[type[FileModel]]:
    """Yield the models that an annotation names, in whatever it wraps them."""
    if isinstance(annotation, type) and issubclass(annotation, FileModel):
        yield annotation

    for argument in get_args(annotation):
        yield from inner_types(argument)


EXAMPLES: dict[str, FieldInfo] = {
    f"{model.__name__}.{name}": field
    for root in (FleetSpec, ClusterSpec)
    for model in models(root)
    for name, field in model.model_fields.items()
    if field.examples
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_field_passes(name: str) -> None:
    field = EXAMPLES[name]
    assert field.examples
    annotated: Any = Annotated[field.annotation, Field(), *field.metadata]
    adapter: TypeAdapter[Any] = TypeAdapter(annotated)

    for example in field.examples:
        value = yaml.safe_load(in_yaml(example))
        assert value == example
        adapter.validate_python(value)


@pytest.mark.parametrize("field", ["repository", "hub", "owners", "upstream"])
def test_a_field_that_is_missing_has_a_line_that_mends_the_file(field: str) -> None:
    lines = {
        "repository": "repository: https://git.massopen.cloud/fleet.git",
        "hub": "hub: moc-hub",
        "owners": "owners: [ops]",
        "upstream": "upstream: https://graph.massopen.cloud/graph",
    }
    del lines[field]

    with pytest.raises(FindingsError) as error:
        parse(FleetSpec, read("fleet.yaml", "\n".join(lines.values()).encode()))

    (finding,) = error.value.findings
    assert finding.remedy.startswith("add the line `")
    text = "\n".join([*lines.values(), finding.remedy.split("`")[1]])
    assert parse(FleetSpec, read("fleet.yaml", text.encode()))


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "true",
        "No",
        "4.20",
        "https://x.org:6443",
        "a: b",
        "",
        "- a",
        "#a",
        "a #b",
        "!r",
        ["a", "1"],
        True,
        3,
    ],
)
def test_a_value_on_one_line_is_read_as_it_was(value: Any) -> None:
    assert yaml.safe_load(f"key: {in_yaml(value)}") == {"key": value}
