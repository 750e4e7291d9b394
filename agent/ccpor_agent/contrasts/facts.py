"""What a run saw, by target: addresses, outcomes and walks, read out of its observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ccpor_agent.profile.url import is_address
from ccpor_checks.base import Target
from ccpor_reporting.contrasts import Walk
from ccpor_reporting.model import Finding, Observation, Status


class Facts:
    """The observations and findings of one run. Evidence that does not read counts as none."""

    def __init__(
        self,
        targets: Iterable[Target],
        findings: Iterable[Finding],
        observations: Iterable[Observation],
    ) -> None:
        self.targets = tuple(targets)
        self._findings = {each.id: each for each in findings}
        self._evidence: dict[tuple[str, str], Mapping[str, Any]] = {
            (each.target, each.check): each.evidence for each in observations
        }

    def evidence(self, target: Target, check: str) -> Mapping[str, Any]:
        return self._evidence.get((target.id, check), {})

    def named_addresses(self, target: Target) -> tuple[str, ...]:
        """Return all addresses of the target's host as the run knows them; none: not known."""
        if is_address(target.host):
            return (target.host,)
        return _texts(self.evidence(target, "dns").get("addresses"))

    def addresses(self, target: Target) -> tuple[str, ...]:
        """Return the addresses that were tried and failed, the first first; else all known."""
        failed = [address for address, reason in self.tries(target) if reason]
        return tuple(dict.fromkeys(failed)) or self.named_addresses(target)

    def reached(self, target: Target) -> str | None:
        """Return the address that accepted a connection."""
        address = self.evidence(target, "tcp").get("address")
        return address if isinstance(address, str) else None

    def tries(self, target: Target) -> tuple[tuple[str, str | None], ...]:
        """Return (address, reason) of each connection tried; reason None: it was made."""
        tries = self.evidence(target, "tcp").get("tries")
        if not isinstance(tries, list | tuple):
            return ()
        found = [(each.get("address"), each.get("reason")) for each in tries]
        return tuple((str(address), reason) for address, reason in found if address)

    def addresses_of(self, host: str) -> tuple[str, ...]:
        """Return the addresses of *host* that the look at any target found."""
        if is_address(host):
            return (host,)
        for target in self.targets:
            if target.host.lower() == host.lower() and (found := self.named_addresses(target)):
                return found
        return ()

    def outcome(self, host: str, port: int | None) -> tuple[Target, str | None] | None:
        """Return a target at *host* and *port*, and why it was not reached (None: it was).

        None where no target there was looked at by the tcp check to an end.
        """
        for target in self.targets:
            if (target.host.lower(), target.port) != (host.lower(), port):
                continue
            finding = self._findings.get(f"{target.id}/tcp.reach")
            if finding and finding.status in {Status.PASS, Status.FAIL}:
                return target, finding.reason
        return None

    def resolvers_asked(self, target: Target) -> tuple[str, ...]:
        """Return the name servers that were asked for the target's host."""
        return tuple(resolver for resolver, _reason in self.resolvers(target))

    def silent_resolvers(self, target: Target) -> tuple[str, ...]:
        """Return the name servers that gave no valid answer in time."""
        return tuple(name for name, reason in self.resolvers(target) if reason == "timeout")

    def resolvers(self, target: Target) -> tuple[tuple[str, str | None], ...]:
        answers = self.evidence(target, "dns").get("answers")
        if not isinstance(answers, list | tuple):
            return ()
        return tuple((str(each.get("resolver")), each.get("reason")) for each in answers)

    def proxy(self, target: Target) -> str | None:
        """Return the URL of the proxy in effect for *target*; None: direct, or not known."""
        via = self.evidence(target, "proxy").get("via")
        return via if isinstance(via, str) else None

    def walked(self, target: Target, protocol: str, address: str, port: int | None) -> bool:
        """Say whether a check has walked that way already."""
        for check in ("tcp", "path", "clock"):
            try:
                walks = msgspec.convert(
                    self.evidence(target, check).get("walks", ()), tuple[Walk, ...]
                )
            except msgspec.ValidationError:
                continue
            if any((w.protocol, w.address, w.port) == (protocol, address, port) for w in walks):
                return True
        return False


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()
