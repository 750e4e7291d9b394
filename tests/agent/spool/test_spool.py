"""The spool keeps what it was given, notices what rotted, and lets go of little, counted."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from ccpor_agent.spool import Caps, Item, ItemRotten, NotSaved, Place, Spool
from ccpor_agent.spool import item as items

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def save(
    spool: Spool,
    *,
    profile: str = "p",
    full: bool = True,
    size: int = 200,
    at: datetime = NOW,
) -> Item:
    run_id = str(uuid.uuid4())
    envelope = (run_id * (size // len(run_id) + 1))[:size].encode()
    return spool.save(envelope, run_id=run_id, profile=profile, full=full, now=at)


def ids(found: list[Item]) -> list[str]:
    return [item.run_id for item in found]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def test_what_was_saved_waits_in_order(spool: Spool) -> None:
    """By sequence, not by clock: a court's clock may jump back."""
    saved = [save(spool, at=NOW - timedelta(days=number)) for number in range(5)]

    assert spool.waiting() == saved
    assert [item.sequence for item in saved] == [1, 2, 3, 4, 5]


def test_a_run_is_saved_once(spool: Spool) -> None:
    """Whoever calls twice gets the first item, wherever it lies by now."""
    item = save(spool)
    spool.acknowledge(item, b"receipt", 3)

    again = spool.save(b"other", run_id=item.run_id, profile="p", full=True, now=NOW)

    assert again.digest == item.digest
    assert spool.waiting() == []


@pytest.mark.parametrize(
    "run_id", ["", "../../etc/passwd", "x" * 36, str(uuid.UUID(int=0xABC)).upper()]
)
def test_a_run_id_that_is_no_uuid_names_no_file(run_id: str, spool: Spool) -> None:
    """It becomes part of a file name."""
    with pytest.raises(ValueError, match="is not a run id"):
        spool.save(b"x", run_id=run_id, profile="p", full=True, now=NOW)


def test_files_are_private(spool: Spool) -> None:
    """A report tells what is weak at a court."""
    save(spool)

    assert {path.stat().st_mode & 0o077 for path in [spool.folder, *spool.folder.iterdir()]} == {0}


def test_every_flipped_byte_is_noticed(quick_folder: Path) -> None:
    """One byte at a time over a file of 4 KiB: rotten, never a crash, never accepted."""
    spool = Spool(quick_folder)
    item = save(spool, size=4096 - 400)
    path = spool.folder / item.file_name
    whole = path.read_bytes()
    assert 4000 < len(whole) < 4300

    unnoticed = []
    for at in range(len(whole)):
        body = bytearray(whole)
        body[at] ^= 1 << (at % 8)
        path.write_bytes(body)
        try:
            items.read(path)
        except ItemRotten:
            continue
        unnoticed.append(at)

    path.write_bytes(whole)
    assert unnoticed == []
    assert items.read(path) == item  # negative control


@pytest.mark.parametrize("damage", [b"", b"{}", b"\x00" * 500], ids=["empty", "other", "zeros"])
def test_a_rotten_item_is_put_aside_and_the_others_go_on(damage: bytes, spool: Spool) -> None:
    """Never deleted: somebody may still read in it what happened."""
    first, second, third = (save(spool) for _ in range(3))
    (spool.folder / second.file_name).write_bytes(damage)

    assert spool.waiting() == [first, third]
    assert spool.quarantined() == [second.file_name]
    kept = spool.folder / Place.QUARANTINE / second.file_name
    assert kept.read_bytes() == damage


def test_a_second_rotten_file_of_one_name_keeps_both(spool: Spool) -> None:
    """Evidence never replaces evidence."""
    item = save(spool)
    for damage in (b"one", b"two"):
        (spool.folder / item.file_name).write_bytes(damage)
        spool.waiting()

    assert spool.quarantined() == [item.file_name, f"{item.file_name}.1"]


def test_an_item_under_another_name_is_rotten(spool: Spool) -> None:
    """A copied file must not be sent as another run."""
    item = save(spool)
    other = f"{9:010d}-{uuid.uuid4()}.json"
    (spool.folder / item.file_name).rename(spool.folder / other)

    assert spool.waiting() == []
    assert spool.quarantined() == [other]


