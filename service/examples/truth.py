"""The truth behind a simulated network: its rates and its planted clusters.

In:     the model of rates and what was planted.
Out:    `Truth`, against which any estimate can be held.
Source: none; the numbers are invented, the arithmetic is exact.
"""

from dataclasses import dataclass
from datetime import date

from service.examples.happenings import Regimen
from service.examples.hazards import RateModel
from service.examples.planted import LotOutbreak, RaisedRate


@dataclass(frozen=True)
class PlantedCluster:
    """The cases of one planted outbreak, as (facility, patient, onset) in order of onset."""

    outbreak: LotOutbreak
    cases: tuple[tuple[str, str, date], ...]


@dataclass(frozen=True)
class Truth:
    """What a perfect estimate would find."""

    model: RateModel
    raised: tuple[RaisedRate, ...]
    clusters: tuple[PlantedCluster, ...]

    def rate_per_100_person_years(
        self,
        cause: str,
        *,
        transplant_type: str,
        days_since_index: int,
        regimen: Regimen,
        facility: str,
        on: date,
    ) -> float:
        """The true rate of first infections, for a patient at risk on that day.

        `cause` is one of `hazards.CAUSES`. The outbreak's recipients stand outside the model.
        """
        rate = self.model.rate(transplant_type, cause, days_since_index, regimen)
        for planted in self.raised:
            if (planted.facility, planted.cause) == (facility, cause) and planted.from_date <= on:
                rate *= planted.ratio
        return rate
