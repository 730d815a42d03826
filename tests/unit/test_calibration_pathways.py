"""The calibration's own parts: the law has the truth that it says, and what is counted is right."""

import importlib.util
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def study(root):
    """The study, loaded from its file."""
    place = root / "benchmarks" / "calibration" / "pathways.py"
    spec = importlib.util.spec_from_file_location("calibration_pathways", place)
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


def test_cells_have_the_shares_of_their_library(study):
    law = study.law
    rng = np.random.default_rng(1)
    shares = np.full((len(law.TYPES), 3), 0.01) * [1, 0.5, 0.2]
    fractions, subsets = (np.full(n, 1 / n) for n in (len(law.TYPES), len(law.SUBSETS)))
    cells = law.draw_cells(rng, shares, fractions, subsets, 40_000, 2000.0)
    found = cells[law.SETS].sum() / cells["total_counts"].sum()
    assert found.tolist() == pytest.approx([0.01, 0.005, 0.002], rel=0.02)
    x, mean = cells[law.ISG], cells.groupby("cell_type")["total_counts"].transform("mean") / 100
    # Poisson + depth (1/4) + activity (1/2) with their product: 1/mean + 1.25 * 1.5 - 1
    assert ((x / mean) ** 2).mean() - 1 == pytest.approx((1 / mean).mean() + 0.875, rel=0.05)


def test_effects_of_a_library_are_correlated_between_types(study):
    rng = np.random.default_rng(2)
    drawn = np.array([study.law.correlated(rng, 0.3)[:, 0] for _ in range(4000)])
    assert drawn.std() == pytest.approx(0.3, rel=0.05)
    between = np.corrcoef(drawn.T)[np.triu_indices(drawn.shape[1], 1)]
    assert between.mean() == pytest.approx(study.law.RHO, abs=0.03)


def test_depth_differs_as_planned_and_the_seed_decides_all(study):
    plan = study.law.Plan(seed=(1, 2), n=3, fold_cells=8.0, fold_umis=0.25, cells=2000)
    made, again = study.law.draw(plan), study.law.draw(plan)
    sizes = {name: len(cells) for name, cells in made.cells.items()}
    umis = {name: cells["total_counts"].mean() for name, cells in made.cells.items()}
    ratios = np.array(
        [[of[f"P{p}_baseline"] / of[f"P{p}_month_1"] for p in (1, 2, 3)] for of in (sizes, umis)]
    )
    assert np.exp(np.log(ratios).mean(axis=1)) == pytest.approx([8, 0.25], rel=0.5)
    assert all(made.cells[name].equals(again.cells[name]) for name in made.cells)


def test_a_planted_fall_opens_the_gate_and_a_lost_one_is_seen(study):
    found = study.one(study.planted_plan(1, 500, n=4))
    assert found["gate"] == "decreased"
    assert ("ifn_t_cells", "decreased") in found["claims"]
    assert found["covered"]["inside"].mean() > 0.85
    two = study.one(study.planted_plan(1, 500, n=2))
    assert (two["gate"], two["claims"], two["both"]) == ("", [], True)


def test_batches_that_go_with_the_timepoint_leave_no_firm_claim(study):
    plan = study.law.null_plan(1, 7, n=4, followups=1, effect=study.PLANTED, batch="timepoint")
    found = study.one(plan)
    assert found["claims"] == [] and found["lowered"] > 0 and found["gate"] == "decreased"


def test_bounds_are_judged_from_the_counts(study):
    import pandas as pd

    def cohort(gate="", false=0):
        covered = pd.DataFrame({"status": ["scorable"] * 100, "inside": [True] * 95 + [False] * 5})
        return {
            "n": 4, "gate": gate, "false": {"pathways": false, "composition": 0}, "both": True,
            "tested": {"pathways": True, "composition": True}, "covered": covered,
        }  # fmt: skip

    def held(nulls, gates):
        found = {"null": [cohort(false=k) for k in nulls], "two": [], "batch": []}
        found["planted"] = [cohort(gate=g) for g in gates]
        return [row[3] for row in study.verdicts(found)]

    assert all(held([1] * 16 + [0] * 184, ["decreased"] * 18 + [""] * 2))
    assert not held([1] * 17 + [0] * 183, ["decreased"] * 20)[0]
    assert not held([0] * 200, ["decreased"] * 17 + [""] * 3)[2]
    assert not held([0] * 200, ["decreased"] * 19 + ["increased"])[3]
