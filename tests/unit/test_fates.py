"""Fates of clones at the published thresholds, and the baseline group under no change."""

import math

import numpy as np
import pytest
from scipy import stats

from immune_reset import fates


def judged(x, y, total, depth, **options):
    x, y = np.atleast_1d(x), np.atleast_1d(y)
    none = np.zeros(len(x), dtype=bool)
    options = {"min_cells": 3, "fdr": 0.05, "doubtful": none, "gone_before": none} | options
    return fates.judge(x, y, total=total, depth=depth, **options)


def fate(x, y, total, depth, **options):
    return judged(x, y, total, depth, **options)["fate"].iloc[0]


@pytest.mark.parametrize(
    ("total", "depth", "smallest"),
    [(300, 100, 15), (1000, 100, 40), (1000, 300, 16), (1000, 1000, 7), (5000, 500, 40)],
)
def test_smallest_clone_that_can_be_called_eradicated(total, depth, smallest):
    assert fate(smallest, 0, total, depth) == "eradicated"
    assert fate(smallest - 1, 0, total, depth) == "below detection"


@pytest.mark.parametrize(
    ("total", "depth", "smallest"), [(100, 300, 15), (300, 1000, 16), (1000, 1000, 7)]
)
def test_new_is_the_mirror_image(total, depth, smallest):
    assert fate(0, smallest, total, depth) == "new"
    assert fate(0, smallest - 1, total, depth) in ("stable", "expanded")


def test_detection_limit_is_three_over_n():
    table = judged([20, 20, 20], [0, 0, 4], 300, 299)
    assert table["detection_limit"][0] == pytest.approx(1 - 0.05 ** (1 / 299))
    assert table["detection_limit"][0] == pytest.approx(3 / 299, rel=0.01)
    assert np.isnan(table["detection_limit"][2])
    assert fates.detection_limit(0) == 1


def test_the_lower_bound_is_the_exact_one():
    bound = fates.share_lower([7], 1000)[0]
    assert stats.binom.sf(6, 1000, bound) == pytest.approx(0.05)
    assert fates.share_lower([0], 10)[0] == 0
    assert fates.share_lower([10], 10)[0] == pytest.approx(0.05**0.1)


def test_fishers_p_is_scipys_and_q_is_over_the_tested_clones_alone():
    x, y = np.array([30, 12, 10, 1, 2, 0]), np.array([10, 40, 11, 1, 0, 1])
    table = judged(x, y, 500, 400)
    expected = [
        stats.fisher_exact([[a, 500 - a], [b, 400 - b]]).pvalue for a, b in zip(x, y, strict=True)
    ]
    assert np.allclose(table["p_value"][:3], expected[:3])
    assert table["p_value"][3:].isna().all()
    assert list(table["fate"]) == ["contracted", "expanded", "stable"] + ["too few to test"] * 3
    ranked = np.sort(expected[:3])
    assert table["q_value"][:3].min() == pytest.approx(min(ranked * 3 / np.arange(1, 4)))


def test_returned_needs_an_absence_that_was_shown():
    gone = np.array([True])
    assert fate(20, 9, 300, 300, gone_before=gone) == "returned"
    assert fate(20, 0, 300, 300, gone_before=gone) == "eradicated"
    assert fate(20, 9, 300, 300) == "stable"


def test_doubtful_cells_are_neither_persisting_nor_returned_nor_is_the_clone_eradicated():
    doubt = np.array([True])
    assert fate(40, 1, 300, 300, doubtful=doubt) == "below detection"
    assert fate(40, 1, 300, 300, doubtful=doubt, gone_before=doubt) == "below detection"
    assert fate(40, 0, 300, 300, doubtful=doubt) == "eradicated"
    assert fate(1, 1, 300, 300, doubtful=doubt) == "too few to test"
    assert fate(0, 30, 300, 300, doubtful=doubt) != "new"


@pytest.mark.parametrize(("total", "depth"), [(0, 30), (30, 0), (0, 0)])
def test_without_cells_nothing_is_found_or_lost(total, depth):
    x, y = (9 if total else 0), (9 if depth else 0)
    assert fate(x, y, total, depth) == ("below detection" if total else "too few to test")


def test_persisting_clones_are_rarely_called_eradicated():
    """The naive share X/N calls 44 % of them eradicated; the bound, under 1 %."""
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.full(200, 0.3))
    wrong = naive = n = 0
    for _ in range(40):
        x, y = rng.multinomial(1000, shares), rng.multinomial(300, shares)
        gone = y == 0
        n += (x >= 3).sum()
        wrong += (judged(x, y, 1000, 300)["fate"] == "eradicated").sum()
        naive += (gone & (x >= 3) & ((1 - x / 1000) ** 300 < 0.05)).sum()
    assert wrong / n < 0.002
    assert naive > 5 * max(wrong, 1)


# --- the expanded clones as a group ---------------------------------------------------------------


