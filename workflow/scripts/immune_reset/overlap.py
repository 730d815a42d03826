"""Overlap of two repertoires, beside the overlap that no change would give at the same depths.

Two samples of one repertoire never hold all the same clones, and how many they share depends on how
many cells were caught. So the baseline is divided at random into two parts, as large as the parts
of baseline and follow-up that are compared, without replacement: what they share is what no change
would give.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Counts = NDArray[np.int64]
DRAWS = 200
MIN_CELLS = 20  # of each part
MEASURES = ("jaccard", "morisita_horn")
COLUMNS = [
    "n_baseline", "n_followup", "n_shared_clones", *MEASURES, "m_baseline", "m_followup",
    *(f"{m}_{what}" for m in MEASURES for what in ("at_m", "expected", "low", "high")), "status",
]  # fmt: skip


def jaccard(x: Counts, y: Counts) -> float:
    """Return the share of the clones of either sample that both hold (Jaccard 1901)."""
    either = int(((x > 0) | (y > 0)).sum())
    return float(((x > 0) & (y > 0)).sum() / either) if either else np.nan


def morisita_horn(x: Counts, y: Counts) -> float:
    """Return Morisita's index as simplified by Horn (1966): 0 no clone shared, 1 equal shares."""
    if x.sum() == 0 or y.sum() == 0:
        return np.nan
    p, q = x / x.sum(), y / y.sum()
    return float(2 * (p * q).sum() / ((p**2).sum() + (q**2).sum()))


def _both(x: Counts, y: Counts) -> tuple[float, float]:
    return jaccard(x, y), morisita_horn(x, y)


def depths(n_baseline: int, n_followup: int) -> tuple[int, int]:
    """Return the cells compared: at follow-up at most half the baseline; at baseline the rest."""
    m_followup = min(n_followup, n_baseline // 2)
    return n_baseline - m_followup, m_followup


def compare(x: Counts, y: Counts, *, seed: int) -> dict[str, float | int | str]:
    """Return the overlap of baseline `x` and follow-up `y` (cells of the same clones, in order).

    Columns: n_baseline, n_followup (cells), n_shared_clones, jaccard and morisita_horn of the whole
    samples; then at m_baseline and m_followup cells, drawn 200 times without replacement: of each
    measure `_at_m` (mean of baseline against follow-up), `_expected` (mean of one part of the
    baseline against the other), `_low` and `_high` (the middle 95 % of those); status.
    """
    x, y = np.asarray(x, dtype=np.int64), np.asarray(y, dtype=np.int64)
    total, depth = int(x.sum()), int(y.sum())
    whole = dict(zip(MEASURES, _both(x, y), strict=True))
    row = {"n_baseline": total, "n_followup": depth, **whole}
    row["n_shared_clones"] = int(((x > 0) & (y > 0)).sum())
    m_0, m_1 = depths(total, depth)
    row |= {"m_baseline": m_0, "m_followup": m_1}
    if min(m_0, m_1) < MIN_CELLS:
        need = f"{2 * MIN_CELLS} cells at baseline and {MIN_CELLS} at follow-up would be enough"
        return _filled(row, f"not estimable: {need}")
    rng = np.random.default_rng(seed)
    before, after = np.repeat(np.arange(len(x)), x), np.repeat(np.arange(len(y)), y)
    at_m, expected = np.empty((DRAWS, 2)), np.empty((DRAWS, 2))
    for draw in range(DRAWS):
        cells = rng.permutation(before)
        one, other = (np.bincount(part, minlength=len(x)) for part in (cells[:m_0], cells[m_0:]))
        now = np.bincount(rng.permutation(after)[:m_1], minlength=len(x))
        expected[draw], at_m[draw] = _both(one, other), _both(one, now)
    for i, measure in enumerate(MEASURES):
        low, high = np.quantile(expected[:, i], [0.025, 0.975])
        row |= {f"{measure}_at_m": at_m[:, i].mean(), f"{measure}_expected": expected[:, i].mean()}
        row |= {f"{measure}_low": low, f"{measure}_high": high}
    if not expected.any():
        return _filled(row, "not estimable: two parts of the baseline itself share no clone")
    return _filled(row, "estimable")


def _filled(row: dict, status: str) -> dict:
    return {column: row.get(column, np.nan) for column in COLUMNS} | {"status": status}


def as_table(rows: list[dict], keys: list[str]) -> pd.DataFrame:
    """Return the rows of `compare`, each with `keys` in front, typed also where there is none."""
    integers = ("n_baseline", "n_followup", "n_shared_clones", "m_baseline", "m_followup")
    types = dict.fromkeys([*keys, "status"], "string") | dict.fromkeys(integers, "int64")
    floats = dict.fromkeys([c for c in COLUMNS if c not in types], "float64")
    return pd.DataFrame(rows, columns=[*keys, *COLUMNS]).astype(types | floats)
