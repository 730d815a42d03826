"""Which rows and columns of each table the report shows, and how they are headed."""

from collections.abc import Callable

import pandas as pd

from immune_reset import report_guard

Column = tuple[str, str, str]
INTERVAL = [("ci_low", "95 % from", "number"), ("ci_high", "to", "number")]
SHARE_INTERVAL = [("ci_low", "95 % from", "share"), ("ci_high", "to", "share")]
SAMPLE = [("patient", "Patient", "text"), ("timepoint", "Timepoint", "spoken")]

COLUMNS: dict[str, list[Column]] = {
    "clusters": [
        ("cluster", "Cluster", "text"),
        ("n_cells", "Cells", "count"),
        ("cell_type", "Cell type", "text"),
        ("cell_subtype", "Subtype", "text"),
        ("confidence", "Confidence", "number"),
        ("mark", "Mark", "text"),
        ("alternative", "Runner-up", "text"),
        ("source", "Source", "text"),
        ("top_markers", "Top markers", "text"),
    ],
    "ambient": [
        ("sample", "Sample", "text"),
        ("ambient", "Ambient share", "share"),
        *SHARE_INTERVAL,
        ("genes", "Told by", "text"),
        ("n_cells", "In cells that make none", "count"),
        ("source", "Make-up seen in", "text"),
        ("umis_per_cell", "Ambient UMIs per cell", "number"),
        ("ig_per_cell", "Of immunoglobulin", "number"),
        ("top_genes", "Most abundant", "text"),
        ("status", "Status", "text"),
    ],
    "car_cells": [
        *SAMPLE,
        ("sample", "Sample", "text"),
        ("n_t_cells", "T cells", "count"),
        ("n_car", "CAR+", "count"),
        ("fraction", "Share", "share"),
        *SHARE_INTERVAL,
        ("cd4", "CD4", "count"),
        ("cd8", "CD8", "count"),
        ("threshold", "UMIs needed", "count"),
        ("false_positive_bound", "False positives below", "share"),
        ("n_ambient", "Of CAR+ ambient", "number"),
        ("status", "Status", "text"),
    ],
    "diversity": [
        *SAMPLE,
        ("receptor", "Receptor", "text"),
        ("compartment", "Cells of", "text"),
        ("n_cells", "Cells", "count"),
        ("n_clones", "Clones", "count"),
        ("n_repeats", "Repeats", "count"),
        ("coverage", "Coverage", "share"),
        ("m", "m", "count"),
        ("value", "Equally common clones", "number"),
        *INTERVAL,
        ("status", "Status", "text"),
    ],
    "clone_fates": [
        ("clone_id", "Clone", "text"),
        ("v_call", "V gene", "text"),
        ("junction_aa", "CDR3", "text"),
        ("comparison", "Comparison", "spoken"),
        ("n_baseline", "Cells before", "count"),
        ("n_followup", "Cells after", "count"),
        ("fate", "Fate", "text"),
        ("detection_limit", "Detection limit", "share"),
        ("text", "In words", "text"),
    ],
    "lookup": [
        ("clone_id", "Clone", "text"),
        ("label", "Label", "text"),
        ("locus", "Locus", "text"),
        ("v_call", "V gene", "text"),
        ("junction_aa", "CDR3", "text"),
        ("matched_on", "Agreed on", "text"),
        ("n_cells", "Cells", "count"),
        ("timepoints", "By timepoint", "tally"),
    ],
    "turnover": [
        ("patient", "Patient", "text"),
        ("comparison", "Comparison", "spoken"),
        ("receptor", "Receptor", "text"),
        ("n_new", "New cells", "count"),
        ("n_followup", "Of", "count"),
        ("fraction_new", "Share new", "share"),
        *SHARE_INTERVAL,
        ("expected_new", "Without change", "share"),
        ("expected_low", "95 % from", "share"),
        ("expected_high", "to", "share"),
        ("p_value", "p", "p"),
        ("status", "Status", "text"),
    ],
    "car_clones": [
        *SAMPLE,
        ("n_car", "CAR+ cells with a clone", "count"),
        ("n_t_cells", "Of T cells", "count"),
        ("fraction", "Share", "share"),
        *SHARE_INTERVAL,
        ("n_clones", "Clones", "count"),
        ("largest_fraction", "Largest holds", "share"),
        ("n_clones_at_baseline", "Clones seen at baseline", "count"),
        ("fraction_at_baseline", "Cells in these", "share"),
    ],
    "returned_clones": [
        ("clone_id", "Clone", "text"),
        ("v_call", "V gene", "text"),
        ("junction_aa", "CDR3", "text"),
        ("comparison", "Comparison", "spoken"),
        ("alarm", "Alarm", "text"),
        ("followed", "At baseline", "text"),
        ("n_baseline", "Cells before", "count"),
        ("n_followup", "Cells after", "count"),
        ("share_followup", "Share after", "share"),
        ("not_seen_at", "Not seen at", "spoken"),
    ],
    "isotypes": [
        *SAMPLE,
        ("isotype", "Isotype", "text"),
        ("n_cells", "Cells", "count"),
        ("n_total", "Of", "count"),
        ("fraction", "Share", "share"),
        *SHARE_INTERVAL,
        ("fraction_clones", "Share, each clone once", "share"),
        ("status", "Status", "text"),
    ],
    "hypermutation": [
        *SAMPLE,
        ("isotype", "Isotype", "text"),
        ("n_v_identity", "Cells", "count"),
        ("mutation_median", "Median of the cells", "share"),
        ("n_v_identity_clones", "Clones", "count"),
        ("mutation_median_clones", "Median of the clones", "share"),
        ("mutation_low", "95 % from", "share"),
        ("mutation_high", "to", "share"),
    ],
    "gene_usage_change": [
        ("v_call", "V gene", "text"),
        ("scope", "Scope", "text"),
        ("comparison", "Comparison", "spoken"),
        ("subset", "Among", "text"),
        ("unit", "By", "text"),
        ("before", "Before", "text"),
        ("after", "After", "text"),
        ("measure", "Measure", "text"),
        ("estimate", "Change", "number"),
        *INTERVAL,
        ("p_value", "p", "p"),
        ("q_value", "q", "p"),
        ("n_patients", "Patients", "count"),
        ("status", "Status", "text"),
    ],
    "pathway_change": [
        ("scope", "Scope", "text"),
        ("comparison", "Comparison", "spoken"),
        ("cell_type", "Cell type", "text"),
        ("gene_set", "Gene set", "spoken"),
        ("estimate", "log2 change", "number"),
        *INTERVAL,
        ("n_patients", "Patients", "count"),
        ("status", "Status", "text"),
    ],
    "enrichment": [
        ("comparison", "Comparison", "spoken"),
        ("cell_type", "Cell type", "text"),
        ("gene_set", "Gene set", "spoken"),
        ("method", "Method", "text"),
        ("nes", "NES", "number"),
        ("p_value", "p", "p"),
        ("q_value", "q", "p"),
        ("sign_count", "Patients that agree", "count"),
        ("n_pairs", "Of", "count"),
        ("ranked_by", "Ranked by", "text"),
    ],
    "overlap": [
        ("patient", "Patient", "text"),
        ("comparison", "Comparison", "spoken"),
        ("receptor", "Receptor", "text"),
        ("n_shared_clones", "Shared clones", "count"),
        ("m_baseline", "Cells drawn, baseline", "count"),
        ("m_followup", "Cells drawn, follow-up", "count"),
        ("morisita_horn_at_m", "Morisita-Horn", "number"),
        ("morisita_horn_expected", "Without change", "number"),
        ("morisita_horn_low", "95 % from", "number"),
        ("morisita_horn_high", "to", "number"),
        ("status", "Status", "text"),
    ],
    "composition": [
        *SAMPLE,
        ("cell_type", "Cell type", "text"),
        ("n_cells", "Cells", "count"),
        ("fraction", "Share", "share"),
        *SHARE_INTERVAL,
        ("cells_per_ul", "Cells per µL", "number"),
        ("cells_per_ul_low", "95 % from", "number"),
        ("cells_per_ul_high", "to", "number"),
    ],
    "composition_change": [
        ("scope", "Scope", "text"),
        ("comparison", "Comparison", "spoken"),
        ("cell_type", "Cell type", "text"),
        ("estimate", "Share, log2", "number"),
        *INTERVAL,
        ("arithmetic", "Arithmetic", "number"),
        ("estimate_without_b", "Without B", "number"),
        ("cells_per_ul_baseline", "Per µL before", "number"),
        ("cells_per_ul_followup", "after", "number"),
        ("cells_per_ul_change", "change", "number"),
        ("cells_per_ul_change_low", "95 % from", "number"),
        ("cells_per_ul_change_high", "to", "number"),
    ],
    "clinical": [
        ("patient", "Patient", "text"),
        ("day", "Day", "plain"),
        ("kind", "Kind", "text"),
        ("measure", "Measure", "spoken"),
        ("value", "Value", "plain"),
        ("unit", "Unit", "text"),
        ("sample", "Sample", "text"),
    ],
}
COLUMNS |= report_guard.COLUMNS
LIMITS = {
    "clone_fates": 200,
    "gene_usage_change": 100,
    "clinical": 300,
    "enrichment": 150,
    "pathway_change": 300,
}
LIMITS |= {"composition": 400, "composition_change": 400, "design_guard": 300, "reference": 400}


