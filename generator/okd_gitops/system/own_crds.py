"""Convert CustomResourceDefinitions to schemas, by the program that builds the bundle."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from okd_gitops.errors import ToolError
from okd_gitops.system.disk import write_files
from okd_gitops.system.process import run
from okd_gitops.system.tools import setup_program

TIMEOUT = 120.0


def convert_definitions(
    definitions: Sequence[dict[str, Any]], folder: Path, cache: Path, kubernetes: str
) -> None:
    """Write schemas of definitions into a folder, with the index of a bundle for a minor of Kubernetes.

    What is no definition is left out. Raises ToolError when the program is missing or exceeds its limits.
    """
    write_files(folder, {"crds.json": json.dumps(definitions, default=str).encode()})
    environment = cache / "venv" / "bin" / "python"
    python = str(environment) if environment.is_file() else sys.executable
    command = [python, "-I", str(setup_program() / "own_crds.py"), str(folder), kubernetes]

    completed = run(command, cwd=folder, timeout=TIMEOUT)
    if completed.code:
        raise ToolError(
            f"the CustomResourceDefinitions could not be converted: {completed.err.strip()[-400:]}",
            "okd-gitops tools: it gets what converts them; report it if it happens again",
        )
