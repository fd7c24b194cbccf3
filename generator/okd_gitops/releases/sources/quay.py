"""Quay: the tags of a mirror and the digest that each has now.

Read in quay/quay: endpoints/api/tag.py (listRepoTags, _tag_dict).
"""

from datetime import UTC, datetime
from typing import Any

from okd_gitops.releases.json_answer import FORM, array, text, unusable
from okd_gitops.releases.sources.answer import Answer, Claim, nothing, unused, version_of
from okd_gitops.releases.sources.ask import ask, read_pages
from okd_gitops.releases.version import SHA256
from okd_gitops.system.http import Http

NAME = "quay"
MAX_PAGES = 50
_YEAR_10000 = 253402300800


def releases(http: Http, repository: str, *, max_pages: int = MAX_PAGES) -> Answer:
    """Return the releases of a repository, which is named as images name it: quay.io/okd/scos-release."""
    registry, _, path = repository.partition("/")
    place = f"https://{registry}/api/v1/repository/{path}/tag/"

    def read_page(number: int) -> tuple[list[Any], bool]:
        # Without onlyActiveTags a tag that was pushed again is listed with each digest that it ever had.
        answer = ask(http, f"{place}?onlyActiveTags=true&limit=100&page={number}")
        tags = array(answer, "tags", place)

        has_more = answer.get("has_additional")
        if not isinstance(has_more, bool):
            raise unusable(FORM, place, "the answer does not say whether there is more")
        return tags, has_more

    tags, faults = read_pages(place, read_page, max_pages)
    claims: list[Claim] = []
    wrong_names: list[str] = []
    without_digest: list[str] = []

    for tag in tags:
        name, digest = text(tag, "name"), text(tag, "manifest_digest")
        version = version_of(name)

        if version is None:
            wrong_names.append(name)
        elif not SHA256.fullmatch(digest):
            without_digest.append(f"{name} has no digest")
        else:
            published = _time(tag.get("start_ts"))
            claims.append(
                Claim(version=version, source=NAME, image=f"{repository}@{digest}", published=published)
            )

    findings = [*faults, *unused(place, wrong_names, without_digest)]
    if not tags and not faults:
        findings.append(nothing(place))

    return Answer(source=NAME, releases=tuple(claims), findings=tuple(findings), complete=not faults)


def _time(seconds: object) -> datetime | None:
    """Return a time of Quay, which leaves it out where it does not know it."""
    # bool is an int in Python.
    if type(seconds) is not int or not 0 < seconds < _YEAR_10000:
        return None
    return datetime.fromtimestamp(seconds, UTC)
