"""The agent's Windows seam against kernel32, advapi32 and crypt32."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccpor_agent import seam

HOLDER = (
    "import sys; from pathlib import Path; from ccpor_agent import seam\n"
    "with seam.RunLock(Path(sys.argv[1])):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def test_a_secret_comes_back_and_does_not_lie_in_the_open() -> None:
    """The machine's key rests under DPAPI; a copied file is worth nothing elsewhere."""
    secret = b"-----BEGIN PRIVATE KEY-----\0" + bytes(range(256))

    sealed = seam.protect(secret)

    assert seam.unprotect(sealed) == secret
    assert secret[:20] not in sealed


@pytest.mark.parametrize("damaged", [b"", b"no seal at all"])
def test_what_was_not_sealed_here_is_refused(damaged: bytes) -> None:
    """A rotten key file must be an error and never an empty key."""
    with pytest.raises(OSError):
        seam.unprotect(damaged)


def test_saving_replaces_a_file_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Windows' rename does not replace by itself; a spool that relied on it would lose reports."""
    path = tmp_path / "report.json"
    path.write_bytes(b"old " * 1000)

    seam.write_durably(path, b"new")

    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]
    seam.sync_folder(tmp_path)


def test_line_ends_are_not_translated(tmp_path: Path) -> None:
    """The signed bytes are the saved bytes: a text-mode handle would add carriage returns."""
    seam.write_durably(tmp_path / "signed", b"a\nb\r\n\x1ac")

    assert (tmp_path / "signed").read_bytes() == b"a\nb\r\n\x1ac"


def test_saving_where_it_cannot_be_keeps_what_was_there(tmp_path: Path) -> None:
    """Not saved is said, and never half done."""
    with pytest.raises(OSError):
        seam.write_durably(tmp_path / "no such folder" / "report", b"new")

    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_are_refused_until_the_first_ends(tmp_path: Path) -> None:
    """Task Scheduler starts a second run while the first still uploads."""
    lock = tmp_path / "run.lock"
    with subprocess.Popen(
        [sys.executable, "-X", "utf8", "-c", HOLDER, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(seam.AlreadyRunning), seam.RunLock(lock):
            pass
        other.kill()

    with seam.RunLock(lock):
        pass


def test_a_lock_is_free_again_after_its_block(tmp_path: Path) -> None:
    """The next scheduled run of the same process must not find itself in the way."""
    taken = 0
    for _ in range(2):
        with seam.RunLock(tmp_path / "run.lock"):
            taken += 1

    assert taken == 2


def test_a_private_file_has_no_strangers_in_its_access_list(tmp_path: Path) -> None:
    """The key file lies on a machine that clerks share."""
    path = tmp_path / "key"
    path.write_bytes(b"secret")

    seam.make_private(path)

    assert seam.is_private(path)
    assert path.read_bytes() == b"secret"


def test_state_lives_in_the_machines_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service account and an administrator must find the same spool."""
    monkeypatch.delenv("CCPOR_STATE_DIR")

    assert seam.state_folder() == Path(os.environ["PROGRAMDATA"]) / "ccpor-check"
