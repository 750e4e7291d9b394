"""Keys and passwords as people keep them: what can be used, and what is said where it cannot."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from ccpor_checks.base import Context
from ccpor_checks.ssh.evidence import SshOptions
from ccpor_checks.ssh.secrets import KeyUnreadable, PasswordMissing, Secrets, read_secrets
from tests.peers import program

FORM, PLAIN = serialization.PrivateFormat, serialization.NoEncryption()
LOCKED = serialization.BestAvailableEncryption(b"pass phrase")
KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ecdsa": ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}


def read(folder: Path, content: bytes | str, **options: str) -> Secrets:
    """Return what stands in a file, read as the option that is left out of *options*."""
    name = options.pop("name", "id")
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    wanted = SshOptions(**(options or {"key_file": name}))
    return read_secrets(wanted, Context(deadline=time.monotonic() + 5, base_dir=folder))


@pytest.mark.parametrize("dress", ["OpenSSH", "PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_read_in_every_dress_it_comes_in(tmp_path: Path, kind: str, dress: str) -> None:
    """Keys come from ssh-keygen old and new, from openssl, and from Windows tools."""
    if (kind, dress) == ("ed25519", "TraditionalOpenSSL"):
        dress = "PKCS8"  # there is no such thing
    pem = KEYS[kind].private_bytes(serialization.Encoding.PEM, getattr(FORM, dress), PLAIN)

    secrets = read(tmp_path, pem)

    assert secrets.key is not None
    assert kind in secrets.key.get_name().replace("ssh-rsa", "rsa")


@pytest.mark.parametrize("dress", ["OpenSSH", "PKCS8"])
def test_a_locked_key_says_so(tmp_path: Path, dress: str) -> None:
    """The agent runs at night; nobody is there to type a passphrase."""
    pem = KEYS["ed25519"].private_bytes(serialization.Encoding.PEM, getattr(FORM, dress), LOCKED)

    with pytest.raises(KeyUnreadable, match="passphrase"):
        read(tmp_path, pem)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no private key"),
        ("hello", "no private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nbroken\n-----END OPENSSH PRIVATE KEY-----\n", "no"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTYgen"),
        ("ssh-ed25519 AAAAC3Nza clerk@court\n", "public half"),
    ],
)
def test_what_is_no_key_says_what_it_is(tmp_path: Path, content: str, words: str) -> None:
    """The two usual mistakes get their own words: PuTTY's format, and the public half."""
    with pytest.raises(KeyUnreadable, match=words):
        read(tmp_path, content)


def test_a_key_of_a_dead_kind_is_no_key_that_ssh_knows(tmp_path: Path) -> None:
    """DSA is gone from SSH; the file is whole and still of no use."""
    key = dsa.generate_private_key(1024)
    pem = key.private_bytes(serialization.Encoding.PEM, FORM.PKCS8, PLAIN)

    with pytest.raises(KeyUnreadable):
        read(tmp_path, pem)


def test_a_key_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    """A path that was mistyped is mended fastest where it is quoted."""
    (tmp_path / "folder").mkdir()
    context = Context(deadline=time.monotonic() + 5, base_dir=tmp_path)

    with pytest.raises(KeyUnreadable, match=r"gone\.pem is not there"):
        read_secrets(SshOptions(key_file="gone.pem"), context)
    with pytest.raises(KeyUnreadable, match="folder cannot be read"):
        read_secrets(SshOptions(key_file="folder"), context)


def test_a_key_that_ssh_keygen_made_is_read(tmp_path: Path) -> None:
    """The peer's own tool, not only our library's idea of its format."""
    path = tmp_path / "id"
    subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)

    assert read(tmp_path, path.read_bytes()).key is not None


@pytest.mark.parametrize(
    ("content", "password"),
    [
        ("secret\n", "secret"),
        ("secret\r\n", "secret"),
        ("secret", "secret"),
        (" se cret \n", " se cret "),
        ("secret\n\n", "secret\n"),
        ("\ufeffs\u00e9cret\r\n", "s\u00e9cret"),
    ],
)
def test_one_line_end_and_a_byte_order_mark_are_no_part_of_a_password(
    tmp_path: Path, content: str, password: str
) -> None:
    """Notepad and echo add them; blanks are the password's own."""
    assert read(tmp_path, content, name="pw", password_file="pw").password == password


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00s\x00e"])
def test_a_file_without_a_password_says_so_and_quotes_nothing(
    tmp_path: Path, content: bytes
) -> None:
    """An empty password would be denied, and the server blamed for it."""
    with pytest.raises(PasswordMissing) as caught:
        read(tmp_path, content, name="pw", password_file="pw")

    assert caught.value.__cause__ is None
    assert "pw" in str(caught.value)


def test_secrets_do_not_show_in_a_repr(tmp_path: Path) -> None:
    """What prints itself ends up in a log one day."""
    assert "hunter2" not in repr(read(tmp_path, "hunter2", name="pw", password_file="pw"))
