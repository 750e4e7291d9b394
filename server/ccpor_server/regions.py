"""The regions of the board: the six appellate districts (California Government Code, 69100)."""

from __future__ import annotations

from ccpor_server.store.courts import Court

DISTRICTS: dict[str, tuple[str, ...]] = {
    "1": (
        "alameda", "contra-costa", "del-norte", "humboldt", "lake", "marin", "mendocino", "napa",
        "san-francisco", "san-mateo", "solano", "sonoma",
    ),
    "2": ("los-angeles", "san-luis-obispo", "santa-barbara", "ventura"),
    "3": (
        "alpine", "amador", "butte", "calaveras", "colusa", "el-dorado", "glenn", "lassen",
        "modoc", "mono", "nevada", "placer", "plumas", "sacramento", "san-joaquin", "shasta",
        "sierra", "siskiyou", "sutter", "tehama", "trinity", "yolo", "yuba",
    ),
    "4": ("imperial", "inyo", "orange", "riverside", "san-bernardino", "san-diego"),
    "5": (
        "fresno", "kern", "kings", "madera", "mariposa", "merced", "stanislaus", "tulare",
        "tuolumne",
    ),
    "6": ("monterey", "san-benito", "santa-clara", "santa-cruz"),
}  # fmt: skip
NAMES = {number: f"appellate district {number}" for number in DISTRICTS}
_OF_COUNTY = {county: number for number, counties in DISTRICTS.items() for county in counties}


def county_of(court: Court) -> str:
    """Return the slug of a court's county: as its contacts say, else as its id says."""
    said = court.contacts.get("county", "")
    return said.lower().replace(" ", "-") if said else court.id.removeprefix("ca-")


def region_of(court: Court) -> str:
    """Return the number of the district; empty for a court of no county."""
    return _OF_COUNTY.get(county_of(court), "")
