"""The peer: Prometheus' blackbox_exporter, asked for one TCP probe a target."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.peers import free_port, listens, program, started

MODULES = {
    "modules": {
        "tcp": {"prober": "tcp", "timeout": "3s", "tcp": {"preferred_ip_protocol": "ip4"}},
    }
}


@contextmanager
def blackbox(folder: Path) -> Iterator[str]:
    """Run the exporter until the block ends; give its address."""
    config = folder / "blackbox.yml"
    config.write_text(json.dumps(MODULES))  # JSON is YAML
    port = free_port()
    command = [
        program("prometheus-blackbox-exporter"),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with started(command, log=folder / "blackbox.log", ready=lambda: listens(port)):
        yield f"http://127.0.0.1:{port}"


def probe_all(address: str, targets: Sequence[str]) -> float:
    """Ask for every target at once; return the seconds until the last answer."""

    def ask(target: str) -> bool:
        url = f"{address}/probe?module=tcp&target={target}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return b"\nprobe_success 0" in answer.read()

    begun = time.perf_counter()
    with ThreadPoolExecutor(max_workers=len(targets)) as pool:
        failed = sum(pool.map(ask, targets))
    took = time.perf_counter() - begun
    assert failed == len(targets), f"the peer called {len(targets) - failed} dead targets alive"
    return took
