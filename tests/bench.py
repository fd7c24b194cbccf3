"""make bench: generate and check on fleets of 10, 100 and 1,000 clusters, beside a shell loop of the plain
tools on the same overlays.

Everything is measured in one run on one machine, so the ratios mean something and the seconds do not. Where
the loop would take minutes it runs over a sample of the overlays and is scaled up, which is said.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from frozen import FLEET
from okd_gitops.check.kubeconform import arguments
from okd_gitops.system.disk import read_catalog

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OKD_GITOPS_CACHE", ROOT / ".cache")).resolve()
SAMPLE = 20
IMAGE = (
    "registry.ci.openshift.org/origin/release-scos@sha256:"
    "018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
)
LINES = "".join(
    f'    - {{minor: "4.{minor}", stream: stable, schedule: "30 {hour} * * *"}}\n'
    for minor, hour in ((18, 6), (20, 14), (21, 20))
)


# Runs its arguments and reports on standard error: a process can ask for the cost of its children only when
# they are all its own.
METER = """\
import resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss / 1024, code, file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: CPU and wall in seconds, peak memory of its largest process in MB."""

    cpu: float
    wall: float
    peak: float

    def __str__(self) -> str:
        return f"{self.cpu:9.2f} {self.wall:9.2f} {self.peak:7.0f}"


def measure(command: list[str], cwd: Path, **variables: str) -> Cost:
    """Run a command and return its cost with that of all its children; it must succeed."""
    # In CI nothing is kept, but here both are to be seen.
    environment = {**os.environ, "CI": "", "PYTHONPATH": str(ROOT / "generator"), **variables}
    done = subprocess.run(
        [sys.executable, "-c", METER, *command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    cpu, wall, peak, code = done.stderr.split("\n")[-2].split()
    if code != "0":
        raise SystemExit(f"{shlex.join(command)[:200]} failed: {done.stderr[-2000:]}")
    return Cost(float(cpu), float(wall), float(peak))


def fleet(root: Path, size: int) -> None:
    """Write a fleet of `size` clusters: each with an OKD release, every tenth with the pipelines."""
    (root / "clusters").mkdir(parents=True)
    (root / "fleet.yaml").write_text((FLEET / "fleet.yaml").read_text().replace("moc-hub", "c0000"))
    for number in range(size):
        features = "features:\n  tekton:\n  kvm-device-plugin:\n" + (
            f"  scos-pipeline:\n    releases:\n{LINES}" if number % 10 == 0 else ""
        )
        text = (
            f"purpose: {'hub' if number == 0 else 'test' if number % 4 else 'cd'}\n"
            f"server: https://api.c{number:04}.example.org:6443\n"
        )
        text += (
            f"clusterID: 8c5e1d37-02bb-4f6a-8e49-{number:012x}\n"
            "release:\n"
            "  channel: stable-scos-4\n"
            "  version: 4.22.0-okd-scos.0\n"
            f"  image: {IMAGE}\n"
        )
        (root / f"clusters/c{number:04}.yaml").write_text(text + features)


def loop(root: Path, overlays: list[str]) -> Cost:
    """Measure `for overlay: kustomize build | kubeconform`, with the same binaries and schemas and without
    our environment.
    """
    judge = shlex.join(
        [
            word
            for word in arguments(CACHE / "bin/kubeconform", CACHE / "schemas", "1.35", 2)
            if word not in ("-output", "json")
        ]
    )
    build = shlex.quote(str(CACHE / "bin/kustomize"))
    script = (
        f"set -e; for overlay in {' '.join(overlays)}; do {build} build overlays/$overlay | {judge} "
        ">/dev/null; done"
    )
    return measure(["bash", "-o", "pipefail", "-c", script], root)


def own_cache(root: Path) -> Path:
    """Make a cache with the tools and schemas of this checkout, in which nothing is kept yet."""
    cache = root / ".cache"
    cache.mkdir()

    for shared in ("bin", "schemas"):
        (cache / shared).symlink_to(CACHE / shared)

    return cache


def checks(tool: list[str], root: Path) -> list[tuple[str, Cost]]:
    """Measure checks: without anything kept, with everything, and after an edit of one cluster."""
    rows = [
        ("check --exact", measure([*tool, "--exact", "check"], root)),
        ("check, nothing kept yet", measure([*tool, "check"], root)),
        ("check, nothing changed", measure([*tool, "check"], root)),
    ]
    file = root / "clusters" / "c0001.yaml"
    file.write_text(file.read_text().replace("  kvm-device-plugin:\n", ""))
    measure([*tool, "generate"], root)

    return [*rows, ("check, one cluster changed", measure([*tool, "check"], root))]


def main() -> None:
    """Print one table for each size, and the time of --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,100,1000", help="sizes of the fleets, with commas")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    tool = [sys.executable, "-m", "okd_gitops", "--quiet"]
    bare = statistics.median(measure([sys.executable, "-c", "pass"], ROOT).wall for _ in range(5))
    helped = statistics.median(measure([*tool, "--help"], ROOT).wall for _ in range(5))
    print(
        f"--help {helped * 1000:.0f} ms, bare python {bare * 1000:.0f} ms (medians of 5); catalog: "
        f"{len(read_catalog())} files\n"
    )
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="okd-gitops-bench-") as folder:
            root = Path(folder)
            fleet(root, size)
            cached = [*tool, "--cache", str(own_cache(root))]
            rows = [
                ("generate, first time", measure([*cached, "generate"], root)),
                ("generate, nothing changed", measure([*cached, "generate"], root)),
            ]
            overlays = sorted(path.name for path in (root / "overlays").iterdir())
            sample = overlays if size <= 2 * SAMPLE else overlays[:: size // SAMPLE]
            plain = loop(root, sample)
            scaled = Cost(plain.cpu * size / len(sample), plain.wall * size / len(sample), plain.peak)
            rows += checks(cached, root)
            rows.append(
                (f"shell loop{'' if len(sample) == size else f' (scaled from {len(sample)})'}", scaled)
            )
            print(f"{size} clusters{'':22} CPU s    wall s peak MB   loop/this: CPU   wall")
            for name, cost in rows:
                print(f"  {name:30}{cost}   {scaled.cpu / cost.cpu:14.1f} {scaled.wall / cost.wall:6.1f}")
            print(flush=True)


if __name__ == "__main__":
    main()
