"""Thin the map of cells to what the report's interactive map can carry, as compact JSON.

Inputs: `umap`, `labels`, optional `scores` (cell_scores.parquet of every sample, column ISG28),
optional `clonotypes` (of every patient) and `fates` (tables/clone_fates.tsv). Output: `map`: the
numbers `n_cells` and `n_drawn`, coordinates in hundredths, and each property as codes into its
names, or as numbers in ten-thousandths (null: none).
"""

import json
import logging
from typing import Any

import numpy as np
import pandas as pd

from immune_reset import design, tables
from immune_reset.runtime import start

logger = logging.getLogger("thin_cells")

MOST = 20_000
SCORE = "ISG28"


def thinned(cells: pd.DataFrame, *, most: int, seed: int) -> pd.DataFrame:
    """Return at most `most` cells, drawn at random, in a shuffled order."""
    order = np.random.default_rng(seed).permutation(len(cells))[:most]
    return cells.iloc[order].reset_index(drop=True)


def fate_of_cells(clonotypes: pd.DataFrame, fates: pd.DataFrame, baseline: str | None):
    """Return cell_id, clone_id, fate: of a cell's clone at its own time.

    A cell of a follow-up has the fate of the comparison of its timepoint, a cell of the baseline
    that of the last comparison. A cell with two receptors keeps the one of the larger clone.
    """
    told = fates.assign(timepoint=fates["comparison"].str.partition(" vs ")[0])
    last = told.drop_duplicates("clone_id", keep="last").assign(timepoint=baseline)
    told = pd.concat([told, last])[["clone_id", "timepoint", "fate"]]
    told = told.drop_duplicates(["clone_id", "timepoint"])
    cells = clonotypes.dropna(subset="clone_id")
    cells = cells.assign(timepoint=cells["timepoint"].astype(str))
    size = cells.groupby("clone_id")["cell_id"].transform("size")
    cells = cells.assign(size=size).sort_values("size", ascending=False, kind="stable")
    cells = cells.drop_duplicates("cell_id").merge(told, on=["clone_id", "timepoint"], how="left")
    return cells[["cell_id", "clone_id", "fate"]]


def coded(values: pd.Series, order: list[str] | None = None) -> dict[str, Any]:
    """Return {names, codes}; missing is -1. Names in `order`, or the commonest first."""
    text = values.where(values.notna() & values.ne(""))
    names = [n for n in order if (text == n).any()] if order else list(text.value_counts().index)
    codes = pd.Categorical(text, categories=names).codes
    return {"names": names, "codes": codes.tolist()}


def packed(cells: pd.DataFrame, n_cells: int, plan: dict) -> dict[str, Any]:
    """Return the map as plain numbers and names; see the module's docstring."""
    found: dict[str, Any] = {"n_cells": n_cells, "n_drawn": len(cells)}
    for axis in ("umap_1", "umap_2"):
        found[axis[-1]] = (cells[axis].astype(float) * 100).round().astype(int).tolist()
    found["cell_type"] = coded(cells["cell_type"])
    found["cell_subtype"] = coded(cells["cell_subtype"].fillna("").astype(str))
    found["timepoint"] = coded(cells["timepoint"].astype(str), list(plan["timepoints"]))
    found["patient"] = coded(cells["patient"].astype(str))
    if "fate" in cells:
        found["fate"] = coded(cells["fate"])
        found["clone"] = coded(cells["clone_id"])
    if SCORE in cells and cells[SCORE].notna().any():
        scaled = (cells[SCORE].astype(float) * 1e4).round()
        found["interferon"] = [None if np.isnan(v) else int(v) for v in scaled]
    return found


def main(smk) -> None:
    """Snakemake entry point: read, thin, write."""
    start(smk)
    plan = smk.params.design
    labels = tables.read(smk.input.labels)[["cell_id", "sample", "cell_type", "cell_subtype"]]
    samples = design.frame(plan)[["sample", "patient", "timepoint"]]
    cells = tables.read(smk.input.umap).merge(labels, on="cell_id", validate="1:1")
    cells = cells.merge(samples, on="sample", how="left")
    n_cells = len(cells)
    cells = thinned(cells, most=MOST, seed=smk.params.cfg["seed"])
    scores = tables.read_many(smk.input.scores)
    if SCORE in scores:
        cells = cells.merge(scores[["cell_id", SCORE]], on="cell_id", how="left")
    if path := tables.optional(smk.input, "fates"):
        receptors = tables.read_many(smk.input.clonotypes)
        own = fate_of_cells(receptors, tables.read(path), plan["baseline"])
        cells = cells.merge(own, on="cell_id", how="left")
    text = json.dumps(packed(cells, n_cells, plan), separators=(",", ":"))
    tables.write_text(text, smk.output.map)
    logger.info("%d of %d cells, %.0f kB", len(cells), n_cells, len(text) / 1e3)


if __name__ == "__main__":
    main(snakemake)
