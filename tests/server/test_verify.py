"""`verify` against tampering: every protected column, every operation on rows, each with its control.

The columns come from the schema itself: a new one fails here until it is classified and covered.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from ccpor_reporting import merkle
from ccpor_reporting.checklist.model import DeclarationKind, Party
from ccpor_server import checkpoints, keys
from ccpor_server.cli import cli
from ccpor_server.settings import Settings
from ccpor_server.store import audit, connect, declarations, machines
from ccpor_server.store.schema import APPEND_ONLY, LOGGED, log_head, metadata, protection
from ccpor_server.verify import Outcome, verify
from tests.server.decided import decide
from tests.server.rig import CONSOLE, Rig, rig_in

PROTECTIONS = {"logged", "signed", "digest", "log", "free"}
PROTECTED = [
    (table.name, column.name)
    for table in (*APPEND_ONLY, log_head)
    for column in table.columns
    if protection(column) != "free"
]


class Kept:
    """A collector's folder with nobody at work in it."""

    def __init__(self, folder: Path) -> None:
        file = folder / "collector.db"
        self.settings = Settings(state_dir=folder, database_url=f"sqlite:///{file}")
        self.url = connect.database_url(self.settings.database_url)
        self.key = keys.load(self.settings.key_file)

    def size(self) -> int:
        with closing(sqlite3.connect(database(self))) as db:
            return int(db.execute("SELECT size FROM log_head").fetchone()[0])


