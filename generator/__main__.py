"""Start the tool of this checkout: `python -I generator` imports from this folder and the environment's
packages, and from nowhere else.
"""

import sys

try:
    from okd_gitops.__main__ import main
except ModuleNotFoundError as error:
    sys.stderr.write(
        f"error: the Python packages are not complete: there is no {error.name}\n  fix: make generate\n"
    )
    sys.exit(4)

main()
