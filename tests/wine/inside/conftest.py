"""These run in a Windows Python under Wine; `tests/wine/test_windows_side.py` starts them there."""

from __future__ import annotations

import sys

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]
