"""A collector on the Linux side, and the agent's commands run by the Windows Python against it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from tests.demo.steps import Demo
from tests.wine.lane import windows_python


class Office(Demo):
    """The demo's whole way with one difference: every ``ccpor-check`` runs inside.

    folder: the Linux side's; lane: of the Wine prefix; env: what the agent gets beside its own.
    """

    def __init__(self, folder: Path, lane: Path, env: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._lane, self._env = lane, env

    def __enter__(self) -> Office:
        super().__enter__()
        seen_inside = PureWindowsPath(f"Z:{self._issued.ca_file}")
        self._issued = replace(self._issued, ca_file=seen_inside)  # type: ignore[arg-type]
        return self

    def agents(
        self, commands: Sequence[tuple[Sequence[str], Mapping[str, str]]]
    ) -> list[tuple[int, bytes]]:
        """Run each ``ccpor-check`` with its environment; return exit codes and outputs."""
        wanted, results = self.folder / "wanted.json", self.folder / "results.json"
        wanted.write_text(json.dumps(list(commands)), encoding="utf-8")
        results.unlink(missing_ok=True)
        _, said = windows_python(
            self._lane, ["-m", "tests.wine.several", f"Z:{wanted}", f"Z:{results}"], self._env
        )
        assert results.exists(), said
        return [(code, out.encode("latin-1")) for code, out in json.loads(results.read_text())]

    def _agent(self, *words: str, ends: tuple[int, ...] = (0,)) -> str:
        code, said = windows_python(self._lane, ["-m", "ccpor_agent", *words], self._env)
        assert code in ends, f"ccpor-check {' '.join(words)} ended with {code}:\n{said}"
        return said
