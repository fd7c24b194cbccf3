"""Ask every source that a fleet names."""

from dataclasses import dataclass
from pathlib import Path

from okd_gitops.finding import FindingsError
from okd_gitops.releases.graph import Graph, read_graph
from okd_gitops.releases.sources import file, github, quay, release_controller, update_graph
from okd_gitops.releases.sources.answer import Answer
from okd_gitops.system.http import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where releases are read; what is empty is not asked.

    `graph` is an address or a file of the repository, `file` is such a file. The model of `releases:` in
    fleet.yaml cannot take this place: this package must not import the fleet, and streams and the default
    graph come from elsewhere.
    """

    release_controller: str = ""
    streams: tuple[str, ...] = ()
    graph: str = ""
    channel: str = ""
    quay: str = ""
    github: str = ""
    file: str = ""


def collect(http: Http, sources: Sources, root: Path) -> tuple[list[Answer], Graph | None]:
    """Return what each source answers, and the update graph when there is one.

    A source that does not answer is a finding of its answer (source-away).
    """
    answers: list[Answer] = []
    graph: Graph | None = None

    if sources.release_controller:
        answers += [
            release_controller.releases(http, sources.release_controller, stream)
            for stream in sources.streams
        ]

    if sources.graph:
        graph, answer = _graph(http, sources, root)
        answers.append(answer)

    if sources.quay:
        answers.append(quay.releases(http, sources.quay))
    if sources.github:
        answers.append(github.releases(http, sources.github))
    if sources.file:
        answers.append(file.releases(root, sources.file))

    return answers, graph


def _graph(http: Http, sources: Sources, root: Path) -> tuple[Graph | None, Answer]:
    try:
        data = update_graph.fetch(http, sources.graph, root=root, channel=sources.channel)
        graph = read_graph(data, sources.graph)
    except FindingsError as error:
        return None, Answer(source=update_graph.NAME, findings=error.findings, complete=False)

    return graph, update_graph.of_graph(graph, update_graph.NAME)
