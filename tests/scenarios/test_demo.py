"""The demo, run once from nothing: what was planted is found."""

import pandas as pd
import pytest
import yaml
from conftest import copy_project, snakemake
from unit import report_jobs, report_tables, report_words

import render_report
from immune_reset import tables
from immune_reset.plan import make_plan
from immune_reset.settings import leaves

LEVELS = ["B", "plasma", "CD4 T", "CD8 T", "NK", "monocyte", "DC"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("demo") / "project")
    done = snakemake(cwd=project)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return project


@pytest.fixture(scope="module")
def truth(demo):
    cells = pd.read_csv(demo / "resources/demo/data/truth/cells.tsv.gz", sep="\t", dtype=str)
    cells["cell_id"] = cells["sample"] + ":" + cells["barcode"]
    for name in ("is_doublet", "low_quality"):
        cells[name] = cells[name].isin(["True", "1"])
    carries = cells["cell_type"] == "CAR T"
    cells.loc[carries, "cell_type"] = cells.loc[carries, "car_lineage"]
    return cells.set_index("cell_id")


@pytest.fixture(scope="module")
def cells(demo):
    return tables.read_many(sorted(demo.glob("results/samples/*/cells.parquet")))


def test_labels_agree_with_the_truth(demo, truth):
    labels = tables.read(demo / "results/cohort/labels.parquet").set_index("cell_id")["cell_type"]
    single = truth[~truth["is_doublet"] & truth["cell_type"].isin(LEVELS)]
    single = single.loc[single.index.intersection(labels.index)]
    agree = labels.reindex(single.index) == single["cell_type"]
    assert agree.mean() >= 0.90
    assert agree.groupby(single["cell_type"]).mean()["B"] >= 0.90


def test_doublets_of_b_and_t_cells_are_called_at_little_cost(truth, cells):
    reason = cells.set_index("cell_id")["reason"]
    called = reason.isin(["doublet_expression", "doublet_receptors"])
    types = truth["cell_type"].fillna("") + "+" + truth["partner_type"].fillna("")
    b_with_t = truth.index[
        truth["is_doublet"] & types.str.contains(r"\bB\b") & types.str.contains(r"\bT\b")
    ]
    assert len(b_with_t) >= 20
    assert called.reindex(b_with_t).mean() >= 0.70
    single = truth.index[~truth["is_doublet"] & ~truth["low_quality"]]
    assert called.reindex(single).mean() <= 0.02


def test_planted_changes_have_the_right_direction(demo):
    claims = tables.read(demo / "results/tables/claims.tsv")
    said = claims[claims["direction"].isin(["increased", "decreased"])]
    expected = {
        "ifn_b_cells": "decreased", "ifn_t_cells": "decreased", "ifn_monocytes": "decreased",
        "ifn_nk_cells": "decreased", "ifn_dc": "decreased", "jak_stat_b_cells": "decreased",
        "bcr_diversity": "increased", "naive_b_fraction": "increased",
        "class_switched_fraction": "decreased",
    }  # fmt: skip
    late = said[said["comparison"].str.startswith("month_3")]
    for claim, direction in expected.items():
        wrong = late[(late["claim"] == claim) & (late["direction"] != direction)]
        assert wrong.empty, wrong
    gone = said[(said["claim"] == "b_cell_fraction") & said["comparison"].str.startswith("month_1")]
    assert len(gone) and (gone["direction"] == "decreased").all()
    for claim in ("ifn_t_cells", "ifn_monocytes"):
        patients = said[(said["claim"] == claim) & (said["scope"] != "cohort")]["scope"]
        assert patients.nunique() == 3, claim


def test_cells_of_a_clone_that_was_erased_are_not_called_persisting(demo):
    fates = tables.read(demo / "results/tables/clone_fates.tsv")
    planted = pd.read_csv(demo / "resources/demo/data/truth/clones.tsv", sep="\t", dtype=str)
    assert {"eradicated", "stable"} <= set(fates["fate"])
    assert set(planted["patient"]) == set(fates["patient"])


def test_no_english_is_left_in_the_chinese_report(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(demo)
    names = [*render_report.TABLES, *render_report.UNSEEN]
    found = {name: demo / f"results/tables/{name}.tsv" for name in names}
    frames = {name: tables.read(path) for name, path in found.items() if path.is_file()}
    plan = make_plan(yaml.safe_load((demo / "config.yaml").read_text("utf-8")), demo, set())
    clinical = frames["clinical"]
    own = {*clinical["measure"], *clinical["unit"].dropna(), *plan.rows, *report_tables.VERSIONS}
    own |= {row["patient"] for row in plan.rows.values()}
    html = report_jobs.render(
        tmp_path,
        frames,
        design=plan.design,
        settings=leaves(plan.settings),
        provenance=str(demo / "results/provenance.json"),
        cell_map=str(demo / "results/cohort/map.json"),
        code="zh",
    )
    assert report_words.left(html, own) == {}
