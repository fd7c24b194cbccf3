"""GitHub: the releases that people are told of, each with its notes, which name the image of the mirror.

The form of an answer: docs.github.com, REST API, "List releases". What the notes say was read in releases of
okd-project/okd.
"""

import re
from datetime import datetime
from typing import Any

from okd_gitops.finding import Finding, FindingsError
from okd_gitops.releases.sources.answer import FORM, PAGES, Answer, Claim, dated, names, nothing, version_of
from okd_gitops.releases.sources.ask import ask, left_out, refused, text
from okd_gitops.releases.version import IMAGE, Version
from okd_gitops.system.http import Http

NAME = "github"
API = "https://api.github.com"
PER_PAGE = 100
MAX_PAGES = 20
# As `oc adm release info` prints it.
_PULL = re.compile(r"Pull From:[ \t`*]*([^\s`*]{1,300})")


def releases(http: Http, repository: str, *, api: str = API, max_pages: int = MAX_PAGES) -> Answer:
    """Return the releases of a repository, which is named owner/name; drafts are not releases."""
    url = f"{api.rstrip('/')}/repos/{repository}/releases"
    entries: list[Any] = []
    stopped: tuple[Finding, ...] = ()
    try:
        for page in range(1, max_pages + 1):
            fresh = ask(http, f"{url}?per_page={PER_PAGE}&page={page}")
            if not isinstance(fresh, list):
                raise refused(FORM, url, "the answer is not an array")
            entries += fresh
            if len(fresh) < PER_PAGE:
                break
        else:
            raise refused(PAGES, url, f"there are more than {max_pages} pages of releases")
    except FindingsError as error:
        stopped = error.findings
    listed = [entry for entry in entries if not (isinstance(entry, dict) and entry.get("draft") is True)]
    found: list[Claim] = []
    wrong = []
    for entry in listed:
        name = text(entry, "tag_name")
        if version := version_of(name):
            found += _releases(version, entry)
        else:
            wrong.append(name)
    findings = [
        *stopped,
        *names(url, filter(None, wrong)),
        *left_out(url, ["an entry without a tag_name"] if "" in wrong else []),
    ]
    findings += [] if listed or stopped else [nothing(url)]
    return Answer(source=NAME, releases=tuple(found), findings=tuple(findings), complete=not stopped)


def _releases(version: Version, entry: dict[str, Any]) -> list[Claim]:
    """Return what an entry says: once for each image that its notes name, so that notes with two of them
    are seen to contradict themselves.
    """
    pulled = {match[1] for match in _PULL.finditer(text(entry, "body"))}
    images = sorted(image for image in pulled if IMAGE.fullmatch(image)) or [""]
    # A flag that is not there does not make a release.
    flag = entry.get("prerelease") is not False
    page = text(entry, "html_url")
    url = page if page.startswith("https://") else ""
    at = dated(version) or _time(text(entry, "published_at"))
    return [
        Claim(version=version, source=NAME, image=image, published=at, prerelease=flag, url=url)
        for image in images
    ]


def _time(value: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo else None
