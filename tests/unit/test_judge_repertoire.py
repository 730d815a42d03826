"""Claims on the repertoire: ln D1 with D2 agreeing, the bound, and the baseline's clones."""

import math

import numpy as np
import pandas as pd
import pytest
from unit.judge_data import plan

from immune_reset.hill import abundances
from immune_reset.hill_change import compare
from immune_reset.judge import Cohort, judge
from immune_reset.judge_repertoire import clone_findings, diversity_findings

NAME = "post vs pre"


def changes(patient, before, after, receptor="TCR", compartment="all"):
    """The rows of tables/diversity_change.tsv of two lists of clone sizes."""
    pair = abundances(np.array(before)), abundances(np.array(after))
    found = compare(*pair)
    rows = []
    for measure, change in found.items():
        d2 = found.get("log_D2", change)
        rows.append(
            {
                "measure": measure,
                "m": change.m,
                "log_ratio": change.log_ratio,
                "ci_low": change.ci_low,
                "ci_high": change.ci_high,
                "p_value": change.p_value,
                "status": "bound" if measure == "bound" else "estimable",
                "agrees_D2": change.log_ratio * d2.log_ratio > 0,
                "reason": "few repeats" if measure == "bound" else math.nan,
            }
        )
    if not rows:
        rows = [dict.fromkeys(["m", "log_ratio", "ci_low", "ci_high", "p_value"], math.nan)]
        rows[0] |= {"measure": "ln_D1", "status": "not estimable", "agrees_D2": False}
        rows[0] |= {"reason": "pre: 7 B cells with a receptor", "enough": "pre: 20 cells"}
    key = {"patient": patient, "receptor": receptor, "compartment": compartment}
    depths = {"n_baseline": pair[0].n_cells, "n_followup": pair[1].n_cells, "comparison": NAME}
    return pd.DataFrame([key | depths | row for row in rows])


def claims(frame, patients=("P1",), minimum=0.2):
    cohort = Cohort(plan(patients))
    return judge(diversity_findings(frame, cohort, minimum=minimum), cohort, alpha=0.05)


def claimed(rows, scope="P1", claim="tcr_diversity", compartment="all"):
    own = rows.query("scope == @scope and claim == @claim and compartment == @compartment")
    assert len(own) == 1
    return own.iloc[0]


EVEN, UNEVEN = [5] * 60, [150] + [5] * 10 + [2] * 50


def test_every_compartment_has_its_row():
    rows = claims(changes("P1", EVEN, EVEN))
    assert len(rows) == 2 * 8
    assert set(rows.query("claim == 'bcr_diversity'")["compartment"]) == {
        "all", "naive", "memory", "plasma",
    }  # fmt: skip
    assert claimed(rows, claim="bcr_diversity")["direction"] == "not estimable"


def test_a_clear_fall_is_claimed():
    row = claimed(claims(changes("P1", EVEN, UNEVEN)))
    assert (row["direction"], row["evidence"]) == ("decreased", "within-patient")
    assert row["estimate"] < -0.2
    assert row["detail"].startswith("m = 300 cells; asymptotic ln D2 -")
    assert (row["n_baseline"], row["n_followup"]) == (300, 300)


def test_a_fall_that_d2_contradicts_is_not():
    frame = changes("P1", EVEN, UNEVEN).assign(agrees_D2=False)
    row = claimed(claims(frame))
    assert row["direction"] == "no change shown"
    assert "D2 moves the other way" in row["reason"]


def test_a_change_below_the_minimum_is_not():
    assert claimed(claims(changes("P1", EVEN, UNEVEN), minimum=9.0))["direction"] == (
        "no change shown"
    )


def test_the_table_as_written_and_read_again_gives_the_same(tmp_path):
    from immune_reset import tables

    frame = changes("P1", EVEN, UNEVEN).assign(q=1)
    tables.write(frame, tmp_path / "diversity_change.tsv")
    again = tables.read(tmp_path / "diversity_change.tsv")
    assert claimed(claims(again))["direction"] == claimed(claims(frame))["direction"] == "decreased"


def test_bound_claims_an_increase_where_no_clone_repeats():
    row = claimed(claims(changes("P1", [100] * 3 + [1] * 20, [1] * 300)))
    assert (row["direction"], row["evidence"]) == ("increased", "within-patient")
    assert row["measure"].startswith("least change of ln D2")
    assert math.isnan(row["ci_high"])
    assert 0 < row["ci_low"] <= row["estimate"]


def test_bound_that_settles_nothing_is_not_estimable():
    row = claimed(claims(changes("P1", [3] * 20, [1] * 25)))
    assert row["direction"] == "not estimable"
    assert row["reason"].startswith("few repeats; the bound includes no change")


def test_too_few_cells_say_what_would_be_enough():
    row = claimed(claims(changes("P1", [1] * 7, [1] * 30)))
    assert (row["direction"], row["enough"]) == ("not estimable", "pre: 20 cells")


