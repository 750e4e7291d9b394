"""Enrol, run, upload, show: each command of the agent inside Wine, the collector outside."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.wine.lane import lane
from tests.wine.office import Office

pytestmark = [
    pytest.mark.wine,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # The demo's web server leaves closing its TLS sockets to the interpreter.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket"),
]

RUNS = 3  # that the demo makes
SEALED = b"\x01\x00\x00\x00Wine Crypt32 ok"  # Wine's own form of what CryptProtectData returns
STATE = r"C:\users\Jürgen Peña 日本\ccpor-check"  # a person's folder, as Windows makes it
PROFILE = """schema = "ccpor-profile/1"
title = "Peña – 日本 ✓"
version = 1
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "scan-station"
[[target]]
id = "front"
title = "Señor Müller’s PC – 日本"
url = "https://127.0.0.1:{port}/healthz"
[target.tls]
server_name = "localhost"
ca_file = '{ca_file}'
"""
CODE_PAGES = ("cp437", "cp932", "")  # "": the system's own, 1252 here
DEEP = "\\".join(["a folder of forty letters and some spaces"] * 7)  # beyond MAX_PATH


@dataclass
class Seen:
    """What each command gave: exit code and bytes, by its words and its code page."""

    met: int
    state: Path
    by: dict[tuple[str, str], tuple[int, bytes]]

    def text(self, words: str, page: str = "") -> str:
        return self.by[words, page][1].decode(page or "cp1252")


COMMANDS = {
    "run --no-upload": {0, 1, 3},  # Wine is whatever Windows its prefix says
    "list": {0},
    "plan": {0},
    r"plan --profile STATE\odd.toml": {0},
    r"run --no-upload --profile STATE\odd.toml": {0},
    r"run --no-upload --profile STATE\slashes.toml": {0},
    r"run --no-upload --profile STATE\DEEP\deep.toml": {0},
    "explain tls.validity/expired": {0},
    "show last": {0},
    "show last --json": {0},
    "show last --format junit": {0},
    "show last --format html": {0},
    "show last --upload": {0},
    "compare last last": {0},
    r"judge last --profile STATE\DEEP\deep.toml": {0},
    "upload --now": {0},
    "spool --json": {0},
    r"verify STATE\spool": {0},
    "doctor": {0},
    "completion bash": {0},
}
SOME = (r"plan --profile STATE\odd.toml", "doctor", "show last", "show last --json")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A machine enrolled, its report acknowledged, then every command once, some in other pages."""
    with lane() as folder:
        home = folder / "prefix/drive_c/users/Jürgen Peña 日本"
        shutil.rmtree(home, ignore_errors=True)
        outside = tmp_path_factory.mktemp("office") / "demo"
        env = {"CCPOR_STATE_DIR": STATE, "LC_ALL": "C.UTF-8"}
        try:
            with Office(outside, folder, env) as office:
                met, state = office.whole_way(), home / "ccpor-check"
                _odd_profiles(office, state)
                asked = [(words, "") for words in COMMANDS]
                asked += [(words, page) for words in SOME for page in CODE_PAGES if page]
                ran = office.agents([_command(words, page) for words, page in asked])
                yield Seen(met, state, dict(zip(asked, ran, strict=True)))
        finally:
            shutil.rmtree(home, ignore_errors=True)


def _odd_profiles(office: Office, state: Path) -> None:
    """Beside the profile a folder with the authority; named with either slash, and deep down."""
    port, authority = int(office.address.rpartition(":")[2]), (office.folder / "tls/ca.pem")
    (state / "zertifikate ü").mkdir()
    (state / "zertifikate ü/ca.pem").write_bytes(authority.read_bytes())
    for name, ca_file in (("odd", r".\zertifikate ü\ca.pem"), ("slashes", "zertifikate ü/ca.pem")):
        (state / f"{name}.toml").write_text(PROFILE.format(port=port, ca_file=ca_file), "utf-8")
    deep = state.joinpath(*DEEP.split("\\"))
    deep.mkdir(parents=True)
    (deep / "ca.pem").write_bytes(authority.read_bytes())
    (deep / "deep.toml").write_text(PROFILE.format(port=port, ca_file="ca.pem"), "utf-8")


def _command(words: str, page: str) -> tuple[list[str], dict[str, str]]:
    parts = [part.replace("STATE", STATE).replace("DEEP", DEEP) for part in words.split()]
    return parts, {"PYTHONIOENCODING": page} if page else {}


def test_the_checklist_is_filled_from_a_windows_machine(seen: Seen) -> None:
    """The whole way: what the Windows Python saw and signed is what the AOC's board shows."""
    assert seen.met > 0


def test_each_command_ends_as_it_should(seen: Seen) -> None:
    """Under a person's name that no code page holds, with either slash, in a path beyond 260."""
    ended = {words: seen.by[words, ""] for words in COMMANDS}

    assert {w: end for w, end in ended.items() if end[0] not in COMMANDS[w] or not end[1]} == {}


def test_the_spool_is_cleared_by_a_receipt_that_verifies(seen: Seen) -> None:
    """Only a valid receipt clears it; offline anybody with the folder can say the same."""
    spool = json.loads(seen.text("spool --json"))

    assert (len(spool["waiting"]), len(spool["acknowledged"])) == (0, RUNS)
    assert "receipt fits" in seen.text(r"verify STATE\spool")


def test_the_machines_key_rests_under_dpapi(seen: Seen) -> None:
    """Whoever copies the file has no key: `run` signed with what CryptUnprotectData gave."""
    (key,) = (seen.state / "keys").glob("*.key")

    assert key.read_bytes().startswith(SEALED)
    assert b"PRIVATE" not in key.read_bytes()


@pytest.mark.parametrize("page", CODE_PAGES)
def test_no_code_page_ends_a_command(seen: Seen, page: str) -> None:
    """A pipe has the system's code page; what it lacks becomes an ASCII likeness, not a bug."""
    assert {words: seen.by[words, page][0] for words in SOME} == dict.fromkeys(SOME, 0)
    assert "bug" not in seen.text("doctor", page)
    assert "+ good" in seen.text("doctor", page)
    assert "READY" in seen.text("show last", page)
    assert seen.by["show last", page][1].isascii()


@pytest.mark.parametrize("page", CODE_PAGES)
def test_programs_get_utf_8_on_every_code_page(seen: Seen, page: str) -> None:
    """JSON in the code page of the console is JSON that nobody can read back."""
    report = json.loads(seen.by["show last --json", page][1].decode("utf-8"))

    assert report["targets"][0]["title"] == "Señor Müller’s PC – 日本"
    ElementTree.fromstring(seen.by["show last --format junit", ""][1])
    assert "日本" in seen.by["show last --format html", ""][1].decode("utf-8")
