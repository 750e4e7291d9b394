"""The store on both databases: the same promises on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ccpor_reporting.checklist.model import DeclarationKind, Party
from ccpor_server import keys
from ccpor_server.checkpoints import CheckpointFile
from ccpor_server.rights import Role
from ccpor_server.store import (
    Store,
    StoreBusy,
    StoreFailed,
    audit,
    codes,
    connect,
    courts,
    declarations,
    machines,
    migrate,
    people,
    profiles,
    readiness_schema,
    reports,
)
from ccpor_server.store import schema as tables
from ccpor_server.store.courts import Court, Declared
from ccpor_server.store.machines import NewMachine
from ccpor_server.store.people import NameTaken
from ccpor_server.store.reports import Held, NewReport
from ccpor_server.verify import verify
from tests.peers.postgres import postgres
from tests.server.decided import decide
from tests.server.rig import CONSOLE, HeldClock, Workstation

KEYS = {number: Workstation("ca-sonoma", "main", "clerk") for number in (1, 2)}
DATABASES = ("sqlite", "postgresql")


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """A server with one migrated database, `template`, to copy."""
    with postgres() as url:
        _run_sql(url, "CREATE DATABASE template")
        migrate.upgrade(connect.database_url(_named(url, "template")))
        yield url


class Kept:
    """An open store with its key, clock and checkpoints."""

    def __init__(self, url: str, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.url = connect.database_url(url)
        self.clock = HeldClock()
        self.key = keys.create(folder / "key.pem")
        self.checkpoints = folder / "checkpoints.jsonl"
        self.store = self.another()

    def another(self) -> Store:
        """Return one more door to the same database, as a second process has."""
        witness = CheckpointFile(self.checkpoints, self.key)
        return Store(self.url, witness=witness, now=self.clock.now)

    def faults(self) -> tuple[str, ...]:
        return tuple(str(one) for one in verify(self.url, self.key, self.checkpoints).faults)


@pytest.fixture(params=DATABASES)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("collector_template")
        shutil.copyfile(template / "collector.db", tmp_path / "collector.db")
        url = f"sqlite:///{tmp_path / 'collector.db'}"
    else:
        url = _copied_database(request.getfixturevalue("postgres_url"), tmp_path.name)
    found = Kept(url, tmp_path / "state")
    try:
        yield found
    finally:
        found.store.close()


def _copied_database(server: str, test: str) -> str:
    name = "t_" + "".join(letter if letter.isalnum() else "_" for letter in test.lower())[:50]
    _run_sql(server, f'CREATE DATABASE "{name}" TEMPLATE template')
    return _named(server, name)


def _run_sql(server: str, statement: str) -> None:
    engine = sa.create_engine(connect.database_url(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.execute(sa.text(statement))
    engine.dispose()


def _named(server: str, database: str) -> str:
    return f"{server.rsplit('/', 1)[0]}/{database}"


def place(kept: Kept, court: str = "ca-sonoma") -> None:
    def job(tx: Any) -> None:
        courts.put(
            tx, Court(id=court, name=court, go_live=date(2027, 3, 1), scope={"images": True})
        )
        courts.put_location(tx, court, "main")

    kept.store.write(job)


def new_machine(number: int = 1, court: str = "ca-sonoma") -> NewMachine:
    return NewMachine(
        id=f"machine-{number}",
        court=court,
        location="main",
        role="clerk",
        public_key=KEYS[number].pem,
        key_id=KEYS[number].signer.key_id,
        name=f"scan-{number}",
        os="Linux",
        code_id="c",
    )


def new_report(number: int = 1, digest: str = "d", machine: int = 1) -> NewReport:
    return NewReport(
        run_id=f"01890000-0000-7000-8000-{number:012x}",
        machine_id=f"machine-{machine}",
        digest=digest,
        envelope=b"\x00\xff bytes",
        started_at="2026-11-23T12:00:00+00:00",
        verdict="ready",
        reason="ad-hoc",
        schema="ccpor-report/1",
    )


def enrolled(kept: Kept, number: int = 1) -> None:
    place(kept)
    kept.store.write(lambda tx: machines.enrol(tx, new_machine(number)))


def test_a_report_is_new_then_the_same_then_other(kept: Kept) -> None:
    """The three answers a sender can get, and exactly one row."""
    enrolled(kept)

    first = kept.store.write(lambda tx: reports.add(tx, new_report()))
    kept.clock.forward(minutes=5)
    same = kept.store.write(lambda tx: reports.add(tx, new_report()))
    other = kept.store.write(lambda tx: reports.add(tx, new_report(digest="e")))

    held = [one.value.held for one in (first, same, other)]
    assert held == [Held.NEW, Held.SAME, Held.OTHER]
    assert same.value.log_index == first.value.log_index
    assert same.value.received_at == first.value.received_at
    with kept.store.reading() as db:
        found = reports.by_run_id(db, new_report().run_id)
        assert found is not None
        assert (found.envelope, found.court, found.machine_name) == (
            b"\x00\xff bytes",
            "ca-sonoma",
            "scan-1",
        )
        assert len(reports.of_machine(db, "machine-1")) == 1


def test_the_log_grows_by_one_leaf_for_each_record(kept: Kept) -> None:
    enrolled(kept)
    before = kept.store.head()

    done = kept.store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))

    assert done.head.size == before.size + 1
    assert done.head == kept.store.head()
    assert kept.faults() == ()


def test_many_threads_store_one_report_once(kept: Kept) -> None:
    """64 senders of the same bytes: one 201, the others 200 with the same place in the log."""
    enrolled(kept)
    answers: list[Any] = []
    start = threading.Barrier(64)

    def send() -> None:
        start.wait()
        answers.append(kept.store.write(lambda tx: reports.add(tx, new_report())).value)

    threads = [threading.Thread(target=send) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.held.value for one in answers) == ["new"] + ["same"] * 63
    assert len({one.log_index for one in answers}) == 1


def test_two_processes_write_one_log(kept: Kept) -> None:
    """The server and a command on the console, or two replicas: one order, no gap."""
    enrolled(kept)
    second = kept.another()

    def write(store: Store) -> None:
        for _ in range(20):
            store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))

    threads = [threading.Thread(target=write, args=(one,)) for one in (kept.store, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    second.close()

    with kept.store.reading() as db:
        indices = list(db.execute(sa.select(tables.log_entry.c.log_index)).scalars())
    assert sorted(indices) == list(range(len(indices)))
    assert len(indices) == 41
    assert kept.faults() == ()


def test_a_commit_that_fails_is_told_and_the_next_one_works(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk under the checkpoints: nobody hears "stored", and the writer lives on."""
    witness = kept.store._writer._witness
    real = witness.keep

    def full(_sealed: bytes) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(witness, "keep", full)
    with pytest.raises(StoreFailed):
        kept.store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))
    monkeypatch.setattr(witness, "keep", real)

    kept.store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))

    assert kept.faults() == ()


