"""The rules of a claim: Holm by hand, minimum, veto, bounds, batch, evidence, two patients."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from immune_reset.judge import COLUMNS, Cohort, Finding, cohort_finding, decide, judge

NAME = "post vs pre"


def plan(patients=("P1", "P2", "P3"), batches=("", ""), controls=()):
    return {
        "baseline": "pre",
        "timepoints": ["pre", "post"],
        "samples": [
            {
                "sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": day,
                "batch": batch or None, "group": "control" if p in controls else None,
                "in_cohort": p not in controls,
            }
            for p in patients
            for t, day, batch in (("pre", -7, batches[0]), ("post", 90, batches[1]))
        ],
    }  # fmt: skip


def finding(p=0.001, estimate=-1.5, scope="P1", family="pathways", **more):
    half = 0.5 if p < 0.05 else 3.0
    numbers = {"ci_low": estimate - half, "ci_high": estimate + half, "p_value": p}
    return Finding(
        "ifn_b_cells", family, scope, NAME, "log2", **{"estimate": estimate} | numbers | more
    )


def verdicts(findings, cohort=None, alpha=0.05):
    return judge(findings, cohort or Cohort(plan()), alpha=alpha)


def test_holm_by_hand_within_scope_and_family():
    # sorted p .01 .02 .03 times 3, 2, 1, running maximum: .03 .04 .04
    p = [0.02, 0.01, 0.03]
    three = [finding(x, compartment=str(x)) for x in p]
    others = [finding(0.04, scope="P2"), finding(0.05, family="car")]
    q = verdicts(three + others)["q_value"]
    np.testing.assert_allclose(q, [0.04, 0.03, 0.04, 0.04, 0.05])


def test_another_patient_changes_nothing_in_ones_own_rows():
    rng = np.random.default_rng(2)
    own = [finding(x, compartment=str(i)) for i, x in enumerate(rng.uniform(0, 0.05, 8))]
    more = [replace(f, scope="P2", p_value=1e-9) for f in own]
    alone = verdicts(own, Cohort(plan(("P1",))))
    joined = verdicts(own + more, Cohort(plan(("P1", "P2"))))
    pd.testing.assert_frame_equal(alone, joined.iloc[:8])


def test_null_claims_at_most_alpha_family_wise():
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(1000):
        p = rng.uniform(size=12)
        findings = [finding(x, compartment=str(i)) for i, x in enumerate(p)]
        own = [replace(f, q_value=q) for f, q in zip(findings, _holm(p), strict=True)]
        false += any(decide(f, n_tests=12, alpha=0.05)[0] != "no change shown" for f in own)
    assert false <= 50 + 2.6 * math.sqrt(1000 * 0.05 * 0.95)
    assert false >= 20


def _holm(p):
    order, q, running = np.argsort(p), np.empty(len(p)), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[i]))
        q[i] = running
    return q


@pytest.mark.parametrize(
    ("change", "direction", "reason"),
    [
        ({}, "decreased", "excludes no change after Holm's correction over 1 test"),
        ({"estimate": 1.5}, "increased", "excludes no change"),
        ({"p": 0.2}, "no change shown", "includes no change"),
        ({"minimum": 0.58}, "decreased", "the least change that is claimed is 1.5-fold"),
        ({"minimum": 1.6}, "no change shown", "smaller than the least change"),
        ({"minimum": 1.0, "effect": -0.2}, "no change shown", "smaller than the least change"),
        ({"veto": "D2 moves the other way"}, "no change shown", "D2 moves the other way"),
        ({"bound": True, "p": 0.2, "reason": "no repeats"}, "not estimable", "no repeats"),
        ({"bound": True, "estimate": math.nan, "ci_high": -2.0, "minimum": 0.58}, "decreased",
         "the bound excludes no change"),
        ({"p": math.nan, "reason": "4 cells at follow-up"}, "not estimable", "4 cells"),
    ],
)  # fmt: skip
def test_directions_and_reasons(change, direction, reason):
    row = verdicts([finding(**change)]).iloc[0]
    assert row["direction"] == direction
    assert reason in row["reason"]


def test_interval_that_excludes_zero_alone_is_said():
    findings = [finding(0.03, compartment=str(i)) for i in range(4)]
    assert "excludes no change by itself, but not after Holm's correction over 4 tests" in set(
        verdicts(findings)["reason"].str.replace("the 95 % interval ", "")
    )


def test_evidence_words():
    findings = [
        finding(),
        finding(scope="cohort"),
        finding(p=math.nan, family="clinical"),
        finding(p=math.nan, reason="no cells", enough="10 cells", compartment="x"),
    ]
    rows = verdicts(findings)
    assert rows["evidence"].tolist() == ["within-patient", "cohort", "descriptive", "descriptive"]
    assert rows.loc[2, "direction"] == "decreased"
    assert "one library per time" in rows.loc[0, "detail"]
    assert rows.loc[3, "detail"] == "enough: 10 cells"
    assert list(rows.columns) == COLUMNS


@pytest.mark.parametrize(
    ("batches", "evidence"),
    [(("", ""), "within-patient"), (("a", "a"), "within-patient"), (("v2", "v3"), "descriptive")],
)
def test_change_of_batch_lowers_to_descriptive(batches, evidence):
    cohort = Cohort(plan(batches=batches))
    rows = verdicts([finding(), finding(scope="cohort"), finding(family="clinical")], cohort)
    assert rows.loc[0, "evidence"] == evidence
    assert rows.loc[1, "evidence"] == ("descriptive" if evidence == "descriptive" else "cohort")
    assert rows.loc[2, "evidence"] == "within-patient"
    assert ("batch differs" in rows.loc[0, "reason"]) == (evidence == "descriptive")


def test_batch_confounded_in_one_patient_of_three_leaves_the_cohort():
    design = plan()
    design["samples"][0]["batch"], design["samples"][1]["batch"] = "a", "b"
    rows = verdicts([finding(), finding(scope="P2"), finding(scope="cohort")], Cohort(design))
    assert rows["evidence"].tolist() == ["descriptive", "within-patient", "cohort"]


def test_early_followup_is_remarked():
    design = plan()
    for row in design["samples"]:
        row["day"] = {"pre": -7, "post": 10}[row["timepoint"]]
    assert verdicts([finding()], Cohort(design)).loc[0, "guard"] == "early"
    assert verdicts([finding()]).loc[0, "guard"] == ""


def test_cohort_pathways_over_early_and_late_days_are_descriptive():
    design = plan()
    for row, day in zip(design["samples"], (-7, 10, -7, 30, -7, 30), strict=True):
        row["day"] = day
    found = [finding(scope="cohort"), finding(), finding(scope="cohort", family="composition")]
    rows = verdicts(found, Cohort(design))
    assert rows["evidence"].tolist() == ["descriptive", "within-patient", "cohort"]
    assert "not averaged with months 1 to 3" in rows.loc[0, "reason"]


def test_the_table_of_the_guard_is_taken_as_it_is():
    found = {"check": "drug", "found": "x", "who": "P1", "why": "y", "effect": "remark"}
    notes = pd.DataFrame([found | {"scope": "P1", "comparison": NAME, "touches": "pathways"}])
    rows = verdicts([finding(), finding(scope="P2")], Cohort(plan(), notes=notes))
    assert rows["guard"].tolist() == ["drug", ""]


def test_two_patients_alike_are_both_patients_and_no_cohort_claim():
    cohort = Cohort(plan(("P1", "P2")))
    pair = [finding(), finding(scope="P2", estimate=-2.0)]
    template = Finding("ifn_b_cells", "pathways", "cohort", NAME, "log2")
    rows = verdicts([*pair, cohort_finding({"P1": -1.5, "P2": -2.0}, template)], cohort)
    row = rows.iloc[2]
    assert (row["direction"], row["evidence"]) == ("not estimable", "descriptive")
    assert row["reason"].startswith("both patients decreased; 2 patients are estimable")
    assert row["enough"].startswith("3 patients")
    assert row["p_floor"] == 0.5
    assert row["estimate"] == -1.75
    pair[1] = finding(scope="P2", estimate=2.0)
    rows = verdicts([*pair, cohort_finding({"P1": -1.5, "P2": 2.0}, template)], cohort)
    assert "the two patients differ" in rows.loc[2, "reason"]


def test_cohort_of_three_uses_the_patients_as_replicates():
    template = Finding("ifn_b_cells", "pathways", "cohort", NAME, "log2")
    values = {"P1": -1.5, "P2": -2.0, "P3": -1.8, "P4": math.nan}
    row = verdicts([cohort_finding(values, template)]).iloc[0]
    assert (row["direction"], row["evidence"], row["n_baseline"]) == ("decreased", "cohort", 3)
    assert row["p_floor"] == 0.25
    assert "not counted: P4" in row["detail"]


def test_controls_are_no_scope():
    cohort = Cohort(plan(("P1", "C"), controls=("C",)))
    assert cohort.patients == cohort.members == ["P1"]


def test_a_finding_without_anything_is_a_fault():
    with pytest.raises(ValueError, match="no reason"):
        verdicts([Finding("ifn_dc", "pathways", "P1", NAME, "log2")])
