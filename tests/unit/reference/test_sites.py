import pytest

from service.reference import SITE_CLASSES
from service.reference.sites import resolve_site, sites


@pytest.mark.parametrize(
    ("text", "name", "specimen", "site_class"),
    [
        ("lung", "lung", None, "pulmonary"),
        ("Pulmonary", "lung", None, "pulmonary"),
        ("sputum", "lung", "sputum", "pulmonary"),
        ("SPUTUM SPECIMEN", "lung", "sputum", "pulmonary"),
        ("119334006", "lung", "sputum", "pulmonary"),
        ("BAL", "lung", "bal", "pulmonary"),
        ("tracheal aspirate", "lung", "tracheal_aspirate", "pulmonary"),
        ("lung biopsy", "lung", "lung_biopsy", "pulmonary"),
        ("pleural fluid", "pleura", "pleural_fluid", "extrapulmonary"),
        ("blood culture", "blood", "blood", "extrapulmonary"),
        ("bone marrow", "bone_marrow", "bone_marrow", "extrapulmonary"),
        ("CSF", "cns", "csf", "extrapulmonary"),
        ("CNS", "cns", None, "extrapulmonary"),
        ("brain abscess", "cns", "brain_tissue", "extrapulmonary"),
        ("joint", "joint", None, "extrapulmonary"),
        ("synovial fluid", "joint", "synovial_fluid", "extrapulmonary"),
        ("urine", "urinary_tract", "urine", "extrapulmonary"),
        ("kidney biopsy", "kidney_graft", "kidney_biopsy", "extrapulmonary"),
        ("stool", "gastrointestinal", "stool", "unknown"),
        ("gastric aspirate", "gastrointestinal", "gastric", "unknown"),
        ("saliva", "oral", "saliva", "unknown"),
        ("isolate", "unknown", "isolate", "unknown"),
        ("skin_soft_tissue", "skin_soft_tissue", None, "extrapulmonary"),
        ("catheter tip", "device", "catheter_tip", "extrapulmonary"),
        ("disseminated", "disseminated", None, "extrapulmonary"),
        ("unknown", "unknown", None, "unknown"),
    ],
)
def test_a_site_or_specimen_names_the_body_site_and_its_class(text, name, specimen, site_class):
    site = resolve_site(text)
    assert (site.name, site.specimen, site.site_class) == (name, specimen, site_class)


@pytest.mark.parametrize("text", ["stem cell product", "STEM CELL - AEROBIC BOTTLE", "vial"])
def test_a_culture_of_the_product_is_no_site_of_the_patient(text):
    assert resolve_site(text).code == "not_a_patient_site"


def test_a_lavage_without_its_organ_is_ambiguous():
    assert resolve_site("lavage").code == "ambiguous_term"


def test_the_bare_name_of_every_site_means_that_site():
    for site in sites():
        assert resolve_site(site.name).name == site.name
        assert site.site_class in SITE_CLASSES
        assert site.source
        if site.specimen:
            assert resolve_site(site.specimen) == site
