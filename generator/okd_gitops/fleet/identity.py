"""By what one cluster is told from another, however its values are written."""

from okd_gitops.fleet.cluster import ClusterFile
from okd_gitops.manifests.argocd import server_address

# The keys of a cluster file that no two clusters share, with their names in the model.
UNIQUE = (("clusterID", "cluster_id"), ("server", "server"))


def in_one_spelling(key: str, value: object) -> str:
    """Return the value of a key of a cluster file in the one spelling that can be compared."""
    text = str(value or "")

    return server_address(text) if key == "server" and text else text.lower()


def shared_key(one: ClusterFile, other: ClusterFile) -> str:
    """Return the key of a unique value that two cluster files share; empty if they are about two clusters."""
    for key, attribute in UNIQUE:
        values = {in_one_spelling(key, getattr(file.spec, attribute)) for file in (one, other)}

        if len(values) == 1 and "" not in values:
            return key

    return ""
