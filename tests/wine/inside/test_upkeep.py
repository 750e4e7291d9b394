"""Updates, disks, programs and inventory, good and bad, by real doors: registry, files and COM."""

from __future__ import annotations

import contextlib
import sys
import time
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any

import pytest

from ccpor_checks.workstation import windows_patch
from ccpor_checks.workstation.windows_patch import (
    COMPONENTS_WAIT,
    DEFINITIONS,
    SECURITY_UPDATES,
    SESSION_MANAGER,
)
from ccpor_checks.workstation.windows_programs import (
    APP_PATHS,
    EDGE,
    FIREFOX,
    HTTPS,
    PDF_FILES,
    UNINSTALL,
)
from ccpor_checks.workstation.windows_volumes import NAMESPACE as BITLOCKER
from tests.checks.workstation.conftest import NOW
from tests.wine.inside.fake_com import answering
from tests.wine.inside.looking import (
    NOT_VISIBLE,
    PASS,
    WBEM_E_ACCESS_DENIED,
    Outcome,
    looked,
    outcome,
    words,
)
from tests.wine.inside.machine import registry

TODAY = NOW.date()
VERSIONED = r"C:\windows\system32\kernel32.dll"  # of "Windows" 10.0, not of any browser


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


# Updates

CUMULATIVE = "2026-09 Cumulative Update for Windows 11"


def missing(days: int, severity: str = "Critical") -> list[tuple[str, str, list[str], date]]:
    return [(CUMULATIVE, severity, [SECURITY_UPDATES], days_ago(days))]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, PASS),
        ({"updates": missing(3)}, PASS),
        ({"updates": missing(40)}, ("fail", "outdated")),
        ({"updates": missing(40, "")}, ("fail", "outdated")),
        ({"updates": [("Definitions", "", [DEFINITIONS], days_ago(99))]}, PASS),
        ({"searched": days_ago(60)}, NOT_VISIBLE),
        ({"searched": None}, NOT_VISIBLE),
        ({"result": 3}, NOT_VISIBLE),
        ({"fails": 0x80070422}, NOT_VISIBLE),
    ],
    ids=[
        "none missing",
        "young",
        "old",
        "old and unrated",
        "definitions are no patch",
        "old list",
        "no list",
        "searched in part",
        "service disabled",
    ],
)
def test_updates_are_told_by_the_update_agent(answers: dict[str, Any], expected: Outcome) -> None:
    """By COM, offline; the class of ours refuses a search that would go onto the wire."""
    history = [(days_ago(12), 1, 2, [SECURITY_UPDATES]), (days_ago(0), 1, 2, [DEFINITIONS])]

    told = {"searched": days_ago(1), "history": history} | answers
    assert outcome("patch", answering(**told)) == expected


def test_the_last_installation_is_no_definition_and_no_failure() -> None:
    """Definitions come several times a day and would hide that nothing else does."""
    history = [
        (days_ago(0), 1, 2, [DEFINITIONS]),
        (days_ago(2), 1, 4, [SECURITY_UPDATES]),
        (days_ago(3), 2, 2, [SECURITY_UPDATES]),
        (days_ago(40), 1, 2, [SECURITY_UPDATES]),
    ]
    with answering(searched=TODAY, history=history):
        patch = looked("patch")[0].patch

    assert patch is not None
    assert (patch.last_installed, patch.known_on) == (days_ago(40), TODAY)


def test_an_update_agent_that_does_not_answer_is_left_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search takes minutes on a tired machine; the words say how long we waited."""
    monkeypatch.setattr(windows_patch, "LIMIT_S", 0.5)
    with answering(searched=TODAY, wait_s=2.0):
        said = words("patch")
        time.sleep(2.0)  # its class must not vanish under it

    assert "Windows Update did not answer in 0.5 s" in said


@pytest.mark.parametrize(
    ("key", "values", "pending"),
    [
        (COMPONENTS_WAIT, {}, True),
        (
            SESSION_MANAGER,
            {"PendingFileRenameOperations": [r"\??\C:\new.dll", r"!\??\C:\old.dll"]},
            True,
        ),
        (SESSION_MANAGER, {"PendingFileRenameOperations": [r"\??\C:\Temp\x", ""]}, False),
    ],
    ids=["components", "a file to be replaced", "only a file to be removed"],
)
def test_a_pending_restart_is_told(key: str, values: dict[str, Any], pending: bool) -> None:
    """Any program leaves files to be removed; those mend nothing."""
    with registry(key, **values), answering(searched=TODAY):
        evidence, found = looked("patch")

    assert evidence.patch is not None
    assert evidence.patch.is_pending_reboot is pending
    assert found.outcome["patch"] == (("fail", "outdated") if pending else PASS)


def test_without_pywin32_com_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent installed by hand may lack it; it is named, and nothing is guessed."""
    monkeypatch.setitem(sys.modules, "pythoncom", None)

    assert "pywin32" in words("patch")
    assert outcome("patch") == outcome("antimalware") == outcome("encryption") == NOT_VISIBLE


# Disks


