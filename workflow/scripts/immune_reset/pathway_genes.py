"""The single genes behind a change of a gene set: one strong gene can carry the sum."""

import numpy as np
import pandas as pd


def sum_genes(gene_counts: pd.DataFrame, cells: pd.DataFrame, cell_types: dict) -> pd.DataFrame:
    """Return the UMIs of each gene by cell type: cell_type, symbol, umis.

    `gene_counts` has cell_id, symbol, count; `cells` cell_id, cell_type; `cell_types` gives each
    type's name and the labels that it sums.
    """
    kind = cells.set_index("cell_id")["cell_type"]
    counted = gene_counts.assign(label=gene_counts["cell_id"].astype(str).map(kind))
    counted = counted.groupby(["label", "symbol"], observed=True)["count"].sum().reset_index()
    parts = [
        counted.loc[counted["label"].isin(labels)]
        .groupby("symbol", observed=True)["count"]
        .sum()
        .rename("umis")
        .reset_index()
        .assign(cell_type=name)
        for name, labels in cell_types.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"symbol": str})


def gene_changes(
    sums: pd.DataFrame, totals: pd.DataFrame, changes: pd.DataFrame, members: pd.DataFrame
) -> pd.DataFrame:
    """Return the genes behind each patient's change: what one gene did, and the set without it.

    Parameters
    ----------
    sums
        patient, timepoint, cell_type, symbol, umis.
    totals
        patient, timepoint, cell_type, total_umis.
    changes
        Rows of `patient_changes`.
    members
        gene_set, symbol.

    Returns
    -------
    patient, comparison, cell_type, gene_set, symbol, umis_baseline, umis_followup,
    log2_change (of the gene's share of all UMIs), share_of_set (of the set's UMIs in both samples),
    change_without (of the set, this gene left out). Genes without a UMI in both are left out.
    """
    rows = changes.loc[changes["status"].isin(["scorable", "bound"])]
    keys = ["patient", "comparison", "baseline", "followup", "cell_type", "gene_set"]
    rows = rows[[*keys, "umis_baseline", "umis_followup"]].merge(members, on="gene_set")
    for time in ("baseline", "followup"):
        at = {"timepoint": time, "umis": f"gene_{time}", "total_umis": f"total_{time}"}
        on = ["patient", time, "cell_type"]
        rows = rows.merge(sums.rename(columns=at), on=[*on, "symbol"], how="left")
        rows = rows.merge(totals.rename(columns=at), on=on, how="left")
    rows = rows.fillna({"gene_baseline": 0, "gene_followup": 0})
    rows = rows.loc[rows["gene_baseline"] + rows["gene_followup"] > 0]
    return _gene_columns(rows).reset_index(drop=True)


def _gene_columns(rows: pd.DataFrame) -> pd.DataFrame:
    gene, total, rest = {}, {}, {}
    for time in ("baseline", "followup"):
        gene[time] = rows[f"gene_{time}"].astype(float)
        total[time] = rows[f"total_{time}"].astype(float) + 1
        rest[time] = rows[f"umis_{time}"].astype(float) - gene[time]

    def change_of(umis: dict) -> pd.Series:
        share = {time: (umis[time] + 0.5) / total[time] for time in umis}
        return np.log2(share["followup"] / share["baseline"])

    both = rows["umis_baseline"].astype(float) + rows["umis_followup"].astype(float)
    out = rows[["patient", "comparison", "cell_type", "gene_set", "symbol"]].copy()
    out["umis_baseline"] = gene["baseline"].astype(int)
    out["umis_followup"] = gene["followup"].astype(int)
    out["log2_change"] = change_of(gene)
    out["share_of_set"] = (gene["baseline"] + gene["followup"]) / both
    out["change_without"] = change_of(rest)
    return out
