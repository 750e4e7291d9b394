r"""Which security updates this Windows lacks, by its own update agent and the list that it holds.

The search is offline: it compares this machine with the list that Windows fetched last, from
Microsoft or from the court's own server, and `known_on` is the day of that list. A cumulative
update takes the place of the ones before it, so `released` is that of the newest.

Source: Microsoft, "IUpdateSearcher.Search", "IUpdate.MsrcSeverity", "IUpdateHistoryEntry",
"IAutomaticUpdatesResults"; category ids of "Update classifications" (WSUS).
"""

from __future__ import annotations

from datetime import date

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.posture import MissingPatch, PatchFact, PatchSeverity
from ccpor_checks.workstation.windows_com import ComFailed
from ccpor_checks.workstation.windows_doors import Com, Offered, Update, Updates
from ccpor_checks.workstation.windows_values import Values

SOURCE = "Windows Update Agent"
LIMIT_S = 60.0
SECURITY_UPDATES = "0fa1201d-4330-4fa8-8ae9-b877473b6441"
DEFINITIONS = "e0789628-ce08-4437-be74-2495b842f43b"
SUCCEEDED, WITH_ERRORS = 2, 3  # OperationResultCode
INSTALLATION = 1  # UpdateOperation
SEVERITY: dict[str, PatchSeverity] = {
    "critical": "critical",
    "important": "important",
    "moderate": "moderate",
    "low": "low",
}
CURRENT_VERSION = r"SOFTWARE\Microsoft\Windows\CurrentVersion"
COMPONENTS_WAIT = CURRENT_VERSION + r"\Component Based Servicing\RebootPending"
UPDATES_WAIT = CURRENT_VERSION + r"\WindowsUpdate\Auto Update\RebootRequired"
SESSION_MANAGER = r"SYSTEM\CurrentControlSet\Control\Session Manager"


def patch_fact(com: Com, values: Values) -> PatchFact:
    """Return what is missing.

    Raises:
        CannotObserve: The agent gives no answer, or half of one.
    """
    try:
        told = com.updates(LIMIT_S)
    except ComFailed as exc:
        raise exc.seen_from("Windows Update (service wuauserv)") from None
    if told.result != SUCCEEDED:
        raise CannotObserve(
            f"Windows Update searched its list only in part (result {told.result}); let it search "
            "again in Settings, Windows Update"
        )
    return PatchFact(
        source=SOURCE,
        missing=missing(told),
        known_on=told.searched,
        last_installed=max(
            (on for each in told.history if (on := installed_on(each))), default=None
        ),
        is_pending_reboot=_is_pending_reboot(values),
    )


def _is_pending_reboot(values: Values) -> bool | None:
    """Return the same without an exception: the list of updates is worth more than this."""
    try:
        return is_pending_reboot(values)
    except (CannotObserve, OSError):
        return None


def missing(told: Updates) -> tuple[MissingPatch, ...]:
    return tuple(
        MissingPatch(name=each.title, severity=severity(each.severity), released=each.changed)
        for each in told.offered
        if is_security(each)
    )


def is_security(offered: Offered) -> bool:
    """Say whether an update mends security: by its class, or because it has a severity.

    Definitions of Defender are no patch: `antimalware` tells their age.
    """
    if DEFINITIONS in offered.categories:
        return False
    return SECURITY_UPDATES in offered.categories or severity(offered.severity) != "unspecified"


def severity(text: str) -> PatchSeverity:
    """Return MSRC's severity; cumulative updates often carry none."""
    return SEVERITY.get(text.strip().lower(), "unspecified")


def installed_on(line: Update) -> date | None:
    """Return the day on which *line* put an update in; None: it did not, or only definitions."""
    if line.operation != INSTALLATION or line.result not in {SUCCEEDED, WITH_ERRORS}:
        return None
    if line.categories is None or DEFINITIONS in line.categories:
        return None
    return line.on


def is_pending_reboot(values: Values) -> bool:
    """Say whether something installed waits for a restart.

    Files that are only to be removed at the next start (any program leaves some) do not count.
    """
    if values.has(COMPONENTS_WAIT) or values.has(UPDATES_WAIT):
        return True
    pairs = values.raw(SESSION_MANAGER, "PendingFileRenameOperations")
    lines = pairs.split("\n") if isinstance(pairs, str) else []
    return any(target.strip() for target in lines[1::2])
