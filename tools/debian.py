"""Programs that tests run as pipelines do and that nobody builds here: packages of Debian have them."""

from collections.abc import Iterable, Mapping

from failure import SetupError
from started import program

# The name of a program, and of the package that it comes in.
PACKAGES: Mapping[str, str] = {
    "bash": "bash",
    "sh": "dash",
    "buildah": "buildah",
    "curl": "curl",
    "docker-registry": "docker-registry",
    "git": "git",
    "go": "golang-go",
    "gpg": "gnupg",
    "jq": "jq",
    "openssl": "openssl",
    "skopeo": "skopeo",
    "strace": "strace",
}


def missing() -> dict[str, str]:
    """Return the programs that PATH lacks, each with its package."""
    return {name: package for name, package in PACKAGES.items() if program(name) is None}


def check() -> None:
    """Raise SetupError with the line that installs whatever PATH lacks."""
    packages = missing()
    if packages:
        raise SetupError(
            f"not on PATH: {', '.join(packages)}; the tests run them as the pipelines do",
            install_line(packages.values()),
        )


def install_line(packages: Iterable[str]) -> str:
    """Return the command that installs packages."""
    return f"apt-get install --yes --no-install-recommends {' '.join(sorted(set(packages)))}"