def test_an_acknowledged_item_lies_beside_its_receipt(spool: Spool) -> None:
    """The workstation can prove later what the collector promised."""
    item = save(spool)

    spool.acknowledge(item, b"signed receipt", 42)

    (done,) = spool.read(Place.ACKNOWLEDGED)
    assert (done.receipt, done.log_index, done.envelope) == ("signed receipt", 42, item.envelope)
    assert spool.waiting() == []


def test_a_move_cut_short_is_finished(spool: Spool) -> None:
    """Killed after the receipt was kept, before the waiting copy went."""
    item = save(spool)
    waiting = (spool.folder / item.file_name).read_bytes()
    spool.acknowledge(item, b"receipt", 1)
    (spool.folder / item.file_name).write_bytes(waiting)

    assert spool.waiting() == []
    assert not (spool.folder / item.file_name).exists()


def test_only_the_newest_receipts_are_kept(tmp_path: Path) -> None:
    """A workstation's disk is not an archive; the collector's is."""
    spool = Spool(tmp_path, Caps(acknowledged=3))
    saved = [save(spool) for _ in range(5)]
    for item in saved:
        spool.acknowledge(item, b"r", 0)

    assert ids(spool.read(Place.ACKNOWLEDGED)) == ids(saved[2:])


def test_a_parked_item_says_why(spool: Spool) -> None:
    """A person looks at it; nobody sends it again."""
    item = save(spool)
    spool.park(item, "the collector cannot take it (HTTP 413)")

    (parked,) = spool.read(Place.PARKED)
    assert parked.parked == "the collector cannot take it (HTTP 413)"
    assert spool.waiting() == []


@pytest.mark.parametrize(
    "caps",
    [Caps(items=4), Caps(bytes=4 * 200), Caps(age=timedelta(days=3))],
    ids=["count", "bytes", "age"],
)
def test_a_cap_lets_the_oldest_go_and_counts_them(caps: Caps, tmp_path: Path) -> None:
    """After months offline the disk is not full, and the truth about the gap is kept."""
    spool = Spool(tmp_path, caps)
    saved = [save(spool, at=NOW + timedelta(days=number)) for number in range(10)]

    dropped = spool.apply_caps(NOW + timedelta(days=9))

    assert ids(spool.waiting()) == ids(saved[6:])
    assert (dropped, spool.dropped().count) == (6, 6)


def test_the_newest_full_report_of_each_profile_is_never_let_go(tmp_path: Path) -> None:
    """What a court last showed in full outlives any number of partial runs."""
    spool = Spool(tmp_path, Caps(items=2))
    full = [save(spool, profile=profile) for profile in ("a", "a", "b")]
    partial = [save(spool, full=False) for _ in range(6)]

    spool.apply_caps(NOW)

    assert ids(spool.waiting()) == ids([full[1], full[2], partial[-1]])
    assert spool.dropped().count == 6


def test_a_kill_while_letting_go_neither_loses_nor_doubles_a_count(tmp_path: Path) -> None:
    """Counted by name before the file goes."""
    spool = Spool(tmp_path, Caps(items=2))
    saved = [save(spool) for _ in range(3)]
    oldest = spool.folder / saved[0].file_name
    content = oldest.read_bytes()
    spool.apply_caps(NOW)
    oldest.write_bytes(content)  # as if the process had died between the count and the removal

    assert ids(spool.waiting()) == ids(saved[1:])
    assert (spool.apply_caps(NOW), spool.dropped().count) == (0, 1)


def test_a_full_disk_is_told_before_anything_is_written(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One megabyte stays free, and old items are not touched."""
    kept = save(spool)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=1024 * 1024))

    with pytest.raises(NotSaved) as caught:
        save(spool)

    assert caught.value.reason == "no-space"
    assert "free some space" in str(caught.value)
    assert spool.waiting() == [kept]


def test_what_a_killed_process_left_half_written_is_swept_in_time(spool: Spool) -> None:
    """Such a file was never called saved; a young one may still be written."""
    save(spool)
    old, young = spool.folder / ".a.json.1.tmp", spool.folder / ".b.json.2.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    spool.sweep(young.stat().st_mtime + 1)

    assert (old.exists(), young.exists()) == (False, True)


def test_numbers_go_on_after_everything_was_acknowledged(spool: Spool) -> None:
    """A gap or repeat would hide a lost report."""
    for expected in (1, 2, 3):
        item = save(spool)
        spool.acknowledge(item, b"r", 0)
        assert item.sequence == expected
