"""Shares of UMIs: score, change, bound and attribution, by hand and against real cells."""

import gzip
import math

import numpy as np
import pytest
from scipy import io, stats

from immune_reset import shares

rng = np.random.default_rng(20)
SOME_GENES = ["IRF1", "STAT1", "STAT3", "IL2RG", "LTB", "CD44", "TGFB1", "PIM1", "SOCS3", "IL6ST"]


def cells(n: int, share: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    own = np.random.default_rng(seed)
    total = own.negative_binomial(5, 5 / 2005, n) + 200
    level = share * own.lognormal(0, 0.5, n)
    return own.binomial(total, np.minimum(level, 1))[:, None], total


def test_summary_by_hand():
    x, t = np.array([[1, 0], [3, 0]]), np.array([10, 30])
    got = shares.summarise(x, t)
    assert (got.n, got.total) == (2, 40)
    assert got.umis.tolist() == [4, 0]
    # (1/4.5 - 10/40)^2 + (3/4.5 - 30/40)^2 = (-1/36)^2 + (-1/12)^2, times 2/1, over ln2^2
    assert got.w[0] == pytest.approx(2 * (1 / 36**2 + 1 / 144) / math.log(2) ** 2)
    assert got.kish[0] == pytest.approx(16 / 10)
    assert np.isnan(got.kish[1])
    assert got.share.tolist() == pytest.approx([4.5 / 41, 0.5 / 41])


def test_summary_of_one_cell_or_none_has_no_variance():
    one = shares.summarise(np.array([[2]]), np.array([10]))
    none = shares.summarise(np.zeros((0, 1)), np.zeros(0))
    assert np.isnan(one.w).all()
    assert np.isnan(none.w).all()


def test_variance_agrees_with_a_bootstrap_over_cells():
    x, t = cells(150, 0.02)
    draws = []
    for _ in range(3000):
        k = rng.integers(0, 150, 150)
        draws.append(math.log2(x[k].sum() / t[k].sum()))
    assert shares.summarise(x, t).w[0] == pytest.approx(np.var(draws), rel=0.1)


def test_score_is_log2_per_ten_thousand_and_does_not_move_with_depth():
    x, t = cells(200, 0.01)
    score = shares.score(shares.summarise(x, t)).iloc[0]
    assert score["score"] == pytest.approx(math.log2(1e4 * (x.sum() + 0.5) / (t.sum() + 1)))
    assert score["ci_low"] < score["score"] < score["ci_high"]
    few = shares.score(shares.summarise(x[:20], t[:20])).iloc[0]
    assert few["ci_low"] < score["score"] < few["ci_high"]


def test_score_without_a_umi_is_an_upper_limit():
    zero = shares.score(shares.summarise(np.zeros((12, 1)), np.full(12, 500))).iloc[0]
    assert np.isnan(zero["ci_low"])
    # 6,000 UMIs without one exclude a share at which none has probability .05
    assert zero["ci_high"] == pytest.approx(math.log2(1e4 * -math.log(0.05) / 6000))
    assert (1 - 2 ** zero["ci_high"] / 1e4) ** 6000 == pytest.approx(0.05, rel=1e-3)


def test_change_follows_the_formula_term_by_term():
    (x0, t0), (x1, t1) = cells(60, 0.02, 3), cells(25, 0.01, 4)
    got = shares.change(shares.summarise(x0, t0), shares.summarise(x1, t1)).iloc[0]

    def parts(x, t):
        x = x[:, 0]
        n, big_x, big_t = len(x), x.sum(), t.sum()
        terms = [(a / (big_x + 0.5) - b / big_t) ** 2 for a, b in zip(x, t, strict=True)]
        w = sum(terms) * n / (n - 1) / math.log(2) ** 2
        kish = big_x**2 / sum(int(a) ** 2 for a in x)
        return math.log2((big_x + 0.5) / (big_t + 1)), w, kish

    (l0, w0, k0), (l1, w1, k1) = parts(x0, t0), parts(x1, t1)
    d = l1 - l0 + math.log(2) / 2 * (w1 - w0)
    df = (w0 + w1) ** 2 / (w0**2 / (k0 - 1) + w1**2 / (k1 - 1))
    half = stats.t.ppf(0.975, df) * math.sqrt(w0 + w1)
    assert got["estimate"] == pytest.approx(d, rel=1e-12)
    assert got["df"] == pytest.approx(df, rel=1e-12)
    assert (got["ci_low"], got["ci_high"]) == pytest.approx((d - half, d + half), rel=1e-12)
    assert got["p_value"] == pytest.approx(2 * stats.t.sf(abs(d) / math.sqrt(w0 + w1), df))


def test_change_of_swapped_samples_is_its_negative():
    a, b = (shares.summarise(*cells(40, s, k)) for s, k in ((0.02, 5), (0.05, 6)))
    there, back = shares.change(a, b).iloc[0], shares.change(b, a).iloc[0]
    assert there["estimate"] == pytest.approx(-back["estimate"])
    assert there["ci_low"] == pytest.approx(-back["ci_high"])
    assert there["p_value"] == pytest.approx(back["p_value"])


def test_expected_umis_use_the_pooled_share():
    a = shares.summarise(np.array([[4], [6]]), np.array([100, 100]))
    b = shares.summarise(np.array([[0], [0]]), np.array([50, 50]))
    before, after = shares.expected_umis(a, b)
    assert (before[0], after[0]) == pytest.approx((10 / 300 * 200, 10 / 300 * 100))


def test_bound_is_one_sided_and_its_p_is_where_the_bounds_part():
    seen = shares.summarise(*cells(50, 0.02, 7))
    none = shares.summarise(np.zeros((12, 1)), np.full(12, 500))
    fell, rose = shares.bound(seen, none, 0), shares.bound(none, seen, 0)
    assert np.isnan(fell["ci_low"])
    assert fell["ci_high"] < 0
    assert rose["ci_low"] == pytest.approx(-fell["ci_high"])
    assert rose["p_value"] == pytest.approx(fell["p_value"])
    at_p = shares.bound(seen, none, 0, level=1 - fell["p_value"])
    assert at_p["ci_high"] == pytest.approx(0, abs=1e-6)
    assert fell["estimate"] < fell["ci_high"]


def test_ends_of_a_bound_by_hand():
    seen = shares.summarise(*cells(50, 0.02, 7))
    none = shares.summarise(np.zeros((12, 1)), np.full(12, 500))
    excess = max(1.0, seen.w[0] * seen.umis[0] * math.log(2) ** 2)
    low = math.log2(seen.share[0])
    low -= stats.t.ppf(1 - 0.025, seen.kish[0] - 1) * math.sqrt(seen.w[0])
    high = math.log2(-math.log(0.025) * excess / 6000)
    assert shares.bound(seen, none, 0)["ci_high"] == pytest.approx(high - low)


def test_bound_that_shows_nothing_has_a_large_p():
    seen = shares.summarise(np.r_[np.zeros((28, 1)), [[1], [1]]], np.full(30, 300))
    none = shares.summarise(np.zeros((30, 1)), np.full(30, 300))
    got = shares.bound(seen, none, 0)
    assert got["ci_high"] > 0
    assert got["p_value"] > 0.05


def test_attribution_adds_up_exactly():
    own = np.random.default_rng(9)
    for _ in range(50):
        n0, n1 = own.integers(0, 300, 6), own.integers(0, 300, 6)
        s0, s1 = own.gamma(2, 100, 6), own.gamma(2, 100, 6)
        within, composition, total = shares.attribute(n0, s0, n1, s1)
        gone = np.where(n0 > 0, s0, s1), np.where(n1 > 0, s1, s0)
        change = n1 @ gone[1] / n1.sum() - n0 @ gone[0] / n0.sum()
        assert total == pytest.approx(change, rel=1e-12)
        assert within.sum() + composition.sum() == pytest.approx(total, abs=1e-12 * 500)


def test_attribution_of_pure_composition_and_of_pure_level_by_hand():
    # half the cells at 10, half at 30; then a quarter and three quarters: mean 20 to 25
    within, composition, total = shares.attribute([50, 50], [10, 30], [25, 75], [10, 30])
    assert within.tolist() == [0, 0]
    # S = 22.5: (-.25)(10 - 22.5) and (.25)(30 - 22.5)
    assert composition.tolist() == pytest.approx([3.125, 1.875])
    assert total == pytest.approx(5)
    within, composition, total = shares.attribute([50, 50], [10, 30], [50, 50], [10, 10])
    assert within.tolist() == pytest.approx([0, -10])
    assert composition.tolist() == [0, 0]


def test_attribution_of_a_lost_type_is_composition_alone():
    within, composition, total = shares.attribute([10, 90], [100, 0], [0, 90], [np.nan, 0])
    assert within.tolist() == [0, 0]
    assert composition.sum() == pytest.approx(total)
    assert total == pytest.approx(-10)


def real_t_cells(real_data):
    """Return set and total UMIs of T cells of a real library: `SOME_GENES`."""
    counts, names = [], None
    for sample in ("N1_pre", "N1_post"):
        place = real_data / "null_cohort" / sample / "filtered_feature_bc_matrix"
        with gzip.open(place / "features.tsv.gz", "rt") as lines:
            names = np.array([line.split("\t")[1] for line in lines])
        counts.append(io.mmread(place / "matrix.mtx.gz").T.tocsr())
    t_cell, not_t = np.isin(names, ["CD3D", "CD3E"]), np.isin(names, ["LYZ", "MS4A1", "CD79A"])
    chosen = np.isin(names, SOME_GENES)
    parts = []
    for block in counts:
        marks = (
            np.asarray(block[:, t_cell].sum(1)).ravel(),
            np.asarray(block[:, not_t].sum(1)).ravel(),
        )
        block = block[(marks[0] > 0) & (marks[1] == 0)]
        parts.append(np.c_[np.asarray(block[:, chosen].sum(1)), np.asarray(block.sum(1))])
    both = np.concatenate(parts).astype(int)
    return both[:, :1], both[:, 1]


@pytest.mark.real_data
def test_interval_covers_on_real_cells_at_ten_to_one_depth_and_thinned_umis(real_data):
    x, t = real_t_cells(real_data)
    assert len(t) > 300
    own = np.random.default_rng(11)
    draws = 600
    covered, below = 0, 0
    for _ in range(draws):
        i, j = own.integers(0, len(t), 200), own.integers(0, len(t), 20)
        inside, rest = own.binomial(x[j], 1 / 3), own.binomial(t[j] - x[j, 0], 1 / 3)
        after = shares.summarise(inside, inside[:, 0] + rest)
        row = shares.change(shares.summarise(x[i], t[i]), after).iloc[0]
        covered += row["ci_low"] <= 0 <= row["ci_high"]
        below += row["estimate"] < 0
    assert 0.925 <= covered / draws <= 0.975
    assert 0.44 <= below / draws <= 0.56
