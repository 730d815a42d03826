"""Shares of cells, their intervals, and the ratio of two shares with its interval and p-value."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
FARTHEST = 40.0  # |ln ratio| at which the search for an interval's end stops


class ShareRatio(NamedTuple):
    """Change of a share: log2 of follow-up over baseline. NaN where a number does not exist.

    `status` estimable: point and both ends. bound: no point; the ends that the counts allow (one
    is NaN where a count is zero). not estimable: nothing but `p`, if that.
    """

    estimate: float
    ci_low: float
    ci_high: float
    p: float
    status: str


def wilson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return Wilson's score interval (1927) of the shares k / n; NaN where n is 0."""
    z = special.ndtri((1 + level) / 2)

    def ends(k: Floats, n: Floats) -> tuple[Floats, Floats]:
        share, widened = k / n, 1 + z * z / n
        middle = (share + z * z / (2 * n)) / widened
        half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / widened
        return middle - half, middle + half

    return _of_shares(k, n, ends)


def clopper_pearson(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return Clopper and Pearson's exact interval (1934) of the shares k / n; NaN where n is 0."""
    alpha = (1 - level) / 2

    def ends(k: Floats, n: Floats) -> tuple[Floats, Floats]:
        return (
            special.betaincinv(np.maximum(k, 1), n - np.maximum(k, 1) + 1, alpha),
            special.betainccinv(np.minimum(k, n - 1) + 1, n - np.minimum(k, n - 1), alpha),
        )

    return _of_shares(k, n, ends)


def _of_shares(
    k: ArrayLike, n: ArrayLike, ends: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> tuple[Floats, Floats]:
    k, n = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    low, high = np.full(n.shape, np.nan), np.full(n.shape, np.nan)
    some = n > 0
    if some.any():
        low[some], high[some] = np.clip(ends(k[some], n[some]), 0, 1)
        low[some & (k == 0)], high[some & (k == n)] = 0, 1
    return low, high


def zero_bound(n: int, level: float = 0.95) -> float:
    """Return the largest share that `n` cells without a single hit leave open: 1 - alpha^(1/n)."""
    return -math.expm1(math.log(1 - level) / n) if n > 0 else math.nan


def share_ratio(
    x0: int, n0: int, x1: int, n1: int, *, level: float = 0.95, min_expected: float = 5
) -> ShareRatio:
    """Return the change of a share from x0 of n0 (baseline) to x1 of n1 cells (follow-up).

    Nothing is added to a count: with a pseudocount, a type's ratio moves with the number of cells
    alone. Where the pooled share predicts `min_expected` cells in both samples, the interval is
    Koopman's score interval of a ratio of proportions (Biometrics 1984, 40:513) and p is of the
    score test at ratio 1; a count of zero leaves one end open, and the status is "bound". Elsewhere
    the interval and p are exact given x0 + x1 (binomial with odds n1 : n0; conservative), and there
    is no point estimate. Neither sees anything but the sampling of cells.

    Raises
    ------
    ValueError
        If a count is negative or exceeds its total.
    """
    if not (0 <= x0 <= n0 and 0 <= x1 <= n1):
        raise ValueError(f"{x0} of {n0} and {x1} of {n1} are not shares")
    if n0 == 0 or n1 == 0 or x0 + x1 == 0:
        return ShareRatio(*[math.nan] * 4, "not estimable")
    if (x0 + x1) / (n0 + n1) * min(n0, n1) < min_expected:
        low, high, p = _exact(x0, n0, x1, n1, level)
        return ShareRatio(math.nan, low, high, p, "bound")
    low, high, p = _score(x0, n0, x1, n1, level)
    if x0 == 0 or x1 == 0:
        return ShareRatio(math.nan, low, high, p, "bound")
    return ShareRatio(math.log2(x1 / n1 * (n0 / x0)), low, high, p, "estimable")


def koopman(x0: int, n0: int, x1: int, n1: int, ratio: float) -> float:
    """Return the score statistic (chi-squared, 1 df) of p1 / p0 = `ratio`."""
    total = x0 + x1
    a, b = ratio * (n0 + n1), ratio * (x0 + n1) + x1 + n0
    p0 = 2 * total / (b + math.sqrt(max(b * b - 4 * a * total, 0.0)))
    p0 = min(p0, 1.0, 1 / ratio)
    return _pearson(x0, n0, p0) + _pearson(x1, n1, min(p0 * ratio, 1.0))


def _pearson(x: int, n: int, p: float) -> float:
    gap = x - n * p
    return 0.0 if abs(gap) < 1e-9 * n else gap * gap / max(n * p * (1 - p), 1e-300)


def _score(x0: int, n0: int, x1: int, n1: int, level: float) -> tuple[float, float, float]:
    limit = 2 * float(special.gammaincinv(0.5, level))

    def excess(log_ratio: float) -> float:
        return koopman(x0, n0, x1, n1, math.exp(log_ratio)) - limit

    p = float(special.chdtrc(1, koopman(x0, n0, x1, n1, 1.0)))
    if x0 == 0 or x1 == 0:
        end = _end(excess, -FARTHEST, FARTHEST)
        return (math.nan, end, p) if x1 == 0 else (end, math.nan, p)
    middle = math.log(x1 / n1) - math.log(x0 / n0)
    return _end(excess, -FARTHEST, middle), _end(excess, middle, FARTHEST), p


def _end(excess: Callable[[float], float], low: float, high: float) -> float:
    if excess(low) * excess(high) > 0:
        return math.nan
    return float(scipy.optimize.brentq(excess, low, high, xtol=1e-12)) / math.log(2)


def _exact(x0: int, n0: int, x1: int, n1: int, level: float) -> tuple[float, float, float]:
    total = x0 + x1
    low, high = clopper_pearson(x1, total, level)
    with np.errstate(divide="ignore"):
        ends = np.log2(np.array([low, high])) - np.log2(1 - np.array([low, high]))
    ends = ends + math.log2(n0 / n1)
    odds = n1 / (n0 + n1)
    tails = special.bdtr(x1, total, odds), special.bdtrc(x1 - 1, total, odds)
    p = min(1.0, 2 * float(min(tails)))
    return *(float(end) if math.isfinite(end) else math.nan for end in ends), p


def median_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Return an interval of the median by its order statistics, at least `level` whatever the law.

    x_(k) to x_(n+1-k), k the largest with P(Binomial(n, 1/2) < k) <= (1 - level) / 2; NaN from
    fewer than 6 values at 95 %, of which no two enclose the median surely enough.
    """
    x = np.sort(np.asarray(values, dtype=float))
    at_most = special.bdtr(np.arange(len(x)), len(x), 0.5)
    k = int(np.searchsorted(at_most, (1 - level) / 2))
    return (float(x[k - 1]), float(x[len(x) - k])) if k else (np.nan, np.nan)
