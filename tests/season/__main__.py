"""``make season``: the whole year of 60 courts, then every page and export beside the recount.

Exit 0 when all agree, 1 when anything differs. ``--short``: six courts. ``--keep FOLDER``: leave the
collector's database there, for looking at it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.season.agreement import Agreement
from tests.season.replay import Replay
from tests.season.script import SHORT, WHOLE
from tests.server.rig import prepared, rig_in


def main() -> int:
    parser = argparse.ArgumentParser(prog="make season", description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    size = SHORT if asked.short else WHOLE
    with tempfile.TemporaryDirectory(prefix="ccpor-season-") as place:
        folder = Path(place)
        prepared(folder / "template")
        begun = time.perf_counter()
        with rig_in(folder / "template", asked.keep or folder / "state") as rig:
            print(
                f"a year of {size.courts} courts, {size.locations} locations, {size.machines} "
                f"workstations, {size.live} go-lives, {size.incidents} incidents",
                flush=True,
            )
            season = Replay(rig, size, asked.seed).play()
            sent = sum(len(one.sent) for one in season.agents.values())
            print(
                f"{sent} reports of {len(season.agents)} workstations, {len(season.words)} words, "
                f"{season.answered} fresh runs in {time.perf_counter() - begun:.0f} s",
                flush=True,
            )
            found = Agreement(rig, season)
            differences = list(found.differences())
            differences += found.pdf_differences(folder, [one.id for one in season.courts[:3]])
    for one in differences[:40]:
        print(one)
    print(
        f"{found.compared} comparisons of pages and exports with the recount, "
        f"{len(differences)} differ, {time.perf_counter() - begun:.0f} s"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
