"""Filter values in any spelling, and refusals that say what may have been meant."""

import pytest

from service.api.filters import resolved
from service.errors import BadQuery


@pytest.mark.parametrize(
    ("name", "sent", "canonical"),
    [
        ("agent", "CsA", "ciclosporin"),
        ("regimen", "MMF+CsA", "ciclosporin+mycophenolic acid"),
        ("regimen", "CsA MMF", "ciclosporin+mycophenolic acid"),
        ("regimen", "mycophenolic acid FK506", "mycophenolic acid+tacrolimus"),
        ("regimen", "mycophenolic acid", "mycophenolic acid"),
        ("regimen", "none", "none"),
        ("transplant_type", "pancreas+RTx", "kidney+pancreas"),
        ("transplant_type", "stem cell injection", "stem_cell_injection"),
        ("organism", "unknown", "unknown"),
        ("organism_group", "mycobacterium avium complex", "Mycobacterium avium complex"),
        ("organism_group", "M. intracellulare", "Mycobacterium avium complex"),
        ("site", "CSF", "cns"),
        ("age_group", "60 ", "60+"),
        ("phase", "366+", "366+"),
        ("sex", "Female", "female"),
        ("indication", "AML; relapsed, 2nd", "AML; relapsed, 2nd"),
    ],
)
def test_a_value_in_any_spelling(name: str, sent: str, canonical: str) -> None:
    assert resolved({name: [sent]}) == {name: (canonical,)}


def test_a_filter_without_values_is_none() -> None:
    assert resolved({"agent": [], "sex": ["male", "Male"]}) == {"sex": ("male",)}


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        ("agent", "TAC", "ambiguous_term"),
        ("regimen", "CsA+nonsense", "unknown_term"),
        ("regimen", "CsA+", "unknown_term"),
        ("transplant_type", "ASCT", "ambiguous_term"),
        ("organism", "AFB", "not_identified"),
        ("indication", "", "unknown_term"),
        ("status", "ill", "unknown_term"),
    ],
)
def test_what_is_no_term_is_refused(name: str, sent: str, code: str) -> None:
    with pytest.raises(BadQuery) as refused:
        resolved({name: [sent]})
    (fault,) = refused.value.details
    assert (fault.pointer, fault.code) == (f"?{name}", code)
    assert "nonsense" not in fault.message
