"""What the environment list says of a driver: from which version on, and until when."""

from __future__ import annotations

import msgspec

from ccpor_checks.base import Context
from ccpor_checks.scanner.evidence import DriverFact, ScannerOptions


def with_support(
    driver: DriverFact | None, options: ScannerOptions, ctx: Context
) -> DriverFact | None:
    """Return *driver* with what the list says of it; as it is where the list does not know it.

    Raises:
        CannotObserve: The file that the profile names as the list does not read.
    """
    if driver is None or not driver.is_installed:
        return driver
    from ccpor_checks.workstation.environment import environment

    path = ctx.file(options.environment_file) if options.environment_file else None
    entry = environment(path).driver_for(driver.name, driver.version)
    if entry is None:
        return driver
    return msgspec.structs.replace(
        driver, supported_from=entry.min_version, supported_until=entry.until
    )
