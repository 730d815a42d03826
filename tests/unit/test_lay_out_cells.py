"""The layout: the same on every run, and one that keeps groups apart."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score
from unit import cells_made as made

import lay_out_cells
from immune_reset.neighbors import nearest

CFG = {"layout.min_dist": 0.5, "layout.spread": 1.0, "seed": 0}


@pytest.fixture(scope="module")
def groups():
    """Three groups of 40 cells, and their neighbours."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    places = (rng.normal(size=(120, 4)) + 6 * np.eye(4)[labels]).astype(np.float32)
    return places, nearest(places, k=10), labels


def lay_out(places, found, seed=0):
    distances, neighbors = found
    return lay_out_cells.lay_out(neighbors, distances, places, min_dist=0.5, spread=1.0, seed=seed)


def test_groups_are_kept_apart(groups):
    places, found, labels = groups
    layout = lay_out(places, found)
    assert layout.shape == (120, 2)
    assert silhouette_score(layout, labels) > 0.6


def test_the_seed_alone_decides(groups):
    places, found, _ = groups
    first, again, other = (lay_out(places, found, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_a_handful_of_cells(groups, n):
    places = groups[0][5::10][:n]
    layout = lay_out(places, nearest(places, k=min(15, n)))
    assert np.isfinite(layout).all()


def test_the_rule_writes_one_row_a_cell(tmp_path, groups):
    places, found, _ = groups
    table = pd.DataFrame(places, columns=[f"dim_{i}" for i in range(4)])
    table.insert(0, "cell_id", [f"S:{i}" for i in range(120)])
    table.to_parquet(tmp_path / "embedding.parquet")
    np.savez(tmp_path / "neighbors.npz", distances=found[0], neighbors=found[1])
    inputs = {"neighbors": tmp_path / "neighbors.npz", "embedding": tmp_path / "embedding.parquet"}
    outputs = [tmp_path / f"{name}.parquet" for name in "ab"]
    for out in outputs:
        made.run("lay_out_cells", tmp_path, inputs, {"layout": out}, cfg=CFG)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    layout = pd.read_parquet(outputs[0])
    assert layout.columns.tolist() == ["cell_id", "umap_1", "umap_2"]
    assert layout["cell_id"].tolist() == table["cell_id"].tolist()


def test_cells_in_the_same_place_are_laid_out():
    places = np.zeros((40, 3))
    places[30:] += np.random.default_rng(3).normal(size=(10, 3))
    layout = lay_out(places, nearest(places, k=10))
    assert np.isfinite(layout).all()
