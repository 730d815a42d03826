"""docs/reruns.md: for every key and every other change, exactly those rules, on a finished run."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml
from rerun_page import CASES, KEYS, reruns

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"


# keys that no script reads as a setting: what they change, written out by hand
STRUCTURE = {
    "samples": set(),
    "clinical.table": {"summarise_clinical", "digest_inputs"},
    "design.baseline": "design",
    "design.timepoints": "design",
    "annotation.markers": {"count_markers", "annotate_cells"},
    "annotation.overrides": {"annotate_cells"},
    "annotation.labels": {"read_labels", "sum_pseudobulk", "annotate_cells"},
    "annotation.labels_column": set(),  # without labels nobody reads it
    "clones.lookup": {"match_receptors"},
    "pathways.gene_sets": {"read_gene_sets"},
    "report.language": "shown",
    "report.pseudonyms": "shown",
    "report.pseudonym_table": "shown",
    "export.airr": set(),
    "export.h5ad": {"export_cells"},
    "export.h5mu": set(),
}


@pytest.fixture(scope="module")
def project(tiny_run, tmp_path_factory):
    """The finished tiny run with the files that a user could name."""
    return _copy(tiny_run, tmp_path_factory.mktemp("map") / "project")


def _copy(finished, target):
    ignore = shutil.ignore_patterns("again")
    shutil.copytree(finished, target, copy_function=shutil.copy2, symlinks=True, ignore=ignore)
    reruns.own_files(target)
    return target


def _leaves(schema, prefix=""):
    for key, rule in schema["properties"].items():
        if rule.get("type") == "object":
            yield from _leaves(rule, f"{prefix}{key}.")
        else:
            yield prefix + key, rule["default"]


def _reads(key):
    """Scripts that read the key as a setting."""
    texts = {path.stem: path.read_text("utf-8") for path in SCRIPTS.glob("*.py")}
    return {stem for stem, text in texts.items() if f'cfg["{key}"]' in text}


def _downstream(jobs, first):
    """The rules of the jobs of `first` and of all that read what these write, by names alone."""
    found = [job for job in jobs if job.rule in first]
    while True:
        written = {path for job in found for path in job.outputs}
        more = [job for job in jobs if job not in found and written & set(job.inputs)]
        if not more:
            return {job.rule for job in found}
        found += more


def test_every_key_of_the_schema_is_changed_to_another_value():
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text("utf-8"))
    defaults = dict(_leaves(schema))
    assert list(reruns.CHANGES) == list(defaults) == list(KEYS)
    assert all(reruns.CHANGES[key] != value for key, value in defaults.items())


@pytest.mark.parametrize("key", KEYS)
def test_a_changed_key_runs_exactly_these_rules(project, key):
    jobs = reruns.due(project, reruns.nested(key, reruns.CHANGES[key]))
    assert {job.rule for job in jobs} == KEYS[key]


@pytest.mark.parametrize("key", [key for key in KEYS if key != "outdir"])
def test_these_are_the_scripts_that_read_the_key_and_what_follows(project, key):
    change = reruns.nested(key, reruns.CHANGES[key])
    everything = reruns.due(project, change | {"outdir": "elsewhere"})
    told = STRUCTURE.get(key, set()) or _reads(key)
    if told == "design":
        told = {stem.stem for stem in SCRIPTS.glob("*.py") if _takes_design(stem)}
        told -= {"plot_qc"}  # its design holds pseudonyms alone
    if told == "shown":  # every figure, and the report
        told = {stem.stem for stem in SCRIPTS.glob("plot_*.py")}
    if key == "annotation.labels_column":
        told = set()
    assert told or key in STRUCTURE
    assert KEYS[key] == _downstream(everything, {*told, *reruns.ALWAYS})


def _takes_design(script):
    return "params.design" in script.read_text("utf-8")


@pytest.mark.parametrize("words", reruns.CASES)
def test_another_change_runs_exactly_these_jobs(request, tmp_path, words):
    config, deed = reruns.CASES[words]
    if config:  # a finished run with these settings, of stand-ins
        cohort = request.getfixturevalue("tiny_cohort")
        place = reruns.finished(tmp_path, cohort, config)
    else:
        place = _copy(request.getfixturevalue("tiny_run"), tmp_path / "project")
    assert reruns.due(place, config) == []
    deed(place)
    assert Counter(job.rule for job in reruns.due(place, config)) == CASES[words]


OWN = {  # what belongs to one sample or one patient, whoever else is in the cohort
    *["load_sample", "measure_qc", "score_doublets", "read_receptors", "call_cells"],
    *["summarise_genes", "count_markers", "score_cells", "define_clonotypes", "vary_clonotypes"],
    "profile_repertoire",
}


def test_a_new_patient_runs_no_job_of_another_patient_but_of_what_is_gathered(tiny_run, tmp_path):
    place = _copy(tiny_run, tmp_path / "project")
    reruns.CASES["a new sample of a new patient"][1](place)
    jobs = reruns.due(place)
    assert {job.rule for job in jobs} >= OWN
    for job in jobs:
        whose = dict(job.wildcards).get("sample", dict(job.wildcards).get("patient", ""))
        if whose and not whose.startswith("LN03"):
            assert job.rule not in OWN
            assert any(re.search(r"/(cohort|tables)/", path) for path in job.inputs), job


def test_own_labels_make_their_column_count(tiny_cohort, tmp_path):
    labels = {"annotation": {"labels": "own/labels.tsv"}}
    place = reruns.finished(tmp_path, tiny_cohort, labels)
    assert reruns.due(place, labels) == []
    jobs = reruns.due(place, {"annotation": {"labels": "own/labels.tsv", "labels_column": "kind"}})
    assert {job.rule for job in jobs} == KEYS["annotation.labels"]


def test_a_run_of_stand_ins_answers_as_a_real_one(tiny_cohort, project, tmp_path):
    place = reruns.finished(tmp_path, tiny_cohort)
    for key in ("seed", "clusters.resolution", "diversity.orders", "annotation.labels"):
        change = reruns.nested(key, reruns.CHANGES[key])
        keys = [{job.key for job in reruns.due(at, change)} for at in (place, project)]
        assert keys[0] == keys[1]
