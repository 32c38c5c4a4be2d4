"""Dates in the format that a file declares, and in no other.

In:     a format such as `DD/MM/YYYY`, and the text of a cell.
Out:    `YYYY-MM-DD`, or None where the text is no date of that format.
Source: docs/imports.md. A year has four digits: two would have to be guessed.
"""

import re
from datetime import date
from functools import lru_cache

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PARTS = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "MMM": rf"(?P<name>{'|'.join(MONTHS)})",
    "MM": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{1,2})",
}
FORMAT = re.compile(r"(YYYY|MMM?|DD)([-/. ]?)(YYYY|MMM?|DD)([-/. ]?)(YYYY|MMM?|DD)")
TIME_OF_DAY = r"(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AP]M)?)?"
SERIAL_NUMBER = re.compile(r"[0-9]{5}(?:[.,][0-9]+)?")
"""What a spreadsheet shows of a date whose cell is formatted as a number."""


@lru_cache(maxsize=64)
def date_pattern(declared: str) -> re.Pattern[str] | None:
    """The pattern of a declared format; None for what is none.

    Without separators every part has all its digits; else a day or month may have one.
    """
    found = FORMAT.fullmatch(declared)
    if found is None or len({part[0] for part in found.group(1, 3, 5)}) != 3:
        return None
    parts = [PARTS[name] for name in found.group(1, 3, 5)]
    first, second = found.group(2, 4)
    text = f"{parts[0]}{re.escape(first)}{parts[1]}{re.escape(second)}{parts[2]}"
    if not (first and second):
        text = text.replace("{1,2}", "{2}")
    return re.compile(text + TIME_OF_DAY, re.IGNORECASE)


def iso_date(text: str, declared: str) -> str | None:
    """The date in a cell, whose time of day is passed over.

    >>> iso_date("1/3/2024", "DD/MM/YYYY"), iso_date("2024-03-01 10:30", "YYYY-MM-DD")
    ('2024-03-01', '2024-03-01')
    >>> iso_date("3/25/2024", "DD/MM/YYYY") is None
    True
    """
    pattern = date_pattern(declared)
    found = pattern.fullmatch(text) if pattern else None
    if found is None:
        return None
    part = found.groupdict()
    month = MONTHS.index(part["name"].lower()) + 1 if part.get("name") else int(part["month"])
    try:
        return date(int(part["year"]), month, int(part["day"])).isoformat()
    except ValueError:
        return None
