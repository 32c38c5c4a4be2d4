"""The audit chain: what its hashes cover, and that nothing in it moves unseen."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest

from service.domain.audit_chain import (
    BEGINNING,
    MOST_FAULTS,
    ChainedEntry,
    Check,
    Link,
    hash_of,
    subject_of,
)

AT = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)
ENTRY = ChainedEntry(1, AT, "läb", "3f9a", "patient_shown", None, {"b": 0.05, "a": "x"}, ("c0",))


def chained(length: int) -> list[tuple[ChainedEntry, str]]:
    found: list[tuple[ChainedEntry, str]] = []
    previous = BEGINNING
    for sequence in range(1, length + 1):
        entry = ENTRY._replace(sequence=sequence, detail={"n": sequence})
        previous = hash_of(entry, previous)
        found.append((entry, previous))
    return found


def checked(chain: list[tuple[ChainedEntry, str]], head: Link | None = None, anchor=None) -> Check:
    check = Check(anchor)
    for entry, kept in chain:
        check.follow(entry, kept)
    check.end(head or check.last)
    return check


def test_the_hash_is_the_one_that_the_documentation_tells_how_to_compute() -> None:
    """Another program can follow the chain: this is docs/audit.md, word for word."""
    text = (
        r'[1,"2026-03-01T12:00:00.000005Z","l\u00e4b","3f9a","patient_shown",null,'
        r'{"a":"x","b":0.05},["c0"]]'
    )
    assert hash_of(ENTRY, BEGINNING) == sha256(f"{BEGINNING}\n{text}".encode()).hexdigest()


def test_an_instant_counts_and_not_the_zone_that_it_is_told_in() -> None:
    elsewhere = ENTRY._replace(recorded_at=AT.astimezone(timezone(timedelta(hours=9))))
    assert hash_of(elsewhere, BEGINNING) == hash_of(ENTRY, BEGINNING)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 2},
        {"recorded_at": AT + timedelta(microseconds=1)},
        {"actor": "lab"},
        {"key_id": None},
        {"action": "patient_hidden"},
        {"position": 0},
        {"detail": {"b": 0.05}},
        {"subjects": ()},
        {"subjects": ("c0", "c1")},
    ],
)
def test_every_field_is_covered(change) -> None:
    assert hash_of(ENTRY._replace(**change), BEGINNING) != hash_of(ENTRY, BEGINNING)
    assert hash_of(ENTRY, "1" * 64) != hash_of(ENTRY, BEGINNING)


def test_a_whole_chain_has_no_break() -> None:
    check = checked(chained(5))
    assert (check.found, check.entries, check.last.sequence) == (0, 5, 5)
    assert checked([], Link(0, BEGINNING)).found == 0


def test_what_is_left_out_put_elsewhere_or_cut_off_is_found() -> None:
    chain = chained(5)
    head = Link(5, chain[-1][1])
    assert [one.code for one in checked(chain[:2] + chain[3:]).breaks] == ["gap"]
    assert checked(chain[1:]).breaks[0].code == "gap"
    assert checked([chain[1], chain[0], *chain[2:]]).found
    assert [one.code for one in checked(chain[:4], head).breaks] == ["head_differs"]
    assert [one.code for one in checked(chain[:4], anchor=head).breaks] == ["tail_missing"]


def test_a_chain_rewritten_from_an_entry_on_is_found_by_a_head_kept_elsewhere() -> None:
    chain = chained(5)
    forged = chained(2)
    for sequence in (3, 4, 5):
        entry = chain[sequence - 1][0]._replace(actor="nobody")
        forged.append((entry, hash_of(entry, forged[-1][1])))
    assert checked(forged).found == 0, "within itself it holds"
    assert [one.code for one in checked(forged, anchor=Link(4, chain[3][1])).breaks] == [
        "anchor_differs"
    ]
    assert checked(chain, anchor=Link(4, chain[3][1])).found == 0


def test_breaks_are_counted_but_not_all_told() -> None:
    chain = [(entry, "0" * 64) for entry, _ in chained(MOST_FAULTS + 50)]
    check = checked(chain)
    assert (len(check.breaks), check.found) == (MOST_FAULTS, MOST_FAULTS + 50)


def test_a_head_is_read_as_it_was_written() -> None:
    head = Link(12, "ab" * 32)
    assert Link.read(f" {head}\n") == head
    for text in ("", "12", "12:", "x:" + "ab" * 32, "12:" + "zz" * 32, "-1:" + "ab" * 32):
        with pytest.raises(ValueError):
            Link.read(text)


def test_a_digest_does_not_mix_up_who_is_where() -> None:
    salt = "00" * 32
    assert subject_of(salt, "a", "bc") != subject_of(salt, "ab", "c")
