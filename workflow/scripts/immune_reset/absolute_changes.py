"""What became of the number of cells in the blood, beside what became of their share.

Where B cells vanish, every other share rises by arithmetic alone; cells per microlitre tell whether
there are more cells of a type, or only fewer others.
"""

import math

import numpy as np
import pandas as pd

from immune_reset import design as designs
from immune_reset.absolute_counts import COLUMNS as LEVELS
from immune_reset.absolute_counts import per_microlitre
from immune_reset.composition import PARTS, shares
from immune_reset.paired import paired_t

SIDES = ("baseline", "followup")
CHANGE = [f"cells_per_ul_{name}" for name in (*SIDES, "change", "change_low", "change_high")]
COLUMNS = [*CHANGE, "n_patients_per_ul"]


def levels(
    counts: pd.DataFrame, samples: pd.DataFrame, blood: pd.DataFrame | None, *, level: float
) -> pd.DataFrame:
    """Return cells per microlitre by patient and timepoint, replicates pooled by adding cells.

    `counts` as `composition.count_parts`, `samples` as the design's frame, `blood` as
    `absolute_counts.blood_counts` or None. Index patient, timepoint, level, parent, cell_type;
    columns as `absolute_counts.COLUMNS`.
    """
    at = samples.astype({"timepoint": str}).drop_duplicates(["patient", "timepoint"])
    first = at.set_index(["patient", "timepoint"])["sample"]
    pooled_as = {row.sample: first[row.patient, str(row.timepoint)] for row in samples.itertuples()}
    pooled = counts.assign(sample=counts["sample"].map(pooled_as))
    pooled = pooled.groupby(["sample", *PARTS], sort=False).sum(min_count=1).reset_index()
    table = per_microlitre(shares(pooled, at, level=level), at, blood, level=level)
    return table.set_index(["patient", "timepoint", *PARTS])[LEVELS]


def add_numbers(
    changes: pd.DataFrame, numbers: pd.DataFrame, plan: designs.Design, *, level: float
) -> pd.DataFrame:
    """Return the table of changes with `COLUMNS`: cells per microlitre, their change, its interval.

    A patient's interval joins those of the two levels by MOVER (Newcombe, Stat Med 1998, 17:873)
    and covers the sampling of cells; the blood counts are taken as exact. The cohort's rows hold
    means over the patients with both counts, and a t interval from three on.
    """
    times = {name: (before, after) for after, before, name in designs.comparisons(plan)}
    known = {key: values.to_numpy(float) for key, values in numbers.T.items()}
    rows = []
    for row in changes.to_dict("records"):
        part = tuple(row[name] for name in PARTS)
        both = [known.get((row["scope"], time, *part)) for time in times[row["comparison"]]]
        rows.append([np.nan] * 5 if any(v is None for v in both) else _difference(*both))
    out = changes.reset_index(drop=True)
    out[CHANGE] = np.array(rows, dtype=float).reshape(len(out), len(CHANGE))
    out["n_patients_per_ul"] = out["cells_per_ul_change"].notna().astype(int)
    groups = out[out["scope"] != "cohort"].groupby(["comparison", *PARTS], sort=False)
    of_group = dict(list(groups))
    for i in out.index[out["scope"] == "cohort"]:
        part = of_group[tuple(out.loc[i, ["comparison", *PARTS]])].dropna(subset=CHANGE[:3])
        test = paired_t(part["cells_per_ul_change"], level=level)
        means = [part[f"cells_per_ul_{side}"].mean() if len(part) else np.nan for side in SIDES]
        out.loc[i, CHANGE] = [*means, test.mean, test.ci_low, test.ci_high]
        out.loc[i, "n_patients_per_ul"] = test.n
    return out


def _difference(before: np.ndarray, after: np.ndarray) -> list[float]:
    (v0, low0, high0), (v1, low1, high1) = before, after
    change = v1 - v0
    low = change - math.hypot(v1 - low1, high0 - v0)
    high = change + math.hypot(high1 - v1, v0 - low0)
    return [v0, v1, change, low, high]


def number_words(row: dict) -> str:
    """Say what became of the number of cells: "in number 41 to 3 cells per µL, -38 [-50, -29]".

    `row` is one of the table of changes; "" without blood counts at both times.
    """
    v0, v1, change, low, high = (float(row.get(name, math.nan)) for name in CHANGE)
    if math.isnan(change):
        return ""
    mean = f", mean of {int(row['n_patients_per_ul'])} patients" if row["scope"] == "cohort" else ""
    ends = "" if math.isnan(low) else f" [{_signed(low)}, {_signed(high)}]"
    return f"in number {v0:,.3g} to {v1:,.3g} cells per µL, {_signed(change)}{ends}{mean}"


def only_the_share(row: dict, share: float) -> str:
    """Say that the share changed (`share`: in which direction) and the number is not shown to.

    "" where the interval of the change in number excludes no change in the same direction, and
    where there is none.
    """
    low, high = (float(row.get(name, math.nan)) for name in CHANGE[-2:])
    if math.isnan(low) or (high < 0 if share < 0 else low > 0):
        return ""
    word, noun = ("fell", "fall") if share < 0 else ("rose", "rise")
    return f"the share {word}, but a {noun} in the number of cells is not shown"


def _signed(value: float) -> str:
    return f"{value:+,.3g}"
