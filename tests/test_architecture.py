"""The rooms depend in one direction only; this test is the rule's only statement."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "ccpor_reporting": set(),
    "ccpor_checks": {"ccpor_reporting"},
    "ccpor_agent": {"ccpor_checks", "ccpor_reporting"},
    "ccpor_server": {"ccpor_reporting"},
}
ROOM = {name: name.removeprefix("ccpor_") for name in MAY_IMPORT}
LONGEST_FILE, LONGEST_FUNCTION = 400, 50


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / ROOM[package] / package).rglob("*.py"))
    assert found, f"{package} has no modules: the walk looks in the wrong place"
    return found


def packages_imported_by(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names & (MAY_IMPORT.keys() | {"tests"})


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(package: str) -> None:
    """A server that imports a check is a design error, whatever it wanted from it."""
    wrong = {
        str(path.relative_to(ROOT)): extra
        for path in modules(package)
        if (extra := packages_imported_by(path) - MAY_IMPORT[package] - {package})
    }

    assert wrong == {}


def test_the_walk_sees_imports_inside_functions_and_type_checking(tmp_path: Path) -> None:
    """Negative control: a hidden import is the one that a reader misses."""
    hidden = tmp_path / "hidden.py"
    hidden.write_text("def f():\n    from ccpor_agent import engine\n    return engine\n")

    assert packages_imported_by(hidden) == {"ccpor_agent"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_rooms_are_small(package: str) -> None:
    """A file past 400 lines or a function past 50 is a whale; migrations are generated."""
    too_long = []
    for path in modules(package):
        if "versions" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > LONGEST_FILE:
            too_long.append(f"{path.name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > LONGEST_FUNCTION:
                    too_long.append(f"{path.name}:{node.lineno} {node.name}: {size} lines")

    assert too_long == []


def test_reporting_reads_no_clock_and_opens_no_socket() -> None:
    """Purity is what lets a stored report be judged again years later."""
    banned = {"socket", "ssl", "time", "subprocess", "requests", "urllib.request", "os"}
    wrong = []
    for path in modules("ccpor_reporting"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {node.module or ""}
            else:
                continue
            wrong += [f"{path.name}: {name}" for name in names & banned]

    assert wrong == []
