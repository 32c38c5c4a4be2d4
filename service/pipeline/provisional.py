"""Which rates are provisional: those whose window still awaits reports.

In:     the lags of infection events, a rate's definition, and the share that may be missing.
Out:    `Standing`, what a row's figure may still gain.
Source: docs/methods.md 9.
"""

from dataclasses import dataclass

from service.domain.days import Days
from service.domain.figures import RateDefinition
from service.pipeline.as_of import KnownState
from service.pipeline.rates import RateRow
from service.pipeline.reporting_lags import ReportingLags, reporting_lags
from service.pipeline.surveillance import Surveillance
from service.store import sums
from service.store.engine import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """How complete a rate is; the share is None where no lag is known."""

    share_still_to_come: float | None
    above: float

    @property
    def provisional(self) -> bool:
        """Is more to come than may be missing?"""
        return self.share_still_to_come is not None and self.share_still_to_come > self.above

    def expected_cases(self, cases: int) -> float | None:
        """The cases there will be once all are reported; None where nothing tells."""
        share = self.share_still_to_come
        return None if share is None or share >= 1 else cases / (1 - share)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is still to come of the rows of one definition."""

    lags: ReportingLags
    definition: RateDefinition
    window: Days
    above: float

    def of(self, row: RateRow, window: Days | None = None) -> Standing:
        """The standing of a row over a window; over the definition's unless another is named."""
        share = self.lags.share_still_to_come(
            window or self.window,
            self.definition.filters.get("facility"),
            row.stratum.get("facility"),
        )
        return Standing(share, self.above)

    @property
    def over_all(self) -> Standing:
        """The standing of the whole window."""
        facilities = self.definition.filters.get("facility")
        return Standing(self.lags.share_still_to_come(self.window, facilities), self.above)


def outlook(
    connection: Connection,
    surveillance: Surveillance,
    definition: RateDefinition,
    known: KnownState,
) -> Outlook:
    """The outlook of a definition as known at a state; a window without a start begins with the
    first day at risk.
    """
    start_day = definition.start_day
    if start_day is None:
        first = sums.first_day(connection, definition.filters, position=known.past_position)
        start_day = definition.end_day if first is None else min(first, definition.end_day)
    lags = reporting_lags(connection, surveillance, known.latest_day)
    window = Days(start_day, definition.end_day)
    return Outlook(lags, definition, window, surveillance.provisional_share)
