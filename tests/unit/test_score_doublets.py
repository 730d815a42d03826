"""Scrublet scores: planted doublets stand out, and small samples are no error."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from unit import cells_made as made

import score_doublets

CFG = {
    "doublets.n_genes": 300,
    "doublets.expected_rate": None,
    "doublets.sim_ratio": 2.0,
    "doublets.n_components": 10,
    "seed": 0,
}


def score(tmp_path, matrix, **cfg):
    path = made.count_file(tmp_path / "counts.h5ad", matrix)
    out = tmp_path / "scores.parquet"
    settings = CFG | {key.replace("__", "."): value for key, value in cfg.items()}
    made.run("score_doublets", tmp_path, {"counts": path}, {"scores": out}, cfg=settings)
    return pd.read_parquet(out), out.read_bytes()


@pytest.fixture(scope="module")
def planted():
    """300 cells of three types, and 15 sums of two cells of unlike types."""
    cells, types = made.programmes(300, 600, seed=0)
    rng = np.random.default_rng(1)
    pairs = [rng.choice(np.flatnonzero(types == kind), 15) for kind in (0, 1)]
    return np.vstack([cells, cells[pairs[0]] + cells[pairs[1]]]), np.arange(315) >= 300


def test_planted_doublets_score_higher(tmp_path, planted):
    matrix, doublet = planted
    scores, _ = score(tmp_path, matrix)
    assert roc_auc_score(doublet, scores["doublet_score"]) > 0.97
    split = scores["score_split"].unique()
    assert len(split) == 1
    called = scores["doublet_score"] > split[0]
    assert called[doublet].sum() >= 13  # of 15; all of them in most draws
    assert called[~doublet].mean() < 0.05


def test_two_runs_give_the_same_bytes_and_another_seed_does_not(tmp_path, planted):
    matrix, _ = planted
    runs = [score(tmp_path, matrix, seed=seed)[1] for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_a_dozen_barcodes_are_not_scored(tmp_path, planted):
    scores, _ = score(tmp_path, planted[0][:12])
    assert len(scores) == 12
    assert scores[["doublet_score", "score_split"]].isna().all(axis=None)


def test_empty_droplets_are_not_scored_and_harm_nobody(tmp_path, planted):
    matrix = np.vstack([planted[0], np.zeros((3, 600), int)])
    scores, _ = score(tmp_path, matrix)
    assert scores["doublet_score"].isna().tolist() == [False] * 315 + [True] * 3


def test_segments_and_rare_genes_are_not_used():
    matrix = sparse.csr_matrix([[1, 1, 1], [1, 1, 0], [1, 1, 0]])
    symbols = pd.Series(["CD3D", "TRAV1-2", "RARE"])
    assert score_doublets.variable_genes(matrix, symbols, n_genes=2).tolist() == [0]


def test_scores_are_those_of_the_paper(planted):
    """Wolock 2019, written out: neighbours among simulated pairs, as a posterior probability."""
    matrix = planted[0].astype(float)
    rate, ratio, seed = 0.05, 2.0, 3
    ours, simulated = score_doublets.scrublet_scores(
        sparse.csr_matrix(matrix), rate=rate, sim_ratio=ratio, n_components=10, seed=seed
    )
    drawn = np.random.default_rng(seed).choice(315**2, 630, replace=False)
    pairs = np.column_stack(np.unravel_index(drawn, (315, 315)))
    sums = matrix[pairs[:, 0]] + matrix[pairs[:, 1]]
    scaled = [part / part.sum(axis=1, keepdims=True) * 1e6 for part in (matrix, sums)]
    centre, spread = scaled[0].mean(axis=0), scaled[0].std(axis=0)
    z = [(part - centre) / spread for part in scaled]
    axes = np.linalg.svd(z[0] - z[0].mean(axis=0), full_matrices=False)[2][:10]
    places = np.vstack([(part - z[0].mean(axis=0)) @ axes.T for part in z])
    k = round(round(0.5 * np.sqrt(315)) * (1 + ratio))
    near = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(places).kneighbors(places)[1]
    others = near != np.arange(len(near))[:, None]  # a simulated pair does not count itself
    q = (((near >= 315) & others).sum(axis=1) + 1) / (k + 2)
    score = q * rate / ratio / (1 - rate - q * (1 - rate - rate / ratio))
    assert np.mean(np.isclose(ours, score[:315], rtol=1e-6)) > 0.98  # ties of float32 apart
    assert np.mean(np.isclose(simulated, score[315:], rtol=1e-6)) > 0.98
