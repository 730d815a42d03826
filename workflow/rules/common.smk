import os
import re
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

ROOT = Path(workflow.current_basedir).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
if str(SCRIPTS) not in sys.path:
    sys.path.insert(0, str(SCRIPTS))

from immune_reset import igblast
from immune_reset.errors import InputError
from immune_reset.expected import expected_mb
from immune_reset.faults import faults
from immune_reset.fingerprint import code_hash
from immune_reset.heads import check_heads
from immune_reset.named_files import check_named_files
from immune_reset.plan import make_plan
from immune_reset.planning import patient_design, patients
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
    "isotypes": ["isotypes_over_time", "hypermutation"],
    "repertoire": ["v_gene_change", "junction_lengths", "expansion_classes", "expansion_shares"],
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
    *["isotypes", "gene_usage_change", "overlap", "pathway_change", "gene_set_overlap"],
    *["enrichment", "clinical", "composition_change", "design_guard", "reference"],
]
VDJ_TABLES = [
    "diversity",
    "diversity_change",
    "clones",
    "clone_fates",
    "baseline_clones",
    "returned_clones",
    "gene_usage",
    "gene_usage_change",
    "isotypes",
    "overlap",
    "expansion",
    "turnover",
    "car_clones",
]


def resource(name):
    """Path of a file under resources/, relative, so that a moved project stays up to date."""
    return os.path.relpath(ROOT / "resources" / name)


def demo_files():
    """Every file that `simulate_cohort` writes."""
    return sorted(files_made_for(ROOT))


def check_igblast(plan):
    """Refuse a run that asks for IgBLAST where there is none; conda brings its own."""
    methods = workflow.deployment_settings.deployment_method
    wanted = plan.settings["receptors"]["igblast_germline"]
    if wanted and DeploymentMethod.CONDA not in methods:
        igblast.check_programs({name: shutil.which(name) for name in igblast.PROGRAMS})


def checked_plan():
    """The plan of this run; bad input stops here with one message."""
    made = set(demo_files())
    try:
        plan = make_plan(config, ROOT, made)
        if workflow.is_main_process:
            check_heads(list(plan.rows.values()), made)
            check_named_files(plan.settings, list(plan.rows.values()), ROOT)
            check_igblast(plan)
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
MATRICES = {sample: row.get("gex", "") for sample, row in PLAN.rows.items()}
MARKERS = SETTINGS["annotation.markers"] or os.path.relpath(ROOT / "resources/markers/pbmc.tsv")


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
    """Memory in MB: `floor`, and `factor` for each MB of input, times the attempt.

    Fitted by benchmarks/fit_resources.py; a cluster's own two Snakemakes (250 MB) are in `floor`.
    """
    return lambda wildcards, input, attempt: int(floor + factor * input_mb(input)) * attempt


def minutes(factor=0, floor=10):
    """Time in minutes: `floor`, and `factor` for each MB of input, times the attempt."""
    return lambda wildcards, input, attempt: int(floor + factor * input_mb(input)) * attempt


def input_mb(files):
    """Size of a job's inputs in MB; what an earlier job of its group will make is estimated."""
    return expected_mb(files, MATRICES)


def tables_made():
    """Names of the tables of this cohort."""
    names = ["claims", "patients", "design_guard", "robustness"]
    names += GEX_TABLES if PLAN.has_gex else ["qc"]
    names += VDJ_TABLES if PLAN.has_vdj else []
    names += ["lookup"] if PLAN.has_vdj and SETTINGS["clones.lookup"] else []
    names += ["reference"] if PLAN.has_controls else []
    return names + (["clinical"] if PLAN.clinical else [])


def figures_made():
    """Names of the figures of this cohort."""
    sets = ["qc", "cells", "composition", "pathways"] if PLAN.has_gex else []
    sets += ["diversity", "clones", "isotypes", "repertoire"] if PLAN.has_vdj else []
    sets += ["clinical"] if PLAN.clinical else []
    sets += ["reference"] if PLAN.has_controls else []
    return [name for group in sets for name in FIGURES[group]]


def pictures(group):
    """The outputs of a plot rule: each figure as PNG, shown by `snakemake --report`, and as PDF."""
    files = {}
    for name in FIGURES[group]:
        files[f"{name}_png"] = report(
            f"{PLOTS}/{name}.png",
            caption=f"../report/captions/figure_{name}.rst",
            category="Figures",
            subcategory=group,
            labels={"figure": name.replace("_", " ")},
        )
        files[f"{name}_pdf"] = f"{PLOTS}/{name}.pdf"
    return files


def table(name):
    """A table as output; those that the report shows are in `snakemake --report` too."""
    path = f"{TABLES}/{name}.tsv"
    if name not in REPORT_TABLES:
        return path
    return report(
        path,
        caption=f"../report/captions/table_{name}.rst",
        category="Tables",
        labels={"table": name.replace("_", " ")},
    )


def final_outputs():
    """What a run is for."""
    files = [f"{OUT}/report.html", f"{OUT}/provenance.json"]
    files += [f"{TABLES}/{name}.tsv" for name in tables_made()]
    files += [f"{OUT}/cohort.h5mu"] if SETTINGS["export.h5mu"] else []
    return files
