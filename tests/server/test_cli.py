"""The collector's command line: what it makes, what it refuses, what it says."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ccpor_server import keys
from ccpor_server.cli import COMMANDS, cli

PROFILE = """schema = "ccpor-profile/1"
title = "x"
version = {version}
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "clerk"
[[target]]
id = "a"
url = "tcp://ccpor.example.org:443"
"""
PLACE = ("--court", "ca-sonoma", "--location", "santa-rosa", "--role", "clerk")
Run = Callable[..., Result]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "collector"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, state: Path) -> Run:
    monkeypatch.setenv("CCPOR_COLLECTOR_STATE_DIR", str(state))

    def call(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(cli, list(words))
        assert done.exit_code == code, (words, done.output, done.exception)
        return done

    return call


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a collector with one court, made by the commands themselves."""
    folder = tmp_path_factory.mktemp("cli") / "collector"
    environment = {"CCPOR_COLLECTOR_STATE_DIR": str(folder)}
    for words in (
        ["init", "--admin", "ada"],
        ["court", "add", "ca-sonoma", "--name", "Sonoma", "--go-live", "2027-03-01"],
    ):
        done = CliRunner(env=environment).invoke(cli, words)
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def ready(run: Run, initialised: Path, state: Path) -> Run:
    """A collector with one court."""
    shutil.copytree(initialised, state)
    return run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_init_makes_everything_private_and_says_the_password_once(run: Run, state: Path) -> None:
    done = run("init", "--admin", "ada")

    assert "sign-in name: ada\none-time password: " in done.stdout
    password = done.stdout.split("one-time password: ")[1].strip()
    assert len(password) >= 15
    assert {path.name for path in state.iterdir()} == {
        "collector.db",
        "collector-key.pem",
        "checkpoints.jsonl",
    }
    assert {mode(path) for path in state.iterdir()} == {0o600}
    assert mode(state) == 0o700
    assert password.encode() not in (state / "collector.db").read_bytes()


def test_a_second_init_changes_nothing(ready: Run, state: Path) -> None:
    """Run twice by mistake, it must not replace the key that signed every receipt."""
    key = (state / "collector-key.pem").read_bytes()

    done = ready("init", code=1)

    assert "there are people already" in done.stderr
    assert (state / "collector-key.pem").read_bytes() == key


def test_before_init_every_command_says_what_to_run(run: Run) -> None:
    for words in (("user", "list"), ("verify",), ("court", "list"), ("migrate",)):
        done = CliRunner().invoke(cli, list(words))
        assert done.exit_code == 1
        assert "ccpor-collector init" in done.stderr


