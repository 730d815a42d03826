"""Enrichment: the score by an own running sum, the weighted sets by regression, the signs."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import enrich_pathways
from immune_reset import tables

SETTINGS = {"min_size": 5, "max_size": 100, "permutations": 200, "seed": 1}


class Files(dict):
    __getattr__ = dict.__getitem__


def ranking(n: int = 300, seed: int = 2) -> pd.Series:
    own = np.random.default_rng(seed)
    values = pd.Series(own.normal(size=n), index=[f"g{k:03d}" for k in range(n)])
    values.iloc[:15] -= 2.5
    return values.sort_values(ascending=False)


def running_sum(ranked: pd.Series, genes: list[str]) -> float:
    """Subramanian et al. 2005: the largest deviation of the weighted running sum."""
    inside = ranked.index.isin(genes)
    hits = np.where(inside, ranked.abs(), 0)
    walk = np.cumsum(hits / hits.sum() - ~inside / (~inside).sum())
    return walk[np.argmax(np.abs(walk))]


MEMBERS = {
    "LOW": [f"g{k:03d}" for k in range(15)],
    "FLAT": [f"g{k:03d}" for k in range(100, 140)],
    "SMALL": ["g001", "g002"],
}


def test_score_agrees_with_an_own_running_sum():
    ranked = ranking()
    got = enrich_pathways.prerank(ranked, MEMBERS, **SETTINGS).set_index("gene_set")
    assert set(got.index) == {"LOW", "FLAT"}
    for name in ("LOW", "FLAT"):
        assert got.loc[name, "es"] == pytest.approx(running_sum(ranked, MEMBERS[name]), abs=1e-6)
    assert got.loc["LOW", "nes"] < -1.5
    assert got.loc["LOW", "q_value"] < 0.05 < got.loc["FLAT", "q_value"]
    assert got.loc["LOW", "n_genes"] == 15
    assert set(got.loc["LOW", "leading_edge"].split(";")) <= set(MEMBERS["LOW"])


def test_no_p_value_is_smaller_than_the_permutations_can_show():
    got = enrich_pathways.prerank(ranking(), MEMBERS, **SETTINGS)
    assert got[["p_value", "q_value"]].min().min() >= 1 / 201


def test_the_seed_alone_decides_the_permutations():
    one, again = (enrich_pathways.prerank(ranking(), MEMBERS, **SETTINGS) for _ in range(2))
    pd.testing.assert_frame_equal(one, again)


def test_weighted_set_agrees_with_a_regression_over_all_genes():
    ranked = ranking()
    genes = [f"g{k:03d}" for k in range(40)]
    weights = np.random.default_rng(3).normal(2, 3, 40)
    net = pd.DataFrame({"gene_set": "W", "gene_id": genes, "weight": weights})
    got = enrich_pathways.fit_weights(ranked, net, min_size=5).iloc[0]
    x = pd.Series(weights, index=genes).reindex(ranked.index).fillna(0)
    fit = stats.linregress(x, ranked)
    assert got["es"] == pytest.approx(fit.slope / fit.stderr, rel=1e-6)
    assert got["p_value"] == pytest.approx(fit.pvalue, rel=1e-6)
    assert got["n_genes"] == 40


def expression_rows(ranked: pd.Series, *, stat: bool = True) -> pd.DataFrame:
    frame = pd.DataFrame({"gene_id": ranked.index, "log2_fold_change": ranked.to_numpy() / 2})
    frame["symbol"] = frame["gene_id"].str.upper()
    frame["stat"] = ranked.to_numpy() if stat else np.nan
    keys = {"comparison": "post vs pre", "cell_type": "B", "n_pairs": 2, "status": "exploratory"}
    return frame.assign(**keys)


def fold_rows(ranked: pd.Series) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"gene_id": ranked.index, "log2_fold_change": sign * ranked.to_numpy()})
        for sign in (1, 1, -1)
    ]
    parts = [part.assign(patient=f"P{k}") for k, part in enumerate(parts)]
    return pd.concat(parts).assign(comparison="post vs pre", cell_type="B")


def set_table() -> pd.DataFrame:
    rows = [(name, gene.upper(), 1.0) for name in ("LOW", "FLAT") for gene in MEMBERS[name]]
    rows += [("W", gene.upper(), 2.0 + k) for k, gene in enumerate(MEMBERS["LOW"])]
    frame = pd.DataFrame(rows, columns=["gene_set", "symbol", "weight"])
    told = {"source": "made", "licence": "none", "date": "2026"}
    return frame.assign(former_symbol="", collection="user", **told)


def test_signs_are_counted_over_patients_and_edges_named_by_symbol():
    ranked = ranking()
    rows = enrich_pathways.enrich(
        expression_rows(ranked), fold_rows(ranked), set_table(), **SETTINGS
    )
    rows = rows.set_index("gene_set")
    assert rows.loc["LOW", "sign_count"] == 2
    assert rows.loc["LOW", "n_pairs"] == 3
    assert rows.loc["LOW", "leading_edge"].startswith("G0")
    assert rows.loc["LOW", "ranked_by"] == "stat"
    assert rows.loc["W", "method"] == "ulm"
    assert rows.loc["W", "es"] < 0
    assert rows.loc["W", "sign_count"] == 2


def test_without_a_statistic_genes_are_ranked_by_fold_change():
    ranked, by = enrich_pathways.rank_genes(expression_rows(ranking(), stat=False))
    assert by == "log2_fold_change"
    assert ranked.is_monotonic_decreasing


def test_ties_are_ordered_by_gene():
    rows = expression_rows(pd.Series([0.0, 1.0, 0.0], index=["b", "c", "a"]))
    assert list(enrich_pathways.rank_genes(rows)[0].index) == ["c", "a", "b"]


@pytest.mark.parametrize("sets", ["shipped", "own"])
def test_a_whole_run_and_one_without_expression(tmp_path, sets):
    ranked = ranking()
    files = {"expression": expression_rows(ranked), "folds": fold_rows(ranked)}
    files["gene_sets"] = given = set_table()
    names = {"expression": "e.tsv", "folds": "f.parquet", "gene_sets": "s.tsv"}
    if sets == "own":  # of the cohort's sets, one is the user's
        names["gene_sets"] = "s.parquet"
        first = given["gene_set"] == given["gene_set"].iloc[0]
        files["gene_sets"] = given.assign(collection=np.where(first, "user", "other"))
    cfg = {"expression.min_set_size": 5, "expression.max_set_size": 100}
    cfg |= {"expression.permutations": 100, "seed": 3}
    for rows in (len(ranked), 0):
        for name, frame in files.items():
            part = frame if name == "gene_sets" else frame.iloc[: rows * 3]
            tables.write(part, tmp_path / names[name])
        places = {name: tmp_path / file for name, file in names.items()}
        smk = SimpleNamespace(
            input=Files(places | {"gene_sets": [places["gene_sets"]]}),
            output=Files(enrichment=tmp_path / "enrichment.parquet"),
            wildcards=SimpleNamespace(sets=sets),
            params=Files(cfg=cfg, design=None),
            log=[],
        )
        enrich_pathways.main(smk)
        table = tables.read(tmp_path / "enrichment.parquet")
        assert list(table) == list(enrich_pathways.COLUMNS)
        assert len(table) == ({"shipped": 3, "own": 1}[sets] if rows else 0)
