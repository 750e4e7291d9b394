r"""Protection against harmful programs, and firewalls: Windows' own and those registered with it.

On clients the Security Center lists products; a server has none. Of Defender its own WMI class
tells all that a user may know; without COM the registry tells most of it.

Source: Microsoft, "MSFT_MpComputerStatus", "WSC_SECURITY_PRODUCT_STATE"; policy values of
WindowsDefender.admx and WindowsFirewall.admx. The bits of productState are what Windows' own
IWSCProduct returns for it: 0x1000 on, 0x2000 snoozed, 0x3000 expired; 0x10 signatures out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.posture import AntimalwareFact, FirewallFact
from ccpor_checks.workstation.windows_com import NO_NAMESPACE, NOT_THERE, ComFailed
from ccpor_checks.workstation.windows_doors import Calls, Cell, Com
from ccpor_checks.workstation.windows_values import Values

LIMIT_S = 20.0
SECURITY_CENTER, DEFENDERS_WMI = r"root\SecurityCenter2", r"root\Microsoft\Windows\Defender"
STATE_MASK, STATE_ON, OUT_OF_DATE = 0xF000, 0x1000, 0x10
DEFENDER = "Microsoft Defender Antivirus"
DEFENDERS_ID = (
    "{d68ddc3a-831f-4fae-9e44-da132c1acf46}"  # of Windows Defender in the Security Center
)
DEFENDER_KEY = r"SOFTWARE\Microsoft\Windows Defender"
DEFENDER_POLICY = r"SOFTWARE\Policies\Microsoft\Windows Defender"
STATUS = (
    "AMServiceEnabled",
    "AntivirusEnabled",
    "RealTimeProtectionEnabled",
    "AntivirusSignatureLastUpdated",
    "QuickScanEndTime",
    "FullScanEndTime",
    "AMProductVersion",
)
FIREWALL = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
FIREWALL_POLICY = r"SOFTWARE\Policies\Microsoft\WindowsFirewall"
# Name for people, key of the machine's own setting, keys of the policies in order of weight.
PROFILES = (
    ("domain", "DomainProfile", ("DomainProfile",)),
    ("private", "StandardProfile", ("PrivateProfile", "StandardProfile")),
    ("public", "PublicProfile", ("PublicProfile",)),
)
CENTER = "the Security Center (service wscsvc)"
NO_STAND_IN = "Windows' firewall is off, and whether another one stands in for it is not told"
SERVER_WORDS = (
    "Windows Server has no Security Center, and Defender does not guard it; look by hand which "
    "product does"
)


def antimalware_facts(
    com: Com, values: Values, calls: Calls, *, is_server: bool
) -> tuple[AntimalwareFact, ...]:
    """Return every product, Defender last.

    Raises:
        CannotObserve: Neither the Security Center nor Defender can be seen.
    """
    # A server may have others, though nobody lists them.
    listed, hidden, may_be_others = _NO_CENTER if is_server else _listed(com)
    found = tuple(product(each) for each in listed if not _is_defender(each))
    own = defender(com, values, calls)
    if own is None:
        found += tuple(product(each) for each in listed if _is_defender(each))
    else:
        found += (own,)
    guards = any(each.is_on and each.is_real_time for each in found)
    if hidden is None or guards or (found and not may_be_others):
        return found
    if found:
        raise CannotObserve(f"{found[-1].name} is off, and others are not told: {hidden}")
    raise hidden


Listed = tuple[tuple[dict[str, Cell], ...], CannotObserve | None, bool]
_NO_CENTER: Listed = ((), CannotObserve(SERVER_WORDS), True)


def _listed(com: Com) -> Listed:
    """Return the Security Center's products, why they cannot be seen, and whether some may be."""
    names = ("displayName", "instanceGuid", "productState")
    try:
        return com.rows(SECURITY_CENTER, "AntiVirusProduct", names, LIMIT_S), None, False
    except ComFailed as exc:
        return (), exc.seen_from(CENTER), exc.code not in NO_NAMESPACE | NOT_THERE
    except CannotObserve as exc:
        return (), exc, True


def _is_defender(row: Mapping[str, Cell]) -> bool:
    return str(row.get("instanceGuid")).lower() == DEFENDERS_ID


def product(row: Mapping[str, Cell]) -> AntimalwareFact:
    """Return a product as the Security Center knows it: its state, but not its signatures' day."""
    state = row.get("productState")
    on = is_on(state) if isinstance(state, int) else None
    return AntimalwareFact(
        name=str(row.get("displayName") or "a product without a name"),
        is_on=on,
        is_real_time=on,  # what the Security Center calls on is protection in real time
        are_signatures_current=not state & OUT_OF_DATE if isinstance(state, int) else None,
    )


def is_on(state: int) -> bool:
    """Say whether productState means on; off, snoozed and expired are not."""
    return state & STATE_MASK == STATE_ON


