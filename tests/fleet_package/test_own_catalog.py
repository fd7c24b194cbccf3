"""The objects of the tool's catalog are read without the checks that a test makes: here it makes them."""

import re

import pytest

from okd_gitops.manifests.bounds import FOREIGN
from okd_gitops.manifests.plain import plain_value
from okd_gitops.manifests.read import read
from okd_gitops.system.disk import read_catalog

CATALOG = read_catalog()


@pytest.mark.parametrize("path", [path for path in CATALOG if not path.endswith("/feature.yaml")])
def test_an_object_is_the_same_as_with_all_checks(path: str) -> None:
    data = CATALOG[path]
    assert plain_value(data) == read(path, data, bounds=FOREIGN).value


def test_no_pattern_counts_to_thousands() -> None:
    """Such a one takes megabytes and most of the time of a first run; `maxLength` does the same."""
    features = [data.decode() for path, data in CATALOG.items() if path.endswith("/feature.yaml")]
    counts = [int(most) for text in features for most in re.findall(r"\{[0-9]+,([0-9]+)\}", text)]
    assert counts
    assert max(counts) < 1_000
