"""A whole run of the tiny cohort: what it leaves behind, and that it can be repeated."""

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys

import airr
import anndata
import jobs_api
import pandas as pd
import pytest
from conftest import snakemake
from unit.test_export_cells import asked_by_cellxgene

import compare_runs
from immune_reset import tables

EMPTY_IN_A_SMALL_COHORT = {
    *["car_cells", "on_target", "enrichment", "expression"],
    *["car_clones", "returned_clones"],
}
ONLY_WHERE_ASKED_FOR = {"lookup", "reference"}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_table_of_the_contract_is_there_with_its_columns(tiny_run):
    for name in set(tables.contract()) - ONLY_WHERE_ASKED_FOR:
        path = tiny_run / f"results/tables/{name}.tsv"
        assert path.is_file(), name
        header = path.read_text("utf-8").splitlines()[0].split("\t")
        fixed = tables.fixed_columns(name)
        assert header[: len(fixed)] == fixed, name


def test_tables_are_filled(tiny_run):
    for name in set(tables.contract()) - EMPTY_IN_A_SMALL_COHORT - ONLY_WHERE_ASKED_FOR:
        frame = tables.read(tiny_run / f"results/tables/{name}.tsv")
        assert len(frame), name
        for column in tables.fixed_columns(name):
            if column not in {"p_floor", "flag"}:
                filled = frame[column].astype(str).replace({"nan": "", "None": ""}).ne("")
                assert filled.any() or column in MAY_BE_EMPTY, f"{name}.{column}"


MAY_BE_EMPTY = {"p_value", "q_value", "reason", "detail", "compartment", "ci_low", "ci_high"}
MAY_BE_EMPTY |= {"label", "mark"}  # of a sheet that nobody has edited
MAY_BE_EMPTY |= {"other_features", "barcode_rule", "remark"}  # of inputs with nothing to say
MAY_BE_EMPTY |= {"n_empty"}  # no unfiltered matrix is given
MAY_BE_EMPTY |= {  # Cell Ranger's contigs without alignments
    *["mutation_median", "mutation_median_clones", "mutation_low", "mutation_high"],
}


def test_the_run_is_set_beside_itself(tiny_run, tmp_path):
    results, page = tiny_run / "results", tmp_path / "comparison.html"
    assert compare_runs.main([str(results), str(results), "--to", str(page)]) == 0
    found = tables.read(tmp_path / "comparison.tsv")
    assert found["state"].eq("same").all()
    assert len(found) == len(tables.read(results / "tables/claims.tsv"))


def test_quality_control_adds_up(tiny_run):
    qc = tables.read(tiny_run / "results/tables/qc.tsv")
    lost = [name for name in tables.fixed_columns("qc") if name.startswith("lost_")]
    assert (qc["cells_kept"] + qc[lost].sum(axis=1) == qc["barcodes_in"]).all()


def test_the_other_outputs_are_there(tiny_run):
    report = (tiny_run / "results/report.html").read_text("utf-8")
    assert report.startswith("<!") and "Was the immune system reset?" in report
    record = json.loads((tiny_run / "results/provenance.json").read_text("utf-8"))
    assert record
    for picture in (tiny_run / "results/figures").glob("*.png"):
        assert picture.with_suffix(".pdf").is_file()


@pytest.mark.filterwarnings("ignore:Support for Awkward Arrays")
@pytest.mark.filterwarnings("ignore:The set_bad function")  # scanpy's plots with this matplotlib
def test_the_cohort_opens_in_muon_and_scirpy(tiny_run):
    import mudata
    import scanpy
    import scirpy

    mudata.set_options(pull_on_update=False)
    cohort = mudata.read_h5mu(tiny_run / "results/cohort.h5mu")
    assert set(cohort.mod) == {"gex", "airr"}
    kept = tables.read(tiny_run / "results/tables/qc.tsv")["cells_kept"].sum()
    assert cohort["gex"].n_obs == kept
    assert {"sample", "barcode", "cell_type"} <= set(cohort["gex"].obs)
    assert "X_umap" in cohort["gex"].obsm
    axes = scanpy.pl.umap(cohort["gex"], color="cell_type", show=False)
    assert axes is not None
    assert len(scirpy.get.airr(cohort["airr"], "junction_aa", "VDJ_1").dropna())


@pytest.mark.filterwarnings("ignore")  # what the plotting libraries say of each other
def test_scirpy_draws_the_cohort(tiny_run):
    import mudata
    import scirpy
    from matplotlib import pyplot

    mudata.set_options(pull_on_update=False)
    cohort = mudata.read_h5mu(tiny_run / "results/cohort.h5mu")
    by = {"target_col": "airr:clone_id", "groupby": "gex:timepoint"}
    assert scirpy.pl.clonal_expansion(cohort, **by) is not None
    assert scirpy.pl.alpha_diversity(cohort, **by) is not None
    groups = {"groupby": "airr:chain_pairing", "target_col": "gex:cell_type"}
    assert scirpy.pl.group_abundance(cohort, **groups) is not None
    assert scirpy.pl.spectratype(cohort, chain="VDJ_1", color="gex:timepoint") is not None
    scirpy.pp.ir_dist(cohort, metric="identity", sequence="nt")
    scirpy.tl.define_clonotypes(cohort, receptor_arms="VDJ", dual_ir="primary_only")
    scirpy.tl.clonotype_network(cohort, sequence="nt", metric="identity", min_cells=2)
    assert scirpy.pl.clonotype_network(cohort, color="gex:patient") is not None
    pyplot.close("all")


