"""Intervals of Hill numbers of one sample of clone sizes, and when there is none.

A value is estimable from 20 cells and 10 repeats (cells beyond the first of their clone) on;
below, the sample can only bound the diversity from one side, or says nothing.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, gammaincinv, stdtrit

from immune_reset.hill import (
    Abundances,
    asymptotic,
    clone_terms,
    observed,
    rarefied,
    same_clone_share,
    to_hill,
)

ESTIMABLE = "estimable"
AT_LEAST = "at least"
BOUND = "bound"
NOT_ESTIMABLE = "not estimable"

FEW_OUTSIDE = 10


@dataclass(frozen=True)
class Estimate:
    """A diversity with its interval; NaN where there is none, `status` says why."""

    value: float
    ci_low: float
    ci_high: float
    status: str


def is_estimable(a: Abundances, *, min_cells: int = 20, min_repeats: int = 10) -> bool:
    """Return whether the sample carries an interval of D1(m), S(m) and asymptotic D2."""
    return a.n_cells >= min_cells and a.n_repeats >= min_repeats


def chi2_quantile(probability: float, df: float) -> float:
    """Return the quantile of a chi-square law with `df` (any positive number) degrees."""
    return 2.0 * float(gammaincinv(df / 2.0, probability))


def t_quantile(probability: float, df: float) -> float:
    """Return the quantile of Student's t with `df` (any positive number) degrees."""
    return float(stdtrit(df, probability))


