"""The neighbourhood graph: exact, symmetric, and UMAP's."""

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from anndata import AnnData
from scanpy.neighbors import _connectivity
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from unit import cells_made as made

import build_graph


@pytest.fixture(scope="module")
def places():
    return np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)


def test_the_graph_is_that_of_scanpys_defaults(places):
    data = AnnData(obsm={"X_pca": places}, shape=(200, 0))
    sc.pp.neighbors(data, use_rep="X_pca", n_neighbors=15)
    ours = build_graph.connect(places, n_neighbors=15)
    assert abs(ours - data.obsp["connectivities"]).max() < 1e-5
    assert (ours != ours.T).nnz == 0


def test_memberships_sum_to_the_logarithm_of_the_number_of_neighbours(places):
    distances = NearestNeighbors(n_neighbors=15).fit(places).kneighbors(places)[0]
    sums = build_graph.memberships(distances)[:, 1:].sum(axis=1)
    np.testing.assert_allclose(sums, np.log2(15), rtol=1e-6)


@pytest.mark.parametrize("copies", [0, 5, 40])
def test_the_union_is_umaps_also_of_cells_in_the_same_place(places, copies):
    twins = np.vstack([places[:60], np.repeat(places[:1], copies, axis=0)])
    distances, neighbors = NearestNeighbors(n_neighbors=10).fit(twins).kneighbors(twins)
    float_distances = distances.astype(np.float32)
    theirs = _connectivity.umap(neighbors, float_distances, n_obs=len(twins), n_neighbors=10)
    ours = build_graph.unite(neighbors, distances)
    assert abs(ours - theirs).max() < 1e-4


def test_every_exact_neighbour_is_joined(places):
    graph = build_graph.connect(places, n_neighbors=6)
    near = NearestNeighbors(n_neighbors=6).fit(places).kneighbors(places)[1][:, 1:]
    joined = graph.toarray() > 0
    assert joined[np.arange(200)[:, None], near].all()
    nearest = near[:, 0]
    np.testing.assert_allclose(graph.toarray()[np.arange(200), nearest], 1.0, atol=1e-5)


@pytest.mark.parametrize("n", [3, 12])
def test_fewer_cells_than_neighbours(places, n):
    graph = build_graph.connect(places[:n], n_neighbors=15)
    assert graph.shape == (n, n)
    assert (graph.toarray() > 0).any(axis=1).all()


def test_two_runs_give_the_same_graph_and_keep_the_cells(tmp_path, places):
    table = pd.DataFrame(places, columns=[f"dim_{i}" for i in range(5)])
    table.insert(0, "cell_id", [f"S:{i}" for i in range(200)])
    table.to_parquet(tmp_path / "embedding.parquet")
    graphs = []
    for name in "ab":
        outputs = {
            "graph": tmp_path / f"{name}.npz",
            "neighbors": tmp_path / f"{name}_neighbors.npz",
            "cells": tmp_path / f"{name}.parquet",
        }
        inputs = {"embedding": tmp_path / "embedding.parquet"}
        cfg = {"graph.n_neighbors": 15}
        made.run("build_graph", tmp_path, inputs, outputs, cfg=cfg)
        graphs.append(sparse.load_npz(outputs["graph"]))
    assert (graphs[0] != graphs[1]).nnz == 0
    assert pd.read_parquet(tmp_path / "a.parquet")["cell_id"].tolist() == table["cell_id"].tolist()
