"""The tables of checks that this version cannot run: what may be written there is known today.

A misspelt key or a wrong value is found when the profile is written, not when the check comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_agent.profile.url import UrlInvalid, read_url
from ccpor_checks.base import Options, Refusal
from ccpor_reporting.rules import Limit

Text = Annotated[str, Meta(min_length=1, max_length=200)]
FileName = Annotated[str, Meta(min_length=1, max_length=4096)]
EnvironmentName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}\Z")]
Seconds = Annotated[float, Meta(gt=0, le=300)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Mtu = Annotated[int, Meta(ge=68, le=65535)]
Dpi = Annotated[int, Meta(ge=50, le=2400)]
# A pair beside a bounded number is a list of exactly two: a fixed tuple there makes msgspec 0.22
# read its length from the wrong place.
PercentLimit = Percent | Annotated[tuple[Percent, ...], Meta(min_length=2, max_length=2)]
MtuLimit = Mtu | Annotated[tuple[Mtu, ...], Meta(min_length=2, max_length=2)]
DpiRange = (
    Dpi
    | Annotated[
        tuple[Dpi, ...], Meta(min_length=2, max_length=2, extra={"pair": ("lowest", "highest")})
    ]
)

PASSWORD_FILE = Meta(description='a file that holds the password, e.g. "password.txt"')


class PathKeys(Options, frozen=True, kw_only=True):
    """``[target.path]``"""

    samples: Annotated[int, Meta(ge=1, le=10_000, description="packets sent, e.g. 30")] = 30
    max_rtt_p95_ms: Annotated[
        Limit, Meta(description="95th percentile of the round trips, e.g. [100, 200]")
    ] = (100.0, 200.0)
    max_loss_pct: Annotated[
        PercentLimit, Meta(description="packets lost of a hundred, e.g. [0.5, 1.0]")
    ] = (0.5, 1.0)
    max_jitter_ms: Annotated[Limit, Meta(description="e.g. [30, 50]")] = (30.0, 50.0)
    min_mtu: Annotated[
        MtuLimit, Meta(description="bytes of the largest packet that must pass, e.g. 1400")
    ] = 1400
    route: Annotated[bool, Meta(description="whether to name the hops on the way")] = True


class ProxyKeys(Options, frozen=True, kw_only=True):
    """``[target.proxy]``"""

    mode: Literal["system", "direct", "url", "pac"] = "system"
    url: Annotated[
        Text | None, Meta(description='without a password, e.g. "http://proxy.example.org:3128"')
    ] = None
    pac_url: Annotated[Text | None, Meta(description='e.g. "http://wpad.example.org/wpad.dat"')] = (
        None
    )
    username: Text | None = None
    password_file: Annotated[FileName | None, PASSWORD_FILE] = None

    def refusals(self) -> Iterator[Refusal]:
        """Yield URLs that are none, and a mode whose URL is lacking."""
        for key, text in (("url", self.url), ("pac_url", self.pac_url)):
            if text is not None and (wanted := _no_web_url(text)):
                yield Refusal((key,), wanted)
        if self.mode == "url" and self.url is None:
            yield Refusal(("mode",), 'write url = "http://HOST:PORT" beside it', beside="url")


def _no_web_url(text: str) -> str | None:
    """Return what to write in place of *text*, None where it is an http or https URL."""
    if not text.startswith(("http://", "https://")):
        return "write a URL that starts with http:// or https://"
    try:
        read_url(text)
    except UrlInvalid as exc:
        return exc.wanted
    return None


class SshKeys(Options, frozen=True, kw_only=True):
    """``[target.ssh]``"""

    host_key: Annotated[
        Annotated[str, Meta(pattern=r"^SHA256:[A-Za-z0-9+/]{43}=?\Z")] | None,
        Meta(
            description="SHA256: and 43 characters of base64, as ssh-keygen -lf prints it, "
            'e.g. "SHA256:x4QzPSC810K5/cMjb05Qm4k3Bw5zBn4lTdO/nEW/Td4"'
        ),
    ] = None
    username: Text | None = None
    password_file: Annotated[FileName | None, PASSWORD_FILE] = None
    password_env: Annotated[
        EnvironmentName | None,
        Meta(description='the name of an environment variable, e.g. "CCPOR_SFTP_PASSWORD"'),
    ] = None
    key_file: Annotated[
        FileName | None, Meta(description='a file that holds the private key, e.g. "id_ed25519"')
    ] = None
    timeout_s: Annotated[Seconds, Meta(description="seconds to wait, e.g. 10")] = 10.0


class SftpKeys(Options, frozen=True, kw_only=True):
    """``[target.sftp]``; the directory is the URL's path."""

    size_kb: Annotated[
        int, Meta(ge=1, le=1_000_000, description="kB written and read back, e.g. 624")
    ] = 624


