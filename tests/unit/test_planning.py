import pytest

from immune_reset.design import comparisons, frame, samples_at
from immune_reset.errors import InputError
from immune_reset.planning import cohort_design, patient_design, patients, remarks


def row(sample, patient, timepoint, day=None, **more):
    found = {"sample": sample, "patient": patient, "timepoint": timepoint, "gex": "x.h5", **more}
    return found if day is None else {**found, "day": day}


ROWS = [
    row("a3", "A", "late", 90.0),
    row("a1", "A", "pre", -7.0),
    row("a2", "A", "early", 28.0),
    row("b1", "B", "pre", -3.0),
    row("b2", "B", "early", 30.0),
]


def test_days_order_the_timepoints_and_the_first_is_the_baseline():
    design = cohort_design(ROWS, baseline=None, timepoints=[])
    assert design["timepoints"] == ["pre", "early", "late"]
    assert [name for _, _, name in comparisons(design)] == ["early vs pre", "late vs pre"]
    assert samples_at(design, "pre") == ["a1", "b1"]
    assert samples_at(design, "pre", "B") == ["b1"]
    assert list(frame(design)["timepoint"].cat.categories) == ["pre", "early", "late"]


def test_without_days_the_sheet_s_order_holds():
    rows = [{k: v for k, v in r.items() if k != "day"} for r in ROWS]
    assert cohort_design(rows, baseline="pre", timepoints=[])["timepoints"] == [
        "late",
        "pre",
        "early",
    ]


def test_another_patient_changes_nothing_in_a_patient_s_own_design():
    alone = cohort_design(ROWS[3:], baseline="pre", timepoints=[])
    together = cohort_design(ROWS, baseline="pre", timepoints=[])
    assert patient_design(alone, "B") == patient_design(together, "B")
    assert patient_design(together, "B")["timepoints"] == ["pre", "early"]


def test_another_tissue_is_another_stratum_and_never_in_the_cohort():
    rows = [*ROWS, row("k1", "A", "pre", -7.0, tissue="kidney")]
    rows = [{**r, "tissue": r.get("tissue", "blood")} for r in rows]
    design = cohort_design(rows, baseline=None, timepoints=[])
    assert patients(design) == ["A", "B", "A.kidney"]
    assert [s["in_cohort"] for s in design["samples"]] == [True] * 5 + [False]
    assert design["samples"][-1]["person"] == "A"


def test_what_the_reader_must_know_is_said():
    rows = [
        *ROWS,
        row("c1", "C", "late", 90.0),
        row("b3", "B", "pre", -2.0),
        row("d1", "D", "pre", 0.0),
    ]
    said = " ".join(remarks(cohort_design(rows, baseline=None, timepoints=[])))
    assert "C has no sample at pre" in said
    assert "D has no sample after pre" in said
    assert "b1, b3 are pooled" in said


@pytest.mark.parametrize(
    ("baseline", "timepoints", "words"),
    [
        ("before", [], "before"),
        (None, ["pre", "early", "later", "late"], "later"),
        (None, ["pre", "early"], "late"),
    ],
)
def test_a_baseline_or_order_that_nobody_has_is_refused(baseline, timepoints, words):
    with pytest.raises(InputError, match=words):
        cohort_design(ROWS, baseline=baseline, timepoints=timepoints)


def test_a_control_alone_is_no_baseline():
    rows = [row("h", "H", "healthy", group="control"), *ROWS]
    assert cohort_design(rows, baseline=None, timepoints=[])["baseline"] != "healthy"


def test_a_timepoint_of_controls_alone_is_compared_with_nothing():
    rows = [*ROWS, row("h", "H", "healthy", group="control")]
    order = ["pre", "early", "healthy", "late"]
    design = cohort_design(rows, baseline=None, timepoints=order)
    assert [name for _, _, name in comparisons(design)] == ["early vs pre", "late vs pre"]
