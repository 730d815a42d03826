"""Select the genes on which all samples are embedded together."""

import logging

import numpy as np
import pandas as pd

from immune_reset import genes, tables
from immune_reset.errors import at
from immune_reset.runtime import start

logger = logging.getLogger("select_genes")

MIN_CELLS = 50
"""Kept cells that give a sample a say, unless no sample has as many."""

FEWEST = 3
"""Kept cells of a sample below which it has no variances."""


def measured_everywhere(summaries: pd.DataFrame, *, n_samples: int) -> pd.DataFrame:
    """Return gene_id, symbol, n_samples and n_cells_by_counts of every gene, as they are met.

    A gene that a sample did not measure is not a zero there, so only genes of all `n_samples`
    can be embedded (column measured).
    """
    found = summaries.groupby("gene_id", sort=False).agg(
        symbol=("symbol", "first"),
        n_samples=("gene_id", "size"),
        n_cells_by_counts=("n_cells_by_counts", "sum"),
    )
    return found.reset_index().assign(measured=lambda table: table["n_samples"] == n_samples)


def combine(summaries: pd.DataFrame, *, n_top: int) -> pd.DataFrame:
    """Return one row a gene: in how many samples it is variable, and how variable on average.

    As `scanpy.pp.highly_variable_genes(flavor="seurat", batch_key=...)`: in each sample the
    `n_top` genes of the largest normalised dispersion are variable; genes are ranked by the
    number of such samples, ties by the mean normalised dispersion. Samples of few cells
    (`MIN_CELLS`) have no say where a sample of more exists.

    Returns
    -------
    Index gene_id; n_variable, dispersion_norm (mean over the samples with a say), rank from 1.
    """
    enough = summaries["n_cells"] >= min(MIN_CELLS, summaries["n_cells"].max())
    voters = summaries.loc[enough & summaries["dispersion_norm"].notna()].reset_index(drop=True)
    seen = voters.loc[voters["n_cells_by_counts"] > 0].groupby("sample", sort=False)
    place = seen["dispersion_norm"].rank(method="min", ascending=False)
    table = (
        voters.assign(variable=place.reindex(voters.index) <= n_top)
        .groupby("gene_id", sort=False)
        .agg(n_variable=("variable", "sum"), dispersion_norm=("dispersion_norm", "mean"))
        .sort_values(["n_variable", "dispersion_norm"], ascending=False, kind="stable")
    )
    return table.assign(rank=np.arange(1, len(table) + 1))


def select(
    summaries: pd.DataFrame, *, n_top: int, exclude_vdj: bool, keep: list[str]
) -> pd.DataFrame:
    """Return the table of genes, the `n_top` best of which are highly_variable.

    Parameters
    ----------
    summaries
        The samples' gene tables, stacked: sample, gene_id, symbol, n_cells, n_cells_by_counts,
        dispersion_norm.
    n_top
        Number of genes to select.
    exclude_vdj, keep
        Leave V, D and J segments out, apart from the symbols in `keep`. CAR transgenes are left
        out always: where the CAR is, is a finding and must not shape the clusters.

    Returns
    -------
    gene_id, symbol, n_samples (that measured it), n_cells_by_counts (over all samples), eligible,
    n_variable (samples in which it is among the `n_top`), dispersion_norm, rank (NaN where not
    eligible), highly_variable.
    """
    table = measured_everywhere(summaries, n_samples=summaries["sample"].nunique())
    excluded = genes.is_car_feature(table["symbol"]) | genes.is_car_feature(table["gene_id"])
    if exclude_vdj:
        excluded |= genes.is_vdj_segment(table["symbol"], keep=keep)
    table["eligible"] = table.pop("measured") & ~excluded
    eligible = summaries["gene_id"].isin(table.loc[table["eligible"], "gene_id"])
    ranks = combine(summaries.loc[eligible], n_top=n_top)
    table = table.merge(ranks, left_on="gene_id", right_index=True, how="left")
    table["n_variable"] = table["n_variable"].fillna(0).astype(int)
    table["highly_variable"] = (table["rank"] <= n_top) & (table["n_cells_by_counts"] > 0)
    return table


def check_kept(summaries: pd.DataFrame) -> None:
    """Refuse a cohort in which quality control keeps hardly any cell.

    Raises
    ------
    InputError
        Says how many of how many samples are left, and where it stands what removed them.
    """
    kept = summaries.groupby("sample")["n_cells"].first()
    if kept.max() < FEWEST:
        found = f"{kept.sum()} cells of {len(kept)} samples are kept"
        mend = "Ease qc (min_counts, min_genes, max_pct_mt); logs/call_cells says what removed them"
        raise at("configuration, qc", found, mend)


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg = smk.params.cfg
    summaries = pd.concat(
        [tables.read(path).assign(sample=number) for number, path in enumerate(smk.input.genes)],
        ignore_index=True,
    )
    check_kept(summaries)
    chosen = select(
        summaries,
        n_top=cfg["genes.n_top"],
        exclude_vdj=cfg["genes.exclude_vdj"],
        keep=list(cfg["genes.keep"]),
    )
    n, n_eligible = int(chosen["highly_variable"].sum()), int(chosen["eligible"].sum())
    logger.info("%d genes, %d eligible, %d selected", len(chosen), n_eligible, n)
    if n < 2:
        found = f"{n_eligible} genes are in every sample and {n} vary among the kept cells"
        mend = "Check that all samples name genes alike (ids or symbols) and keep cells in qc"
        raise at("samples.tsv, column gex", found, mend)
    tables.write(chosen, smk.output.genes)


if __name__ == "__main__":
    main(snakemake)
