"""The kubeconfig that a provider has written, and a cluster that is asked with it by mutual TLS."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cluster_api import POOLS, Cluster, api, make_authority
from cluster_state import pools
from okd_gitops.evidence.pools import Pools, pools_of
from okd_gitops.lifecycle.guest import Guest, ask_guest
from okd_gitops.system.address import NetworkError

CONFORMANCE = "/api/v1/namespaces/okd-conformance/configmaps/conformance"
# It would ask for a password.
ENCRYPTED_KEY = b"""-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,0123456789ABCDEF0123456789ABCDEF

AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END EC PRIVATE KEY-----
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    own = tmp_path / "own"
    own.mkdir()
    make_authority(own)
    with api(tmp_path / "cluster", own, by_certificate=True) as served:
        served.answers[POOLS] = pools()
        yield served


@pytest.fixture
def guest(cluster: Cluster) -> Guest:
    files = [
        b64encode((cluster.folder / name).read_bytes()).decode() for name in ("ca.crt", "api.crt", "api.key")
    ]
    authorities, certificate, key = files
    return Guest(server=cluster.url, authorities=authorities, certificate=certificate, key=key)


def test_a_cluster_is_asked_as_its_administrator(cluster: Cluster, guest: Guest, tmp_path: Path) -> None:
    assert pools_of(ask_guest(guest, answers=tmp_path / "answers").pools) == Pools()
    # Neither the key nor an answer is kept on the disk.
    assert not list((tmp_path / "answers").glob("**/*"))


def test_the_report_of_its_suite_is_read_where_there_is_one(
    cluster: Cluster, guest: Guest, tmp_path: Path
) -> None:
    assert ask_guest(guest, answers=tmp_path / "answers").conformance is None
    cluster.answers[CONFORMANCE] = {"data": {"result": "passed"}}
    assert ask_guest(guest, answers=tmp_path / "answers").conformance == {"data": {"result": "passed"}}
    cluster.answers[CONFORMANCE] = {"data": {"failed": "x" * (1 << 20)}}
    with pytest.raises(NetworkError, match="more than 1,048,576 bytes"):
        ask_guest(guest, answers=tmp_path / "answers")


def test_another_authority_or_key_is_an_error_without_its_text(
    guest: Guest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    make_authority(other)
    authority, key = (b64encode((other / name).read_bytes()).decode() for name in ("ca.crt", "api.key"))

    for wrong in (
        replace(guest, authorities=authority),
        replace(guest, key=key),
        replace(guest, key="a2V5"),
        replace(guest, key="%"),
        replace(guest, key="é"),
        replace(guest, authorities=b64encode(b"\xff").decode()),
        replace(guest, key=b64encode(ENCRYPTED_KEY).decode()),
    ):
        with pytest.raises(NetworkError) as caught:
            ask_guest(wrong, answers=tmp_path / "answers")
        assert guest.key not in f"{caught.value} {wrong}"


def test_a_cluster_with_endless_pools_is_not_judged(cluster: Cluster, guest: Guest, tmp_path: Path) -> None:
    cluster.answers[POOLS] = {"kind": "MachineConfigPoolList", "items": [{}] * 101}
    with pytest.raises(NetworkError, match="more than 100"):
        ask_guest(guest, answers=tmp_path / "answers")

    cluster.answers[POOLS] = {"kind": "x" * (1 << 20)}
    with pytest.raises(NetworkError, match="more than 1,048,576 bytes"):
        ask_guest(guest, answers=tmp_path / "answers")


def test_without_a_certificate_nothing_is_answered(cluster: Cluster, guest: Guest, tmp_path: Path) -> None:
    """Else the first test would prove nothing."""
    from okd_gitops.evidence.ask_cluster import ask_pools
    from okd_gitops.system.http import Http

    authorities = (cluster.folder / "ca.crt").read_bytes()
    with pytest.raises(NetworkError):
        ask_pools(guest.server, Http(tmp_path / "answers", retries=0, authorities=authorities))
