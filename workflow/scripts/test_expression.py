"""Test genes for a change between timepoints in pseudobulks of cell types, patients paired.

Inputs: `labels`, and one per sample in the same order `pseudobulk`, `sizes`, `genes`.
Outputs: `expression` (tables/expression.tsv), `folds` (log2 fold changes of each patient), `tests`
(what was tested, what not and why). Gene lists and ranking only: no claim rests on these p-values.
"""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path

import anndata as ad
import decoupler as dc
import numpy as np
import pandas as pd
from pydeseq2.dds import DeseqDataSet
from pydeseq2.ds import DeseqStats
from pydeseq2.preprocessing import deseq2_norm

from immune_reset import tables
from immune_reset.batched_fit import BatchedInference
from immune_reset.design import Design, comparisons
from immune_reset.pseudobulk import (
    cluster_types,
    cohort_samples,
    fit_units,
    matrix,
    measured_in,
    pool,
)
from immune_reset.runtime import start

logger = logging.getLogger("test_expression")

STATUS = {1: "fold changes only", 2: "exploratory"}
COLUMNS = (
    "comparison", "cell_type", "gene_id", "symbol", "log2_fold_change", "stat", "p_value",
    "q_value", "n_pairs", "base_mean", "lfc_se", "n_up", "n_down", "status",
)  # fmt: skip
LEFT_OUT = ("unassigned", "platelet", "erythroid")
"""Labels that name no leucocyte: their cells are not compared."""

FEW = "As the residual degrees of freedom is less than 3"


def paired_units(units: pd.DataFrame, cell_type: str, baseline: str, followup: str):
    """Return the units of a type at two timepoints, of the patients that have both."""
    own = units.loc[units["cell_type"] == cell_type]
    own = own.loc[own["timepoint"].isin([baseline, followup])]
    both = own.groupby("patient")["timepoint"].transform("nunique") == 2
    return own.loc[both].sort_values(["patient", "timepoint"]).reset_index(drop=True)


