"""The update graph: fetch its bytes, or read them from a file of the repository. What they mean is read by
okd_gitops.releases.graph.
"""

from pathlib import Path
from urllib.parse import urlencode

from okd_gitops.releases.graph import MAX_BYTES, Graph
from okd_gitops.releases.sources.answer import AWAY, Answer, Claim, nothing
from okd_gitops.releases.sources.ask import refused
from okd_gitops.system.disk import read_file
from okd_gitops.system.http import Http, NetworkError

NAME = "graph"


def fetch(http: Http, at: str, *, root: Path, channel: str = "") -> bytes:
    """Return the bytes of a graph; `at` is an address, or a file below `root`.

    Raises FindingsError (source-away when there is no answer, unreadable-file for a file that cannot be
    read).
    """
    if "://" not in at:
        return read_file(root, at, max_file=MAX_BYTES)
    try:
        return http.get(f"{at}?{urlencode({'channel': channel})}" if channel else at)
    except NetworkError as error:
        raise refused(AWAY, at, error.reason, error.remedy) from None


def of_graph(graph: Graph, source: str) -> Answer:
    """Return what an update graph says of releases: their images. Its edges are for planning; its nodes
    are of every stream and phase.
    """
    releases = [
        Claim(version=node.version, source=source, image=node.payload if node.pinned else "")
        for node in graph.nodes.values()
    ]
    empty = () if releases else (nothing(source),)
    return Answer(source=source, releases=tuple(releases), findings=(*graph.findings, *empty))
