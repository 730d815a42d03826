"""Split each change of a mean pathway score into cell composition and the cells themselves.

Inputs: `set_counts`, one per sample, and `labels`. Output: `attribution`, one row per patient,
comparison, gene set and cell type, whose parts add up to the change over all cells; of one part of
the gene sets, which `gather_pathways` puts into the table.
"""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from immune_reset import tables
from immune_reset.design import Design, comparisons
from immune_reset.pathways import cells_by_sample, pooled_cells
from immune_reset.runtime import start
from immune_reset.shares import PER, attribute

logger = logging.getLogger("attribute_change")

MERGED = "other types"
COLUMNS = (
    "patient", "comparison", "gene_set", "cell_type", "within", "composition", "total",
    "n_baseline", "n_followup", "mean_baseline", "mean_followup", "types",
)  # fmt: skip


def linear_scores(cells: pd.DataFrame, sets: list[str]) -> pd.DataFrame:
    """Return u = 1e4 x / t of each cell (its set's UMIs over all its UMIs), with `cell_type`.

    Cells without a UMI have no score and are left out.
    """
    seen = cells.loc[cells["total_counts"] > 0]
    scores = PER * seen[sets].astype(float).div(seen["total_counts"].astype(float), axis=0)
    return scores.assign(cell_type=seen["cell_type"].to_numpy())


def merge_small(before: pd.Series, after: pd.Series, *, min_cells: int) -> dict[str, str]:
    """Return the group of each cell type: itself, or `MERGED` under `min_cells` cells in all.

    The cells of both times are counted together: a type that is lost, or nearly, keeps its row.
    """
    total = before.value_counts().add(after.value_counts(), fill_value=0).sort_index()
    return {kind: kind if n >= min_cells else MERGED for kind, n in total.items()}


def attribute_pair(
    before: pd.DataFrame, after: pd.DataFrame, sets: list[str], *, min_cells: int
) -> pd.DataFrame:
    """Attribute the change between two pools of cells (`linear_scores`), a row per set and type.

    Returns gene_set, cell_type, within, composition, total (of all types, UMIs per 10,000),
    n_baseline, n_followup, mean_baseline, mean_followup (NaN without cells), types (merged ones).
    """
    group = merge_small(before["cell_type"], after["cell_type"], min_cells=min_cells)
    kinds = sorted(set(group.values()))
    n, means = [], []
    for cells in (before, after):
        grouped = cells[sets].groupby(cells["cell_type"].map(group))
        n.append(grouped.size().reindex(kinds, fill_value=0).to_numpy())
        means.append(grouped.mean().reindex(kinds))
    merged = ";".join(kind for kind, name in group.items() if name == MERGED)
    parts = []
    for name in sets:
        s0, s1 = means[0][name].to_numpy(), means[1][name].to_numpy()
        within, composition, total = attribute(n[0], s0, n[1], s1)
        rows = {"gene_set": name, "cell_type": kinds, "within": within, "composition": composition}
        rows |= {"total": total, "n_baseline": n[0], "n_followup": n[1]}
        rows |= {"mean_baseline": s0, "mean_followup": s1}
        rows |= {"types": np.where(np.array(kinds) == MERGED, merged, "")}
        parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)


def attribute_all(
    cells: Mapping[str, pd.DataFrame], design: Design, sets: list[str], *, min_cells: int
) -> pd.DataFrame:
    """Attribute every patient's change of every set in every comparison that the patient has."""
    parts = []
    patients = dict.fromkeys(row["patient"] for row in design["samples"])
    for patient in patients:
        for followup, baseline, name in comparisons(design):
            pools = [pooled_cells(cells, design, patient, time) for time in (baseline, followup)]
            if any(pool is None for pool in pools):
                continue
            before, after = (linear_scores(pool, sets) for pool in pools)
            if before.empty or after.empty:
                logger.warning("%s, %s: no cells at one of the times", patient, name)
                continue
            rows = attribute_pair(before, after, sets, min_cells=min_cells)
            parts.append(rows.assign(patient=patient, comparison=name))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    labels = tables.read(smk.input.labels, ["cell_id", "sample", "cell_type"])
    counts = tables.read_many(smk.input.set_counts)
    sets = [name for name in counts.columns if name not in ("cell_id", "total_counts")]
    cells = cells_by_sample(counts, labels)
    min_cells = smk.params.cfg["pathways.min_cells"]
    table = attribute_all(cells, smk.params.design, sets, min_cells=min_cells)
    tables.write(table, smk.output.attribution)


if __name__ == "__main__":
    main(snakemake)
