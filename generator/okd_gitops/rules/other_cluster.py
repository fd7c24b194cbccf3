"""A cluster's output does not name another cluster.

Copied files keep the name of the cluster they came from: a certificate, a DNS zone, a Vault path of the wrong cluster.

Replace the name, or write it as a parameter.
"""

import re
from collections.abc import Iterator

from okd_gitops.finding import Severity
from okd_gitops.objects import ObjectId, strings
from okd_gitops.rule import Fault, Rendered, Repository

CODE = "GR008"
SEVERITY = Severity.ERROR


def check_cluster(overlay: Rendered, repository: Repository) -> Iterator[Fault]:
    """Look for names of other clusters as whole words in short strings; what is rendered for Argo CD names them all."""
    others = sorted(set(repository.destinations) - {overlay.name})
    if not overlay.purpose or not others:
        return
    pattern = re.compile(rf"(?<![A-Za-z0-9-])({'|'.join(map(re.escape, others))})(?![A-Za-z0-9-])")
    for value in overlay.objects:
        identity = ObjectId.of(value)
        for path, text in strings(value):
            found = pattern.search(text) if len(text) < 2000 else None
            if found:
                reason = f'{path} names the cluster "{found[1]}"'
                yield Fault(reason=reason, remedy=f"this is the output of {overlay.name}", object=identity)
