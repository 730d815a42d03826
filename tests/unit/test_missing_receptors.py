"""No contig file and no cell are two things, in figures and in the report's words."""

import pandas as pd
import pytest
from unit import report_tables as made

import plot_clones
import plot_isotypes
import plot_repertoire
from immune_reset import panels, report_rows, report_views
from immune_reset.design import no_file as no_file_in
from immune_reset.judge_shares import no_file


@pytest.fixture
def plan():
    """P1 without a BCR file at month 1."""
    design = made.design(patients=("P1", "P2"))
    for row in design["samples"]:
        gone = (row["patient"], row["timepoint"]) == ("P1", "month_1")
        row |= {"has_bcr": not gone, "has_tcr": True}
    return design


def test_a_replicate_with_a_file_is_enough(plan):
    assert no_file_in(plan, "P1", "month_1", "BCR") == "no BCR file"
    assert no_file_in(plan, "P1", "month_1", "TCR") == ""
    assert no_file_in(plan, "P2", "month_1", "BCR") == ""
    again = {"patient": "P1", "timepoint": "month_1", "has_bcr": True}
    more = {**plan, "samples": [*plan["samples"], again]}
    assert no_file_in(more, "P1", "month_1", "BCR") == ""


def test_what_stands_above_a_bar(plan):
    assert plot_repertoire.note(0, 0, "no BCR file") == "no BCR file"
    assert plot_repertoire.note(0, 0, "") == "no cells"
    assert plot_repertoire.note(12, 0, "") == "12: n.e."
    assert plot_repertoire.note(1200, 1, "") == "1,200"
    assert plot_isotypes.note(0, plan, "P1", "month_1") == "no BCR file"
    assert plot_isotypes.note(0, plan, "P2", "month_1") == "no B cells"
    assert plot_isotypes.note(1200, plan, "P2", "month_1") == "1,200"


def test_why_a_clone_is_not_drawn(plan):
    assert plot_clones.why_missing(plan, "P1", "month_1", "BCR") == "no BCR file"
    assert plot_clones.why_missing(plan, "P2", "month_1", "BCR") == "no cells"
    assert plot_clones.why_missing(plan, "P2", "month_9", "BCR") == "no sample"


def test_bars_say_it_upright_and_numbers_level():
    _, axes = panels.grid(1, columns=1, width=4, height=3)
    parts = pd.DataFrame({"a": [0.4, None, None]}, index=["x", "y", "z"])
    panels.stacked(axes[0], parts, {"a": "#000000"}, ["40", "no BCR file", "4: n.e."])
    found = {text.get_text(): text.get_rotation() for text in axes[0].texts}
    assert found == {"40": 0, "no BCR file": 90, "4: n.e.": 0}


def test_the_report_says_both_in_words(plan):
    rows = [
        {"patient": p, "timepoint": t, "receptor": r, "compartment": "all", "n_cells": n}
        for p, t, r, n in [
            ("P1", "baseline", "BCR", 50), ("P1", "month_1", "BCR", 0), ("P1", "month_3", "BCR", 0),
            ("P2", "baseline", "BCR", 40), ("P2", "month_1", "BCR", 0), ("P2", "month_3", "BCR", 9),
            ("P2", "month_1", "TCR", 0), ("P2", "month_3", "TCR", 0),
        ]
    ]  # fmt: skip
    assert report_views.without_receptors(plan, pd.DataFrame(rows)) == [
        "P1 has no BCR file at month 1: nothing is known of it.",
        "P1 has a BCR file at month 3, but no B cell with a clone.",
        "P2 has a BCR file at month 1, but no B cell with a clone.",
        "P2 has a TCR file at month 1 and month 3, but no T cell with a clone.",
    ]
    assert report_views.without_receptors(plan, None) == []


def test_the_table_of_diversity_shows_no_zero_where_there_is_no_file():
    row = {"estimator": "rarefied", "q": 1, "receptor": "BCR", "status": "not estimable"}
    row |= dict.fromkeys(["value", "ci_low", "ci_high"], 1.0)
    row |= dict.fromkeys(["n_cells", "n_clones", "n_repeats", "m"], 0)
    frame = pd.DataFrame(
        [row | {"reason": "pre: no V(D)J file"}, row | {"reason": "pre: 0 B cells with a receptor"}]
    )
    found = report_rows.headline_diversity(frame)
    assert list(found["status"]) == ["no BCR file", "not estimable"]
    assert pd.isna(found["n_cells"].iloc[0])
    assert found["n_cells"].iloc[1] == 0


def test_a_claim_names_the_file_that_lacks():
    gone = {("P1", "pre"), ("P1", "post")}
    assert no_file("P1", ["post", "pre"], gone)["reason"] == "no BCR file at pre and post"
    assert no_file("P1", ["post", "pre"], {("P1", "post")})["reason"] == "no BCR file at post"
    assert no_file("P2", ["post", "pre"], gone) == {}


def test_ighv4_34_comes_first_and_then_the_cohort():
    frame = pd.DataFrame({
        "v_call": ["IGHV3-23", "IGHV1-2", "IGHV4-34", "IGHV4-34", "IGHV1-2"],
        "scope": ["cohort", "cohort", "P1", "cohort", "P1"], "p_value": [0.4, 0.1, None, None, 0.2],
        "n_baseline": 3, "total_baseline": 10, "n_followup": 0, "total_followup": 8,
    })  # fmt: skip
    found = report_rows.told_genes(frame)
    assert list(found["v_call"]) == ["IGHV4-34", "IGHV4-34", "IGHV1-2", "IGHV3-23"]
    assert set(found["before"]) == {"3 of 10"}
