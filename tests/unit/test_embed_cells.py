"""The embedding: exact principal components, aligned where there are batches."""

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from anndata import AnnData
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from unit import cells_made as made

import embed_cells
from immune_reset.errors import InputError

CFG = {
    "embedding.n_components": 10,
    "embedding.harmony": True,
    "embedding.batch_key": "sample",
    "embedding.theta": 2.0,
    "seed": 0,
}


def test_normalisation_is_scanpys_with_the_cells_whole_total():
    matrix, _ = made.programmes(30, 40, seed=0)
    data = AnnData(sparse.csr_matrix(matrix.astype(np.float64)))
    sc.pp.normalize_total(data, target_sum=1e4)
    sc.pp.log1p(data)
    some = sparse.csr_matrix(matrix[:, :7])
    ours = embed_cells.log_normalise(some, matrix.sum(axis=1).astype(float))
    np.testing.assert_allclose(ours.toarray(), data.X.toarray()[:, :7], rtol=1e-6)


def test_components_are_those_of_the_dense_matrix():
    matrix, _ = made.programmes(100, 60, seed=1)
    expression = embed_cells.log_normalise(sparse.csr_matrix(matrix), matrix.sum(axis=1) * 1.0)
    ours = embed_cells.principal_components(expression, n_components=8, seed=0)
    theirs = PCA(8, svd_solver="full").fit_transform(expression.toarray())
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)


def test_parts_are_stacked_and_let_go():
    parts = [sparse.random_array((n, 9), density=0.4, rng=n, format="csr") for n in (5, 0, 7)]
    expected = sparse.vstack(parts).toarray()
    np.testing.assert_array_equal(embed_cells.stack(parts).toarray(), expected)
    assert parts == []


@pytest.mark.parametrize("block", [7, 1 << 22])
def test_genes_are_scaled_by_their_standard_deviation_and_clipped(monkeypatch, block):
    monkeypatch.setattr(embed_cells, "BLOCK", block)
    dense = np.random.default_rng(0).gamma(1.0, 1.0, size=(400, 6))
    dense[:, 4:] = 0.0
    dense[7, 5] = 1.0  # one cell of 400: 20 standard deviations
    scaled = embed_cells.scale_genes(sparse.csr_matrix(dense)).toarray()
    expected = np.minimum(dense[:, :4] / dense[:, :4].std(axis=0), 10)
    np.testing.assert_allclose(scaled[:, :4], expected)
    assert (scaled[:, 4] == 0).all()
    assert scaled[7, 5] == 10


@pytest.mark.parametrize(("shape", "expected"), [((12, 60), 11), ((50, 4), 4)])
def test_small_cohorts_have_fewer_components(shape, expected):
    matrix = sparse.csr_matrix(np.random.default_rng(0).poisson(1.0, size=shape).astype(float))
    assert embed_cells.principal_components(matrix, n_components=30, seed=0).shape[1] == expected


def batches():
    """Return an embedding of two types in two batches that lie apart, with types and batches."""
    rng = np.random.default_rng(0)
    types, batch = np.repeat([0, 1, 0, 1], 100), np.repeat(["a", "b"], 200)
    places = rng.normal(size=(400, 5)) + np.outer(types, [20, 0, 0, 0, 0])
    return places + np.outer(batch == "b", [0, 6, 0, 0, 0]), types, pd.Series(batch)


def test_harmony_mixes_batches_and_keeps_types():
    places, types, batch = batches()
    aligned = embed_cells.align(places, batch, theta=2.0, seed=0)
    assert aligned.shape == places.shape

    def alike(where, labels):
        near = NearestNeighbors(n_neighbors=11).fit(where).kneighbors(where)[1][:, 1:]
        labels = np.asarray(labels)
        return np.mean(labels[near] == labels[:, None])

    assert alike(places, batch) > 0.95
    assert alike(aligned, batch) < 0.7
    assert alike(aligned, types) > 0.98


@pytest.mark.parametrize("batch", [["a"] * 400, None])
def test_nothing_is_aligned_with_one_batch_or_few_cells(batch):
    places, _, two = batches()
    if batch is None:  # two batches, but only 40 cells
        places, two = places[::10], two[::10]
    else:
        two = pd.Series(batch)
    assert embed_cells.align(places, two, theta=2.0, seed=0) is places


def test_batches_come_from_the_sheet():
    sheet = pd.DataFrame({"sample": ["s1", "s2"], "patient": ["P", "P"], "batch": ["x", None]})
    cells = pd.Series(["s2", "s1"])
    assert embed_cells.batch_of(cells, sheet, batch_key="sample").tolist() == ["s2", "s1"]
    assert embed_cells.batch_of(cells, sheet, batch_key="patient").tolist() == ["P", "P"]
    assert embed_cells.batch_of(cells, sheet, batch_key="batch").tolist() == ["", "x"]
    without = sheet.drop(columns="batch")
    assert embed_cells.batch_of(cells, without, batch_key="batch").nunique() == 1


def cohort(tmp_path, n_cells, keep=None):
    """Write two samples and the chosen genes; return the rule's inputs."""
    paths = {"counts": [], "cells": []}
    for seed, sample in enumerate(["S1", "S2"]):
        matrix, _ = made.programmes(n_cells, 80, seed=seed)
        path = made.count_file(tmp_path / f"{sample}.h5ad", matrix, sample=sample)
        paths["counts"].append(path)
        cells = made.cell_table(tmp_path / f"{sample}.parquet", path, keep=keep)
        paths["cells"].append(cells)
    genes = pd.DataFrame({"gene_id": [f"G{i}" for i in range(80)]})
    genes["highly_variable"] = np.arange(80) % 2 == 0
    genes.to_parquet(tmp_path / "genes.parquet")
    return paths | {"genes": tmp_path / "genes.parquet"}


def run(tmp_path, inputs, name="embedding", **cfg):
    settings = CFG | {key.replace("__", "."): value for key, value in cfg.items()}
    design = {"timepoints": ["pre", "post"], "baseline": "pre"}
    design["samples"] = [
        {"sample": "S1", "patient": "P1", "timepoint": "pre", "batch": ""},
        {"sample": "S2", "patient": "P1", "timepoint": "post", "batch": ""},
    ]
    out = tmp_path / f"{name}.parquet"
    made.run("embed_cells", tmp_path, inputs, {"embedding": out}, cfg=settings, design=design)
    return pd.read_parquet(out), out.read_bytes()


def test_two_runs_give_the_same_bytes(tmp_path):
    inputs = cohort(tmp_path, 60)
    (table, first), (_, second) = run(tmp_path, inputs), run(tmp_path, inputs, "again")
    assert first == second
    assert table.columns.tolist() == ["cell_id", *[f"dim_{i}" for i in range(1, 11)]]
    assert table["cell_id"].tolist()[60] == "S2:BC0-1"


def test_harmony_can_be_left_out(tmp_path):
    inputs = cohort(tmp_path, 60)
    (with_it, _), (without, _) = (
        run(tmp_path, inputs),
        run(tmp_path, inputs, embedding__harmony=False),
    )
    assert not np.allclose(with_it["dim_1"], without["dim_1"])
    assert np.abs(without.drop(columns="cell_id").mean()).max() < 1e-9


def test_twelve_cells_are_embedded(tmp_path):
    table, _ = run(tmp_path, cohort(tmp_path, 6))
    assert table.shape == (12, 11)


def test_no_cell_left_is_said(tmp_path):
    inputs = cohort(tmp_path, 20, keep=False)
    with pytest.raises(InputError, match="0 cells of all samples are left"):
        run(tmp_path, inputs)
