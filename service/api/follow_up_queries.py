"""What a caller may ask of the quality of follow-up.

In:     the query of a request, the key's facilities, the operator's schedule, the ledger's state.
Out:    `QualityDefinition`; `BadQuery` for what means nothing.
Source: docs/api-rates.md, follow-up quality; docs/methods.md 9.
"""

from pydantic import BaseModel, ConfigDict, Field

from service.api.access import Principal
from service.api.figures import MOST_VALUES, AsOf, CalendarDate, filter_on
from service.api.filters import nearest, resolved
from service.api.formats import Format
from service.api.small_cells import require_coarse
from service.domain.visits import VisitSchedule
from service.errors import BadQuery, Detail
from service.pipeline.as_of import KnownState
from service.pipeline.follow_up_quality import AT_INDEX, QualityDefinition
from service.reference import AGE_GROUPS, SEXES
from service.settings import Settings

MOST_PATIENTS = 1_000
HOW_TO_SCHEDULE = "Write rising days since the index date, such as `schedule=100,183,365`."


class LagQuery(BaseModel):
    """Whose reports, as known when."""

    model_config = ConfigDict(extra="ignore")  # unknown names are refused with the nearest one

    facility: list[str] = filter_on("Facility.", "ucd-01")
    as_of: AsOf | None = Field(
        default=None,
        description="The state of knowledge to speak for: a position of the ledger, or an instant.",
    )
    format: Format | None = Field(
        default=None, description="The format of the answer; wins over `Accept`."
    )


class OverdueQuery(LagQuery):
    """Whose follow-up, up to which day, against which schedule."""

    transplant_type: list[str] = filter_on("Transplant type, any known spelling.", "allo-HSCT")
    indication: list[str] = filter_on("Indication, as it was sent.", "AML")
    age_group: list[str] = filter_on("Age at the index date.", values=AGE_GROUPS)
    sex: list[str] = filter_on("Sex.", values=SEXES)
    end: CalendarDate | None = Field(
        default=None, description="The day of which to speak; today, or that of `as_of`, at latest."
    )
    schedule: str | None = Field(
        default=None,
        max_length=500,
        description="Days since the index date on which to be seen.",
        examples=["100,183,365"],
    )
    then_every: int | None = Field(
        default=None, ge=0, le=3650, description="Days between visits after those; 0 for none."
    )
    tolerance: int | None = Field(
        default=None, ge=0, le=3650, description="Days by which a visit may be early or late."
    )

    def visits(self, settings: Settings) -> VisitSchedule:
        """The schedule asked for, the operator's where nothing is said."""
        try:
            written = self.schedule or settings.visit_schedule
            return VisitSchedule(
                tuple(int(part) for part in written.split(",")),
                settings.visit_then_every if self.then_every is None else self.then_every,
                settings.visit_tolerance_days if self.tolerance is None else self.tolerance,
            )
        except ValueError:
            detail = Detail("?schedule", "bad_query", HOW_TO_SCHEDULE)
            raise BadQuery(HOW_TO_SCHEDULE, details=(detail,)) from None

    def definition(
        self, principal: Principal, known: KnownState, settings: Settings
    ) -> QualityDefinition:
        """What is asked, within what the key may see and what was known."""
        require_coarse(principal, None, self.end, known.latest_day, past=self.as_of is not None)
        filters = resolved({name: getattr(self, name) for name in AT_INDEX})
        visible = principal.visible(filters.get("facility"))
        if visible is not None:
            filters["facility"] = visible
        end = min(self.end or known.latest_day, known.latest_day)
        return QualityDefinition(end.toordinal(), filters, self.dimensions, self.visits(settings))

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions with a row for each value."""
        return ()


class QualityQuery(OverdueQuery):
    """The same, by stratum."""

    by: list[str] = Field(
        default=[],
        max_length=MOST_VALUES,
        description=f"One row for each value of these, joined by commas: {', '.join(AT_INDEX)}.",
        examples=[["facility"]],
    )

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names in `by`, each once; raises `BadQuery` for one that a course has not."""
        names = [name.strip() for part in self.by for name in part.split(",") if name.strip()]
        for name in names:
            if name not in AT_INDEX:
                near = ", ".join(nearest(name, AT_INDEX) or AT_INDEX)
                message = f"`by` takes what a course has from its first day: {near}."
                raise BadQuery(message, details=(Detail("?by", "unknown_parameter", message),))
        return tuple(dict.fromkeys(names))


class OverduePageQuery(OverdueQuery):
    """The same, page by page; always JSON."""

    limit: int = Field(default=100, ge=1, le=MOST_PATIENTS, description="Patients a page.")
    cursor: str | None = Field(default=None, description="Where the last page ended.")
