"""Run several commands of the agent in one Windows session: starting Wine costs 2.5 s each time.

usage: python -m tests.wine.several COMMANDS.json RESULTS.json
COMMANDS: [[words, environment], …]; RESULTS: [[exit code, stdout and stderr as Latin-1], …]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def main(commands: Path, results: Path) -> None:
    done = []
    for words, env in json.loads(commands.read_text(encoding="utf-8")):
        ran = subprocess.run(
            [sys.executable, "-m", "ccpor_agent", *words],
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        done.append((ran.returncode, ran.stdout.decode("latin-1")))
    results.write_text(json.dumps(done), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
