"""Ask a source for JSON, page by page where it has pages."""

from collections.abc import Callable
from typing import Any

from okd_gitops.finding import Finding, FindingsError
from okd_gitops.releases.json_answer import read_json, unusable
from okd_gitops.releases.sources.answer import AWAY, PAGES
from okd_gitops.system.address import NetworkError
from okd_gitops.system.http import Http


def fetch(http: Http, url: str) -> bytes:
    """Return the body that an address answers with; raises FindingsError (source-away)."""
    try:
        return http.get(url)
    except NetworkError as error:
        raise away(url, error) from None


def ask(http: Http, url: str) -> Any:
    """Return the JSON that an address answers with; raises FindingsError (source-away, unreadable-answer)."""
    return read_json(fetch(http, url), url)


def away(url: str, error: NetworkError) -> FindingsError:
    """Return the error for a source that did not answer."""
    return unusable(AWAY, url, error.reason, error.remedy)


def read_pages(
    place: str, read_page: Callable[[int], tuple[list[Any], bool]], most: int
) -> tuple[list[Any], tuple[Finding, ...]]:
    """Return the entries of all pages, at most `most`, and the findings of a page that could not be read.

    `read_page` takes a number from 1 and returns entries and whether a page follows. What was read before a
    fault stays.
    """
    entries: list[Any] = []

    try:
        for number in range(1, most + 1):
            page, has_more = read_page(number)
            entries += page

            if not has_more:
                return entries, ()
            if not page:
                raise unusable(PAGES, place, f"page {number} is empty and is not the last one")

        raise unusable(PAGES, place, f"there are more than {most} pages")
    except FindingsError as error:
        return entries, error.findings
