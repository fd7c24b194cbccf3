"""Set up what `make check` needs under the cache: `python tools/setup.py --cache .cache`. What is there and verified is left alone."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import binaries
import schemas
from failure import SetupError

STEPS: tuple[tuple[str, str, Callable[[Path], bool], Callable[[Path], None]], ...] = (
    ("bin", "building kustomize, kubeconform and controller-gen (once, about 2 minutes)", binaries.verified, binaries.build),
    (
        "schemas",
        "building the schemas of core Kubernetes, OpenShift, Tekton, Argo CD and Hive (once, about a minute)",
        schemas.verified,
        schemas.build,
    ),
)


def main() -> int:
    """Run each step whose result is not there, was changed, or is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    cache: Path = parser.parse_args().cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    for name, doing, verified, build in STEPS:
        if verified(cache / name):
            continue
        print(doing, flush=True)
        started = time.monotonic()
        try:
            build(cache)
        except SetupError as error:
            print(f"error: {error}\n  fix: {'look at the network' if error.exit_code == 6 else 'make clean'}, then run it again", file=sys.stderr)
            return error.exit_code
        print(f"done in {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
