"""The tables of checks that this version cannot run: what may be written there is known today.

A misspelt key or a wrong value is found when the profile is written, not when the check comes.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Options
from ccpor_reporting.rules import Limit

Text = Annotated[str, Meta(min_length=1, max_length=200)]
FileName = Annotated[str, Meta(min_length=1, max_length=4096)]
Seconds = Annotated[float, Meta(gt=0, le=300)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Dpi = Annotated[int, Meta(ge=50, le=2400)]
# A pair beside a bounded number is a list of exactly two: a fixed tuple there makes msgspec 0.22
# read its length from the wrong place.
PercentLimit = Percent | Annotated[tuple[Percent, ...], Meta(min_length=2, max_length=2)]
DpiRange = (
    Dpi
    | Annotated[
        tuple[Dpi, ...], Meta(min_length=2, max_length=2, extra={"pair": ("lowest", "highest")})
    ]
)

PASSWORD_FILE = Meta(description='a file that holds the password, e.g. "password.txt"')


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


LATER_TABLES: dict[str, type[msgspec.Struct]] = {
    "snmp": SnmpKeys,
    "scanner": ScannerKeys,
}
