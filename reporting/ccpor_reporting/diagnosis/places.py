"""Which failures are one fault in one place.

The same fault on several targets is one cause when it happens at the same place: the same host, the
same name server, this workstation. Different places stay different causes: two web servers with an
expired certificate each need two renewals. Which fault goes by which place is data (``[[group]]``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.rulebook import Rules
from ccpor_reporting.diagnosis.wire import sender, via
from ccpor_reporting.faults import has_own_words
from ccpor_reporting.model import Finding

Key = tuple[str, ...]  # the fault, the kind of place, its name
WORKSTATION = "workstation"


class Grouping:
    """Says which place each finding belongs to, by the rules."""

    def __init__(self, rules: Rules) -> None:
        self._by: dict[str, list[str]] = {}
        for rule in rules.group:
            for fault in rule.faults:
                self._by.setdefault(fault, []).append(rule.by)

    def place(self, finding: Finding, known: Facts) -> Key:
        """Return the key of *finding*'s fault and place: equal keys are one cause."""
        fault = finding.fault or finding.code
        for by in self._by.get(fault, ()):
            if name := NAME_OF[by](finding, known):
                return (fault, by, *name)
        where = known.where(finding.target)
        if not where.host:
            return (fault, "target", finding.target)
        return (fault, "port", str(where))

    def is_of_workstation(self, finding: Finding, known: Facts) -> bool:
        return self.place(finding, known)[1] == WORKSTATION


def broken_resolvers(finding: Finding) -> list[str]:
    """Return the name servers that gave the finding's reason, sorted."""
    if not isinstance(finding.observed, Mapping):
        return []
    return sorted(str(who) for who, said in finding.observed.items() if said == finding.reason)


def slowest_resolver(finding: Finding, known: Facts) -> str:
    """Return the name server whose slow answer *finding* is about; "" of other findings."""
    answers = known.evidence(finding.target, "dns").get("answers")
    if finding.code != "dns.latency" or not isinstance(answers, list | tuple):
        return ""
    timed = [
        (each["ms"], str(each.get("resolver") or ""))
        for each in answers
        if isinstance(each, Mapping) and isinstance(each.get("ms"), int | float)
    ]
    return max(timed)[1] if timed else ""


def proxy_of(finding: Finding, known: Facts) -> str:
    """Return the proxy that *finding* is about, or that its target goes through; "" if none."""
    if named := _observed(finding, "proxy"):
        return named
    return via(known.seen, finding.target)


def _sender(finding: Finding, known: Facts) -> Key:
    who = sender(known.seen, finding.target)
    return (who,) if who else ()


def _name_servers(finding: Finding, known: Facts) -> Key:
    broken = broken_resolvers(finding)
    return (" ".join(broken),) if broken and not known.name_servers_alive & set(broken) else ()


def _slow_name_server(finding: Finding, known: Facts) -> Key:
    who = slowest_resolver(finding, known)
    return (who,) if who else ()


def _proxy(finding: Finding, known: Facts) -> Key:
    who = proxy_of(finding, known)
    return (who,) if who else ()


def _named(key: str) -> Callable[[Finding, Facts], Key]:
    def name(finding: Finding, _known: Facts) -> Key:
        who = _observed(finding, key)
        return (who,) if who else ()

    return name


def _host(finding: Finding, known: Facts) -> Key:
    host = known.where(finding.target).host
    own = finding.fix or "" if has_own_words(finding) else ""
    return (host, own) if host else ()


def _service(finding: Finding, known: Facts) -> Key:
    """An answer of one program: what another owner asks for is another cause."""
    where = known.where(finding.target)
    return (str(where), finding.owner.value) if where.host else ()


def _observed(finding: Finding, key: str) -> str:
    """Return the value in `observed` that names the place, where the check writes one."""
    seen = finding.observed
    return str(seen.get(key) or "") if isinstance(seen, Mapping) else ""


NAME_OF: Mapping[str, Callable[[Finding, Facts], Key]] = {
    "sender": _sender,
    WORKSTATION: lambda _finding, _known: ("here",),
    "name-servers": _name_servers,
    "slow-name-server": _slow_name_server,
    "proxy": _proxy,
    "pac": _named("pac_url"),
    "issuer": _named("issuer"),
    "host": _host,
    "service": _service,
}
