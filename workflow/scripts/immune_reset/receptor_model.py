"""From AIRR chains to one receptor a cell: accepted chains, primary and secondary, chain QC.

The model is scirpy's (Sturm et al. 2020, doi 10.1093/bioinformatics/btaa611; `index_chains` and
`chain_qc` of scirpy 0.22), in whole-column operations: a cell has at most two chains of each arm
(VJ: TRA, TRG, IGK, IGL; VDJ: TRB, TRD, IGH), the one with more UMIs (then reads, then junction) is
the primary, and a cell with a third chain of an arm is `multichain`. Cells with two alpha or two
light chains are ordinary cells (`extra VJ`). The tests hold the categories against scirpy's own.
One difference, on purpose: a multichain cell keeps its `receptor_type` (`TCR`, `BCR` or
`ambiguous`); `receptor_subtype` and `chain_pairing` say `multichain`.
"""

import numpy as np
import pandas as pd

VJ_LOCI = ("TRA", "TRG", "IGK", "IGL")
SLOTS = ("VJ_1", "VDJ_1", "VJ_2", "VDJ_2")
FIELDS = (
    "locus", "v_call", "j_call", "c_call", "junction", "junction_aa", "umi_count", "v_identity",
)  # fmt: skip
GENE_FIELDS = ("v_call", "j_call", "c_call")
RANKED_BY = ("umi_count", "consensus_count", "junction", "junction_aa")


def accept_chains(
    chains: pd.DataFrame, *, min_umis: int, productive_only: bool, high_confidence_only: bool
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the chains that count, and how many were left out for which reason.

    Reasons, exclusive, in this order: `low_confidence`, `not_productive`, `few_umis` (a chain
    whose file gives no UMI count is not judged by it), `no_junction` (no amino-acid junction).
    """
    reasons = {
        "low_confidence": ~chains["high_confidence"] & high_confidence_only,
        "not_productive": ~chains["productive"] & productive_only,
        "few_umis": (chains["umi_count"] < min_umis).fillna(False),
        "no_junction": chains["junction_aa"].isna(),
    }
    keep = np.ones(len(chains), dtype=bool)
    lost = {}
    for reason, bad in reasons.items():
        lost[reason] = int((keep & bad.to_numpy(dtype=bool)).sum())
        keep &= ~bad.to_numpy(dtype=bool)
    return chains[keep].reset_index(drop=True), lost


def strip_gene(calls: pd.Series) -> pd.Series:
    """Return gene names without allele, the first of a comma list: `IGKV1-33*01,..` -> `IGKV1-33`.

    Without it alleles and lists split clones (scirpy#561).
    """
    calls = calls.astype(object)
    known = {call: call.split(",")[0].split("*")[0].strip() for call in calls.dropna().unique()}
    return calls.map(known).astype(object)


def index_chains(chains: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cell with its primary and secondary chain of each arm.

    Columns: `cell_id`, `{slot}_{field}` for the slots `VJ_1 VDJ_1 VJ_2 VDJ_2` and the fields
    `locus v_call j_call c_call junction junction_aa umi_count v_identity` (genes without allele),
    and `multichain` (bool). Cells in the order of their first chain.
    """
    ranked = chains.assign(
        arm=np.where(chains["locus"].isin(VJ_LOCI), "VJ", "VDJ"),
        **{field: strip_gene(chains[field]) for field in GENE_FIELDS},
    )
    cells = pd.Index(ranked["cell_id"].unique(), name="cell_id")
    keys = ranked[list(RANKED_BY)].copy()
    for column in ("umi_count", "consensus_count"):
        keys[column] = keys[column].fillna(0).astype(np.int64)
    keys[["junction", "junction_aa"]] = keys[["junction", "junction_aa"]].fillna("")
    order = keys.sort_values(list(RANKED_BY), ascending=False, kind="stable").index
    ranked = ranked.loc[order]
    ranked["rank"] = ranked.groupby(["cell_id", "arm"]).cumcount() + 1
    wide = pd.DataFrame(index=cells)
    for slot in SLOTS:
        arm, rank = slot.split("_")
        chosen = ranked[(ranked["arm"] == arm) & (ranked["rank"] == int(rank))]
        chosen = chosen.set_index("cell_id")[list(FIELDS)].reindex(cells)
        wide[[f"{slot}_{field}" for field in FIELDS]] = chosen
    wide["multichain"] = cells.isin(ranked.loc[ranked["rank"] > 2, "cell_id"])
    return wide.reset_index()


def judge_chains(indexed: pd.DataFrame, chains: pd.DataFrame) -> pd.DataFrame:
    """Return `indexed` with `receptor_type`, `receptor_subtype` and `chain_pairing` in front.

    Categories as in scirpy's `chain_qc`; see the module for the one difference.
    """
    with_locus = chains["cell_id"].groupby(chains["locus"].astype(object)).unique()
    has = {n: indexed["cell_id"].isin(with_locus.get(n, ())).to_numpy() for n in ALL_LOCI}
    tcr = has["TRA"] | has["TRB"] | has["TRG"] | has["TRD"]
    bcr = has["IGH"] | has["IGK"] | has["IGL"]
    alpha_beta, gamma_delta = has["TRA"] | has["TRB"], has["TRG"] | has["TRD"]
    multichain = indexed["multichain"].to_numpy(dtype=bool)
    subtype = np.select(
        [
            multichain,
            alpha_beta & ~gamma_delta & ~bcr,
            gamma_delta & ~alpha_beta & ~bcr,
            has["IGH"] & ~has["IGK"] & ~has["IGL"] & ~tcr,
            has["IGH"] & has["IGK"] & has["IGL"] & ~tcr,
            has["IGL"] & ~has["IGK"] & ~tcr,
            has["IGK"] & ~has["IGL"] & ~tcr,
        ],
        ["multichain", "TRA+TRB", "TRG+TRD", "IGH", "IGH+IGK/L", "IGH+IGL", "IGH+IGK"],
        default="ambiguous",
    )
    judged = pd.DataFrame(
        {
            "cell_id": indexed["cell_id"],
            "receptor_type": np.select([tcr & bcr, tcr], ["ambiguous", "TCR"], default="BCR"),
            "receptor_subtype": subtype,
            "chain_pairing": _pairing(indexed, subtype),
        }
    )
    return judged.join(indexed.drop(columns=["cell_id", "multichain"]))


ALL_LOCI = ("IGH", "IGK", "IGL", "TRA", "TRB", "TRG", "TRD")


def _pairing(indexed: pd.DataFrame, subtype: np.ndarray) -> np.ndarray:
    vj, vdj, vj2, vdj2 = (indexed[f"{slot}_junction_aa"].notna().to_numpy() for slot in SLOTS)
    return np.select(
        [
            subtype == "multichain",
            subtype == "ambiguous",
            vj & vdj & vj2 & vdj2,
            vj & vdj & vdj2,
            vj & vdj & vj2,
            vj & vdj,
            vdj,
        ],
        [
            "multichain", "ambiguous", "two full chains", "extra VDJ", "extra VJ", "single pair",
            "orphan VDJ",
        ],
        default="orphan VJ",
    )  # fmt: skip
