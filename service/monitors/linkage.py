"""Which cases share what: the grounds on which cases are linked.

In:     cases of one organism group.
Out:    `SharedValue`s: the cases that have one attribute in common, whenever they occurred.
Source: docs/methods.md 8.4.

Names are compared as people mean them: compatibility forms, case and spacing do not matter, and
"unknown" is no name. Lot numbers of two suppliers may coincide: a lot is one lot unless its two
suppliers are both known and differ.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from service.domain.contributions import Exposure
from service.monitors.cases import Case
from service.monitors.definitions import Attribute

NO_NAMES = frozenset({"", "-", "?", "n/a", "na", "nil", "none", "not known", "unk", "unknown"})


class SharedValue(NamedTuple):
    """Cases, in the order given, with the value they share as the first of them has it."""

    attribute: Attribute
    value: str
    cases: tuple[Case, ...]


def folded(name: str | None) -> str | None:
    """The name as it is compared; None where it names nothing.

    >>> folded("  Clínica  ＡＢＣ ") == folded("CLÍNICA abc"), folded("n/a")
    (True, None)
    """
    if name is None:
        return None
    text = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    # Case folding can undo the normal form, so it is made once more.
    text = unicodedata.normalize("NFKC", text)
    return None if text in NO_NAMES else text


def may_share(case: Case) -> bool:
    """Is anything known of the case by which it could be linked with another?

    Most recipients are transplanted at the hospital that reports them: of them nothing is.
    """
    exposure = case.exposure
    return exposure is not None and any(
        (
            exposure.product_lot,
            exposure.product_supplier,
            exposure.performed_at,
            exposure.performed_in,
        )
    )


def shared_values(attribute: Attribute, cases: Iterable[Case]) -> list[SharedValue]:
    """All values of the attribute with the cases that have them; a case may have several."""
    groups: dict[tuple[str, ...], list[Case]] = defaultdict(list)
    exposed = [(case, case.exposure) for case in cases if case.exposure]
    for key, case in GROUPINGS[attribute](exposed):
        groups[key].append(case)
    return [
        SharedValue(attribute, SHOWN[attribute](of_one[0], key), tuple(of_one))
        for key, of_one in sorted(groups.items())
    ]


Exposed = Sequence[tuple[Case, Exposure]]
Keyed = Iterable[tuple[tuple[str, ...], Case]]


def _by_lot(exposed: Exposed) -> Keyed:
    suppliers: dict[str, set[str]] = defaultdict(set)
    for _, exposure in exposed:
        lot, supplier = folded(exposure.product_lot), folded(exposure.product_supplier)
        if lot and supplier:
            suppliers[lot].add(supplier)
    for case, exposure in exposed:
        lot, supplier = folded(exposure.product_lot), folded(exposure.product_supplier)
        if lot:
            for possible in [supplier] if supplier else sorted(suppliers[lot]) or [""]:
                yield (lot, possible), case


def _by_supplier(exposed: Exposed) -> Keyed:
    for case, exposure in exposed:
        if supplier := folded(exposure.product_supplier):
            yield (supplier,), case


def _by_clinic(exposed: Exposed) -> Keyed:
    for case, exposure in exposed:
        if clinic := folded(exposure.performed_at):
            yield (clinic,), case


def _by_type_and_country(exposed: Exposed) -> Keyed:
    for case, exposure in exposed:
        if country := folded(exposure.performed_in):
            for transplant_type in sorted(case.transplant_types):
                yield (transplant_type, country.upper()), case


GROUPINGS: dict[Attribute, Callable[[Exposed], Keyed]] = {
    "lot": _by_lot,
    "supplier": _by_supplier,
    "clinic": _by_clinic,
    "transplant_type+country": _by_type_and_country,
}


def _as_given(field: str) -> Callable[[Case, tuple[str, ...]], str]:
    def shown(case: Case, key: tuple[str, ...]) -> str:
        return " ".join(str(getattr(case.exposure, field, key[0])).split())

    return shown


SHOWN: dict[Attribute, Callable[[Case, tuple[str, ...]], str]] = {
    "lot": _as_given("product_lot"),
    "supplier": _as_given("product_supplier"),
    "clinic": _as_given("performed_at"),
    "transplant_type+country": lambda _, key: "+".join(key),
}
