"""Hill numbers of a clone-size sample: observed, rarefied, extrapolated, asymptotic; coverage.

A sample is the multiset of its clone sizes. Every function works on the distinct sizes and the
number of clones of each (at most sqrt(2 n) distinct sizes among n cells), so a sample of
100,000 cells costs milliseconds.

Sources: Chao & Jost 2012 (coverage), Chao et al. 2014 (rarefaction and extrapolation of Hill
numbers, iNEXT), Chao, Wang & Jost 2013 (entropy), Hurlbert 1971 (rarefied richness).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma


@dataclass(frozen=True)
class Abundances:
    """Clone sizes of one sample.

    sizes: distinct clone sizes in cells, ascending; clones: number of clones of each size.
    """

    sizes: np.ndarray
    clones: np.ndarray

    @property
    def n_cells(self) -> int:
        """Cells, n."""
        return int(self.sizes @ self.clones)

    @property
    def n_clones(self) -> int:
        """Clones seen, S."""
        return int(self.clones.sum())

    @property
    def n_repeats(self) -> int:
        """Cells beyond the first of their clone, E = n - S."""
        return self.n_cells - self.n_clones

    @property
    def largest(self) -> int:
        """Cells of the largest clone (0 for an empty sample)."""
        return int(self.sizes[-1]) if self.sizes.size else 0

    def of_size(self, size: int) -> int:
        """Return the number of clones of exactly `size` cells (f1 singletons, f2 doubletons)."""
        return int(self.clones[self.sizes == size].sum())


def abundances(counts: Iterable[int]) -> Abundances:
    """Return the clone sizes of a vector of cells per clone; zeros are dropped.

    Raises ValueError for negative or fractional counts.
    """
    counts = np.asarray(counts if isinstance(counts, np.ndarray) else list(counts))
    if counts.size and (np.any(counts < 0) or np.any(counts != np.floor(counts))):
        raise ValueError("clone sizes must be whole numbers of cells, none negative")
    sizes, clones = np.unique(counts[counts > 0].astype(np.int64), return_counts=True)
    return Abundances(sizes, clones.astype(np.int64))


# coverage
def turnover(a: Abundances) -> float:
    """Return A of Chao & Jost 2012, the factor by which unseen mass shrinks with each cell."""
    n, f1, f2 = a.n_cells, a.of_size(1), a.of_size(2)
    if f1 == 0 or n < 2:
        return 0.0
    if f2 > 0:
        return (n - 1) * f1 / ((n - 1) * f1 + 2 * f2)
    return (n - 1) * (f1 - 1) / ((n - 1) * (f1 - 1) + 2)


def coverage(a: Abundances, m: int | None = None) -> float:
    """Return the share of the repertoire's cells whose clone is in a sample of m cells.

    m = None: the sample itself; m < n: rarefied (exact); m > n: extrapolated. NaN when empty.
    """
    n = a.n_cells
    if n == 0:
        return math.nan
    m = n if m is None else int(m)
    if m >= n:
        f1 = a.of_size(1)
        return 1.0 - f1 / n * turnover(a) ** (m - n + 1) if f1 else 1.0
    return float((a.sizes / n * a.clones) @ -np.expm1(_log_missed(a.sizes - 1, n - 1, m)))


def cells_for_coverage(a: Abundances, target: float) -> int:
    """Return the smallest number of cells at which coverage reaches `target`.

    Raises ValueError when no number of cells reaches it.
    """
    if coverage(a) < target:
        shrink = turnover(a)
        if not 0 < shrink < 1 or target >= 1:
            raise ValueError(f"coverage {target} is not reached at any number of cells")
        n = a.n_cells
        return n + math.ceil(math.log((1 - target) * n / a.of_size(1)) / math.log(shrink) - 1)
    low, high = 0, a.n_cells
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if coverage(a, middle) >= target else (middle, high)
    return high


def _log_missed(sizes: np.ndarray, n: int, m: int) -> np.ndarray:
    """Return ln P(a clone of each size has no cell among m of n) = ln C(n-x, m)/C(n, m).

    Summed as log1p(-m/(n-j)), j < x: log-gamma would err by 2e-8 at n = 100,000.
    """
    reach = min(int(sizes.max(initial=0)), n - m)
    steps = np.cumsum(np.log1p(-m / (n - np.arange(reach, dtype=float))))
    steps = np.concatenate([[0.0], steps])
    missed = np.full(sizes.shape, -np.inf)
    possible = sizes <= reach
    missed[possible] = steps[sizes[possible]]
    return missed


# rarefaction
def clone_terms(sizes: np.ndarray, n: int, m: int, orders: Sequence[float]) -> np.ndarray:
    """Return what clones of the given sizes add to the diversity of m of n cells.

    Shape (sizes, orders): the mean over all subsets of m cells, drawn without replacement, of
    (k/m)^q, or of -(k/m) ln(k/m) at q = 1, k being the clone's cells in the subset. Summed over
    clones it is the sum that Hill numbers of rarefied samples are made of (Chao et al. 2014).
    """
    terms = np.empty((len(sizes), len(orders)))
    law = None
    for column, q in enumerate(orders):
        if q == 0:
            terms[:, column] = -np.expm1(_log_missed(sizes, n, m))
        elif q == 2:
            pairs = sizes * (sizes - 1.0) / (n * max(n - 1.0, 1.0))
            terms[:, column] = sizes / (n * float(m)) + pairs * (m - 1) / m
        else:
            law = _subset_sizes(sizes, n, m) if law is None else law
            starts, share, weight = law
            value = _entropy_of(share) if q == 1 else np.where(share > 0, share, 0.0) ** q
            terms[:, column] = np.add.reduceat(value * weight, starts)
    return terms


def _entropy_of(share: np.ndarray) -> np.ndarray:
    """Return -p ln p, 0 at p = 0."""
    return -share * np.log(np.where(share > 0, share, 1.0))


def _subset_sizes(sizes: np.ndarray, n: int, m: int) -> tuple[np.ndarray, ...]:
    """Return the hypergeometric law of each clone's cells among m of n, laid end to end.

    (start of each clone's stretch, share k/m, probability). Stretches span the mean +-
    (12 sd + 30): what is outside is below 1e-19 (Bernstein). Probabilities come from the
    ratios of neighbours and are normalised, so nothing large is subtracted.
    """
    x = sizes.astype(float)
    mean = x * m / n
    sd = np.sqrt(mean * (n - x) / n * (n - m) / max(n - 1, 1))
    low = np.maximum(np.maximum(0.0, m - (n - x)), np.floor(mean - 12 * sd - 30))
    high = np.minimum(np.minimum(x, m), np.ceil(mean + 12 * sd + 30))
    width = (high - low + 1).astype(np.int64)
    starts = np.cumsum(width) - width
    owner = np.repeat(np.arange(len(x)), width)
    k = np.arange(int(width.sum())) - starts[owner] + low[owner]
    above, below = (x[owner] - k + 1) * (m - k + 1), k * (n - x[owner] - m + k)
    above[starts], below[starts] = 1.0, 1.0
    logs = np.cumsum(np.log(above / below))
    logs -= np.maximum.reduceat(logs, starts)[owner]
    weight = np.exp(logs)
    weight /= np.add.reduceat(weight, starts)[owner]
    return starts, k / m, weight


def to_hill(total: float | np.ndarray, q: float) -> float | np.ndarray:
    """Return the Hill number of the summed clone terms at order q."""
    return np.exp(total) if q == 1 else np.asarray(total) ** (1.0 / (1.0 - q))


def rarefied(a: Abundances, q: float, m: int) -> float:
    """Return the expected Hill number of m <= n cells drawn without replacement.

    Raises ValueError for m < 1 or m > n.
    """
    n = a.n_cells
    if not 1 <= m <= n:
        raise ValueError(f"{m} cells cannot be drawn without replacement from {n}")
    return float(to_hill(a.clones @ clone_terms(a.sizes, n, int(m), [q])[:, 0], q))


def observed(a: Abundances, q: float) -> float:
    """Return the plug-in Hill number of the sample; NaN when empty."""
    return rarefied(a, q, a.n_cells) if a.n_cells else math.nan


# asymptote and extrapolation
def unseen_clones(a: Abundances) -> float:
    """Return f0, the least number of unseen clones (Chao 1984, 1987)."""
    n, f1, f2 = a.n_cells, a.of_size(1), a.of_size(2)
    if f1 == 0:
        return 0.0
    return (n - 1) / n * (f1**2 / (2 * f2) if f2 else f1 * (f1 - 1) / 2)


def chao1_bias_corrected(a: Abundances) -> float:
    """Return S + f1 (f1 - 1)/(2 (f2 + 1)), vegan's `chao1`: not the estimator S + f0."""
    f1, f2 = a.of_size(1), a.of_size(2)
    return a.n_clones + f1 * (f1 - 1) / (2 * (f2 + 1))


def same_clone_share(a: Abundances) -> float:
    """Return the share of pairs of cells that are of one clone (unbiased sum of p^2)."""
    n = a.n_cells
    if n < 2:
        return math.nan
    return float((a.sizes * (a.sizes - 1.0)) @ a.clones) / (n * (n - 1.0))


def asymptotic_entropy(a: Abundances) -> float:
    """Return the entropy (nats) of the repertoire, Chao, Wang & Jost 2013; NaN when empty."""
    n, f1 = a.n_cells, a.of_size(1)
    if n == 0:
        return math.nan
    seen = float((a.sizes / n * (digamma(n) - digamma(a.sizes))) @ a.clones)
    shrink = turnover(a)
    return seen + f1 / n * _unseen_series(n, shrink) if shrink > 0 else seen


def _unseen_series(n: int, shrink: float) -> float:
    """Return (1-a)^(1-n) {-ln a - sum_{r<n} (1-a)^r/r}, with 1 - a = `shrink`.

    The braces cancel once n a > 1; there the same number is the tail of the series,
    sum_{r>=n} (1-a)^(r-n+1)/r, of which 45/a terms reach 1e-19.
    """
    a, log_shrink = 1.0 - shrink, math.log(shrink)
    if n * a > 1:
        r = np.arange(1, math.ceil(45 / a) + 1, dtype=float)
        return float(np.sum(np.exp(r * log_shrink) / (n - 1 + r)))
    r = np.arange(1, n, dtype=float)
    braces = -math.log(a) - float(np.sum(np.exp(r * log_shrink) / r))
    return math.exp((1 - n) * log_shrink) * braces


def asymptotic(a: Abundances, q: int) -> float:
    """Return the asymptotic estimate at q = 0 (S + f0), 1 or 2; inf at q = 2 without a repeat.

    Only q = 2 can be read as an estimate. Raises ValueError for other orders.
    """
    if q == 0:
        return a.n_clones + unseen_clones(a)
    if q == 1:
        return math.exp(asymptotic_entropy(a))
    if q == 2:
        share = same_clone_share(a)
        return 1.0 / share if share > 0 else (math.inf if share == 0 else math.nan)
    raise ValueError(f"no asymptotic estimator at order {q}: 0, 1 and 2 have one")


def extrapolated(a: Abundances, q: int, m: int) -> float:
    """Return the Hill number expected at m >= n cells, q = 0, 1 or 2, as iNEXT does."""
    n, more = a.n_cells, m - a.n_cells
    if more <= 0:
        return rarefied(a, q, m)
    if q == 2:
        return 1.0 / (1.0 / m + (m - 1) / m * same_clone_share(a))
    if q == 0:
        f0, f1 = unseen_clones(a), a.of_size(1)
        return a.n_clones + (f0 * -math.expm1(more * _log1m(f1 / (n * f0 + f1))) if f1 else 0.0)
    if q != 1:
        raise ValueError(f"no extrapolation at order {q}: 0, 1 and 2 have one")
    now, limit = observed(a, 1), asymptotic(a, 1)
    before = rarefied(a, 1, n - 1) if n > 1 else 1.0
    if limit <= now or now <= before:
        return now
    return now + (limit - now) * -math.expm1(more * _log1m((now - before) / (limit - before)))


def _log1m(share: float) -> float:
    """Return ln(1 - share), -inf at 1."""
    return math.log1p(-share) if share < 1 else -math.inf


def cells_for_repeats(a: Abundances, repeats: int, *, most: int = 10_000_000) -> int | None:
    """Return how many cells of this clone structure would hold `repeats` repeats.

    By Chao's extrapolated richness, E(m) = m - S(m); None for fewer than two cells, or when
    `most` cells would not be enough.
    """
    n = a.n_cells
    if n < 2 or most - extrapolated(a, 0, most) < repeats:
        return None
    low, high = n - 1, most
    while high - low > 1:
        middle = (low + high) // 2
        enough = middle - extrapolated(a, 0, middle) >= repeats
        low, high = (low, middle) if enough else (middle, high)
    return high
