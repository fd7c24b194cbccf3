"""Quay: the tags of a mirror and the digest that each has now. Read in quay/quay: endpoints/api/tag.py
(listRepoTags, _tag_dict).
"""

from datetime import UTC, datetime
from typing import Any

from okd_gitops.finding import Finding, FindingsError
from okd_gitops.releases.sources.answer import FORM, PAGES, Answer, Claim, names, nothing, version_of
from okd_gitops.releases.sources.ask import array, ask, left_out, refused, text
from okd_gitops.releases.version import SHA256
from okd_gitops.system.http import Http

NAME = "quay"
MAX_PAGES = 50


def releases(http: Http, repository: str, *, api: str = "", max_pages: int = MAX_PAGES) -> Answer:
    """Return the releases of a repository, which is named as images name it: quay.io/okd/scos-release.
    `api` is where another Quay answers.
    """
    registry, _, path = repository.partition("/")
    place = f"{api.rstrip('/') or f'https://{registry}'}/api/v1/repository/{path}/tag/"
    tags: list[Any] = []
    stopped: tuple[Finding, ...] = ()
    try:
        for page in range(1, max_pages + 1):
            # Without onlyActiveTags a tag that was pushed again is there several times, with each digest that
            # it ever had.
            answer = ask(http, f"{place}?onlyActiveTags=true&limit=100&page={page}")
            fresh = array(answer, "tags", place)
            tags += fresh
            if not isinstance(answer.get("has_additional"), bool):
                raise refused(FORM, place, "the answer does not say whether there is more")
            if not answer["has_additional"]:
                break
            if not fresh:
                raise refused(PAGES, place, f"page {page} is empty and says that there is more")
        else:
            raise refused(PAGES, place, f"there are more than {max_pages} pages of tags")
    except FindingsError as error:
        stopped = error.findings
    found, wrong, faults = [], [], []
    for tag in tags:
        name, digest = text(tag, "name"), text(tag, "manifest_digest")
        version = version_of(name)
        if version is None:
            wrong.append(name)
        elif not SHA256.fullmatch(digest):
            faults.append(f"{name} has no digest")
        else:
            found.append(
                Claim(
                    version=version,
                    source=NAME,
                    image=f"{repository}@{digest}",
                    published=_time(tag.get("start_ts")),
                )
            )
    faults += ["an entry without a name"] if "" in wrong else []
    findings = [
        *stopped,
        *names(place, filter(None, wrong)),
        *left_out(place, faults),
        *([] if tags or stopped else [nothing(place)]),
    ]
    return Answer(source=NAME, releases=tuple(found), findings=tuple(findings), complete=not stopped)


def _time(seconds: object) -> datetime | None:
    """Return a time of Quay, which leaves it out where it does not know it."""
    # bool is an int in Python; the bound is the year 9999.
    return (
        datetime.fromtimestamp(seconds, UTC) if type(seconds) is int and 0 < seconds < 253402300800 else None
    )
