"""The endpoints of the TLS tests: one public key infrastructure, one nginx."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.checks.tls.looking import Outcome, look
from tests.peers.certificates import (
    CLIENT,
    Files,
    Issued,
    authority,
    leaf,
    rsa_key,
    signed_with,
    write,
)
from tests.peers.nginx import Endpoint, nginx

ANY = "ALL:@SECLEVEL=0"
SHORT_PRIME = """\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAP23yUoCqTBPBIry0GLpS3fNTODy5Je+uc/X1w3gdk660jy19OKzZNj/
4sksRJwtMn5DWYILVO48Cj1QOxGqEMUTYLydRfmOkkrnxoF5dMQdWWqgcias76ig
w6AxQ2g5+kxH76ObWZu0VkUAynEqNaxBhhSRXGL1LWxm4OyGtsvfAgEC
-----END DH PARAMETERS-----
"""


@dataclass(frozen=True)
class Pki:
    """Authorities, and the folder their files lie in (``root.crt``: what tests trust)."""

    folder: Path
    root: Issued
    intermediate: Issued
    rogue: Issued
    good: Files

    def file(self, name: str, end: Issued, *others: Issued) -> Files:
        return write(self.folder, name, end, *others)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    folder = tmp_path_factory.mktemp("pki")
    root = authority("Test Root")
    intermediate = authority("Test Intermediate", root, path_length=0)
    rogue = authority("Elsewhere Root", organization="Elsewhere")
    for name, one in (("root", root), ("intermediate", intermediate), ("rogue", rogue)):
        write(folder, name, one)
    agent = leaf(intermediate, common_name="agent-1", names=("agent-1",), usage=CLIENT)
    write(folder, "agent", agent, intermediate)
    write(folder, "stranger", leaf(rogue, common_name="agent-1", usage=CLIENT), rogue)
    return Pki(
        folder, root, intermediate, rogue, write(folder, "good", leaf(intermediate), intermediate)
    )


@pytest.fixture(scope="session")
def ports(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """The port of each endpoint by name."""
    with nginx(endpoints(pki), tmp_path_factory.mktemp("nginx")) as found:
        yield found


@pytest.fixture
def at(pki: Pki, ports: dict[str, int]) -> Callable[..., Outcome]:
    """Look at the endpoint of that name, trusting the test's root unless told otherwise."""

    def at_endpoint(name: str, **options: object) -> Outcome:
        return look(ports[name], folder=pki.folder, **{"ca_file": "root.crt", **options})  # type: ignore[arg-type]

    return at_endpoint


def endpoints(pki: Pki) -> list[Endpoint]:
    return [*by_certificate(pki), *by_path(pki), *by_offer(pki)]


def by_certificate(pki: Pki) -> list[Endpoint]:
    """Faults of the end certificate; each under the trusted chain."""
    inter = pki.intermediate
    ends = {
        "expired": leaf(inter, days=(-60, -1)),
        "not-yet": leaf(inter, days=(2, 90)),
        "expiring": leaf(inter, days=(-30, 5.5)),
        "hundred-days": leaf(inter, days=(-30, 100.5)),
        "wrong-name": leaf(inter, common_name="other.example", names=("other.example",)),
        "no-names": leaf(inter, names=()),
        "wildcard": leaf(inter, names=("*.court.test",)),
        "wildcard-too-wide": leaf(inter, names=("*.test",)),
        "address-only": leaf(inter, names=("127.0.0.1",)),
        "many-names": leaf(inter, names=(*(f"h{n}.test" for n in range(300)), "localhost")),
        "rsa-2048": leaf(inter, key=rsa_key(2048)),
        "ed25519": leaf(inter, key=ed25519.Ed25519PrivateKey.generate()),
        "expired-and-wrong-name": leaf(inter, names=("other.example",), days=(-60, -1)),
    }
    sound = [Endpoint(name=name, files=pki.file(name, end, inter)) for name, end in ends.items()]
    rsa_inter = authority("RSA Intermediate", pki.root, key=rsa_key(2048))  # no ECDSA with MD5
    md5 = pki.file("md5-leaf", signed_with("md5", rsa_inter, pki.folder), rsa_inter)
    short = leaf(inter, key=ec.generate_private_key(ec.SECP192R1()))
    short_curve = Endpoint(
        name="ec-192",
        files=pki.file("ec-192", short, inter),
        ciphers=ANY,
        body=["ssl_ecdh_curve secp192r1:prime256v1;"],
    )
    weak = {
        "rsa-1024": leaf(inter, key=rsa_key(1024)),
        "sha1": signed_with("sha1", inter, pki.folder),
    }
    return [
        Endpoint(name="good", files=pki.good),
        Endpoint(name="md5", files=md5, ciphers=ANY),
        short_curve,
        *sound,
        *(Endpoint(name=n, files=pki.file(n, end, inter), ciphers=ANY) for n, end in weak.items()),
    ]


