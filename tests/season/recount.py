"""What the checklist must say, recounted from the senders' own bytes.

Written from the rules (DESIGN, the checklist's own file), not from the product's code: it reads
JSON and TOML as plain values and holds everything in memory. Slow and short on purpose.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any

WORST = ("met", "stale", "open", "not-met")  # the last one weighs most
SETTLED = {"met", "n/a", "waived"}
STAFF = ["scan-station", "clerk", "judge", "training-room"]
MAY_LOOK_BACK = 12, 30  # runs of a workstation: before go-live, and from the day on
Json = dict[str, Any]


@dataclass(slots=True)
class Station:
    name: str
    place: str
    role: str
    runs: list[tuple[datetime, Json]] = field(default_factory=list)  # when true, the report


@dataclass(slots=True)
class Court:
    go_live: date | None
    scope: dict[str, bool]
    declared: dict[tuple[str, str], int]
    places: set[str]
    stations: list[Station]
    words: list[tuple[str, str, str, datetime]]  # item, party, kind, when


def checklist() -> list[Json]:
    """Return the items as the file has them."""
    text = (files("ccpor_reporting.checklist") / "checklist.toml").read_text(encoding="utf-8")
    found: list[Json] = tomllib.loads(text)["item"]
    return found


def worst(states: list[str]) -> str:
    return max(states, key=WORST.index, default="open")


class Recount:
    """One court at one moment."""

    def __init__(self, court: Court, now: datetime) -> None:
        self.court, self.now = court, now
        self.items = checklist()
        self.midnight = (
            datetime.combine(court.go_live, time(), UTC) if court.go_live is not None else None
        )
        back = MAY_LOOK_BACK[court.go_live is not None and court.go_live <= now.date()]
        for one in court.stations:
            one.runs = sorted(one.runs, key=lambda run: run[0])[-back:]

    def states(self) -> dict[str, str]:
        """Return each item's state; of those that are signed, open (nobody signs in the year)."""
        return {one["id"]: self._state(one) for one in self.items}

    def _state(self, item: Json) -> str:
        if self._left_out(item):
            return "n/a"
        if item.get("signed"):
            return "open"
        said = [] if item["kind"] == "technical" else [self._attested(item)]
        shown = [] if item["kind"] == "attested" else [self._proof(item, item, STAFF)]
        return worst(said + shown)

    def _left_out(self, item: Json) -> bool:
        def denied(part: str) -> bool:
            answer = self.court.scope.get(part.removeprefix("not ").replace("-", "_"))
            return answer is not None and answer == part.startswith("not ")

        return any(all(map(denied, one.split(" or "))) for one in item.get("applies", []))

    def _old(self, at: datetime, item: Json, hours: float | None) -> bool:
        if hours is None:
            return False
        counted = self.now
        if self.midnight is not None:
            counted = min(counted, self.midnight + timedelta(days=max(item["due_days"], 0) + 1))
        return at < counted - timedelta(hours=hours)

    def _attested(self, item: Json) -> str:
        newest = {
            party: (kind, at) for name, party, kind, at in self.court.words if name == item["id"]
        }
        states = []
        for party in item["owners"]:
            kind, at = newest.get(party, ("open", self.now))
            states.append(
                "stale" if kind == "met" and self._old(at, item, item.get("fresh_hours")) else kind
            )
        if item.get("all_owners") or "not-met" in states:
            return worst(states)
        return min(states, key=WORST.index)

    def _proof(self, item: Json, proven: Json, roles: list[str], limit: float | None = None) -> str:
        """Return what *proven*'s proof comes to as of *item*; limit: hours that *item* allows."""
        proof = proven["proof"]
        hours = min((h for h in (limit, proven.get("fresh_hours")) if h is not None), default=None)
        roles = (
            proven.get("roles", roles)
            if item is proven or "rerun_as" not in item["proof"]
            else roles
        )
        if "needs" in proof:
            return self._needs(item, proven, roles, hours)
        if "inventory" in proof:
            return self._inventory(item, proof["inventory"], hours)
        if "baseline" in proof:
            return self._baseline(item, hours)
        if "watch" in proof:
            return self._watch(proof, roles)
        if "rerun" in proof:
            return self._rerun(item, proof, hours)
        return "open"  # identifiers: no court of the year has entered any

    def _rerun(self, item: Json, proof: Json, hours: float | None) -> str:
        if proof["rerun"] == ["blocking-technical"]:
            again = [
                one for one in self.items
                if one.get("blocking") and "proof" in one and one["phase"] in {"planning", "implement"}
            ]  # fmt: skip
        else:
            again = [one for one in self.items if one["id"] in proof["rerun"]]
        roles = [proof["rerun_as"]] if "rerun_as" in proof else STAFF
        kept = [one for one in again if "proof" in one and not self._left_out(one)]
        return worst([self._proof(item, one, roles, hours) for one in kept])

    def _needs(self, item: Json, proven: Json, roles: list[str], hours: float | None) -> str:
        expected = Counter(
            {place: n for place, n in self.court.declared.items() if place[1] in roles}
        )
        mine = [one for one in self.court.stations if one.role in roles]
        enrolled = Counter((one.place, one.role) for one in mine)
        expected |= enrolled
        states = {
            one.name: self._station(one, item, proven["proof"]["needs"], hours) for one in mine
        }
        if not +expected:
            return "open"
        if proven.get("coverage") == "every-location":
            found = []
            for place in {place for place, _ in +expected}:
                here = [states[one.name] for one in mine if one.place == place]
                found.append(next((s for s in ("not-met", "met", "stale") if s in here), "open"))
            return worst(found)
        short = any(enrolled[place] < count for place, count in expected.items())
        return worst([*states.values(), *(["open"] if short else [])])

    def _station(self, station: Station, item: Json, needs: list[Json], hours: float | None) -> str:
        return worst([state for need in needs for state in self._need(station, item, need, hours)])

    def _need(self, station: Station, item: Json, need: Json, hours: float | None) -> list[str]:
        targets = {t["id"]: t for _, run in station.runs for t in run["targets"]}
        newest: dict[str, tuple[datetime, Json, Json]] = {}
        for at, run in station.runs:
            for one in run["findings"]:
                newest[one["id"]] = (at, run, one)
        looks = [
            look for look in newest.values()
            if look[2]["code"] == need["code"] and targets.get(look[2]["target"], {}).get("required")
        ]  # fmt: skip
        if not looks:
            return ["met" if need.get("where_planned") else "open"]
        ages = ["stale" if self._old(at, item, hours) else "met" for at, _, _ in looks]
        if all(one["status"] == "not-applicable" for _, _, one in looks):
            may = need.get("allow_not_applicable") or need.get("where_planned")
            return ages if may else ["open"]
        found = []
        for look, age in zip(looks, ages, strict=True):
            found += self._look(station, item, need, hours, look, age)
        for bound in need.get("bounds", []):
            if not any(_concerns(bound, run, one) for _, run, one in looks):
                found.append("open")
        return found

    def _look(
        self, station: Station, item: Json, need: Json, hours: float | None,
        look: tuple[datetime, Json, Json], age: str,
    ) -> list[str]:  # fmt: skip
        _, run, one = look
        if one["status"] == "fail" and one["severity"] == "blocker":
            return ["not-met"]
        if one["status"] in {"error", "skip"}:
            return ["open"]
        if one["status"] == "not-applicable":
            return []
        found = [age]
        for bound in need.get("bounds", []):
            if _concerns(bound, run, one):
                found += _bound(bound, run, one)
        times = sum(
            other["id"] == one["id"] and other["status"] in {"pass", "fail"}
            for at, earlier in station.runs
            if not self._old(at, item, hours)
            for other in earlier["findings"]
        )
        if age == "met" and times < need.get("runs", 1):
            found.append("open")
        return found

    def _heard(self, station: Station, item: Json, hours: float | None) -> str:
        if not station.runs:
            return "open"
        return "stale" if self._old(station.runs[-1][0], item, hours) else "met"

    def _inventory(self, item: Json, percent: list[float], hours: float | None) -> str:
        fresh: Counter[tuple[str, str]] = Counter()
        ever: Counter[tuple[str, str]] = Counter()
        for one in self.court.stations:
            state = self._heard(one, item, hours)
            fresh[one.place, one.role] += state == "met"
            ever[one.place, one.role] += state != "open"
        total = sum(self.court.declared.values())
        if not total:
            return "open"
        for counted, state in ((fresh, "met"), (ever, "stale")):
            share = sum(min(counted[place], n) for place, n in self.court.declared.items())
            if 100 * share / total >= percent[1]:
                return state
        return "open"

    def _baseline(self, item: Json, hours: float | None) -> str:
        found = []
        for place in self.court.places:
            here = [
                self._heard(one, item, hours) for one in self.court.stations if one.place == place
            ]
            found.append(next((state for state in ("met", "stale") if state in here), "open"))
        return worst(found)

    def _watch(self, proof: Json, roles: list[str]) -> str:
        mine = [one for one in self.court.stations if one.role in roles]
        hours = proof.get("watch_hours", 24)
        if self.midnight is None or self.now < self.midnight + timedelta(hours=hours) or not mine:
            return "open"
        until = min(self.now, self.midnight + timedelta(days=2))
        found = []
        for one in mine:
            samples = [
                (at, finding["status"])
                for at, run in one.runs
                if at >= until - timedelta(hours=hours)
                for finding in run["findings"]
                if finding["code"] in proof["watch"]
                and any(t["id"] == finding["target"] and t["required"] for t in run["targets"])
                and finding["status"] in {"pass", "fail", "error"}
            ]
            if len({(at.date(), at.hour) for at, _ in samples}) < hours - 2:
                found.append("open")
                continue
            share = 100 * sum(status == "pass" for _, status in samples) / len(samples)
            found.append("met" if share >= proof.get("watch_percent", [99, 95])[1] else "not-met")
        return worst(found)


