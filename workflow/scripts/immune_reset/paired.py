"""Paired comparisons in which the patients are the replicates."""

import itertools
import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

MIN_PAIRS = 3
MAX_SIGN_FLIPS = 16


class Paired(NamedTuple):
    """Outcome of a paired test; NaN where there is none.

    `n` pairs used, `mean` of their differences with its interval, `p` of the paired t-test,
    `p_sign_flip` of the exact sign-flip test and `p_floor`, the smallest that it can reach.
    """

    n: int
    mean: float
    ci_low: float
    ci_high: float
    p: float
    p_sign_flip: float
    p_floor: float


def paired_t(differences: ArrayLike, *, level: float = 0.95) -> Paired:
    """Test whether the patients' differences have mean 0 (Student 1908), n - 1 df.

    Missing differences are left out. Interval and p need `MIN_PAIRS` pairs and differences that
    are not all alike: equal ones leave no spread to judge by. The exact sign-flip p and its floor
    2 / 2^n stand beside; neither decides.
    """
    d = np.asarray(differences, dtype=float)
    d = d[~np.isnan(d)]
    n = len(d)
    if n == 0:
        return Paired(0, *[math.nan] * 6)
    mean, floor, flipped = float(d.mean()), sign_flip_floor(n), sign_flip(d)
    spread = float(d.std(ddof=1)) if n > 1 else 0.0
    if n < MIN_PAIRS or spread <= 1e-12 * max(1.0, abs(mean)):
        return Paired(n, mean, math.nan, math.nan, math.nan, flipped, floor)
    se = spread / math.sqrt(n)
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * se
    p = 2 * float(special.stdtr(n - 1, -abs(mean) / se))
    return Paired(n, mean, mean - half, mean + half, p, flipped, floor)


def sign_flip_floor(n: int) -> float:
    """Return the smallest two-sided p that `n` pairs can reach: 2 / 2^n."""
    return min(1.0, 2.0 ** (1 - n)) if n > 0 else math.nan


def sign_flip_words(p: float, floor: float, n: int) -> str:
    """Return the sign-flip p with the smallest that `n` patients allow, or "" without one.

    The floor belongs to this test alone: the paired t-test has none.
    """
    if math.isnan(p):
        return ""
    if p <= floor * (1 + 1e-9):
        return f"exact sign-flip test p {p:.3g}, the smallest that {n} patients allow"
    return f"exact sign-flip test p {p:.3g} ({n} patients allow {floor:.3g} at best)"


def sign_flip(d: ArrayLike) -> float:
    """Return the exact two-sided sign-flip p of the mean; NaN beyond `MAX_SIGN_FLIPS` pairs."""
    values = np.asarray(d, dtype=float)
    if not 0 < len(values) <= MAX_SIGN_FLIPS:
        return math.nan
    sums = np.abs(_signs(len(values)) @ values)
    return float(np.mean(sums >= abs(values.sum()) - 1e-9 * np.abs(values).sum()))


@cache
def _signs(n: int) -> np.ndarray:
    return np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
