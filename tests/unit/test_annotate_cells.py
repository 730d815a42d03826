"""From marker counts, clusters and the user's words to labels and the table of clusters."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from unit.annotation_jobs import MARKERS, block_graph, job, simulate

import annotate_cells
from immune_reset import tables
from immune_reset.errors import InputError

NUMBERS = {"CD4 naive": 80, "CD8 effector": 60, "CD14 monocyte": 80, "naive B": 40, "memory B": 30}
CLUSTER = {"CD4 naive": "0", "CD8 effector": "2", "CD14 monocyte": "1"}


def run(folder, *, groups=None, overrides=None, min_confidence=0.1):
    """Run the script on two simulated samples; returns truth, labels and clusters."""
    truth, frames = simulate(NUMBERS, n_samples=2)
    cluster = truth["state"].map(CLUSTER).fillna("10")
    own = pd.DataFrame({"cell_id": truth["cell_id"], "cluster": cluster})
    inputs = {"markers": MARKERS / "pbmc.tsv", "cell_types": MARKERS / "cell_types.tsv"}
    written = {"groups": own if groups is None else groups(truth)}
    order = np.random.default_rng(1).permutation(len(truth))
    written["graph_cells"] = truth.iloc[order][["cell_id"]]
    graph = block_graph(cluster)[order][:, order]
    inputs["graph"] = folder / "graph.npz"
    sparse.save_npz(inputs["graph"], graph)
    for name, frame in written.items():
        inputs[name] = folder / f"{name}.parquet"
        tables.write(frame.reset_index(drop=True), inputs[name])
    per_sample = {
        "marker_counts": [],
        "marker_ambient": [],
        "pseudobulk": [],
        "sizes": [],
        "genes": [],
    }
    for i, frame in enumerate(frames):
        kept = truth["sample"] == f"S{i}"
        sums = frame.drop(columns="cell_id").groupby(cluster[kept].to_numpy())
        sizes = sums["total_counts"].agg(n_cells="size", total_counts="sum").rename_axis("cluster")
        counts = sums.sum().drop(columns="total_counts").rename_axis("cluster")
        seen = (frame.set_index("cell_id").drop(columns="total_counts") > 0).groupby(
            cluster[kept].to_numpy()
        )
        long = counts.stack().rename("counts").to_frame()
        long["n_expressing"] = seen.sum().rename_axis("cluster").stack()
        long = long.rename_axis(["cluster", "gene_id"]).reset_index()
        genes = pd.DataFrame({"gene_id": counts.columns, "symbol": counts.columns})
        made = {
            "marker_counts": frame,
            "marker_ambient": pd.DataFrame({"symbol": counts.columns, "umis": 0.0}),
            "pseudobulk": long.assign(sample=f"S{i}"),
            "sizes": sizes.reset_index().assign(sample=f"S{i}"),
            "genes": genes,
        }
        for name, table in made.items():
            path = folder / f"S{i}_{name}.parquet"
            tables.write(table, path)
            per_sample[name].append(path)
    if overrides is not None:
        inputs["overrides"] = overrides
        if isinstance(overrides, pd.DataFrame):
            inputs["overrides"] = folder / "overrides.tsv"
            overrides.to_csv(inputs["overrides"], sep="\t", index=False)
    outputs = {"labels": folder / "labels.parquet", "clusters": folder / "clusters.tsv"}
    cfg = {"annotation.min_confidence": min_confidence}
    annotate_cells.main(job(inputs | per_sample, outputs, cfg=cfg))
    return truth, tables.read(outputs["labels"]), tables.read(outputs["clusters"])


def test_labels_follow_the_markers(tmp_path):
    truth, labels, clusters = run(tmp_path)
    assert labels["cell_id"].tolist() == truth["cell_id"].tolist()
    assert (labels["cell_subtype"] == truth["state"]).mean() > 0.93
    assert set(labels["source"]) == {"marker"}
    assert labels["confidence"].between(0, 1).all()
    table = clusters.set_index("cluster")
    assert table.index.tolist() == ["0", "1", "2", "10"]
    assert table["cell_type"].tolist() == ["CD4 T", "monocyte", "CD8 T", "B"]
    assert (table["confidence"] > 0.9).all()
    assert table["n_cells"].sum() == len(labels)
    assert "CD79A" in table.loc["10", "top_markers"]
    assert "CD14" in table.loc["1", "top_markers"] or "LYZ" in table.loc["1", "top_markers"]


def test_an_override_wins_for_every_cell_and_leaves_the_subtypes_to_the_markers(tmp_path):
    words = pd.DataFrame({"cluster": ["1", "10"], "label": ["NK cells", "B cells"]})
    truth, labels, clusters = run(tmp_path, overrides=words)
    mono = (truth["state"] == "CD14 monocyte").to_numpy()
    assert (labels.loc[mono, "cell_type"] == "NK").all()
    b_cells = truth["state"].str.endswith("B").to_numpy()
    assert (labels["cell_subtype"] == truth["state"])[b_cells].mean() > 0.9
    table = clusters.set_index("cluster")
    assert table["source"].to_dict() == {
        "0": "marker", "1": "override", "2": "marker", "10": "override",
    }  # fmt: skip
    assert table.loc["1", "alternative"] == "monocyte"
    assert table.loc["1", "confidence"] < 0 and "uncertain" in table.loc["1", "note"]


def test_a_cluster_that_does_not_exist_is_named(tmp_path):
    words = pd.DataFrame({"cluster": ["77"], "label": ["B"]})
    with pytest.raises(InputError, match="there is no cluster '77'"):
        run(tmp_path, overrides=words)


def test_own_labels_are_kept_and_translated(tmp_path, capfd):
    names = {"CD4 naive": "T cells", "CD8 effector": "T cells", "CD14 monocyte": "Odd ones"}

    def groups(truth):
        label = truth["state"].map(names).fillna("B cells")
        frame = pd.DataFrame({"cell_id": truth["cell_id"], "cluster": label, "source": "own"})
        return frame.iloc[:-3]

    truth, labels, clusters = run(tmp_path, groups=groups)
    odd = (truth["state"] == "CD14 monocyte").to_numpy()
    assert (labels.loc[odd, "cell_type"] == "Odd ones").all()
    assert labels.loc[odd, "confidence"].isna().all()
    t_cells = truth["state"].isin(["CD4 naive", "CD8 effector"]).to_numpy()
    kinds = truth["state"].map({"CD4 naive": "CD4 T", "CD8 effector": "CD8 T"})
    assert (labels["cell_type"] == kinds)[t_cells].mean() > 0.95
    log = capfd.readouterr().err
    assert "outside the vocabulary, kept as they are: Odd ones" in log
    assert "3 of 580 cells have no label of their own" in log
    assert set(labels["source"].iloc[:-3]) == {"own"}
    assert set(clusters["source"]) == {"own", "marker"}


def test_labels_of_other_cells_are_refused(tmp_path):
    def groups(truth):
        return pd.DataFrame({"cell_id": ["S9:x"], "cluster": ["B"], "source": ["own"]})

    with pytest.raises(InputError, match="none of its 1 cells is in the data"):
        run(tmp_path, groups=groups)


def test_top_genes_by_hand():
    from immune_reset.cluster_genes import top_genes

    rows = [
        ("S", "0", "A", 100, 9), ("S", "1", "A", 2, 2), ("S", "0", "B", 50, 5),
        ("S", "1", "B", 50, 5), ("S", "1", "MT-CO1", 900, 10), ("S", "1", "C", 30, 8),
        ("S", "1", "IGHV1-2", 400, 9),
    ]  # fmt: skip
    sums = pd.DataFrame(rows, columns=["sample", "cluster", "gene_id", "counts", "n_expressing"])
    sizes = pd.DataFrame(
        {"sample": "S", "cluster": ["0", "1"], "n_cells": [10, 10], "total_counts": [9000, 9000]}
    )
    names = sums["gene_id"].unique()
    genes = pd.DataFrame({"gene_id": names, "symbol": names})
    found = top_genes(sums, sizes, genes, n_samples=1)
    assert found.to_dict() == {"0": "A", "1": "C"}
    assert top_genes(sums, sizes, genes, n_samples=2).to_dict() == {"0": "", "1": ""}
