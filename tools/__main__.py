"""Set up what a target of the Makefile needs; what is there and verified is left alone.

`python3 -I tools generate|check|dev|deep` sets up packages. With the environment's Python, `judges` builds
what judges a repository, and `test-tools` that and what the tests run besides. `debian` prints the packages
of Debian that the tests lack, and `release` builds a release into dist/.
"""

import signal
import sys

if sys.version_info < (3, 11):
    sys.stderr.write("error: Python 3.11 or newer is needed\n  fix: make PYTHON=python3.12, or the like\n")
    sys.exit(4)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


# `okd-gitops tools` ends this with a signal, and a closed terminal with another one.
for number in (signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, _interrupt)

try:
    from setup import main

    sys.exit(main())
except KeyboardInterrupt:
    sys.stderr.write("\ninterrupted: nothing is half set up, run it again\n")
    sys.exit(130)
