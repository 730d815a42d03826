"""Expansion classes: the share of cells in clones of one cell, two, three to nine, ten or more.

How many clones look expanded depends on how many cells were caught. So the share is that expected
of m cells drawn without replacement, m being the same at every timepoint of a patient, computed
exactly: of a clone of x among n cells, the number among the m is hypergeometric.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from immune_reset.hill import Abundances
from immune_reset.intervals import wilson

Floats = NDArray[np.float64]
CLASSES = {"1": (1, 1), "2": (2, 2), "3-9": (3, 9), "10+": (10, None), "2+": (2, None)}


def cells_in(sizes: NDArray[np.int64], n: int, m: int, low: int, high: int | None) -> Floats:
    """Return the cells that clones of the given sizes add to a class in m of n cells, expected.

    A clone is in the class where `low` to `high` (None: any more) of its cells are among the m.
    """
    below = np.arange(1, low if high is None else high + 1)
    if high is not None:
        below = below[below >= low]
    chance = hypergeom.pmf(below[None, :], n, sizes[:, None], m)
    part = np.where(np.isfinite(chance), chance, 0.0) @ below.astype(float)
    return sizes * (m / n) - part if high is None else part


def expected_share(a: Abundances, m: int, size_class: str) -> float:
    """Return the share of m cells in clones of that class, exactly (no cell drawn)."""
    low, high = CLASSES[size_class]
    return float(cells_in(a.sizes, a.n_cells, m, low, high) @ a.clones / m)


def jackknife_variance(a: Abundances, m: int, size_class: str) -> float:
    """Return the delete-one-cell variance of `expected_share`; at m = n that of n - 1 cells."""
    n = a.n_cells
    m = min(m, n - 1)
    if m < 1:
        return 0.0
    low, high = CLASSES[size_class]
    before = cells_in(a.sizes, n - 1, m, low, high)
    after = cells_in(a.sizes - 1, n - 1, m, low, high)
    shares = (before @ a.clones - before + after) / m
    weight = a.sizes * a.clones
    mean = weight @ shares / n
    return float((n - 1) / n * (weight @ (shares - mean) ** 2))


def share_interval(
    a: Abundances, m: int, size_class: str, *, level: float = 0.95
) -> tuple[float, float, float]:
    """Return the share of m cells in the class and its interval.

    Wilson's interval at the effective number of cells v (1 - v) / var, var being the jackknife's:
    cells of a clone enter and leave a class together, so that n itself would promise too much.
    It is at most n over the smallest clone of the class, and where nothing varies (no cell of the
    class, or all) m over that clone. On ten clone-size laws at n = 50 to 1,000 and m = 50 to n it
    covers in 93 to 100 % of draws; without that limit in as few as 69 % of them (10+ at m = n).
    """
    value = min(max(round(expected_share(a, m, size_class), 12), 0.0), 1.0)
    variance = jackknife_variance(a, m, size_class)
    least = CLASSES[size_class][0]
    size = m / least
    if variance > 1e-15 and 1e-12 < value < 1 - 1e-12:
        size = min(value * (1 - value) / variance, a.n_cells / least)
    low, high = wilson(value * size, size, level)
    return value, float(low), float(high)


def common_depth(samples: Sequence[Abundances], *, min_cells: int) -> int | None:
    """Return the smallest number of cells among the samples of `min_cells` or more."""
    enough = [a.n_cells for a in samples if a.n_cells >= min_cells]
    return min(enough) if enough else None