def volumes(**told: object) -> AbstractContextManager[None]:
    """Both of Wine's drives: C: and the root of the file system."""
    rows = [{"DriveLetter": letter} | told for letter in ("C:", "Z:")]
    return answering(rows={BITLOCKER: {"Win32_EncryptableVolume": rows}})


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: volumes(ProtectionStatus=1, ConversionStatus=1, EncryptionMethod=7), PASS),
        (
            lambda: volumes(ProtectionStatus=0, ConversionStatus=0, EncryptionMethod=0),
            ("fail", "off"),
        ),
        (
            lambda: volumes(ProtectionStatus=0, ConversionStatus=1, EncryptionMethod=6),
            ("fail", "weak"),
        ),
        (lambda: volumes(ProtectionStatus=0), NOT_VISIBLE),
        (
            lambda: answering(rows={BITLOCKER: WBEM_E_ACCESS_DENIED}, shell={"C:\\": 1, "Z:\\": 1}),
            PASS,
        ),
        (
            lambda: answering(rows={BITLOCKER: WBEM_E_ACCESS_DENIED}, shell={"C:\\": 1, "Z:\\": 2}),
            ("fail", "off"),
        ),
        (
            lambda: answering(rows={BITLOCKER: WBEM_E_ACCESS_DENIED}, shell={"C:\\": 5, "Z:\\": 1}),
            ("fail", "weak"),
        ),
        (lambda: answering(rows={BITLOCKER: WBEM_E_ACCESS_DENIED}, shell={"C:\\": 1}), NOT_VISIBLE),
        (
            lambda: answering(rows={BITLOCKER: WBEM_E_ACCESS_DENIED}, shell={"C:\\": 0, "Z:\\": 1}),
            NOT_VISIBLE,
        ),
    ],
    ids=[
        "on",
        "off",
        "suspended",
        "half told",
        "on, by the shell",
        "one drive off, by the shell",
        "suspended, by the shell",
        "one drive not told",
        "a number without meaning",
    ],
)
def test_bitlocker_is_told_by_wmi_or_by_the_shell(made: Any, expected: Outcome) -> None:
    """A clerk has no right to the first, and the second tells on and off."""
    assert outcome("encryption", made()) == expected


def test_the_method_and_the_missing_right_are_named() -> None:
    with volumes(ProtectionStatus=1, ConversionStatus=1, EncryptionMethod=7):
        facts = looked("encryption")[0].encryption or ()
    with answering(rows={BITLOCKER: WBEM_E_ACCESS_DENIED}):
        said = words("encryption")

    assert {fact.method for fact in facts} == {"XTS-AES-256"}
    assert "administrator" in said


# Programs


def test_the_programs_own_file_tells_its_version() -> None:
    """The updater's number runs ahead of the program until it is started again."""
    ahead = EDGE.versions[0]
    made = (
        registry(rf"{APP_PATHS}\msedge.exe", **{"": f'"{VERSIONED}"'}),
        registry(ahead[1], pv="999.0.1.1"),
        registry(rf"{HTTPS}\UserChoice", "user", ProgId="MSEdgeHTM"),
    )
    with contextlib.ExitStack() as stack:
        for each in made:
            stack.enter_context(each)
        evidence, found = looked("browser")

    (edge,) = evidence.browser or ()
    assert edge.program.version.startswith("10.0.")
    assert edge.program.is_default is True
    assert found.outcome["browser"] == ("fail", "outdated")


@pytest.mark.parametrize(
    ("key", "hive", "values", "expected"),
    [
        (EDGE.versions[0][1], "machine", {"pv": "999.0.1.1"}, PASS),
        (FIREFOX.versions[1][1], "machine", {"CurrentVersion": "999.0 (x64 en-US)"}, PASS),
        (
            rf"{UNINSTALL}\Google Chrome",
            "user",
            {"DisplayName": "Google Chrome", "DisplayVersion": "90.0.4430.93"},
            ("fail", "outdated"),
        ),
        (rf"{APP_PATHS}\chrome.exe", "machine", {"": r"C:\gone\chrome.exe"}, ("fail", "missing")),
    ],
    ids=["the updater's number", "Firefox' key", "the user's own list", "a path left over"],
)
def test_browsers_leave_other_traces(
    key: str, hive: Any, values: dict[str, Any], expected: Outcome
) -> None:
    assert outcome("browser", registry(key, hive, **values)) == expected


def test_the_program_for_pdf_files_is_told() -> None:
    """Adobe's by its file, and which one the person chose."""
    made = (
        registry(rf"{APP_PATHS}\Acrobat.exe", **{"": VERSIONED}),
        registry(EDGE.versions[0][1], pv="999.0.1.1"),
        registry(rf"{PDF_FILES}\UserChoice", "user", ProgId="Acrobat.Document.DC"),
    )
    with contextlib.ExitStack() as stack:
        for each in made:
            stack.enter_context(each)
        evidence, _ = looked("pdf")

    told = {fact.program.product: fact.program.is_default for fact in evidence.pdf or ()}
    assert told == {"acrobat": True, "edge": False}


# The inventory


def test_the_inventory_tells_a_tenant_and_a_proxy_without_its_account() -> None:
    internet = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
    entra = r"SYSTEM\CurrentControlSet\Control\CloudDomainJoin"
    made = (
        registry(internet, "user", ProxyEnable=1, ProxyServer="clerk:secret@proxy.example:3128"),
        registry(rf"{entra}\TenantInfo\{{1}}", DisplayName="County Courts"),
        registry(rf"{entra}\JoinInfo\ABCDEF", UserEmail="clerk@example.org"),
    )
    with contextlib.ExitStack() as stack:
        for each in made:
            stack.enter_context(each)
        fact = looked("inventory")[0].inventory

    assert fact is not None
    assert fact.join is not None
    assert (fact.join.kind, fact.join.name) == ("entra", "County Courts")
    assert fact.proxy == "proxy.example:3128"
    assert "clerk" not in repr(fact)
