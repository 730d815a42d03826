"""Rank the genes of each comparison and test gene sets for enrichment at the ends.

Inputs: `expression` (tables/expression.tsv), `folds` (each patient's log2 fold changes) and
`gene_sets`, of which one part is tested (wildcard `sets`: shipped, own; `gene_sets.of_part`): a
set that is added changes no false discovery rate of another. Output: `enrichment`, methods prerank
(GSEA) and ulm (weighted sets).
"""

import logging

import decoupler as dc
import gseapy
import numpy as np
import pandas as pd
from scipy import stats

from immune_reset import tables
from immune_reset.gene_sets import match, of_part
from immune_reset.runtime import start

logger = logging.getLogger("enrich_pathways")

COLUMNS = (
    "comparison", "cell_type", "gene_set", "method", "es", "nes", "p_value", "q_value", "n_genes",
    "leading_edge", "sign_count", "n_pairs", "ranked_by", "status",
)  # fmt: skip


def rank_genes(rows: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return the ranking of one comparison and cell type, by gene id, and what it is by.

    The Wald statistic; where there is none (one pair) the log2 fold change. Ordered from high to
    low, ties by gene id; genes without a number are left out.
    """
    by = "stat" if rows["stat"].notna().any() else "log2_fold_change"
    ranking = rows.set_index("gene_id")[by].astype(float).dropna().sort_index()
    return ranking.sort_values(ascending=False, kind="stable"), by


def prerank(
    ranking: pd.Series,
    members: dict[str, list[str]],
    *,
    min_size: int,
    max_size: int,
    permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Run GSEA on a ranking (Subramanian 2005; gseapy.prerank, genes permuted, weight 1).

    Returns gene_set, es, nes, p_value, q_value, n_genes, leading_edge (gene ids, by ";"). Sets
    with fewer than `min_size` or more than `max_size` ranked genes are left out.
    """
    inside = {name: ranking.index.intersection(genes) for name, genes in members.items()}
    sized = {k: list(v) for k, v in inside.items() if min_size <= len(v) <= max_size}
    if not sized:
        return pd.DataFrame()
    result = gseapy.prerank(
        rnk=ranking.rename("stat").rename_axis("gene").reset_index(),
        gene_sets=sized,
        min_size=1,
        max_size=len(ranking),
        permutation_num=permutations,
        seed=seed,
        threads=1,
        outdir=None,
        no_plot=True,
        verbose=False,
    ).res2d
    columns = {"Term": "gene_set", "ES": "es", "NES": "nes", "NOM p-val": "p_value"}
    columns |= {"FDR q-val": "q_value", "Lead_genes": "leading_edge"}
    frame = result.rename(columns=columns)[list(columns.values())].reset_index(drop=True)
    frame["n_genes"] = frame["gene_set"].map({name: len(genes) for name, genes in sized.items()})
    numbers = ["es", "nes", "p_value", "q_value"]
    frame[numbers] = frame[numbers].astype(float)
    # 0 says that no permutation reached it: the smallest value that they can show stands instead
    least = 1 / (permutations + 1)
    frame[["p_value", "q_value"]] = frame[["p_value", "q_value"]].clip(lower=least)
    return frame.assign(method="prerank")


def fit_weights(ranking: pd.Series, net: pd.DataFrame, *, min_size: int) -> pd.DataFrame:
    """Fit each weighted set's weights to a ranking (decoupler's ulm): es is the slope's t.

    `net` has gene_set, gene_id, weight. Returns gene_set, es, p_value, n_genes.
    """
    inside = net.loc[net["gene_id"].isin(ranking.index)]
    size = inside["gene_set"].value_counts()
    inside = inside.loc[inside["gene_set"].isin(size.index[size >= min_size])]
    if inside.empty:
        return pd.DataFrame()
    links = inside.rename(columns={"gene_set": "source", "gene_id": "target"})
    data = ranking.rename("ranking").to_frame().T
    es, _ = dc.mt.ulm(data, links[["source", "target", "weight"]], tmin=1, empty=False)
    names = list(es.columns)
    frame = pd.DataFrame({"gene_set": names, "es": es.iloc[0].to_numpy()})
    frame["p_value"] = 2 * stats.t.sf(frame["es"].abs(), len(ranking) - 2)
    frame["n_genes"] = frame["gene_set"].map(size).to_numpy()
    return frame.assign(method="ulm")


def sign_counts(rows: pd.DataFrame, folds: pd.DataFrame, net: pd.DataFrame) -> pd.Series:
    """Return in how many patients a set's mean fold change has the sign of its score `es`.

    `folds` is genes by patients; the mean is weighted by the set's weights.
    """
    inside = net.loc[net["gene_id"].isin(folds.index)]
    weighted = folds.loc[inside["gene_id"]].mul(inside["weight"].to_numpy(), axis=0)
    means = weighted.groupby(inside["gene_set"].to_numpy()).mean().reindex(rows["gene_set"])
    same = np.sign(means.to_numpy()) == np.sign(rows["es"].to_numpy(dtype=float))[:, None]
    return pd.Series(same.sum(axis=1), index=rows.index, dtype=int)


def enrich(
    rows: pd.DataFrame, folds: pd.DataFrame, sets: pd.DataFrame, **settings: int
) -> pd.DataFrame:
    """Test all sets on one comparison and cell type; columns as `COLUMNS` less the two keys.

    `rows` are its genes, `folds` its folds (gene_id, patient, log2_fold_change); `settings` are
    those of `prerank`.
    """
    ranking, by = rank_genes(rows)
    net = match(sets, rows)
    symbols = rows.drop_duplicates("gene_id").set_index("gene_id")["symbol"]
    weighted = net.groupby("gene_set")["weight"].transform(lambda w: (w != 1).any())
    members = {name: list(part["gene_id"]) for name, part in net[~weighted].groupby("gene_set")}
    parts = [prerank(ranking, members, **settings)]
    parts.append(fit_weights(ranking, net[weighted], min_size=settings["min_size"]))
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS[2:]))
    wide = folds.pivot(index="gene_id", columns="patient", values="log2_fold_change")
    table["sign_count"], table["n_pairs"] = sign_counts(table, wide, net), wide.shape[1]
    edges = table["leading_edge"].fillna("").str.split(";")
    table["leading_edge"] = [";".join(symbols.get(gene, gene) for gene in edge) for edge in edges]
    return table.assign(ranked_by=by, status=rows["status"].iloc[0])


def enrich_all(
    expression: pd.DataFrame, folds: pd.DataFrame, sets: pd.DataFrame, **settings: int
) -> pd.DataFrame:
    """Return the enrichment of every comparison and cell type that has a ranking."""
    keys = ["comparison", "cell_type"]
    by_key = dict(list(folds.groupby(keys)))
    parts = []
    for key, rows in expression.groupby(keys, sort=False):
        part = enrich(rows, by_key[key], sets, **settings)
        parts.append(part.assign(comparison=key[0], cell_type=key[1]))
        logger.info("%s, %s: %d sets tested", *key, len(part))
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    cfg, given = smk.params.cfg, {path: tables.read(path) for path in smk.input.gene_sets}
    enrichment = enrich_all(
        tables.read(smk.input.expression),
        tables.read(smk.input.folds),
        of_part(smk.wildcards.sets, given),
        min_size=cfg["expression.min_set_size"],
        max_size=cfg["expression.max_set_size"],
        permutations=cfg["expression.permutations"],
        seed=cfg["seed"],
    )
    tables.write(enrichment, smk.output.enrichment)


if __name__ == "__main__":
    main(snakemake)
