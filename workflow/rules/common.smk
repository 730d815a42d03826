import os
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.io import strip_wildcard_constraints
from snakemake.persistence.file import FilePersistence


def project_root():
    """Where the project lies; of one that Snakemake fetched, where it keeps the files."""
    if os.path.isdir(str(workflow.current_basedir)):
        return Path(workflow.current_basedir).parents[1]
    names = Path(workflow.source_path("../files.txt"))
    for name in names.read_text(encoding="utf-8").split():
        workflow.source_path(f"../../{name}")
    return names.parents[1]


FETCHED = not os.path.isdir(str(workflow.current_basedir))
ROOT = project_root()
SCRIPTS = ROOT / "workflow" / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from immune_reset.errors import InputError
from immune_reset.faults import faults
from immune_reset.fingerprint import code_hash
from immune_reset.heads import check_heads
from immune_reset.named_files import check_named_files
from immune_reset.plan import make_plan
from immune_reset.planning import patient_design, patients
from immune_reset.records import STORE, keep, mend
from immune_reset.settings import leaves
from immune_reset.sheets import files_made_for

PACKAGES = (
    "snakemake scanpy anndata scirpy harmonypy leidenalg umap-learn pydeseq2 decoupler gseapy "
    "scipy numpy pandas matplotlib"
).split()
FIGURES = {
    "qc": ["qc_losses", "qc_distributions"],
    "cells": ["umap_cell_type", "umap_timepoint", "umap_patient", "umap_interferon"],
    "composition": [
        "composition",
        "composition_over_time",
        "b_cell_subsets",
        "composition_change",
    ],
    "diversity": ["diversity", "diversity_change", "diversity_curves"],
    "clones": ["clones_over_time", "clone_fates", "baseline_clones"],
    "repertoire": [
        "isotypes_over_time",
        "v_gene_change",
        "junction_lengths",
        "expansion_classes",
    ],
    "pathways": [
        "pathway_interferon",
        "pathway_jak_stat",
        "pathway_change",
        "attribution",
    ],
    "clinical": ["clinical_course"],
    "reference": ["reference"],
}
GEX_TABLES = [
    "qc",
    "composition",
    "composition_change",
    "clusters",
    "car_cells",
    "on_target",
    "pathway_scores",
    "pathway_change",
    "pathway_genes",
    "gene_set_overlap",
    "attribution",
    "expression",
    "expression_tests",
    "enrichment",
]
PATIENT_TABLES = ["claims", "qc", "composition", "diversity", "clinical"]
REPORT_TABLES = [
    *["claims", "patients", "qc", "composition", "clusters", "car_cells", "on_target"],
    *["diversity", "clone_fates", "returned_clones", "lookup", "turnover", "car_clones"],
    *["isotypes", "overlap", "pathway_change", "gene_set_overlap", "enrichment", "clinical"],
    *["composition_change", "design_guard", "reference"],
]
VDJ_TABLES = [
    "diversity",
    "diversity_change",
    "clones",
    "clone_fates",
    "baseline_clones",
    "returned_clones",
    "gene_usage",
    "isotypes",
    "overlap",
    "expansion",
    "turnover",
    "car_clones",
    "robustness",
]


def shipped(name):
    """Path of a file of the project, relative, so that a moved project stays up to date."""
    return workflow.source_path(f"../../{name}") if FETCHED else os.path.relpath(ROOT / name)


def demo_files():
    """Every file that `simulate_cohort` writes."""
    return sorted(files_made_for(ROOT))


def checked_plan():
    """The plan of this run; bad input stops here with one message."""
    made = set(demo_files())
    try:
        plan = make_plan(config, ROOT, made)
        if workflow.is_main_process:
            check_heads(list(plan.rows.values()), made)
            check_named_files(plan.settings, list(plan.rows.values()), ROOT)
        return plan
    except InputError as error:
        raise WorkflowError(str(error)) from None


