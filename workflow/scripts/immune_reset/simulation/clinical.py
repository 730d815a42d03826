"""A simulated clinical course: activity, renal and serological measures, drugs and events."""

import numpy as np
import pandas as pd

from immune_reset.simulation.course import CohortSpec, patient_name, rng_for

MEASURES = {
    "SLEDAI-2K": ("points", 18, 0.15, 0.06),
    "proteinuria_24h": ("g", 6.5, 0.35, 0.13),
    "C3": ("g/L", 0.48, 0.15, 1.95),
    "C4": ("g/L", 0.07, 0.2, 2.7),
    "anti_dsDNA": ("IU/mL", 320, 0.5, 0.08),
    "anti_SSA": ("AU/mL", 140, 0.4, 0.55),
    "IgG": ("g/L", 15.5, 0.15, 0.45),
    "lymphocyte_count": ("10^9/L", 0.9, 0.2, 1.35),
}
"""Measure -> unit, usual value before, log sd between patients, factor reached after 90 days."""
DIGITS = {"SLEDAI-2K": 0, "anti_dsDNA": 0, "anti_SSA": 0}
HALF_DAY = 35.0
"""Half of the way to the level after treatment is gone by this day."""
PREDNISONE = ((0, 20.0), (20, 10.0), (60, 5.0), (85, 0.0))
"""From this day on, mg a day."""


def clinical_table(spec: CohortSpec) -> pd.DataFrame:
    """Return the cohort's clinical table: patient, day, kind, measure, value, unit (strings).

    Measures move exponentially from their value before to a factor of it; in a null cohort they
    only vary from day to day. Each patient has values at every sampling day, prednisone as a drug
    and, where CAR T cells are given, a graded cytokine release syndrome.
    """
    rows = []
    for patient in range(spec.patients):
        rng = rng_for(spec, 1, patient, 4)
        name = patient_name(spec, patient)
        for measure, (unit, before, spread, factor) in MEASURES.items():
            start = before * rng.lognormal(0, spread)
            goal = 1.0 if spec.null else factor * rng.lognormal(0, 0.2)
            for point in spec.timepoints:
                way = 1 - 2 ** (-max(point.day, 0) / HALF_DAY)
                value = start * goal**way * rng.lognormal(0, 0.05)
                if measure == "lymphocyte_count" and point.state == "depleted":
                    value *= 0.5
                digits = DIGITS.get(measure, 2)
                rows.append((name, point.day, "measure", measure, f"{value:.{digits}f}", unit))
        rows += _treatment(spec, name, rng)
    columns = ["patient", "day", "kind", "measure", "value", "unit"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["day"] = frame["day"].astype(str)
    return frame


def _treatment(spec: CohortSpec, name: str, rng: np.random.Generator) -> list[tuple]:
    rows = []
    for point in spec.timepoints:
        dose = PREDNISONE[0][1]
        for day, lower in PREDNISONE:
            dose = lower if point.day >= day and not spec.null else dose
        rows.append((name, point.day, "drug", "prednisone", f"{dose:g}", "mg/d"))
    grade = int(rng.integers(1, 3))
    if spec.car:
        rows.append((name, 4, "event", "CRS", str(grade), "grade"))
    return rows
