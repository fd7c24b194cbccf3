"""The release controller: which releases a stream has, and in which phase each is.

One call a stream. `/tags` is asked without its phase filter, because a filtered answer cannot tell a rejected
release from one that never was. Its pullSpec is a tag, so digests come from the graph. Read in
openshift/release-controller: cmd/release-controller-api/http.go (apiReleaseTags) and
pkg/release-controller/types.go (APITag).
"""

from typing import Any
from urllib.parse import quote

from okd_gitops.finding import FindingsError
from okd_gitops.releases.json_answer import FORM, array, text, unusable
from okd_gitops.releases.sources.answer import (
    Answer,
    Claim,
    dated,
    no_phase,
    nothing,
    unused,
    version_of,
)
from okd_gitops.releases.sources.ask import ask
from okd_gitops.releases.version import IMAGE
from okd_gitops.system.http import Http

NAME = "release-controller"


def releases(http: Http, host: str, stream: str) -> Answer:
    """Return every release of a stream, in whatever phase. `host` is https://…, without a path."""
    host, stream_in_path = host.rstrip("/"), quote(stream, safe="")
    url = f"{host}/api/v1/releasestream/{stream_in_path}/tags"

    try:
        tags = _tags(http, url, stream)
    except FindingsError as error:
        return Answer(source=NAME, stream=stream, findings=error.findings, complete=False)

    claims: list[Claim] = []
    wrong_names: list[str] = []

    for tag in tags:
        name, pull_spec = text(tag, "name"), text(tag, "pullSpec")
        version = version_of(name)
        if version is None:
            wrong_names.append(name)
            continue

        claim = Claim(
            version=version,
            source=NAME,
            stream=stream,
            phase=text(tag, "phase"),
            image=pull_spec if IMAGE.fullmatch(pull_spec) else "",
            published=dated(version),
            url=f"{host}/releasestream/{stream_in_path}/release/{name}",
        )
        claims.append(claim)

    findings = [*unused(url, wrong_names), *no_phase(url, claims)]
    if not tags:
        findings.append(nothing(url))

    return Answer(source=NAME, stream=stream, releases=tuple(claims), findings=tuple(findings))


def _tags(http: Http, url: str, stream: str) -> list[Any]:
    answer = ask(http, url)
    tags = array(answer, "tags", url)

    answered_stream = text(answer, "name")
    if answered_stream != stream:
        raise unusable(FORM, url, f'the answer is about the stream "{answered_stream:.80}"')

    return tags
