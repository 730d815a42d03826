"""Hill numbers against published values, R's tables, and exact enumeration in fractions."""

import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from immune_reset import hill
from immune_reset.hill_bootstrap import bootstrap_draws
from immune_reset.hill_change import change_in_log_hill
from immune_reset.hill_intervals import d2_interval

GIRDLED = hill.abundances([46, 22, 17, 15, 15, 9, 8, 6, 6, 4, 2, 2, 2, 2] + [1] * 12)
LOGGED = hill.abundances(
    [88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2] + [1] * 14
)
SMALL = [[5, 3, 1, 1], [2, 2, 2], [7], [1, 1, 1, 1, 1], [4, 2, 1], [3, 3, 1, 1, 1, 1]]


def exact_subsets(counts, m):
    """Every subset of m labelled cells, as the clone sizes it holds."""
    cells = [clone for clone, size in enumerate(counts) for _ in range(size)]
    for subset in itertools.combinations(cells, m):
        yield [subset.count(clone) for clone in range(len(counts))]


def exact_mean(counts, m, of):
    """The mean of `of(clone sizes)` over all subsets of m cells."""
    values = [of(sizes) for sizes in exact_subsets(counts, m)]
    return sum(values) / len(values)


def exact_rarefied(counts, q, m):
    if q == 1:
        entropy = exact_mean(counts, m, lambda s: -sum(k / m * math.log(k / m) for k in s if k))
        return math.exp(entropy)
    total = exact_mean(counts, m, lambda s: sum(Fraction(k, m) ** q for k in s if k))
    return float(total) ** (1 / (1 - q))


# published values


@pytest.mark.parametrize(
    ("a", "cover", "observed", "asymptotic"),
    [
        (GIRDLED, 0.9289, (26, 12.060, 7.840), (43.893, 13.826, 8.175)),
        (LOGGED, 0.9446, (37, 14.421, 6.761), (61.403, 16.337, 6.920)),
    ],
)
def test_spider_as_inext_prints_it(a, cover, observed, asymptotic):
    assert hill.coverage(a) == pytest.approx(cover, abs=5e-5)
    assert [hill.observed(a, q) for q in (0, 1, 2)] == pytest.approx(observed, abs=5.001e-4)
    assert [hill.asymptotic(a, q) for q in (0, 1, 2)] == pytest.approx(asymptotic, abs=5.001e-4)


def test_spider_extrapolated_to_twice_the_sample():
    found = [hill.extrapolated(GIRDLED, q, 2 * 168) for q in (0, 1, 2)]
    assert found == pytest.approx((34.7307, 13.0170, 8.0039), abs=5.001e-5)


def test_spider_rarefied_to_equal_coverage():
    m = hill.cells_for_coverage(LOGGED, hill.coverage(GIRDLED))
    assert m == 175
    found = [hill.rarefied(LOGGED, q, m) for q in (0, 1, 2)]
    assert found == pytest.approx((32.213, 13.820, 6.694), abs=5.001e-4)


# real repertoires, R's values


@pytest.fixture(scope="module")
def repertoires(real_data):
    """Clone sizes of the renal carcinoma samples, as the data's README words the rule."""
    found = {}
    for path in sorted((real_data / "rcc_tcr").glob("*.csv.gz")):
        contigs = pd.read_csv(path, dtype=str)
        used = contigs[
            (contigs["chain"] == "TRB")
            & (contigs[["productive", "is_cell", "high_confidence"]] == "True").all(axis=1)
        ].astype({"umis": int, "reads": int})
        used = used.sort_values(["umis", "reads", "contig_id"], ascending=[False, False, True])
        primary = used.drop_duplicates("barcode")
        sizes = primary.groupby(["v_gene", "cdr3_nt"]).size()
        found[path.name.removesuffix(".csv.gz")] = hill.abundances(sizes.to_numpy())
    return found


