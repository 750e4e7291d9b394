"""The recipe in CONTRIBUTING.md is followed word for word: written, installed, run, as it stands there."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agent import program

FOLDER = "ccpor-check-printer"
MOST_LINES = 40


@dataclass(frozen=True)
class Recipe:
    """What the page shows, in its order."""

    pyproject: str
    module: str
    target: str
    commands: list[str]


@pytest.fixture(scope="module")
def recipe(root: Path) -> Recipe:
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## Add a check in ten minutes\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    pyproject, target = (text for kind, text in blocks if kind == "toml")
    (module,) = (text for kind, text in blocks if kind == "python")
    shell = "".join(text for kind, text in blocks if kind == "sh")
    return Recipe(pyproject, module, target, shell.splitlines())


@pytest.fixture(scope="module")
def installed(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the package as the page shows it, build and install it offline; return where it is."""
    work = tmp_path_factory.mktemp("recipe")
    folder = work / "examples" / FOLDER
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(recipe.pyproject, encoding="utf-8")
    (folder / "ccpor_check_printer.py").write_text(recipe.module, encoding="utf-8")
    pip, *arguments = recipe.commands[0].split()
    assert pip == "pip"
    done = subprocess.run(
        [sys.executable, "-m", pip, *arguments, "--no-index", "--target", str(work / "site")],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return work / "site"


@pytest.fixture
def with_printer(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "ROOMS", os.pathsep.join((program.ROOMS, str(installed))))


@contextmanager
def printer(says: Callable[[socket.socket], None]) -> Iterator[int]:
    """Give the port of a printer that speaks PJL; *says* answers each question after it came."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                asked = b""
                while b"@PJL INFO STATUS\r\n" not in asked:
                    some = connection.recv(256)
                    if not some:
                        return
                    asked += some
                says(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


def status(code: int) -> Callable[[socket.socket], None]:
    text = f'@PJL INFO STATUS\r\nCODE={code}\r\nDISPLAY="x"\r\nONLINE=TRUE\r\n\f'
    return lambda connection: connection.sendall(text.encode())


def ran(recipe: Recipe, folder: Path, port: int) -> tuple[int, dict[str, Any]]:
    """Follow steps 3 and 4 against *port*; return exit code and report."""
    target = recipe.target.replace("tcp://10.20.0.9:9100", f"tcp://127.0.0.1:{port}")
    body = target.replace("[[target]]\n", "")
    program.write_profile(folder / "court.toml", [body])
    (command,) = (each for each in recipe.commands if each.startswith("ccpor-check run "))
    words = [str(folder / w) if w == "court.toml" else w for w in command.split()[1:]]
    done = program.ccpor(*words, "--json")
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def test_the_page_shows_the_sample_package_word_for_word(recipe: Recipe, root: Path) -> None:
    """Whoever copies from the folder and whoever copies from the page get the same."""
    folder = root / "examples" / FOLDER
    files = {
        path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()
    }

    assert files == {
        "pyproject.toml": recipe.pyproject,
        "ccpor_check_printer.py": recipe.module,
    }


def test_it_takes_no_more_than_forty_lines(recipe: Recipe) -> None:
    """The module alone as it stands; with its pyproject.toml, blank lines not counted."""
    both = [*recipe.module.splitlines(), *recipe.pyproject.splitlines()]

    assert len(recipe.module.splitlines()) <= MOST_LINES
    assert len([line for line in both if line.strip()]) <= MOST_LINES
    assert max(map(len, both)) <= 100


@pytest.mark.usefixtures("with_printer")
@pytest.mark.parametrize(
    ("says", "code", "finding"),
    [
        (status(10001), 0, ("pass", None)),
        (status(40022), 1, ("fail", "needs-help")),
        (lambda connection: None, 1, ("fail", "silent")),
        (lambda connection: connection.sendall(b"CODE=unknown\r\n"), 1, ("fail", "silent")),
    ],
    ids=["ready", "needs help", "hangs up", "speaks otherwise"],
)
def test_the_installed_check_runs_where_a_profile_names_it(
    recipe: Recipe,
    tmp_path: Path,
    says: Callable[[socket.socket], None],
    code: int,
    finding: tuple[str, str | None],
) -> None:
    """Its findings, causes and verdict are like ours; the report says whose check it was."""
    with printer(says) as port:
        left, told = ran(recipe, tmp_path, port)

    found = {each["code"]: (each["status"], each["reason"]) for each in told["findings"]}
    assert found == {"tcp.reach": ("pass", None), "printer.ready": finding}
    assert left == code
    assert [each["fault"] for each in told["causes"]] == (
        [f"printer.ready/{finding[1]}"] if finding[1] else []
    )
    assert told["agent"]["installed"] == {"printer": f"{FOLDER} 1.0"}
    if finding[1] == "needs-help":
        (cause,) = told["causes"]
        assert cause["owner"] == "court-it"
        assert "look at the printer: paper, lid, toner" in cause["fix"]


@pytest.mark.usefixtures("with_printer")
def test_list_plan_and_explain_know_it_and_say_whose_it_is(recipe: Recipe, tmp_path: Path) -> None:
    """A person who meets its code must find out where it comes from."""
    with printer(status(10001)) as port:
        ran(recipe, tmp_path, port)
        shown = program.ccpor("show", "last").stdout
        page = program.ccpor("show", "last", "--format", "html").stdout
    listed = program.ccpor(*recipe.commands[1].split()[1:]).stdout
    planned = program.ccpor("plan", "--profile", tmp_path / "court.toml").stdout
    explained = program.ccpor(*recipe.commands[-1].split()[1:])

    whose = f"the installed package {FOLDER} 1.0"
    assert f"printer: Network printer\n  from the installed package {FOLDER}\n" in listed
    assert "printer.ready  silent needs-help" in listed
    assert whose in " ".join(planned.split())
    assert f"printer ({FOLDER} 1.0)" in " ".join(shown.split())
    assert f"printer ({FOLDER} 1.0)" in page
    assert explained.returncode == 0
    assert whose in explained.stdout
    assert "printer.ready: silent, needs-help" in explained.stdout
    assert program.ccpor("explain", "printer").returncode == 0
    assert program.ccpor("explain", "printer.ready/silent").returncode == 0
    wrong = program.ccpor("explain", "printer.ready/on-fire")
    assert (wrong.returncode, "printer.ready/silent" in wrong.stderr) == (2, True)


@pytest.mark.usefixtures("with_printer")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id="printer"', 'id="fax"', 'is not a Check whose id is "printer"'),
        ('"printer.ready"', '"fax.ready"', 'the code fax.ready must start with "printer."'),
        ("from contextlib", "from contextilb", "does not load (ModuleNotFoundError"),
        ("_when: Setting", "_when: Seting", "does not load (NameError"),
    ],
)
def test_a_slip_of_its_author_is_named(
    installed: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    """What they changed, and not a traceback of ours."""
    broken = tmp_path / "broken"
    shutil.copytree(installed, broken)
    module = broken / "ccpor_check_printer.py"
    text = module.read_text(encoding="utf-8")
    assert old in text
    module.write_text(text.replace(old, new), encoding="utf-8")
    program.ROOMS = program.ROOMS.replace(str(installed), str(broken))
    asks = 'id = "p"\nurl = "tcp://127.0.0.1:9100"\nchecks = ["printer"]'
    done = program.ccpor("run", "--profile", program.write_profile(tmp_path / "p.toml", [asks]))

    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert said in program.ccpor("list").stdout