def test_a_fault_of_our_own_does_not_end_the_writer(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread writes: were it to die, every report would wait for ever."""
    witness = kept.store._writer._witness
    monkeypatch.setattr(witness, "seal", lambda _head, _at: 1 / 0)
    with pytest.raises(StoreFailed):
        kept.store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))
    monkeypatch.undo()

    kept.store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))

    assert kept.store.head().size == 1
    assert kept.faults() == ()


def test_whoever_went_away_before_the_turn_writes_nothing(kept: Kept) -> None:
    """A cancelled request must neither be stored nor end the writer."""
    hold = threading.Event()
    first = kept.store._writer.submit(lambda _tx: hold.wait(20))
    gone = kept.store._writer.submit(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))
    assert gone.cancel()
    hold.set()
    first.result()

    assert kept.store.write(lambda _tx: "alive").value == "alive"
    assert kept.store.head().size == 0


def test_a_full_queue_says_so_at_once(kept: Kept) -> None:
    """Waiting without bound would end in timeouts everywhere."""
    hold = threading.Event()
    first = kept.store._writer.submit(lambda _tx: hold.wait(20))

    with pytest.raises(StoreBusy):
        for _ in range(2000):
            kept.store._writer.submit(lambda _tx: None)

    hold.set()
    first.result()


def test_records_refuse_update_and_delete(kept: Kept) -> None:
    """Not even the program itself may rewrite evidence."""
    enrolled(kept)
    kept.store.write(lambda tx: reports.add(tx, new_report()))
    kept.store.write(lambda tx: machines.revoke(tx, "machine-1", who="w", note="n"))
    kept.store.write(lambda tx: audit.record(tx, "looked", "ok", CONSOLE))
    kept.store.write(
        lambda tx: declarations.add(
            tx, "ca-sonoma", "PL-01", DeclarationKind.MET, Party.COURT, who="w"
        )
    )
    kept.store.write(
        lambda tx: profiles.publish(tx, "a/b/c", 1, digest="d", envelope=b"e", who="w")
    )
    decide(kept.store, "ca-sonoma", "machine-1", new_report().run_id)
    engine = connect.writing_engine(kept.url)
    try:
        for table in tables.APPEND_ONLY:
            for verb in ("UPDATE {} SET log_index = log_index", "DELETE FROM {}"):
                with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as db:
                    db.execute(sa.text(verb.format(table.name)))
    finally:
        engine.dispose()


def test_a_reader_cannot_write(kept: Kept) -> None:
    """Pages get a connection that is unable to change anything."""
    with pytest.raises(sa.exc.DBAPIError), kept.store.reading() as db:
        db.execute(tables.court.insert().values(id="x"))


def test_courts_locations_and_inventory_come_back_as_written(kept: Kept) -> None:
    place(kept)
    value = Declared(court="ca-sonoma", location="annex", role="judge", machines=3)

    kept.store.write(lambda tx: courts.declare(tx, value))
    again = Declared(court="ca-sonoma", location="annex", role="judge", machines=4)
    kept.store.write(lambda tx: courts.declare(tx, again))

    with kept.store.reading() as db:
        court = courts.by_id(db, "ca-sonoma")
        assert court is not None
        assert (court.go_live, court.scope) == (date(2027, 3, 1), {"images": True})
        assert courts.locations(db, "ca-sonoma") == ("annex", "main")
        assert courts.inventory(db, "ca-sonoma") == (again,)


def test_the_newest_reports_of_each_machine_are_found(kept: Kept) -> None:
    """The board and the checklist start from these."""
    place(kept)
    for machine in (1, 2):
        kept.store.write(lambda tx, m=machine: machines.enrol(tx, new_machine(m)))
    for number in range(6):
        report = new_report(number, machine=1 + number % 2)
        kept.store.write(lambda tx, r=report: reports.add(tx, r))

    with kept.store.reading() as db:
        names = [one.id for one in machines.every(db)]
        one, two, earlier = (
            [[found.run_id[-1] for found in reports.newest_of(db, name, **how)] for name in names]
            for how in ({}, {"each": 2}, {"until": datetime(2000, 1, 1, tzinfo=UTC)})
        )
        none = reports.newest_of(db, "nobody")

    assert (one, two) == ([["4"], ["5"]], [["4", "2"], ["5", "3"]])
    assert (earlier, none) == ([[], []], ())


def test_a_declaration_is_corrected_by_a_new_one(kept: Kept) -> None:
    place(kept)
    for kind in (DeclarationKind.MET, DeclarationKind.NOT_MET):
        kept.store.write(
            lambda tx, k=kind: declarations.add(
                tx, "ca-sonoma", "PL-01", k, Party.COURT, who="w", done_on=date(2026, 11, 1)
            )
        )

    with kept.store.reading() as db:
        found = declarations.of_court(db, "ca-sonoma")

    assert [one.declaration.kind.value for one in found] == ["met", "not-met"]
    assert found[0].declaration.done_on == date(2026, 11, 1)


def test_a_profile_version_only_rises(kept: Kept) -> None:
    def publish(version: int) -> None:
        kept.store.write(
            lambda tx: profiles.publish(tx, "a/b/c", version, digest="d", envelope=b"e", who="w")
        )

    publish(2)
    for version in (1, 2):
        with pytest.raises(profiles.ProfileHeld):
            publish(version)
    publish(3)

    with kept.store.reading() as db:
        newest = profiles.newest(db, "a/b/c")
    assert newest is not None
    assert newest.version == 3


def test_a_code_is_counted_down_and_expires(kept: Kept) -> None:
    place(kept)
    code = codes.fresh()
    kept.store.write(
        lambda tx: codes.add(
            tx,
            code,
            court="ca-sonoma",
            location="main",
            role="clerk",
            uses=2,
            expires_at=tx.now + timedelta(hours=1),
            who="w",
        )
    )

    uses = [kept.store.write(lambda tx: codes.use(tx, code)).value for _ in range(3)]

    assert [one is not None for one in uses] == [True, True, False]


def test_a_sign_in_name_is_given_once(kept: Kept) -> None:
    kept.store.write(lambda tx: people.add(tx, "ada", Role.ADMINISTRATOR, None, "h"))

    with pytest.raises(NameTaken):
        kept.store.write(lambda tx: people.add(tx, "ada", Role.REVIEWER, None, "h"))


def test_migrations_lead_to_the_schema_of_the_program(kept: Kept) -> None:
    """The migrations and the tables in code must say the same."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    engine = connect.reading_engine(kept.url)
    with engine.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True})
        differences = compare_metadata(context, tables.metadata)
    engine.dispose()

    assert differences == []


