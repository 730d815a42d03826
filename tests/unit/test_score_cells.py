"""Gene sets counted and scored in cells: pinned genes, sums by hand, AUCell, whole runs."""

from types import SimpleNamespace

import decoupler as dc
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

import score_cells
from immune_reset import counts, tables
from immune_reset.errors import InputError


class Files(dict):
    __getattr__ = dict.__getitem__


def matrix(n_cells: int = 30, n_genes: int = 60, seed: int = 1) -> counts.Counts:
    own = np.random.default_rng(seed)
    dense = own.poisson(own.gamma(0.5, 2, n_genes), (n_cells, n_genes)).astype(np.float32)
    dense[:, 3] = 0
    ids = [f"e{k:03d}" for k in own.permutation(n_genes)]
    genes = pd.DataFrame({"symbol": [f"G{i[1:]}" for i in ids]}, index=ids)
    cells = pd.DataFrame({"sample": "S"}, index=[f"S:c{k}" for k in range(n_cells)])
    return counts.Counts(sparse.csr_matrix(dense), cells, genes)


def sets() -> pd.DataFrame:
    rows = [("ISG28", f"G{k:03d}") for k in range(12)] + [("MINE", f"G{k:03d}") for k in (2, 40)]
    frame = pd.DataFrame(rows, columns=["gene_set", "symbol"])
    collection = np.where(frame["gene_set"] == "MINE", "user", "interferon")
    return frame.assign(
        former_symbol="", weight=1.0, source="x", licence="x", date="", collection=collection
    )


def gene_table(data: counts.Counts, keep: slice = slice(None)) -> pd.DataFrame:
    return data.genes.rename_axis("gene_id").reset_index().iloc[keep]


def test_pinned_genes_are_those_of_every_sample():
    data = matrix()
    pinned = score_cells.pin_genes([gene_table(data), gene_table(data, slice(10, 50))])
    assert set(pinned["gene_id"]) == set(data.genes.index[10:50])
    assert list(pinned["gene_id"]) == sorted(pinned["gene_id"])
    assert (pinned["symbol"].str[1:] == pinned["gene_id"].str[1:]).all()


def test_samples_without_a_common_gene_are_refused():
    other = pd.DataFrame({"gene_id": ["x"], "symbol": ["x"]})
    with pytest.raises(InputError, match="share no gene id"):
        score_cells.pin_genes([gene_table(matrix()), other])


def test_sums_are_those_of_the_pinned_members():
    data = matrix()
    pinned = score_cells.pin_genes([gene_table(data), gene_table(data, slice(5, 60))])
    matched = score_cells.match(sets(), pinned)
    got = score_cells.count_sets(data, pinned, matched, ["ISG28", "MINE"])
    dense = pd.DataFrame(data.matrix.toarray(), data.cells.index, data.genes["symbol"])
    inside = list(pinned["symbol"])
    assert list(got["cell_id"]) == list(data.cells.index)
    assert got["total_counts"].tolist() == dense[inside].sum(axis=1).tolist()
    for name, part in sets().groupby("gene_set"):
        members = [g for g in part["symbol"] if g in inside]
        assert got[name].tolist() == dense[members].sum(axis=1).tolist()


def test_gene_counts_hold_every_umi_of_the_sets_once():
    data = matrix()
    matched = score_cells.match(sets(), gene_table(data))
    got = score_cells.count_genes(data, matched)
    dense = pd.DataFrame(data.matrix.toarray(), data.cells.index, data.genes["symbol"])
    members = sets()["symbol"].unique()
    assert got["count"].sum() == dense[members].to_numpy().sum()
    assert (got["count"] > 0).all()
    wide = got.pivot(index="cell_id", columns="symbol", values="count").fillna(0)
    assert wide.loc["S:c4", "G002"] == dense.loc["S:c4", "G002"]


def test_aucell_is_decouplers_and_the_same_in_any_chunk(monkeypatch):
    data = matrix(40, 200)
    matched = score_cells.match(sets(), gene_table(data))
    whole = score_cells.score_aucell(data, matched, ["ISG28", "MINE"])
    monkeypatch.setattr(score_cells, "CHUNK", 7)
    chunked = score_cells.score_aucell(data, matched, ["ISG28", "MINE"])
    pd.testing.assert_frame_equal(whole, chunked)
    order = np.sort(data.genes.index)
    frame = pd.DataFrame(data.matrix.toarray(), data.cells.index, data.genes.index)[order]
    net = matched.rename(columns={"gene_set": "source", "gene_id": "target"})
    scores, _ = dc.mt.aucell(frame, net, tmin=1, empty=False)
    assert np.allclose(whole["ISG28"], scores["ISG28"])


