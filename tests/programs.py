"""Programs that the tests run. A test that lacks one fails: a skip would look like a pass."""

import shutil
from pathlib import Path

import pytest

from binaries import OF_TESTS
from conftest import CACHE
from debian import PACKAGES, install_line


def program(name: str) -> str:
    """Return the path of a program of Debian, or fail the test and say what to install."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(
            f"{name} is not on PATH, so this is not tested: {install_line([PACKAGES[name]])}", pytrace=False
        )
    return found


def built(name: str) -> Path:
    """Return the path of a program that `make test-tools` builds, or fail the test and say so."""
    folder = CACHE / OF_TESTS.name
    if not OF_TESTS.verified(folder):
        pytest.fail(
            f"{name} is not built, or is out of date, so this is not tested: make test-tools", pytrace=False
        )
    return folder / name
