"""The names of the clusters that try a release: one is installed with it, and one upgrades to it."""

_TRIAL, _UPGRADES = "try-", "-up"


def fresh_cluster(version: str) -> str:
    """Return the name of the cluster that is installed with a release; that of a nightly build fits too."""
    return f"{_TRIAL}{version.replace('okd-', '').replace('.', '-')}"


def upgrading_cluster(version: str) -> str:
    """Return the name of the cluster that is installed with the release before, and upgrades."""
    return f"{fresh_cluster(version)}{_UPGRADES}"


def trial_clusters(version: str) -> tuple[str, str]:
    """Return both names."""
    return fresh_cluster(version), upgrading_cluster(version)
