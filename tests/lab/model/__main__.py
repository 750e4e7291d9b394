"""`python -m tests.lab.model ["hold-out N" | build]`: measures what is missing of that set; makes the sheet anew.

Ends with 1 where the model is not good enough on the last round of the hold-out.
"""

from __future__ import annotations

import sys

from tests.lab.model import sheet
from tests.lab.model.judging import outcome
from tests.lab.model.page import held_out


def main(argv: list[str]) -> int:
    if argv:
        from tests.lab.model.measuring import measure

        measure(argv[0])
    each = sheet.every()
    sheet.write(each)
    rounds = held_out(each)
    if not rounds:
        print("No hold-out has been measured: python -m tests.lab.model 'hold-out 1'")
        return 1
    found = outcome(rounds[-1])
    print(
        f"{found.settings} settings: predicted / measured within range {found.within:.0%}, "
        f"quoted time holds {found.holds:.0%}; "
        f"least {found.lowest:.2f}, middle {found.middle:.2f}, most {found.highest:.2f}"
    )
    return 0 if found.good_enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
