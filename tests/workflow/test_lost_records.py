"""With `.snakemake` gone, a change is still noticed, and what nothing shows to be current runs."""

import json
import os
import shutil
from pathlib import Path

import jobs_api
import pytest
from conftest import snakemake
from rerun_page import CASES, KEYS, reruns

from immune_reset.records import STORE


@pytest.fixture
def lost(tiny_run, tmp_path):
    """A finished run that lost `.snakemake`."""
    ignore = shutil.ignore_patterns("again", ".snakemake")
    copy = shutil.copytree(
        tiny_run, tmp_path / "project", copy_function=shutil.copy2, symlinks=True, ignore=ignore
    )
    reruns.own_files(copy)
    return copy


def rules(project, config=None):
    return {job.rule for job in reruns.due(project, config)}


def test_a_run_leaves_a_copy_of_every_record(tiny_run):
    kept = json.loads((tiny_run / "results" / STORE).read_text())
    made = reruns.due(tiny_run, {"outdir": "elsewhere"})
    outputs = {path.replace("elsewhere/", "results/", 1) for job in made for path in job.outputs}
    assert set(kept) == outputs and len(outputs) > 150


def test_without_a_change_nothing_runs_and_the_user_is_told(lost, capfd):
    assert rules(lost) == set()
    said = capfd.readouterr().err
    n = len(json.loads((lost / "results" / STORE).read_text()))
    assert f"of {n} files were gone and were put back from results/{STORE}" in said
    assert rules(lost) == set()
    assert "put back" not in capfd.readouterr().err


@pytest.mark.parametrize("key", KEYS)
def test_one_changed_key_runs_exactly_its_rules(lost, key):
    if key == "outdir":
        return
    change = reruns.nested(key, reruns.CHANGES[key])
    assert rules(lost, change) == KEYS[key]


def test_a_look_at_another_configuration_changes_nothing(lost):
    assert rules(lost, {"seed": 5}) == KEYS["seed"]
    shutil.rmtree(lost / ".snakemake")
    assert rules(lost, {"diversity": {"orders": [0, 1]}}) == KEYS["diversity.orders"]
    assert rules(lost, {"diversity": {"orders": [0, 1]}}) == KEYS["diversity.orders"]
    assert rules(lost) == set()


@pytest.mark.parametrize(
    "words",
    ["a new sample of a new patient", "an edited helper (`immune_reset/hill.py`)",
     "an edited shipped gene set", "inputs and helpers touched, not changed"],
)  # fmt: skip
def test_other_changes_are_noticed_too(lost, words):
    reruns.CASES[words][1](lost)
    assert rules(lost) == set(CASES[words])


def test_without_any_record_everything_runs_again_and_the_user_is_told_why(lost, capfd):
    (lost / "results" / STORE).unlink()
    everything = rules(lost, {"outdir": "elsewhere"})
    capfd.readouterr()
    for _ in range(2):
        jobs = reruns.due(lost)
        assert {job.rule for job in jobs} == everything
        assert "no record shows that it is current" in {job.why for job in jobs}
        assert "cannot be shown to be current and are made again" in capfd.readouterr().err


def test_a_file_that_is_not_the_one_recorded_is_made_again(lost, capfd):
    """As after a stopped run whose own records were lost: the copy is of the file before."""
    path = lost / "results/tables/expression.tsv"
    stat = path.stat()
    os.utime(path, (stat.st_atime, stat.st_mtime + 60))
    # later files, so that no time alone gives it away
    for name in ("cohort/enrichment_shipped.parquet", "tables/enrichment.tsv"):
        later = lost / "results" / name
        os.utime(later, (stat.st_atime, max(later.stat().st_mtime, stat.st_mtime + 61)))
    assert {"test_expression", "enrich_pathways"} <= rules(lost)
    assert "results/tables/expression.tsv" in capfd.readouterr().err


def test_a_broken_copy_is_no_copy(lost):
    (lost / "results" / STORE).write_text("{")
    assert "load_sample" in rules(lost)


def test_the_real_run_makes_exactly_what_changed_and_keeps_its_records_again(lost):
    before = {path: path.stat().st_mtime_ns for path in (lost / "results").rglob("*.tsv")}
    done = snakemake(
        "--configfile", "tiny.yaml", "--config", "report={title: Again}", cwd=lost, cores=1
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "were put back from" in done.stderr
    assert "<h1>Again</h1>" in (lost / "results/report.html").read_text()
    tables = [path for path in before if path.parent.name == "tables"]
    assert tables and all(path.stat().st_mtime_ns == before[path] for path in tables)
    shutil.rmtree(lost / ".snakemake")
    assert rules(lost, {"report": {"title": "Again"}}) == set()
    assert rules(lost) == {"write_provenance", "render_report"}


def test_a_job_of_its_own_snakemake_writes_no_records(lost):
    """On a cluster every job starts Snakemake anew; only the first one looks after the records."""
    command = ["--configfile", "tiny.yaml", "--mode", "subprocess", "-n", "--nolock"]
    snakemake(*command, cwd=lost)
    assert not list(Path(lost / ".snakemake/metadata").glob("*"))
    assert jobs_api.would_run(lost, configfiles=(lost / "tiny.yaml",)) == {}