def test_good_turing_share_by_hand():
    # 20 cells: clones of 6 and 4 cells, one of 3, seven singletons; expanded from 3 cells on
    counts = np.array([6, 4, 3] + [1] * 7)
    share, size = fates.group_share(counts, 3)
    assert share == pytest.approx(10 / 20)
    variance = 3 * 4 * 1 / 20**2 + 0.25 / 20
    assert size == pytest.approx(0.25 / variance)
    assert fates.group_share(np.ones(9, dtype=int), 3) == (0.0, 9.0)


def test_good_turing_is_the_share_with_each_cell_left_out():
    counts = np.random.default_rng(3).geometric(0.3, 50)
    cells = np.repeat(np.arange(50), counts)
    left = [(np.delete(cells, i) == clone).sum() >= 3 for i, clone in enumerate(cells)]
    assert fates.group_share(counts, 3)[0] == pytest.approx(np.mean(left))


def group(x, y, depth=None):
    depth = int(np.sum(y)) if depth is None else depth
    return fates.group_change(np.array(x), np.array(y), depth=depth, min_cells=3)


def test_an_eradicated_group_is_a_decrease_of_its_share():
    change = group([13] + [1] * 115, [0] + [1] * 115, 126)
    assert change.status == "estimable"
    assert (change.share_followup, change.share_followup_low) == (0, 0)
    assert change.estimate == pytest.approx(-13 / 128)
    assert change.ci_high < 0
    assert change.p_value < 0.01
    assert change.log2_ratio == -math.inf


def test_p_is_the_level_at_which_the_interval_reaches_zero():
    change = group([20, 9, 5, 3] + [1] * 100, [9, 4, 2, 1] + [1] * 100)
    low, high = fates._mover(
        change.share_baseline,
        fates.group_share([20, 9, 5, 3] + [1] * 100, 3)[1],
        change.share_followup,
        116,
        1 - change.p_value,
    )
    assert high == pytest.approx(0, abs=1e-7)
    assert low < 0
    assert (change.p_value < 0.05) == (change.ci_high < 0)


def test_an_unchanged_share_has_a_p_of_one_and_not_of_zero():
    """7.4 % to 7.1 %: at no level does the exact interval of the baseline end short of 0."""
    change = group([6, 5, 4, 4, 2] + [1] * 237, [13, 0, 0, 0, 0] + [0] * 237, 184)
    assert change.estimate == pytest.approx(-0.003, abs=1e-4)
    assert change.ci_low < 0 < change.ci_high
    assert change.p_value == 1


@pytest.mark.parametrize("followup", range(0, 60, 3))
def test_p_and_interval_never_contradict_each_other(followup):
    change = group([8, 7, 6, 4] + [1] * 175, [followup, 0, 0, 0] + [0] * 175, 200)
    assert (change.p_value < 0.05) == (change.ci_low > 0 or change.ci_high < 0)


def test_what_cannot_be_estimated_says_why():
    assert group([3, 3] + [1] * 50, [3, 3] + [1] * 50).status.startswith(
        "not estimable: no baseline"
    )
    small = group([30] + [1] * 3, [1, 1, 1, 1])
    assert small.status == "not estimable: 4 cells at follow-up, 5 would be enough"
    assert math.isnan(small.estimate)
    assert math.isnan(small.p_value)


def laws():
    rank = np.arange(1, 5001)
    expanded = np.ones(20000)
    expanded[:10] = 20000 * 0.02
    return {
        "geometric": 0.97 ** np.arange(400),
        "zipf": 1 / rank,
        "lognormal": np.exp(2 * np.random.default_rng(1).standard_normal(5000)),
        "expanded in naive": expanded,
    }


@pytest.mark.parametrize("law", laws())
@pytest.mark.parametrize(("total", "depth"), [(1000, 100), (200, 2000), (300, 300)])
def test_nothing_changed_is_seldom_a_change_and_the_interval_covers(law, total, depth):
    shares = laws()[law] / laws()[law].sum()
    rng = np.random.default_rng(7)
    draws, false, covered = 0, 0, 0
    for _ in range(150):
        x = rng.multinomial(total, shares)
        held = shares[x >= 3].sum()
        share, size = fates.group_share(x, 3)
        if share == 0:
            continue
        draws += 1
        same, less = rng.binomial(depth, held) / depth, rng.binomial(depth, held / 4) / depth
        low, high = fates._mover(share, size, same, depth, 0.95)
        false += low > 0 or high < 0
        low, high = fates._mover(share, size, less, depth, 0.95)
        covered += low <= held / 4 - held <= high
    assert draws > 100
    assert false / draws <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / draws)
    assert covered / draws >= 0.95 - 2.6 * math.sqrt(0.05 * 0.95 / draws)


def test_the_naive_share_of_picked_clones_would_fall_with_nothing_changed():
    """Regression to the mean, which `group_share` takes out."""
    shares = laws()["lognormal"] / laws()["lognormal"].sum()
    rng = np.random.default_rng(2)
    naive, fair = [], []
    for _ in range(100):
        x = rng.multinomial(300, shares)
        held = shares[x >= 3].sum()
        naive.append(x[x >= 3].sum() / 300 - held)
        fair.append(fates.group_share(x, 3)[0] - held)
    assert np.mean(naive) > 10 * np.std(naive) / 10
    assert abs(np.mean(fair)) < 3 * np.std(fair) / 10
