"""Parts of the cohort's MuData: receptors as scirpy keeps them, and what describes the cells."""

import logging

import anndata as ad
import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import scirpy as ir
from scipy import sparse

from immune_reset.exported import coordinates

logger = logging.getLogger(__name__)

FLAGS = ["productive", "rev_comp"]


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
