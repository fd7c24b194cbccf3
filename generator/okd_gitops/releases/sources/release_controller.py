"""The release controller: which releases a stream has, and in which phase each is.

One call a stream. `/tags` is asked without its phase filter, because a filtered answer cannot tell a rejected
release from one that never was. Its pullSpec is a tag, so digests come from the graph. Read in
openshift/release-controller: cmd/release-controller-api/http.go (apiReleaseTags) and
pkg/release-controller/types.go (APITag).
"""

from urllib.parse import quote

from okd_gitops.finding import FindingsError
from okd_gitops.releases.sources.answer import (
    FORM,
    Answer,
    Claim,
    dated,
    names,
    no_phase,
    nothing,
    version_of,
)
from okd_gitops.releases.sources.ask import array, ask, left_out, refused, text
from okd_gitops.releases.version import IMAGE
from okd_gitops.system.http import Http

NAME = "release-controller"


def releases(http: Http, host: str, stream: str) -> Answer:
    """Return every release of a stream, in whatever phase. `host` is https://…, without a path."""
    host, path = host.rstrip("/"), quote(stream, safe="")
    url = f"{host}/api/v1/releasestream/{path}/tags"
    try:
        answer = ask(http, url)
        tags = array(answer, "tags", url)
        if text(answer, "name") != stream:
            raise refused(FORM, url, f'the answer is about the stream "{text(answer, "name"):.80}"')
    except FindingsError as error:
        return Answer(source=NAME, stream=stream, findings=error.findings, complete=False)
    found: list[Claim] = []
    wrong = []
    for tag in tags:
        name, phase, pull = text(tag, "name"), text(tag, "phase"), text(tag, "pullSpec")
        version = version_of(name)
        if version is None:
            wrong.append(name)
            continue
        image = pull if IMAGE.fullmatch(pull) else ""
        page = f"{host}/releasestream/{path}/release/{name}"
        found.append(
            Claim(
                version=version,
                source=NAME,
                stream=stream,
                phase=phase,
                image=image,
                published=dated(version),
                url=page,
            )
        )
    findings = [
        *names(url, filter(None, wrong)),
        *left_out(url, ["an entry without a name"] if "" in wrong else []),
    ]
    findings += no_phase(url, (release.version.text for release in found if not release.phase))
    findings += [] if tags else [nothing(url)]
    return Answer(source=NAME, stream=stream, releases=tuple(found), findings=tuple(findings))
