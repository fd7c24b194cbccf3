"""GitHub: the releases that people are told of, each with its notes, which name the image of the mirror.

The form of an answer: docs.github.com, REST API, "List releases". What the notes say was read in releases of
okd-project/okd.
"""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from okd_gitops.releases.json_answer import FORM, text, unusable
from okd_gitops.releases.sources.answer import Answer, Claim, dated, nothing, unused, version_of
from okd_gitops.releases.sources.ask import ask, read_pages
from okd_gitops.releases.version import IMAGE, Version
from okd_gitops.system.http import Http

NAME = "github"
API = "https://api.github.com"
PER_PAGE = 100
MAX_PAGES = 20
# The beginning says what is new; a list of all changes follows, often of a megabyte.
_LONGEST_NOTES = 4_000
# As `oc adm release info` prints it.
_PULL = re.compile(r"Pull From:[ \t`*]*([^\s`*]{1,300})")


def releases(http: Http, repository: str, *, max_pages: int = MAX_PAGES) -> Answer:
    """Return the releases of a repository, which is named owner/name; drafts are not releases."""
    url = f"{API}/repos/{repository}/releases"

    def read_page(number: int) -> tuple[list[Any], bool]:
        page = ask(http, f"{url}?per_page={PER_PAGE}&page={number}")
        if not isinstance(page, list):
            raise unusable(FORM, url, "the answer is not an array")
        return page, len(page) >= PER_PAGE

    entries, faults = read_pages(url, read_page, max_pages)
    published = [entry for entry in entries if not _is_draft(entry)]
    claims: list[Claim] = []
    wrong_names: list[str] = []

    for entry in published:
        name = text(entry, "tag_name")
        version = version_of(name)
        if version is None:
            wrong_names.append(name)
        else:
            claims += _claims(version, entry)

    findings = [*faults, *unused(url, wrong_names)]
    if not published and not faults:
        findings.append(nothing(url))

    return Answer(source=NAME, releases=tuple(claims), findings=tuple(findings), complete=not faults)


def _is_draft(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("draft") is True


def _claims(version: Version, entry: dict[str, Any]) -> list[Claim]:
    """Return what an entry claims, once for each image of its notes: two images contradict each other."""
    body = text(entry, "body")
    named_images = {match[1] for match in _PULL.finditer(body)}
    images = sorted(image for image in named_images if IMAGE.fullmatch(image))

    page = text(entry, "html_url")
    url = page if page.startswith("https://") else ""
    published = dated(version) or _time(text(entry, "published_at"))
    # A missing flag does not make a release.
    prerelease = entry.get("prerelease") is not False

    claim = Claim(
        version=version,
        source=NAME,
        published=published,
        prerelease=prerelease,
        url=url,
        notes=body[:_LONGEST_NOTES],
    )

    return [replace(claim, image=image) for image in images or [""]]


def _time(value: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo else None
