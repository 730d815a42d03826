"""Shares of cell types in samples, and how they change, without pseudocounts."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from immune_reset import design
from immune_reset.annotation import T_TYPES
from immune_reset.intervals import share_ratio, wilson
from immune_reset.paired import MIN_PAIRS, paired_t

B_LINEAGE = ("B", "plasma")
ALL = "all cells"
PARTS = ["level", "parent", "cell_type"]


def paired_samples(plan: design.Design) -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Yield (patient, comparison, baseline samples, follow-up samples) of each comparison.

    Replicates of a timepoint come together; samples outside the cohort (controls, other tissues)
    are left out, and so is a patient without one of the two timepoints.
    """
    inside = [row for row in plan["samples"] if row.get("in_cohort", True)]
    cohort = {**plan, "samples": inside}
    for patient in dict.fromkeys(row["patient"] for row in inside):
        for followup, baseline, name in design.comparisons(cohort):
            before = design.samples_at(cohort, baseline, patient)
            after = design.samples_at(cohort, followup, patient)
            if before and after:
                yield patient, name, before, after


def parts_of_cells(labels: pd.DataFrame, car: pd.DataFrame | None) -> pd.DataFrame:
    """Return sample, level, parent and cell_type, one row for each part that a cell belongs to.

    Levels: cell_type (parent ""), cell_subtype (parent its type; where a type has a subtype other
    than itself), car (the part `CAR T` of the parent `T`, among the cells that have a call).
    """
    kinds = labels.assign(level="cell_type", parent="")
    fine = labels[(labels["cell_subtype"] != "") & (labels["cell_subtype"] != labels["cell_type"])]
    fine = fine.assign(
        level="cell_subtype", parent=fine["cell_type"], cell_type=fine["cell_subtype"]
    )
    found = [kinds, fine]
    if car is not None and len(car):
        positive = labels[labels["cell_id"].isin(car.loc[car["car"], "cell_id"])]
        found.append(positive.assign(level="car", parent="T", cell_type="CAR T"))
    return pd.concat([f[["sample", *PARTS]] for f in found], ignore_index=True)


def denominators(labels: pd.DataFrame, car: pd.DataFrame | None) -> pd.DataFrame:
    """Return the cells of each parent (columns; "" = all cells) in each sample (index).

    The parent `T` counts the T cells that have a CAR call.
    """
    sizes = pd.crosstab(labels["sample"], labels["cell_type"])
    sizes[""] = labels.groupby("sample").size()
    asked = labels[labels["cell_type"].isin(T_TYPES)]
    if car is not None:
        asked = asked[asked["cell_id"].isin(car["cell_id"])]
    sizes["T"] = asked.groupby("sample").size().reindex(sizes.index, fill_value=0)
    return sizes


def count_parts(labels: pd.DataFrame, car: pd.DataFrame | None, samples: list[str]) -> pd.DataFrame:
    """Return the cells of every part in every sample, zeros included, with the denominator.

    `labels`: cell_id, sample, cell_type, cell_subtype; `car`: cell_id, car. Columns: sample,
    level, parent, cell_type, n_cells, n_total, and n_without_b, the denominator without B cells
    and plasma cells (level cell_type alone; NaN elsewhere and for these two).
    """
    parts = parts_of_cells(labels, car)
    kinds = parts[PARTS].drop_duplicates()
    if car is not None and len(car):
        kinds = pd.concat([kinds, pd.DataFrame([["car", "T", "CAR T"]], columns=PARTS)])
    kinds = kinds.drop_duplicates().sort_values(PARTS, kind="stable")
    grid = pd.DataFrame({"sample": samples}).merge(kinds, how="cross")
    counts = parts.value_counts(["sample", *PARTS]).rename("n_cells").reset_index()
    out = grid.merge(counts, on=["sample", *PARTS], how="left")
    out["n_cells"] = out["n_cells"].fillna(0).astype(int)
    sizes = denominators(labels, car).stack().rename("n_total").reset_index()
    sizes.columns = ["sample", "parent", "n_total"]
    out = out.merge(sizes, on=["sample", "parent"], how="left")
    out["n_total"] = out["n_total"].fillna(0).astype(int)
    b_cells = labels[labels["cell_type"].isin(B_LINEAGE)].groupby("sample").size()
    rest = out["n_total"] - out["sample"].map(b_cells).fillna(0)
    other = (out["level"] == "cell_type") & ~out["cell_type"].isin(B_LINEAGE)
    return out.assign(n_without_b=rest.where(other))


