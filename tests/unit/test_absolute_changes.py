"""Cells per microlitre beside the change of a share."""

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from immune_reset import absolute_changes, composition, design
from immune_reset.absolute_changes import CHANGE, number_words, only_the_share
from immune_reset.judge import Cohort
from immune_reset.judge_shares import composition_findings

NAME = "post vs pre"


def plan(patients=("P1", "P2", "P3")):
    rows = [
        {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": None, "in_cohort": True}
        for p in patients
        for t in ("pre", "post")
    ]
    return {"baseline": "pre", "timepoints": ["pre", "post"], "samples": rows}


def cells(numbers):
    """Labels of {sample: {cell type: cells}}."""
    rows = [
        (f"{sample}:{kind}:{i}", sample, kind, "")
        for sample, kinds in numbers.items()
        for kind, n in kinds.items()
        for i in range(n)
    ]
    return pd.DataFrame(rows, columns=["cell_id", "sample", "cell_type", "cell_subtype"])


def changes(numbers, counts, plan):
    samples = design.frame(plan)
    parts = composition.count_parts(cells(numbers), None, samples["sample"].tolist())
    patients = composition.patient_changes(parts, plan, level=0.95, min_expected=5)
    cohort = composition.cohort_changes(patients, level=0.95)
    table = pd.concat([patients.astype(object), cohort.astype(object)]).infer_objects()
    index = pd.MultiIndex.from_tuples(list(counts), names=["patient", "timepoint"])
    blood = pd.DataFrame({"lymphocyte_count": list(counts.values())}, index=index)
    blood["monocyte_count"] = np.nan
    levels = absolute_changes.levels(parts, samples, blood, level=0.95)
    return absolute_changes.add_numbers(table, levels, plan, level=0.95)


SHARES = {"pre": {"B": 50, "CD4 T": 150, "monocyte": 100}, "post": {"CD4 T": 200, "monocyte": 100}}
COUNTS = {(p, t): n for p in ("P1", "P2", "P3") for t, n in (("pre", 1000.0), ("post", 600.0))}


def three(**other):
    return {f"{p}_{t}": other.get(p, SHARES)[t] for p in ("P1", "P2", "P3") for t in SHARES}


def test_the_number_falls_though_the_share_rises():
    table = changes(three(), COUNTS, plan()).set_index(["scope", "cell_type"])
    row = table.loc[("P1", "CD4 T")]
    # 150 of 200 lymphocytes at 1,000 per uL, then 200 of 200 at 600
    assert row[CHANGE[:3]].tolist() == [750.0, 600.0, -150.0]
    low0, high0 = proportion_confint(150, 200, method="wilson")
    low1, high1 = proportion_confint(200, 200, method="wilson")
    lower = -150 - math.hypot(600 - 600 * low1, 1000 * high0 - 750)
    upper = -150 + math.hypot(600 * high1 - 600, 750 - 1000 * low0)
    assert row[CHANGE[3:]].tolist() == pytest.approx([lower, upper])
    assert row["estimate"] == pytest.approx(math.log2((200 / 300) / (150 / 300)))
    # what B cells leave: all of it, and 250 of 300 before
    assert row["arithmetic"] == pytest.approx(math.log2(300 / 250))
    assert row["estimate"] - row["estimate_without_b"] == pytest.approx(row["arithmetic"])
    assert np.isnan(table.loc[("P1", "B"), "arithmetic"])
    assert np.isnan(table.loc[("P1", "monocyte"), "cells_per_ul_change"])  # no monocyte count


def test_the_cohort_is_the_mean_over_patients_with_counts():
    counts = {key: n for key, n in COUNTS.items() if key != ("P3", "post")} | {
        ("P2", "post"): 1200.0
    }
    table = changes(three(), counts, plan()).set_index(["scope", "cell_type"])
    row = table.loc[("cohort", "CD4 T")]
    assert row["n_patients_per_ul"] == 2
    assert row[CHANGE[:3]].tolist() == [750.0, 900.0, 150.0]  # -150 and +450
    assert np.isnan(row["cells_per_ul_change_low"])  # two patients
    row = (
        changes(three(), COUNTS | {("P2", "post"): 1200.0}, plan())
        .set_index(["scope", "cell_type"])
        .loc[("cohort", "CD4 T")]
    )
    half = 4.302652729911275 * np.std([-150, 450, -150], ddof=1) / math.sqrt(3)
    assert row[CHANGE[3:]].tolist() == pytest.approx([50 - half, 50 + half])


def test_replicates_are_pooled_by_cells():
    one = plan(("P1",))
    one["samples"].append(one["samples"][1] | {"sample": "P1_post_2"})
    numbers = {
        "P1_pre": SHARES["pre"],
        "P1_post": {"B": 10, "CD4 T": 90},
        "P1_post_2": {"B": 30, "CD4 T": 70},
    }
    table = changes(numbers, {("P1", "pre"): 1000.0, ("P1", "post"): 500.0}, one)
    row = table.set_index(["scope", "cell_type"]).loc[("P1", "B")]
    assert row[CHANGE[:3]].tolist() == [250.0, 100.0, -150.0]


def test_without_counts_there_is_no_number_and_no_word():
    table = changes(three(), {("P9", "pre"): 1.0}, plan())
    assert table[CHANGE].isna().all(axis=None)
    found = composition_findings(table, Cohort(plan()), minimum=0.58)
    assert not any("in number" in f.detail or f.if_changed for f in found)


def test_the_claim_says_what_became_of_the_number():
    counts = COUNTS | {("P2", "post"): 30000.0}
    back = {"pre": SHARES["pre"], "post": {"B": 5, "CD4 T": 195, "monocyte": 100}}
    table = changes(three(P2=back), counts, plan())
    found = {
        (f.claim, f.scope): f for f in composition_findings(table, Cohort(plan()), minimum=0.58)
    }
    own = found["b_cell_fraction", "P1"]
    assert own.detail.startswith("50 of 300 to 0 of 300; in number 250 to 0 cells per µL, -250 [")
    assert own.if_changed == ""
    rose = found["b_cell_fraction", "P2"]  # share 17 % to 2 %, number 250 to 750
    assert rose.ci_high < 0
    assert "in number 250 to 750 cells per µL, +500" in rose.detail
    assert rose.if_changed == "the share fell, but a fall in the number of cells is not shown"
    assert found["b_cell_fraction", "cohort"].detail.endswith("mean of 3 patients")
    assert "in number" not in found["naive_b_fraction", "P1"].detail


def test_words():
    row = dict(zip(CHANGE, (10.0, 30.0, 20.0, 5.0, 35.0), strict=True)) | {"scope": "P1"}
    assert number_words(row) == "in number 10 to 30 cells per µL, +20 [+5, +35]"
    assert only_the_share(row, 1.0) == "" and "a fall" in only_the_share(row, -1.0)
    assert number_words({"scope": "P1"}) == "" == only_the_share({}, -1.0)
