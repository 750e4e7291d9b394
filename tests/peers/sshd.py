"""Real OpenSSH with users of its own, in a mount namespace: nothing of this machine is changed.

Inside it ``/etc/passwd`` and ``/etc/shadow`` are copies with one user more, and ``/mnt`` is a disk
in memory that holds the jail, whose parents root must own. From outside the jail is seen through
``/proc``.
"""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import free_port, lacking, listens, need, program, started

USER, PASSWORD = "ccpor-drop", "right horse 7"
SEVERAL_TRIES = 3  # another test may take a free port between our look and sshd's bind
DISK = "/mnt"  # in the namespace; must exist on every Linux

NO_RIGHT = ("Operation not permitted", "permission denied", "must be superuser")  # to mount
SFTP_SERVERS = (
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
)

ENTER = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 755 /run/sshd
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/shadow /etc/shadow
mount -t tmpfs -o mode=755,size=64m tmpfs {disk}
mkdir -p {disk}/jail/in {disk}/jail/locked {disk}/jail/full {disk}/jail/tiny {disk}/jail/frozen
mount -t tmpfs -o size=300k tmpfs {disk}/jail/tiny
mount -t tmpfs -o size=4k,nr_inodes=1 tmpfs {disk}/jail/full
mount -t tmpfs tmpfs {disk}/jail/frozen
cp {folder}/sftp_filter.py {folder}/authorized_keys {disk}
chown {uid} {disk}/jail/in {disk}/jail/tiny {disk}/jail/full {disk}/jail/frozen
mount -o remount,ro {disk}/jail/frozen
exec {sshd} -D -e -f {folder}/sshd_config
"""

USUAL = """
StrictModes no
UsePAM no
PasswordAuthentication yes
PermitRootLogin yes
KbdInteractiveAuthentication no
PubkeyAuthentication yes
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True, kw_only=True)
class Sshd:
    """A running server. key_file: a private key that it accepts. jail: the user's root."""

    port: int
    folder: Path
    key_file: Path
    pid: int

    @property
    def jail(self) -> Path:
        return Path(f"/proc/{self.pid}/root{DISK}/jail")

    def fingerprint(self, kind: str = "ed25519") -> str:
        said = subprocess.run(
            [program("ssh-keygen"), "-lf", self.folder / f"host_{kind}.pub"],
            capture_output=True,
            text=True,
            check=True,
        )
        return said.stdout.split()[1]

    def left(self) -> list[str]:
        """Return the files that lie in any folder of the jail."""
        return sorted(str(path.name) for path in self.jail.rglob("*") if path.is_file())


def sftp_server() -> str:
    """Return OpenSSH's sftp-server; ends the test where there is none."""
    found = next((each for each in SFTP_SERVERS if Path(each).exists()), None)
    if found is None:
        lacking("needs OpenSSH's sftp-server")
    return str(found)


def make_keys(folder: Path, kinds: Sequence[str]) -> None:
    """Make host keys and one key to sign in with; what is there is kept."""
    for name, kind in [*((f"host_{kind}", kind) for kind in kinds), ("id_ed25519", "ed25519")]:
        if not (folder / name).exists():
            bits = ["-b", "2048"] if kind == "rsa" else []
            subprocess.run(
                [program("ssh-keygen"), "-q", "-t", kind, *bits, "-N", "", "-f", folder / name],
                check=True,
            )


@contextlib.contextmanager
def sshd(
    folder: Path,
    *lines: str,
    keys: Sequence[str] = ("ed25519", "ecdsa", "rsa"),
    chroot: bool = True,
    as_root: bool = False,
) -> Iterator[Sshd]:
    """Run sshd with *lines* ahead of the usual ones (the first value wins) until the block ends.

    folder: an empty one for keys, configuration and log. chroot: whether the user is locked into
    the jail and into SFTP. as_root: whether the user has root's number, to run what others may not
    read, e.g. this Python.
    """
    need("sshd", "ssh-keygen", "unshare", "openssl")
    if sys.platform != "linux" or os.geteuid() != 0:
        lacking("runs sshd for another user, which needs root on Linux")
    make_keys(folder, keys)
    uid = _users(folder, as_root=as_root)
    (folder / "sftp_filter.py").write_bytes(Path(__file__).with_name("sftp_filter.py").read_bytes())
    script = ENTER.format(folder=folder, disk=DISK, uid=uid, sshd=program("sshd"))
    with contextlib.ExitStack() as running:
        for tries_left in reversed(range(SEVERAL_TRIES)):
            port = free_port()
            _write_configuration(folder, port, lines, keys, chroot=chroot)
            serving = started(
                [program("unshare"), "--mount", "sh", "-c", script],
                log=folder / "sshd.log",
                ready=functools.partial(listens, port),
            )
            try:
                process = running.enter_context(serving)
            except AssertionError as exc:
                if any(words in str(exc) for words in NO_RIGHT):
                    lacking("may not mount here, which sshd's jail needs")
                if not tries_left:
                    raise
            else:
                break
        yield Sshd(port=port, folder=folder, key_file=folder / "id_ed25519", pid=process.pid)


def _users(folder: Path, *, as_root: bool) -> int:
    """Write copies of the user files with one user more, and return its number."""
    passwd = Path("/etc/passwd").read_text(encoding="utf-8")
    taken = {int(line.split(":")[2]) for line in passwd.splitlines() if line.count(":") == 6}
    uid = 0 if as_root else next(number for number in range(7300, 9000) if number not in taken)
    if "\nsshd:" not in passwd:
        passwd += "sshd:x:7299:65534::/run/sshd:/usr/sbin/nologin\n"
    hidden = subprocess.run(
        [program("openssl"), "passwd", "-6", "-stdin"],
        input=PASSWORD,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (folder / "passwd").write_text(f"{passwd}{USER}:x:{uid}:{uid}::{DISK}:/bin/sh\n")
    (folder / "passwd").chmod(0o644)
    (folder / "shadow").write_text(f"{USER}:{hidden}:20000:0:99999:7:::\n")
    (folder / "shadow").chmod(0o600)
    return uid


def _write_configuration(
    folder: Path, port: int, lines: Sequence[str], keys: Sequence[str], *, chroot: bool
) -> None:
    (folder / "authorized_keys").write_bytes((folder / "id_ed25519.pub").read_bytes())
    jail = (
        f"Match User {USER}\n  ChrootDirectory {DISK}/jail\n  ForceCommand internal-sftp"
        if chroot
        else ""
    )
    config = [
        *lines,
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        "PidFile none",
        f"AuthorizedKeysFile {DISK}/authorized_keys",
        *(f"HostKey {folder}/host_{kind}" for kind in keys),
        USUAL,
        jail,
    ]
    (folder / "sshd_config").write_text("\n".join(config) + "\n")
