"""One cluster of each environment with every feature that it can have: what holds for all that is
generated is looked at on these three.
"""

from typing import Any

import yaml

from examples import example
from minimal import CATALOG
from rendered import objects

# Only for clusters that are never updated again, see unsupported-feature-set: what it holds is looked at in
# the tests of the variants.
NOT_HERE = {"feature-set"}


def features(environment: str) -> str:
    """Return what stands below `features:` of a cluster file that has all of them."""
    given: dict[str, Any] = {}
    for name, feature in CATALOG.features.items():
        if environment in feature.spec.environments and name not in NOT_HERE:
            given |= example(name, environment)
    return "".join(f"  {line}\n" for line in yaml.safe_dump(given).splitlines())


def everything(environment: str) -> tuple[dict[str, Any], ...]:
    """Return what such a cluster renders to."""
    return objects(environment, features(environment))
