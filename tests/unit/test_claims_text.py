"""Every claim becomes a sentence whose numbers are the table's."""

import itertools

import numpy as np
import pandas as pd
import pytest
import yaml
from unit import report_claims
from unit.report_jobs import TEMPLATES

from immune_reset import claims_text

CATALOGUE = yaml.safe_load((TEMPLATES / "sentences.yaml").read_text())
CLAIMS = [name for name in CATALOGUE["claims"] if name not in ("clinical", "other")]
CLAIMS += ["clinical_C3", "clinical_anti_dsDNA"]


def test_the_design_documents_claims_are_all_in_the_catalogue():
    assert set(CLAIMS) >= {
        "bcr_diversity", "tcr_diversity", "baseline_clones", "b_cell_fraction",
        "naive_b_fraction", "plasma_fraction", "class_switched_fraction", "jak_stat_b_cells",
        "ifn_b_cells", "ifn_t_cells", "ifn_monocytes", "ifn_nk_cells", "ifn_dc", "car_t_fraction",
    }  # fmt: skip


def view(claim="ifn_b_cells", **values):
    row = report_claims.claim(claim, "pathways", "P1", "month_3 vs baseline")
    row |= {"measure": "change of log2 share", "evidence": "within-patient"}
    row |= {"estimate": np.log2(1 / 3.2), "ci_low": np.log2(1 / 4.9), "ci_high": np.log2(1 / 2.1)}
    row |= {"n_baseline": 168.0, "n_followup": 45.0, "direction": "decreased"} | values
    return claims_text.claim_view(row, CATALOGUE, {"C3": "g/L"})


def test_the_sentence_says_direction_size_interval_and_times():
    assert view()["sentence"] == (
        "The type I interferon response of B cells was 3.2-fold lower at month 3 than at "
        "baseline (95 % interval 2.1 to 4.9)."
    )
    assert view()["n"] == "168 cells at baseline, 45 at month 3"


@pytest.mark.parametrize(
    ("claim", "direction"), list(itertools.product(CLAIMS, CATALOGUE["directions"]))
)
def test_every_claim_has_a_sentence_for_every_direction(claim, direction):
    sign = -1 if direction == "decreased" else 1
    numbers = {"estimate": sign * 1.5, "ci_low": sign - 0.5, "ci_high": sign + 1.0}
    said = view(claim, direction=direction, **numbers)
    assert said["sentence"].endswith(".")
    assert "{" not in said["sentence"]
    assert said["label"] != claim
    assert said["symbol"]
    assert said["word"] == direction


@pytest.mark.parametrize("direction", CATALOGUE["directions"])
def test_a_direction_without_numbers_has_a_sentence_too(direction):
    none = dict.fromkeys(("estimate", "ci_low", "ci_high", "n_baseline", "n_followup"), np.nan)
    said = view(direction=direction, **none)
    assert "nan" not in said["sentence"]
    assert said["n"] == ""


def test_a_bound_is_said_as_a_bound():
    said = view("b_cell_fraction", estimate=np.nan, ci_low=np.nan, ci_high=-4.0)
    assert (
        "at least 16-fold lower at month 3 than at baseline (one-sided 95 % bound)"
        in said["sentence"]
    )
    assert said["short"] == "≥ 16×"


def test_shares_as_differences_are_percentage_points():
    said = view("car_t_fraction", family="car", measure="difference", direction="increased",
                estimate=0.031, ci_low=0.02, ci_high=0.045)  # fmt: skip
    assert "was 3.1 percentage points higher" in said["sentence"]
    assert "(95 % interval 2.0 to 4.5)" in said["sentence"]


def test_clinical_values_keep_their_unit():
    numbers = {"estimate": 0.42, "ci_low": np.nan, "ci_high": np.nan}
    n = {"n_baseline": 1, "n_followup": 1}
    words = {"family": "clinical", "measure": "difference (g/L)", "direction": "increased"}
    said = view("clinical_C3", **numbers, **n, **words)
    assert said["sentence"] == "C3 was 0.42 g/L higher at month 3 than at baseline."
    assert said["n"] == "one value at each time"


