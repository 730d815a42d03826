"""Leiden clusters, named by size."""

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.metrics import adjusted_rand_score
from unit import cells_made as made

import cluster_cells

SIZES = (20, 50, 30)


def cliques():
    """Return the graph of three cliques with a weak chain between them, and their labels."""
    labels = np.repeat([0, 1, 2], SIZES)
    dense = (labels[:, None] == labels[None, :]).astype(float)
    np.fill_diagonal(dense, 0)
    for i in (19, 69):
        dense[i, i + 1] = dense[i + 1, i] = 0.1
    return sparse.csr_matrix(dense), labels


def test_cliques_are_found_and_named_from_the_largest():
    graph, labels = cliques()
    clusters = cluster_cells.cluster(graph, resolution=1.0, seed=0)
    assert adjusted_rand_score(labels, clusters) == 1.0
    assert [clusters[0], clusters[20], clusters[70]] == ["2", "0", "1"]


def test_clusters_of_one_size_are_named_by_their_first_cell():
    dense = np.kron(np.eye(3), np.ones((5, 5)) - np.eye(5))
    clusters = cluster_cells.cluster(sparse.csr_matrix(dense), resolution=1.0, seed=3)
    assert list(clusters[::5]) == ["0", "1", "2"]


def test_resolution_gives_more_clusters():
    rng = np.random.default_rng(0)
    dense = np.triu(rng.random((120, 120)) < 0.1, 1)
    graph = sparse.csr_matrix((dense | dense.T).astype(float))
    few, many = (len(set(cluster_cells.cluster(graph, resolution=r, seed=0))) for r in (0.2, 3.0))
    assert few < many


def test_two_runs_give_the_same_bytes(tmp_path):
    graph, _ = cliques()
    sparse.save_npz(tmp_path / "graph.npz", graph)
    cells = pd.DataFrame({"cell_id": [f"S:{i}" for i in range(100)]})
    cells.to_parquet(tmp_path / "cells.parquet")
    inputs = {"graph": tmp_path / "graph.npz", "cells": tmp_path / "cells.parquet"}
    written = []
    for name in "ab":
        out = tmp_path / f"{name}.parquet"
        cfg = {"clusters.resolution": 1.0, "seed": 0}
        made.run("cluster_cells", tmp_path, inputs, {"clusters": out}, cfg=cfg)
        written.append(out.read_bytes())
    assert written[0] == written[1]
    table = pd.read_parquet(tmp_path / "a.parquet")
    assert table["cell_id"].tolist() == cells["cell_id"].tolist()
    assert table["cluster"].value_counts().to_dict() == {"0": 50, "1": 30, "2": 20}
