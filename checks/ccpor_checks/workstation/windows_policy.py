r"""Screen lock, lockout and the notice before sign-in, from the values that policies write.

Source: Microsoft, policy values of ControlPanelDisplay.admx ("Screen saver timeout", "Password
protect the screen saver"), "Interactive logon: Machine inactivity limit", "Interactive logon:
Message text for users attempting to log on", DeviceLock of the Policy CSP, power settings of
Power.admx, "USER_MODALS_INFO_3".
"""

from __future__ import annotations

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.posture import BannerFact, LockFact, LockoutFact
from ccpor_checks.workstation.windows_doors import Calls
from ccpor_checks.workstation.windows_values import Values

SYSTEM_POLICY = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
WINLOGON = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
DEVICE_LOCK = r"SOFTWARE\Microsoft\PolicyManager\current\device\DeviceLock"
DESKTOP_POLICY = r"Software\Policies\Microsoft\Windows\Control Panel\Desktop"
DESKTOP = r"Control Panel\Desktop"
POWER = r"SOFTWARE\Policies\Microsoft\Power\PowerSettings"
SLEEP_AFTER = POWER + r"\29f6c1db-86da-48c5-9fdb-f2b67b1f44da"
PASSWORD_ON_WAKE = POWER + r"\0e796bdb-100d-47d6-a2d5-f7d2daa51f51"
ON_MAINS = "ACSettingIndex"
ACCESS_DENIED, FOREVER = 5, 0xFFFFFFFF  # TIMEQ_FOREVER


def lock_fact(values: Values, calls: Calls) -> LockFact:
    """Return the first way by which an idle screen locks; one with a password counts before others.

    Raises:
        CannotObserve: The settings are those of the person who signs in, and we run as a service.
    """
    ways = list(_machine_ways(values))
    if _is_service(calls):
        if not ways:
            raise CannotObserve(
                "the screen lock is a setting of the person who signs in, and the agent runs as a "
                "service; run it as the clerk"
            )
    else:
        ways += _screen_saver(values)
    if not ways:
        return LockFact(after_s=None, needs_password=None, source="screen saver and policies")
    return min(ways, key=lambda way: (not way.needs_password, way.after_s or 0))


def _is_service(calls: Calls) -> bool:
    try:
        return calls.is_service_account()
    except OSError:
        return False  # a service account can read its own token


def _machine_ways(values: Values) -> list[LockFact]:
    seconds = values.number(SYSTEM_POLICY, "InactivityTimeoutSecs") or 0
    minutes = values.number(DEVICE_LOCK, "MaxInactivityTimeDeviceLock") or 0
    sleep = values.number(SLEEP_AFTER, ON_MAINS) or 0
    asks = values.number(PASSWORD_ON_WAKE, ON_MAINS) == 1
    told = (
        (seconds, "policy: machine inactivity limit"),
        (minutes * 60, "device management: MaxInactivityTimeDeviceLock"),
        (sleep if asks else 0, "policy: sleep, with a password on waking"),
    )
    return [
        LockFact(after_s=after, needs_password=True, source=source)
        for after, source in told
        if after > 0
    ]


def _screen_saver(values: Values) -> list[LockFact]:
    """Return the screen saver where one would start; policy stands before the user's own value."""

    def setting(name: str) -> str | None:
        return values.text(DESKTOP_POLICY, name, "user") or values.text(DESKTOP, name, "user")

    program = setting("SCRNSAVE.EXE")
    if setting("ScreenSaveActive") != "1" or program is None or program.lower() == "(none)":
        return []
    after = setting("ScreenSaveTimeOut") or ""
    if not after.isdecimal():
        raise CannotObserve("a screen saver is on, and when it starts is not in the registry")
    if int(after) == 0:
        return []
    is_policy = values.text(DESKTOP_POLICY, "ScreenSaveTimeOut", "user") is not None
    return [
        LockFact(
            after_s=int(after),
            needs_password=setting("ScreenSaverIsSecure") == "1",
            source="policy: screen saver" if is_policy else "the user's screen saver",
        )
    ]


def lockout_fact(calls: Calls) -> LockoutFact:
    """Return after how many wrong passwords an account of this machine locks.

    Raises:
        CannotObserve: Windows does not tell this user.
    """
    try:
        told = calls.lockout()
    except OSError as exc:
        code = getattr(exc, "winerror", None) or exc.errno
        right = "it needs the right to read the account policy, which every signed-in user has"
        words = right if code == ACCESS_DENIED else "look at `net accounts` by hand"
        raise CannotObserve(
            f"Windows does not tell its account policy (error {code}); {words}"
        ) from (exc)
    return LockoutFact(
        tries=told.threshold or None,
        within_s=told.window_s if told.threshold else None,
        lasts_s=(0 if told.duration_s == FOREVER else told.duration_s) if told.threshold else None,
        source="this machine's account policy",
    )


def banner_fact(values: Values) -> BannerFact:
    """Return how long the notice before sign-in is; nothing of what it says."""
    for key, source in ((SYSTEM_POLICY, "security policy"), (WINLOGON, "Winlogon")):
        text = values.text(key, "legalnoticetext")
        if text:
            return BannerFact(length=len(text), source=source)
    return BannerFact(length=0, source="security policy")