def defender(com: Com, values: Values, calls: Calls) -> AntimalwareFact | None:
    """Return Defender's state; None where this Windows has none.

    Raises:
        CannotObserve: It is there and keeps everything to itself.
    """
    try:
        service = calls.service("WinDefend")
    except OSError as exc:
        number = getattr(exc, "winerror", None) or exc.errno
        raise CannotObserve(
            f"Windows does not say whether Defender's service WinDefend runs (error {number})"
        ) from exc
    if service == "missing":
        return None
    try:
        rows = com.rows(DEFENDERS_WMI, "MSFT_MpComputerStatus", STATUS, LIMIT_S)
    except (CannotObserve, ComFailed):
        rows = ()
    if rows and isinstance(rows[0].get("AntivirusEnabled"), bool):
        return _by_its_own_words(rows[0])
    return _by_registry(values, is_running=service == "running")


def _by_its_own_words(row: Mapping[str, Cell]) -> AntimalwareFact:
    on = bool(row["AntivirusEnabled"])
    real_time = row.get("RealTimeProtectionEnabled")
    scans = [cim_day(row.get(name)) for name in ("QuickScanEndTime", "FullScanEndTime")]
    version = row.get("AMProductVersion")
    return AntimalwareFact(
        name=DEFENDER,
        is_on=on,
        is_real_time=real_time if isinstance(real_time, bool) else None,
        signatures_on=cim_day(row.get("AntivirusSignatureLastUpdated")),
        last_scan_on=max(filter(None, scans), default=None),
        version=version if isinstance(version, str) else None,
    )


def _by_registry(values: Values, *, is_running: bool) -> AntimalwareFact:
    is_disabled = any(
        _is_set(values, "", name) for name in ("DisableAntiSpyware", "DisableAntiVirus")
    )
    blind = _is_set(values, r"\Real-Time Protection", "DisableRealtimeMonitoring")
    on = is_running and not is_disabled
    signatures = DEFENDER_KEY + r"\Signature Updates"
    return AntimalwareFact(
        name=DEFENDER,
        is_on=on,
        is_real_time=on and not blind,
        signatures_on=values.day(signatures, "AVSignatureApplied")
        or values.day(signatures, "SignaturesLastUpdated"),
        last_scan_on=values.day(DEFENDER_KEY + r"\Scan", "LastScanRun"),
        version=values.text(signatures, "EngineVersion"),
    )


def _is_set(values: Values, below: str, name: str) -> bool:
    """Return a switch: the policy's where it has one, else the machine's own; absent is off."""
    for key in (DEFENDER_POLICY, DEFENDER_KEY):
        number = values.number(key + below, name)
        if number is not None:
            return number != 0
    return False


def cim_day(value: Cell) -> date | None:
    """Return the day of a CIM datetime, ``20261123081233.000000+000``."""
    text = value if isinstance(value, str) else ""
    if not text[:8].isdecimal() or len(text) < 25:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def firewall_facts(
    com: Com, values: Values, calls: Calls, *, is_server: bool
) -> tuple[FirewallFact, ...]:
    """Return each profile of Windows' firewall; another firewall stands in for those that are off.

    Raises:
        CannotObserve: A profile's setting is nowhere, or whether another firewall stands in for
            one that is off cannot be seen.
    """
    own = _profiles(values, calls)
    if all(each.is_on for each in own):
        return own
    others = _other_firewalls(com, is_server)
    if not others:
        return own
    return (*others, *(each for each in own if each.is_on))


def _profiles(values: Values, calls: Calls) -> tuple[FirewallFact, ...]:
    try:
        service = calls.service("MpsSvc")
    except OSError as exc:
        number = getattr(exc, "winerror", None) or exc.errno
        raise CannotObserve(
            f"Windows does not say whether its firewall's service MpsSvc runs (error {number})"
        ) from exc
    if service == "missing":
        raise CannotObserve("this system has no Windows firewall (service MpsSvc is not there)")
    if service == "stopped":
        source = "the service MpsSvc is stopped"
        return tuple(FirewallFact(name=name, is_on=False, source=source) for name, *_ in PROFILES)
    return tuple(_profile(values, *each) for each in PROFILES)


def _profile(values: Values, name: str, own: str, policies: tuple[str, ...]) -> FirewallFact:
    places = (
        *((f"{FIREWALL_POLICY}\\{each}", "group policy") for each in policies),
        (f"{FIREWALL}\\Mdm\\{own}", "device management"),
        (f"{FIREWALL}\\{own}", "this machine's setting"),
    )
    for key, source in places:
        number = values.number(key, "EnableFirewall")
        if number is not None:
            return FirewallFact(name=name, is_on=number != 0, source=source)
    raise CannotObserve(
        f"the firewall's setting for the {name} profile is not in the registry (EnableFirewall)"
    )


def _other_firewalls(com: Com, is_server: bool) -> tuple[FirewallFact, ...]:
    """Return the firewalls that are registered and on; () where nothing can be registered."""
    if is_server:
        return ()
    try:
        rows = com.rows(
            SECURITY_CENTER, "FirewallProduct", ("displayName", "productState"), LIMIT_S
        )
    except ComFailed as exc:
        if exc.code in NO_NAMESPACE | NOT_THERE:
            return ()
        raise CannotObserve(f"{NO_STAND_IN}: {exc.seen_from(CENTER)}") from None
    except CannotObserve as exc:
        raise CannotObserve(f"{NO_STAND_IN}: {exc}") from exc
    return tuple(
        FirewallFact(
            name=str(row.get("displayName") or "another"), is_on=True, source="the Security Center"
        )
        for row in rows
        if isinstance(state := row.get("productState"), int) and is_on(state)
    )
