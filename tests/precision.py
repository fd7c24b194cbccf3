"""How many findings on repositories of others are right: `python -I tests/precision.py FOLDER`.

FOLDER holds the unpacked repositories, each under its name in corpus_findings.yaml beside this file, where
every finding has a verdict. It says what is new, what is gone, and the share of each verdict. It also counts
the YAML files and the sources of Applications by itself, and says where the ledger has other numbers.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
LABELS = HERE / "corpus_findings.yaml"
# Name, place and object of a finding.
Key = tuple[str, str, str]


def main() -> int:
    """Print the table; 1 where a finding has no verdict, or a ledger does not add up."""
    folder = Path(sys.argv[1]).resolve()
    labels = yaml.safe_load(LABELS.read_text())
    verdicts: Counter[tuple[str, str]] = Counter()
    unjudged, amiss = 0, 0

    for name, rows in labels.items():
        known = {(row["name"], row["place"], row["object"]): row["verdict"] for row in rows}
        said = check(folder / name)
        found = dict(findings(said))
        new = found.keys() - known.keys()
        unjudged += len(new)
        verdicts.update((severity, known[key]) for key, severity in found.items() if key in known)

        gone = len(known.keys() - found.keys())
        print(f"{name}: {len(found)} findings, {len(new)} without a verdict, {gone} gone")
        for key in sorted(new):
            print(f"  no verdict: {' '.join(key)}")

        ledger = said["ledger"]
        told = {*ledger["judged"], *ledger["notJudged"]}, sum(map(is_of_application, ledger["sources"]))
        counted_here = yaml_files(folder / name), application_sources(folder / name)
        amiss += told != counted_here
        for files, sources in (counted_here, told):
            print(f"  {len(files)} YAML files, {sources} sources of Applications")

    for severity in ("error", "warning"):
        counted = {verdict: verdicts[severity, verdict] for verdict in ("true", "arguable", "false")}
        total = sum(counted.values()) or 1
        beyond = verdicts[severity, "archive"]
        shares = ", ".join(f"{count} {verdict} ({count / total:.0%})" for verdict, count in counted.items())
        print(f"{severity}s: {shares}; {beyond} not counted, about what the archive left out")

    return int(bool(unjudged or amiss))


def check(folder: Path) -> dict[str, Any]:
    """Return what a check of a repository says."""
    command = [sys.executable, "-I", str(HERE.parent / "generator"), "--quiet", "check", "-o", "json"]
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def findings(said: dict[str, Any]) -> Iterator[tuple[Key, str]]:
    """Yield each finding of a check with its severity."""
    for finding in said["findings"]:
        place = f"{finding['location']['file']}:{finding['location']['line']}"
        yield (finding["name"], place, finding["object"]), finding["severity"]


def yaml_files(folder: Path) -> set[str]:
    """Return the YAML files of a repository, counted by the file system alone."""
    return {
        str(Path(base, name).relative_to(folder))
        for base, _, names in os.walk(folder)
        for name in names
        if name.endswith((".yaml", ".yml"))
    }


def application_sources(folder: Path) -> int:
    """Return how many sources the Applications in a repository's files have, rendered or not."""
    sources = 0
    for path in yaml_files(folder):
        try:
            documents = list(yaml.safe_load_all((folder / path).read_text()))
        except yaml.YAMLError:
            continue

        for document in documents:
            is_object = isinstance(document, dict) and document.get("kind") == "Application"
            if is_object and str(document["apiVersion"]).startswith("argoproj.io/"):
                sources += len(document["spec"].get("sources") or ["source"])

    return sources


def is_of_application(source: dict[str, Any]) -> bool:
    """Whether an entry of the ledger is a source of an Application, not of Flux."""
    return str(source["owner"]).startswith("Application ")


if __name__ == "__main__":
    sys.exit(main())
