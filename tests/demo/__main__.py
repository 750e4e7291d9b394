"""Run the demo: ``python -m tests.demo [--check-only] [--keep]``, or ``--serve`` for a collector.

Everything it writes is below ``.demo/`` of this checkout and everything it starts ends with it.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.demo.steps import Demo, StepFailed

ROOT = Path(__file__).parent.parent.parent
WANTED_ITEMS = 15


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--check-only", action="store_true", help="stop everything, exit 0 or 1")
    parser.add_argument("--serve", action="store_true", help="only a collector, on port 8443")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = ROOT / ".demo" / ("serve" if arguments.serve else "run")
    shutil.rmtree(folder, ignore_errors=True)
    begun = time.monotonic()
    with Demo(folder) as demo:
        try:
            if arguments.serve:
                demo.collector(port=8443)
                demo.wait_for_ctrl_c()
                return 0
            met = demo.whole_way()
        except StepFailed as exc:
            print(f"\nthe demo stopped: {exc}", file=sys.stderr)
            return 1
        print(f"\n{met} technical items met after {time.monotonic() - begun:.0f} s")
        if arguments.check_only:
            return 0 if met >= WANTED_ITEMS else 1
        demo.wait_for_ctrl_c()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running", file=sys.stderr)
        sys.exit(0)