def by_path(pki: Pki) -> list[Endpoint]:
    """Faults of the chain."""
    root, inter, rogue = pki.root, pki.intermediate, pki.rogue
    below = authority("Too Deep", inter)  # the intermediate allows none below it
    constrained = authority("Constrained", root, permitted=("other.example",))
    no_authority = authority("Not An Authority", root, is_ca=False)
    rogue_inter = authority("Elsewhere Issuing", rogue, organization="Elsewhere")
    upper = authority("Upper", root, path_length=1)
    lower = authority("Lower", upper, path_length=0)
    ending = authority("Ending Soon", root, days=(-30, 12.5))
    old = authority("Old Intermediate", root, days=(-300, -3))
    weak = authority("Weak Intermediate", root, key=rsa_key(1024))
    zscaler = authority("Zscaler Intermediate Root CA", root, organization="Zscaler Inc.")
    named = leaf(root, common_name="squid.example", names=("localhost",), organization="Squid Inc.")
    chains: dict[str, tuple[Issued, ...]] = {
        "self-signed": (leaf(None),),
        "incomplete": (leaf(inter),),
        "incomplete-in-the-middle": (leaf(lower), lower),
        "unrelated-intermediate": (leaf(inter), lower),
        "wrong-order": (leaf(lower), upper, lower),
        "expired-leftover": (leaf(inter), inter, old),
        "unknown-issuer": (leaf(rogue), rogue),
        "unknown-root-not-sent": (leaf(rogue_inter), rogue_inter),
        "same-name-other-key": (leaf(authority("Test Root")),),
        "client-only": (leaf(inter, usage=CLIENT), inter),
        "path-too-long": (leaf(below), below, inter),
        "name-constraint": (leaf(constrained), constrained),
        "issuer-is-no-authority": (leaf(no_authority), no_authority),
        "intermediate-ending": (leaf(ending), ending),
        "intermediate-expired": (leaf(old), old),
        "weak-intermediate": (leaf(weak), weak),
        "inspected": (leaf(zscaler), zscaler),
        "vendor-site": (named,),
        "everything-wrong": (leaf(rogue, names=("other.example",), days=(-9, -1), key=rsa_key(1024)), rogue),
        "self-signed-expired-wrong-name": (leaf(None, names=("other.example",), days=(-9, -1)),),
    }  # fmt: skip
    return [
        Endpoint(name=name, files=pki.file(name, *chain), ciphers=ANY)
        for name, chain in chains.items()
    ]


def by_offer(pki: Pki) -> list[Endpoint]:
    """Faults of version and cipher, and what nginx does with client certificates."""
    files = pki.file("offer-rsa", leaf(pki.intermediate, key=rsa_key(2048)), pki.intermediate)
    (pki.folder / "dh1024.pem").write_text(SHORT_PRIME)
    mutual = [f"ssl_client_certificate {pki.folder}/root.crt;", "ssl_verify_depth 3;"]
    return [
        Endpoint(name="tls1.0", files=files, protocols="TLSv1", ciphers=ANY),
        Endpoint(name="tls1.1", files=files, protocols="TLSv1.1", ciphers=ANY),
        Endpoint(name="tls1.2", files=files, protocols="TLSv1.2"),
        Endpoint(name="tls1.3", files=files, protocols="TLSv1.3"),
        Endpoint(
            name="short-diffie-hellman",
            files=files,
            protocols="TLSv1.2",
            ciphers="DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
            body=[f"ssl_dhparam {pki.folder}/dh1024.pem;"],
        ),
        Endpoint(name="static-rsa", files=files, protocols="TLSv1.2", ciphers="AES128-GCM-SHA256"),
        Endpoint(name="sha1-mac", files=files, protocols="TLSv1.2", ciphers="AES128-SHA"),
        Endpoint(name="cbc", files=files, protocols="TLSv1.2", ciphers="ECDHE-RSA-AES128-SHA256"),
        Endpoint(name="null", files=files, protocols="TLSv1.2", ciphers="NULL-SHA256:@SECLEVEL=0"),
        Endpoint(
            name="prefers-cbc",
            files=files,
            protocols="TLSv1.2",
            ciphers="ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
            body=["ssl_prefer_server_ciphers on;"],
        ),
        Endpoint(
            name="no-usable-cipher",
            files=files,
            protocols="TLSv1.2",
            ciphers="ECDHE-ECDSA-AES128-GCM-SHA256",
        ),
        Endpoint(name="mutual-asks", files=files, body=[*mutual, "ssl_verify_client on;"]),
        Endpoint(name="unknown-name", files=files, body=["ssl_reject_handshake on;"]),
        Endpoint(name="plain-http"),
    ]
