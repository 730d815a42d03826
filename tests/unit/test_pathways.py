"""Pathway scores and changes as tables: samples, patients, what is missing and why."""

import numpy as np
import pandas as pd
import pytest

from immune_reset import pathways, shares
from immune_reset.errors import InputError

LIMITS = {"min_cells": 10, "min_counts": 20, "min_genes": 3}
GENES = pd.Series({"ISG28": 28, "TINY": 2})


def make_cells(n: dict[str, int], *, level: float = 0.02, seed: int = 1) -> pd.DataFrame:
    own = np.random.default_rng(seed)
    parts = []
    for cell_type, k in n.items():
        total = own.poisson(2000, k)
        x = own.binomial(total, level)
        parts.append(pd.DataFrame({"total_counts": total, "ISG28": x, "TINY": x // 2}))
        parts[-1]["cell_type"] = cell_type
    return pd.concat(parts, ignore_index=True)


def make_design(patients=("P1",), times=("pre", "post"), **more) -> dict:
    rows = [
        {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": 0} | more
        for p in patients
        for t in times
    ]
    return {"timepoints": list(times), "baseline": times[0], "samples": rows}


def cohort(patients=("P1",), *, fall: float = 2.0, seed: int = 1):
    cells, k = {}, seed * 100
    n = {"B": 30, "CD4 T": 60, "CD8 T": 40, "monocyte": 25, "NK": 5}
    for patient in patients:
        cells[f"{patient}_pre"] = make_cells(n, level=0.04, seed=k)
        cells[f"{patient}_post"] = make_cells(n, level=0.04 / fall, seed=k + 1)
        k += 2
    return cells, dict.fromkeys(cells, GENES), make_design(patients)


def one(table: pd.DataFrame, **where) -> pd.Series:
    rows = table.loc[np.logical_and.reduce([table[k] == v for k, v in where.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


def test_cells_without_label_are_left_out_and_cells_without_counts_are_an_error():
    counted = pd.DataFrame({"cell_id": ["a", "b", "c"], "total_counts": 9, "ISG28": 1})
    labels = pd.DataFrame({"cell_id": ["a", "c"], "sample": ["S", "R"], "cell_type": ["B", "NK"]})
    cells = pathways.cells_by_sample(counted, labels)
    assert {k: list(v["cell_id"]) for k, v in cells.items()} == {"R": ["c"], "S": ["a"]}
    with pytest.raises(InputError, match="1 of 2 labelled cells"):
        pathways.cells_by_sample(counted.head(2), labels)


def test_scores_of_a_sample_and_their_limits():
    cells, measured, design = cohort()
    scores = pathways.sample_scores(cells, measured, design, min_cells=10, min_genes=3)
    assert len(scores) == 2 * 8 * 2
    row = one(scores, sample="P1_pre", cell_type="B", gene_set="ISG28")
    own = cells["P1_pre"].query("cell_type == 'B'")
    share = (own["ISG28"].sum() + 0.5) / (own["total_counts"].sum() + 1)
    assert row["score"] == pytest.approx(np.log2(1e4 * share))
    assert (row["n_cells"], row["n_genes"], row["status"]) == (30, 28, "scorable")
    few = one(scores, sample="P1_pre", cell_type="NK", gene_set="ISG28")
    assert (few["status"], few["n_cells"]) == ("not scorable", 5)
    assert np.isnan(few["score"])
    none = one(scores, sample="P1_pre", cell_type="plasma", gene_set="ISG28")
    assert (none["status"], none["n_cells"]) == ("not scorable", 0)
    tiny = one(scores, sample="P1_pre", cell_type="B", gene_set="TINY")
    assert tiny["reason"] == "too few genes of the set measured"


def test_t_cells_are_the_cells_of_both_kinds():
    cells, measured, design = cohort()
    scores = pathways.sample_scores(cells, measured, design, min_cells=10, min_genes=3)
    assert one(scores, sample="P1_pre", cell_type="T", gene_set="ISG28")["n_cells"] == 100


def test_change_is_that_of_the_statistics_and_has_the_planted_size():
    cells, measured, design = cohort()
    table = pathways.patient_changes(cells, measured, design, **LIMITS)
    assert list(table.columns) == list(pathways.CHANGE_COLUMNS)
    row = one(table, cell_type="CD4 T", gene_set="ISG28")
    two = [
        shares.summarise(part[["ISG28"]].to_numpy(), part["total_counts"].to_numpy())
        for part in (cells[s].query("cell_type == 'CD4 T'") for s in ("P1_pre", "P1_post"))
    ]
    assert row["estimate"] == pytest.approx(shares.change(*two)["estimate"].iloc[0])
    assert row["ci_low"] < -1 < row["ci_high"]
    assert (row["scope"], row["comparison"]) == ("P1", "post vs pre")
    assert (row["n_baseline"], row["n_followup"], row["n_patients"]) == (60, 60, 1)


def test_what_cannot_be_scored_says_why_and_what_would_do():
    cells, measured, design = cohort()
    table = pathways.patient_changes(cells, measured, design, **LIMITS)
    few = one(table, cell_type="NK", gene_set="ISG28")
    assert few["status"] == "not scorable"
    assert few["reason"] == "5 cells at baseline and 5 cells at follow-up"
    assert few["enough"] == "10 cells in both samples"
    assert one(table, cell_type="B", gene_set="TINY")["reason"] == "2 genes of the set measured"
    assert np.isnan(few["estimate"])
    many = pathways.patient_changes(cells, measured, design, **LIMITS | {"min_counts": 5000})
    row = one(many, cell_type="B", gene_set="ISG28")
    assert "UMIs of the set expected at baseline" in row["reason"]
    per_cell = cells["P1_pre"].query("cell_type == 'B'")["total_counts"].mean() * 0.03
    assert int(row["enough"].split()[1]) == pytest.approx(5000 / per_cell, rel=0.05)


def test_the_largest_fall_is_a_bound_and_not_hidden():
    cells, measured, design = cohort()
    cells["P1_post"].loc[cells["P1_post"]["cell_type"] == "B", "ISG28"] = 0
    row = one(
        pathways.patient_changes(cells, measured, design, **LIMITS), cell_type="B", gene_set="ISG28"
    )
    assert (row["status"], row["reason"]) == ("bound", "no UMI of the set at follow-up")
    assert row["ci_high"] < -3
    assert np.isnan(row["ci_low"])


def test_replicates_are_pooled_as_one_sample():
    cells, measured, design = cohort()
    whole = pathways.patient_changes(cells, measured, design, **LIMITS)
    half = cells["P1_post"].index % 2 == 0
    cells["P1_again"] = cells["P1_post"].loc[~half].reset_index(drop=True)
    cells["P1_post"] = cells["P1_post"].loc[half].reset_index(drop=True)
    measured["P1_again"] = GENES
    again = {"sample": "P1_again", "patient": "P1", "timepoint": "post", "day": 0}
    design["samples"].append(again)
    pooled = pathways.patient_changes(cells, measured, design, **LIMITS)
    pd.testing.assert_frame_equal(whole, pooled)


def test_another_tissue_of_the_patient_is_not_pooled():
    cells, measured, design = cohort()
    whole = pathways.patient_changes(cells, measured, design, **LIMITS)
    cells["P1_marrow"], measured["P1_marrow"] = make_cells({"B": 50}, level=0.3), GENES
    marrow = {"sample": "P1_marrow", "patient": "P1", "timepoint": "post", "in_cohort": False}
    design["samples"].append(marrow)
    again = pathways.patient_changes(cells, measured, design, **LIMITS)
    pd.testing.assert_frame_equal(whole, again)


def test_another_patient_changes_nothing_in_ones_own_rows():
    cells, measured, design = cohort(("P1", "P2"))
    both = pathways.patient_changes(cells, measured, design, **LIMITS)
    design["samples"] = [row for row in design["samples"] if row["patient"] == "P1"]
    alone = pathways.patient_changes(cells, measured, design, **LIMITS)
    own = both.loc[both["scope"] == "P1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, alone)


def test_controls_and_missing_timepoints_make_no_comparison():
    cells, measured, design = cohort(("P1", "P2"))
    for row in design["samples"]:
        row["in_cohort"] = row["patient"] == "P1"
    table = pathways.patient_changes(cells, measured, design, **LIMITS)
    assert set(table["scope"]) == {"P1"}
    del cells["P1_post"]
    none = pathways.patient_changes(cells, measured, design, **LIMITS)
    assert none.empty
    assert list(none.columns) == list(pathways.CHANGE_COLUMNS)


def test_thinned_umis_move_no_change_beyond_its_interval():
    cells, measured, design = cohort()
    before = pathways.patient_changes(cells, measured, design, **LIMITS)
    own = np.random.default_rng(3)
    part = cells["P1_post"]
    rest = own.binomial(part["total_counts"] - part["ISG28"], 1 / 3)
    part["ISG28"] = own.binomial(part["ISG28"], 1 / 3)
    part["total_counts"] = rest + part["ISG28"]
    after = pathways.patient_changes(cells, measured, design, **LIMITS)
    rows = before["status"].eq("scorable") & after["status"].eq("scorable")
    assert rows.sum() >= 4
    inside = after["estimate"].between(before["ci_low"], before["ci_high"])
    assert inside[rows].all()
