"""Run a program of the tests with this checkout's modules and no others on the path: `python -I tests
golden`.
"""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

sys.path[1:1] = [str(ROOT / "generator"), str(ROOT / "tools")]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
