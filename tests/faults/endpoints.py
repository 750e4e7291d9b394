"""Faulty TLS and HTTP endpoints on one real nginx, each with the one fault it must be called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import certificates as made
from tests.peers.nginx import Endpoint

SIGN_IN = 'location / { return 302 "http://portal.example.net/sign-in?next=x"; }'
OLD = "ALL:@SECLEVEL=0"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One endpoint and what it must be called; no fault makes it a healthy twin.

    scheme: of the target's URL. options: further TOML lines of the target.
    """

    endpoint: Endpoint
    fault: str | None
    scheme: str = "https"
    options: Sequence[str] = ()

    @property
    def id(self) -> str:
        return self.endpoint.name


def cases(folder: Path) -> tuple[Path, list[Case]]:
    """Return the CA file to trust and all cases; certificates are written into *folder*."""
    root = made.authority("Test Root")
    inter = made.authority("Test Intermediate", root)
    rogue = made.authority("Somebody Else")
    ca_file = folder / "ca.pem"
    ca_file.write_bytes(root.pem)
    good = made.write(folder, "good", made.leaf(inter), inter)
    rsa = made.write(folder, "rsa", made.leaf(inter, key=made.rsa_key(2048)), inter)

    def tls(name: str, fault: str, leaf: made.Issued, *chain: made.Issued, **more: str) -> Case:
        files = made.write(folder, name, leaf, *chain)
        return Case(endpoint=Endpoint(name=name, files=files, **more), fault=fault)

    def page(name: str, fault: str | None, *body: str, options: Sequence[str] = ()) -> Case:
        endpoint = Endpoint(name=name, files=good, body=body)
        return Case(endpoint=endpoint, fault=fault, options=options)

    def old(name: str, fault: str, protocols: str, ciphers: str) -> Case:
        endpoint = Endpoint(name=name, files=rsa, protocols=protocols, ciphers=ciphers)
        return Case(endpoint=endpoint, fault=fault)

    weak_key = made.leaf(inter, key=made.rsa_key(1024))
    return ca_file, [
        tls("expired", "tls.validity/expired", made.leaf(inter, days=(-60, -1)), inter),
        tls("not-yet", "tls.validity/not-yet-valid", made.leaf(inter, days=(2, 90)), inter),
        tls("expiring", "tls.validity/expires-too-soon", made.leaf(inter, days=(-30, 5)), inter),
        tls(
            "wrong-name",
            "tls.name/name-mismatch",
            made.leaf(inter, common_name="other.example", names=["other.example"]),
            inter,
        ),
        tls("no-names", "tls.name/name-mismatch", made.leaf(inter, names=[]), inter),
        tls("self-signed", "tls.trust/self-signed", made.leaf(None)),
        tls("unknown-issuer", "tls.trust/unknown-issuer", made.leaf(rogue), rogue),
        tls("incomplete", "tls.trust/incomplete-chain", made.leaf(inter)),
        tls("wrong-usage", "tls.trust/not-permitted", made.leaf(inter, usage=made.CLIENT), inter),
        tls(
            "weak-key",
            "tls.key/weak-key",
            weak_key,
            inter,
            ciphers=OLD,
        ),
        tls(
            "sha1",
            "tls.key/weak-signature",
            made.signed_with("sha1", inter, folder),
            inter,
            ciphers=OLD,
        ),
        old("tls10", "tls.version/too-old", "TLSv1", OLD),
        old("tls11", "tls.version/too-old", "TLSv1.1", OLD),
        old("weak-cipher", "tls.cipher/weak", "TLSv1.2", "AES128-SHA:@SECLEVEL=0"),
        Case(endpoint=Endpoint(name="not-tls"), fault="tls.handshake/not-tls", scheme="tls"),
        page("status", "http.status/unexpected-status", "location / { return 503; }"),
        page("moved", "http.content/unexpected-redirect", "location / { return 302 /other; }"),
        page(
            "loop",
            "http.content/unexpected-redirect",
            "location / { return 302 /; }",
            options=["follow = true"],
        ),
        page("portal", "http.content/captive-portal", SIGN_IN),
        page("needs-sign-on", "http.content/captive-portal", "location / { return 511; }"),
        page("other-text", "http.content/missing-text", options=['contains = "CCPOR"']),
        page(
            "too-large",
            "http.upload/too-large",
            "client_max_body_size 100k;",
            options=["upload_kb = 624"],
        ),
        page("slow-page", "http.latency/slow", options=["max_ms = 0.01"]),
        page("healthy", None, options=['contains = "ok"']),
        page(
            "healthy-upload",
            None,
            "client_max_body_size 2m;",
            "location / { client_body_buffer_size 2m; return 200 'stored'; }",
            options=["upload_kb = 624", 'contains = "stored"'],
        ),
        Case(endpoint=Endpoint(name="healthy-tls", files=rsa), fault=None, scheme="tls"),
        Case(endpoint=Endpoint(name="healthy-http"), fault=None, scheme="http"),
    ]
