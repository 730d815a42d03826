"""Changes of pathways in the cohort: the gate over the cell types, and each type behind it."""

import numpy as np
import pandas as pd

from immune_reset.paired import MIN_PAIRS, paired_t
from immune_reset.pathways import CELL_TYPES, CHANGE_COLUMNS

GATE = "all"
"""Name of the cohort's gate: the mean change over the scorable cell types."""


def cohort_changes(changes: pd.DataFrame) -> pd.DataFrame:
    """Return the cohort's rows: the gate (cell_type "all") and the single types behind it.

    The datum is a patient's estimate (of a bound, its estimate with half a UMI, which understates
    it); the gate's is the mean over the patient's scorable `CELL_TYPES`. Paired t at n >= 3
    (status scorable); n = 2 "both patients", no p; n < 2 not scorable.
    """
    keys = ["comparison", "baseline", "followup", "gene_set"]
    scored = changes.loc[changes["status"].isin(["scorable", "bound"])]
    single = scored.loc[scored["cell_type"].isin(CELL_TYPES)]
    gate = single.groupby([*keys, "patient"], sort=False)["estimate"].mean().reset_index()
    data = pd.concat([gate.assign(cell_type=GATE), scored], ignore_index=True)
    values = {key: part.to_numpy() for key, part in data.groupby([*keys, "cell_type"])["estimate"]}
    every = changes[[*keys, "cell_type"]].drop_duplicates()
    gates = changes[keys].drop_duplicates().assign(cell_type=GATE)
    grid = pd.concat([gates, every], ignore_index=True)
    rows = [
        dict(zip(grid.columns, key, strict=True)) | cohort_row(values.get(key, np.empty(0)))
        for key in grid.itertuples(index=False, name=None)
    ]
    if not rows:
        return pd.DataFrame(columns=list(CHANGE_COLUMNS))
    counted = pd.concat([single.assign(cell_type=GATE), scored])
    sums = counted.groupby([*keys, "cell_type"])[["n_baseline", "n_followup"]].sum().reset_index()
    table = pd.DataFrame(rows).merge(sums, on=[*keys, "cell_type"], how="left")
    return table.assign(scope="cohort", patient="").reindex(columns=list(CHANGE_COLUMNS))


def cohort_row(values: np.ndarray) -> dict:
    """Return estimate, interval, p, counts and status of the patients' changes `values`."""
    test = paired_t(values)
    row = {
        "estimate": test.mean,
        "ci_low": test.ci_low,
        "ci_high": test.ci_high,
        "df": test.n - 1 if test.n >= MIN_PAIRS else np.nan,
        "p_value": test.p,
        "p_floor": test.p_floor,
        "p_sign_flip": test.p_sign_flip if test.n >= MIN_PAIRS else np.nan,
        "n_patients": test.n,
        "n_increased": int((values > 0).sum()),
        "n_decreased": int((values < 0).sum()),
        "status": "scorable",
        "reason": "",
        "enough": "",
    }
    if test.n < MIN_PAIRS:
        told = "both patients" if test.n == 2 else "not scorable"
        reason = f"{test.n} patients with a scorable change".replace("1 patients", "1 patient")
        row |= {"status": told, "reason": reason, "enough": f"{MIN_PAIRS} patients"}
    return row
