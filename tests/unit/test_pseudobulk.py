"""Pseudobulks: clusters mapped to types, samples pooled, units and genes chosen."""

import numpy as np
import pandas as pd

from immune_reset import pseudobulk

DESIGN = {
    "timepoints": ["pre", "post"],
    "baseline": "pre",
    "samples": [
        {"sample": "a", "patient": "P1", "timepoint": "pre"},
        {"sample": "b", "patient": "P1", "timepoint": "post"},
        {"sample": "b2", "patient": "P1", "timepoint": "post"},
        {"sample": "h", "patient": "H1", "timepoint": "pre", "in_cohort": False},
    ],
}


def test_a_cluster_takes_the_type_of_most_of_its_cells():
    labels = pd.DataFrame(
        {"cluster": list("000111"), "cell_type": ["B", "B", "NK", "DC", "B", "B"]}
    )
    labels.loc[len(labels)] = ["2", "NK"]
    labels.loc[len(labels)] = ["2", "B"]
    assert pseudobulk.cluster_types(labels).to_dict() == {"0": "B", "1": "B", "2": "B"}


def test_controls_and_samples_without_counts_are_left_out():
    samples = pseudobulk.cohort_samples(DESIGN, {"a", "b", "h"})
    assert list(samples["sample"]) == ["a", "b"]


def test_clusters_of_a_type_and_replicates_are_summed():
    samples = pseudobulk.cohort_samples(DESIGN, {"a", "b", "b2", "h"})
    types = pd.Series({"0": "B", "1": "B", "2": "NK"})
    table = pd.DataFrame(
        [("a", "0", "g", 1), ("a", "1", "g", 2), ("b", "0", "g", 4), ("b2", "0", "g", 8),
         ("b", "2", "g", 16), ("h", "0", "g", 32), ("a", "9", "g", 64)],
        columns=["sample", "cluster", "gene_id", "counts"],
    )  # fmt: skip
    pooled = pseudobulk.pool(table, samples, types, ["gene_id"])
    got = pooled.set_index(["patient", "timepoint", "cell_type"])["counts"].to_dict()
    assert got == {
        ("P1", "pre", "B"): 3, ("P1", "post", "B"): 12, ("P1", "post", "NK"): 16,
    }  # fmt: skip


def test_units_need_cells_and_umis():
    sizes = pd.DataFrame({"n_cells": [10, 9, 50], "total_counts": [1000, 5000, 999]})
    assert pseudobulk.fit_units(sizes, min_cells=10, min_counts=1000).index.tolist() == [0]


def test_a_gene_that_one_sample_lacks_is_not_a_zero():
    genes = {"a": pd.DataFrame({"gene_id": ["x", "y"]}), "b": pd.DataFrame({"gene_id": ["y", "z"]})}
    measured = pseudobulk.measured_in(genes, ["a", "b"])
    assert measured.tolist() == ["y"]
    counts = pd.DataFrame(
        {"patient": "P1", "timepoint": ["pre", "pre", "post"], "gene_id": ["x", "y", "y"]}
    ).assign(counts=[5, 6, 7])
    units = pd.DataFrame({"patient": ["P1", "P1"], "timepoint": ["post", "pre"]})
    got = pseudobulk.matrix(counts, units, np.array(["w", "y"]))
    assert got.to_numpy().tolist() == [[0, 7], [0, 6]]
    assert list(got.columns) == ["w", "y"]
