"""Every claim has its row, whatever the cohort has; nothing is claimed where nothing changed."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

import judge_claims
from immune_reset import tables
from immune_reset.judge import COLUMNS

CLAIMS = [
    "bcr_diversity",
    "tcr_diversity",
    "baseline_clones",
    "b_cell_fraction",
    "naive_b_fraction",
    "plasma_fraction",
    "class_switched_fraction",
    "jak_stat_b_cells",
    "ifn_b_cells",
    "ifn_t_cells",
    "ifn_monocytes",
    "ifn_nk_cells",
    "ifn_dc",
    "car_t_fraction",
]
CFG = {
    "claims.alpha": 0.05,
    "claims.min_log2_change": 0.58,
    "claims.min_log_diversity": 0.2,
    "composition.min_expected": 5,
}


def plan(patients=("P1", "P2"), times=("pre", "m1", "m3")):
    return {
        "baseline": times[0],
        "timepoints": list(times),
        "samples": [
            {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": None, "in_cohort": True}
            for p in patients
            for t in times
        ],
    }


def run(tmp_path, inputs, design):
    paths = {}
    for name, frame in inputs.items():
        paths[name] = tmp_path / f"{name}.parquet"
        frame.to_parquet(paths[name])
    output = SimpleNamespace(claims=tmp_path / "claims.tsv")
    params = SimpleNamespace(cfg=CFG, design=design)
    judge_claims.main(
        SimpleNamespace(input=SimpleNamespace(**paths), output=output, params=params, log=[])
    )
    return tables.read(output.claims)


def test_every_claim_has_its_row_without_any_table(tmp_path):
    rows = run(tmp_path, {}, plan())
    assert list(rows.columns) == COLUMNS
    assert sorted(rows["claim"].unique()) == sorted(CLAIMS)
    assert set(rows["scope"]) == {"P1", "P2", "cohort"}
    # 12 claims without compartments or with one (2 x 4 + 2 compartments of the others)
    assert len(rows) == 3 * 2 * (11 + 8 + 2)
    assert set(rows["direction"]) == {"not estimable"}
    assert set(rows["evidence"]) == {"descriptive"}
    assert (rows["reason"] != "").all()
    assert not rows.duplicated(["claim", "scope", "comparison", "compartment"]).any()


def test_a_timepoint_that_a_patient_lacks_is_named(tmp_path):
    design = plan()
    design["samples"] = [row for row in design["samples"] if row["sample"] != "P2_m3"]
    empty = pd.DataFrame(columns=["scope", "comparison", "cell_type", "gene_set"])
    rows = run(tmp_path, {"pathway_change": empty}, design)
    own = rows.query("scope == 'P2' and comparison == 'm3 vs pre' and claim == 'ifn_dc'").iloc[0]
    assert own["reason"] == "P2 has no sample at m3"
    assert own["enough"] == "a sample at m3"


def test_one_timepoint_alone_says_that_a_followup_is_missing(tmp_path):
    empty = pd.DataFrame(columns=["scope", "comparison", "cell_type", "gene_set"])
    rows = run(tmp_path, {"pathway_change": empty}, plan(("P1",), ("pre",)))
    assert sorted(rows["claim"].unique()) == sorted(CLAIMS)
    row = rows.query("scope == 'P1' and claim == 'ifn_dc'").iloc[0]
    assert row["reason"] == "P1 has no sample at follow-up"


PATHWAYS = [(t, "ISG28") for t in ("B", "T", "monocyte", "NK", "DC")] + [
    ("B", "HALLMARK_IL6_JAK_STAT3_SIGNALING")
]


def pathway_rows(patient, p, d):
    return pd.DataFrame(
        {
            "scope": patient,
            "comparison": "m1 vs pre",
            "cell_type": [t for t, _ in PATHWAYS],
            "gene_set": [s for _, s in PATHWAYS],
            "n_baseline": 100,
            "n_followup": 50,
            "estimate": d,
            "ci_low": d - np.where(p < 0.05, 0.9, 1.1) * np.abs(d),
            "ci_high": d + np.where(p < 0.05, 0.9, 1.1) * np.abs(d),
            "p_value": p,
            "p_floor": np.nan,
            "n_patients": 1,
            "status": "scorable",
        }
    )


def test_null_patients_carry_a_claim_in_at_most_alpha():
    rng = np.random.default_rng(0)
    patients = [f"P{i}" for i in range(60)]
    found = dict.fromkeys(judge_claims.INPUTS)
    found["pathway_change"] = pd.concat(
        [pathway_rows(p, rng.uniform(size=6), rng.choice([-1.5, 1.5], 6)) for p in patients]
    )
    limits = {"alpha": 0.05, "min_log2_change": 0.58, "min_log_diversity": 0.2}
    rows = judge_claims.all_claims(found, plan(patients, ("pre", "m1")), **limits)
    claimed = rows.loc[rows["direction"].isin(["increased", "decreased"])]
    assert claimed["scope"].nunique() <= 60 * 0.05 + 2.6 * np.sqrt(60 * 0.05 * 0.95)
    assert claimed["scope"].nunique() >= 1


def test_planted_changes_are_claimed_and_another_patient_leaves_them(tmp_path):
    planted = pathway_rows("P1", np.full(6, 1e-4), np.full(6, -1.5))
    alone = run(tmp_path, {"pathway_change": planted}, plan(("P1",), ("pre", "m1")))
    own = alone.query("scope == 'P1' and family == 'pathways'")
    assert set(own["direction"]) == {"decreased"}
    more = pd.concat([planted, pathway_rows("P2", np.full(6, 0.9), np.full(6, 1.5))])
    both = run(tmp_path, {"pathway_change": more}, plan(("P1", "P2"), ("pre", "m1")))
    pd.testing.assert_frame_equal(
        alone.query("scope == 'P1'").reset_index(drop=True),
        both.query("scope == 'P1'").reset_index(drop=True),
    )
