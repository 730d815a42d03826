"""The share of UMIs that a gene set holds, its change between two samples, and its causes.

The usual score, a mean z (or mean log2 CPM) over a pseudobulk, moves with the number of cells:
the same T cells read ISG28 2.5 log2 lower at 10 cells than at thousands. The share of all UMIs
does not. Its sampling error is taken from the cells, which are the units drawn.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy import special

LN2 = math.log(2)
PER = 1e4
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """What is kept of the cells of one sample and type, for each of several gene sets.

    `n` cells with `total` UMIs; per set its UMIs `umis`, the cell-level variance of log2 of its
    share `w`, and the effective number of cells that carry it, `kish`.
    """

    n: int
    total: float
    umis: Floats
    w: Floats
    kish: Floats

    @property
    def share(self) -> Floats:
        """Share of all UMIs, with half a UMI added to the set and one to all."""
        return (self.umis + 0.5) / (self.total + 1)

    @property
    def df(self) -> Floats:
        """Degrees of freedom of `w`: effective cells less one, at least 1."""
        return np.maximum(np.nan_to_num(self.kish, nan=0.0) - 1, 1.0)


def summarise(x: ArrayLike, t: ArrayLike) -> Shares:
    """Summarise cells: `x` (cells by sets) the sets' UMIs, `t` (cells) all UMIs of the cells.

    w = sum (x_i / (X + .5) - t_i / T)^2 n / (n - 1) / ln(2)^2, the delta-method variance of log2 of
    a ratio of sums over cells; kish = (sum x)^2 / sum x^2 (Kish 1965). NaN where undefined.
    """
    x, t = np.asarray(x, dtype=float), np.asarray(t, dtype=float)
    n, total, umis = len(t), float(t.sum()), x.sum(axis=0)
    if n < 2 or total == 0:
        return Shares(n, total, umis, np.full(len(umis), np.nan), np.full(len(umis), np.nan))
    residual = x / (umis + 0.5) - (t / total)[:, None]
    w = (residual**2).sum(axis=0) * n / (n - 1) / LN2**2
    squares = (x**2).sum(axis=0)
    kish = np.divide(umis**2, squares, out=np.full(len(umis), np.nan), where=squares > 0)
    return Shares(n, total, umis, w, kish)


def score(sample: Shares, *, level: float = 0.95) -> pd.DataFrame:
    """Return score (log2 of the share per 10,000) with ci_low and ci_high, a row per set.

    Without a UMI of the set the score has an upper limit alone (`zero_limit`).
    """
    value = np.log2(PER * sample.share)
    half = special.stdtrit(sample.df, (1 + level) / 2) * np.sqrt(sample.w)
    low, high = value - half, value + half
    zero = (sample.umis == 0) & (sample.total > 0)
    if zero.any():
        low[zero] = np.nan
        high[zero] = np.log2(PER * zero_limit(sample.total, 1 - level))
    return pd.DataFrame({"score": value, "ci_low": low, "ci_high": high})


def zero_limit(total: float, alpha: float, excess: float = 1.0) -> float:
    """Return the upper limit of a share of which `total` UMIs hold none: -ln(alpha) excess / total.

    `excess` is the variance of the set's UMIs over Poisson's, where cells differ.
    """
    return -math.log(alpha) * excess / total


def change(before: Shares, after: Shares, *, level: float = 0.95) -> pd.DataFrame:
    """Return the change of log2 share, a row per set: estimate, ci_low, ci_high, se, df, p_value.

    d = log2 s1 - log2 s0 + (ln2 / 2)(w1 - w0), the last term taking off the bias of the log of a
    noisy share; interval d +- t sqrt(w0 + w1) with Welch's df over Kish's effective cells. On real
    cells, nothing changed, it covers in 94 to 96 % of draws at up to 10:1 cells and 3:1 UMIs. It is
    the change between these two libraries: day, batch and patient are not in it.
    """
    w0, w1 = before.w, after.w
    d = np.log2(after.share) - np.log2(before.share) + LN2 / 2 * (w1 - w0)
    se = np.sqrt(w0 + w1)
    with np.errstate(invalid="ignore", divide="ignore"):
        df = (w0 + w1) ** 2 / (w0**2 / before.df + w1**2 / after.df)
        p = 2 * special.stdtr(df, -np.abs(d) / se)
        half = special.stdtrit(df, (1 + level) / 2) * se
    return pd.DataFrame(
        {"estimate": d, "ci_low": d - half, "ci_high": d + half, "se": se, "df": df, "p_value": p}
    )


def expected_umis(before: Shares, after: Shares) -> tuple[Floats, Floats]:
    """Return the UMIs of each set that the pooled share predicts in both samples."""
    total = before.total + after.total
    pooled = (before.umis + after.umis) / total if total else np.zeros(len(before.umis))
    return pooled * before.total, pooled * after.total


def bound(before: Shares, after: Shares, k: int, *, level: float = 0.95) -> dict[str, float]:
    """Bound the change of set `k`, of which one sample holds no UMI.

    The side with none has the upper limit `zero_limit`, its excess taken from the other side's
    cells; the other has its t interval; alpha is halved between the two (Bonferroni), and the
    p-value is the smallest alpha at which they still separate. The open end is NaN.
    """
    fell = after.umis[k] == 0
    seen, none = (before, after) if fell else (after, before)
    poisson = 1 / (seen.umis[k] * LN2**2)
    excess = max(1.0, seen.w[k] / poisson)

    def gap(alpha: float) -> float:
        low = math.log2(seen.share[k])
        low -= float(special.stdtrit(seen.df[k], 1 - alpha / 2)) * math.sqrt(seen.w[k])
        return low - math.log2(zero_limit(none.total, alpha / 2, excess))

    p = 1.0
    if gap(1e-12) > 0:
        p = 1e-12
    elif gap(0.999) > 0:
        p = float(scipy.optimize.brentq(gap, 1e-12, 0.999))
    sign = -1.0 if fell else 1.0
    end = sign * gap(1 - level)
    d = float(np.log2(after.share[k]) - np.log2(before.share[k]))
    return {
        "estimate": d,
        "ci_low": np.nan if fell else end,
        "ci_high": end if fell else np.nan,
        "se": np.nan,
        "df": np.nan,
        "p_value": p,
    }


def attribute(
    n0: ArrayLike, s0: ArrayLike, n1: ArrayLike, s1: ArrayLike
) -> tuple[Floats, Floats, float]:
    """Split the change of a mean over all cells by Kitagawa (1955): within, composition, total.

    `n0`, `n1` are cells by type, `s0`, `s1` the mean linear score of each type's cells (ignored
    where a type has none: it takes the other time's). Per type,
    within = (s1 - s0)(w0 + w1) / 2 and composition = (w1 - w0)((s0 + s1) / 2 - S), with w the
    fractions of cells and S the mean of the two overall means; together they are the total exactly.
    """
    n0, n1 = np.asarray(n0, dtype=float), np.asarray(n1, dtype=float)
    s0, s1 = np.asarray(s0, dtype=float), np.asarray(s1, dtype=float)
    s0, s1 = np.where(n0 > 0, s0, s1), np.where(n1 > 0, s1, s0)
    w0, w1 = n0 / n0.sum(), n1 / n1.sum()
    mean0, mean1 = float(w0 @ s0), float(w1 @ s1)
    within = (s1 - s0) * (w0 + w1) / 2
    composition = (w1 - w0) * ((s0 + s1) / 2 - (mean0 + mean1) / 2)
    return within, composition, mean1 - mean0
