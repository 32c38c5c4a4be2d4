"""The cgd trial as events: recurrent serious infections of 128 real patients in 13 centres.

In:     `data/cgd_patients_dates.csv`, `data/cgd_infection_dates.csv`.
Out:    `cgd_events()`, 332 events: per patient a course, its infections, the end of follow-up.
Source: R package survival (LGPL >= 2), data set cgd; Fleming & Harrington 1991; International CGD
        Cooperative Study Group, N Engl J Med 1991;324:509. See data/README.md.

The trial stands in as follow-up data: its patients received interferon gamma or placebo, and no
transplant. What the vocabulary cannot say is documented in docs/example-data.md.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

STAND_IN_TRANSPLANT_TYPE = "car_t"
"""No type is true of the trial; none of the published baselines speaks of this one, so that
the trial's person-time cannot thin out an expected count. Nobody can mistake it for the year
1989 either."""

DATA = Path(__file__).with_name("data")
CASE_DEFINITIONS_FILE = DATA / "cgd_case_definitions.json"
"""How the trial counted: under it the 76 infections are 76 episodes, under 14 days 69."""


def cgd_events() -> Iterator[dict[str, Any]]:
    """The trial, patient by patient in the order of the source, each in order of day."""
    infections: dict[str, list[str]] = defaultdict(list)
    for row in _rows("cgd_infection_dates.csv"):
        infections[row["id"]].append(row["infection_date"])
    for row in _rows("cgd_patients_dates.csv"):
        yield from _patient_events(row, infections[row["id"]])


def facility_of(center: str) -> str:
    """The centre's name as an identifier.

    >>> facility_of("L.A. Children's Hosp"), facility_of("Univ. of Zurich")
    ('cgd-la-childrens-hosp', 'cgd-univ-of-zurich')
    """
    letters = re.sub(r"[.']", "", center.lower())
    return f"cgd-{re.sub(r'[^a-z0-9]+', '-', letters)}"


def _patient_events(row: dict[str, str], infection_dates: list[str]) -> Iterator[dict[str, Any]]:
    patient = f"cgd-{int(row['id']):03d}"
    who = {"facility": facility_of(row["center"]), "patient": patient}
    randomised_on = date.fromisoformat(row["randomisation_date"])
    yield {
        "type": "transplant",
        "event_id": f"{patient}-randomised",
        **who,
        "occurred_on": randomised_on.isoformat(),
        "transplant_type": STAND_IN_TRANSPLANT_TYPE,
        "indication": f"CGD: {row['treat']}",
        "age_years": int(row["age"]),
        "sex": row["sex"],
        # R's survival counts (start, stop]; follow-up here includes both its ends.
        "enrolled_on": (randomised_on + timedelta(days=1)).isoformat(),
    }
    for number, infection_date in enumerate(sorted(infection_dates), start=1):
        yield {
            "type": "infection",
            "event_id": f"{patient}-infection-{number}",
            **who,
            "occurred_on": infection_date,
            "infection_type": "unknown",
        }
    yield {
        "type": "outcome",
        "event_id": f"{patient}-end",
        **who,
        "occurred_on": row["end_of_followup_date"],
        "outcome": "withdrawn",
    }


def _rows(name: str) -> list[dict[str, str]]:
    text = (DATA / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