@pytest.mark.real_data
def test_golden_table_closed_forms(repertoires, real_data):
    golden = pd.read_csv(real_data / "golden/trb_diversity.tsv", sep="\t").set_index("sample")
    for sample, a in repertoires.items():
        row, m = golden.loc[sample], int(golden.loc[sample, "rarefied_richness_m"])
        found = {
            "cells": a.n_cells,
            "richness": hill.observed(a, 0),
            "shannon_exp": hill.observed(a, 1),
            "inv_simpson": hill.observed(a, 2),
            "chao1": hill.chao1_bias_corrected(a),
            "rarefied_richness": hill.rarefied(a, 0, m),
            "gini_simpson_unbiased_D2": hill.asymptotic(a, 2),
            "singletons": a.of_size(1),
            "doubletons": a.of_size(2),
            "max_clone": a.largest,
        }
        for column, value in found.items():
            assert value == pytest.approx(row[column], rel=1e-9), (sample, column)
        assert hill.asymptotic(a, 0) > found["chao1"]


@pytest.mark.real_data
def test_bootstrap_agrees_with_alakazam(repertoires, real_data):
    golden = pd.read_csv(real_data / "golden/trb_diversity.tsv", sep="\t").set_index("sample")
    for sample, a in repertoires.items():
        draws = bootstrap_draws(a, 200, np.random.default_rng(7))
        mean = np.mean([hill.observed(drawn, 2) for drawn in draws])
        assert golden.loc[sample, "alak_q2_lo"] < mean < golden.loc[sample, "alak_q2_hi"]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("sample", "d2", "low", "high", "d1"),
    [
        ("P17B", 6.4412, 5.9221, 7.0191, 23.8348),
        ("P17L", 439.4851, 367.7870, 529.8555, 229.1471),
        ("P18B", 2688.4684, 1612.05, 4956.22, 284.7679),
        ("P18L", 5360.4375, 3964.38, 7150.61, 289.1554),
    ],
)
def test_reference_intervals(repertoires, sample, d2, low, high, d1):
    a = repertoires[sample]
    digits = 5.1e-5 if d2 < 1000 else 5.1e-3
    assert hill.asymptotic(a, 2) == pytest.approx(d2, abs=5.1e-5)
    assert d2_interval(a) == pytest.approx((low, high), abs=digits)
    assert hill.rarefied(a, 1, 300) == pytest.approx(d1, abs=5.1e-5)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("patient", "m", "change", "low", "high", "digits"),
    [("P17", 2755, 3.263, 3.133, 3.393, 3), ("P18", 1243, -0.0019, -0.0529, 0.0492, 4)],
)
def test_reference_changes(repertoires, patient, m, change, low, high, digits):
    found = change_in_log_hill(repertoires[f"{patient}B"], repertoires[f"{patient}L"])
    shown = [round(v, digits) for v in (found.log_ratio, found.ci_low, found.ci_high)]
    assert found.m == m
    assert shown == [change, low, high]


# exact enumeration


@pytest.mark.parametrize("counts", SMALL)
@pytest.mark.parametrize("q", [0, 1, 2, 3])
def test_rarefied_is_the_mean_over_all_subsets(counts, q):
    a = hill.abundances(counts)
    for m in range(1, a.n_cells + 1):
        assert hill.rarefied(a, q, m) == pytest.approx(exact_rarefied(counts, q, m), rel=1e-12)


@pytest.mark.parametrize("counts", SMALL)
def test_rarefied_coverage_is_the_mean_over_all_subsets(counts):
    """C(m) = chance that the next cell's clone is among the m drawn before it."""
    a, n = hill.abundances(counts), sum(counts)
    for m in range(1, n):
        seen = exact_mean(
            counts,
            m,
            lambda sizes, m=m: sum(
                Fraction(total - k, n - m) for k, total in zip(sizes, counts, strict=True) if k
            ),
        )
        assert hill.coverage(a, m) == pytest.approx(float(seen), rel=1e-12)


def test_coverage_formula_in_fractions():
    n, f1, f2 = 168, 12, 4
    turn = Fraction((n - 1) * f1, (n - 1) * f1 + 2 * f2)
    for more in (0, 1, 50):
        exact = 1 - Fraction(f1, n) * turn ** (more + 1)
        assert hill.coverage(GIRDLED, n + more) == pytest.approx(float(exact), rel=1e-14)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.data())
