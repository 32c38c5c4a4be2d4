"""The explorer's form asks everything that the API can be asked, and nothing else."""

from service.api.rates import RatesQuery, SeriesQuery
from service.dashboard.questions import QUESTIONS, fill_in


def test_every_parameter_of_a_rate_has_a_field() -> None:
    fields = [field for group in QUESTIONS for field in group.fields]
    known = {*RatesQuery.model_fields, *SeriesQuery.model_fields} - {"format"}
    assert {field.name for field in fields} == known
    assert len(fields) == len(known)
    assert all(field.help for field in fields)


def test_what_is_asked_stands_in_the_form() -> None:
    asked = {"sex": ["female"], "agent": ["CsA", "FK506"], "episodes": ["all"]}
    groups = [fill_in(group, asked, {}) for group in QUESTIONS]
    chosen = {field.name: field.chosen for group in groups for field in group.fields}
    told = {name: value for name, value in chosen.items() if value}
    assert told == {"sex": "female", "agent": "CsA; FK506", "episodes": "all"}
    assert [group.title for group in groups if group.is_asked] == [
        "Which patients",
        "How counted",
    ]
