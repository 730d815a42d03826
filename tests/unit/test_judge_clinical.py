"""Clinical claims: descriptive of one patient, paired t of the cohort."""

import math

import pandas as pd

import summarise_clinical as sc
from immune_reset.judge import Cohort, judge
from immune_reset.judge_clinical import clinical_findings

TIMES = ("pre", "m1", "m3")
COMPARISONS = [("m1", "pre", "m1 vs pre"), ("m3", "pre", "m3 vs pre")]
SLEDAI = {"P1": (18, 6, 0), "P2": (12, 8, 4), "P3": (20, 9, 2), "P4": (16, math.nan, 1)}


def plan(patients):
    return {
        "baseline": "pre",
        "timepoints": list(TIMES),
        "samples": [
            {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": None, "in_cohort": True}
            for p in patients
            for t in TIMES
        ],
    }


def claims(values):
    patients = list(values)
    long = [
        {"patient": p, "measure": "SLEDAI-2K", "unit": "points", "timepoint": t, "value": float(v)}
        for p, row in values.items()
        for t, v in zip(TIMES, row, strict=True)
        if not math.isnan(v)
    ]
    change = sc.change_from_baseline(pd.DataFrame(long), COMPARISONS, patients)
    cohort = Cohort(plan(patients))
    return judge(clinical_findings(change, cohort), cohort, alpha=0.05)


def test_one_patient_is_descriptive_and_the_cohort_is_tested():
    rows = claims(SLEDAI).set_index(["scope", "comparison"])
    assert set(rows["claim"]) == {"clinical_SLEDAI-2K"}
    own = rows.loc[("P1", "m3 vs pre")]
    assert (own["estimate"], own["direction"], own["evidence"]) == (-18, "decreased", "descriptive")
    assert own["detail"] == "18 to 0"
    assert math.isnan(own["p_value"])
    cohort = rows.loc[("cohort", "m3 vs pre")]
    assert (cohort["n_baseline"], cohort["direction"], cohort["evidence"]) == (
        4,
        "decreased",
        "cohort",
    )
    assert cohort["p_floor"] == 0.125
    assert "4 of 4 patients decreased" in cohort["detail"]


def test_holm_runs_over_measures_and_comparisons_of_the_cohort():
    rows = claims(SLEDAI).query("scope == 'cohort'")
    small, large = sorted(rows["p_value"])
    assert sorted(rows["q_value"]) == [min(2 * small, large) if 2 * small > large else 2 * small,
                                       max(2 * small, large)]  # fmt: skip


def test_missing_value_says_where():
    row = claims(SLEDAI).query("scope == 'P4' and comparison == 'm1 vs pre'").iloc[0]
    assert (row["direction"], row["reason"]) == ("not estimable", "no value near m1")


def test_two_patients_make_no_cohort_claim():
    row = claims({"P1": (18, 6, 0), "P2": (12, 8, 4)}).query(
        "scope == 'cohort' and comparison == 'm3 vs pre'"
    )
    assert row["direction"].tolist() == ["not estimable"]
    assert row["reason"].iloc[0].startswith("both patients decreased; 2 patients")


def test_without_a_clinical_table_there_is_no_clinical_claim():
    assert clinical_findings(None, Cohort(plan(["P1"]))) == []
