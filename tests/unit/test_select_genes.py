"""Genes that vary in most samples, held against scanpy's combination of batches."""

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from anndata import AnnData
from scipy import sparse
from unit import cells_made as made

import select_genes
import summarise_genes
from immune_reset.errors import InputError

CFG = {"genes.n_top": 40, "genes.exclude_vdj": True, "genes.keep": ["TRAV1-2"]}


def summary(sample, matrix, symbols):
    matrix = sparse.csr_matrix(matrix)
    names = pd.DataFrame({"gene_id": symbols, "symbol": symbols, "n_cells": matrix.shape[0]})
    measured = [summarise_genes.count_genes(matrix), summarise_genes.dispersions(matrix)]
    table = pd.concat([names, *measured], axis=1)
    return table.assign(sample=sample)


def samples(n_genes=150):
    """Return the counts of three samples; a few genes are silent in one of them."""
    matrices = [made.programmes(90, n_genes, seed=seed, depth=0.5)[0] for seed in range(3)]
    matrices[1][:, :25] = 0
    return matrices


def select(summaries, **changes):
    arguments = {"n_top": 40, "exclude_vdj": True, "keep": ["TRAV1-2"]} | changes
    return select_genes.select(summaries, **arguments).set_index("gene_id")


@pytest.mark.parametrize("n_top", [40, 120])  # 120: also some genes below the average
def test_genes_are_those_of_scanpy_with_samples_as_batches(n_top):
    matrices = samples()
    symbols = [f"G{i}" for i in range(150)]
    stacked = pd.concat([summary(i, m, symbols) for i, m in enumerate(matrices)], ignore_index=True)
    data = AnnData(sparse.csr_matrix(np.vstack(matrices).astype(np.float64)))
    data.var_names = symbols
    data.obs["sample"] = pd.Categorical(np.repeat(["a", "b", "c"], 90))
    sc.pp.normalize_total(data, target_sum=1e4)
    sc.pp.log1p(data)
    theirs = sc.pp.highly_variable_genes(data, n_top_genes=n_top, batch_key="sample", inplace=False)
    ours = select(stacked, n_top=n_top)
    chosen = ours.index[ours["highly_variable"]]
    assert set(chosen) == set(theirs.index[theirs["highly_variable"]])
    assert ours["n_variable"].sub(theirs["highly_variable_nbatches"]).eq(0).all()
    np.testing.assert_allclose(ours["dispersion_norm"], theirs["dispersions_norm"], rtol=1e-9)


def test_a_gene_that_one_sample_lacks_is_not_a_zero_there():
    first, second, _ = samples(60)
    symbols = [f"G{i}" for i in range(60)]
    stacked = pd.concat([summary(0, first, symbols), summary(1, second[:, 1:], symbols[1:])])
    table = select(stacked)
    assert table.loc["G0", "n_samples"] == 1
    assert not table.loc["G0", "eligible"]
    assert not table.loc["G0", "highly_variable"]
    assert table.loc["G1", "n_samples"] == 2


def test_segments_and_the_car_are_left_out_and_kept_segments_stay():
    matrix = samples(60)[0]
    symbols = ["TRAV1-1", "TRAV1-2", "IGHM", "BCMA_CAR", *[f"G{i}" for i in range(56)]]
    stacked = summary(0, matrix, symbols)
    assert select(stacked)["eligible"][:4].tolist() == [False, True, True, False]
    assert select(stacked, keep=[])["eligible"][:4].tolist() == [False, False, True, False]
    assert select(stacked, exclude_vdj=False)["eligible"][:4].tolist() == [True, True, True, False]


def test_a_handful_of_cells_has_no_say_beside_large_samples():
    first, second, _ = samples(60)
    symbols = [f"G{i}" for i in range(60)]
    alone = select(summary(0, first, symbols), n_top=10)
    beside = select(
        pd.concat([summary(0, first, symbols), summary(1, second[:12], symbols)]), n_top=10
    )
    assert (alone["highly_variable"] == beside["highly_variable"]).all()
    small = select(summary(0, second[:12], symbols), n_top=10)
    assert small["highly_variable"].sum() == 10


def test_fewer_genes_than_wanted_are_all_taken():
    table = select(summary(0, samples(60)[0], [f"G{i}" for i in range(60)]), n_top=2000)
    assert table["highly_variable"].all()


def run(tmp_path, tables):
    paths = [tmp_path / f"{i}.parquet" for i in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        table.drop(columns="sample").to_parquet(path)
    out = tmp_path / "genes.parquet"
    made.run("select_genes", tmp_path, {"genes": paths}, {"genes": out}, cfg=CFG)
    return pd.read_parquet(out)


def test_the_rule_writes_the_table(tmp_path):
    symbols = [f"G{i}" for i in range(150)]
    table = run(tmp_path, [summary(0, m, symbols) for m in samples()])
    assert table["highly_variable"].sum() == 40
    assert (table["n_samples"] == 3).all()
    assert sorted(table.loc[table["highly_variable"], "rank"]) == list(range(1, 41))


def test_a_cohort_without_cells_is_refused_by_the_key_that_mends(tmp_path):
    first, second, _ = samples(60)
    symbols = [f"G{i}" for i in range(60)]
    few = [summary(0, first[:2], symbols), summary(1, second[:0], symbols)]
    with pytest.raises(
        InputError, match=r"configuration, qc: 2 cells of 2 samples are kept\. Ease"
    ):
        run(tmp_path, few)


def test_samples_that_name_genes_differently_are_refused(tmp_path):
    first, second, _ = samples(60)
    tables = [
        summary(0, first, [f"ENSG{i}" for i in range(60)]),
        summary(1, second, [f"G{i}" for i in range(60)]),
    ]
    with pytest.raises(InputError, match=r"0 genes are in every sample.*name genes alike"):
        run(tmp_path, tables)
