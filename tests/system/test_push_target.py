"""Where a push may go: to the repository that fleet.yaml names, by an address that runs nothing, or to a
folder of this machine.
"""

from pathlib import Path

import pytest

from conftest import git
from okd_gitops.errors import UsageError
from okd_gitops.system.branches import address
from okd_gitops.system.push_target import is_folder, is_permitted, same_repository

FLEET = "https://git.example.org/ops/fleet.git"
SAME = (
    FLEET,
    "https://git.example.org/ops/fleet",
    "https://GIT.example.org:443/ops/fleet/",
    "ssh://git@git.example.org/ops/fleet.git",
    "ssh://git@git.example.org:7999/ops/fleet.git",
    "git@git.example.org:ops/fleet.git",
)
OTHER = (
    "https://git.example.org/ops/fleet2.git",
    "https://git.example.org:8443/ops/fleet.git",
    "https://git.example.org.evil.example/ops/fleet.git",
    "git@evil.example:ops/fleet.git",
)
HOSTILE = (
    "ext::sh -c touch% /tmp/x",
    "fd::17",
    "fd::17,18/x",
    "-oProxyCommand=touch /tmp/x",
    "--upload-pack=touch /tmp/x",
    "ssh://-oProxyCommand=x/y",
    "ssh://git@-oProxyCommand=x/y",
    "git@-oProxyCommand=x:y",
    "https://user:token@git.example.org/ops/fleet.git",
    "https://token@git.example.org/ops/fleet.git",
    "ssh://root@git.example.org/ops/fleet.git",
    "https://git.example.org/ops/fleet.git?token=x",
    "https://git.example.org/../fleet.git",
    "http://git.example.org/ops/fleet.git",
    "git://git.example.org/ops/fleet.git",
    "ftp://git.example.org/ops/fleet.git",
    "https://git.example.org/$HOME",
    "/tmp/$HOME/fleet.git",
    "file://git.example.org/fleet.git",
    "../fleet.git",
    "C:/fleet.git",
    "https://git.example.org/ops/fleet.git\n--x",
    "",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "clone")
    return tmp_path / "clone"


@pytest.mark.parametrize("url", SAME)
def test_forms_of_the_fleets_own_address_are_one_repository(clone: Path, url: str) -> None:
    assert same_repository(url, FLEET)
    git(clone, "remote", "add", "origin", url)
    assert address(clone, "origin", FLEET) == url
    assert address(clone, url, FLEET) == url


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_of_another_form_is_refused_and_not_repeated(clone: Path, url: str) -> None:
    assert not is_permitted(url)
    git(clone, "config", "remote.origin.url", url)
    for remote in ("origin", url):
        with pytest.raises(UsageError) as error:
            address(clone, remote, FLEET)
        assert "token" not in error.value.reason


@pytest.mark.parametrize("url", OTHER)
def test_another_repository_is_refused(clone: Path, url: str) -> None:
    assert is_permitted(url)
    with pytest.raises(UsageError, match=r"fleet\.yaml names"):
        address(clone, url, FLEET)


@pytest.mark.parametrize("key", ["insteadOf", "pushInsteadOf"])
@pytest.mark.parametrize("written", [FLEET, "/srv/fleet.git"])
@pytest.mark.parametrize("detour", ["https://evil.example/", "/srv/detour/", "ext::sh -c x "])
def test_a_rewritten_address_does_not_lead_elsewhere(
    clone: Path, key: str, written: str, detour: str
) -> None:
    prefix = written.removesuffix("fleet.git")
    git(clone, "remote", "add", "origin", written)
    git(clone, "config", f"url.{detour}.{key}", prefix)
    with pytest.raises(UsageError):
        address(clone, "origin", FLEET)
    # An address is taken as it is written: what this clone makes of it is not in use.
    assert address(clone, written, FLEET) == written


@pytest.mark.parametrize("key", ["insteadOf", "pushInsteadOf"])
def test_a_persons_own_configuration_does_not_lead_elsewhere(
    clone: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = clone.parent / "gitconfig"
    git(
        clone,
        "config",
        "--file",
        str(own),
        f"url.https://evil.example/.{key}",
        "https://git.example.org/ops/",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    with pytest.raises(UsageError, match=r"https://evil\.example/fleet\.git"):
        address(clone, FLEET, FLEET)


def test_ssh_instead_of_https_is_the_same_repository(clone: Path) -> None:
    git(clone, "remote", "add", "origin", FLEET)
    git(clone, "config", "url.git@git.example.org:.insteadOf", "https://git.example.org/")
    assert address(clone, "origin", FLEET) == "git@git.example.org:ops/fleet.git"


def test_a_second_address_of_a_remote_is_refused(clone: Path) -> None:
    git(clone, "remote", "add", "origin", FLEET)
    git(clone, "remote", "set-url", "--push", "origin", FLEET)
    git(clone, "remote", "set-url", "--push", "--add", "origin", "https://evil.example/x.git")
    with pytest.raises(UsageError, match="no single address"):
        address(clone, "origin", FLEET)


@pytest.mark.parametrize("url", ["/srv/fleet.git", "file:///srv/fleet.git"])
def test_a_folder_of_this_machine_is_for_rehearsals(clone: Path, url: str) -> None:
    assert is_folder(url)
    assert address(clone, url, FLEET) == url


def test_an_unknown_remote_is_reported(clone: Path) -> None:
    with pytest.raises(UsageError, match="there is no remote origin"):
        address(clone, "origin", FLEET)
