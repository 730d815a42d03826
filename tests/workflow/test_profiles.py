"""The profiles: every rule has its place in one submission or another."""

import csv
import itertools
import os
import shutil
from pathlib import Path

import jobs_api
import pytest
import yaml
from conftest import copy_project, other_library
from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    ExecutionSettings,
    GroupSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

from immune_reset.settings import check_keys

ROOT = Path(__file__).resolve().parents[2]
PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text("utf-8"))
LOCAL = {"all", "read_gene_sets", "summarise_clinical"}
ALONE = {"simulate_cohort"}  # it makes the demo, before there are samples


@pytest.fixture(scope="module")
def submissions(tiny_cohort, tmp_path_factory):
    """What twenty samples of ten patients would submit: the names of the rules of each job."""
    project = copy_project(tmp_path_factory.mktemp("twenty") / "project")
    shutil.copytree(tiny_cohort, project / "cohort")
    with (project / "cohort/samples.tsv").open(newline="") as file:
        pair = list(csv.DictReader(file, delimiter="\t"))[:2]
    with (project / "cohort/samples.tsv").open("w", newline="") as file:
        writer = csv.DictWriter(file, pair[0], delimiter="\t")
        writer.writeheader()
        for patient, row in itertools.product(range(10), pair):
            writer.writerow(library(project / "cohort", row, patient))
    (project / "cohort/clinical.tsv").unlink()
    here = Path.cwd()
    try:
        return ask(project)
    finally:
        os.chdir(here)


def library(cohort, row, patient):
    """A row of the sheet for another patient, and its files: the row's own, a little changed."""
    old, new = row["sample"], f"P{patient}_{row['timepoint']}"
    shutil.copytree(cohort / old, cohort / new)
    other_library(cohort / new, patient + 1)
    files = {key: value.replace(f"{old}/", f"{new}/") for key, value in row.items()}
    return files | {"sample": new, "patient": f"P{patient}"}


def ask(project):
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, dryrun=True)) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config={"samples": "cohort/samples.tsv"}),
            snakefile=project / "Snakefile",
            workdir=project,
        )
        dag = workflow.dag(DAGSettings())
        dag.execute_workflow(
            executor="dryrun",
            execution_settings=ExecutionSettings(lock=False),
            group_settings=GroupSettings(
                overwrite_groups=PROFILE["groups"], group_components=PROFILE["group-components"]
            ),
        )
        graph = workflow._workflow.dag
        jobs = [job for job in graph.jobs if job.rule.name not in LOCAL]
        grouped = {id(graph._group[job]): graph._group[job] for job in jobs if job in graph._group}
        alone = [[job.rule.name] for job in jobs if job not in graph._group]
        return alone + [sorted(job.rule.name for job in group.jobs) for group in grouped.values()]


def test_twenty_samples_are_some_forty_submissions(submissions):
    assert sum(map(len, submissions)) > 230
    assert len(submissions) <= 45
    assert {rule for rules in submissions if len(rules) == 1 for rule in rules} <= ALONE
    chains = [rules for rules in submissions if "load_sample" in rules]
    assert len(chains) == 20 and all(rules.count("load_sample") == 1 for rules in chains)


def test_every_rule_has_one_place(submissions):
    """In one group, beside Snakemake itself, or alone."""
    rules = jobs_api.rules(ROOT)
    names = {rule.name for rule in rules}
    assert rules[0].workflow._localrules == LOCAL
    assert set(PROFILE["groups"]) == names - LOCAL - ALONE
    assert {rule for rules in submissions for rule in rules} < names


PROFILES = sorted(ROOT.glob("profiles/*/*.yaml"))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_no_key_of_a_profile_stands_twice(path):
    check_keys(path.read_text("utf-8"), path)


def test_a_job_sent_again_asks_for_more_memory_and_time():
    files = [ROOT / "requirements.lock"]
    for rule in jobs_api.rules(ROOT):
        for name in {"mem_mb", "runtime"} & set(rule.resources) if rule.name != "all" else ():
            asked = [
                rule.resources[name].evaluate({}, input=files, attempt=attempt).value
                for attempt in (1, 2, 3)
            ]
            assert asked == [asked[0] * attempt for attempt in (1, 2, 3)], (rule.name, name)


def test_retries_stand_in_the_profile_and_in_no_rule():
    assert PROFILE["retries"] >= 1
    texts = [path.read_text("utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")]
    assert not any("retries:" in text for text in texts)


def test_partition_and_account_stand_in_one_place():
    text = (ROOT / "profiles/slurm/config.yaml").read_text("utf-8")
    assert text.count("slurm_partition") == text.count("slurm_account") == 1
