"""Change of V-gene usage from the baseline, each clone counted once."""

import numpy as np
import pandas as pd


def v_changes(usage: pd.DataFrame, comparison: tuple[str, str, str]) -> pd.DataFrame:
    """Return the change of each V gene's share of clones, in percentage points, per patient.

    Columns: locus, row (gene), series (patient), estimate, ci_low, ci_high (Newcombe 1998, from
    the two Wilson intervals). Patients with both timepoints; a gene not seen has a share of 0.
    """
    followup, baseline, _ = comparison
    keys = ["locus", "patient"]
    names = ["fraction_clones", "ci_low_clones", "ci_high_clones"]
    total = usage.groupby([*keys, "timepoint"])["total_clones"].max()
    sides = []
    for time in (baseline, followup):
        own = usage[usage["timepoint"] == time].set_index([*keys, "v_call"])[names]
        n = total[total.index.get_level_values("timepoint") == time].droplevel("timepoint")
        sides.append((own, n))
    (before, n0), (after, n1) = sides
    genes = before.index.union(after.index)
    both = pd.MultiIndex.from_frame(genes.to_frame(index=False)[keys]).isin(
        n0.index.intersection(n1.index)
    )
    rows = genes[both]
    p, q = before.reindex(rows).fillna(0), after.reindex(rows).fillna(0)
    d = q["fraction_clones"] - p["fraction_clones"]
    down = np.hypot(q.iloc[:, 0] - q.iloc[:, 1], p.iloc[:, 2] - p.iloc[:, 0])
    up = np.hypot(q.iloc[:, 2] - q.iloc[:, 0], p.iloc[:, 0] - p.iloc[:, 1])
    found = pd.DataFrame({"estimate": d, "ci_low": d - down, "ci_high": d + up}) * 100
    return found.reset_index().rename(columns={"v_call": "row", "patient": "series"})
