def of_samples(name):
    """The same file of every sample; the wildcard of gene sets stays."""
    return expand(f"{SAMPLE}/{name}", sample=SAMPLES, allow_missing=True)


def of_patients(name):
    """The same file of every patient."""
    return expand(f"{PATIENT}/{name}", patient=PATIENTS)


def of_patient(name):
    """Input function: the same file of every sample of the patient."""

    def files(wildcards):
        own = patient_design(DESIGN, wildcards.patient)["samples"]
        return [f"{OUT}/samples/{row['sample']}/{name}" for row in own]

    return files


def of_same_patient(name):
    """Input function: the same file of every sample of this sample's patient."""

    def files(wildcards):
        patient = next(r["patient"] for r in DESIGN["samples"] if r["sample"] == wildcards.sample)
        return [
            f"{OUT}/samples/{r['sample']}/{name}"
            for r in DESIGN["samples"]
            if r["patient"] == patient
        ]

    return files


def design_of_patient(wildcards):
    """The part of the design that concerns one patient."""
    return patient_design(DESIGN, wildcards.patient)


def shown_patient(wildcards):
    """The same with the pseudonyms in use."""
    hidden = {KEY: SHOWN[KEY]} if KEY in SHOWN else {}
    return patient_design(DESIGN, wildcards.patient) | hidden


def matrix_of(wildcards):
    """The count matrices of a sample, one file or three each, and the donors of a multiplexed one."""
    row = PLAN.rows[wildcards.sample]
    donors = {"donors": row["donors"]} if "donors" in row else {}
    raw = {"raw_gex": matrix_files(row["raw_gex"])} if "raw_gex" in row else {}
    return {"gex": matrix_files(row["gex"]), **raw, **donors}


def matrix_row(wildcards):
    """What the sheet says of a sample's count matrix."""
    row = PLAN.rows[wildcards.sample]
    return {key: row[key] for key in ("sample", "gex", "raw_gex", "donor") if key in row}


def contigs_of(wildcards):
    """The contig tables of a sample, the cells that they are matched with, germline genes."""
    row = PLAN.rows[wildcards.sample]
    files = {kind: row[kind] for kind in ("bcr", "tcr", "donors") if kind in row}
    if SETTINGS["receptors.igblast_germline"] and "bcr" in row:
        files["germline"] = f"{OUT}/samples/{wildcards.sample}/germline.parquet"
    return {**files, **only_gex(counts=f"{OUT}/samples/{row['sample']}/counts.h5ad")}


def donor_of(wildcards):
    """Who is meant in a multiplexed library."""
    row = PLAN.rows[wildcards.sample]
    return {key: row[key] for key in ("sample", "donor") if key in row}


def input_facts(wildcards):
    """What reading said of every sample."""
    vdj = {"receptors": of_samples("receptors.json")} if PLAN.has_vdj else {}
    gex = only_gex(load=of_samples("load.json"), counts=of_samples("counts.h5ad"))
    return {**gex, **vdj}


def only_gex(**files):
    """These files, if the cohort has count matrices."""
    return dict(files) if PLAN.has_gex else {}


def germline_inputs(wildcards):
    """The B-cell contigs of a sample, their sequences, and the germline genes."""
    bcr = PLAN.rows[wildcards.sample]["bcr"]
    folder = Path(SETTINGS["receptors.igblast_germline"] or ".")
    files = {name: str(folder / f"{name}.fasta") for name in igblast.GENES}
    files = {name: path for name, path in files.items() if name != "D" or Path(path).is_file()}
    fasta = igblast.fasta_beside(bcr)
    return {"bcr": bcr, **files, **({"fasta": fasta} if fasta else {})}


def thresholds_of(wildcards):
    """The sample's own values of `qc` keys, from the sheet."""
    row = PLAN.rows[wildcards.sample]
    return {k: row[k] for k in sorted(row) if k == "sample" or k.startswith("qc_")}


def cell_evidence(wildcards):
    """What decides on a barcode: metrics and doublet score, receptors, or both."""
    names = {}
    if PLAN.has_gex:
        names.update(metrics="metrics.parquet", doublet_scores="doublet_scores.parquet")
    if PLAN.has_vdj:
        names.update(receptors="receptors.parquet")
    return {key: f"{OUT}/samples/{wildcards.sample}/{name}" for key, name in names.items()}


def only(there, **files):
    """Input function: these files, if the cohort has what they come from."""
    return lambda wildcards: dict(files) if there else {}


def annotation_inputs(wildcards):
    """The user's overrides, where given."""
    overrides = SETTINGS["annotation.overrides"]
    return {"overrides": overrides} if overrides else {}


def lookup_inputs(wildcards):
    """The user's table of known receptors, where given."""
    lookup = SETTINGS["clones.lookup"]
    return {"lookup": lookup} if lookup else {}


