"""Whole runs on real cells of which it is known what may be claimed."""

import pytest
from conftest import copy_project, snakemake

from immune_reset import tables

pytestmark = pytest.mark.real_data
CHANGES = ["increased", "decreased"]


def run(real_data, tmp_path_factory, name):
    project = copy_project(tmp_path_factory.mktemp(name) / "project")
    sheet = real_data / name / "samples.tsv"
    done = snakemake("--config", f"samples={sheet}", "outdir=OUT", cwd=project)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return project / "OUT"


@pytest.fixture(scope="module")
def hybrid(real_data, tmp_path_factory):
    return run(real_data, tmp_path_factory, "hybrid_cohort")


@pytest.fixture(scope="module")
def null(real_data, tmp_path_factory):
    return run(real_data, tmp_path_factory, "null_cohort")


def within(folder):
    claims = tables.read(folder / "tables/claims.tsv")
    return claims[claims["evidence"] == "within-patient"]


@pytest.mark.parametrize("patient", ["P1", "P2"])
@pytest.mark.parametrize("claim", ["ifn_b_cells", "ifn_t_cells", "ifn_monocytes"])
def test_interferon_falls_in_each_patient(hybrid, patient, claim):
    claims = within(hybrid)
    rows = claims[(claims["claim"] == claim) & (claims["scope"] == patient)]
    assert list(rows["direction"]) == ["decreased"]


def test_interferon_falls_in_every_cell_type_that_can_be_scored(hybrid):
    change = tables.read(hybrid / "tables/pathway_change.tsv")
    change = change[(change["gene_set"] == "ISG28") & change["scope"].isin(["P1", "P2"])]
    enough = (change["n_baseline"] >= 10) & (change["n_followup"] >= 10)
    types = change[enough].groupby("scope")["cell_type"].agg(set)
    assert all({"B", "CD4 T", "CD8 T", "NK", "monocyte"} <= found for found in types)
    assert (change.loc[enough, "ci_high"] < 0).all()
    assert set(change.loc[~enough, "status"]) == {"not scorable"}


def test_the_first_hallmark_sets_are_those_of_interferon(hybrid):
    found = tables.read(hybrid / "tables/enrichment.tsv")
    found = found[found["gene_set"].str.startswith("HALLMARK_") & (found["method"] == "prerank")]
    types = dict(list(found.groupby("cell_type")))
    assert {"B", "CD4 T", "CD8 T", "NK", "monocyte"} <= set(types)
    for cell_type, part in types.items():
        first = part.loc[part["nes"].abs().nlargest(2).index]
        names = {f"HALLMARK_INTERFERON_{name}_RESPONSE" for name in ("ALPHA", "GAMMA")}
        assert set(first["gene_set"]) == names, cell_type
        assert (first["nes"] < -2).all() and (first["q_value"] < 0.01).all()


def test_the_fall_of_interferon_lies_within_the_cell_types(hybrid):
    table = tables.read(hybrid / "tables/attribution.tsv")
    table = table[table["gene_set"] == "ISG28"]
    assert set(table["patient"]) == {"P1", "P2"}
    for _, part in table.groupby("patient"):
        total, within = part["total"].iloc[0], part["within"].sum()
        assert total < 0 and within + part["composition"].sum() == pytest.approx(total)
        assert 0.95 <= within / total <= 1.05
        assert (part["within"] <= 0).all()


def test_interferon_stands_whatever_the_gene_set(hybrid):
    table = tables.read(hybrid / "tables/robustness.tsv")
    table = table[table["claim"].str.startswith("ifn_") & table["patient"].isin(["P1", "P2"])]
    large = table[table["claim"].isin(["ifn_t_cells", "ifn_monocytes"])]
    assert len(large) and set(large["direction"]) == {"decreased"}
    assert "increased" not in set(table["direction"])  # fewer cells or genes show less, at most
    claims = within(hybrid).query("claim == 'ifn_b_cells'")
    stands = [int(told.split(" of ")[0]) for told in claims["robustness"]]
    assert len(stands) == 2 and min(stands) >= 40


def test_no_other_change_is_claimed_than_is_known_to_be_there(hybrid):
    claims = within(hybrid)
    changed = claims[claims["direction"].isin(CHANGES)]
    for row in changed.itertuples():
        if row.claim.startswith(("ifn_", "jak_stat")):
            assert row.direction == "decreased"
        elif row.claim == "baseline_clones":
            assert row.direction == "decreased"
            assert (row.scope, row.compartment) in {("P1", "BCR"), ("P2", "TCR")}
        else:
            assert row.claim == "tcr_diversity", row
    bcr = tables.read(hybrid / "tables/claims.tsv").query("claim == 'bcr_diversity'")
    assert set(bcr["direction"]) == {"not estimable"}


def test_jak_stat_is_named_as_the_same_signal(hybrid):
    claims = tables.read(hybrid / "tables/claims.tsv")
    rows = claims[(claims["claim"] == "jak_stat_b_cells") & claims["scope"].isin(["P1", "P2"])]
    assert len(rows) == 2
    assert (rows["direction"] == "decreased").all()
    assert rows["detail"].str.contains("same signal").all()


def test_planted_clones_have_their_fates(hybrid):
    fates = tables.read(hybrid / "tables/clone_fates.tsv")
    clones = tables.read(hybrid / "tables/clones.tsv")
    both = fates.merge(
        clones[["patient", "receptor", "clone_id", "junction_aa"]],
        on=["patient", "receptor", "clone_id"],
        suffixes=("", "_clone"),
    )
    both["junction_aa"] = both.get("junction_aa_clone", both["junction_aa"])

    def fate(patient, receptor, junction):
        rows = both[
            (both["patient"] == patient)
            & (both["receptor"] == receptor)
            & (both["junction_aa"] == junction)
        ]
        return rows.sort_values("p_value").iloc[0]

    gone = fate("P1", "BCR", "CAMHLGQWLVQSWFDPW")
    assert gone["fate"] == "eradicated"
    assert 0 < gone["detection_limit"] < 0.2
    assert fate("P2", "TCR", "CASSLQGTGNTIYF")["fate"] == "eradicated"
    assert fate("P1", "TCR", "CAAGQGVMNTEAFF")["fate"] == "expanded"


def test_two_patients_are_no_cohort_and_the_report_says_what_would_be(hybrid):
    claims = tables.read(hybrid / "tables/claims.tsv").query("scope == 'cohort'")
    assert set(claims["direction"]) <= {"not estimable", "no change shown"}
    assert "3 patients" in (hybrid / "report.html").read_text("utf-8")


def test_labels_agree_with_receptors(hybrid):
    labels = tables.read(hybrid / "cohort/labels.parquet").set_index("cell_id")["cell_type"]
    found = tables.read_many(sorted(hybrid.glob("patients/*/clonotypes.parquet")))
    types = labels.reindex(found["cell_id"]).to_numpy()
    is_b, is_t = (found["receptor"] == name for name in ("BCR", "TCR"))
    assert (types[is_b] == "B").mean() >= 0.90
    t_cells = ["CD4 T", "CD8 T", "other T"]
    assert (labels.reindex(found.loc[is_t, "cell_id"]).isin(t_cells)).mean() >= 0.85


def test_where_nothing_changed_nothing_is_claimed(null):
    claims = tables.read(null / "tables/claims.tsv")
    assert len(claims)
    assert not claims["direction"].isin(CHANGES).any()
