"""Intervals, bounds and changes: printed values, brute force, and what they must never do."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom, chi2
from scipy.stats import t as student

from immune_reset import hill
from immune_reset.hill_bootstrap import (
    bootstrap_draws,
    d50,
    detection_shares,
    draw_without_replacement,
    gini,
    hill_band,
    normalised_shannon,
    secondary_indices,
)
from immune_reset.hill_change import (
    change_by_bound,
    change_in_log_d2,
    change_in_log_hill,
    compare,
)
from immune_reset.hill_intervals import (
    d2_interval,
    d2_lower_bound,
    degrees_of_freedom,
    estimate_asymptote,
    estimate_at,
    jackknife_log_hill,
    largest_share_bound,
    log_hill_interval,
)

LIMITS = {"min_cells": 20, "min_repeats": 10}
UNEVEN = [40, 20, 10, 6, 4, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
EVEN = [3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1] + [1] * 30


def clones_of(n, law, seed):
    return hill.abundances(np.random.default_rng(seed).multinomial(n, law / law.sum()))


def plug_in(counts, q):
    share = np.array([c for c in counts if c]) / sum(counts)
    return -(share @ np.log(share)) if q == 1 else np.log((share**q).sum()) / (1 - q)


# one sample


@pytest.mark.parametrize("q", [0, 1, 2])
@pytest.mark.parametrize("counts", [UNEVEN, EVEN, [30, 1, 1, 1]])
def test_jackknife_by_deleting_every_cell(counts, q):
    """At m = n: the plug-in of all n samples of n - 1 cells, one by one."""
    n, left_out = sum(counts), []
    for clone, size in enumerate(counts):
        fewer = list(counts)
        fewer[clone] -= 1
        left_out += [plug_in(fewer, q)] * size
    expected = math.sqrt((n - 1) * np.var(left_out))
    value, se = jackknife_log_hill(hill.abundances(counts), q, n)
    assert value == pytest.approx(plug_in(counts, q), abs=1e-12)
    assert se == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("m", [10, 60, 94])
def test_jackknife_below_n_is_exact_rarefaction_of_each_deletion(m):
    n, left_out = sum(UNEVEN), []
    for clone, size in enumerate(UNEVEN):
        fewer = list(UNEVEN)
        fewer[clone] -= 1
        left_out += [math.log(hill.rarefied(hill.abundances(fewer), 1, m))] * size
    expected = math.sqrt((n - 1) * np.var(left_out))
    assert jackknife_log_hill(hill.abundances(UNEVEN), 1, m)[1] == pytest.approx(expected, rel=1e-9)


def test_interval_of_ln_d1_is_t_at_half_the_repeats():
    a = hill.abundances(EVEN)
    value, se = jackknife_log_hill(a, 1, 40)
    half = student.ppf(0.975, a.n_repeats / 2) * se
    assert log_hill_interval(a, 1, 40) == pytest.approx((value - half, value + half))


def test_gamma_interval_by_hand():
    """Fay and Feuer's limits, written out with scipy's chi-square."""
    x = np.array(EVEN, dtype=float)
    n = x.sum()
    share = (x * (x - 1)).sum() / (n * (n - 1))
    p3 = (x * (x - 1) * (x - 2)).sum() / (n * (n - 1) * (n - 2))
    v = (4 * (n - 2) * p3 + 2 * share - (4 * n - 6) * share**2) / (n * (n - 1))
    w = 2 * x.max() / (n * (n - 1))
    low = v / (2 * share) * chi2.ppf(0.025, 2 * share**2 / v)
    wide = v + w**2
    high = wide / (2 * (share + w)) * chi2.ppf(0.975, 2 * (share + w) ** 2 / wide)
    assert d2_interval(hill.abundances(EVEN)) == pytest.approx((1 / high, 1 / low), rel=1e-9)


@pytest.mark.parametrize("counts", [[30], [29, 1], [2] * 10, [15, 15], [5] * 8, [200, 1, 1]])
def test_interval_of_d2_holds_the_estimate_and_has_width(counts):
    a = hill.abundances(counts)
    low, high = d2_interval(a)
    assert 1 <= low <= max(hill.asymptotic(a, 2), 1) <= high
    assert low < high < math.inf


def test_few_cells_outside_one_clone_widen_both_intervals():
    """46 of 50 cells in one clone: four cells are all there is to know."""
    a = hill.abundances([46, 1, 1, 1, 1])
    assert degrees_of_freedom(a) == 4 < a.n_repeats / 2
    share = hill.same_clone_share(a)
    assert 1 / d2_interval(a)[1] < share < 1 / d2_interval(a)[0]
    exact = beta.ppf(0.025, 46, 5)  # Clopper-Pearson of the clone's own share
    assert d2_interval(a)[1] == pytest.approx(1 / exact**2, rel=0.15)
    assert degrees_of_freedom(hill.abundances([46] + [1] * 10)) == 22.5


@pytest.mark.parametrize(("n", "bound"), [(20, 21), (200, 1811)])
def test_bound_without_a_repeat(n, bound):
    assert round(d2_lower_bound(hill.abundances([1] * n))) == bound


def test_bound_is_exact_without_a_repeat():
    """n = 200: a clone of this share would be seen at most once in 5 % of samples."""
    share = largest_share_bound(hill.abundances([1] * 200))
    assert share == pytest.approx(beta.ppf(0.95, 2, 199))
    assert binom.cdf(1, 200, share) == pytest.approx(0.05)


def test_fixed_depth_interval_of_d2_is_the_same_statement():
    a = hill.abundances(EVEN)
    low, high = d2_interval(a)
    found = d2_interval(a, m=25)
    assert found == pytest.approx([1 / (1 / 25 + 24 / 25 / d) for d in (low, high)])


def test_status_of_asymptotes():
    rich, poor, few = (hill.abundances(c) for c in (UNEVEN, [1] * 60 + [2], [3, 1, 1]))
    found = {q: estimate_asymptote(rich, q, **LIMITS) for q in (0, 1, 2)}
    assert [found[q].status for q in (0, 1, 2)] == ["at least", "at least", "estimable"]
    assert found[0].ci_low < hill.observed(rich, 0) < found[0].value
    assert math.isnan(found[0].ci_high)
    bound = estimate_asymptote(poor, 2, **LIMITS)
    assert bound.status == "bound"
    assert math.isnan(bound.value)
    assert bound.ci_low == pytest.approx(d2_lower_bound(poor))
    assert estimate_asymptote(poor, 1, **LIMITS).ci_low == pytest.approx(bound.ci_low)
    assert estimate_asymptote(few, 2, **LIMITS).status == "not estimable"


def test_status_at_fixed_depth():
    assert estimate_at(hill.abundances(EVEN), 1, 20, **LIMITS).status == "estimable"
    poor = estimate_at(hill.abundances([1] * 50), 1, 50, **LIMITS)
    assert poor.status == "not estimable"
    assert poor.value == pytest.approx(50)
    assert math.isnan(poor.ci_low)
    assert math.isnan(estimate_at(hill.abundances([9, 9]), 1, 20, **LIMITS).value)
    assert estimate_at(hill.abundances([40]), 1, 40, **LIMITS).status == "not estimable"
    full = estimate_at(hill.abundances([1] * 30 + [2] * 10), 0, 40, **LIMITS)
    assert full.ci_high <= 40


def test_intervals_cover():
    """A short calibration; the long one is benchmarks/calibration/diversity.py."""
    law = 0.97 ** np.arange(200)
    law /= law.sum()
    true = 1 / (law @ law)
    k = np.arange(1, 121)
    chance = binom.pmf(k[:, None], 120, law)
    entropy = -float((chance * (k / 120 * np.log(k / 120))[:, None]).sum())
    inside = np.zeros(2)
    for seed in range(300):
        a = clones_of(120, law, seed)
        low, high = d2_interval(a)
        bottom, top = log_hill_interval(a, 1, 120)
        inside += [low <= true <= high, bottom <= entropy <= top]
    assert (inside / 300 > 0.91).all()


# two samples


def test_change_is_antisymmetric():
    a, b = hill.abundances(UNEVEN), hill.abundances(EVEN * 3)
    for of in (change_in_log_hill, change_in_log_d2):
        there, back = of(a, b), of(b, a)
        assert there.log_ratio == pytest.approx(-back.log_ratio)
        assert (there.ci_low, there.ci_high) == pytest.approx((-back.ci_high, -back.ci_low))
        assert there.p_value == pytest.approx(back.p_value, rel=1e-6)


def test_change_is_taken_at_the_smaller_depth():
    a, b = hill.abundances(UNEVEN), hill.abundances(EVEN)
    found = change_in_log_hill(a, b)
    assert found.m == min(a.n_cells, b.n_cells) == 57
    by_hand = math.log(hill.rarefied(b, 1, 57) / hill.rarefied(a, 1, 57))
    assert found.log_ratio == pytest.approx(by_hand)
    errors = [jackknife_log_hill(x, 1, 57)[1] for x in (a, b)]
    half = student.ppf(0.975, b.n_repeats / 2) * math.hypot(*errors)
    assert found.ci_high - found.log_ratio == pytest.approx(half)
    p = 2 * student.sf(abs(found.log_ratio) / math.hypot(*errors), b.n_repeats / 2)
    assert found.p_value == pytest.approx(p)


def test_mover_by_hand():
    a, b = hill.abundances(UNEVEN), hill.abundances(EVEN)
    found = change_in_log_d2(a, b)
    (l0, u0), (l1, u1) = (np.log(d2_interval(x)) for x in (a, b))
    d0, d1 = (math.log(hill.asymptotic(x, 2)) for x in (a, b))
    low = d1 - d0 - math.sqrt((d1 - l1) ** 2 + (u0 - d0) ** 2)
    high = d1 - d0 + math.sqrt((u1 - d1) ** 2 + (d0 - l0) ** 2)
    assert (found.ci_low, found.ci_high) == pytest.approx((low, high))


@pytest.mark.parametrize("of", [change_in_log_hill, change_in_log_d2])
def test_p_is_the_level_at_which_the_interval_meets_zero(of):
    a, b = hill.abundances(UNEVEN), hill.abundances([8, 7, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 1, 1])
    p = of(a, b).p_value
    assert 1e-9 < p < 1
    found = of(a, b, level=1 - p)
    nearest = min(abs(found.ci_low), abs(found.ci_high))
    assert nearest == pytest.approx(0, abs=1e-6)


def test_bound_claims_an_increase():
    baseline, followup = hill.abundances([30, 20, 10, 5, 5]), hill.abundances([1] * 100)
    found = compare(baseline, followup, **LIMITS)
    assert list(found) == ["bound"]
    bound = found["bound"]
    assert bound.direction == "increased"
    assert bound.p_value < 0.001
    assert 0 < bound.ci_low < bound.log_ratio
    assert math.isnan(bound.ci_high)
    upper = d2_interval(baseline, level=0.95)[1]
    by_hand = math.log(d2_lower_bound(followup, level=0.975) / upper)
    assert bound.ci_low == pytest.approx(by_hand)
    mirror = compare(followup, baseline, **LIMITS)["bound"]
    assert mirror.direction == "decreased"
    assert mirror.p_value == bound.p_value
    assert mirror.ci_high == pytest.approx(-bound.ci_low)


def test_bound_alpha_is_where_the_two_bounds_meet():
    baseline, followup = hill.abundances([4] * 10 + [3] * 5), hill.abundances([1] * 30 + [2] * 2)
    alpha = change_by_bound(baseline, followup).p_value
    assert 1e-9 < alpha < 1
    meets = d2_lower_bound(followup, level=1 - alpha / 2)
    assert meets == pytest.approx(d2_interval(baseline, level=1 - alpha)[1], rel=1e-6)


def test_bound_never_claims_the_loss_that_depth_feigns():
    """A rich baseline, and 25 cells without a repeat after: nothing is known to have fallen."""
    baseline = clones_of(5000, np.ones(20_000), 0)
    found = compare(baseline, hill.abundances([1] * 25), **LIMITS)["bound"]
    assert found.direction == ""
    assert found.p_value == 1


@pytest.mark.parametrize(
    ("baseline", "followup"),
    [([1] * 19, UNEVEN), (UNEVEN, []), ([1] * 40, [1] * 40), ([1] * 14, [1] * 900)],
)
def test_too_little_supports_nothing(baseline, followup):
    assert compare(hill.abundances(baseline), hill.abundances(followup), **LIMITS) == {}


def test_bound_needs_one_side():
    with pytest.raises(ValueError, match="one sample with few repeats"):
        change_by_bound(hill.abundances(UNEVEN), hill.abundances(EVEN))


def test_two_samples_of_one_clone_each_show_no_error():
    found = change_in_log_hill(hill.abundances([30]), hill.abundances([40]))
    assert found.log_ratio == 0
    assert math.isnan(found.p_value)


def direction_of(found):
    if "bound" in found:
        return found["bound"].direction if found["bound"].p_value < 0.05 else ""
    if not found or not found["ln_D1"].p_value < 0.05:
        return ""
    d1, d2 = found["ln_D1"].log_ratio, found["log_D2"].log_ratio
    return "" if d1 * d2 <= 0 else ("increased" if d1 > 0 else "decreased")


@given(st.integers(0, 10_000), st.integers(30, 1500), st.integers(30, 1500))
@settings(max_examples=60, deadline=None)
def test_halving_a_side_turns_no_verdict_round(seed, n0, n1):
    rng = np.random.default_rng(seed)
    laws = (0.9 ** np.arange(200), np.ones(3000), np.arange(1, 3000) ** -1.2)
    i, j = rng.choice(3, 2, replace=False)
    pair = [clones_of(n0, laws[i], rng), clones_of(n1, laws[j], rng)]
    verdict = direction_of(compare(*pair))
    assume(verdict)
    for side in (0, 1):
        half = list(pair)
        half[side] = draw_without_replacement(pair[side], pair[side].n_cells // 2, rng)
        assert direction_of(compare(*half)) in ("", verdict)


def test_ten_to_one_depth_alone_is_no_finding():
    law = np.exp(np.random.default_rng(1).normal(0, 1.5, 3000))
    claims = sum(
        direction_of(compare(clones_of(2000, law, s), clones_of(200, law, 1000 + s))) != ""
        for s in range(200)
    )
    assert claims <= 16  # a true 5 % gives more in 2 % of runs


# bootstrap and secondary indices


def test_bootstrap_shares_sum_to_the_coverage():
    a = hill.abundances(UNEVEN)
    assert detection_shares(a) @ a.clones == pytest.approx(hill.coverage(a))


def test_bootstrap_shares_by_hand():
    """Sizes 1, 1, 4: C = 1 - (2/6) A, A = 5/7 (no doubleton); L weighs (1 - p)^6."""
    a = hill.abundances([1, 1, 4])
    cover = 1 - 2 / 6 * 5 / 7
    p = np.array([1 / 6, 4 / 6])
    tuning = (1 - cover) / (2 * p[0] * (1 - p[0]) ** 6 + p[1] * (1 - p[1]) ** 6)
    assert detection_shares(a) == pytest.approx(p * (1 - tuning * (1 - p) ** 6))


def test_bootstrap_draws_n_cells_and_unseen_clones():
    a = hill.abundances([1] * 50 + [3] * 5)
    draws = bootstrap_draws(a, 30, np.random.default_rng(0))
    assert {drawn.n_cells for drawn in draws} == {65}
    assert np.mean([drawn.n_clones for drawn in draws]) == pytest.approx(55, abs=5)


def test_band_against_drawing_one_by_one():
    a = hill.abundances(UNEVEN)
    draws = bootstrap_draws(a, 40, np.random.default_rng(0))
    band = hill_band(a, [10, 50], [0, 1, 2], draws)
    for (i, m), (j, q) in ((x, y) for x in enumerate([10, 50]) for y in enumerate([0, 1, 2])):
        sd = np.std([hill.rarefied(drawn, q, m) for drawn in draws], ddof=1)
        value = hill.rarefied(a, q, m)
        expected = (value, max(value - 1.959964 * sd, 1), value + 1.959964 * sd)
        assert band[i, j] == pytest.approx(expected, rel=1e-6)


def test_secondary_indices_by_hand():
    a = hill.abundances([6, 2, 1, 1])
    sizes = np.array([6, 2, 1, 1])
    by_pairs = np.abs(sizes[:, None] - sizes).sum() / (2 * 4**2 * sizes.mean())
    assert gini(a) == pytest.approx(by_pairs)
    share = sizes / 10
    assert normalised_shannon(a) == pytest.approx(-(share @ np.log(share)) / math.log(4))
    assert d50(a) == 1 / 4
    assert d50(hill.abundances([1] * 10)) == 0.5
    assert math.isnan(normalised_shannon(hill.abundances([4])))


def test_secondary_indices_are_drawn_without_replacement():
    a = hill.abundances([1] * 60)
    found = secondary_indices(a, 30, draws=5, rng=np.random.default_rng(0))
    assert found == pytest.approx({"gini": 0, "normalised_shannon": 1, "d50": 0.5})