STARTED = time.time()
PLAN = checked_plan()
SETTINGS = leaves(PLAN.settings)
DESIGN = PLAN.design
SAMPLES = list(PLAN.rows)
PATIENTS = patients(DESIGN)
OUT = PLAN.settings["outdir"].rstrip("/")
SAMPLE, PATIENT = f"{OUT}/samples/{{sample}}", f"{OUT}/patients/{{patient}}"
COHORT, TABLES, PLOTS = f"{OUT}/cohort", f"{OUT}/tables", f"{OUT}/figures"
LOGS, BENCHMARKS = f"{OUT}/logs", f"{OUT}/benchmarks"
OWN_LABELS = SETTINGS["annotation.labels"]
GROUPS = f"{COHORT}/own_labels.parquet" if OWN_LABELS else f"{COHORT}/clusters.parquet"
VERSIONS = {name: version(name) for name in PACKAGES}
MARKERS = SETTINGS["annotation.markers"] or shipped("resources/markers/pbmc.tsv")


wildcard_constraints:
    sample="|".join(map(re.escape, SAMPLES)),
    patient="|".join(map(re.escape, PATIENTS)),


def cfg(*keys):
    """The settings that a script reads, and no others: a change of one re-runs its rule."""
    return {key: SETTINGS[key] for key in sorted(keys)}


def code_of(script):
    """Hash of the shared modules that a script imports; see `immune_reset.fingerprint`."""
    return code_hash(script, SCRIPTS)


def mem(factor=0, floor=500):
    """Memory in MB: `factor` times the size of the inputs, grown with each attempt."""

    def mem_mb(wildcards, input, attempt):
        return max(floor, int(factor * input.size_mb) + 300) * attempt

    return mem_mb


def tables_made():
    """Names of the tables of this cohort."""
    names = ["claims", "patients", "design_guard"]
    names += GEX_TABLES if PLAN.has_gex else ["qc"]
    names += VDJ_TABLES if PLAN.has_vdj else []
    names += ["lookup"] if PLAN.has_vdj and SETTINGS["clones.lookup"] else []
    names += ["reference"] if PLAN.has_controls else []
    return names + (["clinical"] if PLAN.clinical else [])


def figures_made():
    """Names of the figures of this cohort."""
    sets = ["qc", "cells", "composition", "pathways"] if PLAN.has_gex else []
    sets += ["diversity", "clones", "repertoire"] if PLAN.has_vdj else []
    sets += ["clinical"] if PLAN.clinical else []
    sets += ["reference"] if PLAN.has_controls else []
    return [name for group in sets for name in FIGURES[group]]


def pictures(group):
    """The outputs of a plot rule: each figure as PNG and as PDF."""
    return {
        f"{name}_{kind}": f"{PLOTS}/{name}.{kind}"
        for name in FIGURES[group]
        for kind in ("png", "pdf")
    }


def final_outputs():
    """What a run is for."""
    files = [f"{OUT}/report.html", f"{OUT}/provenance.json"]
    files += [f"{TABLES}/{name}.tsv" for name in tables_made()]
    files += [f"{OUT}/cohort.h5mu"] if SETTINGS["export.h5mu"] else []
    return files


def every_output():
    """Every file that a rule writes for this cohort."""
    files = []
    for rule in workflow.rules:
        ours = [strip_wildcard_constraints(str(file)) for file in rule.output]
        for name, values in (("sample", SAMPLES), ("patient", PATIENTS)):
            if name in rule.wildcard_names:
                ours = [file.replace(f"{{{name}}}", value) for file in ours for value in values]
        files += ours
    made = (f"{OUT}/", os.path.relpath(ROOT / "resources/demo/data") + "/")
    return [file for file in files if file.startswith(made)]


def mend_records():
    """Put back what `.snakemake` has lost; see `immune_reset.records`."""
    if workflow.is_main_process and os.path.isdir(OUT):
        own, files = FilePersistence(nolock=True), every_output()
        said = mend(files, OUT, own).said(f"{OUT}/{STORE}")
        keep(files, OUT, own)
        sys.stderr.write("".join(f"{line}\n" for line in said))


def keep_records():
    """Copy what `.snakemake` knows of this run to where the results are."""
    if os.path.isdir(OUT):
        keep(every_output(), OUT, FilePersistence(nolock=True))
