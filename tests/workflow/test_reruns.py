"""A changed key re-runs its rule and what depends on it, and nothing else."""

import shutil

import jobs_api
import pytest
from conftest import other_library

REPORT = {"judge_claims", "summarise_patients", "render_report"}


@pytest.fixture
def project(tiny_run, tmp_path):
    copy = tmp_path / "project"
    ignore = shutil.ignore_patterns("again")
    shutil.copytree(tiny_run, copy, copy_function=shutil.copy2, symlinks=True, ignore=ignore)
    return copy


def rerun(project, **config):
    jobs = jobs_api.would_run(project, config=config, configfiles=(project / "tiny.yaml",))
    return {name for name, _ in jobs}


# what follows each rule is written out by hand: it is what a user is promised
CASES = [
    ({"report": {"title": "x"}}, {"render_report", "write_provenance"}),
    ({"claims": {"min_log_diversity": 0.3}}, REPORT | {"write_provenance"}),
    ({"guard": {"early_days": 20}}, REPORT | {"guard_design", "write_provenance"}),
    (
        {"layout": {"min_dist": 0.3}},
        {"lay_out_cells", "plot_cells", "thin_cells", "export_cohort"}
        | {"render_report", "write_provenance"},
    ),
    (
        {"diversity": {"bootstraps": 50}},
        REPORT
        | {
            "measure_diversity",
            "gather_diversity",
            "plot_diversity",
            "plot_patient",
            "write_provenance",
        },
    ),
    (
        {"pathways": {"min_counts": 30}},
        REPORT
        | {
            "compare_pathways",
            "gather_pathways",
            "vary_cells",
            "gather_robustness",
            "plot_pathways",
            "plot_patient",
            "write_provenance",
        },
    ),
    (
        {"expression": {"permutations": 500}},
        REPORT - {"judge_claims", "summarise_patients"}
        | {"enrich_pathways", "gather_enrichment", "write_provenance"},
    ),
]


@pytest.mark.parametrize(("config", "rules"), CASES, ids=[str(case[0]) for case in CASES])
def test_exactly_these_rules(tiny_run, config, rules):
    assert rerun(tiny_run, **config) == rules


@pytest.mark.parametrize(
    ("config", "first", "never"),
    [
        (
            {"qc": {"min_genes": 250}},
            "call_cells",
            {"load_sample", "measure_qc", "score_doublets", "read_receptors"},
        ),
        ({"doublets": {"max_score": 0.4}}, "call_cells", {"score_doublets"}),
        (
            {"clusters": {"resolution": 0.5}},
            "cluster_cells",
            {"build_graph", "lay_out_cells", "score_cells", "define_clonotypes"},
        ),
        (
            {"clonotypes": {"bcr_max_distance": 0.1}},
            "define_clonotypes",
            {"read_receptors", "annotate_cells", "compare_pathways"},
        ),
    ],
)
def test_the_rule_runs_and_what_is_upstream_does_not(tiny_run, config, first, never):
    found = rerun(tiny_run, **config)
    assert first in found and not found & never


def test_an_override_touches_no_counts(tiny_run, tmp_path):
    table = tmp_path / "overrides.tsv"
    table.write_text("cluster\tlabel\n0\tCD4 T\n")
    found = rerun(tiny_run, annotation={"overrides": str(table)})
    assert "annotate_cells" in found
    assert not found & {"load_sample", "sum_pseudobulk", "score_cells", "embed_cells"}


def test_nothing_runs_without_a_change(tiny_run):
    assert rerun(tiny_run) == set()


def test_a_title_in_the_order_of_other_keys_is_no_change(project):
    (project / "tiny.yaml").write_text("# words\nseed: 0\nsamples: cohort/samples.tsv\n")
    assert rerun(project) == set()


def test_an_edited_helper_is_noticed_and_a_touch_is_not(project):
    helper = project / "workflow/scripts/immune_reset/hill.py"
    helper.touch()
    assert rerun(project) == set()
    helper.write_text(helper.read_text() + "\n# more\n")
    found = rerun(project)
    assert "measure_diversity" in found and "load_sample" not in found


def test_a_new_patient_leaves_the_others_own_jobs_alone(project):
    cohort = project / "cohort"
    sheet = (cohort / "samples.tsv").read_text().splitlines()
    column = sheet[0].split("\t").index("patient")
    first = sheet[1].split("\t")
    old, new = first[0], "new_sample"
    shutil.copytree(cohort / old, cohort / new, copy_function=shutil.copy2)
    other_library(cohort / new)
    row = sheet[1].replace(old, new).split("\t")
    row[column] = "new_patient"
    (cohort / "samples.tsv").write_text("\n".join([*sheet, "\t".join(row)]) + "\n")
    jobs = jobs_api.would_run(project, configfiles=(project / "tiny.yaml",))
    own = {
        "load_sample",
        "measure_qc",
        "score_doublets",
        "read_receptors",
        "call_cells",
        "define_clonotypes",
    }
    touched = {
        dict(wildcards).get("sample", dict(wildcards).get("patient"))
        for name, wildcards in jobs
        if name in own
    }
    assert touched == {"new_sample", "new_patient"}
