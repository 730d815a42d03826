"""Shares and their ratios against statsmodels, scipy and simulation."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from immune_reset.intervals import clopper_pearson, koopman, share_ratio, wilson, zero_bound


@pytest.mark.parametrize("k, n", [(0, 10), (3, 17), (40, 40), (12, 5000)])
def test_intervals_of_a_share_agree_with_scipy(k, n):
    test = stats.binomtest(k, n)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        expected = test.proportion_ci(0.95, method=method)
        low, high = ours(k, n)
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_a_share_of_none_or_all_ends_exactly_at_none_or_all(interval):
    n = np.arange(1, 2000)
    assert (interval(np.zeros_like(n), n)[0] == 0).all()
    assert (interval(n, n)[1] == 1).all()


def test_a_share_of_no_cells_has_no_interval():
    low, high = wilson([0, 1], [0, 4])
    assert np.isnan(low[0]) and np.isnan(high[0]) and 0 < low[1] < high[1]


def test_bound_of_an_unseen_share():
    assert zero_bound(2995) == pytest.approx(0.001, rel=1e-3)
    assert zero_bound(50) == pytest.approx(1 - 0.05 ** (1 / 50))
    assert math.isnan(zero_bound(0))


@pytest.mark.parametrize(
    "x0, n0, x1, n1",
    [(12, 100, 45, 1000), (45, 1000, 12, 100), (25, 30, 5, 40), (900, 9e4, 7, 800)],
)
def test_ratio_agrees_with_statsmodels_score_interval(x0, n0, x1, n1):
    n0, n1 = int(n0), int(n1)
    expected = confint_proportions_2indep(
        x1, n1, x0, n0, compare="ratio", method="score", correction=False
    )
    found = share_ratio(x0, n0, x1, n1)
    assert found.status == "estimable"
    assert found.estimate == pytest.approx(math.log2((x1 / n1) / (x0 / n0)))
    assert (found.ci_low, found.ci_high) == pytest.approx(np.log2(expected), abs=1e-3)
    table = [[x0, n0 - x0], [x1, n1 - x1]]
    assert found.p == pytest.approx(stats.chi2_contingency(table, correction=False)[1], rel=1e-9)


def test_ratio_turns_its_sign_with_the_direction():
    there, back = share_ratio(10, 200, 60, 300), share_ratio(60, 300, 10, 200)
    assert there.estimate == pytest.approx(-back.estimate)
    assert (there.ci_low, there.ci_high) == pytest.approx((-back.ci_high, -back.ci_low))
    assert there.p == pytest.approx(back.p)


def test_shares_of_one_are_ratios_too():
    found = share_ratio(5, 20, 20, 20)
    assert found.estimate == 2.0
    assert 1 < found.ci_low < 2 < found.ci_high
    same = share_ratio(20, 20, 30, 30)
    assert same.estimate == 0 and same.ci_low < 0 < same.ci_high and same.p == 1


def test_zero_at_follow_up_is_an_upper_bound():
    found = share_ratio(40, 1000, 0, 300)
    assert found.status == "bound"
    assert math.isnan(found.estimate) and math.isnan(found.ci_low)
    assert found.ci_high < 0 and found.p < 0.001
    assert koopman(40, 1000, 0, 300, 2**found.ci_high) == pytest.approx(stats.chi2.ppf(0.95, 1))
    mirrored = share_ratio(0, 300, 40, 1000)
    assert mirrored.ci_low == pytest.approx(-found.ci_high) and math.isnan(mirrored.ci_high)


def test_few_expected_cells_give_an_exact_statement_without_a_point():
    found = share_ratio(4, 1000, 0, 300)  # 0.9 cells expected after
    assert found.status == "bound" and math.isnan(found.estimate) and math.isnan(found.ci_low)
    share = 1 - 0.025 ** (1 / 4)  # Clopper-Pearson of 0 in 4
    assert found.ci_high == pytest.approx(math.log2(share / (1 - share) * 1000 / 300))
    assert found.p == pytest.approx(min(1, 2 * (1000 / 1300) ** 4))
    both = share_ratio(3, 300, 2, 300)
    assert both.ci_low < 0 < both.ci_high and both.p == 1


@pytest.mark.parametrize("counts", [(0, 100, 0, 100), (0, 0, 3, 10), (3, 10, 0, 0)])
def test_nothing_counted_is_not_estimable(counts):
    found = share_ratio(*counts)
    assert found.status == "not estimable" and np.isnan(found[:4]).all()


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="are not shares"):
        share_ratio(5, 4, 1, 10)


@pytest.mark.parametrize(
    "p0, p1, n0, n1",
    [(0.01, 0.01, 300, 30), (0.1, 0.02, 400, 400), (0.05, 0.05, 2000, 200), (0.3, 0.9, 40, 40)],
)
def test_interval_covers_and_the_test_holds_its_level(p0, p1, n0, n1):
    rng = np.random.default_rng(7)
    truth = math.log2(p1 / p0)
    pairs = zip(rng.binomial(n0, p0, 1000), rng.binomial(n1, p1, 1000), strict=True)
    found = [r for x0, x1 in pairs if (r := share_ratio(x0, n0, x1, n1)).status != "not estimable"]
    missed = [r.ci_low > truth or r.ci_high < truth for r in found]
    assert np.mean(missed) < 0.07
    if p0 == p1:
        assert np.mean([r.p < 0.05 for r in found]) < 0.07


def test_an_unchanged_rare_type_is_not_moved_by_the_number_of_cells():
    """A 1 % type at 30 against 300 cells reads +.80 (ln) through a pseudocount of one half."""
    rng = np.random.default_rng(3)
    draws = [
        share_ratio(rng.binomial(300, 0.01), 300, rng.binomial(30, 0.01), 30) for _ in range(500)
    ]
    claimed = [r for r in draws if r.ci_low > 0 or r.ci_high < 0]
    assert len(claimed) <= 25
    assert all(math.isnan(r.estimate) for r in draws)
