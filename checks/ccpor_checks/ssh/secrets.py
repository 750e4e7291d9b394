"""The password or key that the profile points at. Nothing here is kept, shown or logged."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import paramiko

from ccpor_checks.base import Context
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.ssh.evidence import SshOptions

MOST_BYTES = 65_536  # of a key or password file; both are a few kB at most
PUTTY = b"PuTTY-User-Key-File-"


class KeyUnreadable(Exception):
    """The private key cannot be used; the message says why and what helps."""


class PasswordMissing(Exception):
    """The password cannot be read; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What there is to sign in with; its repr shows none of it."""

    key: paramiko.PKey | None = field(repr=False)
    password: str | None = field(repr=False)


def read_secrets(options: SshOptions, ctx: Context) -> Secrets:
    """Return the key and the password that *options* point at, each None where it names none.

    Raises:
        KeyUnreadable: There is a key file that gives no key.
        PasswordMissing: There is a place for a password that gives none.
    """
    key = _read_key(options.key_file, ctx) if options.key_file else None
    return Secrets(key, _read_password(options, ctx))


def _read_password(options: SshOptions, ctx: Context) -> str | None:
    if options.password_file is None:
        return _from_environment(options.password_env) if options.password_env else None
    name = options.password_file
    try:
        content = _read(name, ctx)
        text = content.decode("utf-8-sig")
    except OSError as exc:
        why = error_name(exc.errno) or type(exc).__name__
        raise PasswordMissing(f"the password file {name} cannot be read ({why})") from None
    except UnicodeDecodeError:
        # from None: the error's own text would quote what stands in the file
        raise PasswordMissing(f"the password file {name} is no text; save it as UTF-8") from None
    # an editor's or echo's line end is no part of the password
    password = text.removesuffix("\n").removesuffix("\r")
    if not password:
        raise PasswordMissing(f"the password file {name} is empty")
    return password


def _from_environment(name: str) -> str:
    password = os.environ.get(name)
    if not password:
        raise PasswordMissing(f"the environment variable {name} holds no password here")
    return password


def _read_key(name: str, ctx: Context) -> paramiko.PKey:
    try:
        content = _read(name, ctx)
    except FileNotFoundError:
        raise KeyUnreadable(f"the private key file {name} is not there") from None
    except OSError as exc:
        why = error_name(exc.errno) or type(exc).__name__
        raise KeyUnreadable(f"the private key file {name} cannot be read ({why})") from None
    if content.startswith(PUTTY):
        raise KeyUnreadable(
            f"{name} is a PuTTY key; export it as an OpenSSH key with PuTTYgen (Conversions)"
        )
    if content.startswith((b"ssh-", b"ecdsa-")):
        raise KeyUnreadable(f"{name} is the public half of a key; name the private one")
    return _key_from(content, name)


def _read(name: str, ctx: Context) -> bytes:
    path = ctx.file(name)
    if path.exists() and not path.is_file():  # a folder, or a pipe that nobody writes to
        raise IsADirectoryError
    with path.open("rb") as file:
        return file.read(MOST_BYTES)


def _key_from(content: bytes, name: str) -> paramiko.PKey:
    """Return the key in *content*, PEM in any of its three dresses (OpenSSH, PKCS#8, PKCS#1)."""
    import io

    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    readers = (form.load_ssh_private_key, form.load_pem_private_key)
    for read in readers:
        try:
            loaded = read(content, None)
            if not isinstance(loaded, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
                break  # of a kind that SSH has given up, or never had
            text = loaded.private_bytes(
                form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()
            ).decode("ascii")
        except TypeError:  # what cryptography raises for a passphrase that it was not given
            raise KeyUnreadable(
                f"the private key {name} is locked with a passphrase; "
                "the agent has nobody to ask, make one without"
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            continue
        for kind in _key_classes():
            try:
                return kind.from_private_key(io.StringIO(text))
            except (paramiko.SSHException, ValueError):
                continue
    raise KeyUnreadable(f"{name} is no private key that SSH knows")


def _key_classes() -> Iterable[type[paramiko.PKey]]:
    return (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