def test_the_cells_open_in_cellxgene_and_the_chains_are_airr(tiny_run, tmp_path):
    results = shutil.copytree(tiny_run, tmp_path / "project", symlinks=True) / "results"
    done = snakemake("results/cohort.h5ad", "--configfile", "tiny.yaml", cwd=results.parent)
    assert re.search(r"^total +1$", done.stdout + done.stderr, re.M)  # nothing else is made again
    cells = anndata.read_h5ad(results / "cohort.h5ad")
    assert asked_by_cellxgene(cells) == []
    assert cells.n_obs == tables.read(results / "tables/qc.tsv")["cells_kept"].sum()
    assert airr.validate_rearrangement(str(results / "airr_rearrangement.tsv"), debug=True)


def test_ready_jobs_are_looked_at_when_a_job_has_ended_and_no_more_often(tiny_run):
    said = (tiny_run / "said.log").read_text("utf-8")
    ended, looks = said.count("Finished jobid: "), said.count("Ready jobs: ")
    assert ended > 50
    assert 0 < looks <= ended + 2


def test_a_second_run_has_nothing_to_do(tiny_run):
    done = snakemake("--configfile", "tiny.yaml", cwd=tiny_run)
    assert "Nothing to be done" in done.stdout + done.stderr
    assert jobs_api.would_run(tiny_run, configfiles=(tiny_run / "tiny.yaml",)) == {}


NETWORK_OFF = ["unshare", "--net", "--"]
AGAIN = "again/mes résultats 数据"


@pytest.fixture(scope="module")
def again(tiny_run):
    """A second whole run, on one core, into a folder with spaces and letters of all kinds.

    Where that is permitted: without any network, and the inputs in a folder that is read-only.
    """
    offline = (
        shutil.which("unshare")
        and not subprocess.run([*NETWORK_OFF, "true"], capture_output=True).returncode
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "tiny.yaml"]
    prefix = NETWORK_OFF if offline else []
    with read_only(tiny_run / "cohort"):
        done = subprocess.run(
            [*prefix, *command, "--config", f"outdir={AGAIN}"],
            cwd=tiny_run,
            capture_output=True,
            text=True,
            check=False,
        )
    return done, bool(offline)


@contextlib.contextmanager
def read_only(folder):
    """Make a folder read-only, for root too, while the block runs, if mounting is permitted."""
    bound = (
        shutil.which("mount")
        and not subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode
    )
    try:
        if bound:
            subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        if bound:
            subprocess.run(["umount", folder], check=True)


def test_one_core_and_two_give_the_same_tables(tiny_run, again):
    assert again[0].returncode == 0, again[0].stderr[-4000:]
    first = sorted((tiny_run / "results/tables").glob("*.tsv"))
    assert first
    for path in first:
        assert digest(path) == digest(tiny_run / AGAIN / "tables" / path.name), path.name


def test_the_whole_workflow_runs_without_a_network(tiny_run, again):
    done, offline = again
    if not offline:
        pytest.skip("unshare --net is not permitted here")
    dark = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    refused = subprocess.run([*NETWORK_OFF, sys.executable, "-c", dark], capture_output=True)
    assert b"unreachable" in refused.stderr  # not even the loopback is up
    assert done.returncode == 0, done.stderr[-4000:]
    assert (tiny_run / AGAIN / "report.html").is_file()


def test_provenance_says_what_the_run_took(tiny_run):
    record = json.loads((tiny_run / "results/provenance.json").read_text("utf-8"))
    assert record["run"]["executor"] == "local"
    rules = {row["rule"]: row for row in record["run"]["rules"]}
    assert rules["load_sample"]["jobs"] == 4 and rules["load_sample"]["seconds"] > 0
    assert rules["score_cells"]["max_rss_mb"] > 100
    assert {"judge_claims", "plot_cells"} <= set(rules)
    files = {entry["path"]: entry["sha256"] for entry in record["inputs"]}
    contigs = "cohort/LN01_baseline/vdj_t_filtered_contig_annotations.csv"
    assert files[contigs] == digest(tiny_run / contigs)
    report = (tiny_run / "results/report.html").read_text("utf-8")
    assert files[contigs] in report and "<code>score_cells</code>" in report


def test_snakemakes_own_report_has_captions_and_categories(tiny_run, tmp_path):
    place = tmp_path / "snakemake.html"
    done = snakemake("--configfile", "tiny.yaml", "--report", str(place), cwd=tiny_run)
    assert done.returncode == 0, done.stderr[-3000:]
    text = place.read_text("utf-8")
    assert "Figures" in text and "Tables" in text and "umap cell type" in text
    assert "No claim rests on this picture" in text
    assert "One row per claim" in text


def test_two_patients_make_no_cohort_claim(tiny_run):
    claims = tables.read(tiny_run / "results/tables/claims.tsv")
    cohort = claims[claims["scope"] == "cohort"]
    assert len(cohort)
    assert not cohort["direction"].isin(["increased", "decreased"]).any()
    assert not (cohort["evidence"] == "cohort").any()


def test_no_interval_excludes_its_own_estimate(tiny_run):
    for name in ("claims", "pathway_change", "diversity", "composition", "composition_change"):
        frame = tables.read(tiny_run / f"results/tables/{name}.tsv")
        value = "estimate" if "estimate" in frame else "value" if "value" in frame else "fraction"
        numbers = frame[[value, "ci_low", "ci_high"]].apply(pd.to_numeric).dropna()
        assert (numbers["ci_low"] <= numbers[value] + 1e-9).all(), name
        assert (numbers["ci_high"] >= numbers[value] - 1e-9).all(), name


@pytest.mark.parametrize("name", ["composition", "car_cells", "isotypes"])
def test_shares_lie_between_nought_and_one(tiny_run, name):
    frame = tables.read(tiny_run / f"results/tables/{name}.tsv")
    for column in ("fraction", "ci_low", "ci_high"):
        assert frame[column].dropna().between(0, 1).all(), f"{name}.{column}"
