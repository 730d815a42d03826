"""In how many settings of clonotype rule, chain arms and least UMIs a claim's direction stands.

Reads the table of `vary_clonotypes`. A setting's p-value (of the cohort: of a paired t-test over
its patients) is corrected by the factor by which the run's own claim was corrected within its
family, so that a claim and its settings are held to one standard.
"""

import math
from collections.abc import Collection

import pandas as pd

from immune_reset.judge import COHORT
from immune_reset.paired import paired_t
from immune_reset.settings_varied import (
    BOUND,
    DECREASED,
    INCREASED,
    KEY,
    NO_CHANGE,
    NOT_ESTIMABLE,
    WORDS,
)

SETTING = ["min_umis", "rule", "arms"]


def add(
    claims: pd.DataFrame,
    table: pd.DataFrame,
    members: Collection[str],
    *,
    alpha: float,
    minima: dict[str, float],
) -> pd.DataFrame:
    """Return `claims` with the column `robustness` ("16 of 18") and the same in words in `detail`.

    Of a claimed change: the settings that show it. Of "no change shown": the settings that show
    none. Empty where the claim is not among the recomputed ones, or not estimable. `members`: the
    patients that count for the cohort; `minima`: smallest effect that a patient's claim rests on,
    by claim.
    """
    patients = dict(list(table.groupby(["patient", *KEY])))
    cohort = dict(list(table[table["patient"].isin(members)].groupby(KEY)))
    claims = claims.assign(robustness="")
    for i, row in claims.iterrows():
        key = tuple(row[name] for name in KEY)
        own = cohort.get(key) if row["scope"] == COHORT else patients.get((row["scope"], *key))
        if own is None or row["direction"] not in (*WORDS, NO_CHANGE):
            continue
        factor = row["q_value"] / row["p_value"] if row["p_value"] > 0 else 1.0
        factor = factor if math.isfinite(factor) else 1.0
        settings = [part for _, part in own.groupby(SETTING, sort=False)]
        if row["scope"] == COHORT:
            words = [of_cohort(part, alpha / factor) for part in settings]
        else:
            least = minima.get(row["claim"], 0.0)
            words = [of_patient(part, alpha / factor, least) for part in settings]
        claims.loc[i, "robustness"] = f"{words.count(row['direction'])} of {len(words)}"
        said = filter(None, [row["detail"], in_words(row["direction"], words)])
        claims.loc[i, "detail"] = "; ".join(said)
    return claims


def of_patient(rows: pd.DataFrame, alpha: float, minimum: float) -> str:
    """Return one setting's direction in a patient, claimed at `alpha` and from `minimum` on."""
    (row,) = rows.to_dict("records")
    bound = row["measure"] == BOUND
    if row["direction"] not in WORDS:
        return row["direction"]
    if row["p_value"] >= alpha or (abs(row["effect"]) < minimum and not bound):
        return NOT_ESTIMABLE if bound else NO_CHANGE
    return row["direction"]


def of_cohort(rows: pd.DataFrame, alpha: float) -> str:
    """Return the cohort's direction in one setting: its patients' estimates, bounds left out."""
    usable = rows["p_value"].notna() & (rows["measure"] != BOUND)
    test = paired_t(rows.loc[usable, "estimate"].to_numpy(dtype=float))
    if math.isnan(test.p):
        return NOT_ESTIMABLE
    if test.p >= alpha:
        return NO_CHANGE
    return INCREASED if test.mean > 0 else DECREASED


def in_words(direction: str, words: list[str]) -> str:
    """Return what is said of a claim: the direction stands in so many settings."""
    others = [word for word in WORDS if word != direction and word in words]
    against = "".join(f", {word} in {words.count(word)}" for word in others)
    what = "the direction stands" if direction in WORDS else "no change is shown"
    n = words.count(direction)
    return f"{what} in {n} of {len(words)} settings of the clonotype rule{against}"
