"""In how many other settings a claim's direction stands.

Reads the rows of `vary_clonotypes` (clonotype rule, chain arms, least UMIs) and of `vary_cells`
(gene set, cut-offs of quality control, least cells). A setting's p-value is corrected by the factor
by which the run's own claim was corrected within its family, so that a claim and its settings are
held to one standard. Of the cohort, repertoire claims are tested by a paired t-test over the
patients' rows; scores and shares have rows of the cohort.
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

SETTING = ["min_umis", "rule", "arms", "gene_set", "min_genes", "max_pct_mt", "min_cells"]
CLONOTYPES = "the clonotype rule"
CELLS = "gene set, stricter quality control and least cells"
SHARES = "stricter quality control and least cells"


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
        own = patients.get((row["scope"], *key))
        tested = own is not None
        if row["scope"] == COHORT and not tested:
            own = cohort.get(key)
        if own is None or row["direction"] not in (*WORDS, NO_CHANGE):
            continue
        p = _own_p(own) if row["scope"] == COHORT and tested else row["p_value"]
        factor = row["q_value"] / p if p > 0 else 1.0
        factor = factor if math.isfinite(factor) else 1.0
        if tested:
            if own.duplicated(SETTING).any():
                raise ValueError(f"{key} of {row['scope']} has several rows of one setting")
            least = 0.0 if row["scope"] == COHORT else minima.get(row["claim"], 0.0)
            words = [of_scope(part, alpha / factor, least) for part in own.to_dict("records")]
        else:
            settings = [part for _, part in own.groupby(SETTING, sort=False, dropna=False)]
            words = [of_cohort(part, alpha / factor) for part in settings]
        claims.loc[i, "robustness"] = f"{words.count(row['direction'])} of {len(words)}"
        said = filter(None, [row["detail"], in_words(row["direction"], words, of_what(own))])
        claims.loc[i, "detail"] = "; ".join(said)
    return claims


def _own_p(rows: pd.DataFrame) -> float:
    """Return the p-value of the run's own setting: of a score, the larger of gate and cell type."""
    return float(rows.loc[rows["own_setting"].astype(bool), "p_value"].iloc[0])


def of_what(rows: pd.DataFrame) -> str:
    """Return what the settings of a claim vary."""
    if rows["min_umis"].notna().any():
        return CLONOTYPES
    return CELLS if rows["gene_set"].nunique() > 1 else SHARES


def of_scope(row: dict, alpha: float, minimum: float) -> str:
    """Return the direction of one setting's own row, claimed at `alpha` and from `minimum` on."""
    bound = row["measure"].startswith("bound")
    if row["direction"] not in WORDS:
        return row["direction"]
    if row["p_value"] >= alpha or (abs(row["effect"]) < minimum and row["measure"] != BOUND):
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


def in_words(direction: str, words: list[str], varied: str) -> str:
    """Return what is said of a claim: the direction stands in so many settings."""
    others = [word for word in WORDS if word != direction and word in words]
    against = "".join(f", {word} in {words.count(word)}" for word in others)
    what = "the direction stands" if direction in WORDS else "no change is shown"
    n, unknown = words.count(direction), words.count(NOT_ESTIMABLE)
    against += f", not estimable in {unknown}" if unknown else ""
    return f"{what} in {n} of {len(words)} settings of {varied}{against}"
