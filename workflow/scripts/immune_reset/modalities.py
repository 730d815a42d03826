"""Parts of the cohort's MuData: counts appended on disk, receptors as scirpy keeps them."""

import logging
from collections.abc import Iterable

import anndata as ad
import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import scirpy as ir
from anndata.io import sparse_dataset, write_elem
from scipy import sparse

logger = logging.getLogger(__name__)

COMPRESSION = {"compression": "gzip", "compression_opts": 1}
OF_COUNTS = COMPRESSION | {"shuffle": True}
"""A quarter smaller than gzip's level 4 in two fifths of the time, and R reads it."""
FLAGS = ["productive", "rev_comp"]


def gene_table(genes_by_sample: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the genes of all samples, in the order in which they are first met.

    `genes_by_sample` holds each sample's var (index gene_id). Adds `n_samples_measured` and
    `samples_measured` ("all", or the samples joined by commas): a gene that a sample does not
    measure is stored as 0 there, and is not a zero.
    """
    if not genes_by_sample:
        return pd.DataFrame()
    seen: dict[str, list[str]] = {}
    for sample, genes in genes_by_sample.items():
        for gene in genes.index:
            seen.setdefault(gene, []).append(sample)
    order = list(seen)
    everything = pd.concat(genes_by_sample.values())
    table = everything.loc[~everything.index.duplicated()].reindex(order)
    table = table[[c for c in ("symbol", "feature_type") if c in table]].astype(str)
    n = len(genes_by_sample)
    table["n_samples_measured"] = [len(samples) for samples in seen.values()]
    table["samples_measured"] = ["all" if len(s) == n else ",".join(s) for s in seen.values()]
    return table.rename_axis("gene_id")


def align(counts: ad.AnnData, cell_ids: pd.Index, genes: pd.Index) -> sparse.csr_matrix:
    """Return the counts of `cell_ids` (rows, that order) over all `genes` (columns).

    Row pointers are 64-bit, so that the file can grow past 2^31 counts.

    Raises
    ------
    KeyError
        If a kept cell is not in the matrix.
    """
    rows = counts.obs_names.get_indexer(cell_ids)
    if (rows < 0).any():
        raise KeyError(f"{int((rows < 0).sum())} kept cells are not in the matrix")
    chosen = sparse.csr_matrix(counts.X)[rows].tocoo()
    columns = genes.get_indexer(counts.var_names)[chosen.col]
    shape = (len(cell_ids), len(genes))
    matrix = sparse.csr_matrix((chosen.data.astype(np.float32), (chosen.row, columns)), shape=shape)
    matrix.sort_indices()
    matrix.indptr = matrix.indptr.astype(np.int64)
    return matrix


def append_counts(group: h5py.Group, blocks: Iterable[sparse.csr_matrix]) -> None:
    """Replace `group["X"]` by the blocks stacked one below the other, compressed, one at a time."""
    del group["X"]
    for block in blocks:
        if "X" in group:
            sparse_dataset(group["X"]).append(block)
        else:
            write_elem(group, "X", block, dataset_kwargs=OF_COUNTS)


def receptor_modality(chains: pd.DataFrame, obs: pd.DataFrame) -> ad.AnnData:
    """Return scirpy's AnnData of the receptors: obsm `airr` and `chain_indices`.

    `chains` has one row per chain in AIRR terms; chains of cells that were not kept are dropped.
    Cells come in the order of `obs`, those with a chain only. `chain_qc` adds receptor_type,
    receptor_subtype and chain_pairing.
    """
    position = obs.index.get_indexer(chains["cell_id"])
    logger.info("%d of %d chains lie in kept cells", (position >= 0).sum(), len(chains))
    chains = chains.assign(_position=position).loc[position >= 0]
    chains = chains.sort_values("_position", kind="stable")
    positions, counts = np.unique(chains["_position"], return_counts=True)
    fields = chains.drop(columns=["cell_id", "_position"])
    for flag in [c for c in FLAGS if c in fields]:
        fields[flag] = fields[flag].astype("boolean")
    required = set(ir.io.AirrCell.empty_chain_dict())
    fields = fields.reindex(columns=sorted(required.union(fields.columns)))
    fields = fields.astype({c: "string" for c in fields if fields[c].isna().all()})
    records = ak.from_arrow(pa.Table.from_pandas(fields, preserve_index=False))
    modality = ad.AnnData(obs=obs.iloc[positions].copy(), uns={"scirpy_version": ir.__version__})
    modality.obsm["airr"] = ak.to_packed(ak.unflatten(records, counts))
    ir.pp.index_chains(modality)
    modality.obs = modality.obs.drop(columns=["receptor_type"], errors="ignore")
    ir.tl.chain_qc(modality)
    return modality


def coordinates(table: pd.DataFrame, cell_ids: pd.Index) -> np.ndarray:
    """Return the numeric columns of `table` for `cell_ids`; cells that it lacks are NaN."""
    return table.set_index("cell_id").reindex(cell_ids).to_numpy(dtype=np.float32)


def layers(
    frames: dict[str, pd.DataFrame | None], cell_ids: pd.Index
) -> dict[str, np.ndarray | pd.DataFrame]:
    """Return obsm of the `gex` modality: X_umap, X_pca and the per-cell `scores`, where given."""
    keys = {"umap": "X_umap", "embedding": "X_pca"}
    found: dict[str, np.ndarray | pd.DataFrame] = {
        keys[name]: coordinates(frames[name], cell_ids)
        for name in keys
        if frames.get(name) is not None
    }
    scores = frames.get("scores")
    if scores is not None:
        found["scores"] = scores.set_index("cell_id").reindex(cell_ids)
    return found


def expression_modality(
    obs: pd.DataFrame, genes: pd.DataFrame, layers: dict[str, np.ndarray | pd.DataFrame]
) -> ad.AnnData:
    """Return the `gex` modality with an empty matrix of the right shape, to be filled on disk."""
    empty = sparse.csr_matrix((len(obs), len(genes)), dtype=np.float32)
    return ad.AnnData(X=empty, obs=obs, var=genes, obsm=layers)
