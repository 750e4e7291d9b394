"""One file's way: made, written, read back, compared, removed. Nothing of it stays behind."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

import msgspec
import paramiko

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.synthetic import synthetic
from ccpor_checks.sftp import protocol
from ccpor_checks.sftp.evidence import Ended, Refusal, SftpEvidence, SftpOptions, Stage
from ccpor_checks.sftp.protocol import NotSftp, Refused, Sftp
from ccpor_checks.ssh.evidence import SshEvidence, SshOptions
from ccpor_checks.ssh.looking import NotSignedIn, signed_in
from ccpor_checks.ssh.session import Session, SessionEnded

CLEANING_S = 15.0  # kept back for removing the file over a new connection
CLEANING_SHARE = 0.25  # of a deadline that is shorter than usual
PARTING_S = 1.0  # that a given-up look has left; the engine waits no longer for it
PAUSES_S = (0.0, 0.3, 1.0)  # before each try to remove: an ended session may still hold the file
MISSING = frozenset({protocol.NO_SUCH_FILE, 10, 19})  # 10, 19: no path, no folder (later drafts)


class Stopped(Exception):
    """It went no further; what is left to do is to remove the file."""

    def __init__(self, ended: Ended, refusal: Refusal | None = None) -> None:
        super().__init__(ended)
        self.ended, self.refusal = ended, refusal


@dataclass(slots=True, kw_only=True)
class Transfer:
    """How far it came."""

    target: Target
    options: SftpOptions
    ssh: SshOptions
    ctx: Context
    end: float  # on `ctx.monotonic`; removing may take until the check's own deadline
    stage: Stage = "start"
    seen: SftpEvidence = field(init=False)
    session: Session | None = None
    sftp: Sftp | None = None  # None once the connection is of no use any more

    def __post_init__(self) -> None:
        self.seen = SftpEvidence(
            address="",
            port=self.target.port or 22,
            directory=folder_of(self.target.path),
            size_bytes=self.options.size_kb * 1000,
        )

    def note(self, **fields: object) -> None:
        self.seen = msgspec.structs.replace(self.seen, **fields)

    def run(self) -> SftpEvidence:
        """Return what came of it, with the file removed again if that can be done."""
        try:
            self._go()
        except Stopped as exc:
            self.note(ended=exc.ended, failed_at=self.stage, refusal=exc.refusal)
        finally:
            try:
                if self.seen.file is not None and self.seen.left_behind is not False:
                    self.note(left_behind=not self._remove_anyhow())
            finally:
                self.hang_up()
        return self.seen

    def _go(self) -> None:
        self._start()
        assert self.sftp
        assert self.session
        self.session.ends_in(self.end - self.ctx.monotonic())
        path = f"ccpor-check-{self.ctx.dice.getrandbits(64):016x}.tmp"
        if self.seen.directory != ".":
            path = f"{self.seen.directory.rstrip('/')}/{path}"
        self._look_at_folder()
        self._write(path)
        self._read(path)
        self.stage = "remove"
        with self._named():
            try:
                self.sftp.remove(path)
            except Refused as exc:
                if exc.status not in MISSING:  # else somebody was quicker
                    raise
        self.note(left_behind=False)

    def _start(self) -> None:
        """Sign in and begin SFTP; once more where the server hangs up at this very moment."""
        for attempt in (1, 2):
            self.ctx.attempts = attempt
            self.connect()
            try:
                with self._named():
                    self.begin()
                return
            except Stopped as exc:
                self.hang_up()
                if exc.ended != "closed" or attempt == 2:
                    raise

    def connect(self) -> None:
        """Sign in anew.

        Raises:
            CannotObserve: It did not work; the `ssh` check says why.
        """
        earlier = self.ctx.earlier.get("ssh")
        kind = (
            earlier.agreed.host_key if isinstance(earlier, SshEvidence) and earlier.agreed else None
        )
        try:
            self.session = signed_in(self.target, self.ssh, self.ctx, kind)
        except (NotSignedIn, SessionEnded) as exc:
            raise CannotObserve(f"no file was sent: {exc}") from exc
        self.note(address=self.session.address)
        self.session.ends_in(self.end - self.ctx.monotonic())

    def begin(self) -> None:
        """Open a channel for SFTP; a refused one is `NotSftp`, an ended session `EOFError`."""
        assert self.session
        transport, began = self.session.transport, self.ctx.monotonic()
        patience_s = min(self.ssh.timeout_s, self.end - began)
        self.session.ends_in(patience_s)  # asking for a subsystem takes no limit of its own
        try:
            channel = transport.open_session(timeout=self.ssh.timeout_s)
            channel.settimeout(self.ssh.timeout_s)
            channel.invoke_subsystem("sftp")
            self.sftp = Sftp(channel)
        except (paramiko.SSHException, EOFError) as exc:
            if self.ctx.monotonic() >= began + patience_s:
                raise TimeoutError from exc
            raise (NotSftp if transport.is_active() else EOFError) from exc

    def hang_up(self) -> None:
        self.sftp = None
        if self.session:
            self.session.close()
            self.session = None

    def _look_at_folder(self) -> None:
        assert self.sftp
        self.stage = "directory"
        with self._named():
            try:
                self.note(is_folder=self.sftp.is_folder(self.seen.directory))
            except Refused as exc:
                if exc.status in MISSING:
                    raise  # any other refusal to look is no refusal to write
        if self.seen.is_folder is False:
            raise Stopped("refused")

    def _write(self, path: str) -> None:
        assert self.sftp
        self.stage = "create"
        began = self.ctx.monotonic()
        self.note(file=path)  # from here on it may lie there, whatever we hear
        self.ctx.on_abandon(self._remove_at_once)
        with self._named():
            try:
                handle = self.sftp.create(path)
            except Refused:
                self.note(file=None)
                raise
            self.stage = "write"
            digest, written = hashlib.sha256(), 0
            parts = _hashed(
                synthetic(self.seen.size_bytes, seed=self.ctx.dice.getrandbits(32)), digest
            )
            for size in self.sftp.write(handle, parts):
                written += size
                self.note(written_bytes=written)
            self.sftp.close(handle)  # a full quota may only show here
        seconds = self.ctx.monotonic() - began
        self.note(
            sha256_written=digest.hexdigest(),
            write_ms=round(seconds * 1000, 3),
            write_mbit_s=_mbit_s(written, seconds),
        )

    def _read(self, path: str) -> None:
        assert self.sftp
        self.stage = "read"
        began, digest, came = self.ctx.monotonic(), hashlib.sha256(), 0
        with self._named():
            handle = self.sftp.open(path)
            for part in self.sftp.read(handle, self.seen.size_bytes + 1):  # one more: it must end
                digest.update(part)
                came += len(part)
                self.note(read_bytes=came)
            self.sftp.close(handle)
        seconds = self.ctx.monotonic() - began
        self.note(
            sha256_read=digest.hexdigest(),
            read_ms=round(seconds * 1000, 3),
            read_mbit_s=_mbit_s(came, seconds),
        )

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Turn whatever ends the block into `Stopped`."""
        try:
            yield
        except Refused as exc:
            raise Stopped("refused", self._refusal(exc.status)) from exc
        except NotSftp as exc:
            self.sftp = None
            raise Stopped("not-sftp") from exc
        except (EOFError, OSError) as exc:  # TimeoutError is one of them
            self.sftp = None
            late = isinstance(exc, TimeoutError) or self.ctx.monotonic() >= self.end
            raise Stopped("timeout" if late else "closed") from exc

    def _refusal(self, status: int) -> Refusal:
        room = None
        with contextlib.suppress(Refused, NotSftp, EOFError, OSError):
            room = self.sftp.room(self.seen.directory) if self.sftp else None
        if room is None:
            return Refusal(status=status)
        return Refusal(
            status=status,
            free_bytes=room.free_bytes,
            free_files=room.free_files,
            is_read_only=room.is_read_only,
        )

    def _remove_at_once(self) -> None:
        """Remove the file over a channel of its own: on ours, a write may be on its way.

        For a look that is given up, whose process may end in a moment; runs in another thread.
        """
        session, path = self.session, self.seen.file
        if session is None or path is None or self.seen.left_behind is False:
            return
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError, Refused, NotSftp):
            session.ends_in(PARTING_S)
            channel = session.transport.open_session(timeout=PARTING_S)
            channel.settimeout(PARTING_S)
            channel.invoke_subsystem("sftp")
            Sftp(channel).remove(path)

    def _remove_anyhow(self) -> bool:
        """Return whether our file is gone; over a new connection where the first is lost."""
        path = self.seen.file
        assert path is not None
        self.end = self.ctx.deadline
        for pause_s in PAUSES_S:
            try:
                time.sleep(min(pause_s, self.ctx.remaining()))
                if self.sftp is None:
                    self.hang_up()
                    self.connect()
                    self.begin()
                assert self.sftp
                assert self.session
                self.session.ends_in(self.ctx.remaining())
                self.sftp.remove(path)
                return True
            except Refused as exc:
                if exc.status == protocol.NO_SUCH_FILE and pause_s:
                    return True  # asked twice: an order to make it is not still on its way
                if exc.status == protocol.PERMISSION_DENIED:
                    return False
            except CannotObserve as exc:
                self.ctx.log.info("sftp.removal_failed", extra={"error": type(exc).__name__})
            except (NotSftp, EOFError, OSError):
                self.sftp = None
        return False


def _hashed(parts: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for part in parts:
        digest.update(part)
        yield part


def _mbit_s(size: int, seconds: float) -> float | None:
    return round(size * 8 / 1e6 / seconds, 3) if seconds > 0 else None


def folder_of(path: str) -> str:
    """Return the folder that a URL's *path* names; ``/~/`` is where the login lands, as in curl."""
    path = unquote(path)
    if path in ("", "/~", "/~/"):
        return "."
    return path.removeprefix("/~/")


def look(target: Target, options: SftpOptions, ctx: Context) -> SftpEvidence:
    """Return what came of one file's way to *target* and back.

    Raises:
        CannotObserve: This workstation cannot sign in there.
        TimeoutError: The deadline came before it could.
    """
    ssh = target.options.get("ssh")
    left = ctx.remaining()
    transfer = Transfer(
        target=target,
        options=options,
        ssh=ssh if isinstance(ssh, SshOptions) else SshOptions(),
        ctx=ctx,
        end=ctx.deadline - min(CLEANING_S, left * CLEANING_SHARE),
    )
    return transfer.run()
