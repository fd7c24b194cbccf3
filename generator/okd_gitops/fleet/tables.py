"""Tables of the catalog: a ConfigMap with a line for each key, from which values of entries follow."""

from collections.abc import Mapping

from okd_gitops.fleet.feature import Catalog, Feature
from okd_gitops.fleet.parameter import Each
from okd_gitops.manifests.objects import Object, at, kind_and_name

# The lines of a table by key: values by the names of columns.
Rows = Mapping[str, Mapping[str, str]]
# What stands in a column in which a line has nothing.
_NOTHING = "-"


def rows_of(catalog: Catalog, feature: Feature, each: Each) -> Rows:
    """Return the lines of the table of a list, by key: for each column that is a field, its value.

    The table is an object of the feature or of one that it requires; its first line names the columns, of
    which the first is the key. Without a table, or with one that is nowhere, there are no lines.
    """
    if not each.table:
        return {}

    features = [
        feature,
        *(catalog.features[name] for name in feature.spec.requires if name in catalog.features),
    ]
    objects = (value for one in features for value in one.objects_by_path.values())
    table = next((value for value in objects if kind_and_name(value) == each.table), None)

    return {} if table is None else _rows(table, each)


def _rows(table: Object, each: Each) -> dict[str, dict[str, str]]:
    lines = [line.split() for line in str(at(table, "data", "lines")).splitlines()]
    names, *filled = [line for line in lines if line] or [[]]

    return {line[0]: _row(names, line, each) for line in filled}


def _row(names: list[str], line: list[str], each: Each) -> dict[str, str]:
    pairs = zip(names, line, strict=False)
    return {name: value for name, value in pairs if name in each.fields and value != _NOTHING}