def test_holm_runs_over_both_receptors_and_all_compartments():
    frame = pd.concat(
        [
            changes("P1", EVEN, UNEVEN, "TCR", "all").assign(p_value=0.02),
            changes("P1", EVEN, UNEVEN, "BCR", "all").assign(p_value=0.03),
        ]
    )
    rows = claims(frame)
    assert claimed(rows)["q_value"] == pytest.approx(0.04)
    assert claimed(rows, claim="bcr_diversity")["q_value"] == pytest.approx(0.04)


def test_cohort_is_the_paired_t_of_the_patients_changes():
    rng = np.random.default_rng(5)
    patients = ("P1", "P2", "P3", "P4")
    frame = pd.concat(
        [changes(p, EVEN, [int(x) + 1 for x in rng.pareto(0.9, 60) * 3]) for p in patients]
    )
    rows = claims(frame, patients)
    row = claimed(rows, "cohort")
    values = frame.loc[frame["measure"] == "ln_D1", "log_ratio"]
    assert row["estimate"] == pytest.approx(values.mean())
    assert (row["direction"], row["evidence"], row["n_baseline"]) == ("decreased", "cohort", 4)


def test_a_patient_of_whom_only_a_bound_is_known_is_not_averaged():
    frame = pd.concat(
        [changes(p, EVEN, UNEVEN) for p in ("P1", "P2", "P3")]
        + [changes("P4", [100] * 3 + [1] * 20, [1] * 300)]
    )
    row = claimed(claims(frame, ("P1", "P2", "P3", "P4")), "cohort")
    assert row["n_baseline"] == 3
    assert "not counted: P4" in row["detail"]
    assert "all patients changed by the same amount" in row["reason"]


def test_k_of_n_patients_where_the_cohort_is_too_small():
    frame = pd.concat([changes(p, EVEN, UNEVEN) for p in ("P1", "P2")])
    row = claimed(claims(frame, ("P1", "P2")), "cohort")
    assert row["direction"] == "not estimable"
    assert row["reason"].startswith("both patients decreased")
    assert "2 of 2 patients decreased" in row["detail"]


def clone_row(patient="P1", receptor="BCR", **more):
    return {
        "patient": patient,
        "receptor": receptor,
        "comparison": NAME,
        "n_clones": 4,
        "n_baseline": 66,
        "total_baseline": 200,
        "n_followup": 7,
        "total_followup": 150,
        "share_baseline": 0.3,
        "share_followup": 0.05,
        "estimate": -0.25,
        "ci_low": -0.33,
        "ci_high": -0.17,
        "log2_ratio": math.log2(0.05 / 0.3),
        "p_value": 1e-6,
        "status": "estimable",
    } | more


def judged_clones(rows, patients=("P1",)):
    cohort = Cohort(plan(patients))
    frame = None if rows is None else pd.DataFrame(rows)
    return judge(clone_findings(frame, cohort, minimum=0.58), cohort, alpha=0.05)


def test_baseline_clones_are_judged_on_their_share_and_held_against_its_ratio():
    rows = judged_clones([clone_row()]).set_index(["scope", "compartment"])
    row = rows.loc[("P1", "BCR")]
    assert (row["direction"], row["estimate"]) == ("decreased", -0.25)
    assert (row["n_baseline"], row["n_followup"]) == (200, 150)
    assert "4 expanded clones, 30 % to 5 % of cells" in row["detail"]
    assert rows.loc[("P1", "TCR"), "direction"] == "not estimable"
    small = judged_clones([clone_row(log2_ratio=-0.3)]).iloc[0]
    assert small["direction"] == "no change shown"


def test_baseline_clones_that_cannot_be_followed_say_why():
    status = "not estimable: 3 cells at follow-up, 5 would be enough"
    empty = dict.fromkeys(["estimate", "ci_low", "ci_high", "p_value", "log2_ratio"], math.nan)
    row = judged_clones([clone_row(status=status, **empty)]).iloc[0]
    assert (row["reason"], row["enough"]) == ("3 cells at follow-up", "5 would be enough")
    assert set(judged_clones(None)["reason"]) == {"no V(D)J files"}


def test_a_receptor_that_a_patient_did_not_have_sequenced_is_not_blamed_on_its_cells():
    design = plan(("P1",))
    for row in design["samples"]:
        row.update(has_bcr=False, has_tcr=True)
    cohort = Cohort(design)
    table = pd.DataFrame([clone_row(receptor="TCR")])
    claims = judge(clone_findings(table, cohort, minimum=0.58), cohort, alpha=0.05)
    row = claims.set_index(["scope", "compartment"]).loc[("P1", "BCR")]
    assert (row["reason"], row["enough"]) == ("no BCR files", "BCR files at both timepoints")


def test_without_count_matrices_compartments_are_said_to_be_unknown():
    alone = claims(changes("P1", [5] * 20, [5] * 20))
    naive = alone[(alone["scope"] == "P1") & (alone["compartment"] == "naive")]["reason"]
    assert set(naive) == {"cell types are not known: no count matrices"}
    table = [changes("P1", [5] * 20, [5] * 20, compartment=name) for name in ("all", "CD4")]
    typed = claims(pd.concat(table))
    naive = typed[(typed["scope"] == "P1") & (typed["compartment"] == "naive")]["reason"]
    assert set(naive) == {"no BCR of this compartment at either timepoint"}