def test_a_database_with_rows_is_migrated_and_still_verifies(kept: Kept) -> None:
    """From the first schema, full, to the newest: nothing changes that was signed or logged."""
    enrolled(kept)
    kept.store.write(lambda tx: reports.add(tx, new_report()))
    before = kept.faults()
    engine = connect.writing_engine(kept.url)
    with engine.begin() as db:  # back to what the first version made
        for table in reversed(readiness_schema.metadata.sorted_tables):
            if table.name in vars(readiness_schema):
                db.execute(sa.text(f"DROP TABLE {table.name}"))
        db.execute(sa.text("DROP INDEX uq_person_subject"))
        for column in ("person.email", "person.subject", "person.totp", "person.totp_step"):
            db.execute(sa.text("ALTER TABLE {} DROP COLUMN {}".format(*column.split("."))))
        db.execute(sa.text("ALTER TABLE session DROP COLUMN method"))
        db.execute(sa.text("DROP INDEX ix_report_machine_received"))
        db.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    with pytest.raises(migrate.SchemaUnknown, match="run ccpor-collector migrate"):
        migrate.require_newest(kept.url)

    assert migrate.upgrade(kept.url) == ("0001", migrate.newest())

    migrate.require_newest(kept.url)
    assert kept.faults() == before


def test_a_database_of_a_newer_program_is_refused(kept: Kept) -> None:
    """An older program must not guess."""
    engine = connect.writing_engine(kept.url)
    with engine.begin() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(migrate.SchemaUnknown, match="install the newer"):
        migrate.upgrade(kept.url)


