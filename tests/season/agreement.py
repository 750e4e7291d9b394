"""Every page and export beside the recount; what differs is returned in words."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import icalendar
import openpyxl

from ccpor_server.rights import Role
from tests.season import recount
from tests.season.replay import Season
from tests.server.rig import Rig

WORDS = {"ready": "ready", "not-ready": "not ready", "unknown": "not known yet"}
STATES = ("met", "not-met", "stale", "waived", "n/a", "open")
_readers = itertools.count(1)
SILENT = timedelta(days=7)


class Agreement:
    """The collector's answers at the end of the year, beside what was sent to it."""

    def __init__(self, rig: Rig, season: Season) -> None:
        self.rig, self.season, self.now = rig, season, rig.clock.now()
        self.reader = rig.signed_in(f"auditor.{next(_readers)}", Role.AUDITOR)
        self.known = {one.id: self._known(one.id) for one in season.courts}
        self.states = {
            name: recount.Recount(court, self.now).states() for name, court in self.known.items()
        }
        self.verdicts = {
            name: recount.verdict(self.states[name], court, self.now)
            for name, court in self.known.items()
        }
        self.compared = 0

    def _known(self, court_id: str) -> recount.Court:
        [plan] = [one for one in self.season.courts if one.id == court_id]
        stations = []
        for agent in self.season.agents.values():
            if agent.machine.court is plan:
                runs = [recount.decoded(one.body, one.received_at) for one in agent.sent]
                one = agent.machine
                stations.append(recount.Station(one.name, one.location, one.role, runs))
        return recount.Court(
            go_live=plan.go_live,
            scope=plan.scope,
            declared={place: count for place, count in plan.declared.items() if count},
            places={place for place, _ in plan.declared},
            stations=stations,
            words=[word[1:] for word in self.season.words if word[0] == court_id],
        )

    def get(self, path: str) -> bytes:
        headers = {"accept": "text/html"}
        answer = self.rig.ask("GET", path, session=self.reader, headers=headers)
        assert answer.status_code == 200, (path, answer.status_code)
        return bytes(answer.content)

    def page(self, path: str) -> str:
        return unescape(self.get(path).decode())

    def differences(self) -> Iterator[str]:
        """Yield one line for everything that the collector says otherwise than the recount."""
        for court_id in self.known:
            yield from self._court(court_id)
        yield from self._board()
        yield from self._statewide()
        yield from self._incidents()

    def _same(self, what: str, said: object, recounted: object) -> Iterator[str]:
        self.compared += 1
        if said != recounted:
            yield f"{what}: the collector says {said}, the recount {recounted}"

    def _court(self, court_id: str) -> Iterator[str]:
        expected, base = self.states[court_id], f"/courts/{court_id}"
        said = json.loads(self.get(f"{base}/export/json"))
        for one in said["items"]:
            what = f"{court_id} {one['item']['id']} in JSON ({one['why'][:90]})"
            yield from self._same(what, one["state"], expected[one["item"]["id"]])
        rows = csv.DictReader(io.StringIO(self.get(f"{base}/export/csv").decode("utf-8-sig")))
        found = {one["item"]: one["state"] for one in rows}
        yield from self._same(f"{court_id} in CSV", found, expected)
        book = openpyxl.load_workbook(io.BytesIO(self.get(f"{base}/export/xlsx")), read_only=True)
        heads, *cells = book["Checklist"].iter_rows(values_only=True)
        at, state = heads.index("item"), heads.index("state")
        yield from self._same(f"{court_id} in XLSX", {r[at]: r[state] for r in cells}, expected)
        applied = sum(one != "n/a" for one in expected.values())
        shown = re.search(r"(\d+) items apply", self.page(base))
        yield from self._same(f"{court_id} page", shown and int(shown[1]), applied)
        yield from self._calendar(court_id, expected)
        yield from self._other_forms(court_id, expected)
        yield from self._other_pages(court_id, expected)
        yield from self._machines(court_id)

    def _calendar(self, court_id: str, expected: dict[str, str]) -> Iterator[str]:
        events = icalendar.Calendar.from_ical(self.get(f"/courts/{court_id}/export/ics"))
        due = sum(event.name == "VTODO" or event.name == "VEVENT" for event in events.walk())
        left = sum(one not in recount.SETTLED for one in expected.values())
        go_live = self.known[court_id].go_live
        yield from self._same(f"{court_id} in iCalendar", due, left + 1 if go_live else 0)

    def _other_forms(self, court_id: str, expected: dict[str, str]) -> Iterator[str]:
        base = f"/courts/{court_id}/export"
        whole = json.loads(self.get(f"{base}/oscal"))["assessment-results"]["results"][0]
        said = {
            one["title"].split()[0]: one["target"]["status"]["state"] == "satisfied"
            for one in whole["findings"]
        }
        applying = {name: state == "met" for name, state in expected.items() if state != "n/a"}
        yield from self._same(f"{court_id} in OSCAL", said, applying)
        cases = ElementTree.fromstring(self.get(f"{base}/junit")).findall(".//testcase")
        word = {"failure": "not-met", "skipped": "neither"}
        found = Counter(word[one[0].tag] if len(one) else "met" for one in cases)
        counts = Counter(
            state if state in {"met", "not-met"} else "neither" for state in expected.values()
        )
        yield from self._same(f"{court_id} in JUnit", found, counts)

    def _other_pages(self, court_id: str, expected: dict[str, str]) -> Iterator[str]:
        listed = re.findall(
            rf'href="/courts/{court_id}/items/([A-Z]{{2}}-\d\d)"',
            self.page(f"/courts/{court_id}/timeline"),
        )
        yield from self._same(f"{court_id} timeline", set(listed), set(expected))
        sent = [len(one.runs) for one in self.known[court_id].stations]
        read = re.search(r"(\d+) reports? read", self.page(f"/courts/{court_id}/trends"))
        newest = sum(min(count, recount.MAY_LOOK_BACK[0]) for count in sent)
        yield from self._same(f"{court_id} trends", read and int(read[1]), newest)
        other = self.season.courts[0].id
        text = self.page(f"/compare?one={court_id}&other={other}")
        differ = re.search(r"(\d+) items differ", text)
        states = self.states[other]
        count = sum(states[name] != state for name, state in expected.items())
        yield from self._same(f"{court_id} and {other}", differ and int(differ[1]), count)

    def _machines(self, court_id: str) -> Iterator[str]:
        text = self.page(f"/courts/{court_id}/machines")
        linked = set(re.findall(r'href="/reports/([0-9a-f-]{36})', text))
        newest = {one.runs[-1][1]["run_id"] for one in self.known[court_id].stations if one.runs}
        yield from self._same(f"{court_id} newest reports", newest - linked, set())

    def _board(self) -> Iterator[str]:
        text = self.get("/export/csv").decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text)):
            name = row["court"]
            counts = Counter(self.states[name].values())
            yield from self._same(
                f"{name} on the board (CSV)",
                (row["verdict"], int(row["blocking"]), *(int(row[state]) for state in STATES)),
                (*self.verdicts[name], *(counts[state] for state in STATES)),
            )
        exported = json.loads(self.get("/export/json"))["courts"]
        said = {one["court"]["id"]: one["readiness"]["verdict"] for one in exported}
        words = {name: word for name, (word, _) in self.verdicts.items()}
        yield from self._same("the board in JSON", said, words)
        rows = re.findall(
            r'<a href="/courts/([a-z0-9-]+)">.*?(\d+) blocking left of (\d+) items',
            self.page("/"),
            re.DOTALL,
        )
        yield from self._same("courts on the board", {row[0] for row in rows}, set(self.known))
        for name, blocking, applied in rows:
            expected = sum(one != "n/a" for one in self.states[name].values())
            yield from self._same(
                f"{name} on the board",
                (int(blocking), int(applied)),
                (self.verdicts[name][1], expected),
            )

    def _statewide(self) -> Iterator[str]:
        text = self.page("/statewide")
        titles = dict(re.findall(r"<title>([^:<]+): ([^<]+)</title></path>", text))
        for plan in self.season.courts:
            if plan.kind == "superior":
                word = WORDS[self.verdicts[plan.id][0]]
                yield from self._same(
                    f"{plan.id} on the map", titles[plan.contacts["county"]], word
                )
        quiet = text.partition("Silent too long</h2>")[2].partition("</section>")[0]
        said = set(re.findall(r'href="/courts/([a-z0-9-]+)"', quiet))
        yield from self._same("silent courts", said, self._silent())
        causes = text.partition('id="causes"')[2].partition("</section>")[0]
        for fault, courts in self._causes().items():
            owners = re.findall(
                rf'<b class="count">(\d+)</b><div><code>{re.escape(fault)}</code>', causes
            )
            yield from self._same(f"courts with {fault}", owners, [str(len(courts))])

    def _silent(self) -> set[str]:
        heard: dict[str, datetime] = {}
        for agent in self.season.agents.values():
            for one in agent.sent:
                court = agent.machine.court.id
                heard[court] = max(one.received_at, heard.get(court, one.received_at))
        return {name for name in self.known if name not in heard or self.now - heard[name] > SILENT}

    def _causes(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, court in self.known.items():
            for one in court.stations:
                for cause in one.runs[-1][1]["causes"] if one.runs else ():
                    if cause["severity"] == "blocker":
                        found.setdefault(cause["fault"], set()).add(name)
        return found

    def _incidents(self) -> Iterator[str]:
        text = self.page("/incidents")
        said = Counter(re.findall(r"Nobody can submit \(\d+\)", text))
        sent = Counter(title for _, title in self.season.incidents)
        yield from self._same("incidents", said, sent)
        came = 0
        for path in set(re.findall(r'href="(/courts/[a-z0-9-]+/incidents/[0-9a-f-]+)"', text)):
            requests = self.page(path).partition("Fresh runs</h2>")[2]
            came += requests.partition("</section>")[0].count("came in")
        yield from self._same("fresh runs that came in", came, self.season.answered)

    def pdf_differences(self, folder: Path, names: list[str]) -> Iterator[str]:
        """Yield where a court's PDF lists an item under another state than recounted."""
        for name in names:
            file = folder / f"{name}.pdf"
            file.write_bytes(self.get(f"/courts/{name}/export/pdf"))
            done = subprocess.run(
                ["pdftotext", "-layout", str(file), "-"],
                capture_output=True,
                check=True,
                timeout=60,
            )
            text = done.stdout.decode()
            for item in self.states[name]:
                yield from self._same(f"{name} {item} in PDF", item in text, True)