def shares(counts: pd.DataFrame, samples: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return the table of shares by sample: fraction of the denominator with Wilson's interval.

    `counts`: as `count_parts`; `samples`: sample, patient, timepoint. Adds `denominator`: all
    cells, or the parent's.
    """
    out = samples[["sample", "patient", "timepoint"]].astype(str).merge(counts, on="sample")
    out["fraction"] = out["n_cells"] / out["n_total"].where(out["n_total"] > 0)
    out["ci_low"], out["ci_high"] = wilson(out["n_cells"], out["n_total"], level)
    return out.assign(denominator=denominator_of(out)).drop(columns="n_without_b")


def denominator_of(frame: pd.DataFrame) -> pd.Series:
    """Return the words for what a share is a share of."""
    words = ("cells of type " + frame["parent"]).where(frame["parent"] != "", ALL)
    return words.mask(frame["level"] == "car", "T cells")


def patient_changes(
    counts: pd.DataFrame, plan: design.Design, *, level: float, min_expected: float
) -> pd.DataFrame:
    """Return the change of each part's share, one row per patient, comparison and part.

    Replicates are pooled by adding cells. Columns: scope, comparison, level, parent, cell_type,
    denominator, n_baseline, n_followup, total_baseline, total_followup, fraction_baseline,
    fraction_followup, estimate (log2 ratio of shares), ci_low, ci_high, p_value, p_floor,
    n_patients, status, detail (`intervals.share_ratio`; the sampling of cells and nothing else),
    and estimate_without_b with its interval and status: the same with B cells and plasma cells
    left out of the denominator, since all else rises by arithmetic where they vanish; `arithmetic`
    is that rise, the log2 ratio of what B cells and plasma cells leave of the whole.
    """
    rows = []
    for patient, name, baseline, followup in paired_samples(plan):
        before, after = (
            counts[counts["sample"].isin(chosen)]
            .groupby(PARTS, sort=False)[["n_cells", "n_total", "n_without_b"]]
            .sum(min_count=1)
            for chosen in (baseline, followup)
        )
        for key, (x0, n0, rest0) in zip(before.index, before.to_numpy(float), strict=True):
            x1, n1, rest1 = after.loc[key].to_numpy(float)
            row = dict(zip(PARTS, key, strict=True)) | {"scope": patient, "comparison": name}
            row |= _ratio(x0, n0, x1, n1, level, min_expected)
            if not np.isnan(rest0):
                without = _ratio(x0, rest0, x1, rest1, level, min_expected)
                row["arithmetic"] = _arithmetic(rest0, n0, rest1, n1)
                for field in ("estimate", "ci_low", "ci_high", "status"):
                    row[f"{field}_without_b"] = without[field]
            rows.append(row)
    return pd.DataFrame(rows, columns=CHANGE).assign(n_patients=1)


CHANGE = [
    *("scope", "comparison", *PARTS, "n_baseline", "n_followup", "total_baseline"),
    *("total_followup", "fraction_baseline", "fraction_followup", "estimate", "ci_low", "ci_high"),
    *("p_value", "p_floor", "n_patients", "status", "detail", "estimate_without_b"),
    *("ci_low_without_b", "ci_high_without_b", "status_without_b", "arithmetic"),
]


def _arithmetic(rest0: float, n0: float, rest1: float, n1: float) -> float:
    return float(np.log2(rest1 / n1 / (rest0 / n0))) if min(rest0, rest1) > 0 else np.nan


def _ratio(
    x0: float, n0: float, x1: float, n1: float, level: float, min_expected: float
) -> dict[str, object]:
    counted = int(x0), int(n0), int(x1), int(n1)
    found = share_ratio(*counted, level=level, min_expected=min_expected)
    detail = ""
    if found.status == "bound":
        detail = "too few cells for a ratio: exact bound" if x0 and x1 else "no cell at one time"
    elif found.status == "not estimable":
        detail = "no cell at either time" if n0 and n1 else "no cells to take a share of"
    return {
        "n_baseline": counted[0],
        "total_baseline": counted[1],
        "n_followup": counted[2],
        "total_followup": counted[3],
        "fraction_baseline": x0 / n0 if n0 else np.nan,
        "fraction_followup": x1 / n1 if n1 else np.nan,
        "estimate": found.estimate,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "p_value": found.p,
        "p_floor": np.nan,
        "status": found.status,
        "detail": detail,
    }


def cohort_changes(patients: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return the cohort's rows: the patients' log2 ratios, each patient one datum.

    Paired t over the patients with an estimable ratio, `MIN_PAIRS` or more (`paired.paired_t`);
    with fewer there is a mean at most, and no interval and no p. Beside it p_sign_flip and its
    floor, and in n_increased and n_decreased how many patients' own intervals exclude no change,
    bounds included: a type that vanished in everyone has no ratio to average. n_baseline and
    n_followup are all cells of these patients.
    """
    rows = []
    for key, part in patients.groupby(["comparison", *PARTS], sort=False):
        row = dict(zip(["comparison", *PARTS], key, strict=True)) | {"scope": "cohort"}
        for field in ("n_baseline", "n_followup", "total_baseline", "total_followup"):
            row[field] = int(part[field].sum())
        test = paired_t(part.loc[part["status"] == "estimable", "estimate"], level=level)
        row |= {"estimate": test.mean, "ci_low": test.ci_low, "ci_high": test.ci_high}
        row |= {"p_value": test.p, "p_floor": test.p_floor, "p_sign_flip": test.p_sign_flip}
        row |= {"n_patients": test.n, "n_increased": int((part["ci_low"] > 0).sum())}
        row["n_decreased"] = int((part["ci_high"] < 0).sum())
        row["fraction_baseline"] = part["fraction_baseline"].mean()
        row["fraction_followup"] = part["fraction_followup"].mean()
        bare = part.loc[part["status_without_b"] == "estimable", "estimate_without_b"]
        bare_test = paired_t(bare.astype(float), level=level)
        row |= {"estimate_without_b": bare_test.mean, "ci_low_without_b": bare_test.ci_low}
        row |= {"ci_high_without_b": bare_test.ci_high}
        enough = np.isfinite(test.ci_low)
        row["status"] = "estimable" if enough else "not estimable"
        row["detail"] = "" if enough else _shortage(part, row)
        rows.append(row)
    return pd.DataFrame(rows, columns=[*CHANGE, "p_sign_flip", "n_increased", "n_decreased"])


def _shortage(part: pd.DataFrame, row: dict[str, object]) -> str:
    told = f"{row['n_decreased']} of {len(part)} patients decreased, {row['n_increased']} increased"
    if row["n_patients"] >= MIN_PAIRS:
        return f"{told}; the patients' ratios are all alike"
    return f"{told}; {row['n_patients']} patients have a ratio, {MIN_PAIRS} are needed"
