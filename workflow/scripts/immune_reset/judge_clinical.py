"""Which rows and tests stand behind the claims on clinical measures, `clinical_<measure>`.

A patient's difference is descriptive: two values and no inference. The cohort's is a paired
t-test on the patients' differences (cohort/clinical_change.parquet).
"""

import math
from dataclasses import replace

import pandas as pd

from immune_reset.judge import COHORT, PAIRS_ENOUGH, Cohort, Finding
from immune_reset.judge_rows import by_key, cohort_row


def clinical_findings(change: pd.DataFrame | None, cohort: Cohort) -> list[Finding]:
    """Return the findings of the family `clinical`; `change` as cohort/clinical_change.parquet.

    One claim per measure, `clinical_<measure>`; none without a clinical table.
    """
    if change is None or change.empty:
        return []
    rows = by_key(change, ["measure", "scope", "comparison"])
    units = change.groupby("measure")["unit"].first()
    found = []
    for measure in dict.fromkeys(change["measure"]):
        unit = f" ({units[measure]})" if units[measure] else ""
        for _, _, name in cohort.comparisons:
            start = Finding(f"clinical_{measure}", "clinical", COHORT, name, f"difference{unit}")
            for patient in cohort.members:
                row = rows.get((measure, patient, name))
                found.append(_clinical_patient(replace(start, scope=patient), row, name))
            row = rows.get((measure, COHORT, name), {"n": 0})
            found.append(_clinical_cohort(start, row))
    return found


def _clinical_patient(start: Finding, row: dict | None, name: str) -> Finding:
    if row is None or math.isnan(row["difference"]):
        absent = [
            timepoint
            for timepoint, column in zip(name.split(" vs "), ("followup", "baseline"), strict=True)
            if row is None or math.isnan(row[column])
        ]
        where = " and ".join(reversed(absent))
        return replace(start, reason=f"no value near {where}", enough=f"a value near {where}")
    return replace(
        start,
        n_baseline=1,
        n_followup=1,
        estimate=row["difference"],
        detail=f"{row['baseline']:g} to {row['followup']:g}",
    )


def _clinical_cohort(start: Finding, row: dict) -> Finding:
    if row["n"] == 0:
        return replace(start, reason="no patient has both values", enough=PAIRS_ENOUGH)
    detail = f"mean {row['baseline']:.3g} to {row['followup']:.3g}"
    row = row | {"n_patients": row["n"], "estimate": row["difference"]}
    return cohort_row(start, row, detail=detail)
