"""Versions, channels and digests of every era."""

import itertools

import pytest

from conftest import ROOT
from okd_gitops.releases.version import Version, channel_fault, image_fault, outside_channel

ORDERED = [
    line
    for line in (ROOT / "tests/releases/versions.txt").read_text().splitlines()
    if not line.startswith("#")
]


def test_versions_sort_as_okd_sorts_them() -> None:
    assert len(ORDERED) >= 80
    for low, high in itertools.combinations(ORDERED, 2):
        assert Version.parse(low) < Version.parse(high), (low, high)
        assert not Version.parse(high) <= Version.parse(low)


@pytest.mark.parametrize(
    "text",
    [
        "4.19.0-scos.0",
        "4.20",
        "v4.20.0-okd-scos.1",
        "4.20.0-okd-scos.01",
        "4.20.0-okd-scos.1\n",
        "latest",
        "4.20.0-okd-scos.1+x",
    ],
)
def test_other_texts_are_not_versions(text: str) -> None:
    with pytest.raises(ValueError, match="not an OKD version"):
        Version.parse(text)


@pytest.mark.parametrize(
    ("channel", "meant"),
    [
        ("4-scos-stable", "stable-scos-4"),
        ("4-scos-next", "next-scos-4"),
        ("5-scos-stable", "stable-scos-5"),
        ("4-stable", "stable-4"),
        ("4.22.0-0.okd-scos-nightly", "of the major"),
        ("stable-4-scos", "looks like"),
        ("stable", "looks like"),
    ],
)
def test_a_stream_is_not_a_channel(channel: str, meant: str) -> None:
    reason, remedy = channel_fault(channel)
    assert reason
    assert meant in remedy


@pytest.mark.parametrize(
    "channel", ["stable-scos-4", "next-scos-4", "stable-scos-5", "stable-scos-4.22", "stable-4", "fast-4.19"]
)
def test_channels(channel: str) -> None:
    assert channel_fault(channel) == ("", "")


def test_a_version_is_in_the_channel_of_its_number() -> None:
    assert not outside_channel("4.22.0-okd-scos.0", "stable-scos-4")
    assert not outside_channel("4.22.0-okd-scos.0", "stable-scos-4.22")
    assert outside_channel("4.2.0-okd-scos.0", "stable-scos-4.22")
    assert outside_channel("5.0.0-okd-scos.0", "stable-scos-4")
    assert outside_channel("4.22.0-okd-scos.0", "stable-scos-4.21")


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("quay.io/okd/scos-release:4.22.0-okd-scos.0", "tag can move"),
        ("quay.io/okd/scos-release@sha256:018b65c9bd7f", "64 hexadecimal digits, this one has 12"),
        ("quay.io/okd/scos-release@sha512:" + "0" * 128, "starts with sha256:"),
        ("Quay.io/okd@sha256:" + "0" * 64, "name of the image"),
        ("@sha256:" + "0" * 64, "name of the image"),
        ("quay.io/okd/scos-release@sha256:" + "0" * 64 + "\n", "65"),
    ],
)
def test_image_faults(image: str, reason: str) -> None:
    assert reason in image_fault(image)


def test_a_digest_is_fine() -> None:
    assert image_fault("registry.example.org:5000/okd/scos-release@sha256:" + "0a" * 32) == ""
