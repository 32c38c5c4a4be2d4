"""Numbers, days and terms as people read them.

In:     unrounded figures, ordinal days, coded terms.
Out:    short texts; rounding happens here and nowhere before.
Source: ours: two figures after the point below 10, one below 100, none above.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from service.domain.contributions import ANY
from service.monitors.wording import INFECTION_WORDS, TRANSPLANT_WORDS
from service.stats.interval import Interval

NONE = "–"
HIDDEN = "hidden"
KEPT = "\u00a0"
"""A space at which no line breaks."""
LARGEST_PLAIN = 1e6
LARGEST_TOLD = 300
SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

KIND_WORDS = {
    "excess": "Excess over a published figure",
    "rise": "Recent rise over a published figure",
    "share": "Shift in the share of cases",
    "sentinel": "Sentinel case",
    "cluster": "Linked cases",
}
ATTRIBUTE_WORDS = {
    "lot": "product lot",
    "supplier": "supplier",
    "clinic": "clinic that performed the procedure",
    "transplant_type+country": "procedure and its country",
}
HISTORY_WORDS = {
    "opened": "Opened",
    "updated": "Brought up to date",
    "supported": "The data support it again",
    "unsupported": "The data no longer support it",
    "merged": "Merged into an older alert",
    "acknowledged": "Acknowledged",
    "closed": "Closed",
    "reopened": "Reopened",
    "commented": "Comment",
}


def number(value: float | None) -> str:
    """A figure in so many digits as carry something.

    >>> number(0.4861), number(27.26), number(1287.4), number(None), number(0)
    ('0.49', '27.3', '1,287', '–', '0')
    """
    if value is None:
        return NONE
    if value == 0:
        return "0"
    if abs(value) < 0.01:
        return f"{value:.1g}"
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{decimals}f}"


def span(interval: Interval, factor: float = 1.0, unit: str = "") -> str:
    """An interval's limits; one that does not exist is told as such.

    >>> print(span(Interval(0.0612, 0.575, 0.95, "exact"), 100, "%").replace(KEPT, " "))
    6.12 to 57.5%
    >>> print(span(Interval(None, 2.0, 0.95, "midp")).replace(KEPT, " "))
    below 2.00
    """
    lower, upper = (
        None if x is None else number(x * factor) for x in (interval.lower, interval.upper)
    )
    if upper is None:
        return NONE if lower is None else f"above{KEPT}{lower}{unit}"
    if lower is None:
        return f"below{KEPT}{upper}{unit}"
    return f"{lower}{KEPT}to{KEPT}{upper}{unit}"


def count(cases: int | None) -> str:
    """How many; a number that is withheld or does not exist is told as such.

    >>> count(1204), count(None)
    ('1,204', '–')
    """
    return NONE if cases is None else f"{cases:,}"


def limits(interval: Mapping[str, Any] | None) -> str:
    """The limits of an interval as the API writes it.

    >>> print(limits({"lower": 0.0612, "upper": 0.575}).replace(KEPT, " "))
    0.06 to 0.57
    """
    if interval is None or (interval["lower"] is None and interval["upper"] is None):
        return NONE
    return span(Interval(interval["lower"], interval["upper"], 0.95, ""))


def dimension(name: str) -> str:
    """What a figure is cut by, in words.

    >>> dimension("age_group")
    'Age group'
    """
    return name.replace("_", " ").capitalize()


def evidence(e_value: float) -> str:
    """An e-value.

    >>> evidence(1.0), evidence(34.27), evidence(12190.2), evidence(5.926e12)
    ('1.0', '34.3', '12,190', '5.9 × 10¹²')
    """
    if e_value < LARGEST_PLAIN:
        return f"{e_value:.1f}" if e_value < 100 else f"{e_value:,.0f}"
    mantissa, exponent = f"{e_value:.1e}".split("e")
    power = int(exponent)
    if power > LARGEST_TOLD:
        return "more than 10³⁰⁰"
    return f"{mantissa} × 10{str(power).translate(SUPERSCRIPT)}"


def day(ordinal: int | None) -> str:
    """A day with its month in letters, so that nobody reads it the wrong way round.

    >>> print(day(date(2026, 11, 2).toordinal()).replace(KEPT, " "))
    2 Nov 2026
    """
    if ordinal is None:
        return NONE
    found = date.fromordinal(ordinal)
    return KEPT.join((str(found.day), MONTHS[found.month - 1], str(found.year)))


def days(first: int | None, last: int | None) -> str:
    """From a day to a day, one where they are the same."""
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def instant(at: datetime | None) -> str:
    """An instant in UTC, to the minute."""
    if at is None:
        return NONE
    utc = at.astimezone(UTC)
    return f"{day(utc.toordinal())}, {utc:%H:%M} UTC"


def iso_day(text: str | None) -> str:
    """A day that JSON keeps, as people read it."""
    return NONE if text is None else day(date.fromisoformat(text).toordinal())


def days_between(first: str, last: str) -> str:
    """From a day that JSON keeps to another, one where they are the same."""
    return days(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal())


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun, thousands set apart.

    >>> counted(1, "case"), counted(9352, "event"), counted(2, "facility", "facilities")
    ('1 case', '9,352 events', '2 facilities')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def term(value: str) -> str:
    """A coded term in words; what is in no list stands as it was sent.

    >>> term("allo_hsct"), term("kidney+pancreas"), term("tacrolimus")
    ('allogeneic HSCT', 'kidney transplant + pancreas transplant', 'tacrolimus')
    """
    known = {**TRANSPLANT_WORDS, **INFECTION_WORDS, ANY: "any infection"}
    return " + ".join(known.get(part, part) for part in value.split("+"))


def shared_value(attribute: str, value: str) -> str:
    """What cases have in common, in words."""
    if attribute != "transplant_type+country":
        return value
    procedure, _, country = value.rpartition("+")
    return f"{term(procedure)} in {country}"


def told(detail: Mapping[str, Any]) -> str:
    """What an entry of an alert's history says besides its name."""
    parts = []
    for name, value in detail.items():
        shown = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
        parts.append(shown if name in ("what", "why") else f"{name.replace('_', ' ')}: {shown}")
    return "; ".join(parts)
