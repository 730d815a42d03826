"""The rules of quality control and of doublet calls."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from immune_reset import cell_calls


def test_bounds_are_scaled_median_absolute_deviations():
    values = np.random.default_rng(0).normal(3, 1, 200)
    low, high = cell_calls.adaptive_bounds(values, nmads=5)
    deviation = stats.median_abs_deviation(values, scale="normal")
    assert low == pytest.approx(np.median(values) - 5 * deviation, rel=1e-4)
    assert high == pytest.approx(np.median(values) + 5 * deviation, rel=1e-4)


def test_bounds_by_hand():
    values = [10.0] * 10 + [11.0] * 11 + [12.0] * 10  # median 11, deviations 1,0,1: median 1
    low, high = cell_calls.adaptive_bounds(values, nmads=2)
    assert (low, high) == pytest.approx((11 - 2.9652, 11 + 2.9652))


@pytest.mark.parametrize(
    ("values", "nmads"),
    [
        (np.arange(100.0), 0),  # switched off
        (np.arange(29.0), 5),  # too few
        ([1.0] * 80 + [2.0] * 20, 5),  # a deviation of 0
        ([np.nan] * 100, 5),  # no mitochondrial genes
        ([], 5),
    ],
)
def test_bounds_that_cannot_serve_are_infinite(values, nmads):
    assert cell_calls.adaptive_bounds(values, nmads=nmads) == (-np.inf, np.inf)


def metrics(counts, genes, mt):
    columns = {"total_counts": counts, "n_genes_by_counts": genes, "pct_counts_mt": mt}
    return pd.DataFrame(columns)


def limits(table, **changes):
    fixed = {"min_counts": 500, "min_genes": 200, "max_pct_mt": 20, "nmads": 5} | changes
    return cell_calls.quality_thresholds(table, **fixed)


def test_the_stricter_of_fixed_and_adaptive_bound_counts():
    rng = np.random.default_rng(0)
    n = 400
    table = metrics(rng.lognormal(9, 0.2, n), rng.lognormal(7.5, 0.15, n), rng.normal(8, 0.6, n))
    found = limits(table)
    log_counts = np.log1p(table["total_counts"])
    deviation = stats.median_abs_deviation(log_counts, scale="normal")
    expected = np.expm1(np.median(log_counts) - 5 * deviation)
    assert expected > 500
    assert found["min_counts"] == pytest.approx(expected, rel=1e-4)
    assert found["max_pct_mt"] < 20
    assert limits(table, min_counts=5000)["min_counts"] == 5000
    assert limits(table, max_pct_mt=9)["max_pct_mt"] == 9


def test_empty_droplets_do_not_move_the_bounds():
    rng = np.random.default_rng(0)
    cells = metrics(rng.lognormal(9, 0.2, 300), rng.lognormal(7.5, 0.15, 300), np.full(300, 4.0))
    empty = metrics(rng.integers(1, 50, 3000), rng.integers(1, 40, 3000), np.full(3000, 30.0))
    both = pd.concat([cells, empty], ignore_index=True)
    assert limits(both) == limits(cells)


def test_a_tight_mitochondrial_share_costs_no_healthy_cell():
    rng = np.random.default_rng(0)
    share = np.abs(rng.normal(1.0, 0.05, 300))
    table = metrics(rng.lognormal(9, 0.2, 300), rng.lognormal(7.5, 0.1, 300), share)
    assert limits(table)["max_pct_mt"] == cell_calls.MIN_ADAPTIVE_MT


def test_twelve_cells_have_the_fixed_bounds():
    table = metrics(np.arange(1000, 1012), np.arange(400, 412), np.arange(12))
    found = limits(table)
    assert (found["min_counts"], found["min_genes"], found["max_pct_mt"]) == (500, 200, 20)
    assert np.isinf([found["max_counts"], found["max_genes"]]).all()


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40))
def test_otsu_split_is_the_best_of_all_cuts(values):
    def within(cut):
        groups = [[v for v in values if v <= cut], [v for v in values if v > cut]]
        return sum(np.var(group) * len(group) for group in groups if group)

    split = cell_calls.otsu_split(values)
    if np.isnan(split):
        assert len(set(values)) == 1
    else:
        best = min(within(cut) for cut in values)
        assert within(split) == pytest.approx(best, abs=1e-7)


def test_otsu_split_lies_between_two_modes():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(0, 0.1, 500), rng.normal(1, 0.1, 300)]
    assert 0.3 < cell_calls.otsu_split(values) < 0.7


def test_expected_rate():
    assert cell_calls.doublet_rate(1000, given=None) == pytest.approx(0.008)
    assert cell_calls.doublet_rate(1000, given=0.1) == 0.1
    assert cell_calls.doublet_rate(100, given=0.0) == 0.0
    assert cell_calls.doublet_rate(700_000, given=None) == cell_calls.MAX_RATE


def test_threshold_is_the_split_where_few_exceed_it():
    scores = pd.Series([0.01] * 98 + [0.5, 0.6])
    assert cell_calls.score_threshold(scores, split=0.2, rate=0.008, max_score=None) == 0.2


def test_no_more_are_called_than_expected_and_the_margin():
    scores = pd.Series(np.linspace(0, 1, 1000))
    threshold = cell_calls.score_threshold(scores, split=0.2, rate=0.008, max_score=None)
    assert (scores > threshold).sum() == 28  # 1,000 x (.008 + .02)


def test_no_call_without_scores():
    unscored = pd.Series([np.nan] * 12)
    assert cell_calls.score_threshold(unscored, split=np.nan, rate=0.1, max_score=None) == np.inf
    assert cell_calls.score_threshold(unscored, split=np.nan, rate=0.1, max_score=0.3) == 0.3


def receptor(**slots):
    row = {"receptor_type": "ambiguous"}
    for slot in cell_calls.RECEPTOR_SLOTS:
        row[f"{slot}_locus"], row[f"{slot}_umi_count"] = slots.get(slot, (None, np.nan))
    return row


@pytest.mark.parametrize(
    ("slots", "alike", "expected"),
    [
        ({"VDJ_1": ("TRB", 9), "VJ_1": ("IGK", 7)}, False, True),
        ({"VDJ_1": ("TRB", 9), "VJ_1": ("IGK", 1)}, False, False),  # one floating light chain
        ({"VDJ_1": ("TRB", 9), "VJ_1": ("IGK", 1)}, True, True),  # but it looks like a doublet
        ({"VDJ_1": ("IGH", 9), "VDJ_2": ("TRB", 1), "VJ_1": ("TRA", 2)}, False, True),
        ({"VDJ_1": ("TRB", np.nan), "VJ_1": ("IGK", np.nan)}, False, True),  # UMIs not given
        ({"VDJ_1": ("TRB", 9)}, False, False),
    ],
)
def test_receptors_of_both_sides(slots, alike, expected):
    table = pd.DataFrame([receptor(**slots)])
    found = cell_calls.receptor_doublets(table, alike=pd.Series([alike]))
    assert found.tolist() == [expected]


def test_one_receptor_is_no_doublet_however_alike():
    rows = [receptor(VDJ_1=("TRB", 9)) | {"receptor_type": kind} for kind in ("TCR", pd.NA)]
    table = pd.DataFrame(rows)
    assert not cell_calls.receptor_doublets(table, alike=pd.Series([True, True])).any()
