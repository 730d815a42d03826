"""Decide which barcodes of a sample are cells worth keeping; each loss has one reason."""

import logging
from typing import Any

import numpy as np
import pandas as pd

from immune_reset import cell_calls, tables
from immune_reset.errors import at
from immune_reset.runtime import start

logger = logging.getLogger("call_cells")

REASONS = (
    "low_counts", "low_genes", "high_counts", "high_genes", "high_mt",
    "doublet_expression", "doublet_receptors",
)  # fmt: skip
"""Reasons of loss, in the order in which they are tried."""

MIN_RECEPTORS = 10
"""Cells with a receptor of which some must be in the matrix, if the files belong together."""

METRICS = ["cell_id", "total_counts", "n_genes_by_counts", "pct_counts_mt"]


def join(
    metrics: pd.DataFrame | None, scores: pd.DataFrame | None, receptors: pd.DataFrame | None
) -> pd.DataFrame:
    """Return one row a barcode: its metrics, doublet score, and receptor, missing where unknown.

    The barcodes are those of the matrix; without one, those that have a receptor.
    """
    if metrics is None:
        cells = pd.DataFrame({"cell_id": [] if receptors is None else receptors["cell_id"]})
    else:
        cells = metrics[METRICS]
    for column in METRICS[1:]:
        cells = cells if column in cells else cells.assign(**{column: np.nan})
    if scores is None:
        cells = cells.assign(doublet_score=np.nan, score_split=np.nan)
    else:
        cells = cells.merge(scores, on="cell_id", how="left", validate="one_to_one")
    if receptors is None:
        return cells.assign(receptor_type=pd.Series(pd.NA, index=cells.index, dtype="string"))
    return cells.merge(receptors, on="cell_id", how="left", validate="one_to_one")


def check_receptors(cells: pd.DataFrame, receptors: pd.DataFrame, *, sample: str) -> int:
    """Return how many receptors are of barcodes that the matrix does not have.

    Raises
    ------
    InputError
        If no barcode at all matches, or none of `MIN_RECEPTORS` or more cells of one receptor.
    """
    inside = receptors["cell_id"].isin(set(cells["cell_id"]))
    for kind, files in (("BCR", "bcr"), ("TCR", "tcr")):
        of_kind = (receptors["receptor_type"] == kind).fillna(False)
        if (of_kind.sum() >= MIN_RECEPTORS or not inside.any()) and (
            of_kind.any() and not inside[of_kind].any()
        ):
            own, other = receptors.loc[of_kind, "cell_id"].iloc[0], cells["cell_id"].iloc[0]
            strip = len(sample) + 1
            found = (
                f"none of its {of_kind.sum()} {kind} barcodes (such as {own[strip:]}) is among the "
                f"{len(cells)} of its count matrix (such as {other[strip:]})"
            )
            mend = (
                "Give gex and {} of one library, with barcodes written alike (suffix -1 included)"
            )
            raise at(f"sample {sample}, columns gex and {files}", found, mend.format(files))
    return int((~inside).sum())


def losses(
    cells: pd.DataFrame, thresholds: dict[str, float], *, use_receptors: bool
) -> pd.DataFrame:
    """Return, for each barcode, which of `REASONS` apply (booleans, not exclusive)."""
    counts, genes = cells["total_counts"], cells["n_genes_by_counts"]
    apply = {
        "low_counts": counts < thresholds["min_counts"],
        "low_genes": genes < thresholds["min_genes"],
        "high_counts": counts > thresholds["max_counts"],
        "high_genes": genes > thresholds["max_genes"],
        "high_mt": cells["pct_counts_mt"] > thresholds["max_pct_mt"],
        "doublet_expression": cells["doublet_score"] > thresholds["doublet_score"],
    }
    alike = cells["doublet_score"] > cells["score_split"]
    found = cell_calls.receptor_doublets(cells, alike=alike)
    apply["doublet_receptors"] = pd.Series(found & use_receptors, index=cells.index)
    return pd.DataFrame(apply)[list(REASONS)]


def choose_thresholds(
    cells: pd.DataFrame, *, max_score: float | None, expected_rate: float | None, **bounds: float
) -> dict[str, float]:
    """Return all thresholds of a sample; those on doublets rest on the barcodes of good quality."""
    thresholds = cell_calls.quality_thresholds(cells, **bounds)
    good = ~losses(cells, {**thresholds, "doublet_score": np.inf}, use_receptors=False).any(axis=1)
    thresholds["doublet_score"] = cell_calls.score_threshold(
        cells.loc[good, "doublet_score"],
        split=float(cells["score_split"].max()) if len(cells) else float("nan"),
        rate=cell_calls.doublet_rate(len(cells), given=expected_rate),
        max_score=max_score,
    )
    return thresholds


def summarise(
    cells: pd.DataFrame, thresholds: dict[str, float], *, sample: str, outside: int
) -> pd.DataFrame:
    """Return the sample's row of quality control; losses and cells_kept add up to barcodes_in."""
    kept = cells.loc[cells["keep"]]
    row: dict[str, Any] = {"sample": sample, "barcodes_in": len(cells), "cells_kept": len(kept)}
    row |= {f"lost_{reason}": int((cells["reason"] == reason).sum()) for reason in REASONS}
    row |= {f"thr_{name}": float(value) for name, value in thresholds.items()}
    types = kept["receptor_type"].value_counts()
    row |= {f"n_{kind.lower()}_cells": int(types.get(kind, 0)) for kind in ("BCR", "TCR")}
    row["n_ambiguous_cells"] = int(types.get("ambiguous", 0))
    row["n_receptors_outside"] = outside
    for column in METRICS[1:]:
        row[f"median_{column}"] = float(kept[column].dropna().median())
    return pd.DataFrame([row]).replace([np.inf, -np.inf], np.nan)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, row = smk.params.cfg, smk.params.row
    sample = str(row["sample"])
    paths = (
        tables.optional(smk.input, name) for name in ("metrics", "doublet_scores", "receptors")
    )
    metrics, scores, receptors = (None if path is None else tables.read(path) for path in paths)
    cells = join(metrics, scores, receptors)
    outside = 0 if receptors is None else check_receptors(cells, receptors, sample=sample)
    thresholds = choose_thresholds(
        cells,
        min_counts=row.get("qc_min_counts", cfg["qc.min_counts"]),
        min_genes=row.get("qc_min_genes", cfg["qc.min_genes"]),
        max_pct_mt=row.get("qc_max_pct_mt", cfg["qc.max_pct_mt"]),
        nmads=row.get("qc_nmads", cfg["qc.nmads"]),
        max_score=cfg["doublets.max_score"],
        expected_rate=cfg["doublets.expected_rate"],
    )
    lost = losses(cells, thresholds, use_receptors=cfg["doublets.use_receptors"])
    cells["reason"] = np.where(lost.any(axis=1), lost.idxmax(axis=1), "kept")
    cells["keep"] = cells["reason"] == "kept"
    cells["sample"], cells["barcode"] = sample, cells["cell_id"].str[len(sample) + 1 :]
    qc = summarise(cells, thresholds, sample=sample, outside=outside)
    logger.info("%s", qc.iloc[0].to_dict())
    columns = ["cell_id", "sample", "barcode", *METRICS[1:], "doublet_score", "receptor_type"]
    tables.write(cells[[*columns, "keep", "reason"]], smk.output.cells)
    tables.write(qc, smk.output.qc)


if __name__ == "__main__":
    main(snakemake)