def test_an_empty_database_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(migrate.SchemaUnknown, match="ccpor-collector init"):
        migrate.require_newest(connect.database_url(f"sqlite:///{tmp_path / 'none.db'}"))


@pytest.mark.parametrize(
    ("version", "mode"),
    [((3, 40, 1), "delete"), ((3, 51, 2), "delete"), ((3, 51, 3), "wal"), ((3, 53, 0), "wal")],
)
def test_wal_is_used_only_where_it_is_sound(version: tuple[int, int, int], mode: str) -> None:
    """SQLite before 3.51.3 can corrupt a WAL database."""
    assert connect.journal_mode(version) == mode


def test_sqlite_writes_are_full_and_constraints_are_on(tmp_path: Path) -> None:
    """Acknowledged means on the disk."""
    engine = connect.writing_engine(connect.database_url(f"sqlite:///{tmp_path / 'x.db'}"))
    with engine.connect() as db:
        pragmas = [
            db.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("synchronous", "foreign_keys", "journal_mode")
        ]
    engine.dispose()

    assert pragmas == [2, 1, connect.journal_mode()]


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://"])
def test_a_database_we_cannot_serve_is_refused_with_words(url: str) -> None:
    with pytest.raises(connect.DatabaseUnusable):
        connect.database_url(url)
