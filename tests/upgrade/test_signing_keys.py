"""What fleet.yaml says of each key decides which long-term clusters may take what it signed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from okd_gitops.finding import FindingsError
from release_controller import REPOSITORY, image
from release_fleet import NEW, NEWER, OLD, Fleet, offered_new

pytestmark = pytest.mark.clock


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with offered_new(tmp_path) as fleet:
        yield fleet


def use(fleet: Fleet, text: str, fingerprint: str = "") -> None:
    """Write what the key is for below `signatures:`."""
    fingerprint = fingerprint or fleet.controller.fingerprint
    lines = (
        (fleet.root / "fleet.yaml")
        .read_text()
        .replace("  minimumAge:", f"    uses:\n      {fingerprint}: {{{text}}}\n  minimumAge:")
    )
    fleet.write("fleet.yaml", lines)


def day(days: int) -> str:
    return f"{datetime.now(UTC).date() + timedelta(days=days)}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "evidence-missing"),
        (f"repositories: [{REPOSITORY}], streams: [4-scos-stable], purposes: [cd]", "evidence-missing"),
        (f"retired: {day(1)}", "evidence-missing"),
        (f"repositories: [{REPOSITORY}s]", "signature-not-verified"),
        ("streams: [4-scos-next]", "key-for-other-clusters"),
        ("purposes: [test]", "key-for-other-clusters"),
        (f"retired: {day(-1)}", "signature-not-verified"),
        ("compromised: it was on a stolen disk", "signature-not-verified"),
    ],
)
def test_c07_a_key_counts_for_what_it_is_for(fleet: Fleet, text: str, code: str) -> None:
    use(fleet, text)
    codes = fleet.codes()
    assert codes["prod"] == code
    assert codes["canary"] == "upgrade"


@pytest.mark.parametrize(("version", "code"), [(NEW, "evidence-missing"), (NEWER, "signature-not-verified")])
def test_c08_a_signature_names_the_version(fleet: Fleet, version: str, code: str) -> None:
    """The graph gives NEW the image that was signed under the name of a version."""
    fleet.controller.sign(image(NEW), reference=f"{REPOSITORY}:{version}")
    assert fleet.codes()["prod"] == code


def test_c08_one_image_under_two_versions_is_good_for_the_one_that_was_signed(fleet: Fleet) -> None:
    fleet.controller.sign(image(NEW), reference=f"{REPOSITORY}:{NEW}")
    fleet.controller.images[NEWER] = image(NEW)
    fleet.controller.publish(NEWER, before=(OLD,), signed=False)
    assert fleet.codes(target=NEW)["prod"] == "evidence-missing"
    assert fleet.codes(target=NEWER)["prod"] == "signature-not-verified"


@pytest.mark.parametrize(
    ("text", "fingerprint"),
    [
        ("purposes: [cd]", "0" * 40),
        ("purposes: [cd]", "abc"),
        ("retired: tomorrow", ""),
        ("retired: 2026-02-30", ""),
        ("repositories: ['https://quay.io/okd']", ""),
        ("for: [cd]", ""),
    ],
)
def test_what_is_wrong_about_a_key_is_refused_with_its_place(
    fleet: Fleet, text: str, fingerprint: str
) -> None:
    use(fleet, text, fingerprint)
    with pytest.raises(FindingsError) as error:
        fleet.codes()
    (finding,) = error.value.findings
    assert finding.location.file == "fleet.yaml"
    assert finding.location.line
