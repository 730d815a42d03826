"""The workflow inside another one: `module`, with a rule of ours changed there."""

import shutil
import subprocess

import faked_run
import pytest
from conftest import ROOT, copy_project, snakemake

from immune_reset.dry_run import jobs_to_run

IMPORTER = """
configfile: "lab.yaml"


module immune_reset:
    snakefile:
        "{snakefile}"
    config:
        config["immune_reset"]


use rule * from immune_reset as ir_*


rule lab_summary:
    input:
        claims="out/tables/claims.tsv",
    output:
        "lab/claims.txt",
    shell:
        "wc -l {{input.claims}} > {{output}}"


rule everything:
    default_target: True
    input:
        "lab/claims.txt",
        rules.ir_all.input,
"""
OTHER_RESOURCES = """

use rule embed_cells from immune_reset as ir_embed_cells with:
    threads: 2
    resources:
        mem_mb=64000,
        runtime=600,
"""
OTHER_SETTINGS = """

use rule lay_out_cells from immune_reset as ir_lay_out_cells with:
    params:
        cfg={"layout.min_dist": 0.1, "layout.spread": 1.0, "seed": 0},
"""


@pytest.fixture
def lab(tiny_cohort, tmp_path):
    """A laboratory's own workflow in a folder of its own, with its own config.yaml."""
    lab = tmp_path / "lab"
    lab.mkdir()
    shutil.copytree(tiny_cohort, lab / "cohort", copy_function=shutil.copy2)
    (lab / "Snakefile").write_text(IMPORTER.format(snakefile=ROOT / "Snakefile"))
    (lab / "lab.yaml").write_text(
        "immune_reset:\n  samples: cohort/samples.tsv\n  outdir: out\nown_key: 1\n"
    )
    (lab / "config.yaml").write_text("words: of the laboratory, not ours\n")
    return lab


def due(lab):
    return {job.rule for job in jobs_to_run(lab / "Snakefile", workdir=lab)}


def edit(lab, text):
    path = lab / "Snakefile"
    path.write_text(path.read_text() + text)


def test_all_rules_are_there_and_a_finished_run_is_finished(lab):
    assert {"ir_load_sample", "ir_render_report", "lab_summary"} <= due(lab)
    faked_run.finish(lab)
    assert due(lab) == set()


def test_a_rule_is_changed_from_outside(lab):
    faked_run.finish(lab)
    edit(lab, OTHER_RESOURCES)
    assert due(lab) == set()
    edit(lab, OTHER_SETTINGS)
    follows = {"ir_plot_cells", "ir_thin_cells", "ir_export_cohort"}
    follows |= {"ir_write_provenance", "ir_render_report"}
    assert due(lab) == {"ir_lay_out_cells", *follows}


def test_its_settings_are_those_of_the_laboratory(lab):
    faked_run.finish(lab)
    text = (lab / "lab.yaml").read_text()
    (lab / "lab.yaml").write_text(text.replace("own_key: 1", "own_key: 2"))
    assert due(lab) == set()
    report = text.replace("  outdir: out\n", "  outdir: out\n  report:\n    title: Ours\n")
    (lab / "lab.yaml").write_text(report)
    assert due(lab) == {"ir_write_provenance", "ir_render_report"}


def test_lost_records_are_put_back_there_too(lab):
    faked_run.finish(lab)
    assert due(lab) == set()  # the copy is made when the workflow is read
    shutil.rmtree(lab / ".snakemake")
    assert due(lab) == set()
    edit(lab, OTHER_SETTINGS)
    shutil.rmtree(lab / ".snakemake")
    assert "ir_lay_out_cells" in due(lab) and "ir_embed_cells" not in due(lab)


def test_jobs_run_there(lab):
    """Scripts, shared modules and resources are found from another folder."""
    edit(lab, OTHER_RESOURCES)
    targets = [
        "out/cohort/gene_sets.parquet",
        "out/samples/LN01_baseline/receptors.parquet",
        "out/tables/clinical.tsv",
    ]
    done = snakemake(*targets, cwd=lab, cores=1)
    assert done.returncode == 0, done.stderr[-3000:]
    assert all((lab / path).is_file() for path in targets)
    again = snakemake(*targets, "-n", cwd=lab)
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.fixture
def hosted(tmp_path, tiny_cohort, monkeypatch):
    """The workflow on a host: a tagged repository that git takes for one on GitHub."""
    project = copy_project(tmp_path / "project")
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "release"],
        ["tag", "v0.0.0"],
    ):
        subprocess.run(["git", *command], cwd=project, check=True, capture_output=True)
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[url "{project}"]\n\tinsteadOf = https://github.com/lab/immune-reset\n'
        "[safe]\n\tdirectory = *\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lab = tmp_path / "lab"
    lab.mkdir()
    shutil.copytree(tiny_cohort, lab / "cohort", copy_function=shutil.copy2)
    here = 'github("lab/immune-reset", path="Snakefile", tag="v0.0.0")'
    (lab / "Snakefile").write_text(IMPORTER.format(snakefile="HERE").replace('"HERE"', here))
    (lab / "lab.yaml").write_text("immune_reset:\n  samples: cohort/samples.tsv\n  outdir: out\n")
    return lab


def test_a_hosted_workflow_runs_and_is_finished_then(hosted):
    """What the rules read beside the Snakefile is fetched; a second look finds nothing to do."""
    targets = ["out/cohort/gene_sets.parquet", "out/tables/clinical.tsv"]
    done = snakemake(*targets, cwd=hosted, cores=1)
    assert done.returncode == 0, done.stderr[-3000:]
    again = snakemake(*targets, "-n", cwd=hosted)
    assert "Nothing to be done" in again.stdout + again.stderr
    whole = snakemake("-n", "-q", "rules", cwd=hosted)
    assert whole.returncode == 0 and "ir_render_report" in whole.stdout + whole.stderr