class OrderKeys(Options, frozen=True, kw_only=True):
    """``[target.order]``: a staged order of synthetic pages."""

    pages: Annotated[int, Meta(ge=1, le=1000, description="pages of the order, e.g. 12")] = 12
    kb_per_page: Annotated[float, Meta(gt=0, le=100_000, description="e.g. 52")] = 52.0
    max_s: Annotated[Limit, Meta(description="seconds until it has arrived, e.g. [10, 20]")] = (
        10.0,
        20.0,
    )
    readback: Annotated[bool, Meta(description="whether to fetch and compare it")] = True


class SnmpKeys(Options, frozen=True, kw_only=True):
    """``[target.snmp]``; algorithms: RFC 3414, RFC 3826, RFC 7860."""

    version: Literal["v3", "v2c"] = "v3"
    community_file: Annotated[
        FileName | None, Meta(description='v2c: a file that holds the name, e.g. "community.txt"')
    ] = None
    user: Text | None = None
    auth: Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    auth_file: Annotated[FileName | None, PASSWORD_FILE] = None
    priv: Literal["DES", "AES", "AES-192", "AES-256"] = "AES"
    priv_file: Annotated[FileName | None, PASSWORD_FILE] = None
    interfaces: Annotated[
        tuple[Text, ...], Meta(max_length=200, description='names, e.g. ["eth0"]')
    ] = ()
    sample_s: Annotated[
        Seconds, Meta(description="seconds between two looks at the counters, e.g. 5")
    ] = 5.0
    max_utilisation_pct: Annotated[PercentLimit, Meta(description="e.g. [70, 90]")] = (70.0, 90.0)
    max_error_pct: Annotated[PercentLimit, Meta(description="e.g. [0.01, 0.1]")] = (0.01, 0.1)


class CapacityKeys(Options, frozen=True, kw_only=True):
    """``[target.capacity]``; without `required_mbit` the need comes from ``[workload]``."""

    mode: Literal["planned", "saturate"] = "planned"
    directions: Annotated[
        tuple[Literal["up", "down"], ...],
        Meta(min_length=1, max_length=2, description='["up"], ["down"] or both'),
    ] = ("up", "down")
    required_mbit: Annotated[
        Annotated[float, Meta(gt=0, le=100_000)] | None,
        Meta(description="Mbit/s that must be reached, e.g. 1.5"),
    ] = None
    max_megabytes: Annotated[
        Annotated[float, Meta(gt=0, le=100_000)] | None,
        Meta(description="megabytes after which to stop, e.g. 25"),
    ] = None
    max_seconds: Annotated[
        Seconds, Meta(description="seconds each way after which to stop, e.g. 10")
    ] = 10.0


class ScannerKeys(Options, frozen=True, kw_only=True):
    """``[target.scanner]``"""

    model: Annotated[Text | None, Meta(description='e.g. "fi-7160"')] = None
    source: Literal["feeder", "flatbed"] = "feeder"
    pages: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None,
        Meta(description="sheets that the sample must give, e.g. 2"),
    ] = None
    dpi: Annotated[
        DpiRange,
        Meta(description="dots per inch to accept: one number or a range, e.g. [200, 300]"),
    ] = (200, 300)
    mode: Literal["bilevel", "gray", "color"] = "bilevel"
    max_kb_per_page: Annotated[Limit, Meta(description="e.g. [60, 200]")] = (60.0, 200.0)
    max_skew_deg: Annotated[Limit, Meta(description="degrees a page may be turned, e.g. 2")] = 2.0
    driver_min_version: Annotated[Text | None, Meta(description='in quotes, e.g. "3.10"')] = None
    bitness: Annotated[
        Literal[32, 64] | None, Meta(description="of the driver, the scanning program's own")
    ] = None
    sample: Annotated[bool, Meta(description="whether to scan a page")] = True


class NoKeys(Options, frozen=True, kw_only=True):
    """A table that stands empty: naming the check is all there is to say."""


LATER_TABLES: dict[str, type[msgspec.Struct]] = {
    "path": PathKeys,
    "proxy": ProxyKeys,
    "ssh": SshKeys,
    "sftp": SftpKeys,
    "order": OrderKeys,
    "snmp": SnmpKeys,
    "capacity": CapacityKeys,
    "scanner": ScannerKeys,
    "link": NoKeys,
    "gateway": NoKeys,
}
