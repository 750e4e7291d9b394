"""Runs one PAC file in a process of its own; nothing of this package is imported, to start fast.

In: one JSON object {pac, url, host} on stdin. Out: one, {answer} or {error}. A script that never
ends, or eats the memory, ends with this process, not with the run.
"""

from __future__ import annotations

import json
import sys

MOST_MEMORY = 512 * 2**20


def evaluate(script: str, url: str, host: str) -> dict[str, str | None]:
    """Return what FindProxyForURL says, or the class of what went wrong."""
    from dukpy import JSRuntimeError  # type: ignore[import-untyped]
    from pypac.parser import MalformedPacError, PACFile  # type: ignore[import-untyped]

    class Pac(PACFile):  # type: ignore[misc]
        """Without the trial call for an address that no browser would ever ask for."""

        is_read = False

        def find_proxy_for_url(self, url: str, host: str) -> object:
            return super().find_proxy_for_url(url, host) if self.is_read else ""

    try:
        pac = Pac(script)
        pac.is_read = True
        answer = pac.find_proxy_for_url(url, host)
    except (MalformedPacError, JSRuntimeError) as exc:
        first = str(getattr(exc, "original_exc", None) or exc).strip().splitlines() or [""]
        return {"error": first[0][:200]}
    if not isinstance(answer, str):
        return {"error": f"FindProxyForURL returned {json.dumps(answer)[:60]}, which is no text"}
    return {"answer": answer[:2000].encode("utf-8", "replace").decode("utf-8")}  # no half letters


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def _shut_in() -> None:
    """Keep from the script what no browser shows it: files, by require(), and the environment."""
    from dukpy import JSInterpreter
    from dukpy.module_loader import JSModuleLoader  # type: ignore[import-untyped]

    JSModuleLoader.load = lambda _self, _name: (None, None, None)
    JSModuleLoader.lookup = lambda _self, _name: (None, None)
    JSInterpreter._init_process = lambda _self: None


def main() -> None:
    asked = json.loads(sys.stdin.buffer.read())
    _shut_in()
    _limit_memory()
    try:
        said = evaluate(asked["pac"], asked["url"], asked["host"])
    except (MemoryError, RecursionError) as exc:
        said = {"error": type(exc).__name__}
    sys.stdout.buffer.write(json.dumps(said).encode("ascii"))


if __name__ == "__main__":
    main()
