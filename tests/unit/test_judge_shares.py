"""Claims on shares of cells: ratios, bounds where counts are small, and the cohort's paired t."""

import math

import pandas as pd
import pytest
from scipy import stats

import compare_composition
from immune_reset import composition
from immune_reset.intervals import share_ratio
from immune_reset.judge import Cohort, Finding, judge
from immune_reset.judge_shares import (
    car_findings,
    composition_findings,
    least_change,
    share_finding,
    switched_findings,
)


def plan(patients):
    return {
        "baseline": "pre",
        "timepoints": ["pre", "post"],
        "samples": [
            {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": None, "in_cohort": True}
            for p in patients
            for t in ("pre", "post")
        ],
    }


def car_table(counts):
    return pd.DataFrame(
        [
            {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "n_car": car, "n_t_cells": n}
            for p, pair in counts.items()
            for t, (car, n) in zip(("pre", "post"), pair, strict=True)
        ]
    )


def judged(findings, patients):
    return judge(findings, Cohort(plan(patients)), alpha=0.05)


def car_claims(counts, patients=None):
    patients = patients or list(counts)
    findings = car_findings(car_table(counts), Cohort(plan(patients)), minimum=0.58)
    return judged(findings, patients).set_index("scope")


def test_rise_from_zero_is_claimed_by_its_bound():
    row = car_claims({"P1": ((0, 900), (60, 800))}).loc["P1"]
    assert (row["direction"], row["evidence"]) == ("increased", "within-patient")
    assert math.isnan(row["estimate"])
    assert row["ci_low"] > 0.58
    assert (row["n_baseline"], row["n_followup"]) == (900, 800)


def test_small_rise_is_not_claimed_however_sure():
    row = car_claims({"P1": ((10_000, 100_000), (12_000, 100_000))}).loc["P1"]
    assert row["p_value"] < 1e-9
    assert row["direction"] == "no change shown"


def test_too_few_cells_for_a_ratio_say_how_many_would_do():
    row = car_claims({"P1": ((1, 100), (0, 100))}).loc["P1"]
    assert row["direction"] == "not estimable"
    assert "about 1000 T cells" in row["enough"]


def test_replicates_are_pooled():
    table = pd.concat([car_table({"P1": ((0, 450), (30, 400))})] * 2)
    findings = car_findings(table, Cohort(plan(["P1"])), minimum=0.58)
    assert judged(findings, ["P1"]).loc[0, "n_baseline"] == 900


@pytest.mark.parametrize("absent", [math.nan, None])
def test_samples_without_a_call_hold_no_count(absent):
    row = car_claims({"P1": ((absent, 900), (60, 800))}).loc["P1"]
    assert row["direction"] == "not estimable"
    assert row["reason"] == "no T cells with a CAR call at baseline"


def test_data_without_a_car_feature_say_so():
    table = car_table({"P1": ((math.nan, 900), (math.nan, 800))})
    table["status"] = "no CAR feature in the data"
    rows = judged(car_findings(table, Cohort(plan(["P1"])), minimum=0.58), ["P1"])
    assert set(rows["reason"]) == {"no CAR feature in the data"}
    assert rows["enough"].str.contains("transgene").all()


def test_cohort_is_the_paired_t_of_log_ratios():
    counts = {f"P{i}": ((20 + i, 500), (60 + 9 * i, 700)) for i in range(4)}
    row = car_claims(counts).loc["cohort"]
    ratios = [math.log2(b / m * n / a) for (a, n), (b, m) in counts.values()]
    expected = stats.ttest_1samp(ratios, 0)
    assert row["estimate"] == pytest.approx(sum(ratios) / 4)
    assert row["p_value"] == pytest.approx(expected.pvalue)
    assert (row["direction"], row["evidence"]) == ("increased", "cohort")


def test_a_count_of_zero_counts_with_its_least_change():
    low = share_ratio(0, 900, 60, 800).ci_low
    assert least_change((0, 900), (60, 800)) == low > 0
    assert least_change((60, 800), (0, 900)) == share_ratio(60, 800, 0, 900).ci_high < 0
    assert math.isnan(least_change((0, 100), (1, 100)))
    assert math.isnan(least_change((0, 0), (1, 100)))


def test_share_finding_needs_cells_at_both_times():
    start = Finding("car_t_fraction", "car", "P1", "post vs pre", "log2 ratio")
    found = share_finding(start, (0, 0), (3, 9), unit="T cells")
    assert found.reason == "no T cells at baseline"
    assert share_finding(start, (0, 10), (0, 9), unit="T cells").reason.startswith("none among")


def test_switched_share_is_read_from_the_isotypes():
    table = pd.DataFrame(
        {
            "patient": "P1",
            "timepoint": ["pre", "pre", "post", "post"],
            "isotype": ["IgM", "class switched"] * 2,
            "n_cells": [60, 40, 190, 10],
            "n_total": [100, 100, 200, 200],
        }
    )
    findings = switched_findings(table, Cohort(plan(["P1"])), minimum=0.58)
    row = judged(findings, ["P1"]).iloc[0]
    assert row["estimate"] == pytest.approx(math.log2(0.05 / 0.4))
    assert (row["direction"], row["family"]) == ("decreased", "composition")


def test_without_vdj_the_switched_share_has_its_row():
    rows = judged(switched_findings(None, Cohort(plan(["P1"])), minimum=0.58), ["P1"])
    assert rows["scope"].tolist() == ["P1", "cohort"]
    assert rows.loc[0, "reason"] == "no V(D)J files"


def labelled(patient="P1", pre=None, post=None, extra=0):
    """Labels as cohort/labels.parquet; pre and post give the cells of each (type, subtype)."""
    pre = pre or {("B", "naive B"): 60, ("B", "memory B"): 140, ("CD4 T", "CD4 naive"): 800}
    post = post or {("B", "naive B"): 20, ("B", "memory B"): 5, ("CD4 T", "CD4 naive"): 900}
    rows = [
        {"sample": f"{patient}_{time}", "cell_type": kind, "cell_subtype": fine}
        for time, cells in (("pre", pre), ("post", post))
        for (kind, fine), n in cells.items()
        for _ in range(n)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(cell_id=[f"{patient}:{i + extra}" for i in range(len(frame))])


def composition_claims(labels, patients):
    design = plan(patients)
    names = [row["sample"] for row in design["samples"]]
    counts = composition.count_parts(labels, None, names)
    table = compare_composition.all_changes(counts, design, level=0.95, min_expected=5)
    findings = composition_findings(table, Cohort(design), minimum=0.58)
    return judged(findings, patients).set_index(["claim", "scope"]), table


def test_composition_claims_rest_on_the_counts_of_the_table():
    rows, table = composition_claims(labelled(), ["P1"])
    row = rows.loc[("b_cell_fraction", "P1")]
    assert row["detail"].startswith("200 of 1000 to 25 of 925")
    own = table.query("scope == 'P1' and cell_type == 'B'").iloc[0]
    numbers = ["estimate", "ci_low", "ci_high", "p_value"]
    assert row[numbers].astype(float).tolist() == pytest.approx(own[numbers].astype(float).tolist())
    assert row["direction"] == "decreased"
    naive = rows.loc[("naive_b_fraction", "P1")]
    assert naive["detail"].startswith("60 of 200 to 20 of 25")
    assert naive["direction"] == "increased"
    assert rows.loc[("plasma_fraction", "P1"), "reason"] == "none among 1000 and 925 cells"


def test_vanished_b_cells_are_claimed_in_every_patient_and_in_the_cohort():
    patients = ["P1", "P2", "P3"]
    gone = {("CD4 T", "CD4 naive"): 900}
    labels = [
        labelled(p, {("B", "naive B"): 80 + 40 * i, ("CD4 T", "CD4 naive"): 800}, gone)
        for i, p in enumerate(patients)
    ]
    rows, _ = composition_claims(pd.concat(labels), patients)
    own = rows.xs("b_cell_fraction")
    assert own["direction"].tolist() == ["decreased"] * 4
    assert own.loc["P1", "estimate"] != own.loc["P1", "estimate"]
    assert own.loc["P1", "ci_high"] < -4
    assert own.loc["cohort", "evidence"] == "cohort"
    assert own.loc["cohort", "estimate"] < -4
    naive = rows.xs("naive_b_fraction")
    assert naive.loc["P1", "reason"] == "no B cells at follow-up"


def test_own_labels_without_subsets_say_so():
    labels = labelled(
        pre={("B", ""): 50, ("CD4 T", ""): 50}, post={("B", ""): 9, ("CD4 T", ""): 99}
    )
    rows, _ = composition_claims(labels, ["P1"])
    reason = rows.loc[("naive_b_fraction", "P1"), "reason"]
    assert reason == "no B cells with a subset in the labels at baseline and follow-up"
