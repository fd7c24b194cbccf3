"""Build pinned Go programs into the cache, each set with a record of its hashes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aside import aside
from golang import HERE, find_go
from progress import progress

SUMS = "sha256sums"


@dataclass(frozen=True, slots=True)
class Binaries:
    """Programs that one go.mod pins.

    `name` is their folder in the cache; `programs` is program to package; `options` go to `go build`;
    `sources` are the files of those programs that are our own.
    """

    name: str
    module: Path
    programs: Mapping[str, str]
    options: tuple[str, ...] = ("-ldflags=-s -w",)
    sources: tuple[str, ...] = ()

    def verified(self, folder: Path) -> bool:
        """Whether every program is there and is the binary that was recorded, built from today's files."""
        try:
            return (folder / SUMS).read_text("utf-8") == self._sums(folder)
        except (OSError, UnicodeDecodeError):
            return False

    def build(self, cache: Path) -> None:
        """Build all programs, and put them in place together; raises SetupError."""
        go = find_go(cache)

        with aside(cache, self.name) as folder:
            for name, package in self.programs.items():
                with progress(f"building {name}"):
                    go.run(
                        "build",
                        "-trimpath",
                        *self.options,
                        "-o",
                        str(folder / name),
                        package,
                        cwd=self.module,
                    )
            (folder / SUMS).write_text(self._sums(folder), "utf-8")

    def _sums(self, folder: Path) -> str:
        """Return the record of the programs and of what they are built from, for `sha256sum -c`."""
        programs = {name: folder / name for name in self.programs}
        pins = {name: self.module / name for name in ("go.mod", "go.sum", *self.sources)}

        return "".join(f"{_hash(path)}  {name}\n" for name, path in (programs | pins).items())


JUDGES = Binaries(
    "bin",
    HERE,
    {
        "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
        "kustomize-in-turn": "./in_turn",
        "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
        "controller-gen": "sigs.k8s.io/controller-tools/cmd/controller-gen",
    },
    sources=("in_turn/main.go", "in_turn/plain_bases.go"),
)
# In a folder of their own: nothing that judges a repository depends on them. The tags leave out the C
# libraries of GnuPG and of btrfs, which opm does not use to read images and catalogs. Without optimizing, opm
# takes 5 minutes of CPU to build, not 7, and the tests are as fast.
OF_TESTS = Binaries(
    "test-bin",
    HERE / "opm",
    {"opm": "github.com/operator-framework/operator-registry/cmd/opm"},
    ("-tags=containers_image_openpgp,exclude_graphdriver_btrfs", "-gcflags=all=-N -l", "-ldflags=-s -w"),
)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
