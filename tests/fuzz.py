"""Fuzz the readers with atheris (libFuzzer): guided by what each input reaches in the code, from good and
hostile inputs and the corpus.

A crash is an exception that a reader must not raise, a signal, more than 5 seconds or 1 GiB for one input.
Each is kept in a folder that is printed; once mended, the input belongs in tests/hostile/, where `make test`
reads it for ever.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from inputs import corpus, good

SECONDS, MEMORY, LONGEST = 5, 1024, 16 << 10
_DONE = re.compile(r"^#([0-9]+)\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """What fuzzing of one reader came to: inputs tried, CPU seconds, and where the crashing input is
    (empty: none), with what was said.
    """

    name: str
    inputs: int
    seconds: float
    crash: str = ""
    said: str = ""


def run(minutes: float, names: list[str], workers: int = 2) -> bool:
    """Fuzz each reader for its share of so many CPU minutes, and print what was found; returns whether
    nothing was.
    """
    crashes = Path(tempfile.mkdtemp(prefix="fuzz-"))
    print(
        f"fuzzing: {len(names)} readers, {minutes:g} CPU minutes, inputs that crash go to {crashes}",
        flush=True,
    )
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(lambda name: _fuzz(name, minutes * 60 / len(names), crashes), names))
    bad = [each for each in found if each.crash]
    total = sum(each.seconds for each in found)
    print(
        (
            f"fuzzing: {sum(each.inputs for each in found):,} inputs in {total / 60:.1f} CPU minutes, "
            f"{len(bad)} readers crashed"
        ),
        flush=True,
    )
    return not bad


def _fuzz(name: str, budget: float, crashes: Path) -> Found:
    """Run one reader in a process of its own, again until its CPU time is used up: libFuzzer counts time
    by the clock.
    """
    inputs, used = 0, 0.0
    with tempfile.TemporaryDirectory(prefix="corpus-") as seeds:
        for number, data in enumerate((*good(name), *corpus(name))):
            Path(seeds, str(number)).write_bytes(data)
        prefix = f"{crashes}/{name.replace(' ', '-')}-"
        options = [
            f"-timeout={SECONDS}",
            f"-rss_limit_mb={MEMORY}",
            f"-max_len={LONGEST}",
            f"-artifact_prefix={prefix}",
        ]
        options += [f"-dict={Path(__file__).parent / 'fuzz.dict'}", "-print_final_stats=1"]
        while used < budget:
            log = crashes / f"{name.replace(' ', '-')}.log"
            before = time.monotonic()
            with log.open("wb") as output:
                command = [
                    sys.executable,
                    "-I",
                    str(Path(__file__).parent),
                    "fuzz_one",
                    name,
                    seeds,
                    *options,
                    f"-max_total_time={max(2, int(budget - used))}",
                ]
                process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ)
                _, status, spent = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            used += max(spent.ru_utime + spent.ru_stime, 0.1 * (time.monotonic() - before))
            text = log.read_text("utf-8", "replace")
            inputs += max(map(int, _DONE.findall(text)), default=0)
            if process.returncode:
                kept = re.findall(r"Test unit written to (\S+)", text)
                said = "\n".join(text.splitlines()[-25:])
                print(
                    (
                        f"FAILED {name}: {(kept or [str(log)])[-1]}\n"
                        f"{said}\n"
                        f"  again: make test-deep ARGS='--only \"{name}\"'"
                    ),
                    flush=True,
                )
                return Found(name, inputs, used, (kept or [str(log)])[-1], said)
    print(f"  {name:16} {inputs:10,} inputs, {used:4.0f} s", flush=True)
    return Found(name, inputs, used)
