"""What the `ssh` check may be asked, and what it saw. No secret is part of either."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Evidence, Options

Text = Annotated[str, Meta(min_length=1, max_length=200)]
FileName = Annotated[str, Meta(min_length=1, max_length=4096)]
EnvironmentName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}\Z")]
Seconds = Annotated[float, Meta(gt=0, le=300)]

SessionReason = Literal["not-ssh", "closed", "timeout", "no-common-algorithm"]
Stage = Literal["connection", "greeting", "algorithms", "keys", "login"]
Outcome = Literal["accepted", "denied", "key-unreadable", "not-tried"]


class SshOptions(Options, frozen=True, kw_only=True):
    """``[target.ssh]``"""

    host_key: Annotated[
        Annotated[str, Meta(pattern=r"^SHA256:[A-Za-z0-9+/]{43}=?\Z")] | None,
        Meta(
            description="SHA256: and 43 characters of base64, as ssh-keygen -lf prints it, "
            'e.g. "SHA256:x4QzPSC810K5/cMjb05Qm4k3Bw5zBn4lTdO/nEW/Td4"'
        ),
    ] = None
    username: Text | None = None
    password_file: Annotated[
        FileName | None, Meta(description='a file that holds the password, e.g. "password.txt"')
    ] = None
    password_env: Annotated[
        EnvironmentName | None,
        Meta(description='the name of an environment variable, e.g. "CCPOR_SFTP_PASSWORD"'),
    ] = None
    key_file: Annotated[
        FileName | None, Meta(description='a file that holds the private key, e.g. "id_ed25519"')
    ] = None
    timeout_s: Annotated[Seconds, Meta(description="seconds to wait, e.g. 10")] = 10.0


def asks_login(options: SshOptions) -> bool:
    """Say whether the profile gives a password or a key to sign in with."""
    return any((options.password_file, options.password_env, options.key_file))


class HostKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key that the server proved to hold."""

    type: str  # as in its wire form, e.g. "ssh-ed25519"
    fingerprint: str  # "SHA256:" and base64 without "=", as OpenSSH prints it


class Algorithms(msgspec.Struct, frozen=True, kw_only=True):
    """The server's lists in its own order (RFC 4253 section 7.1), extension markers left out."""

    kex: tuple[str, ...]
    host_key: tuple[str, ...]
    cipher: tuple[str, ...]  # from us to the server
    mac: tuple[str, ...]  # from us to the server; of no meaning beside an AEAD cipher


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides settled on."""

    kex: str
    host_key: str
    cipher: str
    mac: str | None  # None: the cipher brings its own


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What became of signing in. `why` says it in words where it is no success."""

    outcome: Outcome
    username: str | None
    tried: tuple[str, ...] = ()  # methods that we offered something for, in order
    allowed: tuple[str, ...] = ()  # methods that the server last said it would take
    why: str | None = None
    ms: float | None = None


class SshEvidence(Evidence, frozen=True, kw_only=True):
    """One session as far as it came; `failure` None: the keys were exchanged.

    host_keys: all that were seen, more than one where the pinned key was looked for.
    pinned: None where the profile pins no key.
    """

    port: int
    address: str | None  # None: no connection
    failure: SessionReason | None = None
    failed_at: Stage | None = None
    error: str | None = None  # errno or exception class by name
    version: str | None = None  # the server's identification, e.g. "SSH-2.0-OpenSSH_9.2p1"
    said: str | None = None  # the start of what came where that is no SSH
    offered: Algorithms | None = None
    agreed: Agreed | None = None
    not_shared: tuple[str, ...] = ()  # which of the lists have nothing in common with ours
    host_keys: tuple[HostKey, ...] = ()
    pinned: bool | None = None
    login: Login | None = None  # None: nothing to sign in with, or it did not come to that
    connect_ms: float | None = None
    handshake_ms: float | None = None
