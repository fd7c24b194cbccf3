"""Get what judges a repository: kustomize, kubeconform and the schemas, pinned and verified by hash."""

import sys
from pathlib import Path

from okd_gitops.errors import BusyError
from okd_gitops.system.process import run_in_view
from okd_gitops.system.tools import setup_program


def set_up_tools(cache: Path, *, quiet: bool) -> int:
    """Set up the tools and schemas in `cache`, and return the exit code: 0, 4, 6 or 7.

    What is there and verified is left alone; what is missing, changed or out of date is built anew. The
    set-up has packages of its own, by hash, in an environment in the cache.
    """
    program = setup_program()

    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "name another folder: --cache FOLDER"
        raise BusyError(f"{cache} cannot be made: {error.strerror}", remedy) from None

    # The standard library alone is used until the environment of the cache is there (-S).
    own = cache / "venv" / "bin" / "python"
    steps = (
        [sys.executable, "-I", "-S", str(program), "--cache", str(cache), "check"],
        [str(own), "-I", str(program), "--cache", str(cache), "judges"],
    )

    for step in steps:
        code = run_in_view(step, cwd=cache, quiet=quiet)

        if code:
            return code

    return 0
