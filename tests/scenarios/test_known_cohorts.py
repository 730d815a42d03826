"""Runs up to the claims of small cohorts of which it is known what may be said.

The rate of false claims over many cohorts is measured by benchmarks/calibration; here one cohort of
each kind is held to what its claims must say. Its jobs run in one process, which spares the starts.
"""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from immune_reset import tables

KINDS = {
    "unchanged": ("--null", "--seed", "104"),
    "interferon_rises": ("--interferon", "1.5", "--jak-stat", "0", "--seed", "102"),
    "other_chemistry": (
        "--null", "--chemistry", "1.2", "--genes-lost", "0.15", "--depth-ratio", "0.6",
        "--seed", "103",
    ),
}  # fmt: skip
CHANGES = ["increased", "decreased"]
INTERFERON = ("ifn_b_cells", "ifn_t_cells", "ifn_monocytes", "ifn_nk_cells")
RUN = """
import subprocess, sys
cohort, out, *options = sys.argv[1:]
sys.path[:0] = ["benchmarks"]
from in_process import run
simulate = [sys.executable, "workflow/scripts/simulate_cohort.py", cohort, "--preset", "tiny"]
subprocess.run([*simulate, *options], check=True, capture_output=True)
made = [f"{out}/tables/{name}.tsv" for name in ("claims", "attribution", "robustness")]
run({"samples": f"{cohort}/samples.tsv", "outdir": out}, *made)
"""


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory):
    """The output folder of each kind of cohort; they are run side by side."""
    place = tmp_path_factory.mktemp("known")
    started = {}
    for kind, options in KINDS.items():
        command = [sys.executable, "-c", RUN, place / f"{kind}_cohort", place / kind, *options]
        started[kind] = subprocess.Popen(
            [*map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=1
        )
    for kind, process in started.items():
        said, _ = process.communicate(timeout=1800)
        assert process.returncode == 0, f"{kind}: {said[-4000:]}"
    return {kind: place / kind for kind in KINDS}


def claims_of(folder):
    """The claims that a count matrix or a repertoire stands behind; a clinical value is given."""
    claims = tables.read(folder / "tables/claims.tsv")
    return claims[claims["family"] != "clinical"]


def test_where_nothing_changed_nothing_is_claimed(cohorts):
    claims = claims_of(cohorts["unchanged"])
    tested = claims[claims["direction"] == "no change shown"]
    assert {"pathways", "composition", "clones"} <= set(tested["family"])
    assert not claims["direction"].isin(CHANGES).any(), claims[claims["direction"].isin(CHANGES)]


def test_interferon_that_rises_is_said_to_rise_in_each_patient(cohorts):
    claims = claims_of(cohorts["interferon_rises"])
    own = claims[(claims["scope"] != "cohort") & claims["claim"].isin(INTERFERON)]
    assert len(own) == 2 * len(INTERFERON)
    assert (own["direction"] == "increased").all()
    assert (own["evidence"] == "within-patient").all()
    assert own["estimate"].between(0.8, 2.2).all(), own["estimate"]
    assert own["robustness"].str.fullmatch(r"\d+ of 108").all()


def test_two_patients_are_both_patients_and_no_cohort_claim(cohorts):
    claims = claims_of(cohorts["interferon_rises"])
    cohort = claims[claims["scope"] == "cohort"]
    assert not cohort["direction"].isin(CHANGES).any()
    assert set(cohort["evidence"]) == {"descriptive"}
    rows = cohort.set_index("claim").loc[list(INTERFERON)]
    assert rows["reason"].str.startswith("both patients increased; 2 patients").all()
    assert rows["enough"].str.contains("3 patients").all()
    assert rows[["p_value", "q_value"]].isna().all(axis=None)


def test_the_rise_lies_within_the_cell_types(cohorts):
    table = tables.read(cohorts["interferon_rises"] / "tables/attribution.tsv")
    table = table[table["gene_set"] == "ISG28"]
    assert len(table.groupby(["patient", "comparison"])) == 2
    for _, part in table.groupby(["patient", "comparison"]):
        within, mixed = part["within"].sum(), part["composition"].sum()
        assert within + mixed == pytest.approx(part["total"].iloc[0], abs=1e-6)
        assert within > 0 and abs(mixed) < 0.15 * within
        large = part[part[["n_baseline", "n_followup"]].min(axis=1) >= 10]
        assert len(large) >= 4 and (large["within"] > 0).all()


def test_a_change_of_chemistry_is_no_more_than_descriptive(cohorts):
    claims = claims_of(cohorts["other_chemistry"])
    changed = claims[claims["direction"].isin(CHANGES)]
    assert (changed["family"] == "pathways").any()  # without the guard these would be claims
    assert set(changed["evidence"]) == {"descriptive"}
    assert changed["reason"].str.contains("batch differs between the two samples").all()
    assert not (claims["evidence"] == "cohort").any()


def test_genes_that_one_chemistry_lacks_are_left_out_of_both_and_counted(cohorts):
    out = cohorts["other_chemistry"]
    kept = {}
    for sample in ("LN01_baseline", "LN01_month_3"):
        counts = tables.read(out / f"samples/{sample}/genes.parquet", ["gene_id"])
        kept[sample] = set(counts["gene_id"])
    lost = kept["LN01_baseline"] - kept["LN01_month_3"]
    assert len(lost) > 100 and not kept["LN01_month_3"] - kept["LN01_baseline"]
    for sample in kept:
        log = (out / f"logs/score_cells/{sample}.shipped.log").read_text("utf-8")
        assert f"{len(lost)} genes are not measured in all samples: left out" in log
    scores = tables.read(out / "tables/pathway_scores.tsv")
    n_genes = scores.groupby(["gene_set", "timepoint"])["n_genes"].unique().unstack()
    assert (n_genes["baseline"].str.len() == 1).all()
    assert n_genes["baseline"].str[0].equals(n_genes["month_3"].str[0])
    full = tables.read(cohorts["unchanged"] / "tables/pathway_scores.tsv")
    before = full.groupby("gene_set")["n_genes"].first()
    assert (n_genes["baseline"].str[0] < before).sum() >= 4
    cells = tables.read(out / "samples/LN01_month_3/set_counts_shipped.parquet")
    assert np.isfinite(pd.to_numeric(cells["total_counts"])).all()