def test_people_are_added_listed_and_disabled(ready: Run) -> None:
    ready("user", "add", "bob", "--role", "court-manager", "--court", "ca-sonoma")
    ready("user", "add", "eve", "--role", "aoc-reviewer")
    ready("user", "disable", "bob")

    assert ready("user", "list").stdout.splitlines() == [
        "ada\tadministrator\t-\tactive",
        "bob\tcourt-manager\tca-sonoma\tdisabled",
        "eve\taoc-reviewer\t-\tactive",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("user", "add", "bob", "--role", "court-manager"), 2, "need --court"),
        (("user", "add", "bob", "--role", "administrator", "--court", "x"), 2, "need --court"),
        (("user", "add", "ada", "--role", "administrator"), 1, "ada exists already"),
        (("user", "add", "no name", "--role", "administrator"), 2, "no sign-in name"),
        (("user", "disable", "ada"), 1, "last administrator"),
        (("user", "disable", "nobody"), 1, "ccpor-collector user list"),
        (("court", "add", "CA Sonoma", "--name", "x"), 2, "lower-case"),
        (("court", "add", "x", "--name", "x", "--scope", "moon=yes"), 2, "'moon' is no answer"),
        (("court", "show", "ca-marin"), 1, "known: ca-sonoma"),
        (("code", "create", "--court", "ca-marin", *PLACE[2:]), 1, "there is no court ca-marin"),
        (("code", "create", *PLACE, "--hours", "73"), 2, "73"),
        (("machine", "revoke", "x", "--note", "y"), 1, "there is no workstation x"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_a_mistake_is_refused_with_what_to_do(
    ready: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    done = ready(*words, code=code)

    assert said in done.stderr


def test_codes_are_printed_or_written_to_a_private_file(ready: Run, tmp_path: Path) -> None:
    """A code is shown once; a file of them is for the owner's eyes."""
    file = tmp_path / "codes.csv"

    shown = ready("code", "create", *PLACE).stdout.strip()
    silent = ready("code", "create", *PLACE, "--count", "3", "--csv", "-o", str(file))

    assert len(shown.split("-")) == 8
    assert silent.stdout == ""
    rows = file.read_text().splitlines()
    assert rows[0] == "court,location,role,code,expires"
    assert len(rows) == 4
    assert mode(file) == 0o600
    assert ready("code", "create", *PLACE, "-o", str(file), code=1).stderr.count("exists") == 1
    assert len(ready("code", "list").stdout.splitlines()) == 4


def test_a_court_file_is_imported_whole_or_not_at_all(ready: Run, tmp_path: Path) -> None:
    good = tmp_path / "good.toml"
    good.write_text(
        '[[court]]\nid = "ca-marin"\nname = "Marin"\ngo_live = 2027-04-01\n'
        'scope = { images = true }\noris = ["CA021015J"]\n[[court.location]]\nname = "main"\n'
        "machines = { clerk = 4 }\n"
    )
    bad = tmp_path / "bad.toml"
    bad.write_text(
        '[[court]]\nid = "ca-napa"\nname = "Napa"\n[[court]]\nid = "Napa"\nname = "x"\n'
        'kind = "moot"\nscope = { moon = true }\n'
    )

    ready("court", "import", str(good))
    done = ready("court", "import", str(bad), code=2)

    assert [part in done.stderr for part in ("'Napa' is no id", "'moot'", "'moon'")] == [True] * 3
    listed = ready("court", "list").stdout
    assert ("ca-marin" in listed, "ca-napa" in listed) == (True, False)
    shown = ready("court", "show", "ca-marin").stdout
    assert '"machines": 4' in shown
    assert "CA021015J" in shown


def test_a_courts_checklist_is_shown_as_text_and_as_json(ready: Run) -> None:
    """What the page shows, for a terminal and for a script."""
    text = ready("court", "checklist", "ca-sonoma").stdout
    found = json.loads(ready("court", "checklist", "ca-sonoma", "--json").stdout)

    assert found["court"] == "ca-sonoma"
    ids = [state["item"]["id"] for state in found["items"]]
    assert len(ids) == 58
    assert [one for one in ids if one not in text] == []


def test_a_profile_is_published_with_a_rising_version(ready: Run, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(PROFILE.format(version=1))
    ready("profile", "publish", *PLACE, str(file))

    again = ready("profile", "publish", *PLACE, str(file), code=1)
    file.write_text(PROFILE.format(version=2))
    ready("profile", "publish", *PLACE, str(file))

    assert "version 1 is published already; raise the version" in again.stderr
    versions = [line.split("\t")[1] for line in ready("profile", "list").stdout.splitlines()]
    assert versions == ["2", "1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PROFILE.format(version=1).replace("profile/1", "profile/9"), "schema is"),
        (
            PROFILE.format(version=1).replace("ca-sonoma", "ca-marin"),
            "location.court is 'ca-marin'",
        ),
        (PROFILE.format(version=1).replace("clerk", "judge"), "location.role is 'judge'"),
        (PROFILE.format(version='"one"'), 'version is "one"'),
        (PROFILE.format(version=0), "version is 0"),
        (PROFILE.format(version=1).split("[[target]]")[0], "target is missing"),
        ("= nonsense", "p.toml"),
    ],
)
def test_a_wrong_profile_is_not_signed(ready: Run, tmp_path: Path, text: str, said: str) -> None:
    """A signature on the wrong court's profile would reach every workstation there."""
    file = tmp_path / "p.toml"
    file.write_text(text)

    assert said in ready("profile", "publish", *PLACE, str(file), code=2).stderr
    assert ready("profile", "list").stdout == ""


def test_verify_says_whole_and_names_what_is_not(ready: Run, state: Path) -> None:
    assert ready("verify").stdout.startswith("whole: ")
    with sqlite3.connect(state / "collector.db") as db:
        db.execute("DROP TRIGGER audit_event_no_update")
        db.execute("UPDATE audit_event SET who = 'nobody' WHERE what = 'court.written'")
    db.close()

    done = ready("verify", code=1)

    gone, changed, whole = done.stdout.splitlines()
    assert gone.startswith("database audit_event_no_update (trigger): ")
    assert changed.startswith("audit_event ")
    assert changed.endswith(" (who): differs from what was logged")
    assert whole.startswith("NOT whole: ")


def test_a_backup_is_restored_and_the_loss_is_counted(
    ready: Run, state: Path, tmp_path: Path
) -> None:
    """Back to Monday: what came since is named, and the log says that it happened."""
    backup = tmp_path / "monday.db"
    ready("backup", str(backup))
    ready("user", "add", "eve", "--role", "aoc-reviewer")

    done = ready("restore", str(backup), "--yes")

    assert "2 log entries restored, 1 lost" in done.stderr
    assert len(ready("user", "list").stdout.splitlines()) == 1
    assert ready("verify").stdout.startswith("whole: 3 log entries")
    aside = sorted(path.name.split(".before")[0] for path in state.glob("*.before-restore-*"))
    assert aside == ["checkpoints.jsonl", "collector.db"]
    assert mode(backup) == 0o600


def test_a_tampered_backup_is_refused_and_nothing_is_changed(
    ready: Run, state: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "b.db"
    ready("backup", str(backup))
    raw = bytearray(backup.read_bytes())
    raw[raw.rfind(b"court.written")] ^= 1
    backup.write_bytes(raw)
    before = (state / "collector.db").read_bytes()

    done = ready("restore", str(backup), "--yes", code=1)

    assert "is not whole" in done.stderr
    assert (state / "collector.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_what_is_no_backup_is_refused(
    ready: Run, state: Path, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(content)
    before = (state / "collector.db").read_bytes()

    ready("restore", str(file), "--yes", code=1)

    assert (state / "collector.db").read_bytes() == before


def test_a_backup_never_overwrites(ready: Run, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    ready("backup", str(file))

    assert "exists" in ready("backup", str(file), code=1).stderr


def test_doctor_finds_an_open_key_file(ready: Run, state: Path) -> None:
    """A key that others can read signs receipts for others."""
    assert ready("doctor").exit_code == 0
    (state / "collector-key.pem").chmod(0o644)

    done = ready("doctor", code=1)

    wrong = [line for line in done.stdout.splitlines() if line.startswith("NO")]
    assert len(wrong) == 1
    assert "chmod 600" in wrong[0]


def test_export_writes_every_log_entry(ready: Run) -> None:
    lines = ready("export").stdout.splitlines()

    assert [line.count('"table":"audit_event"') for line in lines] == [1, 1]


def test_a_wrong_setting_is_named_with_its_form(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All faults at once: nobody wants to start a service four times."""
    monkeypatch.setenv("CCPOR_COLLECTOR_RATE_COURT", "many")
    monkeypatch.setenv("CCPOR_COLLECTOR_DATABSE_URL", "x")

    said = ready("user", "list", code=1).stderr

    assert "CCPOR_COLLECTOR_RATE_COURT is 'many'; use burst:per-second" in said
    assert "CCPOR_COLLECTOR_DATABSE_URL is not a setting" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    done = run(name, "--help")

    assert done.stdout.startswith("Usage: ")


def test_the_help_of_all_commands_needs_no_server_library() -> None:
    """Help and the hint what to install must work where the server's parts are missing."""
    program = (
        "import sys\n"
        "for name in ('sqlalchemy', 'starlette', 'uvicorn', 'alembic', 'argon2'):\n"
        "    sys.modules[name] = None\n"
        "from ccpor_server.cli import main\n"
        "main(sys.argv[1:])\n"
    )

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *words],
            env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert call("--help").returncode == 0
    missing = call("verify")
    assert missing.returncode == 2
    assert "pip install 'ccpor-check[server]'" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_every_fault_of_a_profile_is_told_before_it_is_signed(ready: Run, tmp_path: Path) -> None:
    """What no workstation would take must not wait for the first of them to say so."""
    file = tmp_path / "p.toml"
    text = PROFILE.format(version=1).replace('title = "x"', 'titel = "x"')
    file.write_text(text + 'owner = "nobody"\nretries = 3\n')

    said = ready("profile", "publish", *PLACE, str(file), code=2).stderr

    assert "titel: there is no such key; did you mean title?" in said
    assert 'target 1: owner is "nobody"' in said
    assert "target 1: retries: there is no such key" in said
    assert "ccpor-check plan --profile" in ready("profile", "publish", "--help").stdout


@pytest.mark.parametrize("words", [("doctor",), ("user", "list"), ("serve", "--port", "0")])
def test_a_key_of_another_database_is_refused(
    ready: Run, state: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Serving with it, every receipt and profile would be refused by every workstation."""
    key = state / "collector-key.pem"
    key.rename(tmp_path / "the-right-one.pem")
    keys.create(key)

    done = ready(*words, code=1)

    assert "restore the key file" in done.output
    assert len([line for line in done.stdout.splitlines() if line.startswith("NO")]) <= 1


@pytest.mark.parametrize("left", ["collector-key.pem", "checkpoints.jsonl"])
def test_init_refuses_a_folder_with_another_databases_files(
    ready: Run, state: Path, left: str
) -> None:
    """A new database over an old key and old heads would never verify."""
    for file in state.iterdir():
        if file.name != left:
            file.unlink()

    done = ready("init", code=1)

    assert str(state / left) in done.stderr
    assert {file.name for file in state.iterdir()} == {left}


def test_a_missing_folder_is_named(
    ready: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "no folder" in ready("backup", str(tmp_path / "none" / "x.db"), code=1).stderr
    monkeypatch.setenv("CCPOR_COLLECTOR_DATABASE_URL", f"sqlite:///{tmp_path}/none/x.db")
    monkeypatch.setenv("CCPOR_COLLECTOR_STATE_DIR", str(tmp_path / "fresh"))

    assert f"no folder {tmp_path}/none" in ready("init", code=1).stderr


def test_a_port_that_is_taken_is_named(ready: Run) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        done = ready("serve", "--port", str(port), code=2)

    assert f"port {port} is taken" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "x", "--time-zone", "Mars/Olympus"), "time_zone is 'Mars/Olympus'"),
        (("--name", " "), "name is ' '"),
        (("--name", "two\nlines"), "name is "),
        (("--name", "x" * 201), "use 1 to 200 letters"),
    ],
)
def test_a_court_is_written_only_when_its_pages_can_show_it(
    ready: Run, words: tuple[str, ...], said: str
) -> None:
    assert said in ready("court", "add", "ca-marin", *words, code=2).stderr
    assert "ca-marin" not in ready("court", "list").stdout


def test_an_export_is_private_and_never_overwrites(ready: Run, tmp_path: Path) -> None:
    """Everything that was received stands in it."""
    out = tmp_path / "all.jsonl"

    ready("export", "-o", str(out))

    assert mode(out) == 0o600
    assert out.read_bytes() == ready("export").stdout_bytes
    assert f"{out} exists" in ready("export", "-o", str(out), code=1).stderr


def test_a_code_for_an_undeclared_place_is_made_with_a_warning(ready: Run) -> None:
    """A slip of the pen makes a location of its own."""
    ready("location", "declare", *PLACE, "--machines", "2")

    assert ready("code", "create", *PLACE).stderr == ""
    odd = ready("code", "create", *PLACE[:2], "--location", "santa-roza", "--role", "clerk")

    assert "warning: ca-sonoma declared no clerk workstations at santa-roza" in odd.stderr
    assert len(odd.stdout.splitlines()) == 1
