"""Attribution of a change: it adds up, merges small types, and finds the planted cause."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import attribute_change
from immune_reset import tables


class Files(dict):
    __getattr__ = dict.__getitem__


def make_cells(n: dict[str, int], levels: dict[str, float], seed: int) -> pd.DataFrame:
    own = np.random.default_rng(seed)
    parts = []
    for kind, k in n.items():
        total = own.poisson(1500, k) + 1
        x = own.binomial(total, levels[kind])
        parts.append(pd.DataFrame({"total_counts": total, "A": x, "C": x // 3, "cell_type": kind}))
    return pd.concat(parts, ignore_index=True)


LEVELS = {"B": 0.05, "T": 0.01, "monocyte": 0.02, "pDC": 0.04, "other": 0.01}


def scores(n: dict[str, int], levels=LEVELS, seed: int = 1) -> pd.DataFrame:
    return attribute_change.linear_scores(make_cells(n, levels, seed), ["A", "C"])


def test_linear_score_by_hand_and_cells_without_umis_are_left_out():
    cells = pd.DataFrame({"total_counts": [1000, 0], "A": [5, 0], "cell_type": ["B", "B"]})
    got = attribute_change.linear_scores(cells, ["A"])
    assert got["A"].tolist() == [50]


def test_parts_add_up_to_the_change_of_the_mean():
    before = scores({"B": 40, "T": 200, "monocyte": 90, "pDC": 3, "other": 4})
    after = scores({"T": 150, "monocyte": 60, "pDC": 2, "other": 3}, seed=2)
    table = attribute_change.attribute_pair(before, after, ["A", "C"], min_cells=10)
    for name, rows in table.groupby("gene_set"):
        change = after[name].mean() - before[name].mean()
        parts = rows["within"].sum() + rows["composition"].sum()
        assert rows["total"].nunique() == 1
        assert rows["total"].iloc[0] == pytest.approx(change, rel=1e-12)
        assert parts == pytest.approx(change, rel=1e-12)


def test_small_types_are_merged_first_and_named():
    before = scores({"T": 200, "pDC": 3, "other": 4})
    after = scores({"T": 150, "pDC": 2, "other": 3}, seed=2)
    table = attribute_change.attribute_pair(before, after, ["A"], min_cells=10)
    row = table.set_index("cell_type").loc["other types"]
    assert (row["n_baseline"], row["n_followup"], row["types"]) == (7, 5, "other;pDC")
    assert set(table["cell_type"]) == {"T", "other types"}


def test_types_are_merged_by_their_cells_at_both_times_together():
    before, after = pd.Series(["B"] * 6 + ["T"] * 200), pd.Series(["B"] * 4 + ["pDC"] * 9)
    groups = attribute_change.merge_small(before, after, min_cells=10)
    assert groups == {"B": "B", "T": "T", "pDC": "other types"}


def test_lost_b_cells_are_composition_alone():
    before = scores({"B": 60, "T": 240})
    after = scores({"T": 240}, seed=2)
    row = attribute_change.attribute_pair(before, after, ["A"], min_cells=10)
    b = row.set_index("cell_type").loc["B"]
    assert b["within"] == 0
    assert b["composition"] < -20
    assert np.isnan(b["mean_followup"])


def test_a_fall_in_every_cell_is_within_cells():
    low = {kind: level / 4 for kind, level in LEVELS.items()}
    n = {"B": 60, "T": 240, "monocyte": 80}
    table = attribute_change.attribute_pair(scores(n), scores(n, low, 2), ["A"], min_cells=10)
    assert table["within"].sum() == pytest.approx(table["total"].iloc[0], rel=1e-9)
    assert (table["composition"].abs() < 1e-9).all()


def test_a_whole_run(tmp_path):
    parts, labels = [], []
    for k, sample in enumerate(("P1_pre", "P1_post", "P2_pre")):
        cells = make_cells({"B": 20, "T": 80}, LEVELS, k)
        ids = [f"{sample}:{i}" for i in range(len(cells))]
        path = tmp_path / f"{sample}.parquet"
        tables.write(cells.drop(columns="cell_type").assign(cell_id=ids), path)
        parts.append(path)
        labels.append(cells[["cell_type"]].assign(cell_id=ids, sample=sample))
    tables.write(pd.concat(labels), tmp_path / "labels.parquet")
    samples = [
        {"sample": s, "patient": s[:2], "timepoint": s[3:], "day": 0}
        for s in ("P1_pre", "P1_post", "P2_pre")
    ]
    design = {"timepoints": ["pre", "post"], "baseline": "pre", "samples": samples}
    smk = SimpleNamespace(
        input=Files(set_counts=parts, labels=tmp_path / "labels.parquet"),
        output=Files(attribution=tmp_path / "attribution.tsv"),
        params=Files(cfg={"pathways.min_cells": 10}, design=design),
        log=[],
    )
    attribute_change.main(smk)
    table = tables.read(tmp_path / "attribution.tsv")
    assert set(table["patient"]) == {"P1"}
    assert len(table) == 2 * 2
    sums = table.groupby("gene_set")[["within", "composition"]].sum().sum(axis=1)
    assert np.allclose(sums, table.groupby("gene_set")["total"].first(), rtol=1e-12)
