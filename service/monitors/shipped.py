"""The monitors that a new installation starts with, and what sources advise on their signals.

In:     the shipped baselines.
Out:    for each baseline one monitor of each kind that can watch it: excess, rise or share; the
        sentinel; the cluster rule.
Source: docs/methods.md 7 and 8; each piece of advice names its own.
"""

from collections.abc import Iterable, Mapping, Sequence

from service.monitors.definitions import (
    KIND_OF,
    Advice,
    ClusterRule,
    Kind,
    Method,
    MonitorDefinition,
    SentinelRule,
)
from service.monitors.methods import methods_for
from service.reference.baselines import Baseline

MMWR_MEXICO = (
    "Nguyen M-VH, et al. Potential Outbreak of Extrapulmonary Mycobacterium abscessus subspecies "
    "massiliense Infections from Stem Cell Treatment Clinics in Mexico - Arizona and Colorado, "
    "2022. MMWR 2024;73(18):420-422. doi:10.15585/mmwr.mm7318a3"
)
NTM_GUIDELINE = (
    "Daley CL, et al. Treatment of Nontuberculous Mycobacterial Pulmonary Disease: An Official "
    "ATS/ERS/ESCMID/IDSA Clinical Practice Guideline. Clin Infect Dis 2020;71(4):905-913. "
    "doi:10.1093/cid/ciaa1125"
)
OURS = "Graftwatch (ours, no published source)"

CHECK_THE_DATA = Advice(
    "Look at the cases first: duplicates, one patient under two pseudonyms, a change of laboratory "
    "method or of reporting, and follow-up that is missing from the denominator can each look like "
    "an excess.",
    OURS,
)
CONFIRM_LUNG_DISEASE = Advice(
    "Tell disease from isolation: pulmonary NTM disease needs symptoms, imaging and microbiology "
    "(positive cultures from at least two separate expectorated sputum samples, or from one "
    "bronchial wash or lavage, or a biopsy with mycobacterial histology and a positive culture).",
    NTM_GUIDELINE,
)
STEM_CELL_INJECTIONS = Advice(
    "In 2022, three patients had extrapulmonary M. abscessus infections after embryonic stem cell "
    "injections in three cities in Mexico; isolates of two were one clone by whole genome "
    "sequencing, and a common infected source was suspected. The authors advise vigilance for "
    "similar cases and guidance for persons considering medical tourism.",
    MMWR_MEXICO,
)
ASK_AND_KEEP = Advice(
    "Ask each patient for clinic, country, date, product, lot and supplier, and keep the isolates "
    "for subspecies identification and sequencing; consider telling the public health authority.",
    OURS,
)
NTM_ADVICE = (CHECK_THE_DATA, CONFIRM_LUNG_DISEASE)
LINKAGE_ADVICE = (STEM_CELL_INJECTIONS, ASK_AND_KEEP)

TITLES: Mapping[tuple[Kind, str], str] = {
    ("excess", "rate"): "{} above the published rate",
    ("excess", "cumulative_incidence"): "{} above the published cumulative incidence",
    ("excess", "proportion"): "{} above the published proportion",
    ("rise", "rate"): "{}: a recent rise above the published rate",
    ("rise", "cumulative_incidence"): "{}: a recent rise above the published cumulative incidence",
    ("share", "share"): "{}: a share of cases above the published one",
}
"""What a signal is called, by the kind of monitor and the baseline's measure."""

SENTINEL_NTM = MonitorDefinition(
    id="sentinel-ntm-cell-injection",
    title="Extrapulmonary NTM after a cell injection",
    kind="sentinel",
    method="sentinel",
    scope="facility",
    sentinel=SentinelRule(),
    advice=LINKAGE_ADVICE,
)
CLUSTER_NTM = MonitorDefinition(
    id="cluster-ntm",
    title="Linked cases of NTM",
    kind="cluster",
    method="linkage",
    scope="network",
    cluster=ClusterRule(),
    advice=LINKAGE_ADVICE,
)


def shipped_monitors(baselines: Iterable[Baseline]) -> tuple[MonitorDefinition, ...]:
    """The monitors in the order of the baselines, the two rules without a baseline last."""
    of_baselines = (monitor for baseline in baselines for monitor in monitors_of(baseline))
    return (*of_baselines, SENTINEL_NTM, CLUSTER_NTM)


def monitors_of(baseline: Baseline) -> tuple[MonitorDefinition, ...]:
    """One monitor of each kind that can watch the baseline, by the usual method of the kind."""
    usual: dict[Kind, Method] = {}
    for method in methods_for(baseline):
        usual.setdefault(KIND_OF[method], method)
    return tuple(usual_monitor(baseline, method) for method in usual.values())


def usual_monitor(baseline: Baseline, method: Method) -> MonitorDefinition:
    """A monitor of one baseline with the method's usual settings, on where the baseline says so."""
    kind = KIND_OF[method]
    return MonitorDefinition(
        id=f"{kind}-{baseline.id}",
        title=TITLES[kind, baseline.measure].format(baseline.title),
        kind=kind,
        method=method,
        baseline_id=baseline.id,
        scope="both",
        enabled=baseline.monitored,
        advice=_advice(baseline.numerator.infection_type),
    )


def _advice(infection_types: Sequence[str]) -> tuple[Advice, ...]:
    of_one_type = ADVICE.get(infection_types[0]) if len(infection_types) == 1 else None
    return of_one_type or (CHECK_THE_DATA,)


ADVICE: Mapping[str, tuple[Advice, ...]] = {"ntm": NTM_ADVICE}
