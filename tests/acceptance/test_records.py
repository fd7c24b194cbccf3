"""docs/records.md shows files that the models take, and findings, files and commands that exist."""

import re
from pathlib import Path

import pytest

from conftest import ROOT
from okd_gitops.evidence import report, state
from okd_gitops.evidence.records import FETCH, RUNS, parse_records
from okd_gitops.fleet.signatures import Signatures, SigningKey
from okd_gitops.manifests.model import parse
from okd_gitops.manifests.read import read
from okd_gitops.releases import record
from okd_gitops.releases.record import ReleaseRecord
from okd_gitops.tree import Tree

TEXT = (ROOT / "docs/records.md").read_text()


def shown(name: str) -> bytes:
    """Return the block behind a mark."""
    match = re.search(rf"<!-- {re.escape(name)} -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert match, name
    return match[1].encode()


def test_the_record_in_the_document_fits_its_model_and_shows_most_fields() -> None:
    (item,) = parse_records(
        Tree({"releases/4.22.0-okd-scos.9.yaml": shown("releases/VERSION.yaml")})
    ).releases
    assert item.images[0].messages[0].seen == item.seen
    hidden = {"node", "left_out", "prerelease", "withdrawn", "url", "missing"}
    assert ReleaseRecord.model_fields.keys() - item.model_fields_set == hidden


def test_the_keys_in_the_document_fit_their_model_and_show_every_field() -> None:
    signatures = parse(Signatures, read("fleet.yaml", shown("signatures")))
    set_fields = {name for key in signatures.uses.values() for name in key.model_fields_set}
    assert SigningKey.model_fields.keys() - set_fields == {"compromised"}
    assert [use.fingerprint for use in signatures.pinned] == list(signatures.fingerprints)


@pytest.mark.parametrize("path", [record.FOLDER, report.FOLDER, state.FOLDER, RUNS])
def test_the_document_draws_every_place_of_the_branch(path: str) -> None:
    assert re.search(rf"[├└]── {re.escape(path)}", TEXT)


def test_the_document_has_the_command_that_fetches_the_branch() -> None:
    for document in ("docs/records.md", "README.md"):
        assert FETCH in Path(ROOT, document).read_text()