def test_cohort_claims_count_patients_and_leave_the_floor_to_the_sign_flip_test():
    said = view(scope="cohort", evidence="cohort", n_baseline=3, n_followup=3, p_value=0.012,
                p_floor=0.25, q_value=0.00001)  # fmt: skip
    assert said["n"] == "3 patients"
    assert said["p"].replace("\xa0", " ") == "p = 0.012"
    assert said["q"].replace("\xa0", " ") == "adjusted p < 0.0001"
    assert "0.25" not in said["p"] + said["q"]


WITHDRAWN = {"direction": "not estimable", "measure": "least change of ln D2, from a bound"}


def test_a_bound_on_diversity_is_no_estimate():
    numbers = {"estimate": 2.0, "ci_low": 0.9, "ci_high": np.nan, "direction": "increased"}
    said = view("bcr_diversity", measure="least change of ln D2, from a bound", **numbers)
    assert "at least 2.5-fold higher" in said["sentence"]
    assert said["short"] == "≥ 2.5×"
    assert view("bcr_diversity", **numbers | WITHDRAWN)["short"] == "≥ 2.5×"
    assert view("bcr_diversity", **numbers | WITHDRAWN | {"ci_low": -0.9})["short"] == ""


def test_an_interval_apart_from_no_change_is_not_called_unchanged():
    numbers = {"estimate": -12.7, "ci_low": -23.9, "ci_high": -1.47, "measure": "difference"}
    said = view("clinical_C3", family="clinical", direction="no change shown", **numbers)
    assert said["sentence"] == (
        "C3 was 12.7 g/L lower at month 3 than at baseline (95 % interval 1.47 to 23.9 g/L), "
        "which is not enough to claim a change."
    )


def test_what_is_described_looks_like_no_claim():
    said = view(evidence="descriptive")
    assert (said["symbol"], said["described"]) == ("▽", True)
    assert (view()["symbol"], view()["described"]) == ("▼", False)
    assert not view(direction="not estimable", evidence="descriptive")["described"]


def test_a_compartment_that_the_subject_implies_is_not_repeated():
    assert "(B)" not in view(compartment="B")["sentence"]
    assert "(memory)" in view("bcr_diversity", compartment="memory")["sentence"]
    both = [view("baseline_clones", compartment=c)["glance"] for c in ("BCR", "TCR")]
    assert len(set(both)) == 2


def test_what_stands_elsewhere_is_not_said_twice():
    said = view(
        direction="not estimable",
        reason="2 B cells",
        detail="m = 20 cells; cell level, one library per time: batch; enough: 10 cells",
    )
    assert (said["reason"], said["detail"], said["enough"]) == (
        "2 B cells",
        "m = 20 cells",
        "10 cells",
    )


def test_the_same_signal_is_said_beside_the_sentence():
    detail = "same signal as interferon (JAK-STAT beyond interferon +0.10); m = 20 cells"
    said = view("jak_stat_b_cells", detail=detail)
    assert said["note"] == "same signal as interferon (JAK-STAT beyond interferon +0.10)"
    assert said["detail"] == "m = 20 cells"


def test_a_claim_that_the_catalogue_does_not_know_is_named():
    assert view("new_marker")["sentence"].startswith("New marker was 3.2-fold lower")


def test_unknown_words_of_the_table_are_an_error():
    with pytest.raises(KeyError):
        view(direction="sideways")


def test_missing_text_of_a_table_is_no_text():
    row = pd.Series(report_claims.claim("ifn_dc", "pathways", "P1", "b vs a"))
    row = row.to_dict() | {"direction": "not estimable", "evidence": "descriptive"}
    said = claims_text.claim_view(row | {"reason": "", "detail": ""}, CATALOGUE, {})
    assert said["reason"] == said["detail"] == said["enough"] == ""
