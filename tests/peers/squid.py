"""Real squids: one process with a port for each way in which a proxy may treat a request."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.peers import lacking, listens, program, started
from tests.peers.certificates import Files
from tests.peers.nginx import free_ports

LIBRARY = Path("/usr/lib/squid")
ACCOUNT = ("clerk", "open-sesame")  # what the proxies that ask want to hear
SEVERAL_TRIES = 3


@dataclass(frozen=True, slots=True)
class Squid:
    """The proxies' URLs. `log` is what they were asked."""

    open: str
    basic: str
    digest: str
    ntlm: str  # offers nothing else
    only_443: str  # no tunnel to any other port, no page of any path "/forbidden"
    bumping: str  # opens TLS; "" without an authority to sign with
    log: Path


@contextlib.contextmanager
def squid(*, signer: Files | None = None, trusts: Path | None = None) -> Iterator[Squid]:
    """Serve until the block ends, from a folder of its own.

    signer: the authority of the proxy that opens TLS, certificate and key in one file each. trusts:
    certificates that it asks of the servers behind it.
    """
    # Not below pytest's folder: each new session closes that one to the account squid changes to.
    with tempfile.TemporaryDirectory(prefix="squid-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        with _serving(Path(made), signer, trusts) as running:
            yield running


@contextlib.contextmanager
def _serving(folder: Path, signer: Files | None, trusts: Path | None) -> Iterator[Squid]:
    (folder / "trusted.crt").write_bytes(trusts.read_bytes() if trusts else b"")
    command = [program("squid"), "-N", "-f", str(folder / "squid.conf")]
    if not (LIBRARY / "security_file_certgen").exists():
        lacking("needs squid built with OpenSSL; see .ci/install for the packages")
    _helpers(folder, signer)
    with contextlib.ExitStack() as running:
        for tries_left in reversed(range(SEVERAL_TRIES)):
            ports = free_ports(6)
            (folder / "squid.conf").write_text(_configuration(folder, ports, signer))
            _hand_over(folder)
            last = ports[-1] if signer else ports[-2]
            try:
                running.enter_context(
                    started(command, log=folder / "output.log", ready=lambda p=last: listens(p))  # type: ignore[misc]
                )
                break
            except AssertionError:
                if not tries_left:
                    raise
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        yield Squid(*urls[:5], urls[5] if signer else "", folder / "access.log")


def _helpers(folder: Path, signer: Files | None) -> None:
    """Write what squid's helpers read, with rights for the account they run as."""
    user, password = ACCOUNT
    crypt = subprocess.run(
        [program("openssl"), "passwd", "-apr1", password],
        capture_output=True, check=True, timeout=30, text=True,
    ).stdout.strip()  # fmt: skip
    (folder / "basic").write_text(f"{user}:{crypt}\n")
    (folder / "digest").write_text(f"{user}:{password}\n")
    if signer is None:
        return
    pem = signer.certificate.read_bytes() + signer.key.read_bytes()
    (folder / "signer.pem").write_bytes(pem)
    subprocess.run(
        [str(LIBRARY / "security_file_certgen"), "-c", "-s", str(folder / "made"), "-M", "4MB"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip


def _hand_over(folder: Path) -> None:
    """Give the folder to the account that squid changes to when it is started by root."""
    if os.geteuid() != 0:
        return
    import grp
    import pwd  # neither is there on Windows, where these tests' neighbours run

    user, group = pwd.getpwnam("proxy").pw_uid, grp.getgrnam("proxy").gr_gid
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, group)


def _configuration(folder: Path, ports: list[int], signer: Files | None) -> str:
    names = ("open", "basic", "digest", "ntlm", "only443", "bump")
    lines = [
        *(
            f"http_port 127.0.0.1:{port} name={name}"
            for name, port in zip(names[:5], ports[:5], strict=True)
        ),
        *(f"acl at_{name} myportname {name}" for name in names),
        "pid_filename none",
        f"access_log {folder}/access.log squid",
        f"cache_log {folder}/cache.log",
        f"coredump_dir {folder}",
        "cache deny all",
        "cache_mem 8 MB",
        "shutdown_lifetime 0 seconds",
        "visible_hostname proxy.court.test",
        "netdb_filename none",
        "pinger_enable off",
        "connect_timeout 20 seconds",
        "acl CONNECT method CONNECT",
        "acl port_443 port 443",
        "acl forbidden urlpath_regex ^/forbidden",
    ]
    if os.geteuid() == 0:
        lines += ["cache_effective_user proxy", "cache_effective_group proxy"]
    lines += _schemes(folder)
    if signer is not None:
        lines += _bumping(folder, ports[5])
    lines += [
        "http_access deny at_only443 CONNECT !port_443",
        "http_access deny at_only443 forbidden",
        "http_access allow at_open",
        "http_access allow at_only443",
        "http_access allow at_bump",
        "http_access allow known",
        "http_access deny all",
    ]
    return "\n".join(lines) + "\n"


def _schemes(folder: Path) -> list[str]:
    offers = {
        "basic": (f"basic_ncsa_auth {folder}/basic", "at_basic"),
        "digest": (f"digest_file_auth {folder}/digest", "at_digest"),
        "ntlm": ("ntlm_fake_auth", "at_ntlm"),
    }
    lines = []
    for scheme, (helper, _) in offers.items():
        lines += [
            f"auth_param {scheme} program {LIBRARY}/{helper}",
            f"auth_param {scheme} children 1 startup=1 idle=1",
        ]
        if scheme != "ntlm":
            lines.append(f"auth_param {scheme} realm court")
    lines += [f"auth_schemes {scheme} {where}" for scheme, (_, where) in offers.items()]
    return [*lines, "acl known proxy_auth REQUIRED"]


def _bumping(folder: Path, port: int) -> list[str]:
    trusted = folder / "trusted.crt"
    return [
        f"http_port 127.0.0.1:{port} name=bump ssl-bump generate-host-certificates=on "
        f"dynamic_cert_mem_cache_size=1MB tls-cert={folder}/signer.pem",
        f"sslcrtd_program {LIBRARY}/security_file_certgen -s {folder}/made -M 4MB",
        "sslcrtd_children 1 startup=1 idle=1",
        "acl step1 at_step SslBump1",
        "ssl_bump peek step1 at_bump",
        "ssl_bump bump at_bump",
        "ssl_bump splice all",
        *([f"tls_outgoing_options cafile={trusted}"] if trusted.stat().st_size else []),
    ]