def test_aucell_of_cells_with_fewer_genes_than_ranks_is_decouplers():
    """Genes that such a cell lacks rank among the first as well, in the order of the ties."""
    data = matrix(40, 400)
    thin = data.matrix.toarray()
    thin[np.random.default_rng(2).random(thin.shape) < np.linspace(0.5, 1, 40)[:, None]] = 0
    data = counts.Counts(sparse.csr_matrix(thin), data.cells, data.genes)
    assert (np.diff(data.matrix.indptr) < 20).any()
    matched = score_cells.match(sets(), gene_table(data))
    ours = score_cells.score_aucell(data, matched, ["ISG28", "MINE"])
    frame = pd.DataFrame(thin, data.cells.index, data.genes.index)[np.sort(data.genes.index)]
    net = matched.rename(columns={"gene_set": "source", "gene_id": "target"})
    scores, _ = dc.mt.aucell(frame, net, tmin=1, empty=False)
    assert np.allclose(ours[["ISG28", "MINE"]], scores[["ISG28", "MINE"]])


def test_aucell_of_an_independent_recovery_curve():
    own = np.random.default_rng(4)
    values = own.permutation(200).astype(np.float32)[None, :]  # no ties
    genes = pd.DataFrame({"symbol": [f"G{k:03d}" for k in range(200)]})
    genes.index = [f"e{k:03d}" for k in range(200)]
    data = counts.Counts(sparse.csr_matrix(values + 1), pd.DataFrame(index=["S:c"]), genes)
    matched = score_cells.match(sets(), genes.rename_axis("gene_id").reset_index())
    got = score_cells.score_aucell(data, matched, ["ISG28"])["ISG28"].iloc[0]
    ranks = stats.rankdata(-values[0])[:12]
    area = sum(10 - r for r in ranks if r <= 10)  # top 5 % of 200 genes
    assert got == pytest.approx(area / sum(10 - r for r in range(1, 10)))


def test_a_set_that_is_not_measured_has_no_score():
    data = matrix()
    matched = score_cells.match(sets().query("gene_set == 'MINE'"), gene_table(data))
    got = score_cells.score_aucell(data, matched, ["ISG28", "MINE"])
    assert got["ISG28"].isna().all()
    assert got["MINE"].notna().all()


@pytest.mark.parametrize(("part", "name"), [("shipped", "ISG28"), ("own", "MINE")])
def test_a_whole_run_writes_kept_cells_and_its_part_of_the_sets_alone(tmp_path, part, name):
    data = matrix()
    counts.write(data, tmp_path / "counts.h5ad")
    cells = pd.DataFrame({"cell_id": data.cells.index, "keep": [k % 3 > 0 for k in range(30)]})
    tables.write(cells, tmp_path / "cells.parquet")
    given = sets() if part == "own" else sets().query("collection != 'user'")
    tables.write(given, tmp_path / "sets.parquet")
    tables.write(gene_table(data), tmp_path / "genes.parquet")
    out = Files(
        {n: tmp_path / f"{n}.parquet" for n in ("set_counts", "gene_counts", "scores", "coverage")}
    )
    inputs = Files(
        counts=tmp_path / "counts.h5ad",
        cells=tmp_path / "cells.parquet",
        gene_sets=[tmp_path / "sets.parquet"],
        patient_genes=[tmp_path / "genes.parquet"],
    )
    wildcards = Files(sample="S", sets=part)
    smk = SimpleNamespace(input=inputs, output=out, log=[], wildcards=wildcards)
    score_cells.main(smk)
    kept = list(cells.query("keep")["cell_id"])
    assert list(tables.read(out.scores)) == ["cell_id", name]
    assert list(tables.read(out.set_counts)) == ["cell_id", "total_counts", name]
    for table in ("set_counts", "scores"):
        assert list(tables.read(out[table])["cell_id"]) == kept
    covered = tables.read(out.coverage)
    assert set(covered["sample"]) == {"S"}
    n_genes = {"ISG28": 12, "MINE": 2}[name]
    assert covered.set_index("gene_set")["n_genes_measured"].to_dict() == {name: n_genes}
    assert set(tables.read(out.gene_counts)["cell_id"]) <= set(kept)


def test_decoupler_does_not_drop_empty_genes():
    """With them dropped, ranks of a cell would depend on the other cells of its chunk."""
    data = matrix(3, 60)
    matched = score_cells.match(sets(), gene_table(data))
    one = counts.Counts(data.matrix[:1], data.cells.iloc[:1], data.genes)
    alone = score_cells.score_aucell(one, matched, ["ISG28"])["ISG28"].iloc[0]
    beside = score_cells.score_aucell(data, matched, ["ISG28"])["ISG28"].iloc[0]
    assert alone == beside
