import os
import sys

from snakemake.io import strip_wildcard_constraints
from snakemake.persistence.file import FilePersistence

from immune_reset.faults import faults
from immune_reset.records import STORE, keep, mend
from immune_reset.scheduling import asked_for

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
    "ambient",
    "qc",
    "composition",
    "composition_change",
    "clusters",
    "cluster_sheet",
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
    *["claims", "patients", "inputs", "ambient", "qc", "composition", "clusters"],
    *["car_cells", "on_target"],
    *["diversity", "clone_fates", "returned_clones", "lookup", "turnover", "car_clones"],
    *["isotypes", "gene_usage_change", "overlap", "pathway_change", "gene_set_overlap"],
    *["enrichment", "clinical", "composition_change", "design_guard", "reference"],
    *["clones", "disease_states"],
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


def tables_made():
    """Names of the tables of this cohort."""
    names = ["claims", "patients", "inputs", "design_guard", "robustness"]
    names += GEX_TABLES if PLAN.has_gex else ["qc"]
    names += VDJ_TABLES if PLAN.has_vdj else []
    names += ["lookup"] if PLAN.has_vdj and SETTINGS["clones.lookup"] else []
    names += ["reference"] if PLAN.has_controls else []
    return names + (["clinical", "disease_states"] if PLAN.clinical else [])


def figures_made():
    """Names of the figures of this cohort."""
    sets = ["qc", "cells", "composition", "pathways"] if PLAN.has_gex else []
    sets += ["diversity", "clones", "isotypes", "repertoire"] if PLAN.has_vdj else []
    sets += ["clinical"] if PLAN.clinical else []
    sets += ["reference"] if PLAN.has_controls else []
    drawn = [name for group in sets for name in FIGURES[group]]
    return drawn + [f"patient_{name}" for name in IN_COHORT]


def pictures(group):
    """What a script of figures writes: each as PNG, shown by `snakemake --report`, and as PDF."""
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


def course():
    """The outputs of a patient's course: PNG, shown by `snakemake --report`, and PDF."""
    picture = report(
        f"{PLOTS}/patient_{{patient}}.png",
        caption="../report/captions/figure_patient.rst",
        category="Figures",
        subcategory="patients",
        labels={"figure": "course of {patient}"},
    )
    return {"patient_png": picture, "patient_pdf": f"{PLOTS}/patient_{{patient}}.pdf"}


def reports():
    """The report, and beside it the table of pseudonyms where they are asked for."""
    made = report(
        f"{OUT}/report.html",
        caption="../report/captions/report.rst",
        category="Report",
        labels={"what": "Comparison report", "format": "HTML"},
    )
    named = {"pseudonyms": f"{OUT}/pseudonyms.tsv"} if PLAN.pseudonyms else {}
    return {"report": made, **named}


def final_outputs():
    """What a run is for."""
    files = [f"{OUT}/report.html", f"{OUT}/provenance.json"]
    files += [f"{TABLES}/{name}.tsv" for name in tables_made()]
    files += [f"{OUT}/cohort.h5mu"] if SETTINGS["export.h5mu"] else []
    files += [f"{OUT}/cohort.h5ad"] if SETTINGS["export.h5ad"] and PLAN.has_gex else []
    files += [f"{OUT}/airr_rearrangement.tsv"] if SETTINGS["export.airr"] and PLAN.has_vdj else []
    return files


def report_first():
    """Let the exports wait while a job that leads to the report is ready."""
    for one in workflow.rules:
        if not re.search("export_(cohort|cells|receptors)$", one.name):
            one.priority = one.priority or 1


VALUES = {"sample": SAMPLES, "patient": PATIENTS, "sets": SETS}


def every_output():
    """Every file that a rule writes for this cohort."""
    files = []
    for one in workflow.rules:
        ours = [strip_wildcard_constraints(str(file)) for file in one.output]
        for name, values in VALUES.items():
            if name in one.wildcard_names:
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


def report_tables(wildcards):
    """The tables that the report shows, by their names."""
    shown = [name for name in tables_made() if name in REPORT_TABLES]
    return {name: f"{TABLES}/{name}.tsv" for name in shown}


def templates():
    """The files that the report is made of, but for the catalogues of other languages."""
    folder = ROOT / "workflow" / "report"
    wanted = [p for p in folder.rglob("*") if p.suffix not in {"", ".rst"}]
    wanted = [p for p in wanted if p.parent.name != "languages"]
    code = SETTINGS["report.language"]
    wanted += [p for p in [folder / "languages" / f"{code}.css"] if p.is_file()]
    return [shipped(name) for name in sorted(p.relative_to(ROOT).as_posix() for p in wanted)]


def source_files(wildcards):
    """The files that the user gave."""
    rows = PLAN.rows.values()
    found = [row[k] for row in rows for k in ("bcr", "tcr", "donors") if k in row]
    found += [
        file
        for row in rows
        for k in ("gex", "raw_gex")
        if k in row
        for file in matrix_files(row[k])
    ]
    found = list(dict.fromkeys(found))
    return {"sources": found + ([PLAN.clinical] if PLAN.clinical else [])}