def expressed(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the genes with enough counts (edgeR's filterByExpr, by timepoint)."""
    obs = counts.index.to_frame(index=False).astype(str)
    obs.index = obs.index.astype(str)
    table = ad.AnnData(counts.to_numpy(dtype=float), obs, pd.DataFrame(index=counts.columns))
    kept = dc.pp.filter_by_expr(table, group="timepoint", inplace=False)
    return counts.loc[:, np.asarray(kept)]


def patient_folds(counts: pd.DataFrame, baseline: str, followup: str) -> pd.DataFrame:
    """Return log2 fold changes, genes by patients, of counts over DESeq2's size factors, + .5."""
    normed = np.log2(np.asarray(deseq2_norm(counts.to_numpy())[0]) + 0.5)
    logs = pd.DataFrame(normed, index=counts.index, columns=counts.columns)
    after, before = (logs.xs(time, level="timepoint") for time in (followup, baseline))
    return (after - before.loc[after.index]).T


def fit_genes(counts: pd.DataFrame, baseline: str, followup: str) -> pd.DataFrame:
    """Test counts (units by genes) with PyDESeq2, `~ patient + timepoint`, follow-up over baseline.

    Love, Huber & Anders 2014. Returns by gene: log2_fold_change, stat (Wald), p_value, q_value
    (NaN where DESeq2 filters for few counts or outliers), base_mean, lfc_se.
    """
    meta = counts.index.to_frame(index=False)
    codes = {name: f"p{k}" for k, name in enumerate(dict.fromkeys(meta["patient"]))}
    meta["patient"] = meta["patient"].map(codes)
    meta["timepoint"] = meta["timepoint"].map({baseline: "before", followup: "after"})
    meta.index = [f"u{k}" for k in range(len(meta))]
    inference = BatchedInference()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=FEW, category=UserWarning)
        fitted = DeseqDataSet(
            counts=counts.set_axis(meta.index),
            metadata=meta,
            design="~patient + timepoint",
            quiet=True,
            inference=inference,
        )
        fitted.deseq2()
        contrast = ["timepoint", "after", "before"]
        wald = DeseqStats(fitted, contrast=contrast, quiet=True, inference=inference)
        wald.summary()
    names = {
        "log2FoldChange": "log2_fold_change", "stat": "stat", "pvalue": "p_value",
        "padj": "q_value", "baseMean": "base_mean", "lfcSE": "lfc_se",
    }  # fmt: skip
    return wald.results_df.rename(columns=names)[list(names.values())]


def compare_pair(counts: pd.DataFrame, baseline: str, followup: str):
    """Return (rows by gene, folds by gene and patient) of one cell type in one comparison."""
    folds = patient_folds(counts, baseline, followup)
    n_pairs = folds.shape[1]
    if n_pairs >= 2:
        rows = fit_genes(counts, baseline, followup)
    else:
        rows = pd.DataFrame({"log2_fold_change": folds.iloc[:, 0]})
        rows["base_mean"] = deseq2_norm(counts.to_numpy())[0].mean(axis=0)
    rows["n_pairs"], rows["status"] = n_pairs, STATUS.get(n_pairs, "tested")
    rows["n_up"], rows["n_down"] = (folds > 0).sum(axis=1), (folds < 0).sum(axis=1)
    rows = rows.rename_axis("gene_id").reset_index()
    long = folds.rename_axis("gene_id").reset_index()
    return rows, long.melt("gene_id", var_name="patient", value_name="log2_fold_change")


def compare_all(
    counts: pd.DataFrame,
    units: pd.DataFrame,
    genes: Mapping[str, pd.DataFrame],
    samples: pd.DataFrame,
    design: Design,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return (expression, folds, tests) over all comparisons and cell types."""
    expression, folds, told = [], [], []
    for followup, baseline, name in comparisons(design):
        for cell_type in sorted(set(units["cell_type"]) - set(LEFT_OUT)):
            keys = {"comparison": name, "cell_type": cell_type}
            own = paired_units(units, cell_type, baseline, followup)
            row = keys | {"n_pairs": own["patient"].nunique(), "n_genes": 0, "status": "not tested"}
            told.append(row)
            if own.empty:
                continue
            used = samples.merge(own[["patient", "timepoint"]], on=["patient", "timepoint"])
            measured = measured_in(genes, list(used["sample"]))
            table = matrix(counts.loc[counts["cell_type"] == cell_type], own, measured)
            table = expressed(table)
            if table.shape[1] < 2 or not (table > 0).all(axis=0).any():
                continue
            rows, long = compare_pair(table, baseline, followup)
            row |= {"n_genes": len(rows), "status": rows["status"].iloc[0]}
            expression.append(rows.assign(**keys))
            folds.append(long.assign(**keys))
            logger.info("%s, %s: %d genes, %d pairs", name, cell_type, len(rows), row["n_pairs"])
    names = ["comparison", "cell_type", "gene_id", "patient", "log2_fold_change"]
    tests = pd.DataFrame(told, columns=["comparison", "cell_type", "n_pairs", "n_genes", "status"])
    stacked = [
        pd.concat(parts, ignore_index=True) if parts else None for parts in (expression, folds)
    ]
    empty = [pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame(columns=names)]
    tested, single = (e if part is None else part for part, e in zip(stacked, empty, strict=True))
    return tested.reindex(columns=list(COLUMNS)), single[names], tests


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg = smk.params.cfg
    genes = {Path(p).parent.name: tables.read(p, ["gene_id", "symbol"]) for p in smk.input.genes}
    samples = cohort_samples(smk.params.design, set(genes))
    types = cluster_types(tables.read(smk.input.labels, ["cluster", "cell_type"]))
    counts = pool(tables.read_many(smk.input.pseudobulk), samples, types, ["gene_id"])
    sizes = pool(tables.read_many(smk.input.sizes), samples, types, [])
    units = fit_units(
        sizes, min_cells=cfg["expression.min_cells"], min_counts=cfg["expression.min_counts"]
    )
    expression, folds, tests = compare_all(counts, units, genes, samples, smk.params.design)
    symbols = pd.concat(genes.values()).drop_duplicates("gene_id").set_index("gene_id")["symbol"]
    expression["symbol"] = expression["gene_id"].map(symbols).fillna(expression["gene_id"])
    tables.write(expression, smk.output.expression)
    tables.write(folds, smk.output.folds)
    tables.write(tests, smk.output.tests)


if __name__ == "__main__":
    main(snakemake)
