"""How many findings on repositories of others are right: `python -I tests/precision.py FOLDER`.

FOLDER holds the unpacked repositories, each under its name in corpus_findings.yaml beside this file, where
every finding has a verdict. It says what is new, what is gone, and the share of each verdict.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
LABELS = HERE / "corpus_findings.yaml"
# Name, place and object of a finding.
Key = tuple[str, str, str]


def main() -> int:
    """Print the table; 1 where a finding has no verdict."""
    folder = Path(sys.argv[1]).resolve()
    labels = yaml.safe_load(LABELS.read_text())
    verdicts: Counter[tuple[str, str]] = Counter()
    unjudged = 0

    for name, rows in labels.items():
        known = {(row["name"], row["place"], row["object"]): row["verdict"] for row in rows}
        found = dict(findings(folder / name))
        new = found.keys() - known.keys()
        unjudged += len(new)
        verdicts.update((severity, known[key]) for key, severity in found.items() if key in known)

        gone = len(known.keys() - found.keys())
        print(f"{name}: {len(found)} findings, {len(new)} without a verdict, {gone} gone")
        for key in sorted(new):
            print(f"  no verdict: {' '.join(key)}")

    for severity in ("error", "warning"):
        counted = {verdict: verdicts[severity, verdict] for verdict in ("true", "arguable", "false")}
        total = sum(counted.values()) or 1
        beyond = verdicts[severity, "archive"]
        shares = ", ".join(f"{count} {verdict} ({count / total:.0%})" for verdict, count in counted.items())
        print(f"{severity}s: {shares}; {beyond} not counted, about what the archive left out")

    return int(bool(unjudged))


def findings(folder: Path) -> Iterator[tuple[Key, str]]:
    """Yield each finding of a check of a repository with its severity."""
    command = [sys.executable, "-I", str(HERE.parent / "generator"), "--quiet", "check", "-o", "json"]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)

    for finding in json.loads(done.stdout)["findings"]:
        place = f"{finding['location']['file']}:{finding['location']['line']}"
        yield (finding["name"], place, finding["object"]), finding["severity"]


if __name__ == "__main__":
    sys.exit(main())
