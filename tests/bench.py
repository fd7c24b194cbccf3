"""make bench: generate and check on fleets of 10, 100 and 1,000 clusters, beside a shell loop of the plain
tools on the same overlays.

Everything is measured in one run on one machine, so the ratios mean something and the seconds do not. Where
the loop would take minutes it runs over a sample of the overlays and is scaled up, which is said.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from frozen import FLEET
from okd_gitops.check.kubeconform import arguments
from okd_gitops.system import file_status
from okd_gitops.system.disk import read_catalog

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("OKD_GITOPS_CACHE", ROOT / ".cache")).resolve()
TOOL = [sys.executable, "-m", "okd_gitops", "--quiet"]
# What the program needs at least, whatever it does.
IMPORT = "import click, yaml, pydantic"
SAMPLE = 20
IDENTITY = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
# From this size on, each command is measured once.
LARGE = 301
IMAGE = (
    "registry.ci.openshift.org/origin/release-scos@sha256:"
    "018b65c9bd7fb045c7557e46665dacfa979ebe31d112c82b7c551ffe04e7f70f"
)
PLUGIN = "ghcr.io/squat/generic-device-plugin@sha256"
SCHEDULES = {"4.18": 6, "4.20": 14, "4.21": 20, "4.19": 0}
# The object of a base that every overlay uses, and a change of it by the fleet's own catalog.
BASE = "kvm-device-plugin/upstream/daemonset-generic-device-plugin.yaml"
CHANGE = """\
changes:
- replace: {feature: kvm-device-plugin, object: DaemonSet/generic-device-plugin, with: objects/daemonset.yaml}
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fleet: the documents of most of its overlays, which clusters have pipelines, and of what."""

    documents: int
    every: int
    minors: int
    features: str = ""


KINDS = (Kind(19, 10, 3), Kind(63, 1, 4, "  notify:\n  upgrade-reader:\n"))


# Runs its arguments and reports on standard error: a process can ask for the cost of its children only when
# they are all its own.
METER = """\
import resource, subprocess, sys, time
start = time.monotonic()
code = subprocess.run(sys.argv[1:]).returncode
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


