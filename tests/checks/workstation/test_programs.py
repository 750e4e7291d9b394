"""What installed browsers and PDF programs mean by the environment list."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks.workstation.environment import Environment, environment
from ccpor_checks.workstation.posture import (
    ProgramFact,
)
from tests.checks.workstation.conftest import (
    EDGE,
    NOW,
    READER,
    Assess,
)

changed = msgspec.structs.replace
TODAY = NOW.date()
Outcome = dict[str, tuple[str, str | None, str]]


def program(product: str, version: str, **more: Any) -> ProgramFact:
    return ProgramFact(product=product, name=product.title(), version=version, **more)


@pytest.mark.parametrize(
    ("browsers", "expected"),
    [
        ((), ("fail", "missing", "warning")),
        ((program("internet-explorer", "11.0.19041"),), ("fail", "unsupported", "warning")),
        ((program("netscape", "9"),), ("fail", "unsupported", "warning")),
        ((program("chrome", "155.9.9.9"),), ("fail", "outdated", "warning")),
        ((program("firefox-esr", "140.12.0"),), ("fail", "outdated", "warning")),
        ((program("netscape", "9"), program("chrome", "9")), ("fail", "outdated", "warning")),
        (
            (program("internet-explorer", "11", is_default=True), program("edge", "157.0")),
            ("fail", "unsupported", "warning"),
        ),
    ],
)
def test_a_browser_of_the_list_and_new_enough_is_wanted(
    assess: Assess, browsers: tuple[ProgramFact, ...], expected: object
) -> None:
    """The default one counts where it is told: that is where a link to CCPOR opens."""
    assert assess(browser=browsers).not_passed == {"browser": expected}


@pytest.mark.parametrize(
    "browsers",
    [
        (program("edge", "156.0.4314.50"),),
        (program("firefox", "160.0"),),
        (program("firefox-esr", "153.10.1"),),
        (program("netscape", "9"), program("chrome", "158.0.1")),
        (
            program("internet-explorer", "11", is_default=False),
            program("edge", "157", is_default=True),
        ),
    ],
)
def test_one_good_browser_is_enough(assess: Assess, browsers: tuple[ProgramFact, ...]) -> None:
    """Numbers are compared as numbers: 153.10 is newer than 153.7."""
    assert assess(browser=browsers).not_passed == {}


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        ((), ("fail", "missing", "warning")),
        ((program("acrobat-reader", "11.0.23"),), ("fail", "unsupported", "warning")),
        ((program("acrobat-reader", "24.001.30362"),), ("fail", "outdated", "warning")),
        ((program("acrobat-reader", "25.001.21288"),), ("fail", "outdated", "warning")),
        ((program("acrobat-reader", "24.001.30365"),), None),
        ((READER,), None),
        ((program("evince", "43.1"),), None),
        ((EDGE,), None),
    ],
)
def test_a_pdf_program_of_the_list_is_wanted(
    assess: Assess, programs: tuple[ProgramFact, ...], expected: object
) -> None:
    """Two tracks of one product have their own minima; a browser shows PDF files, too."""
    assert assess(pdf=programs).not_passed == ({"pdf": expected} if expected else {})


def test_support_of_a_browser_must_last_until_go_live(assess: Assess, tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    path.write_text(
        'schema = "ccpor-environment/1"\nversion = 1\ndated = 2026-11-01\n'
        '[[os]]\nname = "W"\nproduct = "windows"\nversion = "26200"\nuntil = 2030-01-01\n'
        '[[browser]]\nname = "E"\nproduct = "edge"\nuntil = 2027-01-01\n'
    )
    listed = environment(path)

    assert assess(listed=listed).not_passed == {}
    found = assess(listed=listed, go_live=date(2027, 3, 1))
    assert found.not_passed == {"browser": ("fail", "unsupported", "warning")}
    assert "before go-live" in found["workstation.browser"].summary


def test_a_list_without_browsers_leaves_them_to_ours(assess: Assess) -> None:
    """Lists that courts wrote before there was a table of browsers must go on working."""
    ours = environment()
    old = Environment(schema=ours.schema, version=9, dated=date(2026, 1, 1), os=ours.os)

    assert assess(listed=old).not_passed == {}
    assert "2026-11-23" in assess(listed=old)["workstation.browser"].summary
    none = changed(old, browser=(), pdf=())
    assert assess(listed=none).not_passed == {
        "browser": ("fail", "unsupported", "warning"),
        "pdf": ("fail", "unsupported", "warning"),
    }
