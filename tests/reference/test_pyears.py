"""The cgd trial, posted as events, against R's survival::pyears and Epi: every cell, to the day.

In:     `service.examples.cgd` through the real pipeline; `data/pyears.shared.json`.
Out:    equal person-days, infections, rates and exact limits; what differs is named below.
Source: data/README.md: survival counts (start, stop], so the first day at risk is start + 1.

The one-day convention. The day we date d, survival counts from d - 1 to d, and puts it into the
month or year of d - 1. A month of survival is therefore ours from its second day to the first of
the next month. Cut at our own calendar, a cell gains those at risk on its first day and loses
those at risk on the first day after it; the two infections dated on the first of a month move.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import pytest

from service.domain.days import Days
from service.domain.figures import RateDefinition
from service.domain.rules import FollowUpRules
from service.domain.windows import calendar_windows
from service.examples.cgd import CASE_DEFINITIONS_FILE, cgd_events, facility_of
from service.ingest.faults import DocumentFault, Draft
from service.ingest.json_body import read_json
from service.pipeline.rates import RateRow, RateTable, rate_table, rate_tables
from service.pipeline.record import record
from service.pipeline.surveillance import Surveillance
from service.reference.case_definitions import read_rows, shipped_case_definitions
from service.store.engine import Database
from tests.conftest import Databases
from tests.reference.outside import cases, table

CASES = {case.values[0]["id"]: case.values[0] for case in cases("pyears")}
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST, LAST = date(1989, 6, 1).toordinal(), date(1990, 12, 31).toordinal()

COMPARED = {"py-01", "py-02", "py-03", "py-04", "py-05", "py-08", "py-10"}
NOT_COMPARED = {
    "py-11": "the number of earlier infections is no dimension of ours",
    "py-14": "deaths are no infections: the ledger has no rate of deaths",
    "py-15": "deaths, and half days: survival moves a transplant by half a day, ours are whole",
    "py-16": "deaths, and half days",
}
JOINED_BANDS = {
    "0-30": "0-180",
    "31-100": "0-180",
    "101-180": "0-180",
    "0-90": "0-180",
    "90-180": "0-180",
    "180-270": "180-365",
    "270-365": "180-365",
    "181-365": "180-365",
    "365+": "365+",
    "366+": "365+",
}
"""Our phases and the oracle's bands meet at days 180 and 365 only: both are joined up to there.
Its band (180, 365] is our phase 181-365, because its day t ends where our day t begins."""


@pytest.fixture(scope="module")
def trial(databases: Databases) -> Iterator[Surveillance]:
    """The ledger after all 332 events, under the trial's own case definition."""
    definitions = shipped_case_definitions().replaced_by(
        read_rows(CASE_DEFINITIONS_FILE.read_bytes())
    )
    with databases(migrated=True) as url:
        database = Database(url)
        rules = FollowUpRules(case_definitions=definitions)
        surveillance = Surveillance(database, rules, clock=lambda: NOW)
        body = json.dumps(list(cgd_events())).encode()
        read = read_json(body, today_latest=NOW.date(), max_items=332)
        assert not isinstance(read, DocumentFault)
        drafts = [draft for draft in read[1] if isinstance(draft, Draft)]
        assert len(drafts) == len(read[1]) == 332
        receipt = record(surveillance, drafts)
        assert {verdict.status for verdict in receipt.verdicts} == {"accepted"}
        yield surveillance
        database.close()


def asked(by: Sequence[str], **more: object) -> RateDefinition:
    """All infections over all follow-up, as the trial counts recurrent infections."""
    settings = {
        "start_day": FIRST,
        "end_day": LAST,
        "episodes": "all",
        "person_time": "follow_up",
        "by": tuple(by),
        **more,
    }
    return RateDefinition(**settings)  # type: ignore[arg-type]


def told(trial: Surveillance, definition: RateDefinition) -> RateTable:
    with trial.database.read() as connection:
        return rate_table(connection, definition)


def told_in(
    trial: Surveillance, definition: RateDefinition, windows: Sequence[Days]
) -> list[RateTable]:
    with trial.database.read() as connection:
        return rate_tables(connection, definition, windows)


def arm(row: RateRow) -> str:
    return row.stratum["indication"].removeprefix("CGD: ")


def numbers(row: RateRow) -> tuple[float | None, ...]:
    """Everything the oracle says of a cell."""
    one = row.estimate
    limits = one.interval.lower, one.interval.upper
    return one.person_days, one.cases, one.rate, *limits


def expected_numbers(cell: dict[str, float]) -> object:
    names = ("person_time", "events", "rate", "rate_lower_95_exact", "rate_upper_95_exact")
    return pytest.approx(tuple(cell[name] for name in names), rel=1e-12, abs=0)