def measure(command: Sequence[str], cwd: Path, out: Path | None = None, *, ci: str = "") -> Cost:
    """Run a command and return its cost with that of all its children; it must succeed.

    What it prints goes to the file `out`. With `ci`, it runs as a forge runs it.
    """
    # In CI nothing is kept, but here both are to be seen. Bytecode is written, as where it is installed.
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "generator")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    with (out or Path(os.devnull)).open("wb") as printed:
        done = subprocess.run(
            [sys.executable, "-c", METER, *command],
            cwd=cwd,
            env=environment,
            stdout=printed,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )

    cpu, wall, peak, code = done.stderr.split("\n")[-2].split()
    if code != "0":
        raise SystemExit(f"{shlex.join(command)[:200]} failed: {done.stderr[-2000:]}")
    return Cost(float(cpu), float(wall), float(peak))


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each of the figures."""
    return Cost(*(statistics.median(figures) for figures in zip(*map(_figures, costs), strict=True)))


def _figures(cost: Cost) -> tuple[float, float, float]:
    return cost.cpu, cost.wall, cost.peak


def fleet(root: Path, size: int, kind: Kind) -> None:
    """Write a fleet of `size` clusters: each with an OKD release, some of them with the pipelines."""
    (root / "clusters").mkdir(parents=True)
    (root / "fleet.yaml").write_text((FLEET / "fleet.yaml").read_text().replace("moc-hub", "c0000"))

    for number in range(size):
        text = (
            f"purpose: {'hub' if number == 0 else 'test' if number % 4 else 'cd'}\n"
            f"server: https://api.c{number:04}.example.org:6443\n"
            f"clusterID: 8c5e1d37-02bb-4f6a-8e49-{number:012x}\n"
            "release:\n"
            "  channel: stable-scos-4\n"
            "  version: 4.22.0-okd-scos.0\n"
            f"  image: {IMAGE}\n"
            "features:\n"
            f"  tekton:\n{kind.features}"
        )
        pipelines = _pipelines(kind.minors) if number % kind.every == 0 else ""
        (root / f"clusters/c{number:04}.yaml").write_text(f"{text}{pipelines}  kvm-device-plugin:\n")


def _pipelines(count: int) -> str:
    entries = [
        f'    - {{minor: "{minor}", stream: stable, schedule: "30 {hour} * * *"}}\n'
        for minor, hour in list(SCHEDULES.items())[:count]
    ]
    return f"  scos-pipeline:\n    releases:\n{''.join(entries)}"


def loop(root: Path, overlays: Sequence[str]) -> Cost:
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


def builds(root: Path, overlays: Sequence[str]) -> Cost:
    """Measure kustomize alone on overlays, with the collector as okd-gitops sets it."""
    build = shlex.quote(str(CACHE / "bin/kustomize"))
    script = f"for overlay in {' '.join(overlays)}; do {build} build overlays/$overlay >/dev/null; done"
    return measure(["env", "GOGC=400", "GOMAXPROCS=1", "bash", "-ec", script], root)


def own_cache(root: Path) -> Path:
    """Make a cache with the tools and schemas of this checkout, in which nothing is kept yet."""
    cache = root / ".cache"
    cache.mkdir()

    for shared in ("bin", "schemas"):
        (cache / shared).symlink_to(CACHE / shared)

    return cache


@dataclass(slots=True)
class Bench:
    """The measurements of one fleet: each row has a name, a cost, and what it is compared with."""

    root: Path
    size: int
    turns: int
    cache: Path
    rows: list[tuple[str, Cost]] = field(default_factory=list)
    edits: int = 0

    @property
    def tool(self) -> list[str]:
        """The command line without a command."""
        return [*TOOL, "--cache", str(self.cache)]

    def row(self, name: str, command: Callable[[], Cost], before: Callable[[], None] | None = None) -> Cost:
        """Measure a command in several turns, each after `before`."""
        costs = []

        for _ in range(self.turns):
            if before:
                before()
            costs.append(command())

        self.rows.append((name, median(costs)))
        return self.rows[-1][1]

    def run(self, *words: str, out: Path | None = None, ci: str = "") -> Cost:
        """Run okd-gitops once."""
        return measure([*self.tool, *words], self.root, out, ci=ci)

    def forget(self) -> None:
        """Delete everything that is kept."""
        shutil.rmtree(self.cache / "kept", ignore_errors=True)

    def edit(self) -> None:
        """Give one cluster another image."""
        self.edits += 1
        file = self.root / "clusters/c0001.yaml"
        text = file.read_text().partition("  kvm-device-plugin:")[0]
        image = f"{PLUGIN}:{sha256(bytes([self.edits])).hexdigest()}"
        file.write_text(f"{text}  kvm-device-plugin:\n    image: {image}\n")

    def change_base(self) -> None:
        """Change a base that all overlays use, by a catalog of the fleet's own, and generate."""
        self.edits += 1
        catalog = self.root / "catalog"
        for folder in ("changes", "objects"):
            (catalog / folder).mkdir(parents=True, exist_ok=True)

        text = read_catalog()[f"features/{BASE}"].decode()
        replaced = text.replace("metadata:\n", f'metadata:\n  labels: {{turn: "{self.edits}"}}\n', 1)
        (catalog / "objects/daemonset.yaml").write_text(replaced)
        (catalog / "changes/bench.yaml").write_text(CHANGE)
        self.run("generate")

    def commit(self) -> None:
        """Make a repository of the fleet, with one commit of all that is generated."""
        (self.root / ".gitignore").write_text(".cache\n.okd-gitops\nreport.json\n")
        for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=bench"]):
            subprocess.run(["git", *IDENTITY, *words], cwd=self.root, check=True)

    def propose(self) -> None:
        """Edit one cluster and generate, as for a pull request."""
        self.edit()
        self.run("generate")

    def same_change(self) -> str:
        """Tell whether the change since the commit has the same findings with and without what is kept."""
        out = self.root / "report.json"
        reports = []
        for ci in ("", "true"):
            self.run("check", "--base", "HEAD", "--output", "json", out=out, ci=ci)
            reports.append(_without_seconds(json.loads(out.read_text())))

        return "equal" if reports[0] == reports[1] else "DIFFERENT"

    def both(self) -> Cost:
        """Generate and then check."""
        generated, checked = self.run("generate"), self.run("check")
        peak = max(generated.peak, checked.peak)
        return Cost(generated.cpu + checked.cpu, generated.wall + checked.wall, peak)

    def equal(self, overlays: Sequence[str]) -> str:
        """Tell whether kept results give the findings and the bytes that the tools give."""
        out = self.root / "report.json"
        reports = []

        for option in ([], ["--exact"]):
            self.run(*option, "check", "--output", "json", out=out)
            reports.append(_without_seconds(json.loads(out.read_text())))

        kept = {path.read_bytes()[64:] for path in (self.cache / "kept/rendered").iterdir()}
        build = [str(CACHE / "bin/kustomize"), "build"]
        built = [
            subprocess.run(
                [*build, f"overlays/{name}"], cwd=self.root, capture_output=True, check=True
            ).stdout
            for name in overlays
        ]
        is_same = (reports[0] == reports[1], all(output in kept for output in built))
        findings, rendered = ("equal" if same else "DIFFERENT" for same in is_same)
        return (
            f"findings with and without what is kept: {findings}; bytes of {len(built)} overlays: {rendered}"
        )


