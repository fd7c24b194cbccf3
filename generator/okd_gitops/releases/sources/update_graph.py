"""The update graph as a source: its bytes from an address or a file, and what it claims of releases."""

from pathlib import Path
from urllib.parse import urlencode

from okd_gitops.releases.graph import MAX_BYTES, Graph
from okd_gitops.releases.sources import ask
from okd_gitops.releases.sources.answer import Answer, Claim, nothing
from okd_gitops.system.disk import read_file
from okd_gitops.system.http import Http

NAME = "graph"


def fetch(http: Http, place: str, *, root: Path, channel: str = "") -> bytes:
    """Return the bytes of a graph; `place` is an address, or a file below `root`.

    Raises FindingsError (source-away when nobody answers, unreadable-file for a file).
    """
    if "://" not in place:
        return read_file(root, place, max_file=MAX_BYTES)

    query = f"?{urlencode({'channel': channel})}" if channel else ""
    return ask.fetch(http, f"{place}{query}")


def of_graph(graph: Graph, source: str) -> Answer:
    """Return what an update graph claims of releases: their images, whatever their stream and phase.

    Its edges are for planning.
    """
    claims = [
        Claim(version=node.version, source=source, image=node.payload if node.pinned else "")
        for node in graph.nodes.values()
    ]
    findings = graph.findings if claims else (*graph.findings, nothing(source))

    return Answer(source=source, releases=tuple(claims), findings=findings)
