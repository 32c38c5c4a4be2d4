"""Plain words for titles: which infection, after what.

In:     coded terms of a rule.
Out:    phrases without any patient's data.
Source: the closed lists of `service.reference.terms`.
"""

from collections.abc import Sequence

INFECTION_WORDS = {
    "bacterial": "bacterial infection",
    "viral": "viral infection",
    "fungal": "fungal infection",
    "parasitic": "parasitic infection",
    "ntm": "NTM",
    "tuberculosis": "tuberculosis",
    "unknown": "infection of unknown type",
}

TRANSPLANT_WORDS = {
    "auto_hsct": "autologous HSCT",
    "allo_hsct": "allogeneic HSCT",
    "kidney": "kidney transplant",
    "liver": "liver transplant",
    "heart": "heart transplant",
    "lung": "lung transplant",
    "heart_lung": "heart-lung transplant",
    "pancreas": "pancreas transplant",
    "islet": "islet transplant",
    "intestine": "intestine transplant",
    "vca": "composite tissue transplant",
    "msc_infusion": "MSC infusion",
    "stem_cell_injection": "stem cell injection",
    "car_t": "CAR-T therapy",
}

MOST_NAMED = 3


def capitalised(phrase: str) -> str:
    """The phrase with its first letter in upper case and the rest left alone.

    >>> capitalised("bacterial infection after MSC infusion")
    'Bacterial infection after MSC infusion'
    """
    return phrase[:1].upper() + phrase[1:]


def one_of(phrases: Sequence[str], otherwise: str) -> str:
    """The phrases joined by `or`, or a general word where there are none or too many.

    >>> one_of(["kidney transplant", "islet transplant"], "transplant")
    'kidney transplant or islet transplant'
    """
    return " or ".join(phrases) if 0 < len(phrases) <= MOST_NAMED else otherwise


def transplant_words(transplant_types: Sequence[str]) -> str:
    """What the patients received."""
    return one_of([TRANSPLANT_WORDS.get(name, name) for name in transplant_types], "transplant")


def infection_words(infection_type: str, site_class: str) -> str:
    """Which infection, and where in the body.

    >>> infection_words("ntm", "extrapulmonary")
    'extrapulmonary NTM'
    """
    where = "" if site_class == "unknown" else f"{site_class} "
    return f"{where}{INFECTION_WORDS.get(infection_type, infection_type)}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun.

    >>> counted(1, "case"), counted(3, "case"), counted(2, "facility", "facilities")
    ('1 case', '3 cases', '2 facilities')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
