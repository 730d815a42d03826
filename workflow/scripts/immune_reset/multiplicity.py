"""Corrections for several tests, with the tests that could not be made left out of the count."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.multitest import multipletests


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's adjusted p-values (Holm 1979); NaN stays NaN and is not a test."""
    return _adjust(p, "holm")


def bh(p: ArrayLike) -> NDArray[np.float64]:
    """Return Benjamini and Hochberg's adjusted p-values (1995); NaN stays NaN."""
    return _adjust(p, "fdr_bh")


def _adjust(p: ArrayLike, method: str) -> NDArray[np.float64]:
    values = np.asarray(p, dtype=float)
    adjusted = np.full(values.shape, np.nan)
    tested = ~np.isnan(values)
    if tested.any():
        adjusted[tested] = multipletests(values[tested], method=method)[1]
    return adjusted