@settings(max_examples=60, deadline=None)
def test_against_scipys_hypergeometric_law(counts, data):
    a, n = hill.abundances(counts), sum(counts)
    m = data.draw(st.integers(1, n))
    entropy = richness = 0.0
    for size in counts:
        k = np.arange(1, size + 1)
        chance = hypergeom.pmf(k, n, size, m)
        entropy -= float(chance @ (k / m * np.log(k / m)))
        richness += 1 - hypergeom.pmf(0, n, size, m)
    assert hill.rarefied(a, 1, m) == pytest.approx(math.exp(entropy), rel=1e-9)
    assert hill.rarefied(a, 0, m) == pytest.approx(richness, rel=1e-9)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_order_of_orders_and_depths(counts):
    """D0 >= D1 >= D2; each grows with cells; none above the cells."""
    a = hill.abundances(counts)
    grid = sorted({1, max(1, a.n_cells // 3), max(1, a.n_cells // 2), a.n_cells})
    values = np.array([[hill.rarefied(a, q, m) for q in (0, 1, 2)] for m in grid])
    assert (np.diff(values, axis=1) <= 1e-9).all()
    assert (np.diff(values, axis=0) >= -1e-9).all()
    assert (values <= np.array(grid)[:, None] + 1e-9).all()
    assert values.min() >= 1 - 1e-9


# asymptotic entropy


def entropy_in_fractions(counts):
    """The estimator of Chao, Wang & Jost 2013, its sums in exact fractions."""
    n, f1, f2 = sum(counts), counts.count(1), counts.count(2)
    seen = sum(Fraction(x, n) * sum(Fraction(1, r) for r in range(x, n)) for x in counts)
    if f2:
        turn = Fraction((n - 1) * f1, (n - 1) * f1 + 2 * f2)
    else:
        turn = Fraction((n - 1) * (f1 - 1), (n - 1) * (f1 - 1) + 2)
    sums = sum(turn**r / r for r in range(1, n))
    from decimal import Decimal, getcontext

    getcontext().prec = 120
    exact = [Decimal(v.numerator) / Decimal(v.denominator) for v in (1 - turn, sums, turn)]
    braces = -exact[0].ln() - exact[1]
    unseen = Decimal(f1) / n * exact[2] ** (1 - n) * braces
    return float(Decimal(seen.numerator) / Decimal(seen.denominator) + unseen)


@pytest.mark.parametrize(
    "counts",
    [[1] * 30, [1] * 20 + [2] * 40, [1, 1, 2, 2, 2, 9, 80], [1] * 5 + [2] * 60, [1, 1, 50]],
)
def test_asymptotic_entropy_keeps_its_digits(counts):
    found = hill.asymptotic_entropy(hill.abundances(counts))
    assert found == pytest.approx(entropy_in_fractions(counts), rel=1e-12)


@pytest.mark.parametrize("doubletons", [1, 49_000, 49_900])
def test_entropy_series_and_braces_agree_at_100_000_cells(doubletons):
    """Both forms near their border and far from it, against the integral they equal."""
    from scipy.integrate import quad

    n = 100_000
    a = hill.abundances(np.repeat([1, 2], [n - 2 * doubletons, doubletons]))
    x = hill.turnover(a)
    small = 1 - x

    def integrand(v):
        u = math.exp(v)
        return u * math.exp(-u) / (small - x * math.expm1(-u / n))

    integral = x / n * quad(integrand, -60, 5, limit=500, epsabs=0, epsrel=1e-12)[0]
    assert hill._unseen_series(n, x) == pytest.approx(integral, rel=1e-7)


# numerics and guards


def test_digits_at_100_000_cells():
    """Richness of equal clones of two cells: S(m) = S (1 - C(n-2, m)/C(n, m)) in closed form."""
    n, m = 100_000, 33_333
    a = hill.abundances(np.full(n // 2, 2))
    missed = Fraction((n - m) * (n - m - 1), n * (n - 1))
    assert hill.rarefied(a, 0, m) == pytest.approx(float(n // 2 * (1 - missed)), rel=1e-13)
    both = Fraction(m * (m - 1), n * (n - 1))
    one = 2 * Fraction(m * (n - m), n * (n - 1))
    entropy = n // 2 * (float(one) / m * math.log(m) + 2 * float(both) / m * math.log(m / 2))
    assert hill.rarefied(a, 1, m) == pytest.approx(math.exp(entropy), rel=1e-11)


def test_large_clone_at_100_000_cells_against_scipy():
    n, m, size = 100_000, 20_000, 60_000
    a = hill.abundances([size] + [1] * (n - size))
    k = np.arange(11_000, 13_001)
    chance = hypergeom.pmf(k, n, size, m)
    assert chance.sum() == pytest.approx(1, abs=1e-6)
    entropy = -float(chance @ (k / m * np.log(k / m))) / chance.sum()
    entropy += (n - size) * (m / n) / m * math.log(m)
    assert hill.rarefied(a, 1, m) == pytest.approx(math.exp(entropy), rel=1e-7)


def test_speed_at_100_000_cells():
    share = np.arange(1, 200_001) ** -1.1
    counts = np.random.default_rng(0).multinomial(100_000, share / share.sum())
    began = time.perf_counter()
    a = hill.abundances(counts)
    for q in (0, 1, 2):
        hill.rarefied(a, q, 30_000)
        hill.asymptotic(a, q)
        hill.extrapolated(a, q, 150_000)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("n", [2, 20, 200, 100_000])
def test_all_singletons(n):
    a = hill.abundances(np.ones(n, dtype=int))
    assert hill.coverage(a) == pytest.approx(2 / ((n - 1) ** 2 + 2))
    assert [hill.observed(a, q) for q in (0, 1, 2)] == pytest.approx([n] * 3)
    assert hill.asymptotic(a, 2) == math.inf
    assert hill.asymptotic(a, 0) == pytest.approx(n + (n - 1) ** 2 / 2)
    assert math.isfinite(hill.asymptotic(a, 1))


def test_no_singleton_means_no_unseen_clone():
    a = hill.abundances([2, 3, 4])
    assert hill.coverage(a) == 1
    assert hill.unseen_clones(a) == 0
    assert hill.extrapolated(a, 0, 1000) == 3
    assert hill.asymptotic(a, 0) == 3


def test_one_singleton_and_no_doubleton():
    a = hill.abundances([5, 1])
    assert hill.turnover(a) == 0
    assert hill.coverage(a) == 1
    assert hill.asymptotic(a, 0) == 2
    assert math.isfinite(hill.asymptotic(a, 1))


@pytest.mark.parametrize("counts", [[1], [12]])
def test_one_clone(counts):
    a = hill.abundances(counts)
    assert [hill.observed(a, q) for q in (0, 1, 2)] == pytest.approx([1, 1, 1])
    assert hill.asymptotic(a, 0) == hill.asymptotic(a, 1) == pytest.approx(1)
    assert hill.coverage(a, 1) == pytest.approx(1.0 if counts == [12] else hill.coverage(a))


def test_nothing():
    a = hill.abundances([0, 0])
    assert a.n_cells == a.n_clones == a.largest == 0
    assert math.isnan(hill.coverage(a))
    assert math.isnan(hill.observed(a, 1))


@pytest.mark.parametrize("counts", [[1, -1], [0.5, 2]])
def test_what_is_no_count_is_refused(counts):
    with pytest.raises(ValueError, match="whole numbers"):
        hill.abundances(counts)


@pytest.mark.parametrize("m", [0, 11])
def test_more_cells_than_there_are_cannot_be_drawn(m):
    with pytest.raises(ValueError, match="without replacement"):
        hill.rarefied(hill.abundances([5, 5]), 1, m)


@pytest.mark.parametrize("target", [0.3, 0.6, 0.95, 0.99])
def test_cells_for_coverage_is_the_smallest(target):
    m = hill.cells_for_coverage(LOGGED, target)
    assert hill.coverage(LOGGED, m) >= target > hill.coverage(LOGGED, m - 1)


def test_cells_for_repeats():
    a = hill.abundances([1] * 40 + [2] * 3)
    m = hill.cells_for_repeats(a, 10)
    assert m - hill.extrapolated(a, 0, m) >= 10 > (m - 1) - hill.extrapolated(a, 0, m - 1)
    assert hill.cells_for_repeats(hill.abundances([1]), 10) is None
