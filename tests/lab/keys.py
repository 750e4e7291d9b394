"""Certificates and keys of the lab, made once for all its networks: sound ones, and one of each bad kind."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization

from tests.peers import certificates as made

NAMES = ("ccpor.lab.test", "gateway.lab.test", "*.lab.test")
OLD = "ALL:@SECLEVEL=0"
WEAK = "AES128-SHA:@SECLEVEL=0"
REVOCATIONS = "http://10.77.4.10/revoked.crl"


@dataclass(frozen=True)
class Kind:
    """One way in which the web server may present itself. sound: it is only what it should be."""

    name: str
    protocols: str = "TLSv1.2 TLSv1.3"
    ciphers: str | None = None


KINDS = (
    Kind("good"),
    Kind("expired"),
    Kind("expired-five-days"),
    Kind("not-yet"),
    Kind("from-in-an-hour"),
    Kind("expiring"),
    Kind("wrong-name"),
    Kind("self-signed"),
    Kind("unknown-issuer"),
    Kind("incomplete"),
    Kind("client-usage"),
    Kind("weak-key", ciphers=OLD),
    Kind("sha1", ciphers=OLD),
    Kind("tls11", protocols="TLSv1.1", ciphers=OLD),
    Kind("weak-cipher", protocols="TLSv1.2", ciphers=WEAK),
    Kind("inspected"),
    Kind("revoked"),
)


def make(folder: Path) -> None:
    """Write ca.pem, KIND.crt and KIND.key, the pin, the inspecting proxy's CA and the keys of SSH."""
    root = made.authority("Lab Root")
    inter = made.authority("Lab Intermediate", root)
    inspecting = made.authority("County Web Inspection", root, organization="County Network")
    rogue = made.authority("Somebody Else")
    (folder / "ca.pem").write_bytes(root.pem)
    (folder / "client-ca.pem").write_bytes(made.authority("Client Root").pem)
    (folder / "pin").write_text(_pin(inter))
    made.write(folder, "inspecting", inspecting)

    def sound(**more: object) -> made.Issued:
        settings: dict[str, object] = {"common_name": NAMES[0], "names": NAMES, **more}
        return made.leaf(inter, **settings)  # type: ignore[arg-type]

    rsa = {"key": made.rsa_key(2048)}
    ends: dict[str, tuple[made.Issued, ...]] = {
        "good": (sound(), inter),
        "expired": (sound(days=(-60, -20)), inter),
        "expired-five-days": (sound(days=(-60, -5)), inter),
        "not-yet": (sound(days=(20, 90)), inter),
        "from-in-an-hour": (sound(days=(1 / 24, 90)), inter),
        "expiring": (sound(days=(-60, 9)), inter),
        "wrong-name": (sound(common_name="old.example.org", names=["old.example.org"]), inter),
        "self-signed": (made.leaf(None, common_name=NAMES[0], names=NAMES),),
        "unknown-issuer": (made.leaf(rogue, common_name=NAMES[0], names=NAMES), rogue),
        "incomplete": (sound(),),
        "client-usage": (sound(usage=made.CLIENT), inter),
        "weak-key": (sound(key=made.rsa_key(1024)), inter),
        "sha1": (_sha1(inter, folder), inter),
        "tls11": (sound(**rsa), inter),
        "weak-cipher": (sound(**rsa), inter),
        "inspected": (made.leaf(inspecting, common_name=NAMES[0], names=NAMES), inspecting),
        "revoked": (sound(crl=REVOCATIONS), inter),
    }
    for name, chain in ends.items():
        made.write(folder, name, *chain)
    (folder / "revoked.crl").write_bytes(made.crl(inter, [ends["revoked"][0]]))
    for name in ("host", "other-host", "user", "stranger"):
        words = [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            name,
            "-f",
            str(folder / f"ssh-{name}"),
        ]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    listed = subprocess.run(
        ["ssh-keygen", "-lf", str(folder / "ssh-host.pub")],
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "host-key").write_text(listed.stdout.split()[1])
    (folder / "broken-key").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnot one\n")
    for (
        path
    ) in folder.iterdir():  # the court's ordinary user reads its own, servers without root theirs
        path.chmod(0o600 if path.name in ("ssh-host", "ssh-other-host") else 0o644)  # sshd insists


def _pin(authority: made.Issued) -> str:
    spki = authority.certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    return base64.b64encode(digest.finalize()).decode()


def _sha1(issuer: made.Issued, folder: Path) -> made.Issued:
    return made.signed_with("sha1", issuer, folder, names=NAMES)
