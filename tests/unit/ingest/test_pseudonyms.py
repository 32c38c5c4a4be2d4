"""Pseudonyms: the same for the same, another at another facility or under another secret."""

import re

import pytest

from service.ingest.pseudonyms import Pseudonyms

SECRET = "an invented secret of 32 characters"
NAMES = Pseudonyms(SECRET)


def test_the_same_identifier_has_the_same_pseudonym_and_others_another() -> None:
    told = {
        NAMES.of_patient("f1", "12"),
        NAMES.of_patient("f2", "12"),
        NAMES.of_patient("f1", "13"),
        NAMES.of_patient("f1", "12", "urn:oid:1.2"),
        Pseudonyms(SECRET + "!").of_patient("f1", "12"),
    }
    assert len(told) == 5
    assert NAMES.of_patient("f1", " 12 ") == NAMES.of_patient("f1", "12")


def test_a_pseudonym_is_a_patient_of_the_contract_and_holds_nothing_of_the_identifier() -> None:
    found = NAMES.of_patient("f1", "Müller, Anna *1970")
    assert re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", found)
    assert not {"ller", "1970"} & {found[i : i + 4] for i in range(len(found))}
    assert NAMES.of_source("f1", "obs", "Observation/7").startswith("obs-")


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        Pseudonyms("secret")
