"""Completeness of follow-up: how much of the time that could have been observed was.

In:     observed and potential person-days, as sums over courses.
Out:    Clark's index C.
Source: Clark, Altman, De Stavola, Lancet 2002;359:1309-1310; docs/methods.md 9.
"""


def completeness(observed_person_days: int, potential_person_days: int) -> float | None:
    """Clark's C, between 0 and 1; None where nothing could have been observed.

    ValueError where more was observed than could be, or a number is negative. Three patients who
    could be seen for 100 days each, one of them lost on the 40th:

    >>> completeness(100 + 100 + 40, 300)
    0.8
    """
    if not 0 <= observed_person_days <= potential_person_days:
        raise ValueError("observed person-days lie between 0 and the potential ones")
    return observed_person_days / potential_person_days if potential_person_days else None
