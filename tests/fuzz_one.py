"""Fuzz one reader in this process, for `fuzz`: its name is the first argument, the others are libFuzzer's."""

import sys

import atheris

# Only what is imported here is watched.
with atheris.instrument_imports(include=["okd_gitops"]):
    from inputs import HOSTILE
    from readers import tried


def main() -> None:
    """Give the reader what is hostile to all, then go on until the time is over or it crashes."""
    name = sys.argv.pop(1)
    for data in HOSTILE:
        tried(name, data)
    atheris.Setup(sys.argv, lambda data: tried(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
