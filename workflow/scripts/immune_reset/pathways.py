"""Pathway scores and their changes within patients, as tables.

The statistics of one change are in `immune_reset.shares`; here they meet the design, the cell types
and the sets' coverage.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from immune_reset.design import Design, comparisons, frame
from immune_reset.errors import InputError
from immune_reset.shares import Shares, bound, change, expected_umis, score, summarise

logger = logging.getLogger(__name__)

CELL_TYPES = ("B", "plasma", "CD4 T", "CD8 T", "NK", "monocyte", "DC")
"""The level at which pathways are compared, and over which the cohort's gate averages."""

POOLED = {"T": ("CD4 T", "CD8 T")}
NUMBERS = ["estimate", "ci_low", "ci_high", "se", "df", "p_value"]
CHANGE_COLUMNS = (
    "scope", "patient", "comparison", "baseline", "followup", "cell_type", "gene_set",
    "n_baseline", "n_followup", "umis_baseline", "umis_followup", "estimate", "ci_low", "ci_high",
    "se", "df", "p_value", "p_floor", "p_sign_flip", "n_patients", "n_increased", "n_decreased",
    "status", "reason", "enough", "same_signal_as",
)  # fmt: skip


def cells_by_sample(set_counts: pd.DataFrame, labels: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return per sample its labelled cells: the columns of `set_counts` and `cell_type`.

    `labels` has cell_id, sample, cell_type. Counted cells without a label are left out, and said.

    Raises
    ------
    InputError
        If a labelled cell was not counted.
    """
    own = labels[["cell_id", "sample", "cell_type"]]
    joined = set_counts.merge(own, on="cell_id", how="inner", validate="one_to_one")
    if len(joined) < len(own):
        raise InputError(
            f"labels: {len(own) - len(joined)} of {len(own)} labelled cells have no counts. Label "
            "only cells that passed quality control."
        )
    if len(joined) < len(set_counts):
        lost = len(set_counts) - len(joined)
        logger.warning("%d of %d cells have no label: left out", lost, len(set_counts))
    parts = joined.groupby("sample", sort=False, observed=True)
    return {str(name): part.drop(columns="sample").reset_index(drop=True) for name, part in parts}


def summarise_type(cells: pd.DataFrame, sets: list[str], cell_type: str) -> Shares:
    """Summarise the cells of one type (or of the types that `POOLED` joins under its name)."""
    types = POOLED.get(cell_type, (cell_type,))
    kept = cells.loc[cells["cell_type"].isin(types)]
    return summarise(kept[sets].to_numpy(), kept["total_counts"].to_numpy())


def sample_scores(
    cells: Mapping[str, pd.DataFrame],
    measured: Mapping[str, pd.Series],
    design: Design,
    *,
    min_cells: int,
    min_genes: int,
) -> pd.DataFrame:
    """Return the scores of every sample x cell type x gene set.

    Parameters
    ----------
    cells
        Per sample its labelled cells (`join_labels`), one column per set.
    measured
        Per sample the number of measured genes of each set.

    Returns
    -------
    sample, patient, timepoint, cell_type, gene_set, score (log2 of the share per 10,000), ci_low,
    ci_high, n_cells, n_genes, n_umis (of the set), total_umis, status (scorable, bound: no UMI of
    the set, not scorable), reason. Unscorable rows keep n and have no score.
    """
    parts = []
    for row in frame(design).itertuples():
        if row.sample not in cells:
            continue
        own, genes = cells[row.sample], measured[row.sample]
        sets = list(genes.index)
        for cell_type in (*CELL_TYPES, *POOLED):
            shares = summarise_type(own, sets, cell_type)
            part = score(shares) if shares.n else pd.DataFrame(index=range(len(sets)))
            part = part.reindex(columns=["score", "ci_low", "ci_high"])
            part = part.assign(gene_set=sets, n_cells=shares.n, n_genes=genes.to_numpy())
            part = part.assign(n_umis=shares.umis.astype(int), total_umis=int(shares.total))
            reason = np.where(part["n_genes"] < min_genes, "too few genes of the set measured", "")
            if shares.n < min_cells or shares.total == 0:
                reason[:] = f"{shares.n} cells, {min_cells} needed"
            status = np.where(part["n_umis"] == 0, "bound", "scorable")
            part["status"] = np.where(reason == "", status, "not scorable")
            part["reason"] = reason
            part.loc[reason != "", ["score", "ci_low", "ci_high"]] = np.nan
            keys = {"sample": row.sample, "patient": row.patient, "timepoint": str(row.timepoint)}
            parts.append(part.assign(cell_type=cell_type, **keys))
    return pd.concat(parts, ignore_index=True)


def pooled_cells(
    cells: Mapping[str, pd.DataFrame], design: Design, patient: str, timepoint: str
) -> pd.DataFrame | None:
    """Return the cells of a patient's samples at a timepoint, replicates pooled; None without."""
    parts = [
        cells[row["sample"]]
        for row in design["samples"]
        if row["patient"] == patient
        and row["timepoint"] == timepoint
        and row.get("in_cohort", True)
        and row["sample"] in cells
    ]
    return pd.concat(parts, ignore_index=True) if parts else None


def patient_changes(
    cells: Mapping[str, pd.DataFrame],
    measured: Mapping[str, pd.Series],
    design: Design,
    *,
    min_cells: int,
    min_counts: int,
    min_genes: int,
) -> pd.DataFrame:
    """Return the changes of every patient x comparison x cell type x gene set.

    Parameters as in `sample_scores`; `min_counts` UMIs of the set must be predicted by the pooled
    share in both samples. Rows as `CHANGE_COLUMNS`; the interval and p cover the sampling of cells
    alone. A patient without one of the two timepoints has no row.
    """
    samples = [row for row in design["samples"] if row.get("in_cohort", True)]
    rows = []
    for patient in dict.fromkeys(row["patient"] for row in samples):
        own = [row["sample"] for row in samples if row["patient"] == patient]
        own = [sample for sample in own if sample in cells]
        for followup, baseline, name in comparisons(design):
            before = pooled_cells(cells, design, patient, baseline)
            after = pooled_cells(cells, design, patient, followup)
            if before is None or after is None:
                continue
            genes = pd.concat([measured[sample] for sample in own], axis=1).min(axis=1)
            for cell_type in (*CELL_TYPES, *POOLED):
                two = [
                    summarise_type(part, list(genes.index), cell_type) for part in (before, after)
                ]
                found = change_rows(
                    *two, genes, min_cells=min_cells, min_counts=min_counts, min_genes=min_genes
                )
                keys = {"scope": patient, "patient": patient, "comparison": name}
                keys |= {"baseline": baseline, "followup": followup, "cell_type": cell_type}
                rows += [keys | row for row in found]
    return pd.DataFrame(rows, columns=list(CHANGE_COLUMNS))


def change_rows(
    before: Shares,
    after: Shares,
    genes: pd.Series,
    *,
    min_cells: int,
    min_counts: int,
    min_genes: int,
) -> list[dict[str, Any]]:
    """Return one row per set of the change between two pools of cells of one type."""
    numbers = change(before, after).to_dict("records")
    expected = expected_umis(before, after)
    limits = {"min_cells": min_cells, "min_counts": min_counts, "min_genes": min_genes}
    rows = []
    for k, (gene_set, n_genes) in enumerate(genes.items()):
        umis = float(expected[0][k]), float(expected[1][k])
        reason, enough = shortfall((before.n, after.n), umis, int(n_genes), **limits)
        status, found = "scorable", numbers[k]
        if reason:
            status, found = "not scorable", dict.fromkeys(NUMBERS, math.nan)
        elif before.umis[k] == 0 or after.umis[k] == 0:
            end = "follow-up" if after.umis[k] == 0 else "baseline"
            status, reason = "bound", f"no UMI of the set at {end}"
            found = bound(before, after, k)
        told = {"status": status, "reason": reason, "enough": enough}
        seen = {"umis_baseline": int(before.umis[k]), "umis_followup": int(after.umis[k])}
        cells = {"n_baseline": before.n, "n_followup": after.n, "n_patients": 1}
        rows.append({"gene_set": gene_set} | found | cells | seen | told)
    return rows


def shortfall(
    n_cells: tuple[int, int],
    expected: tuple[float, float],
    n_genes: int,
    *,
    min_cells: int,
    min_counts: int,
    min_genes: int,
) -> tuple[str, str]:
    """Say why a change cannot be scored, and what would be enough; ("", "") where it can."""
    if n_genes < min_genes:
        return f"{n_genes} genes of the set measured", f"{min_genes} genes measured"
    times = ("baseline", "follow-up")
    few = [
        f"{n} cell{'' if n == 1 else 's'} at {time}"
        for n, time in zip(n_cells, times, strict=True)
        if n < min_cells
    ]
    if few:
        return " and ".join(few), f"{min_cells} cells in both samples"
    for n, umis, time in zip(n_cells, expected, times, strict=True):
        if umis < min_counts:
            reason = f"{umis:.0f} UMIs of the set expected at {time}"
            if umis == 0:
                return reason, f"{min_counts} UMIs of the set in both samples"
            return reason, f"about {math.ceil(min_counts / umis * n)} cells at {time}"
    return "", ""
