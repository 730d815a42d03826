"""Compute the claims on scores and shares anew under other gene sets, cut-offs and least cells.

Inputs, one per sample in the same order: `set_counts`, `coverage`, `cells`; and `labels`. Output:
`robustness`, one row per claim, scope, comparison and setting (`immune_reset.cells_varied`).
Clusters and labels stay those of the run.
"""

import logging

import pandas as pd

from immune_reset import cells_varied, tables
from immune_reset.pathways import cells_by_sample
from immune_reset.runtime import start

logger = logging.getLogger("vary_cells")

METRICS = ["cell_id", "n_genes_by_counts", "pct_counts_mt"]


def with_metrics(cells: dict[str, pd.DataFrame], metrics: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return per sample its cells with the columns `METRICS`, in the same order."""
    return {
        sample: part.merge(metrics, on="cell_id", how="left", validate="one_to_one")
        for sample, part in cells.items()
    }


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, plan = smk.params.cfg, smk.params.design
    labels = tables.read(smk.input.labels, ["cell_id", "sample", "cell_type", "cell_subtype"])
    kept = tables.read_many(smk.input.cells, [*METRICS, "keep"]).query("keep")
    labels = labels[labels["cell_id"].isin(kept["cell_id"])].fillna({"cell_subtype": ""})
    coverage = [tables.read(path) for path in smk.input.coverage]
    measured = {
        str(part["sample"].iloc[0]): part.set_index("gene_set")["n_genes_measured"]
        for part in coverage
    }
    cells = cells_by_sample(tables.read_many(smk.input.set_counts), labels)
    quality = {"min_genes": cfg["qc.min_genes"], "max_pct_mt": cfg["qc.max_pct_mt"]}
    scores = cells_varied.vary_pathways(
        with_metrics(cells, kept[METRICS]),
        measured,
        plan,
        quality | {"least": cfg["pathways.min_cells"]},
        min_counts=cfg["pathways.min_counts"],
        min_genes=cfg["pathways.min_genes"],
    )
    own = quality | {"least": cfg["composition.min_expected"]}
    shares = cells_varied.vary_composition(labels, kept[METRICS], plan, own)
    logger.info("claims recomputed: %d on scores, %d on shares", len(scores), len(shares))
    tables.write(pd.concat([scores, shares], ignore_index=True), smk.output.robustness)


if __name__ == "__main__":
    main(snakemake)
