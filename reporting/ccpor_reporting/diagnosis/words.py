"""A suspect in words: one sentence, the evidence behind it, and how sure we are."""

from __future__ import annotations

from collections.abc import Mapping

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.places import (
    OF_THE_RESOLVER,
    OF_THE_WORKSTATION,
    broken_resolvers,
)
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.wire import addresses, hop, network, sender
from ccpor_reporting.faults import catalogue, has_own_words
from ccpor_reporting.model import Confidence, Finding
from ccpor_reporting.text import seen_value

# Silence has many authors: a drop names no place, and a reset may be forged on the way.
SILENT = ("/timeout", "/dropped", "/reset", "/closed", "/cut")
MOST_LISTED = 5


def summary(suspect: Suspect, known: Facts) -> str:
    """Return one sentence: what, and where."""
    first = suspect.first
    told = _partly_works(first) or has_own_words(first)
    what = first.summary if told else means(first) or first.summary
    many = f" (seen on {len(suspect.targets)} targets)" if len(suspect.targets) > 1 else ""
    return f"{place_words(suspect, known)}: {what}{many}"


def place_words(suspect: Suspect, known: Facts) -> str:
    """Return where it is wrong: this workstation, a name server, host and port, or a device."""
    first = suspect.first
    fault = first.fault or ""
    who = sender(known.seen, first.target) if first.code == "tcp.reach" else ""
    if who and (fault in OF_THE_WORKSTATION or hosts(suspect, known) > 1):
        return f"{who}, on the way"
    if first.code == "tcp.reach" and fault not in OF_THE_WORKSTATION and hosts(suspect, known) > 1:
        return f"the way to {hosts(suspect, known)} hosts{_in_network(suspect, known)}"
    if fault in OF_THE_WORKSTATION or first.code.startswith("workstation."):
        return "this workstation"
    if fault in OF_THE_RESOLVER and len(suspect.targets) > 1 and broken_resolvers(first):
        return f"name server {', '.join(broken_resolvers(first))}"
    where = known.where(first.target)
    return str(where) if where.host else known.title(first.target)


def hosts(suspect: Suspect, known: Facts) -> int:
    """Return on how many hosts it shows by itself, what it only explains left aside."""
    return len({known.where(member.target).host for member in suspect.members})


def _in_network(suspect: Suspect, known: Facts) -> str:
    tried = [each for member in suspect.members for each in addresses(known.seen, member.target)]
    found = network(tried)
    return f" in {found}" if found else ""


def _partly_works(finding: Finding) -> bool:
    """Say whether some name servers answered: then the catalogue's sentence says too much."""
    seen = finding.observed
    return (
        finding.code == "dns.answer"
        and isinstance(seen, Mapping)
        and any(isinstance(said, list | tuple) for said in seen.values())
    )


def means(finding: Finding) -> str:
    """Return the catalogue's first sentence on this fault as a clause; "" if it is not ours."""
    entry = catalogue().get(finding.code)
    reason = entry.reasons.get(finding.reason or "") if entry else None
    if reason is None:
        return ""
    first = reason.means.split(". ")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def evidence(suspect: Suspect, known: Facts) -> tuple[str, ...]:
    """Return sentences, the most telling first: what was seen, what was wanted, what works."""
    said = [_seen(finding) for finding in suspect.members[:MOST_LISTED]]
    if len(suspect.members) > MOST_LISTED:
        said.append(f"and the same on {len(suspect.members) - MOST_LISTED} more targets")
    said += _hops(suspect, known)
    said += suspect.because
    said += contrasts(suspect, known)
    behind = len(suspect.explains) - len(suspect.members) - len(suspect.folded)
    if behind:
        noun = "question was" if behind == 1 else "questions were"
        said.append(f"{behind} more {noun} not asked because of this")
    return tuple(said)


def _hops(suspect: Suspect, known: Facts) -> list[str]:
    told = (hop(known.seen, member.target) for member in suspect.members)
    if suspect.first.code != "tcp.reach":
        return []
    return [f"{who} answered in place of the target" for who in dict.fromkeys(told) if who][:3]


def contrasts(suspect: Suspect, known: Facts) -> list[str]:
    """Return what does work at the same place: it narrows the fault down."""
    if suspect.first.code != "tcp.reach":
        return []
    host = known.where(suspect.first.target).host
    return [f"port {port} of the same host does answer" for port in known.reached.get(host, ())]


def confidence(suspect: Suspect, known: Facts) -> Confidence:
    """Return high for what was seen directly, medium for silence and for what we concluded."""
    if suspect.folded:
        return Confidence.MEDIUM
    fault = suspect.first.fault or ""
    if fault.endswith(SILENT) and not contrasts(suspect, known):
        return Confidence.MEDIUM
    return Confidence.HIGH


def _seen(finding: Finding) -> str:
    said = f"{finding.target}: {finding.summary}"
    seen = seen_value(finding)
    told = [f"seen: {seen}"] if seen else []
    told += [f"wanted: {finding.expected}"] if finding.expected else []
    return f"{said} ({'; '.join(told)})" if told else said
