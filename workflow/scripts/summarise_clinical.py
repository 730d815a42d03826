"""Join clinical measures, drugs and events to the samples, and compare measures with baseline.

Writes the clinical table with the sample that each value belongs to, the change of each measure
(of one patient as the bare difference, of the cohort with a paired t-test), and the states of
disease that the measures tell.
"""

import logging

import numpy as np
import pandas as pd

from immune_reset import design, sheets, tables
from immune_reset.errors import InputError
from immune_reset.paired import paired_t
from immune_reset.remission import disease_states
from immune_reset.runtime import start

logger = logging.getLogger("summarise_clinical")

COLUMNS = ["patient", "day", "kind", "measure", "value", "unit"]
CHANGE_COLUMNS = [
    "scope", "measure", "unit", "comparison", "baseline", "followup", "difference", "n",
    "ci_low", "ci_high", "p_value", "p_sign_flip", "p_floor",
]  # fmt: skip


def assign_samples(
    clinical: pd.DataFrame, samples: pd.DataFrame, *, window_days: float
) -> pd.DataFrame:
    """Give every clinical row the nearest sample of its patient within `window_days`.

    Of two samples at the same distance the earlier is taken. Adds `sample`, `timepoint` (both ""
    where no sample is near enough or the samples have no day) and `days_from_sample`
    (row minus sample).
    """
    dated = samples.dropna(subset="day").sort_values("day", kind="stable")
    by_patient = dict(list(dated.groupby("patient", observed=True, sort=False)))
    found = [
        _nearest(by_patient.get(row.patient), row.day, window_days)
        for row in clinical.itertuples(index=False)
    ]
    nearest = pd.DataFrame(
        found, columns=["sample", "timepoint", "days_from_sample"], index=clinical.index
    )
    far = int((nearest["sample"] == "").sum())
    if far:
        logger.info("%d of %d clinical rows lie near no sample", far, len(clinical))
    return pd.concat([clinical, nearest], axis=1)


def _nearest(samples: pd.DataFrame | None, day: float, window: float) -> tuple[str, str, float]:
    if samples is None or np.isnan(day):
        return "", "", np.nan
    distance = (samples["day"].astype(float) - day).abs()
    closest = samples.loc[distance.idxmin()]
    if distance.min() > window:
        return "", "", np.nan
    return closest["sample"], str(closest["timepoint"]), float(day - float(closest["day"]))


def values_at_timepoints(clinical: pd.DataFrame) -> pd.DataFrame:
    """Return one value per patient, measure and timepoint: the one measured nearest to a sample.

    Of two values equally near, the earlier counts. Columns patient, measure, unit, timepoint,
    value (float).

    Raises
    ------
    InputError
        If a measure's value is not a number, or its unit differs between rows.
    """
    rows = clinical.loc[(clinical["kind"] == "measure") & (clinical["value"] != "")].copy()
    numbers = pd.to_numeric(rows["value"], errors="coerce")
    if numbers.isna().any():
        bad = rows.loc[numbers.isna()].iloc[0]
        raise InputError(
            f"clinical table: {bad['measure']} of {bad['patient']} on day {bad['day']:g} is "
            f"'{bad['value']}', not a number. Give a number (of '<5' the limit itself) or leave "
            "the value empty."
        )
    rows["value"] = numbers.astype(float)
    units = rows.groupby("measure")["unit"].unique()
    for measure, found in units[units.map(len) > 1].items():
        raise InputError(
            f"clinical table: {measure} is given in several units ({', '.join(sorted(found))}). "
            "Convert them to one, or give the measures different names."
        )
    rows = rows.loc[rows["timepoint"] != ""]
    rows = rows.assign(distance=rows["days_from_sample"].abs())
    rows = rows.sort_values(["patient", "measure", "timepoint", "distance", "day"], kind="stable")
    rows = rows.drop_duplicates(["patient", "measure", "timepoint"])
    return rows[["patient", "measure", "unit", "timepoint", "value"]].reset_index(drop=True)


def change_from_baseline(
    values: pd.DataFrame, comparisons: list[tuple[str, str, str]], patients: list[str]
) -> pd.DataFrame:
    """Return the change of every measure, patient by patient and for the cohort.

    `values` as from `values_at_timepoints`; `patients` are those of the cohort (no controls).
    Differences are follow-up minus baseline, in the measure's unit. A patient's row holds no
    inference (n = 1, no interval); a cohort's row holds the means over the complete pairs, the
    paired t-test from 3 pairs on, the exact sign-flip p and its floor.
    """
    rows: list[dict] = []
    wide = values.pivot(index=["measure", "unit", "patient"], columns="timepoint", values="value")
    for (measure, unit), block in wide.groupby(level=["measure", "unit"], sort=True):
        block = block.droplevel(["measure", "unit"]).reindex(patients)
        for followup, baseline, name in comparisons:
            pair = block.reindex(columns=[baseline, followup]).astype(float)
            key = {"measure": measure, "unit": unit, "comparison": name}
            rows += _patient_rows(pair, key)
            rows.append(_cohort_row(pair, key))
    return pd.DataFrame(rows, columns=CHANGE_COLUMNS)


def _patient_rows(pair: pd.DataFrame, key: dict) -> list[dict]:
    return [
        key
        | {
            "scope": patient,
            "baseline": before,
            "followup": after,
            "difference": after - before,
            "n": int(not np.isnan(after - before)),
        }
        for patient, (before, after) in zip(pair.index, pair.to_numpy(), strict=True)
    ]


def _cohort_row(pair: pd.DataFrame, key: dict) -> dict:
    complete = pair.dropna()
    before, after = complete.to_numpy().T
    test = paired_t(after - before)
    return key | {
        "scope": "cohort",
        "baseline": before.mean() if test.n else np.nan,
        "followup": after.mean() if test.n else np.nan,
        "difference": test.mean,
        "n": test.n,
        "ci_low": test.ci_low,
        "ci_high": test.ci_high,
        "p_value": test.p,
        "p_sign_flip": test.p_sign_flip,
        "p_floor": test.p_floor,
    }


def tidy(clinical: pd.DataFrame | None) -> pd.DataFrame:
    """Return the clinical table with its six columns, text stripped and days as numbers."""
    if clinical is None:
        return pd.DataFrame(columns=COLUMNS).astype({"day": float})
    text = clinical.reindex(columns=COLUMNS).astype(object)
    text = text.apply(lambda column: column.map(_words))
    return text.assign(day=pd.to_numeric(text["day"]).astype(float))


def _words(cell: object) -> str:
    if isinstance(cell, float):
        return "" if np.isnan(cell) else np.format_float_positional(cell, trim="-")
    return "" if cell is None else str(cell).strip()


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    path = tables.optional(smk.input, "clinical")
    clinical = tidy(None if path is None else sheets.frame(path))
    plan = smk.params.design
    samples = design.frame(plan)
    assigned = assign_samples(clinical, samples, window_days=smk.params.cfg["clinical.window_days"])
    values = values_at_timepoints(assigned)
    patients = list(samples.loc[samples["in_cohort"], "patient"].unique())
    change = change_from_baseline(values, design.comparisons(plan), patients)
    logger.info("%d clinical rows, %d measures", len(assigned), values["measure"].nunique())
    tables.write(assigned, smk.output.clinical)
    tables.write(change, smk.output.change)
    tables.write(disease_states(assigned, samples), smk.output.states)


if __name__ == "__main__":
    main(snakemake)
