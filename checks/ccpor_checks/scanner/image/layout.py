"""Where things stand on the test page, in inches from the top left corner of a US letter sheet."""

from __future__ import annotations

WIDTH, HEIGHT = 8.5, 11.0
VERSION = 1
TEXT = f"CCPOR{VERSION}"  # begins the text of each code; its corner follows
CODE = 0.7  # side of a code's square, without its quiet zone
# Corner of each code: its centre. A code tells which corner it is, so one that is read is placed.
CENTRES: dict[str, tuple[float, float]] = {
    "TL": (0.9, 0.9),
    "TR": (7.6, 0.9),
    "BL": (0.9, 10.1),
    "BR": (7.6, 10.1),
}
FRAME, FRAME_LINE = 0.3, 0.02  # distance from each edge, and width of the line
BLACK_PATCH = (0.9, 1.6, 1.9, 2.2)  # left, top, right, bottom
WHITE_PATCH = (6.6, 1.6, 7.6, 2.2)
HALFTONES = ((2.3, 75), (3.4, 50), (4.5, 25))  # left edge, percent of black
FREQUENCIES = (1.0, 1.4, 1.8, 2.2, 2.8, 3.4, 4.2, 5.0)  # line pairs a millimetre
GROUP, GROUP_STEP, GROUPS_LEFT = 0.7, 0.85, 0.9
ACROSS_TOP, DOWN_TOP, GROUP_HEIGHT = 2.75, 3.6, 0.5  # bars that stand, bars that lie
MM = 25.4  # of an inch


def group_left(number: int) -> float:
    """Return the left edge of group *number*, from 0."""
    return GROUPS_LEFT + number * GROUP_STEP
