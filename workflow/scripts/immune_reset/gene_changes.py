"""Change of V-gene usage from the baseline: within patients, and of the cohort by paired CLR.

Within a patient the clones are the units drawn: a gene's share of clones has an interval
(Newcombe 1998), its share of cells has none, since the cells of a clone come together. Of the
cohort the patients are the replicates: centred log-ratios (Aitchison 1982) of the genes' numbers,
follow-up less baseline, and a paired t-test of each gene.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from immune_reset.intervals import wilson
from immune_reset.multiplicity import bh
from immune_reset.paired import MIN_PAIRS, paired_t

IGHV4_34 = "IGHV4-34"  # encodes 9G4 antibodies, expanded in lupus (Tipton 2015)
UNITS = ("clones", "cells")
MIN_TOTAL = 50  # of the locus at either time, for a patient to count for the cohort
MIN_EXPECTED = 5  # of a gene in every sample, for its log-ratio to be a measurement
COHORT, OTHER = "cohort", "all other genes"
PLACE = ["comparison", "unit", "receptor", "locus", "subset"]
DIFFERENCE, CLR = "difference of shares", "difference of centred log-ratios"
TYPES = {
    "scope": "string", **dict.fromkeys(PLACE, "string"), "v_call": "string",
    "n_baseline": "int64", "total_baseline": "int64", "n_followup": "int64",
    "total_followup": "int64", "measure": "string", "estimate": "float64", "ci_low": "float64",
    "ci_high": "float64", "p_value": "float64", "q_value": "float64", "n_patients": "int64",
    "status": "string",
}  # fmt: skip


def patient_changes(
    usage: pd.DataFrame, comparisons: Sequence[tuple[str, str, str]]
) -> pd.DataFrame:
    """Return the change of each gene's share in each patient, by clone and by cell.

    Parameters
    ----------
    usage
        tables/gene_usage.tsv.
    comparisons
        (follow-up, baseline, name).

    Returns
    -------
    Columns of `TYPES`; scope is the patient. Patients with a chain of the locus (and subset) at
    both times; a gene not seen counts 0, with the interval that 0 of so many has. By cell there is
    no interval (status `described`).
    """
    keys = ["patient", "receptor", "locus", "subset"]
    rows = []
    for (followup, baseline, name), unit in ((c, u) for c in comparisons for u in UNITS):
        columns = [f"n_{unit}", f"total_{unit}"]
        sides = []
        for time, side in ((baseline, "baseline"), (followup, "followup")):
            now = usage[usage["timepoint"] == time].set_index([*keys, "v_call"])[columns]
            sides.append(now.set_axis([f"n_{side}", f"total_{side}"], axis=1))
        both = sides[0].join(sides[1], how="outer").reset_index()
        for side in ("baseline", "followup"):
            both[f"total_{side}"] = both.groupby(keys)[f"total_{side}"].transform("max")
        both = both.dropna(subset=["total_baseline", "total_followup"]).fillna(
            {"n_baseline": 0, "n_followup": 0}
        )
        rows.append(both.assign(comparison=name, unit=unit))
    found = pd.concat(rows) if rows else pd.DataFrame(columns=[*keys, "v_call", "comparison"])
    return _typed(_with_interval(found.rename(columns={"patient": "scope"})))


def _with_interval(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the difference of the two shares; by clone with Newcombe's interval."""
    numbers = found.reindex(
        columns=["n_baseline", "total_baseline", "n_followup", "total_followup"]
    ).astype(float)
    x0, n0, x1, n1 = numbers.to_numpy().T
    p, q = x0 / n0, x1 / n1
    (low0, high0), (low1, high1) = wilson(x0, n0), wilson(x1, n1)
    drawn = (found["unit"] == "clones").to_numpy() if len(found) else np.zeros(0, dtype=bool)
    low = q - p - np.hypot(q - low1, high0 - p)
    high = q - p + np.hypot(high1 - q, p - low0)
    return found.assign(
        measure=DIFFERENCE,
        estimate=q - p,
        ci_low=np.where(drawn, low, np.nan),
        ci_high=np.where(drawn, high, np.nan),
        n_patients=1,
        status=np.where(drawn, "estimable", "described: the cells of a clone come together"),
    )