def same_clone_interval(a: Abundances, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of sum p^2 (gamma interval of Fay & Feuer 1997).

    The variance of the share of same-clone pairs is that of a U-statistic of degree two,
    [4(n-2) z1 + 2 z2]/(n(n-1)), z1 = sum p^3 - (sum p^2)^2 and z2 = sum p^2 - (sum p^2)^2; an
    estimate below 0 (clones of nearly equal size) is set to half the part of z2. The largest
    clone weighs w, the pairs that one cell more would make, in the upper limit.

    With fewer than `FEW_OUTSIDE` cells outside the largest clone the rare event is two cells
    of different clones, and the lower limit is one minus the gamma upper limit of that share,
    if lower: one clone of 90 %, n = 30, then covers in .99 of the draws, without it in .86.
    """
    n, share, tail = a.n_cells, same_clone_share(a), (1.0 - level) / 2.0
    x = a.sizes.astype(float)
    triple = float((x * (x - 1) * (x - 2)) @ a.clones) / (n * (n - 1.0) * (n - 2.0))
    z1, z2 = triple - share**2, max(share - share**2, 0.0)
    variance = (4 * (n - 2) * z1 + 2 * z2) / (n * (n - 1.0))
    variance = variance if variance > 0 else z2 / (n * (n - 1.0))
    w = 2.0 * a.largest / (n * (n - 1.0))
    low, high = share, _gamma_upper(share + w, variance + w**2, tail)
    if variance > 0:
        low = variance / (2 * share) * chi2_quantile(tail, 2 * share**2 / variance)
    if n - a.largest < FEW_OUTSIDE:
        low = min(low, 1.0 - _gamma_upper(1.0 - share + w, variance + w**2, tail))
    return low, min(high, 1.0)


def _gamma_upper(mean: float, variance: float, tail: float) -> float:
    """Return the 1 - tail quantile of the gamma law of this mean and variance."""
    return variance / (2 * mean) * chi2_quantile(1.0 - tail, 2 * mean**2 / variance)


def d2_interval(a: Abundances, *, m: float = math.inf, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of D2, asymptotic or (m given) expected among m cells.

    D2(m) is a monotone function of sum p^2, so one interval serves both.
    """
    low, high = same_clone_interval(a, level=level)
    if math.isinf(m):
        return 1.0 / high, 1.0 / low
    return tuple(1.0 / (1.0 / m + (m - 1) / m * share) for share in (high, low))


def jackknife_log_hill(a: Abundances, q: float, m: int) -> tuple[float, float]:
    """Return ln D_q(m) and its standard error, by the delete-one jackknife over cells.

    Deleting a cell of a clone of x cells leaves n-1 cells and that clone with x-1; the value at
    m of the rest is exact rarefaction again (for m = n the plug-in at n-1). There are as many
    different deletions as distinct clone sizes. No bootstrap, no seed.

    Where clones are of nearly one size the first-order error that a jackknife sees vanishes:
    the error is then at least that of the second order, 2n (ln k - H) ~ chi-square with k-1
    degrees for k clones seen more than once (Miller 1955), so var >= (k-1)/(2 n^2).
    """
    n = a.n_cells
    value = math.log(rarefied(a, q, m))
    if a.n_clones == 1:
        return value, 0.0
    less = min(m, n - 1)
    sizes = np.union1d(a.sizes, a.sizes - 1)
    terms = np.zeros(len(sizes))
    terms[sizes > 0] = clone_terms(sizes[sizes > 0], n - 1, less, [q])[:, 0]
    own = np.searchsorted(sizes, a.sizes)
    totals = a.clones @ terms[own] - terms[own] + terms[np.searchsorted(sizes, a.sizes - 1)]
    left_out = np.log(to_hill(totals, q))
    weight = a.sizes * a.clones
    spread = left_out - (weight @ left_out) / n
    least = max(a.n_clones - a.of_size(1) - 1, 0) / (2.0 * n**2)
    return value, math.sqrt(max((n - 1) / n * float(weight @ spread**2), least))


def degrees_of_freedom(a: Abundances) -> float:
    """Return the degrees of freedom of the jackknife error, E/2.

    With fewer than `FEW_OUTSIDE` cells outside the largest clone they, not the repeats, are
    what is known: their number, if smaller (one clone of 99 %, n = 300: D1 covers in .99 of
    the draws, without this in .84).
    """
    outside = a.n_cells - a.largest
    return min(a.n_repeats / 2.0, outside) if outside < FEW_OUTSIDE else a.n_repeats / 2.0


def log_hill_interval(
    a: Abundances, q: float, m: int, *, level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of ln D_q(m): +- t times the jackknife error.

    q = 0 counts whole clones: its error is at least one clone (where nearly every clone is
    seen, what f1 = 0 says of it is chance). A sample of one clone shows no error of its own:
    NaN.
    """
    value, se = jackknife_log_hill(a, q, m)
    if a.n_clones == 1:
        return math.nan, math.nan
    if q == 0:
        se = max(se, math.exp(-value))
    half = t_quantile((1.0 + level) / 2.0, degrees_of_freedom(a)) * se
    return value - half, value + half


def largest_share_bound(a: Abundances, *, level: float = 0.95) -> float:
    """Return the share that no clone exceeds, one-sided: BetaInv(level; E+2, n-E-1).

    Without a repeat this is the exact statement "no clone holds more than this share": the
    two cells most likely to meet did not.
    """
    if a.n_clones < 2:
        return 1.0
    return float(betaincinv(a.n_repeats + 2, a.n_cells - a.n_repeats - 1, level))


def d2_lower_bound(a: Abundances, *, level: float = 0.95) -> float:
    """Return what D2 is at least, one-sided, in a sample of few repeats."""
    return 1.0 / largest_share_bound(a, level=level) ** 2


def estimate_at(
    a: Abundances, q: float, m: int, *, min_cells: int, min_repeats: int, level: float = 0.95
) -> Estimate:
    """Return D_q of m <= n cells with its interval (q = 2 gamma, others jackknife).

    The value is exact rarefaction whatever the status. Below `min_repeats` there is no
    interval, which ends at m, the most that m cells can show. m > n or an empty sample: no
    value.
    """
    if not 1 <= m <= a.n_cells:
        return Estimate(math.nan, math.nan, math.nan, NOT_ESTIMABLE)
    value = rarefied(a, q, m)
    low = high = math.nan
    if is_estimable(a, min_cells=min_cells, min_repeats=min_repeats):
        if q == 2:
            low, high = d2_interval(a, m=m, level=level)
        else:
            low, high = np.clip(np.exp(log_hill_interval(a, q, m, level=level)), 1.0, m)
    status = NOT_ESTIMABLE if math.isnan(low) else ESTIMABLE
    return Estimate(value, float(low), float(high), status)


def estimate_asymptote(
    a: Abundances, q: int, *, min_cells: int, min_repeats: int, level: float = 0.95
) -> Estimate:
    """Return the asymptotic D_q (0, 1, 2) with what the sample supports.

    q = 2: an interval where estimable; with fewer repeats a bound, `ci_low`, one-sided at
    `level`, and no value. q = 0 and 1: never an interval; "at least" `ci_low`, the lower
    limit of what n cells show (diversity only grows with cells), or, with few repeats, the
    bound of D2 (D0 >= D1 >= D2). `value` is then the estimator of the literature. Fewer than
    `min_cells`: not estimable.
    """
    if a.n_cells < min_cells:
        return Estimate(math.nan, math.nan, math.nan, NOT_ESTIMABLE)
    few = a.n_repeats < min_repeats
    bound = d2_lower_bound(a, level=level)
    if q == 2:
        if few:
            return Estimate(math.nan, bound, math.nan, BOUND)
        return Estimate(asymptotic(a, 2), *d2_interval(a, level=level), ESTIMABLE)
    low = bound
    if not few:
        low = math.exp(log_hill_interval(a, q, a.n_cells, level=level)[0])
        low = observed(a, q) if math.isnan(low) else low
    return Estimate(asymptotic(a, q), low, math.nan, AT_LEAST)
