"""Compare pathway scores: samples, patients before and after, and the cohort.

Inputs, one per sample in the same order: `set_counts`, `gene_counts`, `coverage`; and `labels`,
`gene_sets` (one part of them, wildcard `sets`: `gene_sets.of_part`). Outputs: `scores`, `change`,
`genes`, which `gather_pathways` puts into the tables.
"""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from immune_reset import tables
from immune_reset.cohort_pathways import cohort_changes
from immune_reset.design import Design
from immune_reset.gene_sets import BEYOND, SCORED, of_part
from immune_reset.pathway_genes import gene_changes, sum_genes
from immune_reset.pathways import (
    CELL_TYPES,
    POOLED,
    cells_by_sample,
    patient_changes,
    sample_scores,
)
from immune_reset.runtime import start

logger = logging.getLogger("compare_pathways")

SAME_SIGNAL = "interferon"
TYPES = {name: (name,) for name in CELL_TYPES} | POOLED


def mark_same_signal(changes: pd.DataFrame, collections: Mapping[str, str]) -> pd.DataFrame:
    """Fill `same_signal_as`: "interferon" for a JAK-STAT set that changes with interferon alone.

    A JAK-STAT set keeps its own name only where `BEYOND`, its genes without the interferon ones,
    changes in the same direction with an interval that excludes 0 (of two patients: in both).
    """
    out = changes.copy()
    key = ["scope", "comparison", "cell_type"]
    beyond = out.loc[out["gene_set"] == BEYOND].copy()
    sign = np.where(beyond["ci_low"] > 0, 1, np.where(beyond["ci_high"] < 0, -1, 0))
    beyond["own"] = sign
    of_patient = beyond.loc[beyond["scope"] != "cohort"]
    of_patient = of_patient.loc[of_patient["status"] != "not scorable"]
    for index, row in beyond.loc[beyond["status"] == "both patients"].iterrows():
        same = of_patient["comparison"].eq(row["comparison"])
        signs = of_patient.loc[same & of_patient["cell_type"].eq(row["cell_type"]), "own"]
        beyond.loc[index, "own"] = signs.iloc[0] if signs.nunique() == 1 else 0
    own = out[key].merge(beyond[[*key, "own"]], on=key, how="left")["own"].fillna(0).to_numpy()
    jak = out["gene_set"].map(collections).eq("jak_stat") & out["gene_set"].ne(BEYOND)
    scored = out["status"].isin(["scorable", "bound", "both patients"])
    alone = np.sign(out["estimate"].to_numpy(dtype=float)) != own
    out["same_signal_as"] = np.where(jak & scored & alone, SAME_SIGNAL, "")
    return out


def sums_by_time(
    gene_counts: Mapping[str, pd.DataFrame], cells: Mapping[str, pd.DataFrame], design: Design
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the genes' UMIs and all UMIs by patient, timepoint and cell type."""
    genes, totals = [], []
    for row in design["samples"]:
        own = cells.get(row["sample"])
        if own is None or not row.get("in_cohort", True):
            continue
        at = {"patient": row["patient"], "timepoint": row["timepoint"]}
        genes.append(sum_genes(gene_counts[row["sample"]], own, TYPES).assign(**at))
        umis = own.groupby("cell_type")["total_counts"].sum()
        total = [umis.reindex(kinds).sum() for kinds in TYPES.values()]
        totals.append(pd.DataFrame({"cell_type": list(TYPES), "total_umis": total}).assign(**at))
    if not genes:
        empty = pd.DataFrame(columns=["patient", "timepoint", "cell_type", "symbol", "umis"])
        return empty, empty.rename(columns={"umis": "total_umis"}).drop(columns="symbol")
    keys = ["patient", "timepoint", "cell_type"]
    genes = pd.concat(genes).groupby([*keys, "symbol"], as_index=False)["umis"].sum()
    return genes, pd.concat(totals).groupby(keys, as_index=False)["total_umis"].sum()


def by_sample(
    coverage: list[pd.DataFrame], gene_counts: list[pd.DataFrame]
) -> tuple[dict[str, pd.Series], dict[str, pd.DataFrame]]:
    """Return per sample the measured genes of each set, and its genes' counts."""
    names = [str(covered["sample"].iloc[0]) for covered in coverage]
    measured = [covered.set_index("gene_set")["n_genes_measured"] for covered in coverage]
    return dict(zip(names, measured, strict=True)), dict(zip(names, gene_counts, strict=True))


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, design = smk.params.cfg, smk.params.design
    given = {path: tables.read(path) for path in smk.input.gene_sets}
    sets = of_part(smk.wildcards.sets, given)
    sets = sets.loc[sets["collection"].isin(SCORED)]
    labels = tables.read(smk.input.labels, ["cell_id", "sample", "cell_type"])
    cells = cells_by_sample(tables.read_many(smk.input.set_counts), labels)
    counted = [tables.read(path) for path in smk.input.gene_counts]
    measured, genes = by_sample([tables.read(path) for path in smk.input.coverage], counted)
    fewest = {"min_cells": cfg["pathways.min_cells"], "min_genes": cfg["pathways.min_genes"]}
    scores = sample_scores(cells, measured, design, **fewest)
    single = patient_changes(
        cells, measured, design, min_counts=cfg["pathways.min_counts"], **fewest
    )
    change = pd.concat([single, cohort_changes(single)], ignore_index=True)
    change = mark_same_signal(change, dict(zip(sets["gene_set"], sets["collection"], strict=True)))
    umis, totals = sums_by_time(genes, cells, design)
    by_gene = gene_changes(umis, totals, single, sets[["gene_set", "symbol"]])
    logger.info("changes by status: %s", change["status"].value_counts().to_dict())
    tables.write(scores, smk.output.scores)
    tables.write(change, smk.output.change)
    tables.write(by_gene, smk.output.genes)


if __name__ == "__main__":
    main(snakemake)
