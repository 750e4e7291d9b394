"""A machine of a test's own making, looked at and judged by the real check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ccpor_checks.workstation import CHECK, look
from ccpor_checks.workstation.environment import Environment, environment
from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.posture import (
    AntimalwareFact,
    BannerFact,
    FirewallFact,
    LockFact,
    LockoutFact,
    PatchFact,
    ProgramFact,
    RadioFact,
    VolumeFact,
)
from ccpor_checks.workstation.system import (
    CryptoFact,
    DiskFact,
    InventoryFact,
    JoinFact,
    OsFact,
    ScreenFact,
)
from ccpor_reporting.judging import judge, planned_rules
from ccpor_reporting.model import Finding, Owner, TargetRef
from ccpor_reporting.rules import Setting

GB = 10**9
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DISK = DiskFact(path="C:\\", total_bytes=250 * GB, free_bytes=100 * GB)
OPENSSL = CryptoFact(module="OpenSSL 3.0.17", fips_mode=False)
WINDOWS_11 = OsFact(
    name="Windows 11 Professional 25H2",
    product="windows",
    version="26200",
    full_version="26200.7019",
    edition="Professional",
)
PC_17 = InventoryFact(
    name="pc-17",
    manufacturer="Acme",
    model="Desk 5",
    processor="AMD",
    logical_processors=4,
    memory_bytes=16 * GB,
    disks=(DISK,),
    interfaces=("Ethernet", "Wi-Fi"),
    join=JoinFact(kind="domain", name="court.example.org"),
    is_pending_reboot=False,
)
MENDED = PatchFact(
    source="Windows Update Agent",
    missing=(),
    known_on=date(2026, 11, 22),
    last_installed=date(2026, 11, 12),
    is_pending_reboot=False,
)
DEFENDER = AntimalwareFact(
    name="Microsoft Defender",
    is_on=True,
    is_real_time=True,
    signatures_on=date(2026, 11, 23),
    last_scan_on=date(2026, 11, 20),
)
LOCKS = LockFact(after_s=900, needs_password=True, source="policy")
LOCKS_OUT = LockoutFact(tries=5, within_s=900, lasts_s=0, source="local policy")
NOTICE = BannerFact(length=320, source="policy")
FIREWALL = tuple(
    FirewallFact(name=name, is_on=True, source="registry")
    for name in ("domain", "private", "public")
)
ENCRYPTED = VolumeFact(path="C:", is_encrypted=True, is_protected=True, method="XTS-AES-128")
EDGE = ProgramFact(product="edge", name="Microsoft Edge", version="156.0.4314.50", is_default=True)
READER = ProgramFact(product="acrobat-reader", name="Adobe Reader", version="26.001.21431")


@dataclass
class FakeSystem:
    """A healthy clerk's PC; a test replaces a fact, or gives the exception that telling it raises."""

    os_: OsFact | Exception = WINDOWS_11
    memory_: int | Exception = 16 * GB
    disk_: DiskFact | Exception = DISK
    screens_: tuple[ScreenFact, ...] | Exception = (
        ScreenFact(name="left", width_px=1024, height_px=768),
        ScreenFact(name="right", width_px=1920, height_px=1080),
    )
    wireless_: tuple[RadioFact, ...] | Exception = (RadioFact(name="Wi-Fi", up=False),)
    patch_: PatchFact | Exception = MENDED
    antimalware_: tuple[AntimalwareFact, ...] | Exception = (DEFENDER,)
    lock_: LockFact | Exception = LOCKS
    lockout_: LockoutFact | Exception = LOCKS_OUT
    banner_: BannerFact | Exception = NOTICE
    firewall_: tuple[FirewallFact, ...] | Exception = FIREWALL
    encryption_: tuple[VolumeFact, ...] | Exception = (ENCRYPTED,)
    browser_: tuple[ProgramFact, ...] | Exception = (EDGE,)
    pdf_: tuple[ProgramFact, ...] | Exception = (READER, EDGE)
    crypto_: CryptoFact | Exception = OPENSSL
    inventory_: InventoryFact | Exception = PC_17

    def os(self) -> OsFact:
        return told(self.os_)

    def memory_bytes(self) -> int:
        return told(self.memory_)

    def disk(self) -> DiskFact:
        return told(self.disk_)

    def screens(self) -> tuple[ScreenFact, ...]:
        return told(self.screens_)

    def wireless(self) -> tuple[RadioFact, ...]:
        return told(self.wireless_)

    def patch(self) -> PatchFact:
        return told(self.patch_)

    def antimalware(self) -> tuple[AntimalwareFact, ...]:
        return told(self.antimalware_)

    def lock(self) -> LockFact:
        return told(self.lock_)

    def lockout(self) -> LockoutFact:
        return told(self.lockout_)

    def banner(self) -> BannerFact:
        return told(self.banner_)

    def firewall(self) -> tuple[FirewallFact, ...]:
        return told(self.firewall_)

    def encryption(self) -> tuple[VolumeFact, ...]:
        return told(self.encryption_)

    def browser(self) -> tuple[ProgramFact, ...]:
        return told(self.browser_)

    def pdf(self) -> tuple[ProgramFact, ...]:
        return told(self.pdf_)

    def crypto(self) -> CryptoFact:
        return told(self.crypto_)

    def inventory(self) -> InventoryFact:
        return told(self.inventory_)


def told(fact: Any) -> Any:
    if isinstance(fact, Exception):
        raise fact
    return fact


class Judged(dict[str, Finding]):
    """Findings by code."""

    @property
    def outcome(self) -> dict[str, tuple[str, str | None]]:
        """Code to status and reason, ``workstation.`` left out."""
        return {
            code.removeprefix("workstation."): (finding.status.value, finding.reason)
            for code, finding in self.items()
        }

    @property
    def not_passed(self) -> dict[str, tuple[str, str | None, str]]:
        """Subject to status, reason and severity of everything that is no pass."""
        return {
            code.removeprefix("workstation."): (
                finding.status.value,
                finding.reason,
                finding.severity.value,
            )
            for code, finding in self.items()
            if finding.status != "pass"
        }


def judged(
    evidence: WorkstationEvidence, options: WorkstationOptions, go_live: date | None = None
) -> Judged:
    """Return the findings of the planned rules."""
    found = judge(
        check="workstation",
        rules=planned_rules(CHECK.rules, options),
        staged=CHECK.staged,
        target=TargetRef(
            id="pc", title="", url="workstation:", why="", owner=Owner.COURT_IT, required=True
        ),
        options=options,
        evidence=evidence,
        ending=None,
        setting=Setting(observed_at=NOW, go_live=go_live),
    )
    return Judged({finding.code: finding for finding in found.findings})


Assess = Callable[..., Judged]


@pytest.fixture
def assess() -> Assess:
    """Judge a healthy PC with the facts given in place of its own."""

    def assessed(
        *,
        go_live: date | None = None,
        listed: Environment | None = None,
        options: WorkstationOptions | None = None,
        **facts: object,
    ) -> Judged:
        system = FakeSystem(**{f"{name}_": fact for name, fact in facts.items()})  # type: ignore[arg-type]
        asked = options or WorkstationOptions()
        return judged(look(system, asked, listed or environment()), asked, go_live)

    return assessed