def cohort_changes(patients: pd.DataFrame, members: Sequence[str]) -> pd.DataFrame:
    """Return the cohort's rows: a paired t-test per gene on the patients' centred log-ratios.

    A patient counts with `MIN_TOTAL` or more of the locus at both times. The parts of the
    composition are the genes of which `MIN_EXPECTED` or more are expected in every one of these
    samples at the genes' mean share, so that the half added to each number decides nothing, and all
    other genes together where as many are expected of them. Benjamini and Hochberg over the genes
    of a locus, subset, unit and comparison. From fewer than `paired.MIN_PAIRS` patients nothing is
    tested. IGHV4-34 has a row whether it can be tested or not.
    """
    rows = []
    own = patients[patients["scope"].isin(list(members))]
    for place, part in own.groupby(PLACE, sort=False):
        enough = part[["total_baseline", "total_followup"]].min(axis=1) >= MIN_TOTAL
        rows += _tested(part[enough], dict(zip(PLACE, place, strict=True)), part)
    found = pd.DataFrame(rows, columns=[name for name in TYPES if name != "q_value"])
    p = found.groupby(PLACE, sort=False)["p_value"]
    found["q_value"] = p.transform(lambda values: bh(values)) if len(found) else np.nan
    return _typed(found.assign(scope=COHORT, measure=CLR))


def _tested(part: pd.DataFrame, place: dict, everyone: pd.DataFrame) -> list[dict]:
    n = part["scope"].nunique()
    sides = ("baseline", "followup")
    genes, parts = _parts(part) if n >= MIN_PAIRS else ([], [])
    change = _clr(part, parts, "followup") - _clr(part, parts, "baseline") if genes else None
    named = [*genes, IGHV4_34] if place["locus"] == "IGH" and IGHV4_34 not in genes else genes
    rows = []
    for gene in named:
        its = (part if n else everyone).query("v_call == @gene")
        test = paired_t(change[gene] if gene in genes else [])
        row = place | {"v_call": gene, "n_patients": n, "p_value": test.p}
        row |= {"estimate": test.mean, "ci_low": test.ci_low, "ci_high": test.ci_high}
        row |= {f"n_{side}": int(its[f"n_{side}"].sum()) for side in sides}
        totals = (part if n else everyone).drop_duplicates("scope")
        row |= {f"total_{side}": int(totals[f"total_{side}"].sum()) for side in sides}
        rows.append(row | {"status": _status(n, gene in genes, place["unit"])})
    return rows


def _parts(part: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the genes common enough for a log-ratio, and with them the rest, where it is too."""
    sides = ("baseline", "followup")
    shares = pd.concat([part[f"n_{s}"] / part[f"total_{s}"] for s in sides])
    mean = shares.groupby(pd.concat([part["v_call"]] * 2)).sum() / (2 * part["scope"].nunique())
    least = part[["total_baseline", "total_followup"]].min(axis=None)
    genes = list(mean.index[mean * least >= MIN_EXPECTED])
    rest = (1 - mean[genes].sum()) * least >= MIN_EXPECTED
    parts = [*genes, OTHER] if rest else genes
    return (genes, parts) if len(parts) > 1 else ([], [])


def _clr(part: pd.DataFrame, parts: list[str], side: str) -> pd.DataFrame:
    """Return ln(n + 1/2) less its mean over the parts, patients by parts."""
    n = part.pivot_table(index="scope", columns="v_call", values=f"n_{side}", fill_value=0)
    n = n.reindex(columns=[name for name in parts if name != OTHER], fill_value=0)
    total = part.groupby("scope")[f"total_{side}"].max().reindex(n.index)
    logs = np.log(n.assign(**{OTHER: total - n.sum(axis=1)})[parts].astype(float) + 0.5)
    return logs.sub(logs.mean(axis=1), axis=0)


def _status(n: int, common: bool, unit: str) -> str:
    if n < MIN_PAIRS:
        words = f"{n} patients have {MIN_TOTAL} {unit} of the locus at both times"
        return f"not estimable: {words}, {MIN_PAIRS} needed"
    if not common:
        return f"not estimable: fewer than {MIN_EXPECTED} {unit} expected in the smallest sample"
    return "estimable"


def _typed(found: pd.DataFrame) -> pd.DataFrame:
    return found.reindex(columns=list(TYPES)).astype(TYPES).reset_index(drop=True)
