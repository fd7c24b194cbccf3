"""kubectl of the person who runs this, with a context that they name."""

from collections.abc import Callable, Sequence
from pathlib import Path

from okd_gitops.errors import ToolError
from okd_gitops.system.process import Completed, run_as_person
from okd_gitops.system.search_path import program_outside

_SECONDS = 300.0


def kubectl(root: Path, context: str) -> Callable[[Sequence[str]], Completed]:
    """Return what runs a command of kubectl, or of oc without kubectl, in `root` with a context.

    Raises ToolError when neither is on PATH.
    """
    top = root.resolve()
    program = program_outside("kubectl", top) or program_outside("oc", top)

    if not program:
        raise ToolError("neither kubectl nor oc is on PATH", "install one, or run the commands elsewhere")

    def run(command: Sequence[str]) -> Completed:
        return run_as_person([program, "--context", context, *command[1:]], cwd=root, timeout=_SECONDS)

    return run
