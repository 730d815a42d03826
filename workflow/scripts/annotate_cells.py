"""Name each cell by its markers, its cluster and its neighbours; the user's own word wins."""

import logging

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import softmax

from immune_reset import annotation, marker_evidence, tables, text_files, vocabulary
from immune_reset.annotation import Reference
from immune_reset.cluster_genes import top_genes
from immune_reset.errors import at
from immune_reset.runtime import start

logger = logging.getLogger("annotate_cells")


def cluster_of(cells: pd.DataFrame, groups: pd.DataFrame) -> pd.Series:
    """Return each cell's cluster; a cell without one is in the cluster "" and counted in the log.

    Raises
    ------
    InputError
        If no cell has a cluster: the user's labels do not name these cells.
    """
    cluster = cells["cell_id"].map(groups.set_index("cell_id")["cluster"])
    missing = int(cluster.isna().sum())
    if missing == len(cells):
        found = (
            f"none of its {len(groups)} cells is in the data (such as {cells['cell_id'].iat[0]})"
        )
        raise at(
            "annotation.labels", found, "Name the cells as sample:barcode, samples as in the sheet"
        )
    if missing:
        logger.warning("%d of %d cells have no label of their own", missing, len(cells))
    return cluster.fillna("").astype(str)


def label_cells(
    cells: pd.DataFrame, logp: np.ndarray, allowed: np.ndarray, reference: Reference
) -> pd.DataFrame:
    """Return cell_type, cell_subtype and confidence of each cell by its most probable state.

    The type is the one with the most probability over its states, the subtype the best state of
    that type; `confidence` is the probability of the type by the markers alone.
    """
    states = reference.states
    names = list(dict.fromkeys(states["cell_type"]))
    of_type = (states["cell_type"].to_numpy()[:, None] == np.array(names, dtype=object)).astype(
        float
    )
    free = softmax(logp, axis=1) @ of_type
    bounded = np.where(allowed, logp, logp - 1e6)
    best = (softmax(bounded, axis=1) @ of_type).argmax(axis=1)
    inside = np.where(of_type.T[best] > 0, bounded, -np.inf)
    return cells.assign(
        cell_type=np.array(names, dtype=object)[best],
        cell_subtype=states["cell_subtype"].to_numpy(object)[inside.argmax(axis=1)],
        confidence=np.clip(free[np.arange(len(cells)), best], 0, 1),
    )


def describe_clusters(
    labels: pd.DataFrame, shares: pd.DataFrame, tops: pd.Series, *, min_confidence: float
) -> pd.DataFrame:
    """Return one row per cluster: its label, how far it leads, and the runner-up.

    `shares`: clusters x types, the mean probability by the markers. `confidence` is the share of
    the label less the largest other; `note` says "uncertain" below `min_confidence` and how many
    cells of the cluster carry another type.
    """
    rows = []
    numbers = pd.to_numeric(shares.index.to_series(), errors="coerce")
    order = sorted(shares.index, key=lambda c: (pd.isna(numbers[c]), numbers[c], c))
    for cluster in order:
        inside = labels[labels["cluster"] == cluster]
        kind = inside["cell_type"].mode().iloc[0]
        own = inside[inside["cell_type"] == kind]
        others = shares.loc[cluster].drop(kind, errors="ignore")
        margin = float(shares.loc[cluster].get(kind, np.nan) - others.max())
        apart = len(inside) - len(own)
        notes = ["uncertain"] if margin < min_confidence else []
        notes += [f"{apart} cells of another type"] if apart else []
        row = {
            "cluster": cluster,
            "n_cells": len(inside),
            "cell_type": kind,
            "cell_subtype": own["cell_subtype"].mode().iloc[0],
            "confidence": round(margin, 4) if np.isfinite(margin) else np.nan,
            "alternative": others.idxmax() if others.max() >= 0.005 else "",
            "alternative_score": round(float(others.max()), 4) if others.max() >= 0.005 else np.nan,
            "source": inside["source"].iloc[0],
            "top_markers": tops.get(cluster, ""),
            "note": "; ".join(notes),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def give_up(labels: pd.DataFrame, lacking: np.ndarray) -> pd.DataFrame:
    """Return labels in which the cells that lack their type's markers are `unassigned`."""
    out = labels.copy()
    out.loc[lacking, ["cell_type", "cell_subtype"]] = "unassigned", ""
    if lacking.any():
        logger.warning("%d cells lack the markers of any known type: unassigned", lacking.sum())
    return out


def type_shares(logp: np.ndarray, clusters: pd.Series, reference: Reference) -> pd.DataFrame:
    """Return the mean probability of each cell type (columns) in each cluster (index)."""
    by_state = pd.DataFrame(np.exp(logp)).groupby(clusters.to_numpy()).mean()
    return by_state.T.groupby(reference.states["cell_type"].to_numpy(), sort=False).sum().T


def name_cells(
    cells: pd.DataFrame,
    evidence: marker_evidence.Evidence,
    reference: Reference,
    graph: sparse.csr_matrix,
    said: pd.DataFrame,
    *,
    source: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the label of each cell, and the mean probability of each type by cluster.

    `cells`: cell_id, sample, cluster, to which cell_type, cell_subtype, confidence and source are
    added; `said`: what the user says of the clusters, which wins; `source`: of the user's word.
    """
    clusters = cells["cluster"].to_numpy()
    logp = annotation.assign_states(evidence, reference, clusters, graph)
    allowed = vocabulary.allowed_states(said, cells["cluster"], reference.states)
    labels = label_cells(cells, logp, allowed, reference)
    lacking = annotation.unsupported(evidence, reference, clusters, labels["cell_type"].to_numpy())
    labels = give_up(labels, lacking & ~cells["cluster"].isin(said.index).to_numpy())
    shares = type_shares(logp, cells["cluster"], reference)
    return vocabulary.apply_words(labels, said, source=source), shares


def main(smk) -> None:
    """Snakemake entry point: read, compute, write."""
    start(smk)
    get, files = tables.read, smk.input
    panel = text_files.plain_table(files.markers)
    markers = marker_evidence.combine(panel, place=str(files.markers))
    kinds, groups = get(files.cell_types).fillna(""), get(files.groups)
    frames, soup = ([get(p) for p in files[n]] for n in ("marker_counts", "marker_ambient"))
    symbols = markers["symbol"].unique().tolist()
    cells, evidence, genes = marker_evidence.gather(frames, symbols, soup)
    cells["cluster"] = cluster_of(cells, groups)
    own, path = "source" in groups, tables.optional(files, "overrides")
    words = text_files.plain_table(path) if path and not own else None
    said = (
        vocabulary.own_words(cells["cluster"], kinds)
        if own
        else vocabulary.read_words(cells["cluster"], words, kinds, place=str(path))
    )
    graph, order = sparse.load_npz(files.graph), get(files.graph_cells)["cell_id"]
    graph = marker_evidence.align_graph(graph, order, cells["cell_id"])
    reference = annotation.build_reference(markers, genes)
    source = "own" if own else "override"
    labels, shares = name_cells(cells, evidence, reference, graph, said, source=source)
    sums = [tables.read_many(files[n]) for n in ("pseudobulk", "sizes", "genes")]
    tops = top_genes(*sums, n_samples=len(frames))
    least = smk.params.cfg["annotation.min_confidence"]
    tables.write(labels, smk.output.labels)
    tables.write(describe_clusters(labels, shares, tops, min_confidence=least), smk.output.clusters)


if __name__ == "__main__":
    main(snakemake)
