"""What the guard and the controls give the report, for the invented cohort."""

import numpy as np
import pandas as pd
from unit import report_tables as made

MONTH_1 = "month_1 vs baseline"


def design_guard() -> pd.DataFrame:
    """Return a lowered finding, remarks of the cohort and of a patient, and one for all times."""
    drug = {"check": "drug", "found": "prednisone stopped, was 20 mg/d", "effect": "remark"}
    drug |= {"why": "steroids lower interferon genes", "touches": "pathways; composition"}
    cells = "pathways; composition; diversity"
    batch = {"check": "batch", "found": "batch differs between the two samples (a and b)"}
    batch |= {"why": "the change cannot be told from it", "touches": cells, "effect": "descriptive"}
    labels = {"check": "labels", "found": "your labels Tfh-like (1,200 cells) are no cell types"}
    labels |= {"why": "these cells are in no claim", "touches": cells, "effect": "remark"}
    rows = [drug | {"scope": "cohort", "comparison": MONTH_1, "who": "2 of 3 patients: P1, P2"}]
    rows += [drug | {"scope": p, "comparison": MONTH_1, "who": p} for p in ("P1", "P2")]
    rows += [batch | {"scope": "P3", "comparison": MONTH_1, "who": "P3"}]
    rows += [labels | {"scope": "cohort", "comparison": "", "who": ""}]
    return pd.DataFrame(rows)


def gene_set_overlap() -> pd.DataFrame:
    """Return shared genes of the sets behind the claims, and of one that no claim uses."""
    jak, beyond = made.GENE_SETS[1:]
    rows = [("ISG28", jak, 28, 87, 2), (jak, beyond, 87, 200, 60), ("ISG28", beyond, 28, 200, 0)]
    rows += [("other", "another", 10, 10, 5)]
    return pd.DataFrame(rows, columns=["set_a", "set_b", "n_a", "n_b", "n_shared"])


def reference() -> pd.DataFrame:
    """Return interferon, a share and a diversity of the patients beside three controls."""
    rows = []
    for kind, measure, of, values in (
        ("pathway", "ISG28", "B", (4.0, np.nan, 2.4)),
        ("composition", "naive B", "cells of type B", (0.3, np.nan, 0.8)),
        ("diversity", "TCR", "at 320 cells", (250.0, 260.0, 270.0)),
    ):
        for patient in made.PATIENTS:
            for time, value in zip(made.TIMEPOINTS, values, strict=True):
                known = not np.isnan(value)
                row = {"patient": patient, "timepoint": time, "kind": kind, "measure": measure}
                row |= {"cell_type": of, "value": value, "n_controls": 3}
                row |= {"control_mean": 0.9 * value, "control_low": 0.8 * value}
                row |= {
                    "control_high": 0.95 * value,
                    "control_sd": 0.1,
                    "z": 1.7 if known else None,
                }
                row |= {"position": "above" if known else "", "toward": "nearer" if known else ""}
                rows.append(row | {"status": "estimable" if known else "not estimable"})
    return pd.DataFrame(rows).assign(reason="")


def with_numbers(change: pd.DataFrame) -> pd.DataFrame:
    """Add cells per microlitre, and what the loss of B cells does to the other shares."""
    out = change.assign(arithmetic=np.where(change["cell_type"].isin(["B", "plasma"]), np.nan, 0.2))
    time = out["comparison"].map(lambda name: 1 if name.startswith("month_1") else 2)
    shares = out["cell_type"].map(made.SHARES)
    out["fraction_baseline"] = [s[0] for s in shares]
    out["fraction_followup"] = [s[t] for s, t in zip(shares, time, strict=True)]
    out["cells_per_ul_baseline"] = 1000 * out["fraction_baseline"]
    out["cells_per_ul_followup"] = 1000 * out["fraction_followup"]
    out["cells_per_ul_change"] = 1000 * (out["fraction_followup"] - out["fraction_baseline"])
    ends = {"cells_per_ul_change_low": -40.0, "cells_per_ul_change_high": 40.0}
    return out.assign(**{name: out["cells_per_ul_change"] + by for name, by in ends.items()})
