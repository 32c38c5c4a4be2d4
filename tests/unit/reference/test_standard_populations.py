"""The published standards in our age groups."""

from service.reference.standard_populations import standard_populations


def test_the_shares_are_the_printed_bands_summed_and_the_cut_one_shared_out() -> None:
    standards = standard_populations()
    assert set(standards) == {"who_2000_2025", "european_2013"}
    # 0-14 16,000 and three fifths of 5,500; two fifths and 20-39; 40-59; 60 and above.
    people = {"0-17": 19_300, "18-39": 27_700, "40-59": 27_500, "60+": 25_500}
    assert {n: round(s * 1e5, 6) for n, s in standards["european_2013"].shares.items()} == people
    percent = {"0-17": 31.232, "18-39": 34.298, "40-59": 22.55, "60+": 11.955}
    found = standards["who_2000_2025"].shares
    assert {n: round(s * 100.035, 6) for n, s in found.items()} == percent


def test_every_standard_is_whole() -> None:
    for standard in standard_populations().values():
        assert list(standard.ages) == sorted(set(standard.ages))
        assert len(standard.people) == len(standard.ages)
        assert abs(sum(standard.shares.values()) - 1) < 1e-12
        assert standard.ages[-1] >= 60
