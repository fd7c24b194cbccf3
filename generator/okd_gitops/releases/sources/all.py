"""Ask every source that a fleet names."""

from dataclasses import dataclass
from pathlib import Path

from okd_gitops.finding import FindingsError
from okd_gitops.releases.graph import Graph, read_graph
from okd_gitops.releases.sources import file, github, quay, release_controller
from okd_gitops.releases.sources import update_graph as graph
from okd_gitops.releases.sources.answer import Answer
from okd_gitops.releases.sources.github import API
from okd_gitops.system.http import Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where releases are read; what is empty is not asked. `graph` is an address or a file of the
    repository, `file` is such a file.
    """

    release_controller: str = ""
    streams: tuple[str, ...] = ()
    graph: str = ""
    channel: str = ""
    quay: str = ""
    quay_api: str = ""
    github: str = ""
    github_api: str = API
    file: str = ""


def collect(http: Http, sources: Sources, root: Path) -> tuple[list[Answer], Graph | None]:
    """Return what each source says, and the update graph when there is one. A source that is away is a
    finding of its answer (source-away).
    """
    answers = [
        release_controller.releases(http, sources.release_controller, stream)
        for stream in sources.streams
        if sources.release_controller
    ]
    read = None
    if sources.graph:
        try:
            read = read_graph(
                graph.fetch(http, sources.graph, root=root, channel=sources.channel), sources.graph
            )
            answers.append(graph.of_graph(read, graph.NAME))
        except FindingsError as error:
            answers.append(Answer(source=graph.NAME, findings=error.findings, complete=False))
    if sources.quay:
        answers.append(quay.releases(http, sources.quay, api=sources.quay_api))
    if sources.github:
        answers.append(github.releases(http, sources.github, api=sources.github_api))
    if sources.file:
        answers.append(file.releases(root, sources.file))
    return answers, read