@pytest.fixture(scope="module")
def filled(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds at least two rows of everything protected, and verifies."""
    folder = tmp_path_factory.mktemp("filled") / "state"
    with rig_in(collector_template, folder) as rig:
        fill(rig)
    assert verified(Kept(folder)).faults == ()
    return folder


@pytest.fixture
def full(filled: Path, tmp_path: Path) -> Kept:
    shutil.copytree(filled, tmp_path / "kept")
    return Kept(tmp_path / "kept")


def fill(rig: Rig) -> None:
    for court in ("ca-sonoma", "ca-marin"):
        machine = rig.enrol(court)
        report = machine.report()
        receipt = rig.post(machine.sealed(report)).json()["receipt"]
        rig.post(machine.sealed())
        rig.publish(machine)
        rig.store.write(
            lambda tx, court=court: declarations.add(
                tx,
                court,
                "PL-01",
                DeclarationKind.WAIVED,
                Party.COURT,
                who="clerk",
                note="as told by phone",
                done_on=date(2026, 11, 20),
                until=date(2027, 1, 1),
            )
        )
        rig.store.write(
            lambda tx, gone=machine.id: machines.revoke(tx, gone, who="test", note="stolen")
        )
        decide(rig.store, court, machine.id, report.run_id)
        rig.store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE, about="it"))
    (rig.settings.state_dir / "receipt.json").write_bytes(msgspec.json.encode(receipt))


def verified(rig: Kept, *, receipts: bool = False) -> Outcome:
    files = [rig.settings.state_dir / "receipt.json"] if receipts else []
    return verify(rig.url, rig.key, rig.settings.checkpoint_file, receipts=files)


def faults(rig: Kept) -> set[tuple[str, str]]:
    """Return (table, columns) of every fault."""
    return {(fault.table, fault.columns) for fault in verified(rig).faults}


def database(rig: Kept) -> Path:
    return rig.settings.state_dir / "collector.db"


def tampered(rig: Kept, *statements: str, values: tuple[object, ...] = ()) -> int:
    """Run SQL as somebody with the file would: triggers dropped and put back, constraints off."""
    with closing(sqlite3.connect(database(rig))) as db:
        db.execute("PRAGMA ignore_check_constraints=ON")
        query = "SELECT name, sql FROM sqlite_master WHERE type='trigger'"
        triggers = dict(db.execute(query).fetchall())
        for name in triggers:
            db.execute(f"DROP TRIGGER {name}")
        changed = sum(db.execute(one, values).rowcount for one in statements)
        for statement in triggers.values():
            db.execute(statement)
        db.commit()
    return changed


def test_an_untouched_collector_is_whole(full: Kept) -> None:
    """The control of everything below."""
    outcome = verified(full, receipts=True)

    assert outcome.faults == ()
    assert outcome.entries == full.size()
    assert outcome.signatures == 6  # four reports, two profiles
    assert outcome.witnesses == len(_checkpoint_sizes(full)) + 2  # the head's own, one receipt


def test_every_column_says_how_it_is_protected() -> None:
    """A new column that nobody classified is a hole in `verify`."""
    undecided = [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if protection(column) not in PROTECTIONS
    ]

    assert undecided == []


def test_the_tables_of_records_have_no_free_column() -> None:
    """What may change has no place in a row that is written once."""
    free = [
        f"{table.name}.{column.name}"
        for table in (*APPEND_ONLY, log_head)
        for column in table.columns
        if protection(column) == "free"
    ]

    assert free == []


def flipped(value: object) -> object:
    """Return *value* with one bit of one byte changed."""
    if isinstance(value, bytes):
        middle = len(value) // 2
        return value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1 :]
    if isinstance(value, str):
        raw = value.encode()
        middle = len(raw) // 2
        return (raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]).decode()
    assert isinstance(value, int)
    return value ^ (1 << 20)


def first_key(db: sqlite3.Connection, table: str, where: str = "true") -> int:
    found = db.execute(f"SELECT min(rowid) FROM {table} WHERE {where}").fetchone()
    assert found[0] is not None, f"the fixture made no such row of {table}"
    return int(found[0])


@pytest.mark.parametrize(("table", "column"), PROTECTED, ids=str)
def test_one_flipped_bit_is_found_in(full: Kept, table: str, column: str) -> None:
    """Somebody who can write to the file changes one protected value and drops the triggers."""
    with closing(sqlite3.connect(database(full))) as db:
        key = first_key(db, table, f'"{column}" IS NOT NULL AND "{column}" <> \'\'')
        query = f'SELECT "{column}" FROM {table} WHERE rowid = ?'
        (value,) = db.execute(query, (key,)).fetchone()
    changed = tampered(
        full,
        f'UPDATE {table} SET "{column}" = ? WHERE rowid = ?',
        values=(flipped(value), key),
    )
    assert changed == 1

    found = faults(full)

    assert any(where == table and names(columns, column) for where, columns in found), found


def names(columns: str, column: str) -> bool:
    """Return whether a fault's column group covers *column*; a changed key is a row that is gone."""
    keys = {"row", "log_index"} if column in {"id", "run_id", "machine_id", "version"} else {"row"}
    return column in columns.split(", ") or columns in keys


def test_a_flipped_byte_in_the_file_itself_is_found(full: Kept) -> None:
    """SQLite's own integrity check says ok to this; ours must not."""
    raw = bytearray(database(full).read_bytes())
    at = raw.rfind(b"as told by phone")
    raw[at] ^= 1
    database(full).write_bytes(raw)
    with closing(sqlite3.connect(database(full))) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    assert faults(full) & {("declaration", "note"), ("log_entry", "body, leaf_hash")}


def test_damage_of_any_kind_is_a_fault_and_never_a_crash(full: Kept) -> None:
    """Bits flipped anywhere in the file: verify ends, in words; a hundred places."""
    dice = random.Random(20261123)
    whole = database(full).read_bytes()
    unseen = 0
    for _ in range(100):
        raw = bytearray(whole)
        for _ in range(64):
            raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        database(full).write_bytes(raw)
        lines = [str(fault) for fault in verified(full).faults]
        unseen += not lines
        assert "".join(lines).isprintable()

    assert unseen == 0


def test_one_flipped_bit_of_the_file_is_told_or_changes_nothing(
    full: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command, three hundred times: never a traceback, and "whole" only when it reads so."""
    monkeypatch.setenv("CCPOR_COLLECTOR_STATE_DIR", str(full.settings.state_dir))
    dice = random.Random(20261124)
    whole, contents = database(full).read_bytes(), dumped(full)
    wrong = []
    for _ in range(300):
        raw, at, bit = bytearray(whole), dice.randrange(len(whole)), dice.randrange(8)
        raw[at] ^= 1 << bit
        database(full).write_bytes(raw)
        done = CliRunner().invoke(cli, ["verify"])
        crashed = done.exception is not None and not isinstance(done.exception, SystemExit)
        unseen = done.exit_code == 0 and dumped(full) != contents
        if crashed or unseen or done.exit_code not in {0, 1}:
            wrong.append((at, bit, done.exit_code, repr(done.exception)))

    assert wrong == []


def dumped(rig: Kept) -> dict[str, list[Any]]:
    """Return every row of every protected table, as SQLite reads them."""
    found = {}
    with closing(sqlite3.connect(database(rig))) as db:
        db.text_factory = bytes
        for table in (*APPEND_ONLY, log_head):
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            found[table.name] = db.execute(f"SELECT {columns} FROM {table.name}").fetchall()
    return found


def test_a_schema_that_is_no_text_is_a_fault(full: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite keeps the names of its tables on a page like any other."""
    monkeypatch.setenv("CCPOR_COLLECTOR_STATE_DIR", str(full.settings.state_dir))
    raw = bytearray(database(full).read_bytes())
    for at in (raw.find(b"CREATE TABLE alembic_version"), raw.find(b"alembic_version")):
        raw[at + 14] ^= 0x80
    database(full).write_bytes(raw)

    done = CliRunner().invoke(cli, ["verify"])

    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert done.stdout.startswith("database file (pages): cannot be read")


def test_an_id_that_is_no_text_is_that_of_no_workstation(full: Kept) -> None:
    """A surrogate cannot be asked for; the report is then signed by nobody we know."""
    tampered(
        full,
        "PRAGMA foreign_keys=OFF",
        "UPDATE report SET machine_id = cast(x'ad41' AS text) WHERE rowid = 1",
    )

    assert {("report", "machine_id"), ("report", "envelope, machine_id")} <= faults(full)


def test_the_rows_of_a_changed_head_are_named(full: Kept) -> None:
    tampered(full, "UPDATE log_head SET id = 7")

    found = [fault for fault in verified(full).faults if fault.table == "log_head"]

    assert [(fault.row, fault.columns) for fault in found] == [("7", "row")]


def test_a_dropped_trigger_is_found(full: Kept) -> None:
    """Somebody who means to change records begins with it."""
    with closing(sqlite3.connect(database(full))) as db:
        db.execute("DROP TRIGGER report_no_update")
        db.commit()

    assert [str(fault).partition(":")[0] for fault in verified(full).faults] == [
        "database report_no_update (trigger)"
    ]


@pytest.mark.parametrize("table", [table.name for table in LOGGED])
def test_a_deleted_row_is_found_in(full: Kept, table: str) -> None:
    tampered(full, "PRAGMA foreign_keys=OFF")
    with closing(sqlite3.connect(database(full))) as db:
        key = first_key(db, table)
    assert tampered(full, f"DELETE FROM {table} WHERE rowid = {key}") == 1

    assert (table, "row") in faults(full)


def test_a_deleted_log_entry_is_found(full: Kept) -> None:
    assert tampered(full, "DELETE FROM log_entry WHERE log_index = 3") == 1

    assert ("log_entry", "row") in faults(full)


def test_reordered_log_entries_are_found(full: Kept) -> None:
    """Order is evidence too: what was known when."""
    tampered(
        full,
        "UPDATE log_entry SET log_index = -1 WHERE log_index = 3",
        "UPDATE log_entry SET log_index = 3 WHERE log_index = 4",
        "UPDATE log_entry SET log_index = 4 WHERE log_index = -1",
    )

    assert ("log_entry", "log_index") in faults(full)


def test_an_inserted_row_is_found(full: Kept) -> None:
    """A declaration nobody made, without a log entry."""
    assert (
        tampered(
            full,
            "INSERT INTO declaration SELECT 'new', court, item, kind, party, note, done_on, until, "
            "who, at, 9000 FROM declaration LIMIT 1",
        )
        == 1
    )

    assert faults(full) == {("declaration", "row")}


def test_an_inserted_log_entry_is_found(full: Kept) -> None:
    """An entry past the signed head, hashed correctly."""
    with closing(sqlite3.connect(database(full))) as db:
        (last,) = db.execute("SELECT max(log_index) FROM log_entry").fetchone()
    assert (
        tampered(
            full,
            f"INSERT INTO log_entry SELECT {last + 1}, kind, subject, at, body, leaf_hash "
            f"FROM log_entry WHERE log_index = {last}",
        )
        == 1
    )

    assert {("log_head", "size"), ("log_head", "root")} <= faults(full)


def cut_to(rig: Kept, size: int) -> None:
    """Cut the log and all its rows, and put the head that was true then in place."""
    rows = (rig.settings.checkpoint_file).read_bytes().splitlines()
    sealed = {checkpoints.opened(line, rig.key).size: line for line in rows}
    frontier = merkle.Frontier()
    with closing(sqlite3.connect(database(rig))) as db:
        query = "SELECT leaf_hash FROM log_entry WHERE log_index < ? ORDER BY log_index"
        for (leaf,) in db.execute(query, (size,)):
            frontier = frontier.append(leaf)
    tampered(rig, *(f"DELETE FROM {table.name} WHERE log_index >= {size}" for table in APPEND_ONLY))
    edge = msgspec.json.encode([one.hex() for one in frontier.edge]).decode()
    changed = tampered(
        rig,
        "UPDATE log_head SET size = ?, root = ?, frontier = ?, checkpoint = ?",
        values=(size, frontier.root().hex(), edge, sealed[size]),
    )
    assert changed == 1


def test_a_log_cut_to_an_earlier_signed_head_is_found_by_the_checkpoints(full: Kept) -> None:
    """The database alone is whole: only what stands outside of it shows the cut."""
    size = full.size()
    cut_to(full, size - 1)

    assert faults(full) == {("checkpoints", "size")}


def test_with_the_checkpoints_cut_too_one_receipt_shows_it(full: Kept) -> None:
    """Every workstation is a witness."""
    size = full.size()
    machine_receipt = verified(full, receipts=True)
    assert machine_receipt.faults == ()
    earlier = size - 25
    cut_sizes = _checkpoint_sizes(full)
    earlier = max(one for one in cut_sizes if one <= earlier)
    cut_to(full, earlier)
    lines = full.settings.checkpoint_file.read_bytes().splitlines(keepends=True)
    kept = [line for line, size in zip(lines, cut_sizes, strict=True) if size <= earlier]
    full.settings.checkpoint_file.write_bytes(b"".join(kept))
    assert verified(full).faults == ()  # without a witness nobody can tell

    found = verified(full, receipts=True).faults

    assert {(fault.table, fault.columns) for fault in found} == {("receipt", "size")}


def _checkpoint_sizes(rig: Kept) -> list[int]:
    lines = rig.settings.checkpoint_file.read_bytes().splitlines()
    return [checkpoints.opened(line, rig.key).size for line in lines]


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_checkpoints_that_are_gone_are_a_fault(full: Kept, how: str) -> None:
    """Whoever cuts the log begins with the file that would show it."""
    if how == "removed":
        full.settings.checkpoint_file.unlink()
    else:
        full.settings.checkpoint_file.write_bytes(b"")

    assert faults(full) == {("checkpoints", "row")}


def test_a_forged_checkpoint_is_found(full: Kept) -> None:
    """The file is not trusted either: each line is signed."""
    lines = full.settings.checkpoint_file.read_bytes()
    full.settings.checkpoint_file.write_bytes(lines.replace(b'"sig":"M', b'"sig":"N', 1))

    assert faults(full) == {("checkpoints", "signature")}


@pytest.mark.parametrize("table", [table.name for table in APPEND_ONLY])
@pytest.mark.parametrize("verb", ["UPDATE {0} SET log_index = log_index", "DELETE FROM {0}"])
def test_the_database_itself_refuses_to_change(full: Kept, table: str, verb: str) -> None:
    """Triggers stop mistakes and injections; verify is for those who drop triggers."""
    with (
        closing(sqlite3.connect(database(full))) as db,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        db.execute(verb.format(table))