def _evidence(run: Json, finding: Json, name: str) -> Any:
    for seen in run["observations"]:
        if (seen["target"], seen["check"]) == (finding["target"], finding["check"]):
            value = seen["evidence"]
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            return value
    return None


def _concerns(bound: Json, run: Json, finding: Json) -> bool:
    if "when_field" not in bound:
        return True
    return bool(_evidence(run, finding, bound["when_field"]) == bound["when_value"])


def _bound(bound: Json, run: Json, finding: Json) -> list[str]:
    value = _evidence(run, finding, bound["field"]) if "field" in bound else finding["observed"]
    if isinstance(value, list):
        value = len(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ["open"]
    number = value * bound.get("scale", 1)
    number = abs(number) if bound.get("absolute") else number
    low, high = bound.get("at_least", number), bound.get("at_most", number)
    return [] if low <= number <= high else ["not-met"]


def verdict(states: dict[str, str], court: Court, now: datetime) -> tuple[str, int]:
    """Return a court's word on the board, and how many items block it."""
    items = {one["id"]: one for one in checklist()}
    left = [
        name for name, one in states.items() if items[name].get("blocking") and one not in SETTLED
    ]
    before = [name for name in left if items[name]["due_days"] <= 0]
    live = court.go_live is not None and now.date() > court.go_live
    word = "ready"
    if before:
        word = "not-ready" if any(states[name] == "not-met" for name in before) else "unknown"
    return word, len(left if live else before)


def decoded(body: bytes, received_at: datetime) -> tuple[datetime, Json]:
    """Return when a report was true, and the report."""
    report: Json = json.loads(body)
    ended = re.sub(r"Z$", "+00:00", report["finished_at"])
    return min(datetime.fromisoformat(ended), received_at), report
