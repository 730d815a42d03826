"""Shares and their change, against hand arithmetic and scipy."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from unit.annotation_jobs import job

import compare_composition
from immune_reset import composition, tables
from immune_reset.errors import InputError
from immune_reset.intervals import share_ratio

LIMITS = {"level": 0.95, "min_expected": 5}


def plan(patients=("P1",), times=("pre", "post"), extra=()):
    rows = [
        {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "in_cohort": True}
        for p in patients
        for t in times
    ]
    return {"timepoints": list(times), "baseline": times[0], "samples": [*rows, *extra]}


def cells(numbers):
    """Labels from {sample: {(type, subtype): cells}}."""
    rows = []
    for sample, kinds in numbers.items():
        for (kind, subtype), n in kinds.items():
            rows += [(sample, kind, subtype)] * n
    frame = pd.DataFrame(rows, columns=["sample", "cell_type", "cell_subtype"])
    frame.insert(0, "cell_id", [f"{s}:{i}" for i, s in enumerate(frame["sample"])])
    return frame


BEFORE = {("B", "naive B"): 30, ("B", "memory B"): 70, ("plasma", "plasmablast"): 10,
          ("CD4 T", "Treg"): 200, ("NK", "NK"): 190}  # fmt: skip
AFTER = {("CD4 T", "Treg"): 250, ("NK", "NK"): 240, ("B", "naive B"): 10}


def changes(numbers, design, car=None):
    samples = [row["sample"] for row in design["samples"]]
    counted = composition.count_parts(cells(numbers), car, samples)
    return compare_composition.all_changes(counted, design, **LIMITS)


def one(frame, cell_type, scope="P1"):
    rows = frame[(frame["cell_type"] == cell_type) & (frame["scope"] == scope)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_shares_have_their_own_denominators_and_zeros():
    labels = cells({"P1_pre": BEFORE, "P1_post": AFTER})
    counted = composition.count_parts(labels, None, ["P1_pre", "P1_post"])
    samples = pd.DataFrame(plan()["samples"])
    table = composition.shares(counted, samples, level=0.95).set_index(["sample", "cell_type"])
    naive = table.loc["P1_pre", "naive B"]
    assert (naive.n_cells, naive.n_total, naive.fraction) == (30, 100, 0.3)
    assert naive.denominator == "cells of type B" and naive.level == "cell_subtype"
    wilson = stats.binomtest(30, 100).proportion_ci(method="wilson")
    assert (naive.ci_low, naive.ci_high) == pytest.approx((wilson.low, wilson.high))
    gone = table.loc["P1_post", "plasma"]
    assert (gone.n_cells, gone.fraction, gone.denominator) == (0, 0, "all cells")
    assert math.isnan(table.loc["P1_post", "plasmablast"].fraction)  # no plasma cell to share
    kinds = table[table["level"] == "cell_type"]
    assert kinds.groupby(level=0)["fraction"].sum().tolist() == pytest.approx([1, 1])
    assert ("P1_pre", "NK") in table.index and table.index.is_unique  # NK is no subtype of itself


def test_a_change_is_the_ratio_of_shares_with_its_counts():
    row = one(changes({"P1_pre": BEFORE, "P1_post": AFTER}, plan()), "B")
    expected = share_ratio(100, 500, 10, 500)
    assert (row.n_baseline, row.total_baseline, row.n_followup) == (100, 500, 10)
    assert row.estimate == pytest.approx(math.log2(0.1)) == expected.estimate
    assert (row.ci_low, row.ci_high, row.p_value) == pytest.approx(expected[1:4])
    assert row.status == "estimable" and row.denominator == "all cells"


def test_depletion_lifts_the_others_by_arithmetic_alone():
    """NK: 190 of 500 to 240 of 500, but 190 of 390 to 240 of 490 of what is no B lineage."""
    row = one(changes({"P1_pre": BEFORE, "P1_post": AFTER}, plan()), "NK")
    assert row.estimate == pytest.approx(math.log2(240 / 190))
    assert row.ci_low > 0
    assert row.estimate_without_b == pytest.approx(math.log2((240 / 490) / (190 / 390)))
    assert row.ci_low_without_b < 0 < row.ci_high_without_b
    b_cells = one(changes({"P1_pre": BEFORE, "P1_post": AFTER}, plan()), "B")
    assert pd.isna(b_cells.estimate_without_b)


def test_a_type_that_vanished_has_a_bound_and_no_point():
    row = one(changes({"P1_pre": BEFORE, "P1_post": AFTER}, plan()), "plasma")
    assert row.status == "bound" and math.isnan(row.estimate) and math.isnan(row.ci_low)
    assert row.ci_high < 0 and row.detail == "no cell at one time"
    few = one(changes({"P1_pre": BEFORE, "P1_post": AFTER}, plan()), "plasmablast")
    assert few.status == "not estimable" and few.detail == "no cells to take a share of"


def test_replicates_are_pooled_and_others_left_out():
    extra = [
        {"sample": "P1_again", "patient": "P1", "timepoint": "post", "in_cohort": True},
        {"sample": "P1_skin", "patient": "P1", "timepoint": "post", "in_cohort": False},
        {"sample": "C1", "patient": "C1", "timepoint": "pre", "in_cohort": False},
        {"sample": "P2_pre", "patient": "P2", "timepoint": "pre", "in_cohort": True},
    ]
    numbers = {"P1_pre": BEFORE, "P1_post": AFTER, "P1_again": AFTER}
    numbers |= {"P1_skin": {("B", "naive B"): 900}, "C1": BEFORE, "P2_pre": BEFORE}
    found = changes(numbers, plan(extra=extra))
    assert set(found["scope"]) == {"P1", "cohort"}
    row = one(found, "B")
    assert (row.n_followup, row.total_followup) == (20, 1000)


def test_car_is_a_share_of_the_t_cells_that_were_asked():
    labels = cells({"P1_pre": BEFORE, "P1_post": AFTER})
    t_cells = labels[labels["cell_type"] == "CD4 T"]
    car = t_cells[["cell_id"]].assign(car=t_cells["sample"] == "P1_post", car_umis=0)
    car.loc[car.index[-50:], "car"] = False
    row = one(changes({"P1_pre": BEFORE, "P1_post": AFTER}, plan(), car), "CAR T")
    assert (row.n_baseline, row.total_baseline) == (0, 200)
    assert (row.n_followup, row.total_followup) == (200, 250)
    assert row.status == "bound" and row.ci_low > 0 and row.denominator == "T cells"


def cohort_of(n, followups):
    patients = [f"P{i}" for i in range(n)]
    numbers = {f"{p}_pre": {("B", ""): 100, ("NK", ""): 400} for p in patients}
    for p, b in zip(patients, followups, strict=True):
        numbers[f"{p}_post"] = {("B", ""): b, ("NK", ""): 500 - b}
    return changes(numbers, plan(patients))


def test_the_cohorts_row_is_a_paired_t_over_patients():
    row = one(cohort_of(4, [20, 50, 30, 10]), "B", "cohort")
    d = np.log2(np.array([20, 50, 30, 10]) / 100)
    expected = stats.ttest_1samp(d, 0)
    interval = expected.confidence_interval(0.95)
    assert row.estimate == pytest.approx(d.mean())
    assert (row.ci_low, row.ci_high) == pytest.approx((interval.low, interval.high))
    assert row.p_value == pytest.approx(expected.pvalue)
    assert row.p_floor == pytest.approx(2 / 2**4) == row.p_sign_flip
    assert (row.n_patients, row.n_decreased, row.status) == (4, 4, "estimable")


def test_two_patients_have_no_p():
    row = one(cohort_of(2, [20, 50]), "B", "cohort")
    assert row.status == "not estimable" and math.isnan(row.p_value) and math.isnan(row.ci_low)
    assert row.estimate == pytest.approx(np.log2([0.2, 0.5]).mean())
    assert row.detail.startswith("2 of 2 patients decreased, 0 increased; 2 patients have a ratio")


def test_a_type_gone_in_everyone_is_counted_by_patient():
    row = one(cohort_of(3, [0, 0, 0]), "B", "cohort")
    assert row.status == "not estimable" and math.isnan(row.estimate) and row.n_decreased == 3


def test_no_comparison_gives_an_empty_table():
    found = changes({"P1_pre": BEFORE}, plan(times=("pre",)))
    assert found.empty and {"scope", "estimate", "status", "denominator"} <= set(found.columns)


def test_the_script_reads_kept_cells_and_refuses_unlabelled_ones(tmp_path):
    labels = cells({"P1_pre": BEFORE, "P1_post": AFTER})
    inputs = {"labels": tmp_path / "labels.parquet", "cells": []}
    tables.write(labels, inputs["labels"])
    for sample, part in labels.groupby("sample"):
        path = tmp_path / f"{sample}.parquet"
        keep = np.arange(len(part)) > 0
        tables.write(part[["cell_id"]].assign(keep=keep), path)
        inputs["cells"].append(path)
    outputs = {"composition": tmp_path / "t" / "composition.tsv"}
    outputs["change"] = tmp_path / "t" / "composition_change.tsv"
    cfg = {"claims.alpha": 0.05, "composition.min_expected": 5}
    compare_composition.main(job(inputs, outputs, cfg=cfg, design=plan()))
    table = tables.read(outputs["composition"])
    assert table.loc[table["level"] == "cell_type", "n_cells"].sum() == len(labels) - 2
    assert len(tables.read(outputs["change"]))
    tables.write(labels.iloc[:-5], inputs["labels"])
    with pytest.raises(InputError, match="5 kept cells have no label"):
        compare_composition.main(job(inputs, outputs, cfg=cfg, design=plan()))
