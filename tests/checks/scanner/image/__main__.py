"""The whole corpus: ``python -m tests.checks.scanner.image [--pages 320] [--seed 2]``, some minutes."""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.checks.scanner.image.judged import Judged, judged

LEAST_RIGHT = 0.99


def main() -> int:
    """Print the score by kind, and return 1 where less than 99 % of the pages are judged right."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--pages", type=int, default=320)
    words.add_argument("--seed", type=int, default=2, help="1 was tuned on")
    asked = words.parse_args()
    with ProcessPoolExecutor(os.cpu_count()) as crew:
        found = list(crew.map(partial(judged, seed=asked.seed), range(asked.pages), chunksize=4))
    by_kind: dict[str, list[Judged]] = defaultdict(list)
    for each in found:
        by_kind[each.kind].append(each)
    print("kind            right   of   skew off at most   seconds a page, at most")
    for kind, some in by_kind.items():
        offs = [each.off_deg for each in some if each.off_deg is not None]
        off = f"{max(offs):.2f}" if offs else "-"
        right = sum(not each.wrong for each in some)
        print(f"{kind:15} {right:5d} {len(some):4d} {off:>17} {max(e.seconds for e in some):12.2f}")
    for each in found:
        if each.wrong:
            print(f"WRONG {each.name}: {'; '.join(each.wrong)}")
    right = sum(not each.wrong for each in found)
    print(f"{right} of {len(found)} right, {100 * right / len(found):.1f} %")
    return 0 if right >= LEAST_RIGHT * len(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
