"""Curves of Hill numbers with bootstrap bands, and the secondary indices at equal depth.

The bootstrap is that of Chao et al. 2014 (appendix G) and serves the bands of the pictures
alone: no verdict rests on it.
"""

import math
from collections.abc import Sequence

import numpy as np

from immune_reset.hill import Abundances, clone_terms, coverage, to_hill, unseen_clones


def detection_shares(a: Abundances) -> np.ndarray:
    """Return p_i of the seen clones, one for each distinct size; they sum to C with f weights.

    p = (x/n)[1 - L (1 - x/n)^n], L = (1 - C)/sum (x/n)(1 - x/n)^n.
    """
    share = a.sizes / a.n_cells
    missed = share * (1.0 - share) ** a.n_cells
    total = float(missed @ a.clones)
    tuning = (1.0 - coverage(a)) / total if total > 0 else 0.0
    return np.maximum(share - tuning * missed, 0.0)


def bootstrap_draws(a: Abundances, draws: int, rng: np.random.Generator) -> list[Abundances]:
    """Return samples of n cells from the repertoire that the sample suggests.

    Seen clones hold C between them, ceil(f0) unseen ones share 1 - C equally. Clones of equal
    share are drawn as a group and told apart by a uniform choice, so that neither 100,000
    clones nor 10^9 unseen ones cost more than the n cells.
    """
    n, unseen = a.n_cells, math.ceil(unseen_clones(a))
    mass = detection_shares(a) * a.clones
    members = a.clones.astype(np.int64)
    if unseen:
        mass, members = np.append(mass, max(1.0 - mass.sum(), 0.0)), np.append(members, unseen)
    first = np.cumsum(members) - members
    samples = []
    for cells in rng.multinomial(n, mass / mass.sum(), size=draws):
        clone = rng.integers(np.repeat(members, cells)) + np.repeat(first, cells)
        sizes, clones = np.unique(np.unique(clone, return_counts=True)[1], return_counts=True)
        samples.append(Abundances(sizes.astype(np.int64), clones.astype(np.int64)))
    return samples


def hill_band(
    a: Abundances,
    depths: Sequence[int],
    orders: Sequence[float],
    samples: Sequence[Abundances],
    *,
    z: float = 1.959963984540054,
) -> np.ndarray:
    """Return the rarefied Hill numbers with their bands, shape (depths, orders, 3).

    Last axis: value, value - z sd, value + z sd over the bootstrap `samples` (percentiles are
    off centre), not below 1. All samples have n cells, so a clone size's term is computed once
    for all of them. Without samples the band is NaN.
    """
    n = a.n_cells
    sizes = np.unique(np.concatenate([a.sizes, *(s.sizes for s in samples)]))
    counts = np.zeros((1 + len(samples), len(sizes)))
    for row, sample in enumerate([a, *samples]):
        counts[row, np.searchsorted(sizes, sample.sizes)] = sample.clones
    band = np.full((len(depths), len(orders), 3), np.nan)
    for i, m in enumerate(depths):
        totals = counts @ clone_terms(sizes, n, int(m), orders)
        for j, q in enumerate(orders):
            values = to_hill(totals[:, j], q)
            band[i, j, 0] = values[0]
            if len(samples) > 1:
                half = z * values[1:].std(ddof=1)
                band[i, j, 1:] = max(values[0] - half, 1.0), values[0] + half
    return band


def gini(a: Abundances) -> float:
    """Return the Gini coefficient of the seen clones' sizes: 0 even, towards 1 uneven."""
    rank_end = np.cumsum(a.clones).astype(float)
    rank_sum = a.clones * (2 * rank_end - a.clones + 1) / 2.0
    s = a.n_clones
    return float(2.0 * (rank_sum @ a.sizes) / (s * a.n_cells) - (s + 1.0) / s)


def normalised_shannon(a: Abundances) -> float:
    """Return entropy over ln S; NaN for a single clone."""
    if a.n_clones < 2:
        return math.nan
    share = a.sizes / a.n_cells
    return float(-(share * np.log(share)) @ a.clones) / math.log(a.n_clones)


def d50(a: Abundances) -> float:
    """Return the share of clones, largest first, that hold at least half of the cells."""
    sizes, clones = a.sizes[::-1], a.clones[::-1]
    held = np.cumsum(sizes * clones)
    half = a.n_cells / 2.0
    at = int(np.searchsorted(held, half))
    before = held[at] - sizes[at] * clones[at]
    needed = clones[:at].sum() + math.ceil((half - before) / sizes[at])
    return float(needed / a.n_clones)


def draw_without_replacement(a: Abundances, m: int, rng: np.random.Generator) -> Abundances:
    """Return a random subset of m of the n cells."""
    cells = np.repeat(np.arange(a.n_clones), np.repeat(a.sizes, a.clones))
    kept = rng.choice(cells, size=m, replace=False, shuffle=False)
    sizes, clones = np.unique(np.unique(kept, return_counts=True)[1], return_counts=True)
    return Abundances(sizes.astype(np.int64), clones.astype(np.int64))


def secondary_indices(
    a: Abundances, m: int, *, draws: int, rng: np.random.Generator
) -> dict[str, float]:
    """Return {"gini", "normalised_shannon", "d50"} at m of n cells.

    Means over `draws` subsets without replacement (the sample itself at m = n). Raw, these
    indices move with the number of cells alone; they are secondary at any depth.
    """
    whole = m >= a.n_cells
    subsets = [a] if whole else [draw_without_replacement(a, m, rng) for _ in range(draws)]
    indices = {"gini": gini, "normalised_shannon": normalised_shannon, "d50": d50}
    return {name: float(np.mean([of(s) for s in subsets])) for name, of in indices.items()}
