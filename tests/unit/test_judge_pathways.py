"""Interferon and JAK-STAT claims: which rows they rest on, the gate, the same-signal words."""

import math

import numpy as np
import pandas as pd
import pytest
from unit.judge_data import plan

from immune_reset.judge import Cohort, judge
from immune_reset.judge_pathways import PATHWAY_CLAIMS, pathway_findings

TYPES = ["B", "T", "monocyte", "NK", "DC"]
ISG, JAK, BEYOND = "ISG28", "HALLMARK_IL6_JAK_STAT3_SIGNALING", "JAK_STAT_BEYOND_INTERFERON"


def row(scope, cell_type, gene_set, estimate=-1.5, p=1e-4, name="post vs pre", **more):
    half = 0.4 if p < 0.05 else 3
    return {
        "scope": scope, "comparison": name, "cell_type": cell_type, "gene_set": gene_set,
        "n_baseline": 40, "n_followup": 30, "estimate": estimate, "ci_low": estimate - half,
        "ci_high": estimate + half, "p_value": p, "p_floor": math.nan, "p_sign_flip": math.nan,
        "n_patients": 1, "status": "scorable", "reason": math.nan, "enough": math.nan,
        "same_signal_as": math.nan,
    } | more  # fmt: skip


def table(patients, **changes):
    keys = dict.fromkeys(PATHWAY_CLAIMS.values())
    return pd.DataFrame(
        [row(p, t, s, **changes.get(f"{p} {t} {s}", {})) for p in patients for s, t in keys]
    )


def claims(frame, patients=("P1",), times=("pre", "post")):
    cohort = Cohort(plan(patients, times))
    return judge(pathway_findings(frame, cohort, minimum=0.58), cohort, alpha=0.05)


def test_a_fall_in_every_cell_type_is_claimed_within_the_patient():
    rows = claims(table(["P1"])).query("scope == 'P1'")
    assert rows["claim"].tolist() == list(PATHWAY_CLAIMS)
    assert set(rows["direction"]) == {"decreased"}
    assert set(rows["evidence"]) == {"within-patient"}
    assert rows["q_value"].tolist() == pytest.approx([6e-4] * 6)


def test_sets_and_types_other_than_the_headline_make_no_claim():
    frame = pd.concat([table(["P1"]), pd.DataFrame([row("P1", "plasma", ISG, p=1e-9)])])
    assert len(claims(frame)) == 2 * len(PATHWAY_CLAIMS)


def test_jak_stat_is_named_as_the_same_signal():
    frame = table(["P1"], **{f"P1 B {JAK}": {"same_signal_as": "interferon"}})
    frame = pd.concat([frame, pd.DataFrame([row("P1", "B", BEYOND, estimate=0.17, p=0.3)])])
    rows = claims(frame).query("scope == 'P1'").set_index("claim")
    assert rows.loc["jak_stat_b_cells", "detail"].startswith("same signal as interferon (JAK")
    assert "+0.17" in rows.loc["jak_stat_b_cells", "detail"]
    assert "same signal" not in rows.loc["ifn_b_cells", "detail"]


def test_unscorable_and_absent_rows_say_why():
    few = {"status": "not scorable", "reason": "4 cells at follow-up", "enough": "10 cells"}
    few |= dict.fromkeys(["estimate", "ci_low", "ci_high", "p_value"], math.nan)
    frame = table(["P1"], **{f"P1 DC {ISG}": few})
    frame = frame.loc[frame["cell_type"] != "NK"]
    rows = claims(frame).query("scope == 'P1'").set_index("claim")
    assert rows.loc["ifn_dc", "direction"] == "not estimable"
    assert rows.loc["ifn_dc", "reason"] == "4 cells at follow-up"
    assert "enough: 10 cells" in rows.loc["ifn_dc", "detail"]
    assert rows.loc["ifn_nk_cells", "reason"] == "NK not scored in P1"


def cohort_rows(gate_p, type_p, gene_set=ISG, name="post vs pre", n=4):
    more = {"n_patients": n, "p_floor": 2 / 2**n, "p_sign_flip": 2 / 2**n, "name": name}
    rows = [row("cohort", "all", gene_set, p=gate_p, **more)]
    return rows + [row("cohort", t, gene_set, p=p, **more) for t, p in type_p.items()]


def test_gate_by_hand():
    # gates .01 (ISG28) and .04 (JAK-STAT): Holm .02, .04. Behind ISG28's gate the types' p
    # .001 .02 .03 .04 .5 times 5, 4, 3, 2, 1, running maximum: .005 .08 .09 .09 .5
    frame = pd.DataFrame(
        cohort_rows(0.01, dict(zip(TYPES, [0.001, 0.02, 0.03, 0.04, 0.5], strict=True)))
        + cohort_rows(0.04, {"B": 0.03}, JAK)
    )
    rows = claims(frame, ("P1", "P2", "P3", "P4")).query("scope == 'cohort'")
    np.testing.assert_allclose(rows["q_value"], [0.02, 0.08, 0.09, 0.09, 0.5, 0.04])
    assert rows["direction"].tolist() == ["decreased", *["no change shown"] * 4, "decreased"]
    assert set(rows["n_baseline"]) == {4}
    assert rows["detail"].str.contains("mean over all cell types: adjusted p ").all()
    smallest = "exact sign-flip test p 0.125, the smallest that 4 patients allow"
    assert rows["detail"].str.contains(smallest).all()


def test_closed_gate_lets_no_cell_type_through():
    frame = pd.DataFrame(cohort_rows(0.2, dict.fromkeys(TYPES, 1e-6)))
    rows = claims(frame, ("P1", "P2", "P3", "P4")).query("scope == 'cohort'")
    assert rows["direction"].tolist() == ["no change shown"] * 5 + ["not estimable"]


def test_gates_of_several_comparisons_share_one_correction():
    names = ["m1 vs pre", "m3 vs pre"]
    frame = pd.DataFrame(
        [r for n in names for r in cohort_rows(0.02, dict.fromkeys(TYPES, 1e-6), name=n)]
        + [r for n in names for r in cohort_rows(0.5, {"B": 0.5}, JAK, name=n)]
    )
    rows = claims(frame, ("P1", "P2", "P3", "P4"), ("pre", "m1", "m3"))
    own = rows.query("scope == 'cohort' and claim == 'ifn_b_cells'")
    np.testing.assert_allclose(own["q_value"], [0.08, 0.08])


def test_two_patients_are_no_cohort():
    pair = row("cohort", "B", ISG, p=math.nan, n_patients=2, status="both patients",
               reason="2 patients with a scorable change", enough="3 patients")  # fmt: skip
    gate = pair | {"cell_type": "all"}
    frame = pd.concat([table(["P1", "P2"]), pd.DataFrame([pair, gate])])
    rows = claims(frame, ("P1", "P2")).query("scope == 'cohort' and claim == 'ifn_b_cells'")
    assert rows["direction"].tolist() == ["not estimable"]
    assert rows["reason"].iloc[0].startswith("both patients decreased")
    assert "3 patients" in rows["enough"].iloc[0]


def test_without_matrices_every_claim_has_its_row():
    rows = claims(None)
    assert rows["claim"].nunique() == len(PATHWAY_CLAIMS)
    assert set(rows["reason"]) == {"no count matrices"}


def test_a_row_that_stands_twice_is_refused():
    frame = table(["P1"])
    with pytest.raises(ValueError, match="stands twice"):
        claims(pd.concat([frame, frame]))
