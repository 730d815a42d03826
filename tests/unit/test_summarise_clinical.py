"""Clinical values find their sample; measures are compared with baseline, patients paired."""

import math
from types import SimpleNamespace

import pandas as pd
import pytest
from scipy import stats

import summarise_clinical as sc
from immune_reset import tables
from immune_reset.errors import InputError

TIMES = [("pre", -7), ("month_1", 30), ("month_3", 90)]


def plan(patients=("P1", "P2", "P3"), control=None):
    rows = [
        {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": day, "in_cohort": p != control}
        for p in patients
        for t, day in TIMES
    ]
    return {"timepoints": [t for t, _ in TIMES], "baseline": "pre", "samples": rows}


def clinical(rows):
    return sc.tidy(pd.DataFrame(rows, columns=sc.COLUMNS))


def run(tmp_path, rows, design=None, window=30):
    inputs = SimpleNamespace()
    if rows is not None:
        path = tmp_path / "sheet.tsv"
        pd.DataFrame(rows, columns=sc.COLUMNS).to_csv(path, sep="\t", index=False)
        inputs.clinical = path
    output = SimpleNamespace(clinical=tmp_path / "clinical.tsv", change=tmp_path / "c.parquet")
    output.states = tmp_path / "disease_states.tsv"
    params = SimpleNamespace(design=design or plan(), cfg={"clinical.window_days": window})
    sc.main(SimpleNamespace(input=inputs, output=output, params=params, log=[]))
    return tables.read(output.clinical), tables.read(output.change)


def sledai(patient, day, value):
    return [patient, day, "measure", "SLEDAI-2K", value, "points"]


def test_value_belongs_to_the_nearest_sample_within_the_window(tmp_path):
    days = {-30: "P1_pre", -7: "P1_pre", 11: "P1_pre", 12: "P1_month_1", 60: "P1_month_1"}
    table, _ = run(tmp_path, [sledai("P1", day, 1) for day in days] + [sledai("P1", 200, 1)])
    assert table["sample"].tolist() == [*days.values(), ""]
    assert table["days_from_sample"].iloc[1] == 0
    assert math.isnan(table["days_from_sample"].iloc[-1])


def test_change_is_that_of_the_values_nearest_to_the_samples(tmp_path):
    rows = [sledai("P1", -20, 99), sledai("P1", -6, 18), sledai("P1", 88, 2), sledai("P1", 75, 50)]
    _, change = run(tmp_path, rows)
    row = change.loc[(change["scope"] == "P1") & (change["comparison"] == "month_3 vs pre")]
    assert row[["baseline", "followup", "difference"]].to_numpy().tolist() == [[18, 2, -16]]
    assert row["p_value"].isna().all()
    missing = change.loc[(change["scope"] == "P1") & (change["comparison"] == "month_1 vs pre")]
    assert missing["difference"].isna().all()


def test_cohort_is_the_paired_t_of_complete_pairs_without_controls(tmp_path):
    before, after = {"P1": 18, "P2": 12, "P3": 20, "C": 0}, {"P1": 0, "P2": 4, "P3": 2, "C": 40}
    rows = [sledai(p, -7, v) for p, v in before.items()]
    rows += [sledai(p, 90, v) for p, v in after.items()] + [sledai("P1", 30, 9)]
    _, change = run(tmp_path, rows, plan(("P1", "P2", "P3", "C"), control="C"))
    assert "C" not in set(change["scope"])
    cohort = change.loc[change["scope"] == "cohort"].set_index("comparison")
    row = cohort.loc["month_3 vs pre"]
    expected = stats.ttest_rel([0, 4, 2], [18, 12, 20])
    assert row["p_value"] == pytest.approx(expected.pvalue)
    assert row["n"] == 3
    assert row["p_floor"] == 0.25
    assert (row["baseline"], row["followup"]) == pytest.approx((50 / 3, 2))
    assert cohort.loc["month_1 vs pre", "n"] == 1
    assert math.isnan(cohort.loc["month_1 vs pre", "p_value"])


def test_without_a_clinical_table_both_tables_are_empty_with_headers(tmp_path):
    table, change = run(tmp_path, None)
    assert len(table) == len(change) == 0
    assert list(table.columns[:6]) == sc.COLUMNS
    assert list(change.columns) == sc.CHANGE_COLUMNS


def test_drugs_and_events_are_kept_but_not_compared(tmp_path):
    rows = [["P1", 5, "event", "CRS", "grade 1", ""], ["P1", -7, "drug", "prednisone", "10", "mg"]]
    table, change = run(tmp_path, rows)
    assert table["value"].astype(str).tolist() == ["grade 1", "10"]
    assert len(change) == 0


def test_samples_without_a_day_take_no_value():
    samples = pd.DataFrame(
        {"sample": ["a"], "patient": ["P1"], "timepoint": ["pre"], "day": [None]}
    )
    found = sc.assign_samples(clinical([sledai("P1", 0, 1)]), samples, window_days=30)
    assert found["sample"].tolist() == [""]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([sledai("P1", -7, "<5")], "'<5', not a number"),
        ([["P1", -7, "measure", "C3", "1", "g/L"], ["P1", 90, "measure", "C3", "90", "mg/dL"]],
         r"several units \(g/L, mg/dL\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(rows, message):
    samples = pd.DataFrame(plan()["samples"])
    found = sc.assign_samples(clinical(rows), samples, window_days=30)
    with pytest.raises(InputError, match=message):
        sc.values_at_timepoints(found)
