"""How the judge finds a claim's row in a table, and what it says where there is none."""

import math
from dataclasses import replace

import pandas as pd

from immune_reset.judge import PAIRS_ENOUGH, Cohort, Finding
from immune_reset.paired import MIN_PAIRS, sign_flip_words

NO_MATRIX, NO_VDJ = "no count matrices", "no V(D)J files"
TEXT = ("reason", "enough", "status", "same_signal_as", "bound_direction", "flag")
NUMBERS = ("n_baseline", "n_followup", "estimate", "ci_low", "ci_high", "p_value", "p_floor")


def missing(
    cohort: Cohort, patient: str, comparison: str, table: pd.DataFrame | None, without: str
) -> dict[str, str]:
    """Return reason and enough where nothing can be looked up; {} where it can.

    `without` says what the cohort lacks where `table` is None.
    """
    if table is None:
        return {"reason": without, "enough": without.replace("no ", "", 1)}
    followup, baseline = comparison.split(" vs ")
    gap = cohort.gap(patient, followup, baseline)
    if gap:
        return {"reason": f"{patient} has no sample at {gap}", "enough": f"a sample at {gap}"}
    return {}


def from_row(start: Finding, row: dict, **more) -> Finding:
    """Return `start` with the numbers and words of a patient's or the cohort's row."""
    return replace(
        start,
        **{name: float(row.get(name, math.nan)) for name in NUMBERS},
        reason=row.get("reason", ""),
        enough=row.get("enough", ""),
        bound=row.get("status", "") == "bound",
        **more,
    )


def cohort_row(start: Finding, row: dict, **more) -> Finding:
    """Return the cohort's finding from a row that holds the paired test already."""
    n = int(row["n_patients"])
    finding = from_row(start, row, **more)
    flipped, floor = (row.get(name, math.nan) for name in ("p_sign_flip", "p_floor"))
    detail = [finding.detail, sign_flip_words(flipped, floor, n)]
    reason = ""
    if math.isnan(finding.p_value):
        alike = "all patients changed by the same amount: no spread to judge by"
        reason = finding.reason or (too_few(n) if n < MIN_PAIRS else alike)
    return replace(
        finding,
        n_baseline=n,
        n_followup=n,
        bound=False,
        reason=reason,
        enough=PAIRS_ENOUGH,
        detail="; ".join(filter(None, detail)),
    )


def too_few(n: int) -> str:
    """Say that `n` patients are too few for the cohort."""
    found = {0: "no patient is", 1: "1 patient is"}.get(n, f"{n} patients are")
    return f"{found} estimable at both timepoints; {MIN_PAIRS} needed"


def by_key(table: pd.DataFrame | None, key: list[str]) -> dict[tuple, dict]:
    """Return the rows of a table by the columns `key`.

    Raises
    ------
    ValueError
        If a key stands twice.
    """
    if table is None:
        return {}
    words = {name: table[name].where(table[name].notna(), "") for name in TEXT if name in table}
    table = table.assign(**words)
    keys = list(table[key].astype(str).itertuples(index=False, name=None))
    if len(set(keys)) < len(keys):
        twice = next(k for k in keys if keys.count(k) > 1)
        raise ValueError(f"the row {dict(zip(key, twice, strict=True))} stands twice")
    return dict(zip(keys, table.to_dict("records"), strict=True))