def marked_clusters(frame: pd.DataFrame, least: float) -> pd.DataFrame:
    """Return the clusters with a column `mark`: "low" where the confidence is below `least`."""
    confidence = pd.to_numeric(frame["confidence"], errors="coerce")
    return frame.assign(mark=["low" if value < least else "" for value in confidence])


def qc_columns(frame: pd.DataFrame) -> list[Column]:
    """Return the columns of the quality control: every reason of loss that took a cell."""
    lost = [c for c in frame.columns if c.startswith("lost_") and frame[c].fillna(0).ne(0).any()]
    named = {"mt": "mitochondrial"}
    heads = [" ".join(named.get(w, w) for w in c.split("_")[1:]) for c in lost]
    fixed = [("sample", "Sample", "text"), ("barcodes_in", "Barcodes", "count")]
    counts = [(c, f"Lost: {head}", "count") for c, head in zip(lost, heads, strict=True)]
    cells = [("n_bcr_cells", "With BCR", "count"), ("n_tcr_cells", "With TCR", "count")]
    return [*fixed, ("cells_kept", "Kept", "count"), *counts, *cells]


def target_columns(frame: pd.DataFrame) -> list[Column]:
    """Return the columns of the CAR's targets: the cells, and the share that expresses each."""
    shares = [c for c in frame.columns if c.endswith("_share")]
    heads = [f"{c.removesuffix('_share')}+ at baseline" for c in shares]
    return [
        ("patient", "Patient", "text"),
        ("comparison", "Comparison", "spoken"),
        ("cell_type", "Cell type", "text"),
        ("n_baseline", "Cells before", "count"),
        ("n_followup", "Cells after", "count"),
        *((c, head, "share") for c, head in zip(shares, heads, strict=True)),
    ]


MADE: dict[str, Callable[[pd.DataFrame], list[Column]]] = {
    "qc": qc_columns,
    "on_target": target_columns,
}
