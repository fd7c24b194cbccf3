"""Values of entries that follow from a table in the catalog."""

from typing import Any

import pytest
import yaml

from okd_gitops.finding import FindingsError
from okd_gitops.fleet.feature import Catalog, load_catalog
from okd_gitops.fleet.tables import rows_of
from okd_gitops.tree import Tree

FEATURE = """\
summary: x
environments: {okd: [common, line]}
each:
  lines:
    summary: x
    part: line
    key: minor
    table: ConfigMap/lines
    fields:
      minor: {summary: x, type: minor}
      branch: {summary: x}
      file: {summary: x, optional: true}
"""
REQUIRING = FEATURE.replace("summary: x\n", "summary: x\nrequires: [a]\n", 1)
TABLE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: lines, namespace: x}
data:
  lines: |
    minor  branch    file  unknown
    6.0    main-6    -     q

    6.1    main-7    f
"""


def catalog(**changed: str) -> Catalog:
    files = {
        "features/a/feature.yaml": FEATURE,
        "features/a/common/configmap-lines.yaml": TABLE,
        "features/b/feature.yaml": REQUIRING,
        **changed,
    }
    return load_catalog(Tree({path: text.encode() for path, text in files.items()}))


@pytest.mark.parametrize("feature", ["a", "b"])
def test_a_line_gives_the_columns_that_are_fields_to_the_feature_and_to_those_that_require_it(
    feature: str,
) -> None:
    built = catalog()
    one = built.features[feature]
    assert rows_of(built, one, one.spec.each["lines"]) == {
        "6.0": {"minor": "6.0", "branch": "main-6"},
        "6.1": {"minor": "6.1", "branch": "main-7", "file": "f"},
    }


def test_a_changed_table_is_the_one_that_counts() -> None:
    one = catalog().features["a"]
    text = TABLE.replace("main-7", "mine")
    value: dict[str, Any] = yaml.safe_load(text)
    changed = one.with_file("common/configmap-lines.yaml", text.encode(), value)
    lines = rows_of(catalog(), changed, one.spec.each["lines"])
    assert lines["6.1"]["branch"] == "mine"


@pytest.mark.parametrize("table", ["", "kind: ConfigMap\nmetadata: {name: lines}\ndata: {lines: 7}\n"])
def test_a_table_that_is_nowhere_or_is_none_has_no_lines(table: str) -> None:
    other = "kind: ConfigMap\nmetadata: {name: other}\n"
    built = catalog(**{"features/a/common/configmap-lines.yaml": table or other})
    one = built.features["a"]
    assert rows_of(built, one, one.spec.each["lines"]) == {}


def test_only_a_configmap_is_a_table() -> None:
    with pytest.raises(FindingsError):
        catalog(**{"features/a/feature.yaml": FEATURE.replace("ConfigMap/lines", "Secret/lines")})