def cells(case_id: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = CASES[case_id]["expected"]["cells"]
    return found


def test_every_case_is_compared_or_told_why_not() -> None:
    assert COMPARED | set(NOT_COMPARED) == set(CASES)


def test_by_arm(trial: Surveillance) -> None:
    found = told(trial, asked(["indication"]))
    assert len(found.rows) == 2
    by_arm = {arm(row): row for row in found.rows}
    for cell in cells("py-01"):
        assert numbers(by_arm[str(cell["treat"])]) == expected_numbers(cell)
    assert found.total is not None
    assert (found.total.estimate.person_days, found.total.estimate.cases) == (37477, 76)


def test_by_arm_and_kind_of_hospital(trial: Surveillance) -> None:
    centres = {(row["hos.cat"], facility_of(row["center"])) for row in patients()}
    for kind in {kind for kind, _ in centres}:
        there = tuple(facility for of_kind, facility in centres if of_kind == kind)
        found = told(trial, asked(["indication"], filters={"facility": there}))
        by_arm = {arm(row): row for row in found.rows}
        for cell in cells("py-02"):
            if cell["hos.cat"] == kind:
                assert numbers(by_arm[str(cell["treat"])]) == expected_numbers(cell)


def test_by_arm_and_centre(trial: Surveillance) -> None:
    found = told(trial, asked(["indication", "facility"]))
    rows = {(arm(row), row.stratum["facility"]): row for row in found.rows}
    assert len(rows) == len(cells("py-03")) == 26
    for cell in cells("py-03"):
        row = rows[str(cell["treat"]), facility_of(str(cell["center"]))]
        assert numbers(row) == expected_numbers(cell)


@pytest.mark.parametrize(
    ("case_id", "episodes", "person_time"),
    [("py-04", "all", "follow_up"), ("py-10", "first", "at_risk")],
)
def test_by_arm_and_time_since_randomisation(
    trial: Surveillance, case_id: str, episodes: str, person_time: str
) -> None:
    definition = asked(["indication", "phase"], episodes=episodes, person_time=person_time)
    ours: Counter[tuple[str, str, str]] = Counter()
    for row in told(trial, definition).rows:
        band = JOINED_BANDS[row.stratum["phase"]]
        ours[arm(row), band, "days"] += row.estimate.person_days
        ours[arm(row), band, "cases"] += row.estimate.cases
    theirs: Counter[tuple[str, str, str]] = Counter()
    for cell in cells(case_id):
        band = JOINED_BANDS[str(cell["band"])]
        theirs[str(cell["treat"]), band, "days"] += int(cell["person_time"])
        theirs[str(cell["treat"]), band, "cases"] += int(cell["events"])
    assert ours == theirs


@pytest.mark.parametrize("case_id", ["py-04", "py-10"])
def test_the_band_beyond_a_year_is_ours_as_it_stands(trial: Surveillance, case_id: str) -> None:
    how = {"py-04": ("all", "follow_up"), "py-10": ("first", "at_risk")}[case_id]
    definition = asked(["indication", "phase"], episodes=how[0], person_time=how[1])
    rows = {arm(row): row for row in told(trial, definition).rows if row.stratum["phase"] == "366+"}
    late = [cell for cell in cells(case_id) if cell["band"] == "365+"]
    assert late
    for cell in late:
        assert numbers(rows[str(cell["treat"])]) == expected_numbers(cell)


def test_by_arm_and_year_of_survival(trial: Surveillance) -> None:
    years = {"1989": Days(FIRST, new_year()), "1990": Days(new_year() + 1, LAST)}
    for year, found in zip(
        years, told_in(trial, asked(["indication"]), list(years.values())), strict=True
    ):
        rows = {arm(row): row for row in found.rows}
        for cell in cells("py-05"):
            if cell["year"] == year:
                assert numbers(rows[str(cell["treat"])]) == expected_numbers(cell)


def test_by_arm_and_calendar_year(trial: Surveillance) -> None:
    """No infection is dated on New Year's Day: only the people at risk on that day move."""
    windows = [w.days for w in calendar_windows("year", FIRST, LAST)]
    years = told_in(trial, asked(["indication"]), [*windows, Days(new_year(), new_year())])
    *both, on_new_years_day = ({arm(row): row.estimate for row in y.rows} for y in years)
    for cell in cells("py-05"):
        treat, year = str(cell["treat"]), int(cell["year"])
        moved = on_new_years_day[treat].person_days * (1 if year == 1989 else -1)
        ours = both[year - 1989][treat]
        assert ours.person_days + moved == cell["person_time"]
        assert ours.cases == cell["events"]
    assert all(estimate.cases == 0 for estimate in on_new_years_day.values())


def test_by_month_of_survival(trial: Surveillance) -> None:
    months = months_of_the_trial()
    shifted = [Days(month.start_day + 1, month.end_day + 1) for month in months]
    for cell, found in zip(cells("py-08"), told_in(trial, asked([]), shifted), strict=True):
        assert found.total is not None
        assert numbers(found.total) == expected_numbers(cell)


def test_by_calendar_month(trial: Surveillance) -> None:
    """Patients 31 and 98 were infected on the first of a month: theirs count a month later."""
    months = months_of_the_trial()
    firsts = [Days(month.start_day, month.start_day) for month in months]
    firsts.append(Days(months[-1].end_day + 1, months[-1].end_day + 1))
    found = told_in(trial, asked([]), [*months, *firsts])
    estimates = [one.total.estimate for one in found if one.total]
    of_months, on_firsts = estimates[: len(months)], estimates[len(months) :]
    for number, cell in enumerate(cells("py-08")):
        moved = on_firsts[number + 1].person_days - on_firsts[number].person_days
        assert of_months[number].person_days + moved == cell["person_time"]
    gained = {
        str(cell["month"]): ours.cases - int(cell["events"])
        for cell, ours in zip(cells("py-08"), of_months, strict=True)
    }
    assert {month: change for month, change in gained.items() if change} == {
        "1990-04": -1,
        "1990-06": 1,
    }, "98's of 1 May leaves April, 31's of 1 June leaves May: May loses one and gains one"


def patients() -> list[dict[str, str]]:
    return table("cgd_patients_dates.csv")


def months_of_the_trial() -> list[Days]:
    names = [str(cell["month"]) for cell in cells("py-08")]
    last = date.fromisoformat(f"{names[-1]}-01").toordinal() + 30
    windows = [w for w in calendar_windows("month", FIRST, last) if w.name in names]
    assert [window.name for window in windows] == names
    return [window.days for window in windows]


def new_year() -> int:
    return date(1990, 1, 1).toordinal()
