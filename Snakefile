# Was the immune system reset? Counts and contigs to report.html, tables/, figures/ and exports.
import os

from snakemake.utils import min_version

min_version("9.0")


# run from another folder (-s, --directory), the defaults come from the schema
if os.path.exists("config.yaml"):

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/outputs.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/demo.smk"
include: "workflow/rules/loading.smk"
include: "workflow/rules/quality.smk"
include: "workflow/rules/embedding.smk"
include: "workflow/rules/annotation.smk"
include: "workflow/rules/clonotypes.smk"
include: "workflow/rules/expansion.smk"
include: "workflow/rules/repertoire.smk"
include: "workflow/rules/repertoire_tables.smk"
include: "workflow/rules/pathways.smk"
include: "workflow/rules/expression.smk"
include: "workflow/rules/robustness.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/reference.smk"
include: "workflow/rules/figures_of_cells.smk"
include: "workflow/rules/figures_of_patients.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/exports.smk"
include: "workflow/rules/hooks.smk"


# of a second each and a few kilobytes: a cluster's head node may run them
localrules:
    all,
    read_gene_sets,
    summarise_clinical,


rule all:
    default_target: True
    input:
        final_outputs(),
