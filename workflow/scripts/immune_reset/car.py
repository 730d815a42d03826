"""Which cells carry the CAR transgene, and how often the call would be wrong."""

import re

import numpy as np
import pandas as pd
from scipy import stats

from immune_reset.annotation import T_TYPES
from immune_reset.errors import at
from immune_reset.intervals import wilson, zero_bound

TARGETS = ("TNFRSF17", "CD19", "MS4A1", "TNFRSF13B", "CD22", "SDC1")
NO_FEATURE = "no CAR feature in the data"
NO_NEGATIVES = "no cell that cannot be a CAR T cell: the call's error is unknown"
CALLED = "called"


def find_features(genes: pd.DataFrame, *, features: list[str], pattern: str) -> list[str]:
    """Return the gene_ids that are the CAR: those named, else those that `pattern` matches.

    `genes`: index gene_id, column symbol; a name or match of either counts.

    Raises
    ------
    InputError
        If a named feature is not in the matrix.
    """
    ids, symbols = genes.index.astype(str), genes["symbol"].astype(str)
    if not features:
        matcher = re.compile(pattern)
        hit = [
            bool(matcher.search(i) or matcher.search(s)) for i, s in zip(ids, symbols, strict=True)
        ]
        return ids[hit].tolist()
    known = set(ids) | set(symbols)
    if missing := [name for name in features if name not in known]:
        found = f"the feature {missing[0]!r} is in no sample's matrix"
        raise at("config.yaml, car.features", found, "Name it as in the matrix, or remove it")
    return ids[ids.isin(features) | symbols.isin(features)].tolist()


def cannot_be_car(cells: pd.DataFrame, samples: pd.DataFrame, baseline: str | None) -> pd.Series:
    """Return which cells cannot be CAR T cells: not T, or sampled before the infusion.

    B cells, plasma cells, monocytes, NK cells and DC of any sample; every cell of a sample of the
    baseline timepoint or with a negative day. Cells of other types are no evidence.
    """
    day = pd.to_numeric(samples["day"], errors="coerce")
    before = samples.loc[(day < 0) | (samples["timepoint"].astype(str) == baseline), "sample"]
    other = cells["cell_type"].isin(["B", "plasma", "monocyte", "NK", "DC"])
    return other | cells["sample"].isin(before)


def beyond_ambient(t_cells: pd.DataFrame) -> int:
    """Return the fewest UMIs at which a T cell rather carries the CAR than has caught it.

    Ambient UMIs are Poisson with the sample's `car_ambient` (NaN: unknown, taken as none). From 1
    UMI upwards, a number of UMIs is no evidence while ambient RNA alone explains half or more of
    the T cells that have so many.
    """
    rates = t_cells["car_ambient"].fillna(0).to_numpy(float)
    umis = t_cells["car_umis"].to_numpy()
    fewest = 1
    while stats.poisson.pmf(fewest, rates).sum() >= 0.5 * max((umis == fewest).sum(), 1):
        fewest += 1
    return fewest


def umi_threshold(
    umis: np.ndarray, negatives: np.ndarray, *, max_rate: float, least: int = 1
) -> tuple[int, float]:
    """Return the lowest UMI threshold, at least `least`, with few false positives, and their bound.

    At the threshold at most `max_rate` of the `negatives` pass. The bound is the upper end of the
    one-sided 95 % interval of their rate: 1 - .05^(1/n) where none of n passes, Clopper-Pearson's
    where some do. NaN without negatives, where the threshold is `least`.
    """
    from statsmodels.stats.proportion import proportion_confint

    inside = umis[negatives]
    n = len(inside)
    if n == 0:
        return least, float("nan")
    threshold = least
    while (inside >= threshold).mean() > max_rate:
        threshold += 1
    false = int((inside >= threshold).sum())
    if false == 0:
        return threshold, zero_bound(n)
    return threshold, float(proportion_confint(false, n, alpha=0.1, method="beta")[1])


def car_table(
    cells: pd.DataFrame, samples: pd.DataFrame, *, threshold: float, bound: float, status: str
) -> pd.DataFrame:
    """Return the CAR-positive share of the T cells, one row per sample.

    `cells`: sample, cell_type, measured (its matrix has the feature), car, car_ambient. Columns:
    sample, patient, timepoint, n_t_cells, n_car, fraction with Wilson's 95 % interval, cd4 and cd8
    (CAR-positive cells), cd4_cd8 (their ratio), threshold (UMIs), false_positive_bound,
    ambient_umis (expected in one cell) and n_ambient (T cells expected at or above the threshold by
    ambient RNA alone), NaN where the ambient RNA is not known, and status.
    The numbers of a call that was not made are NaN: they are no zeros.
    """
    t_cells = cells[cells["cell_type"].isin(T_TYPES)]
    rows = samples[["sample", "patient", "timepoint"]].astype(str).reset_index(drop=True)
    measured = rows["sample"].isin(cells.loc[cells["measured"], "sample"])
    called = measured & (status != NO_FEATURE)

    def count(frame: pd.DataFrame) -> pd.Series:
        return rows["sample"].map(frame.groupby("sample").size()).fillna(0).astype(int)

    rows["n_t_cells"] = count(t_cells)
    positive = t_cells[t_cells["car"]]
    rows["n_car"] = count(positive).where(called)
    rows["fraction"] = rows["n_car"] / rows["n_t_cells"].where(rows["n_t_cells"] > 0)
    rows["ci_low"], rows["ci_high"] = wilson(rows["n_car"].fillna(0), rows["n_t_cells"])
    rows.loc[~called, ["ci_low", "ci_high"]] = np.nan
    rows["cd4"] = count(positive[positive["cell_type"] == "CD4 T"]).where(called)
    rows["cd8"] = count(positive[positive["cell_type"] == "CD8 T"]).where(called)
    rows["cd4_cd8"] = rows["cd4"] / rows["cd8"].where(rows["cd8"] > 0)
    rows["threshold"] = pd.Series(threshold, index=rows.index).where(called)
    rows["false_positive_bound"] = pd.Series(bound, index=rows.index).where(called)
    ambient = rows["sample"].map(cells.groupby("sample")["car_ambient"].first())
    rows["ambient_umis"] = ambient.where(called)
    rows["n_ambient"] = stats.poisson.sf(threshold - 1, rows["ambient_umis"]) * rows["n_t_cells"]
    rows["status"] = np.where(called, status, NO_FEATURE)
    return rows
