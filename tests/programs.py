"""Programs that the tests run and the project does not install. A test that lacks one fails: a skip would
look like a pass.
"""

import shutil

import pytest

# As Debian names what they come in.
PACKAGES = {
    "bash": "bash",
    "sh": "dash",
    "buildah": "buildah",
    "curl": "curl",
    "docker-registry": "docker-registry",
    "go": "golang-go",
    "gpg": "gnupg",
    "jq": "jq",
    "openssl": "openssl",
    "skopeo": "skopeo",
    "strace": "strace",
}


def program(name: str) -> str:
    """Return the path of a program, or fail the test and say what to install."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is not on PATH, so this is not tested: apt-get install {PACKAGES[name]}", pytrace=False
        )
    return found
