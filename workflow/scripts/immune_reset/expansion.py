"""Expansion classes: the share of cells in clones of each size, by cells or by share.

By cells: clones of one cell, two, three to nine, ten or more. By share of the repertoire:
scRepertoire's classes (`clonalHomeostasis`; Borcherding et al. 2020, doi
10.12688/f1000research.22139.2), rare to hyperexpanded. How many clones look expanded depends on
how many cells were caught. So the share is that expected of m cells drawn without replacement, m
being the same at every timepoint of a patient, computed exactly: of a clone of x among n cells, the
number among the m is hypergeometric.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from immune_reset.hill import Abundances
from immune_reset.intervals import wilson

Floats = NDArray[np.float64]
Bounds = tuple[int, int | None]
CLASSES: dict[str, Bounds] = {
    "1": (1, 1), "2": (2, 2), "3-9": (3, 9), "10+": (10, None), "2+": (2, None),
}  # fmt: skip
SHARE_CLASSES = {
    "rare": (0.0, 1e-4), "small": (1e-4, 1e-3), "medium": (1e-3, 0.01), "large": (0.01, 0.1),
    "hyperexpanded": (0.1, 1.0),
}  # fmt: skip
"""Above the first share, up to and with the second."""


def bounds_of(size_class: str, m: int) -> Bounds:
    """Return the cells that a clone of the class has among m: from, to (None: any more).

    A class by share that no clone can be in at m cells, since one cell is more, ends at 0.
    """
    if size_class in CLASSES:
        return CLASSES[size_class]
    above, most = SHARE_CLASSES[size_class]
    low = math.floor(above * m + 1e-9) + 1
    return low, None if most == 1 else math.floor(most * m + 1e-9)


def cells_to_tell(size_class: str) -> int:
    """Return the fewest cells among which a clone can be in the class."""
    return 1 if size_class in CLASSES else math.ceil(1 / SHARE_CLASSES[size_class][1] - 1e-9)


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
    low, high = bounds_of(size_class, m)
    return float(cells_in(a.sizes, a.n_cells, m, low, high) @ a.clones / m)


def jackknife_variance(a: Abundances, m: int, size_class: str) -> float:
    """Return the delete-one-cell variance of `expected_share`; at m = n that of n - 1 cells."""
    n = a.n_cells
    low, high = bounds_of(size_class, m)
    m = min(m, n - 1)
    if m < 1:
        return 0.0
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
    least = bounds_of(size_class, m)[0]
    size = m / least
    if variance > 1e-15 and 1e-12 < value < 1 - 1e-12:
        size = min(value * (1 - value) / variance, a.n_cells / least)
    low, high = wilson(value * size, size, level)
    return value, float(low), float(high)


def common_depth(samples: Sequence[Abundances], *, min_cells: int) -> int | None:
    """Return the smallest number of cells among the samples of `min_cells` or more."""
    enough = [a.n_cells for a in samples if a.n_cells >= min_cells]
    return min(enough) if enough else None
