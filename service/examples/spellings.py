"""How hospitals write things: the terms the simulated senders use for one and the same fact.

In:     nothing.
Out:    tables from a canonical term to the spellings in use, and what is found how often.
Source: spellings as in AMR (LPSN), MIMIC-IV microbiology, WHO ATC, RxNorm; the shares are
        invented, but for the lung's part in NTM after allogeneic transplant (44%, Cinicola 2024).

Left out on purpose: what the service must refuse as ambiguous (`ASCT`, `LTx`, `AZA`, `TAC`).
"""

from collections.abc import Mapping
from typing import NamedTuple

TRANSPLANT_TYPES: Mapping[str, tuple[str, ...]] = {
    "allo_hsct": ("allo_hsct", "allo-HSCT", "alloHCT"),
    "auto_hsct": ("auto_hsct", "auto-HSCT", "autologous HSCT"),
    "kidney": ("kidney", "RTx", "kidney transplant"),
    "liver": ("liver", "OLT", "liver transplant"),
    "lung": ("lung", "LuTx", "lung transplant"),
}

AGENTS: Mapping[str, tuple[str, ...]] = {
    "ciclosporin": ("CsA", "ciclosporin", "cyclosporine", "Neoral", "L04AD01"),
    "tacrolimus": ("FK506", "FK-506", "tacrolimus", "Prograf", "L04AD02"),
    "sirolimus": ("Rapamycin", "sirolimus", "Rapamune"),
    "mycophenolic acid": ("MMF", "mycophenolate mofetil", "CellCept"),
}

INDICATIONS: Mapping[str, tuple[str, ...]] = {
    "allo_hsct": ("AML", "ALL", "MDS", "thalassaemia"),
    "auto_hsct": ("myeloma", "lymphoma"),
    "kidney": ("diabetic nephropathy", "glomerulonephritis", "polycystic kidney disease"),
    "liver": ("hepatitis C cirrhosis", "biliary atresia"),
    "lung": ("cystic fibrosis", "COPD", "pulmonary fibrosis"),
}


class Organism(NamedTuple):
    """One organism, or one complex, its share of the cause, and how laboratories write it."""

    name: str
    share: float
    spellings: tuple[str, ...]


ABSCESSUS = Organism(
    "Mycobacterium abscessus",
    0.3,
    ("M. abscessus", "Mycobacterium abscessus", "Mycobacteroides abscessus", "MABC"),
)

NTM = (
    Organism(
        "Mycobacterium avium complex",
        0.5,
        ("MAC", "Mycobacterium avium complex", "M. avium complex", "Mycobacterium intracellulare"),
    ),
    ABSCESSUS,
    Organism("Mycobacterium chelonae", 0.1, ("Mycobacterium chelonae", "Mycobacteroides chelonae")),
    Organism("Mycobacterium kansasii", 0.1, ("Mycobacterium kansasii",)),
)

ORGANISMS: Mapping[str, tuple[Organism, ...]] = {
    "bacterial": (
        Organism("Escherichia coli", 0.35, ("Escherichia coli", "ESCHERICHIA COLI")),
        Organism("Staphylococcus aureus", 0.25, ("S. aureus", "Staphylococcus aureus", "MRSA")),
        Organism("Klebsiella pneumoniae", 0.2, ("Klebsiella pneumoniae",)),
        Organism("Pseudomonas aeruginosa", 0.1, ("Pseudomonas aeruginosa",)),
        Organism("Enterococcus faecium", 0.1, ("Enterococcus faecium", "ENTEROCOCCUS FAECIUM")),
    ),
    "viral": (
        Organism("Cytomegalovirus", 0.5, ("CMV", "Cytomegalovirus", "human cytomegalovirus")),
        Organism("BK polyomavirus", 0.2, ("BK virus", "BKV", "BK polyomavirus")),
        Organism("Epstein-Barr virus", 0.15, ("EBV", "Epstein-Barr virus")),
        Organism("Adenovirus", 0.15, ("Adenovirus", "HAdV")),
    ),
    "fungal": (
        Organism("Candida albicans", 0.3, ("Candida albicans", "CANDIDA ALBICANS")),
        Organism("Candida glabrata", 0.15, ("Candida glabrata", "Nakaseomyces glabratus")),
        Organism("Aspergillus fumigatus", 0.4, ("Aspergillus fumigatus",)),
        Organism("Pneumocystis jirovecii", 0.15, ("Pneumocystis jirovecii", "PJP")),
    ),
    "ntm": NTM,
    "ntm_colonisation": NTM,
}

NOT_YET_IDENTIFIED = ("AFB", "Mycobacterium sp.")
"""What a laboratory reports before the culture is identified; a correction follows."""


class Specimen(NamedTuple):
    """One part of the body as laboratories name what they took from it."""

    share: float
    spellings: tuple[str, ...]


BLOOD = ("blood", "blood culture", "BLD")
SPUTUM = ("sputum", "expectorated sputum")
LAVAGE = ("BAL", "bronchoalveolar lavage")
URINE = ("urine", "midstream urine", "MSU")
WOUND = ("wound", "skin")
JOINT = ("synovial fluid", "joint fluid")
NODE = ("lymph node", "LN")

SPECIMENS: Mapping[str, tuple[Specimen, ...]] = {
    "bacterial": (
        Specimen(0.45, BLOOD),
        Specimen(0.3, URINE),
        Specimen(0.15, SPUTUM),
        Specimen(0.1, WOUND),
    ),
    "viral": (Specimen(0.8, BLOOD), Specimen(0.2, URINE)),
    "fungal": (Specimen(0.4, BLOOD), Specimen(0.6, LAVAGE)),
    "ntm": (
        Specimen(0.24, SPUTUM),
        Specimen(0.2, LAVAGE),
        Specimen(0.3, WOUND),
        Specimen(0.16, BLOOD),
        Specimen(0.1, NODE),
    ),
    "ntm_colonisation": (Specimen(0.7, SPUTUM), Specimen(0.3, LAVAGE)),
}