def label_inputs(wildcards):
    """The cells' labels, where there are count matrices."""
    return {"labels": f"{COHORT}/labels.parquet"} if PLAN.has_gex else {}


def compartment_inputs(wildcards):
    """What tells the compartments of a repertoire apart."""
    car = {"car": f"{COHORT}/car_cells.parquet"} if PLAN.has_gex else {}
    return {**label_inputs(wildcards), **car}


def claim_inputs(wildcards):
    """The tables of changes that this cohort has."""
    gex = dict(
        composition_change=f"{TABLES}/composition_change.tsv",
        pathway_change=f"{COHORT}/pathway_change_shipped.parquet",
        car=f"{TABLES}/car_cells.tsv",
    )
    vdj = dict(
        diversity_change=f"{TABLES}/diversity_change.tsv",
        baseline_clones=f"{TABLES}/baseline_clones.tsv",
        isotypes=f"{TABLES}/isotypes.tsv",
    )
    clinical = dict(clinical_change=f"{COHORT}/clinical_change.parquet")
    return {
        "guard": f"{TABLES}/design_guard.tsv",
        "robustness": f"{TABLES}/robustness.tsv",
        **(gex if PLAN.has_gex else {}),
        **(vdj if PLAN.has_vdj else {}),
        **(clinical if PLAN.clinical else {}),
    }


def robustness_inputs(wildcards):
    """Claims under other settings: of receptors, patient by patient, and of cells."""
    vdj = dict(repertoire=of_patients("robustness.parquet")) if PLAN.has_vdj else {}
    gex = dict(cells=f"{COHORT}/robustness.parquet") if PLAN.has_gex else {}
    return {**vdj, **gex}


def guard_inputs(wildcards):
    """What the design guard looks at, beside the design."""
    clusters = dict(
        clusters=f"{TABLES}/clusters.tsv", cell_types=shipped("resources/markers/cell_types.tsv")
    )
    clinical = dict(clinical=f"{TABLES}/clinical.tsv")
    return {
        "qc": f"{TABLES}/qc.tsv",
        **(clusters if PLAN.has_gex else {}),
        **(clinical if PLAN.clinical else {}),
    }


def reference_inputs(wildcards):
    """What patients and healthy controls are compared by."""
    gex = dict(scores=f"{TABLES}/pathway_scores.tsv", composition=f"{TABLES}/composition.tsv")
    vdj = dict(
        diversity=f"{TABLES}/diversity.tsv",
        clonotypes=of_patients("clonotypes.parquet"),
    )
    return {**(gex if PLAN.has_gex else {}), **(vdj if PLAN.has_vdj else {})}


def patient_inputs(wildcards):
    """The tables whose values make the wide rows of patients."""
    return {name: f"{TABLES}/{name}.tsv" for name in tables_made() if name in PATIENT_TABLES}


def export_inputs(wildcards):
    """What cohort.h5mu is made of."""
    gex = dict(
        counts=of_samples("counts.h5ad"),
        labels=f"{COHORT}/labels.parquet",
        umap=f"{COHORT}/umap.parquet",
        embedding=f"{COHORT}/embedding.parquet",
        scores=of_samples("cell_scores_shipped.parquet"),
        **({"own_scores": of_samples("cell_scores_own.parquet")} if "own" in SETS else {}),
    )
    vdj = dict(
        clonotypes=of_patients("clonotypes.parquet"),
        chains=of_samples("chains.parquet"),
    )
    return {
        "cells": of_samples("cells.parquet"),
        **(gex if PLAN.has_gex else {}),
        **(vdj if PLAN.has_vdj else {}),
    }


def exported(*names):
    """Input function: of what cohort.h5mu is made of, the files named."""
    return lambda wildcards: {
        name: files for name, files in export_inputs(wildcards).items() if name in names
    }


def course_inputs(wildcards):
    """What one patient's course is drawn from."""
    gex = dict(
        composition=f"{TABLES}/composition.tsv",
        car=f"{TABLES}/car_cells.tsv",
        scores=f"{COHORT}/pathway_scores_shipped.parquet",
    )
    vdj = dict(diversity=f"{OUT}/patients/{wildcards.patient}/diversity.parquet")
    clinical = dict(clinical=f"{TABLES}/clinical.tsv")
    return {
        **(gex if PLAN.has_gex else {}),
        **(vdj if PLAN.has_vdj else {}),
        **(clinical if PLAN.clinical else {}),
    }


def map_inputs(wildcards):
    """What the interactive map shows of each cell."""
    vdj = dict(fates=f"{TABLES}/clone_fates.tsv", clonotypes=of_patients("clonotypes.parquet"))
    return {
        "umap": f"{COHORT}/umap.parquet",
        "labels": f"{COHORT}/labels.parquet",
        "scores": of_samples("cell_scores_shipped.parquet"),
        **(vdj if PLAN.has_vdj else {}),
    }
