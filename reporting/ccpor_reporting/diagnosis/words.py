"""A suspect in words: one sentence, the evidence behind it, the fix, and how sure we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ccpor_reporting.diagnosis.compared import works
from ccpor_reporting.diagnosis.conditions import contrasts_of
from ccpor_reporting.diagnosis.elsewhere import Elsewhere
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.places import Grouping, broken_resolvers
from ccpor_reporting.diagnosis.rulebook import Rules
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.telling import told, told_works
from ccpor_reporting.diagnosis.ways import sentences, ways, working
from ccpor_reporting.diagnosis.wire import addresses, hop, network, sender
from ccpor_reporting.faults import Reason, catalogue, has_own_words
from ccpor_reporting.model import Confidence, Finding
from ccpor_reporting.text import seen_value

# Silence has many authors: a drop names no place, and a reset may be forged on the way.
SILENT = ("/timeout", "/dropped", "/reset", "/closed", "/cut")
MOST_LISTED = 5
SILENCE = "at or past "


@dataclass(frozen=True, slots=True)
class Teller:
    """Puts suspects into words, from all that is known and by the rules."""

    known: Facts
    rules: Rules
    grouping: Grouping
    elsewhere: Elsewhere

    def summary(self, suspect: Suspect) -> str:
        """Return one sentence: what, and where."""
        first = suspect.first
        own = not suspect.concluded.fault and (_partly_works(first) or has_own_words(first))
        what = first.summary if own else means(suspect.fault) or first.summary
        where = f", {suspect.place}" if suspect.place.startswith(SILENCE) else ""
        many = f" (seen on {len(suspect.targets)} targets)" if len(suspect.targets) > 1 else ""
        return f"{self.place_words(suspect)}: {what}{where}{many}"

    def place_words(self, suspect: Suspect) -> str:
        """Return where it is wrong: this workstation, a name server, host and port, a device."""
        known, first = self.known, suspect.first
        by = self.grouping.place(first, known)[1]
        here = by == "workstation"
        hosts = self._hosts(suspect)
        who = sender(known.seen, first.target) if first.code == "tcp.reach" else ""
        if who and (by == "sender" or hosts > 1):
            return f"{who}, on the way"
        if here:
            return "this workstation"
        if first.code == "tcp.reach" and hosts > 1:
            return f"the way to {hosts} hosts{self._in_network(suspect)}"
        if by == "name-servers" and len(suspect.targets) > 1:
            return f"name server {', '.join(broken_resolvers(first))}"
        if by == "slow-name-server" and len(suspect.targets) > 1:
            return suspect.place
        where = known.where(first.target)
        return str(where) if where.host else known.title(first.target)

    def evidence(self, suspect: Suspect) -> tuple[str, ...]:
        """Return sentences, the most telling first: what was seen, was wanted, what works."""
        said = [_seen(finding) for finding in suspect.members[:MOST_LISTED]]
        if len(suspect.members) > MOST_LISTED:
            more = len(suspect.members) - MOST_LISTED
            said.append(f"and the same on {more} more target{'s' if more > 1 else ''}")
        said += self._hops(suspect)
        said += _few(sentences(ways(suspect, self.known)))
        said += _few(told(suspect, self.known, self.rules))
        said += self.open_ports(suspect)
        said += _few(suspect.because)
        behind = len(suspect.explains) - len(suspect.members) - len(suspect.folded)
        if behind:
            noun = "question was" if behind == 1 else "questions were"
            said.append(f"{behind} more {noun} not asked because of this")
        return tuple(said)

    def working(self, suspect: Suspect) -> list[str]:
        """Return what the contrasts showed to work: it narrows the fault down most."""
        farther = working(ways(suspect, self.known))
        return _few([*told_works(suspect, self.known, self.rules), *farther])

    def fix(self, suspect: Suspect) -> str:
        if suspect.concluded.fix:
            return suspect.concluded.fix
        entry = _entry(suspect.concluded.fault) if suspect.concluded.fault else None
        if entry is not None:
            return entry.fix
        return suspect.first.fix or "ask the owner of this target; the evidence says what was seen"

    def confidence(self, suspect: Suspect) -> Confidence:
        """Return high for what was seen directly or contrasted, medium for silence."""
        if suspect.concluded.confidence is not None:
            return suspect.concluded.confidence
        if suspect.seen_fault.endswith(SILENT) and not self._contrasted(suspect):
            return Confidence.MEDIUM
        return Confidence.HIGH

    def open_ports(self, suspect: Suspect) -> list[str]:
        """Return which other ports of the same host were seen open by other targets."""
        if suspect.first.code != "tcp.reach":
            return []
        host = self.known.where(suspect.first.target).host
        mine = suspect.first.target
        compared = {
            contrast.port
            for contrast in contrasts_of(suspect, self.known)
            if works(contrast) and self.known.is_same_host(contrast, mine)
        }
        ports = [port for port in self.known.reached.get(host, ()) if port not in compared]
        return [f"port {port} of the same host does answer" for port in ports]

    def _contrasted(self, suspect: Suspect) -> bool:
        compared = any(works(c) for c in contrasts_of(suspect, self.known))
        return compared or bool(self.open_ports(suspect))

    def _hosts(self, suspect: Suspect) -> int:
        """Return on how many hosts it shows by itself, what it only explains left aside."""
        return len({self.known.where(member.target).host for member in suspect.members})

    def _in_network(self, suspect: Suspect) -> str:
        members = suspect.members
        tried = [each for m in members for each in addresses(self.known.seen, m.target)]
        found = network(tried)
        return f" in {found}" if found else ""

    def _hops(self, suspect: Suspect) -> list[str]:
        if suspect.first.code != "tcp.reach":
            return []
        answered = (hop(self.known.seen, member.target) for member in suspect.members)
        return [f"{who} answered in place of the target" for who in dict.fromkeys(answered) if who][
            :3
        ]


def means(fault: str) -> str:
    """Return the catalogue's first sentence on *fault* as a clause; "" if it is not ours."""
    reason = _entry(fault)
    if reason is None:
        return ""
    first = reason.means.split(". ")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _entry(fault: str) -> Reason | None:
    code, _, name = fault.partition("/")
    entry = catalogue().get(code)
    return entry.reasons.get(name) if entry else None


def _few(said: list[str] | tuple[str, ...]) -> list[str]:
    more = len(said) - MOST_LISTED
    return [*said[:MOST_LISTED], *([f"and {more} more of this kind"] if more > 0 else [])]


def _partly_works(finding: Finding) -> bool:
    """Say whether some name servers answered: then the catalogue's sentence says too much."""
    seen = finding.observed
    return (
        finding.code == "dns.answer"
        and isinstance(seen, Mapping)
        and any(isinstance(said, list | tuple) for said in seen.values())
    )


def _seen(finding: Finding) -> str:
    said = f"{finding.target}: {finding.summary}"
    seen = seen_value(finding)
    told_values = [f"seen: {seen}"] if seen else []
    told_values += [f"wanted: {finding.expected}"] if finding.expected else []
    return f"{said} ({'; '.join(told_values)})" if told_values else said
