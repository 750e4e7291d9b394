"""What an `SftpEvidence` means: pure comparisons.

OpenSSH has one status, "failure", for a full disk, a spent quota and all else that is neither
missing nor forbidden. A refused write into a file that could be made is therefore taken for a lack
of room unless the file system says that it is read-only; a refused making only where the file
system says that it has no byte or no file left.
"""

from __future__ import annotations

from dataclasses import replace

from ccpor_checks.sftp.evidence import SftpEvidence, SftpOptions, Stage
from ccpor_reporting.rules import Judgement, Rule, Setting, met, unassessed, unmet

PERMISSION_DENIED, FAILURE = 3, 4
MISSING = frozenset({2, 10, 19})
WRITE_PROTECTED = 12  # with 14 and 15: codes of later drafts, sent by some servers all the same
NO_ROOM = frozenset({14, 15})
DOING: dict[Stage, str] = {
    "start": "SFTP was started",
    "directory": "the directory was looked at",
    "create": "the file was made",
    "write": "the file was written",
    "read": "the file was read back",
    "remove": "the file was removed",
}
NO_SFTP = (
    "Let this user start SFTP (Subsystem sftp) and write to this directory; the server's log says "
    "what it lacks, often the owner or the rights of the chroot directory."
)


def judge_transfer(seen: SftpEvidence, _options: SftpOptions, _setting: Setting) -> Judgement:
    """Judge whether the file went there, came back the same and is gone again."""
    judged = _judge(seen)
    if not seen.left_behind:
        return judged
    left = f"{judged.summary}; {seen.file} may still lie there, remove it"
    return replace(judged, summary=left)


def _judge(seen: SftpEvidence) -> Judgement:
    doing = DOING[seen.failed_at or "start"]
    if _changed(seen):
        return _corrupted(seen)
    if seen.ended is None:
        kilobytes = f"{seen.size_bytes / 1000:g} kB"
        there, back = _speed(seen.write_mbit_s), _speed(seen.read_mbit_s)
        return met(
            f"{kilobytes} written{there}, read back the same{back}, removed",
            observed=seen.sha256_read,
            expected=seen.sha256_written,
        )
    if seen.failed_at == "start" and seen.ended in ("closed", "not-sftp"):
        did = "hangs up" if seen.ended == "closed" else "answers with what is no SFTP"
        summary = f"the server lets this user in and then {did} when SFTP starts"
        return unmet("permission-denied", summary, fix=NO_SFTP)
    match seen.ended:
        case "refused":
            return _refused(seen, doing)
        case "timeout":
            return unassessed(f"the server stopped answering while {doing}")
        case "closed":
            return unassessed(f"the connection was cut while {doing}")
        case _:
            return unassessed(f"the server sent what is no SFTP while {doing}")


def _speed(mbit_s: float | None) -> str:
    return "" if mbit_s is None else f" at {mbit_s:.3g} Mbit/s"


def _changed(seen: SftpEvidence) -> bool:
    """Say whether the whole file was written and read, and what came back differs."""
    if seen.sha256_written is None or seen.sha256_read is None:
        return False
    return seen.sha256_written != seen.sha256_read


def _corrupted(seen: SftpEvidence) -> Judgement:
    much = f"{seen.read_bytes} bytes came back of {seen.size_bytes}"
    if seen.read_bytes == seen.size_bytes:
        much = "as many bytes came back, but not the same"
    if seen.read_bytes > seen.size_bytes:
        much = "more bytes came back than were written"
    return unmet(
        "corrupted",
        f"the file in {seen.directory} is not the one that was sent: {much}",
        observed=seen.sha256_read,
        expected=seen.sha256_written,
    )


def _refused(seen: SftpEvidence, doing: str) -> Judgement:
    """Name the refusal by its status code, its stage and the room that the server told of."""
    where, status = seen.directory, seen.refusal.status if seen.refusal else None
    if seen.failed_at in ("directory", "create") and (seen.is_folder is False or status in MISSING):
        what = "is no directory" if seen.is_folder is False else "does not exist"
        return unmet("no-such-directory", f"{where} {what} on the server", observed=status)
    if seen.failed_at == "read" and status in MISSING:
        return unmet(
            "corrupted",
            f"the file was gone from {where} before it could be read back",
            observed=status,
            fix="See what takes files out of this directory; let it leave ccpor-check-*.tmp alone.",
        )
    if _is_forbidden(seen, status):
        words = {
            "create": f"this user may not write to {where}",
            "write": f"this user may not write to {where}",
            "read": f"this user may write to {where} but not read the file back",
            "remove": f"this user may write to {where} but not remove the file",
        }
        summary = words.get(seen.failed_at or "", f"the server forbids it while {doing}")
        return unmet("permission-denied", summary, observed=status)
    if _is_full(seen, status):
        if seen.failed_at == "create":
            summary = f"the server has no room for a new file in {where}"
            return unmet("no-space", summary, observed=0, expected="room for the file")
        room = seen.refusal.free_bytes if seen.refusal else None
        left = f"; {room / 1000:g} kB are free" if room is not None else ""
        summary = f"the server took {seen.written_bytes} of {seen.size_bytes} bytes{left}"
        return unmet("no-space", summary, observed=seen.written_bytes, expected="room for the file")
    return unassessed(f"the server refused with status {status} while {doing}", observed=status)


def _is_forbidden(seen: SftpEvidence, status: int | None) -> bool:
    if status in (PERMISSION_DENIED, WRITE_PROTECTED) or seen.failed_at == "remove":
        return True
    read_only = seen.refusal is not None and seen.refusal.is_read_only
    return bool(read_only) and seen.failed_at in ("create", "write")


def _is_full(seen: SftpEvidence, status: int | None) -> bool:
    if status in NO_ROOM:
        return True
    if status != FAILURE or seen.refusal is None:
        return False
    if seen.failed_at == "write":
        return True
    none_left = seen.refusal.free_bytes == 0 or seen.refusal.free_files == 0
    return seen.failed_at == "create" and none_left


RULES: tuple[Rule[SftpEvidence, SftpOptions], ...] = (
    Rule(
        code="sftp.transfer",
        reasons=("permission-denied", "no-such-directory", "no-space", "corrupted"),
        judge=judge_transfer,
    ),
)