def bench(root: Path, size: int, turns: int, kind: Kind) -> None:
    """Measure one fleet and print its table."""
    fleet(root, size, kind)
    it = Bench(root, size, turns, own_cache(root))
    imported = it.row(f'python -c "{IMPORT}"', lambda: measure([sys.executable, "-c", IMPORT], root))
    it.rows.append(("generate, first time", it.run("generate")))
    # What was written in the last seconds is read again, not looked up.
    time.sleep(file_status._SETTLED)
    it.run("generate")
    idle = it.row("generate, nothing changed", lambda: it.run("generate"))

    overlays = sorted(path.name for path in (root / "overlays").iterdir())
    # Neighbors: a step would meet those with pipelines, each tenth, too often.
    sample = overlays if size <= 2 * SAMPLE else overlays[size // 2 :][:SAMPLE]
    scale = size / len(sample)
    plain, built = _scaled(loop(root, sample), scale), _scaled(builds(root, sample), scale)
    scaled = "" if scale == 1 else f" (scaled from {len(sample)})"
    it.rows.append((f"shell loop{scaled}", plain))
    it.rows.append((f"kustomize alone{scaled}", built))

    it.row("check --exact", lambda: it.run("--exact", "check"))
    cold = it.row("check, nothing kept yet", lambda: it.run("check"), it.forget)
    cached = it.row("check, nothing changed", lambda: it.run("check"))
    one = it.row("one kustomize", lambda: builds(root, ["c0001"]))
    edited = it.row("one cluster edited: both", it.both, it.edit)
    it.commit()
    # The contents of a commit are read once.
    it.run("diff")
    compared = it.row("diff of one edited cluster", lambda: it.run("diff"), it.propose)
    judge = ("check", "--base", "HEAD")
    judged = it.row("check --base of one edited cluster", lambda: it.run(*judge), it.propose)
    in_ci = it.row("check --base of it in CI", lambda: it.run(*judge, ci="true"), it.propose)
    same_change = it.same_change()
    base = it.row("one base changed: check", lambda: it.run("check"), it.change_base)

    print(f"{size} clusters of the {kind.documents}-document fleet, {turns} turns")
    print(f"  {'':36}    CPU s    wall s peak MB   loop/this: CPU   wall")
    for name, cost in it.rows:
        print(f"  {name:36}{cost}   {plain.cpu / cost.cpu:14.1f} {plain.wall / cost.wall:6.1f}")

    ours = [cost.peak for name, cost in it.rows if name.startswith(("check", "generate", "one "))]
    figures = {
        "loop / cold check": plain.cpu / cold.cpu,
        "loop / check of nothing new": plain.cpu / cached.cpu,
        "(one cluster edited - one kustomize) / import": (edited.cpu - one.cpu) / imported.cpu,
        "one base changed / cold": base.cpu / cold.cpu,
        "diff of one edited cluster / cold": compared.cpu / cold.cpu,
        "check --base of one edited cluster / cold": judged.cpu / cold.cpu,
        "check --base of it in CI / cold": in_ci.cpu / cold.cpu,
        "generate of nothing new / import": idle.cpu / imported.cpu,
        "kustomize alone / cold check": built.cpu / cold.cpu,
        "largest process, MB": max(ours),
    }
    for name, figure in figures.items():
        print(f"  {name:46} {figure:8.1f}")
    print(f"  findings of check --base with and without what is kept: {same_change}")
    print(f"  {it.equal(sample)}\n", flush=True)


def _without_seconds(report: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in report.items() if key != "seconds"}


def _scaled(cost: Cost, factor: float) -> Cost:
    return Cost(cost.cpu * factor, cost.wall * factor, cost.peak)


def main() -> None:
    """Print one table for each kind and size of fleet, and the time of --help."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10,100,1000", help="sizes of the fleets, with commas")
    parser.add_argument(
        "--documents", default="19,63", help="kinds of fleets, by the documents of an overlay"
    )
    parser.add_argument(
        "--turns", type=int, default=0, help="how often; default: 5, once from 301 clusters on"
    )
    options = parser.parse_args()

    helped, clicked = (
        median([measure(command, ROOT) for _ in range(5)])
        for command in ([*TOOL, "--help"], [sys.executable, "-c", "import click"])
    )
    ratio = helped.cpu / clicked.cpu
    print(f"--help / import click: {ratio:.1f} ({helped.cpu:.3f} / {clicked.cpu:.3f} CPU s)\n")

    for kind in KINDS:
        for size in map(int, options.sizes.split(",")):
            if str(kind.documents) in options.documents.split(","):
                turns = options.turns or (1 if size >= LARGE else 5)

                with tempfile.TemporaryDirectory(prefix="okd-gitops-bench-") as folder:
                    bench(Path(folder), size, turns, kind)


if __name__ == "__main__":
    main()
