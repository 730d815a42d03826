"""Claims on scores and shares under other settings: the run's own exactly, the others by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from unit import repertoire_data as made

import compare_composition
import compare_pathways
import gather_robustness
import judge_claims
import vary_cells as script
from immune_reset import cells_varied, robustness, shares, tables
from immune_reset.gene_sets import COLUMNS

ALPHA, BEYOND = "HALLMARK_INTERFERON_ALPHA_RESPONSE", "JAK_STAT_BEYOND_INTERFERON"
JAK, STAT5 = "HALLMARK_IL6_JAK_STAT3_SIGNALING", "HALLMARK_IL2_STAT5_SIGNALING"
LEVEL = {"ISG28": 0.03, "ISG6": 0.012, "ISG4": 0.01, ALPHA: 0.06, JAK: 0.02, STAT5: 0.02}
LEVEL[BEYOND] = 0.015
FALLS = {"ISG28": 3.0, "ISG6": 3.0, "ISG4": 3.0}
N = {"B": 60, "CD4 T": 90, "CD8 T": 60, "monocyte": 50, "NK": 15, "plasma": 6}
PATIENTS = ("P1", "P2", "P3")
CONFIG = {
    "qc.min_genes": 200, "qc.max_pct_mt": 20, "pathways.min_cells": 10, "pathways.min_counts": 20,
    "pathways.min_genes": 3, "composition.min_expected": 5, "claims.alpha": 0.05,
    "claims.min_log2_change": 0.58, "claims.min_log_diversity": 0.2,
}  # fmt: skip
DESIGN = {
    "timepoints": ["pre", "post"],
    "baseline": "pre",
    "samples": [
        {"sample": f"{p}_{t}", "patient": p, "timepoint": t, "day": d, "in_cohort": True}
        for p in PATIENTS
        for d, t in ((-5, "pre"), (90, "post"))
    ],
}


def sample(name, seed):
    """One sample's cells: metrics of which some fail a stricter cut-off, labels and counts."""
    rng, after = np.random.default_rng(seed), name.endswith("post")
    n = N | ({"B": 23 + seed} if after else {})
    kinds = np.repeat(list(n), list(n.values()))
    total = rng.poisson(2500, len(kinds))
    cells = pd.DataFrame({"cell_id": [f"{name}:{i}" for i in range(len(kinds))], "keep": True})
    cells["n_genes_by_counts"] = rng.integers(220, 900, len(cells))
    cells["pct_counts_mt"] = np.where(
        rng.random(len(cells)) < 0.1, np.nan, rng.uniform(0, 12, len(cells))
    )
    cells["pct_counts_mt"] = cells["pct_counts_mt"].where(rng.random(len(cells)) < 0.7, 8.0)
    cells.loc[len(cells)] = [f"{name}:lost", False, 20, 60.0]
    person = np.random.default_rng(seed // 2).normal(0, 0.2)
    counts = pd.DataFrame({"cell_id": cells["cell_id"][:-1], "total_counts": total})
    for gene_set, level in LEVEL.items():
        fall = FALLS.get(gene_set, 1.0) * 2**person if after else 1.0
        counts[gene_set] = rng.binomial(total, level / fall)
    labels = pd.DataFrame({"cell_id": counts["cell_id"], "sample": name, "cell_type": kinds})
    subtype = np.where((kinds == "B") & (np.arange(len(kinds)) % 3 > 0), "naive B", "memory B")
    labels["cell_subtype"] = np.where(kinds == "B", subtype, "")
    covered = pd.DataFrame({"sample": name, "gene_set": list(LEVEL), "n_genes_measured": 20})
    return cells, counts, labels, covered


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place, labels = tmp_path_factory.mktemp("cells"), []
    for seed, row in enumerate(DESIGN["samples"]):
        cells, counts, own, covered = sample(row["sample"], seed)
        labels.append(own)
        for name, frame in (("cells", cells), ("set_counts", counts), ("coverage", covered)):
            tables.write(frame, place / f"{row['sample']}_{name}.parquet")
        genes = counts[["cell_id"]].assign(symbol="X", count=1).head(1)
        tables.write(genes, place / f"{row['sample']}_gene_counts.parquet")
    tables.write(pd.concat(labels, ignore_index=True), place / "labels.parquet")
    sets = [
        {"gene_set": s, "symbol": f"{s}{i}", "collection": "interferon" if "ISG" in s else "baff"}
        for s in LEVEL
        for i in range(3)
    ]
    sets = pd.DataFrame(sets).reindex(columns=list(COLUMNS)).assign(weight=1.0)
    tables.write(sets, place / "sets.parquet")
    return place


def inputs(folder, *names):
    files = {
        name: [folder / f"{row['sample']}_{name}.parquet" for row in DESIGN["samples"]]
        for name in names
    }
    return files | {"labels": folder / "labels.parquet"}


def run(module, files, outputs, design=DESIGN, **cfg):
    part = {"sets": "shipped"}
    module.main(made.job(files, outputs, design=design, cfg=CONFIG | cfg, wildcards=part))


@pytest.fixture(scope="module")
def varied(folder):
    output = {"robustness": folder / "varied.parquet"}
    run(script, inputs(folder, "set_counts", "coverage", "cells"), output)
    return tables.read(output["robustness"])


@pytest.fixture(scope="module")
def claims(folder):
    """The run's own claims on scores and shares, through the rules that make them."""
    names = ("set_counts", "gene_counts", "coverage")
    out = {name: folder / f"ifn_{name}.tsv" for name in ("scores", "change", "genes")}
    files = inputs(folder, *names) | {"gene_sets": [folder / "sets.parquet"]}
    run(compare_pathways, files, out)
    share = {name: folder / f"{name}.tsv" for name in ("composition", "share_change")}
    share["change"] = share.pop("share_change")
    run(compare_composition, inputs(folder, "cells"), share)
    found = dict.fromkeys(judge_claims.INPUTS) | {
        "pathway_change": tables.read(out["change"]),
        "composition_change": tables.read(share["change"]),
    }
    limits = {"alpha": 0.05, "min_log2_change": 0.58, "min_log_diversity": 0.2}
    return judge_claims.all_claims(found, DESIGN, **limits), found["pathway_change"]


def test_the_runs_own_setting_is_the_runs_own_claim_exactly(varied, claims):
    own = varied[varied["own_setting"]].set_index(["claim", "patient"]).sort_index()
    table, changes = claims
    table = table[table["claim"].isin(own.index.levels[0])]
    table = table.set_index(["claim", "scope"]).sort_index()
    assert len(own) == len(table) == 9 * 4
    assert list(own.index) == list(table.index)
    for name in ("estimate", "ci_low", "ci_high", "n_baseline", "n_followup"):
        found, told = own[name].to_numpy(float), table[name].to_numpy(float)
        np.testing.assert_allclose(found, told, rtol=1e-13, err_msg=name)  # read from text
    single = own[own.index.get_level_values(1) != "cohort"]
    np.testing.assert_allclose(single["p_value"], table.loc[single.index, "p_value"], rtol=1e-13)
    changes = changes.set_index(["scope", "gene_set", "cell_type"]).sort_index()
    for claim, cell_type in (("ifn_b_cells", "B"), ("ifn_t_cells", "T")):
        row = changes.loc[("P1", "ISG28", cell_type)]
        assert own.loc[(claim, "P1"), "estimate"] == pytest.approx(row["estimate"], rel=1e-13)
        gate, type_ = (changes.loc[("cohort", "ISG28", k), "p_value"] for k in ("all", cell_type))
        assert own.loc[(claim, "cohort"), "p_value"] == pytest.approx(max(gate, type_))


def test_every_setting_stands_once(varied):
    for claim, n in (("ifn_dc", 108), ("ifn_b_cells", 108), ("jak_stat_b_cells", 81)):
        rows = varied[(varied["claim"] == claim) & (varied["patient"] == "P1")]
        key = ["gene_set", "min_genes", "max_pct_mt", "min_cells"]
        assert len(rows) == len(rows[key].drop_duplicates()) == n
        assert rows["own_setting"].sum() == 1
    rows = varied[(varied["claim"] == "plasma_fraction") & (varied["patient"] == "cohort")]
    assert len(rows) == 27 and set(rows["min_cells"]) == {5, 10, 20}
    own = {"min_genes": 400, "max_pct_mt": 4, "least": 30}
    settings = [(*q.values(), n) for q, n in cells_varied.grid(own, (20, 50))]
    assert settings == [(400, 4, 30), (400, 4, 50), (500, 4, 30), (500, 4, 50)]


def test_a_stricter_setting_by_hand(folder, varied):
    kept = {}
    for time in ("pre", "post"):
        read = {n: tables.read(folder / f"P2_{time}_{n}.parquet") for n in ("cells", "set_counts")}
        cells = read["cells"].merge(tables.read(folder / "labels.parquet"), on="cell_id")
        lost = (cells["n_genes_by_counts"] < 500) | (cells["pct_counts_mt"] > 10)
        cells = cells[cells["keep"] & ~lost]
        kept[time] = cells.merge(read["set_counts"], on="cell_id")
    b = {time: part[part["cell_type"] == "B"] for time, part in kept.items()}
    x, t = ([b[time][c].to_numpy(float) for time in b] for c in ("ISG6", "total_counts"))
    s = [(x[i].sum() + 0.5) / (t[i].sum() + 1) for i in (0, 1)]
    w = [
        ((x[i] / (x[i].sum() + 0.5) - t[i] / t[i].sum()) ** 2).sum()
        * len(t[i]) / (len(t[i]) - 1) / np.log(2) ** 2
        for i in (0, 1)
    ]  # fmt: skip
    setting = "min_genes == 500 and max_pct_mt == 10 and patient == 'P2'"
    rows = varied.query(setting + " and claim == 'ifn_b_cells' and gene_set == 'ISG6'")
    row = rows.set_index("min_cells").loc[10]
    assert (row["n_baseline"], row["n_followup"]) == (len(b["pre"]), len(b["post"]))
    assert 10 <= row["n_followup"] < 20 <= row["n_baseline"] < 60
    expected = np.log2(s[1] / s[0]) + np.log(2) / 2 * (w[1] - w[0])
    assert row["estimate"] == pytest.approx(expected, rel=1e-12)
    assert row["direction"] == "decreased"
    few = rows.set_index("min_cells").loc[20]
    assert np.isnan(few["estimate"]) and few["direction"] == "not estimable"
    share = varied.query(setting + " and claim == 'b_cell_fraction'").set_index("min_cells").loc[5]
    n = [len(b["pre"]), len(kept["pre"]), len(b["post"]), len(kept["post"])]
    assert share["estimate"] == pytest.approx(np.log2((n[2] / n[3]) / (n[0] / n[1])))
    assert [share["n_baseline"], share["n_followup"]] == [n[1], n[3]]


def test_fewer_cells_than_asked_is_what_the_rule_of_changes_gives(folder):
    from immune_reset import pathways

    labels = tables.read(folder / "labels.parquet")
    files = inputs(folder, "set_counts", "coverage")
    cells = pathways.cells_by_sample(tables.read_many(files["set_counts"]), labels)
    genes = pd.Series(20, index=list(LEVEL))
    limits = {"min_counts": 20, "min_genes": 3}
    low, high = (
        pathways.patient_changes(cells, dict.fromkeys(cells, genes), DESIGN, min_cells=n, **limits)
        for n in (10, 30)
    )
    blanked = cells_varied.from_cells(low, 30)
    for name in (*pathways.NUMBERS, "status", "n_baseline"):
        pd.testing.assert_series_equal(blanked[name], high[name])
    assert (high["status"] != low["status"]).any()


def test_the_cohorts_row_is_the_larger_of_gate_and_cell_type(varied):
    key = "gene_set == 'ISG4' and min_genes == 300 and max_pct_mt == 20 and min_cells == 10"
    rows = varied.query(key + " and claim == 'ifn_monocytes'").set_index("patient")
    values = rows.loc[list(PATIENTS), "estimate"].to_numpy(float)
    row = rows.loc["cohort"]
    assert row["estimate"] == pytest.approx(values.mean())
    assert row["p_value"] >= stats.ttest_1samp(values, 0).pvalue - 1e-12
    assert row["n_baseline"] == 3


def test_a_set_without_one_umi_is_a_bound():
    before = shares.summarise(np.full((40, 1), 9.0), np.full(40, 900.0))
    after = shares.summarise(np.zeros((40, 1)), np.full(40, 900.0))
    p = shares.bound(before, after, 0)["p_value"]
    finding = cells_varied.Finding(
        "ifn_dc", "pathways", "P1", "post vs pre", "", estimate=-9.0, ci_high=-6.0, p_value=p,
        bound=True,
    )  # fmt: skip
    row = cells_varied._row(finding, {"min_cells": 10}, False)
    assert (row["direction"], row["measure"]) == ("decreased", "bound of log2 share of UMIs")
    loose = cells_varied.Finding(
        "ifn_dc", "pathways", "P1", "c", "", estimate=-9.0, p_value=0.4, bound=True
    )
    assert cells_varied._row(loose, {}, False)["direction"] == "not estimable"


def test_no_comparison_gives_an_empty_table(folder, tmp_path):
    output = {"robustness": tmp_path / "r.parquet"}
    files = inputs(folder, "set_counts", "coverage", "cells")
    run(script, files, output, design=DESIGN | {"baseline": None})
    assert tables.read(output["robustness"]).empty


def gathered(folder, varied, repertoire=None):
    tables.write(varied, folder / "cells.parquet")
    files = {"cells": folder / "cells.parquet"}
    if repertoire is not None:
        tables.write(repertoire, folder / "p.parquet")
        files["repertoire"] = [folder / "p.parquet"]
    gather_robustness.main(made.job(files, {"robustness": folder / "robustness.tsv"}))
    return tables.read(folder / "robustness.tsv")


def test_claims_say_in_how_many_settings_they_stand(folder, varied, claims):
    one = {"patient": "P1", "claim": "bcr_diversity", "compartment": "all", "min_umis": 2}
    table = gathered(folder, varied, pd.DataFrame([one | {"comparison": "post vs pre"}]))
    assert len(table) == len(varied) + 1
    assert table["min_umis"].notna().sum() == 1
    minima = dict.fromkeys(claims[0]["claim"], 0.58)
    told = robustness.add(claims[0], table, PATIENTS, alpha=0.05, minima=minima)
    told = told[told["claim"].isin(varied["claim"])].set_index(["claim", "scope"]).sort_index()
    row = told.loc[("ifn_monocytes", "P1")]
    settings = varied.query("claim == 'ifn_monocytes' and patient == 'P1'")
    factor = row["q_value"] / row["p_value"]
    stands = (settings["p_value"] * factor < 0.05) & (settings["estimate"] <= -0.58)
    assert row["direction"] == "decreased" and 0 < stands.sum() < 108
    assert row["robustness"] == f"{stands.sum()} of 108"
    words = "settings of gene set, stricter quality control and least cells"
    assert f"the direction stands in {row['robustness']} {words}" in row["detail"]
    row = told.loc[("ifn_monocytes", "cohort")]
    settings = varied.query("claim == 'ifn_monocytes' and patient == 'cohort'")
    own = settings.loc[settings["own_setting"], "p_value"].item()
    stands = settings["p_value"] * row["q_value"] / own < 0.05
    stands &= settings["estimate"] < 0
    assert row["robustness"] == f"{stands.sum()} of 108" and stands.sum()
    share = told.loc[("b_cell_fraction", "P1")]
    assert share["direction"] == "decreased"
    assert "of 27 settings of stricter quality control and least cells" in share["detail"]


def test_a_cohort_of_receptors_alone_has_the_same_columns(folder):
    one = pd.DataFrame([{"patient": "P1", "claim": "bcr_diversity", "min_umis": 2, "effect": 0.1}])
    tables.write(one, folder / "p.parquet")
    files = {"repertoire": [folder / "p.parquet"]}
    gather_robustness.main(made.job(files, {"robustness": folder / "robustness.tsv"}))
    table = tables.read(folder / "robustness.tsv")
    fixed = tables.fixed_columns("robustness")
    assert list(table)[: len(fixed)] == fixed and len(table) == 1
